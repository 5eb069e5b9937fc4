"""Measures contestants: each process by itself, several at a time where only instructions are counted."""

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
RUNS = 3  # fresh processes whose times are told by their median


def counted(contestants: Mapping[str, Contestant], say: Say) -> dict[str, dict[str, Any]]:
    """By contestant: millions of instructions of `import`, `first` and each request by name."""
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
    """By contestant: milliseconds of `import`, `first` and `warm`, megabytes `rss`; of the first request by name."""
    found: dict[str, dict[str, float]] = {}
    for at, (name, each) in enumerate(contestants.items()):
        say(f"times and memory: {at + 1} of {len(contestants)} …")
        found[name] = measure.times(next(iter(each.jobs.values())), RUNS)
    return found


def work(job: Job, endpoint: str, certificates: Path) -> list[str]:
    """The operations that every request asks for."""
    context = ssl.create_default_context(cafile=str(certificates / "client.pem"))

    def told() -> list[str]:
        with urllib.request.urlopen(f"{endpoint}/calls", context=context) as answer:  # noqa: S310  the stub's own
            calls: list[str] = json.load(answer)["calls"]
        return calls

    told()
    measure.times(job, 1)
    return sorted(name for name, times in Counter(told()).items() if times >= measure.MANY)


def same_work(
    contestants: Mapping[str, Contestant], endpoint: str, certificates: Path, say: Say
) -> dict[str, list[str]]:
    """What each request asks AWS for, by its name. Raises Unequal where a contestant asks for anything else."""
    asked: dict[str, list[str]] = {}
    for name, each in contestants.items():
        if each.kind == "stream":
            continue  # nobody else does what these do
        say(f"whether all do the same work: {name} …")
        for what, job in each.jobs.items():
            found = work(job, endpoint, certificates)
            if asked.setdefault(what, found) != found:
                raise Unequal(f"{name}, {what}: {found} instead of {asked[what]}")
    return asked
