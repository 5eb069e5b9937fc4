"""A callback request, its parts, and the rules of the workflow. Pure; `workflow` moves it on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.callbacks.opening_hours import Hours, Span

State = Literal[
    "scheduled",
    "open",
    "claimed",
    "retry",
    "held",
    "done",
    "unreached",
    "cancelled",
    "refused",
    "wrong_number",
    "expired",
    "withdrawn",
]
Outcome = Literal["reached", "no_answer", "busy", "mailbox", "later", "refused", "wrong_number"]
Event = Literal[
    "submitted",
    "wished",
    "held",
    "admitted",
    "declined",
    "opened",
    "escalated",
    "claimed",
    "assigned",
    "taken over",
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
    "wrong number",
    "corrected",
    "rescheduled",
    "cancelled",
    "withdrawn",
    "called in",
    "expired",
    "undone",
    "merged",
    "followed",
]
Tab = Literal["due", "mine", "waiting", "overdue", "held", "closed"]  # of the staff's board
LIVE: tuple[State, ...] = ("scheduled", "open", "claimed", "retry", "held")
ENDS: tuple[State, ...] = (
    "done",
    "unreached",
    "cancelled",
    "refused",
    "wrong_number",
    "expired",
    "withdrawn",
)
MISSES: tuple[Outcome, ...] = ("no_answer", "busy", "mailbox")
# What keeps a number blocked once a request's own block is taken back: an earlier block, or one
# made since.
Blocked = Literal["", "earlier", "since"]
Hold = Literal["", "blocked", "limit"]  # why a request waits for a supervisor's decision

# The levels of an alert; 0 is the first one. Half of the promised time is gone, the promise is
# broken; from then on the supervisors are told once more for each of HOURLY.
ON_SHIFT, SUPERVISOR = 1, 2
HOURLY = (60, 120, 180)  # open minutes after the promise was broken
LEASE = 15  # open minutes for which a claim holds, from the claim
# Open minutes for which a claim holds from dialling, so that nobody calls into a conversation.
CALL = 60
MOST_ATTEMPTS, ATTEMPTS_A_DAY = 3, 2
PAUSE = timedelta(minutes=20)  # between two attempts
# Open minutes after the first and the second miss; the third attempt is in another half of a day.
RETRY_AFTER = (20, 120)
EXPIRES_AFTER = 5  # open days after the time that was promised
UNDO_WITHIN = timedelta(minutes=10)
LATER = (timedelta(minutes=5), timedelta(days=180))  # how far ahead a time can be agreed on
MOST_WISHES = 30  # further ones are kept in the history
MOVES_A_DAY, CANCELLATIONS_A_DAY = 5, 3  # by one customer's link
BLOCKED_FOR = timedelta(days=90)

# No 0, 1, I, L, O, U: a reference is read out on the telephone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Who:
    """One of the staff: `id` is what events name, `name` what colleagues read."""

    id: str
    name: str
    leads: bool = False  # whether they are a supervisor


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
class Telephone:
    """A number as E.164, its extension, and their keys."""

    phone: str
    extension: str
    number_key: str  # of the number with its extension: one person
    main_key: str  # of the number alone: maybe a whole office


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for. The keys stand for the number where that is not needed."""

    name: str
    phone: str
    number_key: str
    main_key: str
    topic: str  # one of the company's
    consent: str
    language: str
    extension: str = ""
    email: str = ""
    note: str = ""
    window: Span | None = None
    # What a newer version has stored beside, here and below, until an erasure.
    rest: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Attempt:
    """One call: `outcome` is empty while it is under way, `unknown` where nobody recorded it.

    `wishes` are the references of the wishes it was made for. A call at an `agreed` time counts
    towards no limit.
    """

    at: datetime
    by: str
    outcome: str = ""
    note: str = ""
    wishes: tuple[str, ...] = ()
    agreed: bool = False
    rest: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Moved:
    """What a wish was before its customer moved or cancelled it, and when they did."""

    at: datetime
    expected: Span
    window: Span | None
    agreed: bool = False
    is_undone: bool = False
    rest: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Wish:
    """One wish for a call: somebody asked for it, or asked again while a request was live."""

    reference: str  # what its customer was told
    asked: Asked
    at: datetime
    expected: Span  # when the call is promised
    also: tuple[str, ...] = ()  # references told to those who sent the same again
    agreed: bool = False  # its time was agreed on by telephone
    letters: int = 0  # mails to its customer so far
    end: State | Literal[""] = ""
    moved: Moved | None = None
    rest: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_open(self) -> bool:
        """Whether the call is still owed."""
        return not self.end

    def erase(self) -> "Wish":
        """Return the wish without anything personal."""
        bare = replace(self.asked, name="", phone="", extension="", email="", note="", rest={})
        moved = replace(self.moved, rest={}) if self.moved else None
        return replace(self, asked=bare, moved=moved, rest={})

    def is_told(self, reference: str) -> bool:
        """Tell whether this is the reference of the wish, or of one that was just the same."""
        return reference == self.reference or reference in self.also


