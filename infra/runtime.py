"""The Python that the functions run on, and how long AWS lets it be.

Lambda runs what the deployer's Python is, since Chalice names the runtime after it; bytecode and
libraries of the package are for that version, too. So there is one version: the lock's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

LOCK = (3, 11)  # as `make lock` resolves requirements*.in
WARNED = timedelta(days=180)  # before the end
REFUSED = timedelta(days=30)  # before updates are blocked


@dataclass(frozen=True)
class Term:
    """When AWS ends a runtime: no more patches, and later no more updates of functions."""

    deprecated: date
    blocked: date


# AWS's table: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. AWS moves these
# dates now and then, so far to later ones.
TERMS: Mapping[tuple[int, int], Term] = {
    (3, 11): Term(date(2027, 6, 30), date(2027, 8, 31)),
    (3, 12): Term(date(2028, 10, 31), date(2029, 1, 10)),
    (3, 13): Term(date(2029, 6, 30), date(2029, 8, 31)),
    (3, 14): Term(date(2029, 6, 30), date(2029, 8, 31)),
}


def name(version: tuple[int, int]) -> str:
    """Return a version as people write it."""
    return "{}.{}".format(*version)


def following() -> tuple[int, int]:
    """Return the runtime to go to: the newest of those that last longest."""
    return max(TERMS, key=lambda each: (TERMS[each].blocked, each))


def refuses(version: tuple[int, int], today: date) -> bool:
    """Return whether it is too late to deploy on a version: updates are blocked within 30 days."""
    return today > TERMS[version].blocked - REFUSED


def warns(version: tuple[int, int], today: date) -> bool:
    """Return whether a version is near its end."""
    return today >= TERMS[version].deprecated - WARNED
