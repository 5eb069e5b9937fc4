"""`python -m bench.crowds`: how many people behind one address are told apart by their browsers.

So many people at one address, as in an office, a school or a mobile network, read one article on
one day. Each has a user agent of the corpus: its family and system as often as SHARES says, its
version the newest or one of some before. Counted are those who differ, by the whole user agent and
by the browser's kind. Both are means of many draws.
"""

import random
import re
import sys
from collections.abc import Sequence
from statistics import mean

from chalicelib.articles import browsers, filters
from tests import cases
from tests.articles.test_filters import CORPUS

CROWDS = (2, 10, 50, 200, 1000)
DRAWS = 50
# Percent of page views in Germany, all devices, rounded; our estimate from published statistics of
# 2025. What is not listed shares the rest.
SHARES = {
    "chrome android": 25.0,
    "safari ios": 20.0,
    "chrome windows": 18.0,
    "edge windows": 8.0,
    "firefox windows": 7.0,
    "safari mac": 5.0,
    "samsung android": 5.0,
    "chrome mac": 3.0,
    "app ios": 2.0,
    "opera windows": 1.5,
    "firefox other": 1.5,
    "app android": 1.0,
    "firefox android": 1.0,
}
_VERSION = re.compile(r"\b(Chrome/|Firefox/|SamsungBrowser/|Version/|Edg/|OPR/|rv:)(\d+)")
_NEWEST = 0.7  # of those who have a version have the newest, and of the others the one before


def agents() -> list[str]:
    """Return the people's user agents of both corpora."""
    own = [agent for kind, agent in CORPUS if kind == "person"]
    return own + [each.user_agent for each in cases.agents() if each.classes == "person"]


def weights(listed: Sequence[str]) -> list[float]:
    """Return how often each user agent is drawn: those of one family and system alike."""
    kinds = [browsers.kind(each).rpartition(" ")[0] for each in listed]
    shares = {each: SHARES[each] / kinds.count(each) for each in SHARES if each in kinds}
    rest = (100 - sum(SHARES.values())) / sum(each not in SHARES for each in kinds)
    return [shares.get(each, rest) for each in kinds]


def crowd(people: int, chance: random.Random) -> list[str]:
    """Return the user agents of so many people."""
    listed = agents()
    return [_aged(each, chance) for each in chance.choices(listed, weights(listed), k=people)]


def told_apart(people: int) -> tuple[float, float]:
    """Return how many of so many people differ: by the whole user agent, and by its kind."""
    drawn = [crowd(people, random.Random(f"{people} {draw}")) for draw in range(DRAWS)]
    whole = mean(len(set(each)) for each in drawn)
    return whole, mean(len(set(map(browsers.kind, each))) for each in drawn)


def table() -> str:
    """Return the rows of the table in docs/privacy.md."""
    rows = []
    for people in CROWDS:
        whole, kinds = told_apart(people)
        less = 100 * (1 - kinds / whole)
        rows.append(f"| {people:,} | {whole:.1f} | {kinds:.1f} | {less:.0f} % |")
    return "\n".join(rows)


def _aged(agent: str, chance: random.Random) -> str:
    age = 0
    while age < 8 and chance.random() > _NEWEST:
        age += 1
    return _VERSION.sub(lambda found: f"{found[1]}{max(1, int(found[2]) - age)}", agent)


if __name__ == "__main__":
    known = {browsers.kind(each).rpartition(" ")[0] for each in agents()}
    print(f"{len(agents())} user agents of {len(known)} families and systems, MOST {browsers.MOST}")
    print(table())
    sys.exit(any(filters.classify(each, {}) for each in agents()))
