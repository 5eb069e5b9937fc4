"""One article that everybody reads at once, against DynamoDB's limits.

This simulates time and makes no calls. The product's own grouping (`model.chunks`, `model.lane`)
decides what is written. Each write uses capacity of its partition key, its index key and its table.

Sources are these pages of AWS's documentation: "Best practices for designing partition keys" (1,000
write units a second for a key; bursts are left out here), "Service quotas" (40,000 units for a
table, Lambda's batches and parallelization), "Transactions" (two units a KB and item, conflicts),
"Lambda with DynamoDB" (a shard is read four times a second, batches of 100 by default).
"""

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from chalicelib.articles import model
from chalicelib.articles.model import Marker

KEY_LIMIT, TABLE_LIMIT = 1000, 40_000  # write units a second
TICK, POLL = 0.01, 0.25  # seconds between arrivals, and between two reads of a shard
INVOKED = 0.005  # seconds that an invocation takes besides its transactions
IN_FLIGHT = (0.02, 0.06)  # seconds a transaction of a hundred items takes
REFUSED = 0.01  # seconds until a transaction that did not happen is answered
TRIES = 6  # as often as `aws.write` tries
SLUG, DAY = "gold", "2026-11-23"


@dataclass(frozen=True)
class Setting:
    """What is simulated: the load, and how the stream is read."""

    rate: int = 10_000  # views a second
    seconds: int = 120
    shards: int = 64  # partitions of the markers' table, each a shard of its stream
    parallel: int = 1  # batches of a shard that are handled at once
    window: float = 0.0  # seconds a batch may wait for more
    filtered: bool = False  # whether only new markers are delivered
    batch: int = 100
    new_lanes: bool = True  # whether a transaction is tried again in another lane after a conflict
    table_limit: int = TABLE_LIMIT


@dataclass
class Figures:
    """The figures of a simulation."""

    counted: int = 0
    waiting: int = 0
    transactions: int = 0
    conflicts: int = 0
    redelivered: int = 0
    throttled: Counter[str] = field(default_factory=Counter)
    # Write units in the busiest second, by limit.
    hottest: Counter[str] = field(default_factory=Counter)
    lags: list[float] = field(default_factory=list)

    @property
    def lag(self) -> tuple[float, float, float]:
        """Return the seconds from view to sum: the median, the 99th percentile, the longest."""
        ordered = sorted(self.lags) or [0.0]
        return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)], ordered[-1]


@dataclass
class Poller:
    """The reader of a shard, or of a parallel part of one."""

    shard: int
    # The numbers of views. None is the record of a flag that was set.
    pending: deque[int | None] = field(default_factory=deque)
    visible: int = 0
    busy: bool = False
    since: float = 0.0


