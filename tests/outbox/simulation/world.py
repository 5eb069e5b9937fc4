"""The clock, the senders and the stream's function at work in a time of their own.

Each invocation of a function is a greenlet. Whatever takes time, a call to a service or a pause,
hands over to whoever is next. An invocation that takes longer than its function's limit is killed.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet

from chalicelib import aws
from chalicelib.outbox import account, model, senders, store
from chalicelib.outbox.lanes import Lane
from chalicelib.outbox.model import Mail, Message
from infra.policies import TIMEOUTS
from tests.callbacks.simulation.services import Sent, Services, Status

START = datetime(2026, 11, 23, 9, tzinfo=UTC)
TICK = 60.0
CALL = 0.005  # seconds of a call to the table or the queue
INVOKED = 0.2  # seconds from a hand's way into the queue to its sender's start
TOO_FAST = "TooManyRequestsException"


class Stop(BaseException):
    """The process ends here; nothing catches it."""


@dataclass
class Timed(Services):
    """The services, with the time their calls take, SES's rate, and crashes."""

    world: "World" = field(default=None)  # type: ignore[assignment]  # set at once by the world
    rate: float = 200.0
    latency: float = 0.05  # of SES, in seconds
    crashes: float = 0.0  # the chance that a process ends before or after a call
    unnoted: dict[Any, str] = field(default_factory=dict)  # sent, not yet recorded, by invocation
    tokens: float = 0.0
    filled: float = 0.0
    throttled: int = 0

    def taking(self, answer: Callable[..., Any], seconds: float) -> Callable[..., Any]:
        """Return an answer that takes time, and before or after which the process may end."""

        def timed(model: Any, params: Any, **more: Any) -> Any:
            self._perhaps_end()
            self.world.pass_time(seconds)
            given = answer(model=model, params=params, **more)
            if model.name == "PutItem":
                self.unnoted.pop(getcurrent(), None)
            self._perhaps_end()
            return given

        return timed

    def _perhaps_end(self) -> None:
        if self.crashes and self.chance.random() < self.crashes:
            raise Stop

    def _leaves(self, sent: Sent) -> tuple[Status, Any]:
        self.unnoted[getcurrent()] = sent.message
        return super()._leaves(sent)

    def answers(self) -> dict[str, Callable[..., Any]]:
        """Return the answers by service."""
        own = super().answers()
        slow = {"sesv2": self.latency}
        return {name: self.taking(each, slow.get(name, CALL)) for name, each in own.items()}

    def _mail(self, model: Any, params: Any, **more: Any) -> tuple[Status, Any]:
        if model.name == "GetAccount":
            return Status(200), {"SendQuota": {"MaxSendRate": self.rate}}
        now = self.world.seconds
        self.tokens = min(self.tokens + (now - self.filled) * self.rate, self.rate)
        self.filled = now
        if self.tokens < 1:
            self.throttled += 1
            return Status(429), {"Error": {"Code": TOO_FAST, "Message": ""}}
        self.tokens -= 1
        return super()._mail(model, params, **more)


@dataclass(frozen=True)
class Left:
    """A mail that SES took: when, in seconds from the start, and which."""

    at: float
    message: str


