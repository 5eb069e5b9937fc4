"""The events of a year, all from one seed: customers, strangers, staff, the clock, the weather."""

import heapq
import itertools
import os
import random
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles
from typing import Any

from chalicelib import aws, instants, intake, keys, settings
from chalicelib.callbacks import (
    changes,
    clock,
    erasure,
    intakes,
    links,
    opening_hours,
    reactions,
    rules,
    service,
)
from chalicelib.callbacks.model import ALPHABET, Callback, Outcome, Rules, Who, Wish
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.service import LinkAction, Wanted
from chalicelib.callbacks.staff import service as staff
from chalicelib.callbacks.staff.service import Press
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Proof
from chalicelib.errors import BadToken, Conflict, Invalid, LimitReached, NotFound
from chalicelib.outbox import delivery, senders
from chalicelib.sender import Sender
from tests.callbacks.simulation.checks import WRONGS, Checks
from tests.callbacks.simulation.services import Sent, Services

START = datetime(2027, 1, 4, tzinfo=UTC)
DAYS = 365
DAY = 24 * 60  # minutes
STAFF_NAMES = ("Anna Adler", "Ben Busch", "Cem Celik", "Dora Dietz", "Erika Ernst")
AGENTS = tuple(Who(f"id-{number}", name) for number, name in enumerate(STAFF_NAMES[:-1]))
LEAD = Who("id-lead", STAFF_NAMES[-1], leads=True)
OUTCOMES: dict[Outcome, int] = {
    "reached": 45,
    "no_answer": 22,
    "busy": 10,
    "mailbox": 8,
    "later": 7,
    "refused": 5,
    "wrong_number": 3,
}
EXTENSIONS = ("", "", "", "", "12", "34")
TOPICS = ("general", "buying", "selling", "storage", "order")
STAGE = {
    "STAGE": "local",
    "CONTACTS_TABLE": "contacts",
    "MAIL_CONFIGURATION_SET": "set",
    "BASE_URL": "https://contact.example.org",
    "STAFF_MAIL": "staff@example.org",
    "SUPERVISOR_MAIL": "lead@example.org",
    "STAFF_SHIFTS": "anna@example.org Mon-Fri 09:00-13:00",
    "IDENTITY_SECRET_ARN": "identity",
    "TOKEN_SECRET_ARN": "tokens",
    "ALERTS_TOPIC_ARN": "arn:aws:sns:x:1:alerts",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
}
REFUSED = (Conflict, Invalid, LimitReached, NotFound, BadToken)


@dataclass
class Year:
    """The figures of a run."""

    requests: int = 0
    wishes: int = 0
    calls: int = 0
    ticks: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    wish_ends: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    mails: int = 0
    attempts: int = 0
    refusals: Counter[str] = field(default_factory=Counter)  # what was not allowed
    minutes: list[int] = field(default_factory=list)  # open minutes to the first attempt
    checks: "Checks | None" = None

    @property
    def wrong(self) -> dict[str, int]:
        """How often each check failed."""
        return {what: self.checks.wrong[what] if self.checks else 0 for what in WRONGS}

    def report(self) -> str:
        """Return the figures, in lines, and the first faults of each kind."""
        tenths = quantiles(self.minutes, n=10)
        faults = self.checks.faults if self.checks else {}
        return "\n".join(
            [
                f"wishes {self.wishes:,} of {self.requests:,} requests"
                f" · ticks {self.ticks:,} · calls to AWS {self.calls:,}",
                f"requests: {_counted(self.ends)}",
                f"wishes: {_counted(self.wish_ends)}",
                f"events: {_counted(self.events)}",
                f"alerts {self.alerts:,} · mails {self.mails:,} · attempts {self.attempts:,}",
                f"refused: {_counted(self.refusals)}",
                "open minutes to the first attempt:"
                f" p50 {quantiles(self.minutes, n=2)[0]:.0f} · p90 {tenths[8]:.0f}",
                *(f"{what} {number}" for what, number in self.wrong.items()),
                *(f"  {what} – {said}" for what, each in faults.items() for said in each),
            ]
        )


def _counted(counts: Counter[str]) -> str:
    return " · ".join(f"{what} {number:,}" for what, number in counts.most_common())