class Simulation:
    """A simulation whose time goes from event to event."""

    def __init__(self, setting: Setting, seed: int = 1) -> None:
        self._chance, self._choice = random.Random(seed), random.Random(seed)
        self.set, self.figures, self.now = setting, Figures(), 0.0
        parts = range(setting.shards * setting.parallel)
        self._pollers = [Poller(part // setting.parallel) for part in parts]
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._used: Counter[str] = Counter()
        self._second = 0
        self._lanes: set[int] = set()
        self._arrived: list[float] = []
        self._counted: set[int] = set()

    def run(self) -> Figures:
        """Simulate until the end of the load. `waiting` is the number of uncounted views."""
        self._at(0, self._arrive)
        for poller in self._pollers:
            self._at(self._chance.uniform(0, POLL), partial(self._poll, poller))
        while self._events and self._events[0][0] < self.set.seconds:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self._next_second()
        self.figures.waiting = len(self._arrived) - self.figures.counted
        return self.figures

    def _at(self, after: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + after, next(self._order), event))

    def _arrive(self) -> None:
        for _ in range(round(self.set.rate * TICK)):
            poller = self._chance.choice(self._pollers)
            if self._take({f"partition {poller.shard}": 1, "markers": 1}):
                poller.pending.append(len(self._arrived))
                self._arrived.append(self.now)
        self._at(TICK, self._arrive)

    def _poll(self, poller: Poller) -> None:
        if not poller.visible:
            poller.since = self.now
        poller.visible = len(poller.pending)
        self._at(POLL, lambda: self._poll(poller))
        self._invoke(poller)

    def _invoke(self, poller: Poller) -> None:
        full = poller.visible >= self.set.batch
        if (
            poller.busy
            or not poller.visible
            or not (full or self.now - poller.since >= self.set.window)
        ):
            return
        poller.busy = True
        size = min(self.set.batch, poller.visible)
        records = list(itertools.islice(poller.pending, size))
        new = [
            Marker(SLUG, DAY, str(view))
            for view in records
            if view is not None and view not in self._counted
        ]
        self._go_on(poller, deque(model.chunks(new)), size)

    def _go_on(self, poller: Poller, chunks: deque[tuple[Marker, ...]], size: int) -> None:
        if chunks:
            lane = model.lane(len(chunks[0]), self._choice.randrange(model.LANES))
            self._transact(poller, chunks, size, lane, 1)
            return
        for _ in range(size):
            poller.pending.popleft()
        poller.visible -= size
        self._at(INVOKED, lambda: self._free(poller))

    def _free(self, poller: Poller) -> None:
        poller.busy, poller.since = False, self.now
        self._invoke(poller)

    def _transact(
        self, poller: Poller, chunks: deque[tuple[Marker, ...]], size: int, lane: int, attempt: int
    ) -> None:
        self.figures.transactions += 1
        if lane not in self._lanes and self._take(self._units(poller, len(chunks[0]))):
            self._lanes.add(lane)
            self._at(
                self._chance.uniform(*IN_FLIGHT), lambda: self._commit(poller, chunks, size, lane)
            )
            return
        self.figures.conflicts += lane in self._lanes
        if attempt < TRIES:
            wait = REFUSED + self._chance.uniform(0.01, 0.05) * attempt
            other = self._chance.randrange(model.LANES) if self.set.new_lanes else lane
            self._at(wait, lambda: self._transact(poller, chunks, size, other, attempt + 1))
        else:
            self.figures.redelivered += 1
            self._at(REFUSED, lambda: self._again(poller))

    def _again(self, poller: Poller) -> None:
        """Try the batch again after a failure."""
        poller.busy = False
        self._invoke(poller)

    def _commit(
        self, poller: Poller, chunks: deque[tuple[Marker, ...]], size: int, lane: int
    ) -> None:
        self._lanes.discard(lane)
        chunk = chunks.popleft()
        self.figures.counted += len(chunk)
        self._counted.update(int(marker.visitor) for marker in chunk)
        self.figures.lags += (self.now - self._arrived[int(marker.visitor)] for marker in chunk)
        if not self.set.filtered:
            poller.pending.extend([None] * len(chunk))
        self._go_on(poller, chunks, size)

    def _units(self, poller: Poller, markers: int) -> dict[str, int]:
        """Return the write units of a transaction: two for each item.

        Total and day have the article's partition key. The index is written afterwards, in one
        unit.
        """
        flags = 2 * markers
        return {
            "article": 4,
            "index": 1,
            f"partition {poller.shard}": flags,
            "markers": flags,
            "counts": 4,
        }

    def _take(self, units: dict[str, int]) -> bool:
        """Take capacity in this second, all of it or none. Tell whether there was enough."""
        if int(self.now) != self._second:
            self._next_second()
        for name, wanted in units.items():
            limit = self.set.table_limit if name in ("markers", "counts") else KEY_LIMIT
            if self._used[name] + wanted > limit:
                self.figures.throttled[name.split()[0]] += 1
                return False
        for name, wanted in units.items():
            self._used[name] += wanted
        return True

    def _next_second(self) -> None:
        self._second = int(self.now)
        for name, used in self._used.items():
            kind = name.split()[0]
            self.figures.hottest[kind] = max(self.figures.hottest[kind], used)
        self._used.clear()
