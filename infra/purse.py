"""What a flood of requests may cost, and the settings of `operations` that bound it or tell of it.

`python -m infra.purse` prints the figures of docs/costs.md. Prices are list prices of us-east-1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.throttles import PAGES

# The settings of `operations`: default, least and most of each. 0 is off where it is the default.
SETTINGS: Mapping[str, tuple[float, float, float]] = {
    "waf_per_5_minutes": (0, 10, 2_000_000_000),  # AWS's limits of a rule
    "requests_a_day": (1_000_000, 1, 10**12),
    "sms_usd": (1, 0.01, 10**6),
}
# A busy hour of a website has a tenth of the day's requests. The alarm is for a quarter of them.
SHARE_OF_A_DAY = 4


@dataclass(frozen=True)
class Units:
    """Units a second that a table, or its index, reads and writes at most."""

    reads: int
    writes: int


# A view writes 3 units of the markers, and of the counts 0.4 where the articles of a site are read
# mixed; the page's own read takes 2 of the counts. The rest is for the sweeper, the ranker, and
# days on which more articles are read than on others. Nothing bounds `contacts`: a flood would stop
# withdrawals, and the limits by caller bound what it writes.
MOST: Mapping[str, Units] = {
    "view-markers": Units(PAGES, 4 * PAGES),
    "view-counts": Units(4 * PAGES, PAGES),
    "days": Units(PAGES, PAGES),
}
# What AWS gives each table, and each index, of an account.
QUOTA = Units(40_000, 40_000)
# USD a unit, and a request with 5 ms of a function, a log line of ours and one of the gateway's.
_READ, _WRITE, _REQUEST = 0.125e-6, 0.625e-6, (3.5 + 0.25 + 0.25) * 1e-6
_INSPECTED = 0.6e-6  # USD a request that AWS WAF looks at
_PATHS = 2  # by which a view may come
ACCOUNT = 10_000  # requests a second that AWS takes for an account


def fault(name: str, given: Any) -> str:
    """Return what is wrong with the value of one of these settings, empty if nothing is."""
    default, least, most = SETTINGS[name]
    kinds = (int, float) if name == "sms_usd" else int
    number = isinstance(given, kinds) and not isinstance(given, bool)
    if number and (given == default or least <= given <= most):
        return ""
    return f"takes {'0 or ' if not default else ''}{least:,.10g} to {most:,.10g}, not {given!r}"


def setting(operations: Mapping[str, Any], name: str) -> float:
    """Return a setting, or its default."""
    return float(operations.get(name, SETTINGS[name][0]))


def requests_an_hour(operations: Mapping[str, Any]) -> int:
    """Return how many requests in an hour are an alarm."""
    return max(1, int(setting(operations, "requests_a_day") / SHARE_OF_A_DAY))


def _an_hour(units: float, price: float) -> float:
    return units * 3600 * price


def views(bounded: bool) -> float:
    """Return what an hour of DynamoDB costs, in USD, while views of made-up articles pour in.

    Both paths that a view may come by are as full as the gateway lets them be; each view is of
    another article. `bounded` tells whether the tables have their maximums.
    """
    asked = _PATHS * PAGES
    # Writes of a view by table: its marker and the flag; total and day, in a transaction.
    wanted = {"view-markers": 3 * asked, "view-counts": 4 * asked, "days": 1 * asked}
    most = {name: MOST[name].writes if bounded else QUOTA.writes for name in wanted}
    counted = min(1.0, *(most[name] / wanted[name] for name in ("view-counts", "days")))
    written = {
        "view-markers": min(wanted["view-markers"], most["view-markers"]),
        "view-counts": counted * wanted["view-counts"],
        "days": counted * wanted["days"],
    }
    return _an_hour(sum(written.values()), _WRITE)


def reads(bounded: bool) -> float:
    """Return what an hour of DynamoDB costs while lists of 100 articles are asked for."""
    most = MOST["view-counts"].reads if bounded else QUOTA.reads
    return _an_hour(min(50 * PAGES, most), _READ)


def requests(a_second: float) -> float:
    """Return what an hour of so many requests costs at the gateway, functions and logs included."""
    return _an_hour(a_second, _REQUEST)


def inspected(a_second: float) -> float:
    """Return what an hour of so many requests costs where AWS WAF looks at each."""
    return _an_hour(a_second, _INSPECTED)


def main() -> None:
    """Print the figures."""
    print("USD an hour                                      before   after")
    rows = (
        ("views of made-up articles, DynamoDB", views(False), views(True)),
        ("lists of 100 articles, DynamoDB", reads(False), reads(True)),
        (f"{_PATHS * PAGES} requests a second", requests(_PATHS * PAGES), requests(_PATHS * PAGES)),
        (f"{ACCOUNT} requests a second", requests(ACCOUNT), inspected(ACCOUNT)),
    )
    for what, before, after in rows:
        print(f"{what:46} {before:8.2f} {after:7.2f}")


if __name__ == "__main__":
    main()
