"""Measuring one process: its instructions as Valgrind counts them, or its times and its memory.

Instructions are the same on a busy machine and a quiet one, to a thousandth; times are for
orientation.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

CHILD = Path(__file__).parent / "child.py"
FEW, MANY = 20, 60
MILLION = 1e6


# String hashes decide on the collisions in dictionaries. With a seed by chance a request costs up
# to two percent more or less.
ALONE = {"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"}


@dataclass(frozen=True)
class Job:
    """A function and the event it gets, to be run in a process of its own."""

    path: tuple[Path, ...]
    environment: dict[str, str]
    event: str
    answers: str  # text that is a part of every answer
    skip: str = ""  # the botocore event after which a warm call to DynamoDB does nothing

    def command(self) -> list[str]:
        """Return the command, by which only the job's own folders can be imported from.

        It needs ALONE as its environment. `-I` would leave out the seed of the hashes, too.
        """
        return [sys.executable, "-P", "-s", "-S", "-B", str(CHILD)]

    def text(self, until: str, repeat: int = 0) -> str:
        """Return the job as the JSON that the process reads."""
        return json.dumps(
            {
                "path": [str(each) for each in self.path],
                "environment": self.environment,
                "event": self.event,
                "answers": self.answers,
                "skip": self.skip,
                "until": until,
                "repeat": repeat,
            }
        )


class Failed(RuntimeError):
    """A measured process ended with an error; the text is its output."""


def instructions(job: Job, until: str, repeat: int = 0) -> int:
    """Count all instructions of a process until it stops. Raises Failed."""
    # Without simulated caches cachegrind only counts.
    command = [
        "valgrind",
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        *job.command(),
    ]
    done = subprocess.run(
        command,
        input=job.text(until, repeat),
        env=ALONE,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"I +refs: +([\d,]+)", done.stderr)
    if done.returncode or not found:
        raise Failed(done.stdout + done.stderr)
    return int(found[1].replace(",", ""))


def request(job: Job) -> float:
    """Count millions of instructions of one warm request, from two runs of many and few."""
    many, few = instructions(job, "repeat", MANY), instructions(job, "repeat", FEW)
    return (many - few) / (MANY - FEW) / MILLION


def times(job: Job, runs: int) -> dict[str, float]:
    """Measure fresh processes and return the medians. Raises Failed.

    They are milliseconds of `import`, `first` and `warm` request, and the peak memory `rss` in MB.
    """
    measured: list[dict[str, Any]] = []
    for _ in range(runs):
        done = subprocess.run(
            job.command(),
            input=job.text("repeat", MANY),
            env=ALONE,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        measured.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: median(each[name] for each in measured) for name in measured[0]}
