"""What a message is and how its state changes. Pure: time and ids are arguments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.outbox.lanes import Lane

State = Literal["due", "sending", "unclear", "sent", "void", "failed"]
FINAL: tuple[State, ...] = ("sent", "void", "failed")

# Longer than a delivering function may run (80 s), so that a living attempt is never taken over.
LEASE = timedelta(seconds=90)
# An unanswered message is sent again after this time, unless an event of SES's says it was sent.
UNCLEAR = timedelta(minutes=15)
# Pauses between refused attempts grow from a minute to an hour, so that these take three days.
MOST_ATTEMPTS = 78
LONGEST_PAUSE = timedelta(hours=1)
# A message of a kind that this version does not know is looked at again after this time.
UNKNOWN = timedelta(minutes=5)
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Message:
    """One message owed. `id` is deterministic: the same fact owes the same message, once."""

    id: str
    kind: str
    subject: str  # the key of whom or what it is about: never an address
    serial: int  # which of its kind about this subject
    due_at: datetime
    created_at: datetime
    lane: Lane = "transactional"
    since: datetime | None = None  # when it fell due; messages leave in this order
    state: State = "due"
    attempts: int = 0
    version: int = 0
    attempt_id: str = ""  # who holds the lease; makes a claim recognisable after a lost answer
    attempted_at: datetime | None = None
    ended_at: datetime | None = None
    service_id: str = ""  # what SES or SNS called it
    digest: str = ""  # SHA-256 of what was sent
    wording: str = ""  # SHA-256 of a mail's wording, see Mail
    owes_record: bool = False  # whether somebody wants to put it on record once it was sent
    error: str = ""  # why the last attempt did not succeed
    content: Mapping[str, Any] = field(default_factory=dict)  # what it says, of an event
    # What a newer version has stored beside, which an older one in its place must not lose.
    rest: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_unrecorded(self) -> bool:
        """Whether it was sent, and that is not on record yet."""
        return self.state == "sent" and self.owes_record


@dataclass(frozen=True)
class Mail:
    """A mail ready to be handed to SES."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    wording: str = ""  # SHA-256 of its text without the recipient's own links, where that is kept


@dataclass(frozen=True)
class Alert:
    """A notification ready to be published to the alerts topic.

    `bodies` has what subscribers of one protocol get instead of the text, by SNS's names: `sms`,
    `email`, `https`. Of an attribute with several values a subscriber's filter has to match one.
    """

    subject: str
    text: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Publication:
    """An event ready to be published to the topic for other systems; `attributes` are ASCII."""

    text: str
    attributes: Mapping[str, str]


def owe(
    kind: str,
    subject: str,
    serial: int,
    now: datetime,
    due_at: datetime | None = None,
    lane: Lane = "transactional",
    content: Mapping[str, Any] | None = None,
) -> Message:
    """Return the message number `serial` of this kind about a subject; by default it is due now.

    Its id is a legal tag of SES's: letters, digits, `_` and `-`. A kind has no `_`.
    """
    due = due_at or now
    message = Message(f"{kind}_{subject}_{serial}", kind, subject, serial, due, now, lane, due)
    return replace(message, content=content) if content else message


def may_claim(message: Message, now: datetime) -> bool:
    """Tell whether an attempt may begin."""
    return message.state in ("due", "unclear") and message.due_at <= now


def has_lapsed(message: Message, now: datetime) -> bool:
    """Tell whether an attempt's lease ended without a recorded outcome."""
    return message.state == "sending" and message.due_at <= now


def claim(message: Message, attempt_id: str, now: datetime) -> Message:
    """Begin an attempt; the message is due again when the lease ends."""
    return _next(
        message,
        state="sending",
        attempts=message.attempts + 1,
        attempt_id=attempt_id,
        attempted_at=now,
        due_at=now + LEASE,
    )


def sent(message: Message, service_id: str, now: datetime) -> Message:
    """Record that the service took the message."""
    return _next(message, state="sent", service_id=service_id, ended_at=now, error="")


def recorded(message: Message) -> Message:
    """Record that whoever wanted to put the sending on record has done so."""
    return _next(message, owes_record=False)


def refused(message: Message, error: str, now: datetime, final: bool = False) -> Message:
    """Record that nothing was sent, because the service refused it or was not reached.

    The message is due again after a pause that grows from 1 minute to LONGEST_PAUSE. It fails if
    the error is `final`, or with attempt number MOST_ATTEMPTS.
    """
    if final or message.attempts >= MOST_ATTEMPTS:
        return _next(message, state="failed", error=error, ended_at=now)
    pause = min(timedelta(minutes=2 ** min(message.attempts - 1, 10)), LONGEST_PAUSE)
    return _next(message, state="due", error=error, due_at=now + pause)


def unanswered(message: Message, error: str, now: datetime) -> Message:
    """Record that the service did not answer: it may have sent the message or not.

    The message waits for the service's event for UNCLEAR, then it is due again.
    """
    began = message.attempted_at or now
    return _next(message, state="unclear", error=error, due_at=max(began + UNCLEAR, now))


def reported_sent(message: Message, service_id: str, now: datetime) -> Message:
    """Record that an event of the service's shows it took the message; a final state stays."""
    if message.state in FINAL:
        return message
    return _next(message, state="sent", service_id=service_id, ended_at=now, error="")


def reported_failed(message: Message, service_id: str, reason: str, now: datetime) -> Message:
    """Record that by an event of the service's it never sent the message, even if it took it.

    No other event undoes that. A message that is no longer owed stays void.
    """
    if message.state in ("failed", "void"):
        return message
    known = message.service_id or service_id
    return _next(message, state="failed", service_id=known, error=reason, ended_at=now)


def postponed(message: Message, until: datetime, why: str) -> Message:
    """Take the attempt back: the message falls due at `until`, and `why` is kept as its error."""
    attempts = message.attempts - 1
    return _next(message, state="due", attempts=attempts, error=why, due_at=until, since=until)


def held_back(message: Message, why: str) -> Message:
    """Take the attempt back: the message stays due and keeps its place, and `why` as its error.

    SES takes no more at present, or the lane's mails of the day are used up.
    """
    due_at = message.since or message.created_at
    return _next(message, state="due", attempts=message.attempts - 1, error=why, due_at=due_at)


def retried(message: Message, now: datetime) -> Message:
    """Make a message due now that had failed or waits for its next attempt.

    Raises ValueError in any other state: it is being sent, was sent, or is no longer owed.
    """
    if message.state not in ("failed", "due"):
        raise ValueError(message.state)
    return _next(message, state="due", attempts=0, due_at=now, since=now, ended_at=None)


def void(message: Message, now: datetime) -> Message:
    """Record that the message is no longer owed, because its subject has changed since."""
    return _next(message, state="void", ended_at=now)


def _next(message: Message, **changes: object) -> Message:
    version = message.version + 1
    return replace(message, version=version, **changes)  # type: ignore[arg-type]  # named fields
