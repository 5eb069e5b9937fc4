"""A table's stream as Lambda reads it: shards, parallel batches, retries and failures."""

import random
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from tests.articles.simulation.double import Change
from tests.articles.simulation.hub import Hub, Task
from tests.expressions import Item

Record = dict[str, Any]
Handler = Callable[[list[Record]], None]


class Queue:
    """What one poller reads in order: a shard, or one of its parallel parts."""

    def __init__(self, shard: str) -> None:
        self.shard = shard
        self.records: list[Record] = []
        self.closed = False


class Stream:
    """Brings each record of the markers at least once, in batches of any size.

    Where it drops batches, the sweeper has to find what was missed.
    """

    def __init__(
        self,
        hub: Hub,
        handler: Handler,
        chance: random.Random,
        met: Counter[str],
        calm: bool,
        drops: bool,
        full: bool,
    ) -> None:
        self.records = 0
        self.history: list[list[Record]] = []
        self._hub, self._handler, self._chance, self._met = hub, handler, chance, met
        # The share of batches that each kind of trouble happens to.
        self._fate = 0.0 if calm else 0.06
        self._dropped = 0.1 if drops else 0.0  # share of failed batches that are given up
        self._most_parallel = 1 if calm else 3
        self._largest, self._fewest = (
            (100, 60) if full else chance.choice(((3, 1), (10, 1), (100, 1)))
        )
        self._most_shards = 1 if full else 3
        self._shards: list[list[Queue]] = []
        self._numbers, self._shard_numbers = count(1), count(1)

    def open(self) -> None:
        """Start the pollers. May be called again after `close`."""
        shards, parallel = (
            self._chance.randint(1, self._most_shards),
            self._chance.randint(1, self._most_parallel),
        )
        self._shards = [self._shard(parallel) for _ in range(shards)]

    def close(self) -> None:
        """Let the pollers end once they have brought everything: nothing more is written."""
        for queue in (queue for shard in self._shards for queue in shard):
            queue.closed = True

    def hear(self, changes: list[Change]) -> None:
        """Make records of a commit's changes to the markers' table."""
        for table, key, before, after in changes:
            if table == "markers":
                self._place(_record(next(self._numbers), key[0], before, after))

    def reshard(self) -> None:
        """Split a shard. Its children are read beside what is left of it."""
        self._met["reshard"] += 1
        at = self._chance.randrange(len(self._shards))
        for queue in self._shards[at]:
            queue.closed = True
        self._shards[at : at + 1] = [self._shard(1), self._shard(1)]

    def replay(self, batches: int) -> None:
        """Deliver some old batches once more."""
        for batch in self._chance.sample(self.history, min(batches, len(self.history))):
            self._met["replayed"] += 1
            self._hub.spawn(partial(self._deliver, batch))

    def _place(self, record: Record) -> None:
        self.records += 1
        spread = zlib.crc32(record["dynamodb"]["Keys"]["pk"]["S"].encode())
        shard = self._shards[spread % len(self._shards)]
        queue = shard[spread // 64 % len(shard)]
        queue.records.append({**record, "shardId": queue.shard})

    def _shard(self, parallel: int) -> list[Queue]:
        queues = [Queue(name) for name in [f"shard-{next(self._shard_numbers)}"] * parallel]
        for queue in queues:
            self._hub.spawn(partial(self._poll, queue))
        return queues

    def _poll(self, queue: Queue) -> None:
        while True:
            self._hub.wait(lambda: len(queue.records) >= self._fewest or queue.closed)
            if not queue.records:
                return
            batch = queue.records[: self._chance.randint(self._fewest, self._largest)]
            if self._deliver(batch):
                del queue.records[: len(batch)]
            else:
                # The next batch begins at the same record, and may end elsewhere.
                self._met["shifted"] += 1

    def _deliver(self, batch: list[Record]) -> bool:
        """Bring a batch until it is taken or given up (True), or has to be cut anew (False)."""
        self.history.append(batch)
        while not self._invoke(batch):
            if len(batch) > 1 and self._happens(0.3):
                self._met["bisected"] += 1
                half = len(batch) // 2
                return all([self._insist(batch[:half]), self._insist(batch[half:])])
            if self._happens(0.2):
                return False
            if self._happens(self._dropped):
                self._met["dropped"] += 1
                return True
        return not self._fated("delivered again") or self._insist(batch)

    def _insist(self, batch: list[Record]) -> bool:
        while not self._invoke(batch):
            pass
        return True

    def _invoke(self, batch: list[Record]) -> bool:
        task = self._hub.spawn(lambda: self._handler(batch))
        if self._fated("zombie"):
            steps = self._chance.randrange(30)
            patience = count()
            self._hub.wait(lambda: task.done or next(patience) > steps)
            if not task.done and self._happens(0.3):
                self._met["frozen"] += 1
                task.freezing = True
        else:
            self._hub.wait(lambda: task.done)
        return _taken(task)

    def _fated(self, what: str) -> bool:
        if not self._happens(self._fate):
            return False
        self._met[what] += 1
        return True

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share


def _taken(task: Task) -> bool:
    return task.done and task.error is None


def _record(number: int, pk: str, before: Item | None, after: Item | None) -> Record:
    name = "REMOVE" if after is None else "MODIFY" if before else "INSERT"
    image = {} if after is None else {"NewImage": after}
    told = {"Keys": {"pk": {"S": pk}}, "SequenceNumber": str(number), **image}
    return {
        "eventID": f"{number}",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": told,
    }
