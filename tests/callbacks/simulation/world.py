"""The events of a year, all from one seed, and the checks at every step."""

import heapq
import itertools
import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from chalicelib import aws, instants, intake, keys, settings
from chalicelib.callbacks import (
    changes,
    clock,
    erasure,
    intakes,
    opening_hours,
    reactions,
    rules,
    service,
    workflow,
)
from chalicelib.callbacks.model import (
    LIVE,
    Asked,
    Callback,
    Change,
    Outcome,
    Rules,
    Who,
    make_reference,
)
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Proof
from chalicelib.errors import Conflict, Invalid
from chalicelib.guards import Guards
from chalicelib.limits import Limit
from chalicelib.outbox import delivery, senders
from tests.callbacks.simulation.services import Sent, Services

START = datetime(2027, 1, 4, tzinfo=UTC)
DAYS = 365
BERLIN = ZoneInfo("Europe/Berlin")
AGENTS = tuple(
    Who(f"id-{number}", name) for number, name in enumerate(("Anna", "Ben", "Cem", "Dora"))
)
OUTCOMES: dict[Outcome, int] = {
    "reached": 48,
    "no_answer": 22,
    "busy": 10,
    "mailbox": 8,
    "later": 5,
    "refused": 4,
    "wrong_number": 3,
}
STAGE = {
    "STAGE": "local",
    "CONTACTS_TABLE": "contacts",
    "MAIL_CONFIGURATION_SET": "set",
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


@dataclass
class Year:
    """The figures of a run."""

    requests: int = 0
    merged: int = 0
    calls: int = 0
    ticks: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    mails: int = 0
    attempts: int = 0
    refusals: Counter[str] = field(default_factory=Counter)  # what the workflow did not allow
    wrong: Counter[str] = field(default_factory=Counter)
    minutes: list[int] = field(default_factory=list)  # open minutes to the first attempt

    def report(self) -> str:
        """Return the figures, in lines."""
        tenths = quantiles(self.minutes, n=10)
        return "\n".join(
            [
                f"requests {self.requests:,} · merged {self.merged:,}"
                f" · ticks {self.ticks:,} · calls to AWS {self.calls:,}",
                "ends: "
                + " · ".join(f"{state} {number:,}" for state, number in self.ends.most_common()),
                f"alerts {self.alerts:,} · mails {self.mails:,} · attempts {self.attempts:,}",
                "refused: "
                + " · ".join(
                    f"{reason} {number:,}" for reason, number in self.refusals.most_common()
                ),
                "open minutes to the first attempt:"
                f" p50 {quantiles(self.minutes, n=2)[0]:.0f} · p90 {tenths[8]:.0f}",
                " · ".join(f"{what} {self.wrong[what]}" for what in WRONGS),
            ]
        )


WRONGS = (
    "alerts outside hours",
    "alerts of a claimed request",
    "requests without an end",
    "double claims",
    "two live requests of a number",
    "calls against the rules",
    "calls to a blocked number",
    "personal data left",
    "messages left",
)


class World:
    """A run. `late` is the share of ticks that come up to an hour late."""

    def __init__(
        self, seed: int, requests: int, busy: bool = True, late: float = 0.1, doubled: float = 0.2
    ) -> None:
        self.chance, self.year, self.now = random.Random(seed), Year(), START
        self.busy, self.late, self.doubled, self.erases = busy, late, doubled, True
        # The clock has a random source of its own, since it must not change what people do.
        self._weather = random.Random(seed)
        self.services = Services(self._weather, on_commit=self._heard, on_sent=self._left)
        self._agenda: list[tuple[datetime, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._fresh: list[str] = []
        self._kept: list[intake.Intake] = []
        self._live: defaultdict[str, set[str]] = defaultdict(set)
        for number in range(requests):
            at = START + timedelta(minutes=self.chance.randrange(DAYS * 24 * 60))
            self._at(at, partial(self._ask, number, max(requests // 3, 1)))
        for _ in range(20 if busy else 0):
            self._at(START + timedelta(hours=self.chance.randrange(DAYS * 24)), self._outage)

    def play(self) -> Year:
        """Play the run to its end, and then until all contact data is erased."""
        with configured(), self.services.plugged():
            self.begin()
            while (at := self._next()) is not None:
                self.now = at
                while self._agenda and self._agenda[0][0] <= self.now:
                    heapq.heappop(self._agenda)[2]()
                    self._stream()
                self._tick()
            self._judge()
            if self.erases:
                self.now += timedelta(days=100)
                while erasure.erase_ended(lambda: 20.0, self.now):
                    pass
                self._look_for_personal_data()
        self.year.calls = self.services.calls
        return self.year

    def begin(self) -> None:
        """Read the stage's rules, once it is configured."""
        self.rules: Rules = rules.current()

    def plant(self, number: int) -> None:
        """Store a request for the day's last window."""
        window = opening_hours.slots(self.rules.hours, self.now, 1)[-1]
        asked = Asked(
            "Eva",
            f"+49151{number}",
            f"key-{number}",
            "general",
            "callback-de-1",
            "de",
            window=window,
        )
        service.add(
            lambda reference, known: workflow.submit(asked, reference, self.rules, self.now),
            asked.number_key,
            Proof("", {}),
            self.now,
        )

    def _at(self, at: datetime, what: Callable[[], object]) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), what))

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
        if (due := self.services.next_due("MSG#")) is not None:
            times.append(max(instants.parse(due), self.now + minute))
        return min(times, default=None)

    def _tick(self) -> None:
        for _ in range(2 if self._weather.random() < self.doubled else 1):
            self.year.ticks += 1
            clock.tick(lambda: 20.0, self.now)
            senders.sweep(reactions.COMPOSERS, dict, lambda: 20.0, lambda: self.now)
            self._send()
            self._stream()

    def _send(self) -> None:
        """Send what the clock dealt to the senders."""
        while self.services.queue:
            records = [{"body": self.services.queue.pop(0)}]
            senders.play(
                {"Records": records}, reactions.COMPOSERS, dict, lambda: 60.0, lambda: self.now
            )

    def _stream(self) -> None:
        """Deliver most new messages at once. Some are left for the clock."""
        while self._fresh:
            message = self._fresh.pop()
            if self._weather.random() < 0.9:
                delivery.deliver(message, reactions.COMPOSERS, self.now)

    def _outage(self) -> None:
        self.services.down = True
        self._at(self.now + timedelta(minutes=self.chance.randrange(10, 180)), self._mended)

    def _mended(self) -> None:
        self.services.down = False

    # The customers

    def _ask(self, number: int, numbers: int) -> None:
        phone = f"+49151{self.chance.randrange(numbers) + 10_000_000}"
        slots = opening_hours.slots(self.rules.hours, self.now, 9)
        window = self.chance.choice(slots) if slots and self.chance.random() < 0.3 else None
        email = f"customer-{number}@example.org" if self.chance.random() < 0.6 else ""
        asked = Asked(
            f"Customer {number}",
            phone,
            keys.identity("number", phone),
            self.chance.choice(TOPICS),
            "callback-de-1",
            "de",
            email=email,
            note=f"note-{number}",
            window=window,
        )

        guards = Guards((Limit("callbacks", str(number), 5),))
        reference = make_reference(self.chance.randbytes(8))
        intakes.keep(asked, reference, Proof("", {"caller": "192.0.2.1"}), guards, self.now)
        while self._kept:
            intake.take(self._kept.pop(), intakes.TAKERS)
        made = requests.load(reference)
        self.year.merged += made is None or made.asked.note != asked.note
        if not self.busy or made is None or made.asked.note != asked.note:
            return
        fate = self.chance.random()
        if fate < 0.06:
            self._soon(
                600,
                lambda: self._change(reference, lambda before: workflow.cancel(before, self.now)),
            )
            self._soon(700, lambda: self._undo(reference))
        elif fate < 0.10:
            self._soon(600, lambda: self._reschedule(reference))
        elif fate < 0.13:
            self._soon(
                300,
                lambda: self._change(
                    reference, lambda b: workflow.called_in(b, AGENTS[0], self.now)
                ),
            )

    def _soon(self, minutes: int, what: Callable[[], object]) -> None:
        self._at(self.now + timedelta(seconds=self.chance.randrange(1, minutes * 60)), what)

    def _reschedule(self, reference: str) -> None:
        window = self.chance.choice(opening_hours.slots(self.rules.hours, self.now, 14))
        self._change(
            reference, lambda before: workflow.reschedule(before, window, self.rules, self.now)
        )

    def _undo(self, reference: str) -> None:
        cancelled = requests.load(reference)
        if cancelled is None:
            return
        try:
            service.add(
                lambda new, known: workflow.undo(cancelled, new, self.rules, self.now),
                cancelled.asked.number_key,
                Proof("", {}),
                self.now,
            )
        except Conflict as conflict:
            self.year.refusals[conflict.reason or conflict.state] += 1

    # The staff

    def _alerted(self, reference: str) -> None:
        if self.busy and self.chance.random() < 0.8:
            agent = self.chance.choice(AGENTS)
            self._at(
                self._at_work(self.chance.expovariate(1 / 9)), lambda: self._claim(reference, agent)
            )

    def _at_work(self, minutes: float) -> datetime:
        at = self.now + timedelta(minutes=minutes)
        opens = opening_hours.next_opening(self.rules.hours, at) or at
        return opens if opens == at else opens + timedelta(minutes=self.chance.randrange(20))

    def _claim(self, reference: str, agent: Who) -> None:
        # A colleague presses between our read and our write.
        if self.chance.random() < 0.2:
            other = self.chance.choice(AGENTS)
            self.services.before_write = lambda: self._try_claim(reference, other)
        self._try_claim(reference, agent)
        self.services.before_write = None

    def _try_claim(self, reference: str, agent: Who) -> None:
        if (
            self._change(
                reference, lambda before: workflow.claim(before, agent, self.rules, self.now)
            )
            is None
        ):
            return
        then = self.chance.random()
        if then < 0.84:
            self._at(self._at_work(self.chance.random() * 5), lambda: self._dial(reference, agent))
        elif then < 0.90:
            self._at(self._at_work(3), lambda: self._release(reference, agent))
        elif then < 0.94:
            self._at(self._at_work(2), lambda: self._hand_over(reference, agent))
        # Otherwise the agent forgets the request, and the lease lapses.

    def _hand_over(self, reference: str, agent: Who) -> None:
        other = self.chance.choice(AGENTS)
        if (
            self._change(reference, lambda before: workflow.offer(before, agent, other.name))
            is not None
        ):
            self._at(self._at_work(4), lambda: self._try_claim(reference, other))

    def _release(self, reference: str, agent: Who) -> None:
        self._change(
            reference, lambda before: workflow.release(before, agent, self.rules, self.now)
        )

    def _dial(self, reference: str, agent: Who) -> None:
        sure = self.chance.random() < 0.5
        if (
            self._change(
                reference, lambda before: workflow.dial(before, agent, self.rules, self.now, sure)
            )
            is None
        ):
            return self._release(reference, agent)
        if self.chance.random() < 0.93:
            self._at(
                self.now + timedelta(minutes=1 + self.chance.expovariate(1 / 6)),
                lambda: self._settle(reference, agent),
            )
        return None

    def _settle(self, reference: str, agent: Who) -> None:
        outcome = self.chance.choices(list(OUTCOMES), list(OUTCOMES.values()))[0]
        slots = opening_hours.slots(self.rules.hours, self.now, 9)
        window = self.chance.choice(slots) if outcome == "later" else None
        for _ in range(1 + (self.chance.random() < 0.2)):  # a double click
            self._change(
                reference,
                lambda before: workflow.record_outcome(
                    before, agent, outcome, self.rules, self.now, "a note", window
                ),
            )

    def _change(self, reference: str, decide: Callable[[Callback], Change]) -> Callback | None:
        try:
            return changes.change(reference, decide, self.now)
        except Conflict as conflict:
            self.year.refusals[conflict.reason or conflict.state] += 1
        except Invalid:
            self.year.refusals["window"] += 1
        return None

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
            if item["sk"] == {"S": "CALLBACK"}:
                live = self._live[item["asked"]["M"]["number_key"]["S"]]
                live.discard(item["reference"]["S"])
                if item["state"]["S"] in LIVE:
                    live.add(item["reference"]["S"])
                self.year.wrong["two live requests of a number"] += len(live) > 1

    def _left(self, sent: Sent) -> None:
        kind = sent.message.split("_")[0]
        if not kind.startswith(("callback-alert", "callback-expired")):
            self.year.mails += 1
            return
        self.year.alerts += sent.kind == "alert"
        self.year.wrong["alerts outside hours"] += not open_in_berlin(self.now)
        for reference in sent.references:
            if kind.startswith("callback-alert"):
                state = self.services.table[f"CALLBACK#{reference}"]["CALLBACK"]["state"]["S"]
                self.year.wrong["alerts of a claimed request"] += state != "open"
            if sent.kind == "alert":
                self._alerted(reference)

    def _judge(self) -> None:
        blocked: dict[str, list[datetime]] = defaultdict(list)
        stored = self.services.items("CALLBACK#")
        found = [item for item in stored if item["sk"] == "CALLBACK"]
        for item in found:
            callback = requests.load(item["reference"])
            assert callback is not None
            self.year.requests += 1
            self.year.ends[callback.state] += 1
            self.year.wrong["requests without an end"] += callback.is_live
            self.year.attempts += len(callback.attempts)
            self.year.wrong["calls against the rules"] += breaches(
                [each.at for each in callback.attempts]
            )
            self.year.wrong["double claims"] += claimed_twice(requests.events(callback.reference))
            if callback.attempts and not callback.asked.window:
                first = callback.attempts[0].at
                self.year.minutes.append(
                    opening_hours.open_minutes(self.rules.hours, callback.created_at, first)
                )
            if callback.state == "refused" and callback.ended_at:
                blocked[callback.asked.number_key].append(callback.ended_at)
        for item in found:
            at = instants.parse(item["created_at"])
            ends = blocked[item["asked"]["number_key"]]
            self.year.wrong["calls to a blocked number"] += any(
                end < at < end + timedelta(days=90) for end in ends
            )
        left = Counter(item["state"] for item in self.services.items("MSG#"))
        self.year.wrong["messages left"] += sum(
            left[state] for state in ("due", "sending", "unclear")
        )

    def _look_for_personal_data(self) -> None:
        secrets = ("Customer ", "+49151", "@example.org", "note-", "a note", "Anna")
        kept = str(
            [item for partition in self.services.table.values() for item in partition.values()]
        )
        self.year.wrong["personal data left"] += sum(kept.count(secret) for secret in secrets)


TOPICS = ("general", "buying", "selling", "storage", "order")
_FEASTS = holidays.country_holidays("DE", subdiv="BW", years=[2027, 2028])


def open_in_berlin(at: datetime) -> bool:
    """Tell whether the line is open, by rules written down a second time."""
    local = at.astimezone(BERLIN)
    closed = local.date() in _FEASTS or (local.month, local.day) in ((12, 24), (12, 31))
    return local.weekday() < 5 and 9 <= local.hour < 17 and not closed


def breaches(calls: list[datetime]) -> int:
    """Count the calls to one customer that the rules do not allow."""
    days = Counter(at.astimezone(BERLIN).date() for at in calls)
    early = sum(later - at < timedelta(minutes=20) for at, later in itertools.pairwise(calls))
    return (
        early
        + sum(number > 2 for number in days.values())
        + sum(not open_in_berlin(at) for at in calls)
    )


def claimed_twice(events: list[dict[str, Any]]) -> int:
    """Count how often a request was claimed while somebody held it."""
    held, twice = False, 0
    for each in events:
        if each["event"] == "claimed":
            twice += held
        held = each["state"] == "claimed"
    return twice


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
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        forget()
