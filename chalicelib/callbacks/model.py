"""A callback request, its parts, and the rules of the workflow. Pure; `workflow` moves it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.callbacks.opening_hours import Hours, Span

State = Literal[
    "scheduled", "open", "claimed", "retry", "done", "unreached", "cancelled", "refused", "expired"
]
Outcome = Literal["reached", "no_answer", "busy", "mailbox", "later", "refused", "wrong_number"]
Event = Literal[
    "submitted",
    "opened",
    "escalated",
    "claimed",
    "offered",
    "handed over",
    "dialled",
    "released",
    "lapsed",
    "missed",
    "agreed",
    "done",
    "unreached",
    "refused",
    "rescheduled",
    "cancelled",
    "withdrawn",
    "called in",
    "expired",
]
Tab = Literal["due", "mine", "waiting", "overdue", "closed"]  # of the staff's board
LIVE: tuple[State, ...] = ("scheduled", "open", "claimed", "retry")
ENDS: tuple[State, ...] = ("done", "unreached", "cancelled", "refused", "expired")
MISSES: tuple[Outcome, ...] = ("no_answer", "busy", "mailbox")

# Open minutes after which a request that nobody took causes another alert: to everybody on shift,
# to the supervisors, then hourly.
ESCALATED_AFTER = (30, 60, 120, 180, 240)
ON_SHIFT, SUPERVISOR = 1, 2  # the levels; 0 is the first alert
LEASE = 15  # open minutes for which a claim holds, from the claim
# Open minutes for which a claim holds from dialling, so that nobody calls into a conversation.
CALL = 60
MOST_ATTEMPTS, ATTEMPTS_A_DAY = 3, 2
PAUSE = timedelta(minutes=20)  # between two attempts
# Open minutes after the first and the second miss; the third attempt is in another half of a day.
RETRY_AFTER = (20, 120)
EXPIRES_AFTER = 5  # open days after the time that was promised
UNDO_WITHIN = timedelta(minutes=10)
MOVES_A_DAY, CANCELLATIONS_A_DAY = 5, 3  # by one customer's link
BLOCKED_FOR = timedelta(days=90)

# No 0, 1, I, L, O, U: a reference is read out on the telephone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Who:
    """One of the staff: `id` is what events name, `name` what colleagues read."""

    id: str
    name: str


@dataclass(frozen=True)
class Rules:
    """The workflow's rules in a stage, from its settings. `shifts` are by mail address."""

    hours: Hours
    first_attempt: int = 30  # open minutes until the first attempt
    shifts: Mapping[str, Hours] = field(default_factory=dict)

    def on_shift(self, at: datetime) -> tuple[str, ...]:
        """Return the addresses of those whose shift it is."""
        return tuple(address for address, hours in self.shifts.items() if _covers(hours, at))


def _covers(hours: Hours, at: datetime) -> bool:
    return any(begins <= at < ends for begins, ends in hours.spans(at, days=2))


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for; `number_key` stands for the number where that is not needed."""

    name: str
    phone: str
    number_key: str
    topic: str  # one of the company's
    consent: str
    language: str
    extension: str = ""
    email: str = ""
    note: str = ""
    window: Span | None = None


@dataclass(frozen=True)
class Attempt:
    """One call: `outcome` is empty while it is under way, `unknown` where nobody recorded it."""

    at: datetime
    by: str
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True)
class Callback:
    """One request. `expected` is the span promised last; the clock looks at it at `due_at`."""

    reference: str
    state: State
    asked: Asked
    created_at: datetime
    expected: Span
    promised: datetime  # until when the first attempt was promised: it measures the service level
    expires_at: datetime
    due_at: datetime | None
    opened_at: datetime | None = None  # when it last became open: escalations count from then
    round: int = 1  # how often it was presented to the staff; with `level` it numbers the alerts
    level: int = 0
    holder: str = ""
    offered_to: str = ""  # the colleague whom a hand-over waits for
    preferred: str = ""  # who agreed with the customer on the time
    agents: Mapping[str, str] = field(default_factory=dict)  # names of those who held it, by id
    attempts: tuple[Attempt, ...] = ()
    letters: int = 0  # mails to the customer so far
    ended_at: datetime | None = None
    follows: str = ""  # the reference of the ended request that this one continues
    origin: str = ""  # where undoing made this request: the reference of the first one of them
    erased: bool = False
    version: int = 1

    @property
    def is_live(self) -> bool:
        """Whether the staff still have to work on it."""
        return self.state in LIVE

    @property
    def link_origin(self) -> str:
        """The reference that stays the same however often a cancellation was taken back."""
        return self.origin or self.reference

    @property
    def is_calling(self) -> bool:
        """Whether its holder is on the telephone with the customer."""
        return self.state == "claimed" and bool(self.attempts) and not self.attempts[-1].outcome

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether the promised time is over and nobody has reached the customer."""
        return self.state in ("open", "claimed") and self.expected[1] < now

    def may_be_seen_by(self, who: str, leads: bool) -> bool:
        """Tell whether one of the staff may see the customer's name and number.

        That is the holder; once the request has ended, whoever held it, and who `leads`.
        """
        if self.erased:
            return False
        return self.holder == who or ((leads or who in self.agents) and not self.is_live)

    def name_of(self, id: str) -> str:
        """Return the name of one of those who held the request, or the id where none is known."""
        return self.agents.get(id, id)

    @property
    def alert(self) -> int:
        """The number of the alert for its present round and level."""
        return self.round * 10 + self.level

    def erase(self) -> "Callback":
        """Return the request without anything personal; what is left are figures."""
        bare = replace(self.asked, name="", phone="", extension="", email="", note="")
        attempts = tuple(replace(attempt, note="") for attempt in self.attempts)
        return replace(
            self, asked=bare, attempts=attempts, agents={}, erased=True, version=self.version + 1
        )


Letter = Literal["received", "cancelled", "missed"]
Kind = Literal["alert", "expired", "received", "cancelled", "missed"]


@dataclass(frozen=True)
class Owed:
    """A message that a change owes: an alert to the staff, or a letter to the customer."""

    kind: Kind
    serial: int
    due_at: datetime


@dataclass(frozen=True)
class Change:
    """What an event makes of a request: nothing to write where `before is after`."""

    before: Callback | None
    after: Callback
    event: Event | Literal[""] = ""
    by: str = ""
    owes: tuple[Owed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)  # for the history; nothing personal
    personal: Mapping[str, str] = field(default_factory=dict)  # for the history, until the erasure

    @property
    def changes(self) -> bool:
        """Whether there is anything to write."""
        return self.after is not self.before

    @property
    def ends(self) -> bool:
        """Whether the request ends, and its lock on the number with it."""
        return (
            self.changes and not self.after.is_live and (self.before is None or self.before.is_live)
        )

    @property
    def blocks(self) -> bool:
        """Whether the number is blocked from now on."""
        return self.ends and self.after.state == "refused"


def make_reference(random_bytes: bytes) -> str:
    """Return a reference such as `R-7F3K`, with one character per random byte."""
    return "R-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes)