@dataclass(frozen=True)
class Callback:
    """One request for a number, with every wish for it. The clock looks at it at `due_at`."""

    reference: str
    state: State
    wishes: tuple[Wish, ...]
    created_at: datetime
    promised: datetime  # until when the first attempt was promised: it measures the service level
    expires_at: datetime
    due_at: datetime | None
    opened_at: datetime | None = None  # when it last became open
    round: int = 1  # how often it was presented to the staff; with `level` it numbers the alerts
    level: int = 0
    held_for: Hold = ""
    holder: str = ""
    offered_to: str = ""  # the colleague whom a hand-over waits for
    preferred: str = ""  # who agreed with the customer on the time
    agents: Mapping[str, str] = field(default_factory=dict)  # names of those who held it, by id
    attempts: tuple[Attempt, ...] = ()
    ended_at: datetime | None = None
    follows: str = ""  # the reference of the ended request that this one continues
    followed_by: str = ""  # the reference of the request that continues this ended one
    pressed_by: str = ""  # who can take the last outcome or end back
    pressed_at: datetime | None = None
    earlier: "Callback | None" = None  # the request before that press
    erased: bool = False
    version: int = 1
    rest: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_live(self) -> bool:
        """Whether the staff still have to work on it, also in a state that is not understood."""
        return self.state not in ENDS

    @property
    def is_understood(self) -> bool:
        """Whether this version of the code knows its state; a newer one may have left another."""
        return self.state in LIVE or self.state in ENDS

    @property
    def is_calling(self) -> bool:
        """Whether its holder is on the telephone with the customer."""
        return self.state == "claimed" and bool(self.attempts) and not self.attempts[-1].outcome

    @property
    def open_wishes(self) -> tuple[Wish, ...]:
        """The wishes that nobody has met or decided about."""
        return tuple(each for each in self.wishes if each.is_open)

    @property
    def lead(self) -> Wish:
        """The open wish whose promise breaks first; the first wish where none is open."""
        return min(self.open_wishes, key=lambda each: each.expected[::-1], default=self.wishes[0])

    @property
    def asked(self) -> Asked:
        """What the leading wish asks for."""
        return self.lead.asked

    @property
    def expected(self) -> Span:
        """The span promised to the leading wish."""
        return self.lead.expected

    @property
    def begins_at(self) -> datetime:
        """When the first of the open wishes is due."""
        return min((each.expected[0] for each in self.open_wishes), default=self.expected[0])

    def wish(self, reference: str) -> Wish | None:
        """Return the wish that a customer was told this reference for."""
        return next((each for each in self.wishes if each.is_told(reference)), None)

    def calls_for(self, wish: Wish) -> list[Attempt]:
        """Return the attempts that count towards the limits of a wish."""
        return [
            each
            for each in self.attempts
            if wish.reference in each.wishes and not each.agreed and each.outcome != "later"
        ]

    def is_overdue(self, now: datetime) -> bool:
        """Tell whether the promised time is over and nobody has reached the customer."""
        return self.state in ("open", "claimed", "held") and self.expected[1] < now

    def may_be_seen_by(self, who: str, leads: bool) -> bool:
        """Tell whether one of the staff may see the customer's name and number.

        That is the holder; for a request that is held, who `leads` and decides; once it has ended,
        whoever held it, and who leads.
        """
        if self.erased:
            return False
        if self.holder == who or (leads and self.state == "held"):
            return True
        return not self.is_live and (leads or who in self.agents)

    def may_be_undone_by(self, who: str, now: datetime) -> bool:
        """Tell whether this is who pressed last, ten minutes ago at most."""
        pressed = self.pressed_at
        return (
            self.earlier is not None
            and self.pressed_by == who
            and pressed is not None
            and now < pressed + UNDO_WITHIN
        )

    def name_of(self, id: str) -> str:
        """Return the name of one of those who held the request, or the id where none is known."""
        return self.agents.get(id, id)

    @property
    def alert(self) -> int:
        """The number of the alert for its present round and level."""
        return self.round * 10 + self.level

    def erase(self) -> "Callback":
        """Return the request without anything personal; what is left are figures."""
        attempts = tuple(replace(attempt, note="", rest={}) for attempt in self.attempts)
        return replace(
            self,
            wishes=tuple(each.erase() for each in self.wishes),
            attempts=attempts,
            agents={},
            earlier=None,
            erased=True,
            rest={},
            version=self.version + 1,
        )


Letter = Literal["received", "cancelled", "missed", "declined"]
Kind = Literal["alert", "held", "expired", "handed", "received", "cancelled", "missed", "declined"]


@dataclass(frozen=True)
class Owed:
    """A message that a change owes: an alert to the staff, or a letter to a wish's customer."""

    kind: Kind
    subject: str  # the reference of the request, or of the wish
    serial: int
    due_at: datetime


@dataclass(frozen=True)
class Change:
    """What an event makes of a request: nothing to write where `before is after`."""

    before: Callback | None
    after: Callback
    event: Event | Literal[""] = ""
    by: str = ""  # the id of whoever did it
    owes: tuple[Owed, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)  # for the history; nothing personal
    personal: Mapping[str, str] = field(default_factory=dict)  # for the history, until the erasure
    blocks: bool = False  # the number is not called for a while
    unblocks: bool = False  # the block that the request caused is taken back
    also: "Change | None" = None  # of another request, in the same transaction
    by_name: str = ""  # of one of the staff

    def by_one_of_the_staff(self, who: Who) -> "Change":
        """Return the change with the name of who made it, for the history."""
        also = self.also.by_one_of_the_staff(who) if self.also else None
        return replace(self, by_name=who.name, also=also)

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


def make_reference(random_bytes: bytes) -> str:
    """Return a reference such as `R-7F3K`, with one character per random byte."""
    return "R-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes)
