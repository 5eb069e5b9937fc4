"""How much of a long test runs: a tenth in `make test`, all of it in `make soak`.

A test takes the fixture `scale` and asks it for its sizes; `make soak` runs it again in full. Of a
test with many cases `part` and `some` leave the others to `make soak`. What is too long for
`make test` even so is marked `soak`.
"""

import os
from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest

SOAK = os.environ.get("SOAK") == "1"
LONG = os.environ.get("LONG") == "1"  # in full what the pipeline has no time for
PART = 10

Scale = Callable[..., int]


def scale(full: int, part: int = PART, soak: int = 0) -> int:
    """Return the size of a test: `full` in `make soak`, a `part`th of it in `make test`.

    With `soak` given, `make soak` has that size, and the full one with `LONG=1`.
    """
    if SOAK:
        return soak if soak and not LONG else full
    return -(-full // part)


def part(cases: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return a test's cases. `make test` runs each tenth, `make soak` the others."""
    return [
        pytest.param(*case, marks=[pytest.mark.soak] if number % PART else [])
        for number, case in enumerate(cases)
    ]


def some(cases: Iterable[Any], often: Collection[Any]) -> list[Any]:
    """Return a test's cases of one value each. `make soak` alone runs those not in `often`."""
    return [pytest.param(each, marks=[] if each in often else [pytest.mark.soak]) for each in cases]