class World:
    """A run. `late` is the share of ticks that come up to an hour late."""

    def __init__(
        self, seed: int, requests: int, busy: bool = True, late: float = 0.1, doubled: float = 0.2
    ) -> None:
        self.chance, self.year, self.now = random.Random(seed), Year(), START
        self.busy, self.late, self.doubled, self.erases = busy, late, doubled, True
        # The clock has a random source of its own, since it must not change what people do.
        self._weather = random.Random(seed)
        self._dice = random.Random(seed)  # of the references
        self.services = Services(self._weather, on_commit=self._heard, on_sent=self._left)
        self.checks = self.year.checks = Checks(self.services)
        self._agenda: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._fresh: list[str] = []
        self._kept: list[intake.Intake] = []
        self._asked = itertools.count(1)
        self._owners: dict[str, Wanted] = {}  # what was asked for, by the reference told
        self._numbers = max(requests // 4, 1)
        for _ in range(requests):
            at = START + timedelta(minutes=self.chance.randrange(DAYS * DAY))
            self._at(at, self._come)
        for _ in range(60 if busy else 0):
            self._at(START + timedelta(hours=self.chance.randrange(DAYS * 24)), self._outage)
        for _ in range(requests // 20 if busy else 0):
            at = START + timedelta(minutes=self.chance.randrange(DAYS * DAY))
            self._at(at, self._turn_to_a_number)

    def play(self) -> Year:
        """Play the run to its end, and then until all contact data is erased."""
        with configured(), self.services.plugged(), _drawn(self._dice):
            self.begin()
            while (at := self._next()) is not None:
                self.now = at
                while self._agenda and self._agenda[0][0] <= self.now:
                    heapq.heappop(self._agenda)[2]()
                    self._stream()
                    self.checks.settle(self.now)
                self._tick()
                self.checks.settle(self.now)
            self.checks.judge(self.now)
            self._count()
            if self.erases:
                self.now += timedelta(days=100)
                while erasure.erase_ended(lambda: 20.0, self.now):
                    pass
                self.checks.personal(
                    ("Customer ", "+49151", "@example.org", "note-", "a note", *STAFF_NAMES)
                )
        self.year.calls = self.services.calls
        return self.year

    def begin(self) -> None:
        """Read the stage's rules, once it is configured."""
        self.rules: Rules = rules.current()

    def plant(self, number: int) -> None:
        """Store a request for the day's last window."""
        window = opening_hours.slots(self.rules.hours, self.now, 1)[-1]
        wanted = Wanted(
            "Eva", f"+49151{number + 10_000_000}", "general", "callback-de-1", "de", window=window
        )
        asked = service.asked_of(wanted, wanted.consent)
        digits = (number // len(ALPHABET) ** place % len(ALPHABET) for place in range(4))
        reference = "R-" + "".join(ALPHABET[digit] for digit in digits)
        intakes.place(asked, reference, Proof("", {}), self.now)

    def _at(self, at: datetime, what: Callable[[], object]) -> None:
        to_the_millisecond = at.replace(microsecond=at.microsecond // 1000 * 1000)
        heapq.heappush(self._agenda, (to_the_millisecond, next(self._order), what))

    def _in(self, least: float, most: float, what: Callable[[], object]) -> None:
        """Let something happen in so many minutes, by chance between two bounds."""
        seconds = self.chance.randrange(int(least * 60), int(most * 60) + 1)
        self._at(self.now + timedelta(seconds=seconds), what)

    def _is(self, share: float) -> bool:
        return self.chance.random() < share

    def _next(self) -> datetime | None:
        """Return the next instant at which anything happens, None if nothing is left.

        What is due happens a minute later at the earliest. A late clock takes up to an hour.
        """
        times = [self._agenda[0][0]] if self._agenda else []
        minute = timedelta(
            minutes=self._weather.randrange(1, 60) if self._weather.random() < self.late else 1
        )
        if (due := self.services.next_due("CALLBACK")) is not None:
            at = max(instants.parse(due), self.now + minute)
            times.append(opening_hours.next_opening(self.rules.hours, at) or at)
        for waiting in ("MSG#", "INTAKE#"):
            if (due := self.services.next_due(waiting)) is not None:
                times.append(max(instants.parse(due), self.now + minute))
        return min(times, default=None)

    def _tick(self) -> None:
        for _ in range(2 if self._weather.random() < self.doubled else 1):
            self.year.ticks += 1
            clock.tick(lambda: 20.0, self.now)
            senders.sweep(
                reactions.COMPOSERS, lambda: intakes.TAKERS, lambda: 20.0, lambda: self.now
            )
            self._send()
            self._stream()

    def _send(self) -> None:
        """Send what the clock dealt to the senders."""
        while self.services.queue:
            records = [{"body": self.services.queue.pop(0)}]
            senders.play(
                {"Records": records},
                reactions.COMPOSERS,
                lambda: intakes.TAKERS,
                lambda: 60.0,
                lambda: self.now,
            )

    def _stream(self) -> None:
        """Deliver most new messages at once. Some are left for the clock."""
        while self._fresh:
            message = self._fresh.pop()
            if self._weather.random() < 0.9:
                delivery.deliver(message, reactions.COMPOSERS, self.now)

    def _outage(self) -> None:
        self.services.down = True
        self._in(10, 180, self._mended)

    def _mended(self) -> None:
        self.services.down = False

    # The customers

    def _come(self) -> None:
        """Let somebody ask for a call, and do with it what people do."""
        wanted = self._wanted(self._phone())
        if self._is(0.07):  # a stranger was there first
            self._ask(replace(self._stranger(wanted), window=self._window(late=True)))
        reference = self._ask(wanted)
        if reference is None:
            return
        if self._is(0.12):
            self._in(0, 3, lambda: self._ask(wanted))  # the same form once more
        if self._is(0.12):
            self._in(1, 3 * DAY, lambda: self._ask(self._again(wanted)))
        if self._is(0.04):
            self._in(1, 40, lambda: self._ask(self._stranger(wanted)))
        if self._is(0.01):
            self._in(1, 20, lambda: self._flood(wanted))
        if self._is(0.04):
            self._in(5, 300, lambda: self._ring_in(wanted, reference))
        if self.busy and self._is(0.1):  # somebody looks at the board without an alert
            early = self.chance.choice(AGENTS)
            self._at(self._at_work(2), lambda: self._claim(reference, early))

    def _phone(self) -> str:
        number = f"{self.chance.randrange(self._numbers) + 10_000_000}"
        extension = self.chance.choice(EXTENSIONS)
        way = self.chance.choice(("+49 151 {}", "0151/{}", "(0151) {}", "0049151{}", "0151 {} "))
        typed = way.format(f"{number[:3]} {number[3:]}" if self._is(0.5) else number)
        return f"{typed.strip()} ext. {extension}" if extension else typed

    def _wanted(self, phone: str) -> Wanted:
        number = next(self._asked)
        email = f"customer-{number}@example.org" if self._is(0.6) else ""
        window = self._window() if self._is(0.35) else None
        return Wanted(
            f"Customer {number};",
            phone,
            self.chance.choice(TOPICS),
            "callback-de-1",
            "de",
            email=email,
            note=f"note-{number};",
            window=window,
        )

    def _again(self, wanted: Wanted) -> Wanted:
        """Return what the same person asks for later: earlier or later, with or without a mail."""
        number = next(self._asked)
        return replace(
            wanted,
            note=f"note-{number};",
            email=wanted.email if self._is(0.7) else "",
            window=self._window() if self._is(0.5) else None,
        )

    def _stranger(self, wanted: Wanted) -> Wanted:
        """Return what a stranger asks for with the same number, and an address of their own."""
        number = next(self._asked)
        return replace(
            wanted,
            name=f"Customer {number};",
            email=f"stranger-{number}@example.org",
            note=f"note-{number};",
            window=self._window(late=True) if self._is(0.7) else None,
        )

    def _window(self, late: bool = False) -> Span | None:
        slots = opening_hours.slots(self.rules.hours, self.now, 18 if late else 9)
        return self.chance.choice(slots[len(slots) // 2 :] if late else slots) if slots else None

    def _ask(self, wanted: Wanted) -> str | None:
        """Send the form; return the reference that the answer tells."""
        if wanted.window and wanted.window[1] - self.now < timedelta(minutes=15):
            wanted = replace(wanted, window=None)
        sender = Sender(f"192.0.2.{next(self._asked) % 250}", "Mozilla")
        if self.busy and self._is(0.03):
            return self._ask_by_telephone(wanted)
        try:
            answer = service.submit(wanted, sender, self.now)
        except REFUSED as refused:
            self._refused(refused)
            return None
        reference = answer.reference
        self.checks.tell(reference, answer.expected, self.now, wanted.name, wanted.email)
        self._asks_in_time(reference, answer.expected, answer.asked.number_key)
        # Few are taken in by the clock, as the stream failed.
        waiting = self.services.next_due("INTAKE#") != instants.text(self.now + intake.LEFT_BEHIND)
        if waiting or self._is(0.95):
            while self._kept:
                intake.take(self._kept.pop(), intakes.TAKERS)
        self._kept.clear()
        self._use_link(reference)
        return reference

    def _ask_by_telephone(self, wanted: Wanted) -> str | None:
        agent = self.chance.choice(AGENTS)
        try:
            shown = staff.take_down(wanted, {"consent_by": "telephone"}, agent, self.now)
        except REFUSED as refused:
            self._refused(refused)
            return None
        callback = shown.card.callback
        for wish in callback.wishes:
            for told in (wish.reference, *wish.also):
                if told not in self.checks.told:
                    self.checks.tell(told, wish.expected, self.now, wanted.name, wanted.email)
                    return told
        return None

    def _asks_in_time(self, reference: str, expected: Span, key: str) -> None:
        live = requests.number(key, key).live
        known = requests.load(live) if live else None
        due = known is not None and known.state in ("open", "claimed", "held")
        since = self.now
        end = opening_hours.add_open_minutes(self.rules.hours, expected[1], 300)
        if self.busy and end:
            self._at(end, lambda: self.checks.in_time(reference, since, due))

    def _flood(self, wanted: Wanted) -> None:
        """Let somebody ask for one number again and again."""
        for number in range(self.chance.choice((4, 40))):
            self._in(0, 60 + number, lambda: self._ask(self._stranger(wanted)))

    def _use_link(self, reference: str) -> None:
        """Let a customer cancel or move, take it back or not, often or late."""
        fate = self.chance.random()
        if not self.busy or fate > 0.25:
            return
        action: LinkAction = "cancel" if fate < 0.11 else "reschedule"
        times = 7 if self._is(0.05) else 1
        for _ in range(times):
            self._in(1, 600 if self._is(0.7) else 20 * DAY, partial(self._press, reference, action))

    def _press(self, reference: str, action: LinkAction) -> None:
        if not self._by_link(reference, action):
            return
        fate = self.chance.random()
        if fate < 0.5:
            self._in(1, 9, lambda: self._by_link(reference, "undo"))
        elif fate < 0.65:
            self._in(11, 300, lambda: self._by_link(reference, "undo"))
        if fate < 0.15:  # meanwhile somebody asks for the number
            self._in(0, 2, lambda: self._ask(self._stranger(self._of(reference))))

    def _of(self, reference: str) -> Wanted:
        callback = requests.load_last(reference)
        assert callback is not None
        return self._wanted(_typed(callback))

    def _by_link(self, reference: str, action: LinkAction) -> bool:
        """Use the link of a reference; return whether it changed anything."""
        token = links.token(reference)
        window = self._window() if action == "reschedule" else None
        try:
            before, _ = service.by_link(token, self.now)
            callback, wish = service.change_by_link(token, action, window, self.now)
        except REFUSED as refused:
            self._refused(refused)
            return False
        if callback.version == before.version and callback.reference == before.reference:
            return False
        self.checks.tell_again(wish, self.now)
        if action == "undo":
            self.checks.undone_by_link(before, reference)
        return True

    def _ring_in(self, wanted: Wanted, reference: str) -> None:
        agent = self.chance.choice(AGENTS)
        phone, read_out = ("", reference) if self._is(0.4) else (wanted.phone, "")
        last = requests.load_last(reference)
        others = {each.reference for each in last.open_wishes} if last and last.is_live else set()
        try:
            shown = staff.end_called_in(phone, read_out, agent, self.now)
        except REFUSED as refused:
            self._refused(refused)
            return
        self._check_rung_in(reference, wanted)
        ended = shown.card.callback
        if others and self._is(0.4):
            self._in(1, 12, lambda: self._undo(ended.reference, agent))

    def _check_rung_in(self, reference: str, wanted: Wanted) -> None:
        """Check that no wish of the customer who rang is still open."""
        key = service.telephone(wanted.phone).number_key
        last = requests.load_last(reference)
        if last and last.is_live and last.asked.number_key == key:
            self.checks.fault("wishes neither met nor decided about", reference, "rang in")

    # The staff

    def _at_work(self, minutes: float) -> datetime:
        at = self.now + timedelta(minutes=minutes)
        opens = opening_hours.next_opening(self.rules.hours, at) or at
        return opens if opens == at else opens + timedelta(minutes=self.chance.randrange(20))

    def _act(self, reference: str, press: Press, who: Who) -> Callback | None:
        """Press something; return the request as it is then, or None where that was refused."""
        try:
            return staff.act(reference, press, who, self.now).card.callback
        except REFUSED as refused:
            self._refused(refused)
            return None

    def _refused(self, refused: Exception) -> None:
        match refused:
            case Conflict():
                self.year.refusals[refused.reason or refused.state] += 1
            case Invalid():
                self.year.refusals[refused.fields[0].code] += 1
            case LimitReached():
                self.year.refusals[refused.reason] += 1
            case _:
                self.year.refusals[type(refused).__name__] += 1

    def _alerted(self, reference: str, kind: str) -> None:
        if not self.busy:
            return
        if kind == "callback-held":
            minutes = self.chance.expovariate(1 / 20)
            self._at(self._at_work(minutes), lambda: self._decide(reference))
        elif kind == "callback-expired":
            if self._is(0.5):
                self._at(self._at_work(30), lambda: self._follow(reference))
        elif self._is(0.8):
            agent = self.chance.choice(AGENTS)
            minutes = self.chance.expovariate(1 / 9)
            self._at(self._at_work(minutes), lambda: self._claim(reference, agent))
        elif self._is(0.2):
            agent = self.chance.choice(AGENTS)
            press = Press(self.chance.choice(("assign", "take")), to=agent)
            self._at(self._at_work(30), lambda: self._assign(reference, press))

    def _decide(self, reference: str) -> None:
        fate = self.chance.random()
        if fate < 0.9:
            done = self._act(reference, Press("admit" if fate < 0.6 else "decline"), LEAD)
            if done and self._is(0.2):
                if self._is(0.5):  # meanwhile the customer asks again, the same or anew
                    self._ask_of(reference)
                self._in(1, 12, lambda: self._undo(reference, LEAD))

    def _ask_of(self, reference: str) -> None:
        """Let the customer of a request send their form again, or ask for something else."""
        callback = requests.load_last(reference)
        if callback is None or callback.erased:
            return
        asked = callback.lead.asked
        wanted = Wanted(
            asked.name, _typed(callback), asked.topic, asked.consent, "de", asked.email, asked.note
        )
        wanted = replace(wanted, window=asked.window)
        if self._is(0.5):
            wanted = self._again(wanted)
        self._in(0, 3, lambda: self._ask(wanted))

    def _assign(self, reference: str, press: Press) -> None:
        given = self._act(reference, press, LEAD)
        holder = press.to if press.action == "assign" else LEAD
        if given and holder:
            self._work(reference, holder)
        elif given is None and self._is(0.5):
            self._act(reference, Press("release"), LEAD)

    def _claim(self, reference: str, agent: Who) -> None:
        # A colleague presses between our read and our write.
        if self._is(0.2):
            other = self.chance.choice(AGENTS)
            self.services.before_write = lambda: self._try_claim(reference, other)
        self._try_claim(reference, agent)
        self.services.before_write = None

    def _try_claim(self, reference: str, agent: Who) -> None:
        if self._act(reference, Press("claim"), agent) is not None:
            self._work(reference, agent)

    def _work(self, reference: str, agent: Who) -> None:
        then = self.chance.random()
        if then < 0.80:
            self._at(self._at_work(self.chance.random() * 5), lambda: self._dial(reference, agent))
        elif then < 0.85:
            press = Press("release", note="a note" if self._is(0.5) else "")
            self._at(self._at_work(3), lambda: self._act(reference, press, agent))
        elif then < 0.89:
            self._at(self._at_work(2), lambda: self._hand_over(reference, agent))
        elif then < 0.94:
            self._at(self._at_work(2), lambda: self._correct(reference, agent))
        # Otherwise the agent forgets the request, and the lease lapses.
        if self._is(0.1):
            comment = Press("comment", note="a note")
            self._in(1, 5 * DAY, lambda: self._act(reference, comment, LEAD))

    def _hand_over(self, reference: str, agent: Who) -> None:
        other = self.chance.choice(AGENTS)
        if self._act(reference, Press("handover", to=other, note="a note"), agent) is not None:
            self._at(self._at_work(4), lambda: self._try_claim(reference, other))

    def _correct(self, reference: str, agent: Who) -> None:
        """Correct the number; sometimes the correction was wrong, and is corrected back."""
        before = requests.load(reference)
        if before is None or before.erased:
            return
        was, blocked = _typed(before), [*self.checks.blocked]
        phone = self._phone()
        if blocked and self._is(0.3):
            known = requests.references(blocked[-1], blocked[-1])
            last = requests.load(known[-1]) if known else None
            phone = _typed(last) if last and not last.erased else phone
        after = self._act(reference, Press("number", phone=phone), agent)
        if after and self._is(0.3):
            self._in(1, 9, lambda: self._act(reference, Press("number", phone=was), LEAD))
        if after and after.state == "claimed":
            self._at(self._at_work(3), lambda: self._dial(reference, agent))

    def _dial(self, reference: str, agent: Who) -> None:
        self.checks.sure = sure = self._is(0.5)
        dialled = self._act(reference, Press("dial", outside_window=sure), agent)
        self.checks.sure = False
        if dialled is None:
            self._act(reference, Press("release"), agent)
        elif self._is(0.93):
            self._in(1, 12, lambda: self._settle(reference, agent))

    def _settle(self, reference: str, agent: Who) -> None:
        if self._is(0.12):
            return self._mistap(reference, agent)
        outcome = self.chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        press = self._outcome(outcome)
        for _ in range(1 + self._is(0.2)):  # a double click
            after = self._act(reference, press, agent)
            if after and outcome == "later" and after.state == "scheduled":
                self.checks.tell_again(after.lead, self.now)
        return None

    def _outcome(self, outcome: Outcome) -> Press:
        window = self._window() if outcome == "later" else None
        if outcome == "later" and self._is(0.3):
            begins = self.now + timedelta(minutes=self.chance.randrange(5, 90))
            window = (begins, begins + timedelta(hours=1))
        return Press("settle", outcome, "a note", window)

    def _mistap(self, reference: str, agent: Who) -> None:
        """Press the wrong outcome, and take it back: in time, late, or by somebody else."""
        outcome = self.chance.choice(list(OUTCOMES))
        after = self._act(reference, self._outcome(outcome), agent)
        if after is None:
            return
        if outcome == "later":
            self.checks.tell_again(after.lead, self.now)
        meanwhile = self.chance.random()
        if meanwhile < 0.35:
            self._ask_of(reference)
        elif meanwhile < 0.45:
            wish = self.chance.choice(after.wishes).reference
            self._in(0, 4, lambda: self._by_link(wish, "cancel"))
        elif meanwhile < 0.55:
            self._in(0, 4, lambda: self._set_block(_typed(after), self._is(0.5)))
        if self._is(0.1):
            self._in(1, 5, lambda: self._undo(reference, self.chance.choice(AGENTS)))
        if self._is(0.8):
            self._in(4, 9, lambda: self._undo(reference, agent))
        else:
            self._in(10, 60, lambda: self._undo(reference, agent))
            self._in(60, 90, lambda: self._follow(reference))

    def _undo(self, reference: str, who: Who) -> None:
        before = requests.load(reference)
        if before is None:
            return
        for number in range(1 + self._is(0.2)):  # a double click
            after = self._act(before.reference, Press("undo"), who)
            if after is not None and number == 0 and before.earlier is not None:
                self.checks.undone(before, self.now)
        if after and after.state == "claimed" and after.holder == who.id:
            self._in(1, 5, lambda: self._settle(reference, who))

    def _follow(self, reference: str) -> None:
        before = requests.load(reference)
        made = self._act(reference, Press("follow"), LEAD) if before else None
        if before is None or made is None or made.reference == before.reference:
            return
        for each in before.wishes:
            self.checks.followed |= {each.reference, *each.also}
            wish = made.wish(each.reference)
            if wish and wish.is_open:
                self.checks.tell_again(wish, self.now)
        for wish in made.wishes:
            if wish.at == self.now:
                self._follows(wish, made)

    def _follows(self, wish: Wish, made: Callback) -> None:
        self.checks.decided.add(made.reference)
        self.checks.tell_again(wish, self.now)
        for told in (wish.reference, *wish.also):
            if self._is(0.1):
                self._in(1, 200, partial(self._press, told, "cancel"))

    def _turn_to_a_number(self) -> None:
        """Let the supervisor block a number, lift a block, or erase a person."""
        phone = self._phone()
        fate = self.chance.random()
        if fate < 0.3:
            self._set_block(phone, True)
        elif fate < 0.8:
            blocked = [key for key, until in self.checks.blocked.items() if until > self.now]
            if blocked:
                key = self.chance.choice(blocked)
                staff.lift_block(key, LEAD, self.now)
                self.checks.set_block(key, None)
        else:
            live = [each for each in map(requests.load, self.checks.told) if each and each.is_live]
            some = live and self._is(0.5)
            self._erase(_typed(self.chance.choice(live)) if some else phone)

    def _set_block(self, phone: str, blocked: bool) -> None:
        staff.set_block(phone, blocked, LEAD, self.now)
        until = self.now + timedelta(days=90) if blocked else None
        self.checks.set_block(service.telephone(phone).number_key, until)

    def _erase(self, phone: str) -> None:
        key = service.telephone(phone).number_key
        names, elsewhere = set[str](), set[str]()  # a person may have asked for two numbers
        for reference, told in self.checks.told.items():
            last = requests.load_last(reference)
            if last and not last.erased:
                (names if last.asked.number_key == key else elsewhere).add(told.name)
        staff.erase_number(phone, LEAD, self.now)
        self.checks.personal(names - elsewhere, phone)

    # The checks

    def _heard(self, items: list[dict[str, Any]]) -> None:
        for item in items:
            if item["pk"]["S"].startswith("INTAKE#"):
                self._kept.append(intake.of_image(item))
                continue
            if (
                item["pk"]["S"].startswith("MSG#")
                and item["state"] == {"S": "due"}
                and not item.get("error")
            ):
                self._fresh.append(item["id"]["S"])
            if item["sk"]["S"].startswith("EVENT#") and "expires" not in item:
                self.year.events[item["event"]["S"]] += 1
        self.checks.written(items, self.now)

    def _left(self, sent: Sent) -> None:
        self.checks.left(sent, self.now)
        self.year.alerts += sent.kind == "alert"
        self.year.mails += sent.kind == "mail" and not sent.message.startswith("callback-alert")
        if sent.kind == "alert":
            kind = sent.message.partition("_")[0]
            for reference in sorted(sent.references):
                self._alerted(reference, kind)

    def _count(self) -> None:
        """Count what became of the requests."""
        for item in self.services.items("CALLBACK#"):
            if item["sk"] != "CALLBACK":
                continue
            callback = changes.load(item["reference"])
            self.year.requests += 1
            self.year.ends[callback.state] += 1
            self.year.attempts += len(callback.attempts)
            for wish in callback.wishes:
                self.year.wish_ends[wish.end or "open"] += 1
            if callback.attempts and not callback.wishes[0].asked.window:
                first = callback.attempts[0].at
                minutes = opening_hours.open_minutes(self.rules.hours, callback.created_at, first)
                self.year.minutes.append(minutes)
        self.year.wishes = len(self.checks.told)


def _typed(callback: Callback) -> str:
    asked = callback.asked
    return f"{asked.phone} ext. {asked.extension}" if asked.extension else asked.phone


@contextmanager
def _drawn(dice: random.Random) -> Iterator[None]:
    """Draw references and ids from the seed, too, while entered."""
    before, secrets.token_bytes = (
        secrets.token_bytes,
        lambda nbytes=None: dice.randbytes(nbytes or 32),
    )
    try:
        yield
    finally:
        secrets.token_bytes = before


@contextmanager
def configured(**more: str) -> Iterator[None]:
    """Configure this process as the simulation's stage, with more settings, while entered."""
    stage = {**STAGE, **more}
    before = {name: os.environ.get(name) for name in stage}

    def forget() -> None:
        for cached in (settings.current, aws.client, rules.current):
            cached.cache_clear()
        keys._cache.clear()

    os.environ.update(stage)
    forget()
    sleeping, aws.sleep = aws.sleep, lambda seconds: None
    try:
        yield
    finally:
        aws.sleep = sleeping
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        forget()
