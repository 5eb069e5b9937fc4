"""`python -m bench.oracles`: whether the time of an answer tells what is stored.

A known and an unknown address, and a known and an unknown number, are sent to the form in turn, in
process and on an embedded cloud. Printed is the AUC of the time: the chance that a known one took
longer than an unknown one. 0.5 tells nothing. Exit code 1: it is further from that than GOAL.
"""

import gc
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from pathlib import Path

from local.cloud import Cloud
from tests.backend import Backend

GOAL = 0.05  # from 0.5, either way
ROUNDS = 1000  # of two answers each


def auc(some: list[float], others: list[float]) -> float:
    """Return the chance that one of some is larger than one of the others; half for equal ones."""
    ranked = sorted(others)
    larger = sum(bisect_left(ranked, each) + bisect_right(ranked, each) for each in some)
    return larger / 2 / len(some) / len(others)


def compared(ask: Callable[[bool], None]) -> float:
    """Return the AUC of asking about something known and something unknown, in turn."""
    times: dict[bool, list[float]] = {True: [], False: []}
    gc.disable()
    try:
        for number in range(ROUNDS):
            for known in (number % 2 == 0, number % 2 == 1):
                began = time.perf_counter()
                ask(known)
                times[known].append(time.perf_counter() - began)
            gc.collect(0)
    finally:
        gc.enable()
    return auc(times[True], times[False])


def main() -> int:
    """Print the AUC of each form; return the exit code."""
    many = str(10 * ROUNDS)
    with (
        tempfile.TemporaryDirectory() as folder,
        Cloud(Path(folder)) as cloud,
        Backend.of_its_own(cloud, "oracles") as backend,
    ):
        backend.configure(
            LIMIT_SIGNUPS_PER_CALLER=many,
            LIMIT_CALLBACKS_PER_CALLER=many,
            HOTLINE_HOURS="Mon-Sun 00:00-24:00",
            HOTLINE_HOLIDAYS="",
            HOTLINE_EXCEPTIONS="",
        )

        def sign_up(known: bool) -> None:
            email = f"{'known' if known else 'other'}@example.org"
            body = {"email": email, "consent": "newsletter-de-1"}
            assert backend.call("POST", "/newsletter/signups", body).status == 202  # noqa: S101

        def call_me(known: bool) -> None:
            phone = f"0151 2345678{'0' if known else '1'}"
            body = {"name": "Eva", "phone": phone, "consent": "callback-de-1"}
            assert backend.call("POST", "/callbacks", body).status == 202  # noqa: S101

        for ask in (sign_up, call_me):
            ask(True)  # taken in: it is known from now on
        backend.takes_in = False
        found = {ask.__name__: compared(ask) for ask in (sign_up, call_me)}
    for name, value in found.items():
        print(f"{name}: AUC {value:.3f} over {2 * ROUNDS} answers (goal 0.5 ± {GOAL})")
    return int(any(abs(value - 0.5) > GOAL for value in found.values()))


if __name__ == "__main__":
    sys.exit(main())
