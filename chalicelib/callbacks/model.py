"""A callback request, what is known of it, and the rules it goes by. Pure; `workflow` has its transitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.callbacks.hotline import Hours, Span

State = Literal[
    "scheduled", "open", "claimed", "retry", "done", "unreached", "cancelled", "refused", "expired"
]
Topic = Literal["general", "buying", "selling", "storage", "order"]
Outcome = Literal["reached", "no_answer", "busy", "mailbox", "later", "refused", "wrong_number"]
LIVE: tuple[State, ...] = ("scheduled", "open", "claimed", "retry")
ENDS: tuple[State, ...] = ("done", "unreached", "cancelled", "refused", "expired")
MISSES: tuple[Outcome, ...] = ("no_answer", "busy", "mailbox")

# Open minutes after which a request that nobody took is told of again: everybody on shift, the supervisor, then hourly.
ESCALATED_AFTER = (30, 60, 120, 180, 240)
ON_SHIFT, SUPERVISOR = 1, 2  # the levels; 0 is the first alert
LEASE = 15  # open minutes for which a claim holds, from the claim
CALL = 60  # open minutes for which it holds once the number is dialled: nobody else calls into a long conversation
MOST_ATTEMPTS, ATTEMPTS_A_DAY = 3, 2
PAUSE = timedelta(minutes=20)  # between two attempts
RETRY_AFTER = (
    20,
    120,
)  # open minutes after the first miss, the second; the second in another half of a day
EXPIRES_AFTER = 5  # open days after the time that was promised
UNDO_WITHIN = timedelta(minutes=10)
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
    """What a stage's settings make of the workflow. `shifts` are by mail address."""

    hours: Hours
    first_attempt: int = 30  # open minutes until the first attempt
    shifts: Mapping[str, Hours] = field(default_factory=dict)

    def on_shift(self, at: datetime) -> tuple[str, ...]:
        """The addresses of those whose shift it is."""
        return tuple(address for address, hours in self.shifts.items() if _covers(hours, at))


def _covers(hours: Hours, at: datetime) -> bool:
    return any(begins <= at < ends for begins, ends in hours.spans(at, days=2))


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for; `number_key` stands for the number wherever it has no business itself."""

    name: str
    phone: str
    number_key: str
    topic: str
    consent: str
    language: str
    extension: str = ""
    email: str = ""
    note: str = ""
    window: Span | None = None


@dataclass(frozen=True)
class Attempt:
    """One call: `outcome` is empty while it is under way, `unknown` where nobody said how it ended."""

    at: datetime
    by: str
    outcome: str = ""
    note: str = ""


@dataclass(frozen=True)
class Callback:
    """One request. `expected` is what was promised last; the clock looks at it at `due_at`, never once it has ended."""

    reference: str
    state: State
    asked: Asked
    created_at: datetime
    expected: Span
    promised: (
        datetime  # until when the first attempt was promised: what the service level is measured by
    )
    expires_at: datetime
    due_at: datetime | None
    opened_at: datetime | None = (
        None  # when the service-level clock started, last time the request came up
    )
    round: int = 1  # how often it was laid before the staff; with `level` it numbers the alerts
    level: int = 0
    holder: str = ""
    offered_to: str = ""  # a hand-over that waits for the other to accept
    preferred: str = ""  # who agreed with the customer on the time
    agents: Mapping[str, str] = field(default_factory=dict)  # the names of those who had it, by id
    attempts: tuple[Attempt, ...] = ()
    letters: int = 0  # mails to the customer so far
    ended_at: datetime | None = None
    follows: str = ""  # the reference of the ended request that this one continues
    erased: bool = False
    version: int = 1

    @property
    def is_live(self) -> bool:
        """Whether it still has to be worked."""
        return self.state in LIVE

    @property
    def is_calling(self) -> bool:
        """Whether its holder is on the telephone with the customer."""
        return self.state == "claimed" and bool(self.attempts) and not self.attempts[-1].outcome

    @property
    def alert(self) -> int:
        """The number of the alert that tells of it as it stands now."""
        return self.round * 10 + self.level

    def erase(self) -> "Callback":
        """Without anything personal; what is left are figures."""
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
class How:
    """How a request reached us, for the proof of consent; `personal` goes with an erasure."""

    wording: str  # the hash of the declaration's text
    personal: Mapping[str, str]


@dataclass(frozen=True)
class Change:
    """What an event makes of a request: nothing to write where `before is after`."""

    before: Callback | None
    after: Callback
    event: str = ""
    by: str = ""
    owes: tuple[Owed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)  # for the history; nobody's data
    personal: Mapping[str, str] = field(default_factory=dict)  # likewise, until the erasure

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
        """Whether the number is not to be called for a while."""
        return self.ends and self.after.state == "refused"


def make_reference(random_bytes: bytes) -> str:
    """A reference such as `R-7F3K`, one character per random byte."""
    return "R-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes)
