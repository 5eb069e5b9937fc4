"""Visitors, markers and how markers are grouped for counting. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

# A transaction holds 100 items: 98 markers, the total and the day.
CHUNK = 98
LANES = 32
# An article with so many views in a chunk is popular: its sums are spread over the lanes, so that
# no item becomes hot.
SPREAD_FROM = 20


@dataclass(frozen=True, order=True)
class Marker:
    """One view: a visitor read this article on this day; `hour` is that of the first time."""

    slug: str
    day: str
    visitor: str
    hour: int = 0
    source: str = ""  # what the site calls the article, where that differs from the slug

    @property
    def key(self) -> str:
        """The marker's key; slugs and days hold no `|`."""
        return f"VIEW#{self.slug}|{self.day}|{self.visitor}"


def visitor(salt: bytes, slug: str, network: str, kind: str) -> str:
    """Return the pseudonym of an article's visitor on a day: 96 bits of HMAC-SHA-256 in base64.

    The day's salt is its key. The article is part of it, so that nobody can be followed from one
    article to another; the browser's kind tells people of one network apart.
    """
    digest = hmac.digest(salt, f"{slug}|{network}|{kind}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:12]).decode()


def chunks(markers: Iterable[Marker]) -> Iterator[tuple[Marker, ...]]:
    """Yield the distinct markers in groups of one article and day, at most CHUNK each."""
    ordered = sorted({marker.key: marker for marker in markers}.values())
    for _, group in groupby(ordered, key=lambda marker: (marker.slug, marker.day)):
        members = tuple(group)
        yield from (members[at : at + CHUNK] for at in range(0, len(members), CHUNK))


def lane(count: int, any_lane: int) -> int:
    """Return the lane that a chunk of so many views adds to: `any_lane` for a popular article."""
    return any_lane if count >= SPREAD_FROM else 0
