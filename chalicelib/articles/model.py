"""Visitors, markers and how markers are grouped for counting. Pure."""

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

# A transaction holds 100 items: 98 markers, the total and the day.
CHUNK = 98
LANES = 32
# One article that brings so many views in a chunk is popular: its sums are spread, so that no item becomes hot.
SPREAD_FROM = 20


@dataclass(frozen=True, order=True)
class Marker:
    """One view: this article was read on this day, in this hour, by somebody."""

    slug: str
    day: str
    visitor: str
    hour: int = 0
    title: str = ""
    page: str = ""

    @property
    def key(self) -> str:
        """The marker's key; slugs and days hold no `|`."""
        return f"VIEW#{self.slug}|{self.day}|{self.visitor}"


def visitor(salt: bytes, slug: str, address: str, agent: str) -> str:
    """Who reads an article on a day, known to nobody: an HMAC under the day's salt, with the article inside so
    that nobody can be followed from one to another. IPv6 counts by /64, which is one household."""
    ip = ipaddress.ip_address(address)
    network = str(ipaddress.ip_network((ip, 64), strict=False)) if ip.version == 6 else address
    digest = hmac.digest(salt, f"{slug}|{network}|{agent}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:12]).decode()


def chunks(markers: Iterable[Marker]) -> Iterator[tuple[Marker, ...]]:
    """Distinct markers of one article and day each, at most CHUNK together."""
    ordered = sorted({marker.key: marker for marker in markers}.values())
    for _, group in groupby(ordered, key=lambda marker: (marker.slug, marker.day)):
        members = tuple(group)
        yield from (members[at : at + CHUNK] for at in range(0, len(members), CHUNK))


def lane(count: int, any_lane: int) -> int:
    """Return the lane that a chunk of so many views adds to: `any_lane` for a popular article."""
    return any_lane if count >= SPREAD_FROM else 0
