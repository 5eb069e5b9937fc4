"""The state of a subscriber. Pure: what is known and what happens in, what is to be written out."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.errors import BadToken, Conflict

State = Literal["pending", "confirmed", "unsubscribed", "refused", "bounced", "complained"]
Topic = Literal["products", "news", "offers"]
Letter = Literal["confirmation", "welcome", "access"]
TOPICS: tuple[Topic, ...] = ("products", "news", "offers")

CONFIRM_WITHIN = timedelta(days=7)
REFUSED_FOR = timedelta(days=365)
MAIL_PAUSE = timedelta(minutes=10)
MAILS_A_DAY = 3
SOFT_BOUNCES, SOFT_WITHIN = 3, timedelta(days=30)
ACCESS_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Subscriber:
    """One address. `key` stands for it wherever the address itself has no business."""

    key: str
    email: str
    state: State
    language: str
    topics: tuple[str, ...]
    consent: str  # the version of the declaration the person saw
    asked_at: datetime  # the last signup of this opt-in; the week to confirm counts from it
    since: datetime  # when this opt-in began
    first_letter: int = 1  # the confirmation mails of this opt-in are numbered from here
    version: int = 1
    letters: int = 0  # mails asked for by form so far: confirmations and links to one's data
    lettered_at: tuple[datetime, ...] = ()  # those of the last day
    confirmed_at: datetime | None = None
    ended_at: datetime | None = (
        None  # when the subscription ended; its proof is kept for a term from then
    )
    refused_at: datetime | None = None
    soft_bounces: tuple[tuple[str, datetime], ...] = ()  # by the mail service's id of each

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
    """What an event makes of a subscriber: nothing to write where `before is after`, gone where `after is None`."""

    before: Subscriber | None
    after: Subscriber | None
    event: str = ""
    owes: Letter | None = None

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.after is not self.before


def sign_up(before: Subscriber | None, signup: Signup, now: datetime, version: int = 0) -> Change:
    """Somebody enters this address into the form: perhaps its owner, perhaps a stranger.

    `version` is that of the last event known of the address, where the subscriber itself is gone. Letters are
    then numbered from the present millisecond on, so that no number of a forgotten subscriber comes again.
    """
    if before is None:
        first = int(now.timestamp() * 1000)
        after = Subscriber(
            signup.key,
            signup.email,
            "pending",
            signup.language,
            signup.topics,
            signup.consent,
            now,
            now,
            first,
            version + 1,
            first,
            (now,),
        )
        return Change(None, after, "signup", owes="confirmation")
    unwanted = before.refused_at is not None and now < before.refused_at + REFUSED_FOR
    if before.state in ("confirmed", "complained") or unwanted or not _may_write(before, now):
        return Change(before, before)
    asked = _lettered(
        before,
        now,
        email=signup.email,
        language=signup.language,
        topics=signup.topics,
        consent=signup.consent,
        asked_at=now,
        state="pending",
    )
    if before.state != "pending" or before.is_expired(now):
        asked = replace(
            asked,
            since=now,
            first_letter=asked.letters,
            confirmed_at=None,
            ended_at=None,
            soft_bounces=(),
        )
    return Change(before, asked, "signup", owes="confirmation")


def confirm(before: Subscriber | None, letter: int, now: datetime) -> Change:
    """The owner of the address presses the button in mail number `letter`. Raises BadToken for an outdated one."""
    if (
        before is None
        or not before.first_letter <= letter <= before.letters
        or before.is_expired(now)
    ):
        raise BadToken
    if before.state == "confirmed":
        return Change(before, before)
    if before.state != "pending":
        raise BadToken
    return Change(
        before,
        _next(before, state="confirmed", confirmed_at=now, refused_at=None),
        "confirmed",
        "welcome",
    )


def refuse(before: Subscriber | None, letter: int, now: datetime) -> Change:
    """ "That was not me." Raises BadToken for an outdated link, and once somebody has confirmed."""
    if (
        before is None
        or not before.first_letter <= letter <= before.letters
        or before.is_expired(now)
    ):
        raise BadToken
    if before.state == "refused":
        return Change(before, before)
    if before.state != "pending":
        raise BadToken
    # Its key is enough to keep the address from being mailed; the address itself has no further business here.
    return Change(
        before, _next(before, state="refused", email="", refused_at=now, ended_at=now), "refused"
    )


def unsubscribe(before: Subscriber | None, now: datetime) -> Change:
    """The subscriber has had enough. Always welcome, and always answered alike."""
    if before is None or before.state != "confirmed":
        return Change(before, before)
    return Change(before, _next(before, state="unsubscribed", ended_at=now), "unsubscribed")


def prefer(before: Subscriber | None, topics: tuple[str, ...], language: str) -> Change:
    """The subscriber chooses topics and language. Raises BadToken where there is no subscription."""
    if before is None or before.state != "confirmed":
        raise BadToken
    if (topics, language) == (before.topics, before.language):
        return Change(before, before)
    return Change(before, _next(before, topics=topics, language=language), "preferences")


def ask_access(before: Subscriber | None, now: datetime) -> Change:
    """Somebody asks for the data kept on an address: its owner gets a fresh link by mail, within the mails' limits."""
    if (
        before is None
        or before.state in ("refused", "bounced", "complained")
        or before.is_expired(now)
    ):
        return Change(before, before)
    if not _may_write(before, now):
        return Change(before, before)
    return Change(before, _lettered(before, now), "access", owes="access")


