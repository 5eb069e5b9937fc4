"""The confirmed subscribers as a table for a spreadsheet: a download, or operators' file."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.cells import Table
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import exports

COLUMNS = ("email", "language", "topics", "consent_version", "confirmed_at")
# Bytes of a part, as the JSON of Lambda's answer writes them. The answer may have 6 MB; a page of
# the table may come on top.
_ROOM = 3_000_000


@dataclass(frozen=True)
class Part:
    """A part of the table as CSV, how many subscribers are in it, and where the next one begins."""

    text: str
    count: int
    cursor: Item | None


def cells(subscriber: Subscriber) -> tuple[str, ...]:
    """Return a subscriber's row."""
    confirmed_at = instants.text(subscriber.confirmed_at) if subscriber.confirmed_at else ""
    return (
        subscriber.email,
        subscriber.language,
        ",".join(subscriber.topics),
        subscriber.consent,
        confirmed_at,
    )


def part(
    topic: str | None,
    cursor: Item | None,
    in_time: Callable[[], bool],
    share: tuple[int, int] = (1, 1),
) -> Part:
    """Read the next part of the table, or of a share of it. Raises Unavailable.

    It reads page by page, at least one, while there is room and `in_time()`.
    """
    text, count, size = io.StringIO(newline=""), 0, 0
    table = Table(text, COLUMNS)
    while True:
        subscribers, cursor = exports.confirmed(cursor, share)
        wanted = [each for each in subscribers if topic is None or topic in each.topics]
        for row in map(cells, wanted):
            table.add(row)
            size += len(json.dumps(row))
        count += len(wanted)
        if cursor is None or size > _ROOM or not in_time():
            return Part(text.getvalue(), count, cursor)


def confirmed() -> Iterator[Subscriber]:
    """Yield every confirmed subscriber, page by page. Raises Unavailable."""
    cursor: Item | None = None
    while True:
        page, cursor = exports.confirmed(cursor)
        yield from page
        if not cursor:
            return
