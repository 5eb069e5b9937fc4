"""How much of a long test runs: a tenth in `make test`, all of it in `make soak`.

A test takes the fixture `scale` and asks it for its sizes. One that is too long for `make test` even so is marked
`soak`.
"""

import os
from collections.abc import Callable

SOAK = os.environ.get("SOAK") == "1"
PART = 10

Scale = Callable[[int], int]


def scale(full: int) -> int:
    """Return the size to run of one that is `full` in `make soak`."""
    return full if SOAK else -(-full // PART)
