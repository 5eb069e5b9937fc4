"""The state of a subscriber. Pure: what is known and what happens in, what is to be written out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.errors import BadToken

State = Literal["pending", "confirmed"]
Topic = Literal["products", "news", "offers"]
TOPICS: tuple[Topic, ...] = ("products", "news", "offers")

CONFIRM_WITHIN = timedelta(days=7)
MAIL_PAUSE = timedelta(minutes=10)
MAILS_A_DAY = 3


@dataclass(frozen=True)
class Subscriber:
    """One address. `key` stands for it wherever the address itself has no business."""

    key: str
    email: str
    state: State
    language: str
    topics: tuple[str, ...]
    consent: str  # the version of the declaration the person saw
    asked_at: datetime
    generation: int = 1  # counts the double opt-ins begun; a link belongs to one of them
    version: int = 1
    letters: int = 0  # confirmation mails owed so far
    lettered_at: tuple[datetime, ...] = ()  # those of the last day
    confirmed_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether nobody confirmed in time, whether or not the table has tidied up yet."""
        return self.state == "pending" and now >= self.asked_at + CONFIRM_WITHIN


@dataclass(frozen=True)
class Signup:
    """What somebody asks for."""

    key: str
    email: str
    language: str
    topics: tuple[str, ...]
    consent: str


@dataclass(frozen=True)
class Change:
    """What an event makes of a subscriber: nothing to write where `before is after`."""

    before: Subscriber | None
    after: Subscriber
    event: str = ""
    owes_confirmation: bool = False


def sign_up(before: Subscriber | None, signup: Signup, now: datetime) -> Change:
    """Somebody enters this address into the form: perhaps its owner, perhaps a stranger."""
    if before is None or before.is_expired(now):
        generation = before.generation + 1 if before else 1
        version = before.version + 1 if before else 1
        letters = before.letters if before else 0
        after = Subscriber(signup.key, signup.email, "pending", signup.language, signup.topics, signup.consent, now,
                           generation, version, letters + 1, (now,))  # fmt: skip
        return Change(before, after, "signup", owes_confirmation=True)
    if before.state == "confirmed" or not _may_write_again(before, now):
        return Change(before, before)
    recent = tuple(at for at in before.lettered_at if now - at < timedelta(days=1))
    after = replace(before, language=signup.language, topics=signup.topics, consent=signup.consent, asked_at=now,
                    version=before.version + 1, letters=before.letters + 1, lettered_at=(*recent, now))  # fmt: skip
    return Change(before, after, "signup", owes_confirmation=True)


def _may_write_again(subscriber: Subscriber, now: datetime) -> bool:
    recent = [at for at in subscriber.lettered_at if now - at < timedelta(days=1)]
    return len(recent) < MAILS_A_DAY and all(now - at >= MAIL_PAUSE for at in recent)


def confirm(before: Subscriber | None, generation: int, now: datetime) -> Change:
    """The owner of the address presses the button. Raises BadToken for a link that belongs to nothing alive."""
    if before is None or before.generation != generation or before.is_expired(now):
        raise BadToken
    if before.state == "confirmed":
        return Change(before, before)
    after = replace(before, state="confirmed", confirmed_at=now, version=before.version + 1)
    return Change(before, after, "confirmed")


def awaits_confirmation(subscriber: Subscriber | None, now: datetime) -> bool:
    """Whether a confirmation mail still has a point."""
    return subscriber is not None and subscriber.state == "pending" and not subscriber.is_expired(now)