def bounce(
    before: Subscriber | None, hard: bool, id: str, mailed_at: datetime, at: datetime
) -> Change:
    """A mail came back. Events of mails from before the present opt-in, and those seen, change nothing."""
    if before is None or before.state in ("bounced", "complained") or mailed_at < before.since:
        return Change(before, before)
    if hard:
        return Change(before, _next(before, state="bounced", ended_at=at), "bounced")
    if id in {seen for seen, _ in before.soft_bounces}:
        return Change(before, before)
    # All that a window of 30 days around this one can hold; kept in order, so that the order of arrival is none.
    soft = tuple(sorted((*before.soft_bounces, (id, at)), key=lambda each: (each[1], each[0])))
    if _is_crowded(soft):
        return Change(
            before, _next(before, state="bounced", soft_bounces=soft, ended_at=at), "bounced"
        )
    return Change(before, _next(before, soft_bounces=soft[-10:]), "soft bounce")


def complain(before: Subscriber | None, at: datetime) -> Change:
    """The reader called a mail of ours spam: nothing more, whatever comes."""
    if before is None or before.state == "complained":
        return Change(before, before)
    return Change(before, _next(before, state="complained", ended_at=at), "complained")


def release(before: Subscriber | None, now: datetime) -> Change:
    """The staff have cleared up a complaint: the address may sign up again."""
    if before is None or before.state != "complained":
        return Change(before, before)
    return Change(before, _next(before, state="unsubscribed", ended_at=now), "released")


def erase(before: Subscriber | None) -> Change:
    """The person, or the staff for them, wants everything gone."""
    return Change(before, None, "erased")


def awaits_confirmation(subscriber: Subscriber | None, now: datetime) -> bool:
    """Whether a confirmation mail still has a point."""
    return (
        subscriber is not None and subscriber.state == "pending" and not subscriber.is_expired(now)
    )


def _is_crowded(soft: tuple[tuple[str, datetime], ...]) -> bool:
    times = [at for _, at in soft]
    return any(
        late - early <= SOFT_WITHIN
        for early, late in zip(times, times[SOFT_BOUNCES - 1 :], strict=False)
    )


def _may_write(subscriber: Subscriber, now: datetime) -> bool:
    recent = [at for at in subscriber.lettered_at if now - at < timedelta(days=1)]
    return len(recent) < MAILS_A_DAY and all(now - at >= MAIL_PAUSE for at in recent)


def _lettered(subscriber: Subscriber, now: datetime, **changes: object) -> Subscriber:
    recent = tuple(at for at in subscriber.lettered_at if now - at < timedelta(days=1))
    return _next(subscriber, letters=subscriber.letters + 1, lettered_at=(*recent, now), **changes)


def _next(subscriber: Subscriber, **changes: object) -> Subscriber:
    return replace(subscriber, version=subscriber.version + 1, **changes)  # type: ignore[arg-type]  # as the callers say


def import_(
    before: Subscriber | None,
    suppressed: bool,
    agreed: Signup,
    confirmed_at: datetime,
    now: datetime,
    version: int = 0,
) -> Change:
    """Another system's subscriber comes with the proof of having confirmed there at `confirmed_at`.

    Raises Conflict, naming the state, wherever this system knows better: what somebody decided here stands.
    """
    decided = (
        before.state if before is not None and before.state not in ("pending", "refused") else None
    )
    if (
        before is not None
        and before.refused_at is not None
        and now < before.refused_at + REFUSED_FOR
    ):
        decided = "refused"
    if suppressed or decided:
        raise Conflict("erased" if suppressed else str(decided))
    if before is None:
        none = int(
            now.timestamp() * 1000
        )  # letters are numbered on from here, as in `sign_up`; none was sent yet
        after = Subscriber(
            agreed.key,
            agreed.email,
            "confirmed",
            agreed.language,
            agreed.topics,
            agreed.consent,
            confirmed_at,
            now,
            none + 1,
            version + 1,
            none,
            confirmed_at=confirmed_at,
        )
    else:
        after = _next(
            before,
            email=agreed.email,
            state="confirmed",
            language=agreed.language,
            topics=agreed.topics,
            consent=agreed.consent,
            asked_at=confirmed_at,
            since=now,
            confirmed_at=confirmed_at,
            ended_at=None,
            refused_at=None,
            soft_bounces=(),
        )
    return Change(before, after, "imported")
