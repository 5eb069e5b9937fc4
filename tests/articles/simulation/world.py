"""One run: days of reading, a failing stream, sweeper, ranker and TTL, all from one seed."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import aws, errors, instants
from chalicelib.articles import counting, model, ranking
from chalicelib.articles.stores import counts, decisions, markers
from chalicelib.articles.stores.decisions import Decision
from tests.articles.simulation.double import Change, Double
from tests.articles.simulation.hub import Hub, Stop, Task
from tests.articles.simulation.oracle import Oracle
from tests.articles.simulation.stream import Handler, Stream
from tests.articles.simulation.wire import Wire
from tests.expressions import plain

BERLIN = ZoneInfo("Europe/Berlin")
# One article is read more than the others.
SLUGS = ("gold", "gold", "gold", "gold", "silver", "platinum")
# At this time every view of the day is old enough for the sweeper to look for it.
LATER = counting.OVERLOOKED_AFTER + timedelta(minutes=1)
SWEEPS = 5
# The share of runs with so many readers that batches are full and sums are spread over lanes.
CROWDED = 0.1


@dataclass
class Outcome:
    """The figures of a run."""

    seed: int
    views: int = 0
    records: int = 0
    calls: int = 0
    commits: int = 0
    met: Counter[str] = field(default_factory=Counter)
    deviations: Counter[str] = field(default_factory=Counter)


class World:
    """A run with the given counting. `swept` says whether the product's sweeper takes part."""

    def __init__(self, seed: int, handler: Handler, calm: bool = False, swept: bool = True) -> None:
        random.seed(seed)  # the product's lanes and jitter
        self._chance = random.Random(seed)
        crowded = self._chance.random() < CROWDED
        faulty = 0.0 if calm else self._chance.choice((0.0, 0.03, 0.08, 0.15))
        self._now = datetime(2026, 11, 2, 9, tzinfo=UTC)
        self.outcome = Outcome(seed)
        self._hub, self._swept = Hub(self._chance), swept
        self._double = Double(self._chance, lambda: self._now)
        self._oracle = Oracle(self._double)
        met = self.outcome.met
        self._wire = Wire(self._hub, self._double, self._chance, faulty, met)
        self._stream = Stream(self._hub, handler, self._chance, met, calm, swept, crowded)
        self._calm, self._crowded = calm, crowded
        self._double.on_commit = self._hear

    def play(self) -> Outcome:
        """Play the run."""
        markers.forget()
        counts.forget()
        ranking.forget()
        with self._wire.plugged():
            for slug in dict.fromkeys(SLUGS):
                decisions.save(
                    slug, Decision(accepted=True), Decision(), "the simulation", self._now
                )
            for _ in range(self._chance.choice((1, 1, 2))):
                self._day()
                self._now += timedelta(
                    days=self._chance.choice((1, 2, 6, 12)), hours=self._chance.randrange(5)
                )
            self._hub.end()
        made = self.outcome
        made.views, made.records, made.calls = (
            len(self._oracle.views),
            self._stream.records,
            self._wire.calls,
        )
        made.deviations = self._oracle.deviations
        return made

    def _day(self) -> None:
        self._hub.thaw()
        self._stream.open()
        self._plant_salts()
        if not self._calm:
            self._expire()
            self._stream.replay(self._chance.randrange(3))
        readers = [self._hub.spawn(self._read) for _ in range(self._chance.randint(1, 3))]
        self._hub.spawn(lambda: self._end_of_day(readers))
        if self._swept:
            self._hub.spawn(
                lambda: self._patiently(lambda: counting.sweep(self._now + LATER), "sweeper")
            )
        if self._chance.random() < 0.1:
            self._hub.spawn(lambda: self._patiently(lambda: ranking.rank(self._now), "ranker"))
        self._double.partial = 0 if self._calm else 0.1
        self._hub.run()
        self._double.partial = 0
        self._rest()

    def _read(self) -> None:
        """Let people read articles, some of them again."""
        people, views = (
            (200, 90) if self._crowded else self._chance.choice(((3, 10), (20, 20), (200, 40)))
        )
        for _ in range(views):
            self._now += timedelta(seconds=self._chance.randrange(200))
            try:
                self._view(self._chance.choice(SLUGS), self._chance.randrange(people))
            except errors.Unavailable:
                self.outcome.met["503"] += 1
            except Stop:
                markers.forget()
                counts.forget()

    def _view(self, slug: str, person: int) -> None:
        local = self._now.astimezone(BERLIN)
        day = local.date().isoformat()
        visitor = model.visitor(markers.salt(day, self._now), slug, f"192.0.2.{person}", "Firefox")
        markers.mark(model.Marker(slug, day, visitor, local.hour), self._now)
        marked = ("markers", (model.Marker(slug, day, visitor).key,))
        if marked[1] not in self._double.tables["markers"]:
            self._oracle.deviations["answered and not marked"] += 1

    def _plant_salts(self) -> None:
        """Store the salts of the run's days, so that the run can be played again.

        Salts that the product makes are random each time.
        """
        for ahead in range(2):
            day = (self._now + timedelta(days=ahead)).astimezone(BERLIN).date().isoformat()
            salt = self._chance.randbytes(32).hex()
            expires = instants.epoch(self._now + markers.SALT_KEPT)
            self._double.plant(
                aws.pack_item({"pk": f"SALT#{day}", "salt": salt, "expires": expires})
            )

    def _end_of_day(self, readers: list[Task]) -> None:
        while not all(reader.done for reader in readers):
            if not self._calm and self._chance.random() < 0.02:
                self._stream.reshard()
            self._hub.pause()
        self._stream.close()

    def _patiently(self, work: Callable[[], Any], name: str) -> None:
        """Run a scheduled function twice, as its schedule would. It may fail each time."""
        for _ in range(2):
            try:
                work()
            except errors.Unavailable:
                self.outcome.met[f"{name} failed"] += 1

    def _expire(self) -> None:
        """Remove some of the expired markers, as TTL does in its own time."""
        markers = self._double.tables["markers"].items()
        expired = [key for key, item in markers if plain(item["expires"]) < self._now.timestamp()]
        gone = self._chance.sample(expired, self._chance.randint(0, len(expired)))
        self.outcome.met["expired"] += len(gone)
        self._double.expire(gone)

    def _rest(self) -> None:
        """Check at rest that the sums are the views, and that the lists agree with them."""
        if self._swept:
            for _ in range(SWEEPS):
                counting.sweep(self._now + LATER)
        self._oracle.at_rest()
        self._double.settle_index()
        self._now += ranking.LATEST + timedelta(minutes=1)  # then late views are in the lists
        if self._chance.random() < 0.5:
            ranking.forget()  # as a new process does
        ranking.rank(self._now)
        local = self._now.astimezone(BERLIN)
        for window, wanted in self._oracle.lists(local.date(), local.hour).items():
            entries = counts.load_list(window)["articles"]
            self._oracle.compare_list(
                window, [(each["slug"], each["views"]) for each in entries], wanted
            )

    def _hear(self, changes: list[Change]) -> None:
        self.outcome.commits += 1
        lanes = {
            key[1]
            for table, key, *_ in changes
            if table == "counts" and key[1].startswith("TOTAL#")
        }
        self.outcome.met["spread over lanes"] += bool(lanes - {"TOTAL#00"})
        self._oracle.hear(changes)
        self._stream.hear(changes)
