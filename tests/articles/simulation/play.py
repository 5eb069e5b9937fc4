"""Play runs in several processes, in which the product does not really sleep."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from chalicelib import aws
from tests.articles.simulation.world import Outcome, World

PROCESSES = os.cpu_count() or 1
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "VIEW_MARKERS_TABLE": "markers",
    "VIEW_COUNTS_TABLE": "counts",
}


def configure() -> None:
    """Have this process know the double's tables, and not wait."""
    os.environ.update(ENVIRONMENT)
    aws.sleep = lambda seconds: None


def real(records: list[dict[str, Any]]) -> None:
    """Call the function that Lambda runs."""
    import app
    from tests.events import Context

    app.count_views({"Records": records}, Context())


def one(seed: int) -> Outcome:
    """Play a run of the product."""
    return World(seed, real).play()


@contextmanager
def players() -> Iterator[Executor]:
    """Start processes that are configured for the simulation and nothing else."""
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), configure) as pool:
        yield pool


def many(pool: Executor, play: Callable[[int], Outcome], seeds: Iterable[int]) -> list[Outcome]:
    """Play runs and return their outcomes, in the order of the seeds."""
    return list(pool.map(play, seeds, chunksize=5))


def report(outcomes: list[Outcome]) -> str:
    """Sum up the figures of many runs, in three lines."""
    met: Counter[str] = Counter()
    deviations: Counter[str] = Counter()
    for outcome in outcomes:
        met.update(outcome.met)
        deviations.update(outcome.deviations)
    total = {
        name: sum(getattr(each, name) for each in outcomes)
        for name in ("views", "records", "calls", "commits")
    }
    lines = [
        f"runs {len(outcomes)}, " + ", ".join(f"{name} {figure}" for name, figure in total.items()),
        "met: " + ", ".join(f"{name} {times}" for name, times in sorted(met.items())),
        f"deviations {deviations.total()}"
        + "".join(f", {what} {times}" for what, times in deviations.items()),
    ]
    return "\n".join(lines)
