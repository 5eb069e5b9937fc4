"""Markers and the day's salt in the `view-markers` table, and the sweeper's position in it."""

import secrets
from datetime import date, datetime, timedelta

from chalicelib import aws, instants
from chalicelib.articles.model import Marker
from chalicelib.aws import Cancelled, Item
from chalicelib.settings import current

# The version of each kind's format. A view is one write of the hottest path, and has none: one
# without is of the first.
VIEW_V = 1
SALT_V = 1
SWEEP_V = 1
# Longer than a stream keeps its records, so that a late one is still recognised.
KEPT = timedelta(days=4)
SALT_KEPT = timedelta(hours=48)

_salts: dict[str, bytes] = {}  # by day: the cache of this process


def forget() -> None:
    """Clear the in-process cache of salts."""
    _salts.clear()


def salt(day: str, now: datetime) -> bytes:
    """Return the day's random salt; the first caller of a day makes it.

    Its table has no backups: once deleted, a salt is gone.
    """
    known = _salts.get(day)
    if known is None:
        item: Item = {
            "pk": f"SALT#{day}",
            "v": SALT_V,
            "salt": secrets.token_hex(32),
            "expires": instants.epoch(now + SALT_KEPT),
        }
        table = current().view_markers_table
        try:
            aws.write(aws.put(table, item, "attribute_not_exists(pk)"))
        except Cancelled:
            item = aws.get(table, {"pk": item["pk"]}) or item
        _salts.clear()
        known = _salts[day] = bytes.fromhex(item["salt"])
    return known


def drop_salts(today: date) -> None:
    """Delete the salts of days that ended a day ago: the table's own expiry may come days late."""
    for ago in range(2, 6):
        key = {"pk": f"SALT#{today - timedelta(days=ago)}"}
        aws.write(aws.delete(current().view_markers_table, key))


def mark(marker: Marker, now: datetime) -> None:
    """Note a view once, by one conditional put; a repeat changes nothing."""
    item = {
        "pk": marker.key,
        "hour": marker.hour,
        "source": marker.source or None,
        "expires": instants.epoch(now + KEPT),
    }
    try:
        aws.write(aws.put(current().view_markers_table, item, "attribute_not_exists(pk)"))
    except Cancelled:
        pass  # a repeat, or our own write whose answer was lost: marked either way


def marker_of(item: Item) -> Marker:
    """Return the marker of an item. Raises ValueError, KeyError for any other item."""
    slug, day, visitor = item["pk"].removeprefix("VIEW#").split("|")
    return Marker(slug, day, visitor, item["hour"], item.get("source", ""))


def uncounted(before: datetime, cursor: Item | None, pages: int) -> tuple[list[Item], Item | None]:
    """Return the items of uncounted markers made before an instant, and where to continue.

    It reads at most so many pages of the table; a page is 1 MB, which costs 128 read units. An
    index would be cheaper to read, and would cost every view two writes.
    """
    asked: Item = {
        "TableName": current().view_markers_table,
        "FilterExpression": (
            "begins_with(pk, :view) AND attribute_not_exists(c) AND expires < :before"
        ),
        "ExpressionAttributeValues": {
            ":view": aws.pack("VIEW#"),
            ":before": aws.pack(instants.epoch(before + KEPT)),
        },
    }
    found: list[Item] = []
    for _ in range(pages):
        start = {"ExclusiveStartKey": cursor} if cursor else {}
        page = aws.call("scan", **asked, **start)
        found += map(aws.unpack_item, page["Items"])
        cursor = page.get("LastEvaluatedKey")
        if not cursor:
            break
    return found, cursor


def save_cursor(cursor: Item | None, began: datetime) -> None:
    """Save where the next sweep resumes, None for the table's beginning, and when its round began.

    A sweep that comes to the table's end ends the round.
    """
    at = aws.unpack_item(cursor or {}).get("pk")
    place = {"pk": "SWEEP", "sk": "CURSOR", "v": SWEEP_V}
    aws.write(
        aws.put(current().view_counts_table, {**place, "at": at, "began": instants.text(began)})
    )


def load_cursor() -> tuple[Item | None, datetime | None]:
    """Return where the last sweep stopped, None for the beginning, and when its round began."""
    item = aws.get(current().view_counts_table, {"pk": "SWEEP", "sk": "CURSOR"}) or {}
    began = instants.parse(item["began"]) if "began" in item else None
    return (aws.pack_item({"pk": item["at"]}) if "at" in item else None), began
