"""Measuring the contestants, several processes at a time where only instructions are counted."""

import json
import os
import ssl
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench import measure
from bench.contestants import Contestant
from bench.measure import MILLION, Job


class Unequal(RuntimeError):
    """Two contestants do not do the same work."""


Say = Callable[[str], None]
RUNS = 3  # fresh processes, whose median times are taken


def counted(contestants: Mapping[str, Contestant], say: Say) -> dict[str, dict[str, Any]]:
    """Count by contestant millions of instructions of `import`, `first` and, by name, requests."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {name: next(iter(each.jobs.values())) for name, each in contestants.items()}
        runtime = pool.submit(measure.instructions, next(iter(jobs.values())), "runtime")
        cold = {
            (name, until): pool.submit(measure.instructions, job, until)
            for name, job in jobs.items()
            for until in ("import", "first")
        }
        warm = {
            (name, what): pool.submit(measure.request, job)
            for name, each in contestants.items()
            if each.kind != "stream"
            for what, job in each.jobs.items()
        }
        _follow([runtime, *cold.values(), *warm.values()], say)
        results: dict[str, dict[str, Any]] = {}
        for name in contestants:
            imported, first = cold[name, "import"].result(), cold[name, "first"].result()
            results[name] = {
                "import": (imported - runtime.result()) / MILLION,
                "first": (first - imported) / MILLION,
                "requests": {
                    what: found.result() for (who, what), found in warm.items() if who == name
                },
            }
    return results


def _follow(futures: list[Future[Any]], say: Say) -> None:
    done: list[Future[Any]] = []

    def tell(future: Future[Any]) -> None:
        done.append(future)
        say(f"instructions: {len(done)} of {len(futures)} …")

    for future in futures:
        future.add_done_callback(tell)


def timed(contestants: Mapping[str, Contestant], say: Say) -> dict[str, dict[str, float]]:
    """Measure by contestant milliseconds of `import`, `first` and `warm`, and `rss` in MB.

    The job is the contestant's first.
    """
    found: dict[str, dict[str, float]] = {}
    for at, (name, each) in enumerate(contestants.items()):
        say(f"times and memory: {at + 1} of {len(contestants)} …")
        found[name] = measure.times(next(iter(each.jobs.values())), RUNS)
    return found


def work(job: Job, endpoint: str, certificates: Path) -> list[str]:
    """Return the AWS operations that every request of a job asks for, sorted."""
    context = ssl.create_default_context(cafile=str(certificates / "client.pem"))

    def take_calls() -> list[str]:
        # The address is the stub's.
        with urllib.request.urlopen(f"{endpoint}/calls", context=context) as answer:  # noqa: S310
            calls: list[str] = json.load(answer)["calls"]
        return calls

    take_calls()  # those of earlier jobs
    measure.times(job, 1)
    return sorted(name for name, times in Counter(take_calls()).items() if times >= measure.MANY)


def same_work(
    contestants: Mapping[str, Contestant], endpoint: str, certificates: Path, say: Say
) -> dict[str, list[str]]:
    """Return by request the AWS operations it asks for.

    Raises Unequal if two contestants ask for different ones.
    """
    asked: dict[str, list[str]] = {}
    for name, each in contestants.items():
        if each.kind == "stream":
            continue  # a stream's function has no peer
        say(f"whether all do the same work: {name} …")
        for what, job in each.jobs.items():
            found = work(job, endpoint, certificates)
            if asked.setdefault(what, found) != found:
                raise Unequal(f"{name}, {what}: {found} instead of {asked[what]}")
    return asked