@dataclass
class World:
    """A backlog, and what becomes of it."""

    messages: int
    rate: float
    latency: float = 0.05
    crashes: float = 0.0
    seed: int = 1
    seconds: float = 0.0
    mails: list[Left] = field(default_factory=list)
    due: dict[str, tuple[Lane, float]] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)  # of invocations
    # Mails that SES took while the process ended before that was recorded: they go once more.
    cut_off: Counter[str] = field(default_factory=Counter)
    heartbeats: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _deadlines: dict[Any, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._hub = getcurrent()
        self.chance = random.Random(self.seed)
        self.services = Timed(self.chance, world=self, rate=self.rate, latency=self.latency)
        self.services.on_sent = self._left

    def run(self, until: float = 4 * 3600.0) -> None:
        """Drain the backlog, and deliver what is owed meanwhile."""
        with self.services.plugged(), self._own_time():
            self._owe_backlog()
            self.services.crashes = self.crashes
            self._at(0.0, self._tick)
            while self._agenda and self.seconds < until:
                self.seconds, _, what = heapq.heappop(self._agenda)
                what()

    def clock(self) -> datetime:
        """Return the present instant."""
        return START + timedelta(seconds=self.seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass for the running invocation; end it at its function's limit."""
        running = getcurrent()
        if running is self._hub:
            return
        end = self._deadlines[running]
        self._at(min(self.seconds + seconds, end), running.switch)
        self._hub.switch()
        if self.seconds >= end:
            self.ends["killed"] += 1
            raise Stop

    @contextmanager
    def _own_time(self) -> Iterator[None]:
        before, aws.sleep = aws.sleep, self.pass_time
        account.forget()
        try:
            yield
        finally:
            aws.sleep = before
            account.forget()

    def _at(self, at: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), what))

    def _invoke(self, function: str, run: Callable[[Callable[[], float]], object]) -> None:
        """Run a function now, with its time limit."""
        end = self.seconds + TIMEOUTS[function]

        def guarded() -> None:
            try:
                run(lambda: end - self.seconds)
                self.ends["done"] += 1
            except Stop:
                self.ends["ended"] += 1
                if cut_off := self.services.unnoted.pop(getcurrent(), None):
                    self.cut_off[cut_off] += 1

        invocation = greenlet(guarded, parent=self._hub)
        self._deadlines[invocation] = end
        invocation.switch()

    def _tick(self) -> None:
        if self.services.next_due("MSG#") is None:
            return
        self._at(self.seconds + TICK, self._tick)
        self._invoke("clock", self._sweep)

    def _sweep(self, left: Callable[[], float]) -> None:
        outcome = senders.sweep(COMPOSERS, dict, left, self.clock)
        self.heartbeats.append((self.seconds, outcome))
        self._deal()

    def _deal(self) -> None:
        """Start a sender for each hand in the queue."""
        while self.services.queue:
            body = self.services.queue.pop(0)
            self._at(self.seconds + INVOKED, lambda body=body: self._play(body))  # type: ignore[misc]  # bound now

    def _play(self, body: str) -> None:
        event = {"Records": [{"body": body}]}
        self._invoke(
            "send_messages", lambda left: senders.play(event, COMPOSERS, dict, left, self.clock)
        )

    def _owe_backlog(self) -> None:
        """Owe the messages of the last five hours: one alert in a hundred, else mails to readers.

        The first is an alert five hours old.
        """
        for number in range(self.messages):
            lane: Lane = "alerts" if number % 100 == 0 else "transactional"
            ago = 0.0 if number else 5 * 3600.0
            ago = ago or self.chance.uniform(1, 5 * 3600)
            due = START - timedelta(seconds=ago)
            message = model.owe("mail", f"{number}", 1, due, due, lane)
            self.due[message.id] = (lane, (due - START).total_seconds())
            aws.write(store.owed(message))

    def _left(self, sent: Sent) -> None:
        self.mails.append(Left(self.seconds, sent.message))


def _compose(message: Message, now: datetime) -> Mail:
    return Mail((f"{message.subject}@example.org",), "Subject", "Text")


COMPOSERS = {"mail": _compose}


@dataclass(frozen=True)
class Report:
    """What became of a backlog."""

    minutes: float  # until 99 of 100 mails had left
    last: float  # minutes until the last mail left
    out_of_order: int  # mails that left more than a second after a younger one of their lane
    alerts: float  # seconds until the last alert of the backlog left
    lost: int
    twice: int
    unallowed: int  # of those, mails that no ended process explains
    killed: int
    throttled: int


def report(world: World) -> Report:
    """Return what became of a world's backlog."""
    first: dict[str, float] = {}
    times: Counter[str] = Counter()
    for mail in world.mails:
        first.setdefault(mail.message, mail.at)
        times[mail.message] += 1
    twice = [each for each, number in times.items() if number > 1]
    ordered = sorted(first.values())
    return Report(
        ordered[int(len(ordered) * 0.99)] / 60,
        ordered[-1] / 60,
        _out_of_order(world, first),
        max(first[each] for each, (lane, _) in world.due.items() if lane == "alerts"),
        len(world.due.keys() - first.keys()),
        len(twice),
        len([each for each in twice if times[each] > 1 + world.cut_off[each]]),
        world.ends["killed"],
        world.services.throttled,
    )


def _out_of_order(world: World, first: dict[str, float]) -> int:
    """Return how many mails left more than a second after a younger one of their lane."""
    count = 0
    for lane in ("alerts", "transactional"):
        mine = sorted(
            (first[each], due)
            for each, (own, due) in world.due.items()
            if own == lane and each in first
        )
        youngest, recent = float("-inf"), list[tuple[float, float]]()
        for at, due in mine:
            while recent and recent[0][0] < at - 1:
                youngest = max(youngest, recent.pop(0)[1])
            count += due < youngest
            recent.append((at, due))
    return count
