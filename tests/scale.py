"""How much of a long test runs: a tenth in `make test`, all of it in `make soak`.

A test takes the fixture `scale` and asks it for its sizes; `make soak` runs it again in full. Of a
test with many cases `part` leaves some to `make soak`. What is too long for `make test` even so is
marked `soak`.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import pytest

SOAK = os.environ.get("SOAK") == "1"
LONG = (
    os.environ.get("LONG") == "1"
)  # a year at the hotline in full, for which the pipeline has no time
PART = 10

Scale = Callable[..., int]


def scale(full: int, part: int = PART) -> int:
    """Return the size to run of one that is `full` in `make soak`, and a `part`th of it else."""
    return full if SOAK else -(-full // part)


def part(cases: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return a test's cases. `make test` runs each tenth, `make soak` the others."""
    return [
        pytest.param(*case, marks=[pytest.mark.soak] if number % PART else [])
        for number, case in enumerate(cases)
    ]
