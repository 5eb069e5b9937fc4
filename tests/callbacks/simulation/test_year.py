"""A year at the hotline: every request ends, and it does not matter how the clock runs."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from chalicelib.callbacks import clock
from chalicelib.callbacks.model import ENDS
from tests.callbacks.simulation.world import WRONGS, World, configured

REQUESTS = 1500
pytestmark = pytest.mark.usefixtures("slow")


def test_a_year() -> None:
    year = World(1, REQUESTS).play()
    print(f"\n{year.report()}")
    assert {what: year.wrong[what] for what in WRONGS} == dict.fromkeys(WRONGS, 0)
    assert set(year.ends) == set(ENDS)
    assert {"held", "calling", "attempts_today", "too_soon", "outside_window", "too_late"} <= set(
        year.refusals
    )


def messages(world: World) -> Counter[tuple[str, str, int, str]]:
    """Count the messages by request, kind, serial and state.

    A request is named by its note, which has the same number in every run.
    """
    notes = {
        item["reference"]: item["asked"]["note"]
        for item in world.services.items("CALLBACK#")
        if item["sk"] == "CALLBACK"
    }
    return Counter(
        (notes[item["subject"]], item["kind"], item["serial"], item["state"])
        for item in world.services.items("MSG#")
    )


@pytest.mark.parametrize(
    ("how", "late", "doubled", "shuffled"),
    [
        ("twice", 0, 1, False),
        ("shuffled", 0, 0, True),
        ("an hour late", 1, 0, False),
        ("all of it", 0.5, 0.5, True),
    ],
)
def test_the_same_messages_however_the_clock_runs(
    how: str, late: float, doubled: float, shuffled: bool
) -> None:
    """Check that a late, doubled or shuffled clock owes the same messages.

    Nobody works in these runs, so that only the clock changes requests.
    """

    def run(late: float, doubled: float, shuffled: bool) -> Counter[tuple[str, str, int, str]]:
        world = World(2, 60, busy=False, late=late, doubled=doubled)
        world.services.shuffled, world.erases = shuffled, False
        world.play()
        return messages(world)

    punctual = run(0, 0, False)
    assert run(late, doubled, shuffled) == punctual
    print(f"clock {how}: {punctual.total()} messages, the same as of a punctual one")


def test_a_backlog_of_ten_thousand_is_drained_in_pages() -> None:
    """Check that each tick does what its time allows, and the next one goes on."""
    world, backlog, ticks = World(3, 0), 10_000, list[int]()
    with configured(), world.services.plugged():
        world.begin()
        for number in range(backlog):
            world.plant(number)
        # It is 16:01 in Berlin: the last window has begun.
        world.now += timedelta(hours=15, minutes=1)
        while sum(ticks) < backlog and len(ticks) < 100:
            # Each request takes a hundredth of a second.
            left = iter([20.0 - 0.01 * step for step in range(2000)])
            told = clock.tick(partial(next, left), world.now)
            ticks.append(told.get("opened", 0))
            world.now += timedelta(minutes=1)
        states = Counter(
            item["state"] for item in world.services.items("CALLBACK#") if item["sk"] == "CALLBACK"
        )
    assert states == {"open": backlog}
    assert max(ticks) <= 1501
    print(f"backlog: {backlog:,} due, drained in {len(ticks)} ticks of at most {max(ticks):,}")
