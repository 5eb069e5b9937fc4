"""Counting of new markers: from the stream at once, by the sweeper where the stream missed one."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib import aws, instants, log
from chalicelib.articles import model
from chalicelib.articles.model import Marker
from chalicelib.articles.stores import counts, markers
from chalicelib.aws import Item
from chalicelib.settings import current

# A stream that works brings every marker within this time.
OVERLOOKED_AFTER = timedelta(minutes=10)
PAGES_A_SWEEP = 20
# A round through the table that takes longer comes near to what a marker lives.
LONGEST_ROUND = markers.KEPT / 2


def react(records: Iterable[Mapping[str, Any]]) -> None:
    """Count the new markers in a batch of the stream. Idempotent, in any order.

    A marker that cannot be read is logged and skipped. Raises Unavailable, so that the batch comes
    again.
    """
    images = [aws.unpack_item(record.get("dynamodb", {}).get("NewImage", {})) for record in records]
    _count_all(filter(None, map(_marker, images)))


def sweep(now: datetime | None = None) -> int:
    """Count the markers that the stream missed; return how many there were.

    It continues where the last call stopped and reads at most PAGES_A_SWEEP pages, which bounds
    its cost; a larger table takes several calls. It deletes old salts, too. Raises Unavailable.
    """
    now = now or instants.now()
    markers.drop_salts(instants.day(now, current().time_zone))
    at, began = markers.load_cursor()
    found, cursor = markers.uncounted(now - OVERLOOKED_AFTER, at, PAGES_A_SWEEP)
    _count_all(filter(None, map(_marker, found)))
    began = began if at and began else now
    if now - began > LONGEST_ROUND:
        log.warning("markers.outgrown", hours=round((now - began) / timedelta(hours=1)))
    markers.save_cursor(cursor, began)
    if found:
        log.warning("markers.overlooked", found=len(found))
    return len(found)


def _count_all(found: Iterable[Marker]) -> None:
    for chunk in model.chunks(found):
        _count(chunk)


def _count(chunk: tuple[Marker, ...]) -> None:
    """Count those markers of a chunk that are not counted yet."""
    while chunk:
        try:
            counts.count(chunk)
            return
        except aws.Cancelled as cancelled:
            chunk = tuple(marker for at, marker in enumerate(chunk) if at not in cancelled.failed)


def _marker(image: Item) -> Marker | None:
    if not image.get("pk", "").startswith("VIEW#") or "c" in image:
        return None
    try:
        return markers.marker_of(image)
    except (KeyError, ValueError):
        log.exception("marker.unreadable")
        return None
