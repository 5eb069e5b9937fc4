"""A thousand runs of the real handler, without one wrong sum at any commit."""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial

import pytest

from tests.articles.simulation import mutants, play
from tests.articles.simulation.stream import Handler
from tests.articles.simulation.wire import FAULTS
from tests.scale import Scale, some

RUNS = 1000
MUTANT_RUNS = 30
TROUBLES = {
    *FAULTS,
    *("conflict", "late and refused", "repeated by the client"),
    *("zombie", "frozen", "delivered again", "replayed", "bisected", "shifted", "dropped"),
    *("reshard", "expired", "spread over lanes", "sweeper failed", "ranker failed"),
}

pytestmark = pytest.mark.usefixtures("slow")


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with play.players() as started:
        yield started


def test_every_view_is_counted_once_whatever_happens(pool: Executor, scale: Scale) -> None:
    outcomes = play.many(pool, play.one, range(scale(RUNS, 25, 250)))
    print(play.report(outcomes))
    assert {each.seed: dict(each.deviations) for each in outcomes if each.deviations} == {}
    met = {trouble for each in outcomes for trouble, times in each.met.items() if times}
    assert TROUBLES - met == set()


@pytest.mark.soak
def test_a_run_can_be_played_again(pool: Executor) -> None:
    assert play.many(pool, play.one, range(7, 13)) == play.many(pool, play.one, range(7, 13))


@pytest.mark.parametrize(
    "mutant", some(mutants.MUTANTS, mutants.MUTANTS[:1]), ids=lambda mutant: mutant.__name__
)
def test_what_only_looks_right_deviates(pool: Executor, scale: Scale, mutant: Handler) -> None:
    calm = play.many(pool, partial(mutants.play, mutant, True), range(scale(MUTANT_RUNS)))
    rough = play.many(pool, partial(mutants.play, mutant, False), range(scale(MUTANT_RUNS, 3)))
    wrong = sum(bool(each.deviations) for each in rough)
    deviations = play.report(rough).splitlines()[-1]
    print(f"{mutant.__name__}: wrong in {wrong} of {len(rough)} runs, {deviations}")
    # Without trouble a mutant counts right.
    assert not any(each.deviations for each in calm)
    assert wrong
