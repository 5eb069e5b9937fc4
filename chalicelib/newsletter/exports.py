"""The confirmed subscribers as a table for a spreadsheet: for the staff to download, for operators as a file."""

import io
import json
from collections.abc import Callable

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.cells import Table
from chalicelib.newsletter import store
from chalicelib.newsletter.model import Subscriber

COLUMNS = ("email", "language", "topics", "consent_version", "confirmed_at")
# Bytes of a part, as the JSON of Lambda's answer writes them, which has room for 6 MB; a page of the table may come on
# top.
_ROOM = 3_000_000


def cells(subscriber: Subscriber) -> tuple[str, ...]:
    """A subscriber's row."""
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
) -> tuple[str, int, Item | None]:
    """A part of the table, or of a share of it, as CSV, how many subscribers are in it, and where the next part begins.

    Read page by page, at least one, while there is room and `in_time()`. Raises Unavailable.
    """
    text, count, size = io.StringIO(newline=""), 0, 0
    table = Table(text, COLUMNS)
    while True:
        subscribers, cursor = store.confirmed(cursor, share)
        wanted = [each for each in subscribers if topic is None or topic in each.topics]
        for row in map(cells, wanted):
            table.add(row)
            size += len(json.dumps(row))
        count += len(wanted)
        if cursor is None or size > _ROOM or not in_time():
            return text.getvalue(), count, cursor
