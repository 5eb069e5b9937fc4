"""A year at the hotline: every request ends, and it does not matter how the clock runs."""

from collections import Counter
from datetime import timedelta
from functools import cache, partial
from typing import get_args

import pytest

from chalicelib.callbacks import clock
from chalicelib.callbacks.model import ENDS, Event
from tests.callbacks.simulation.checks import WRONGS
from tests.callbacks.simulation.world import World, configured
from tests.scale import LONG, Scale

REQUESTS = 1000 if LONG else 200
# What has to happen in a whole year, or its zeros say little.
EVENTS = set(get_args(Event))
REFUSALS = {
    "attempts",
    "attempts_today",
    "calling",
    "held",
    "link_moves",
    "not_yours",
    "nothing_to_undo",
    "outside_window",
    "too_late",
    "too_soon",
    "undecided",
}
pytestmark = pytest.mark.usefixtures("slow")


def test_a_year(scale: Scale) -> None:
    year = World(1, scale(REQUESTS, 8)).play()
    print(f"\n{year.report()}")
    assert year.wrong == dict.fromkeys(WRONGS, 0)
    assert {"done", "unreached", "cancelled", "refused"} <= set(year.ends)
    assert {"held", "outside_window", "too_soon"} <= set(year.refusals)
    if LONG:
        assert set(year.ends) == set(ENDS)
        assert set(year.events) == EVENTS
        assert set(year.refusals) >= REFUSALS


def messages(world: World) -> Counter[tuple[str, str, int, str]]:
    """Count the messages by request, kind, serial and state.

    An alert is sent, too, where a digest tells of its request: which alert leads one is chance.
    """
    digests = [item for item in world.services.items("DIGEST#") if item["sk"] == "DIGEST"]
    told = {
        f"{kind}_{reference}_10"
        for each in digests
        for kind in [each["pk"].removeprefix("DIGEST#").partition("_")[0]]
        for reference in each["references"]
    }
    return Counter(
        (
            item["subject"],
            item["kind"],
            item["serial"],
            "sent" if item["id"] in told else item["state"],
        )
        for item in world.services.items("MSG#")
    )


@cache
def run(
    requests: int, late: float, doubled: float, shuffled: bool
) -> Counter[tuple[str, str, int, str]]:
    """Play a year in which nobody works, and tell its messages."""
    world = World(2, requests, busy=False, late=late, doubled=doubled)
    world.services.shuffled, world.erases = shuffled, False
    world.play()
    return messages(world)


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
    scale: Scale, how: str, late: float, doubled: float, shuffled: bool
) -> None:
    """Check that a late, doubled or shuffled clock owes the same messages.

    Nobody works in these runs, so that only the clock changes requests.
    """
    punctual = run(scale(60), 0, 0, False)
    assert run(scale(60), late, doubled, shuffled) == punctual
    print(f"clock {how}: {punctual.total()} messages, the same as of a punctual one")


@pytest.mark.soak
def test_a_backlog_is_drained_in_pages(scale: Scale) -> None:
    """Check that each tick does what its time allows, and the next one goes on."""
    world, backlog, ticks = World(3, 0), scale(10_000, soak=5_000), list[int]()
    tick = scale(1500, soak=750)  # requests that a tick has the time for, of its 20 seconds less 5
    with configured(), world.services.plugged():
        world.begin()
        for number in range(backlog):
            world.plant(number)
        # It is 16:01 in Berlin: the last window has begun.
        world.now += timedelta(hours=15, minutes=1)
        while sum(ticks) < backlog and len(ticks) < 100:
            left = iter([20.0 - 15 / tick * step for step in range(2 * tick)])
            told = clock.tick(partial(next, left), world.now)
            ticks.append(told.get("opened", 0))
            world.now += timedelta(minutes=1)
        states = Counter(
            item["state"] for item in world.services.items("CALLBACK#") if item["sk"] == "CALLBACK"
        )
    assert states == {"open": backlog}
    assert max(ticks) <= tick + 1
    assert len(ticks) > 6
    print(f"backlog: {backlog:,} due, drained in {len(ticks)} ticks of at most {max(ticks):,}")
