"""Markers and the day's salt in `view-markers`; totals, days, titles, tallies and lists in `view-counts`."""

import random
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib import aws, instants
from chalicelib.articles import model
from chalicelib.articles.model import Marker
from chalicelib.aws import Cancelled, Item
from chalicelib.settings import current

MARKERS_KEPT = timedelta(
    days=4
)  # longer than a stream keeps its records, so that a late one is still recognised
SALT_KEPT = timedelta(hours=48)
# The index of a day is written with each chunk counted: several partition keys keep a busy day from being a hot one.
DAY_BUCKETS = 8
_TALLY_LANES = 4
_TRIES = 6

# What this process knows already, so that it need not be written or read again.
_salts: dict[str, bytes] = {}
_spread: set[tuple[str, str]] = set()


def forget() -> None:
    """What a new process would not know."""
    _salts.clear()
    _spread.clear()


def salt(day: str, now: datetime) -> bytes:
    """The day's random salt; the first caller of a day makes it. Its table has no backups: gone is gone."""
    known = _salts.get(day)
    if known is None:
        item: Item = {
            "pk": f"SALT#{day}",
            "salt": secrets.token_hex(32),
            "expires": instants.epoch(now + SALT_KEPT),
        }
        try:
            aws.write(aws.put(current().view_markers_table, item, "attribute_not_exists(pk)"))
        except Cancelled:
            item = aws.get(current().view_markers_table, {"pk": item["pk"]}) or item
        _salts.clear()
        known = _salts[day] = bytes.fromhex(item["salt"])
    return known


def drop_salts(today: date) -> None:
    """Deletes the salts of days that are over for a day: the table's own expiry may come days late."""
    for ago in range(2, 6):
        key = {"pk": f"SALT#{today - timedelta(days=ago)}"}
        aws.write(aws.delete(current().view_markers_table, key))


def mark(marker: Marker, now: datetime) -> None:
    """Notes a view once: one conditional put, and nothing else on the request's way."""
    item = {
        "pk": marker.key,
        "hour": marker.hour,
        "title": marker.title or None,
        "page": marker.page or None,
        "expires": instants.epoch(now + MARKERS_KEPT),
    }
    try:
        aws.write(aws.put(current().view_markers_table, item, "attribute_not_exists(pk)"))
    except Cancelled:
        pass  # a repeat, or our own write whose answer was lost: marked either way


def tally(kind: str, day: str) -> None:
    """Counts a view that is not counted, by its class. Once too often after a lost answer does no harm here."""
    key = {"pk": f"FILTERED#{day}", "sk": f"{random.randrange(_TALLY_LANES):02}"}
    aws.write(
        aws.update(current().view_counts_table, key, "ADD #kind :one", names={"#kind": kind}, one=1)
    )


def filtered(day: str) -> dict[str, int]:
    """How many views of a day were not counted, by class."""
    sums: dict[str, int] = {}
    for item in aws.query(current().view_counts_table, "pk = :pk", pk=f"FILTERED#{day}"):
        for kind, views in item.items():
            if kind not in ("pk", "sk"):
                sums[kind] = sums.get(kind, 0) + views
    return sums


def marker_of(item: Item) -> Marker:
    """The marker of an item. Raises ValueError, KeyError for what is none."""
    slug, day, visitor = item["pk"].removeprefix("VIEW#").split("|")
    return Marker(slug, day, visitor, item["hour"], item.get("title", ""), item.get("page", ""))


def uncounted(before: datetime, cursor: Item | None, pages: int) -> tuple[list[Item], Item | None]:
    """Items of markers made before an instant that no sum has, from so many pages of the table, and where to go on.

    A page is 1 MB of the table, 128 read units. An index would be cheaper to read, and cost every view two writes.
    """
    asked: Item = {
        "TableName": current().view_markers_table,
        "FilterExpression": "begins_with(pk, :view) AND attribute_not_exists(c) AND expires < :before",
        "ExpressionAttributeValues": {
            ":view": aws.pack("VIEW#"),
            ":before": aws.pack(instants.epoch(before + MARKERS_KEPT)),
        },
    }
    found: list[Item] = []
    for _ in range(pages):
        page = aws.call("scan", **asked, **({"ExclusiveStartKey": cursor} if cursor else {}))
        found += map(aws.unpack_item, page["Items"])
        cursor = page.get("LastEvaluatedKey")
        if not cursor:
            break
    return found, cursor


def count(markers: Sequence[Marker]) -> None:
    """Flags markers of one article and day and adds them to its sums, in one transaction.

    Where others add to the same lane at the same time it goes on in another one: they would meet there again.
    Raises Cancelled with the positions of markers that are counted already, or gone; Unavailable.
    """
    lane = model.lane(len(markers))
    for tried in range(1, _TRIES + 1):
        if lane:
            _open_lanes(markers)
        try:
            aws.write(*_counted(markers, lane), tries=1)
            return
        except aws.Contended:
            if tried == _TRIES:
                raise
            aws.pause(tried)
            lane = model.any_lane()


def _counted(markers: Sequence[Marker], lane: int) -> list[Item]:
    slug, day = markers[0].slug, markers[0].day
    flags = [
        aws.update(
            current().view_markers_table,
            {"pk": marker.key},
            "SET c = :one",
            "attribute_exists(pk) AND attribute_not_exists(c)",
            one=1,
        )
        for marker in markers
    ]
    table, names = current().view_counts_table, {"#views": "views"}
    key = {"pk": _pk(slug), "sk": f"TOTAL#{lane:02}"}
    total = aws.update(table, key, "ADD #views :n", names=names, n=len(markers))
    sets, named, values = _told(markers) if lane == 0 else ("", {}, {})
    hours = Counter(f"h{marker.hour:02}" for marker in markers)
    adds = ", ".join(["#views :n", *(f"{hour} :{hour}" for hour in hours)])
    values = {**values, **hours, "n": len(markers), "day": _day_key(day, slug)}
    of_day = aws.update(
        table,
        _day(slug, day, lane),
        f"SET day_key = :day{sets} ADD {adds}",
        names={**names, **named},
        **values,
    )
    return [*flags, total, of_day]


def _told(markers: Sequence[Marker]) -> tuple[str, dict[str, str], Item]:
    """What lane 0 of a day keeps of the title and page it is told first: what comes later does not overwrite them."""
    told = next((marker for marker in markers if marker.title), None)
    if told is None:
        return "", {}, {}
    sets = ", title = if_not_exists(title, :title), #page = if_not_exists(#page, :page)"
    return sets, {"#page": "page"}, {"title": told.title, "page": told.page}


def _open_lanes(markers: Sequence[Marker]) -> None:
    """Before a view goes beyond lane 0: readers of many articles look for more, and lane 0 knows the day's title."""
    slug, day, table = markers[0].slug, markers[0].day, current().view_counts_table
    if (slug, day) in _spread:
        return
    aws.write(aws.update(table, {"pk": _pk(slug), "sk": "TOTAL#00"}, "SET spread = :one", one=1))
    sets, names, values = _told(markers)
    values = {**values, "day": _day_key(day, slug)}
    aws.write(
        aws.update(table, _day(slug, day, 0), f"SET day_key = :day{sets}", names=names, **values)
    )
    _spread.add((slug, day))


def total(slug: str) -> int:
    """All views of an article so far; 0 for one nobody has read."""
    of_totals = "pk = :pk AND begins_with(sk, :sk)"
    lanes = aws.query(current().view_counts_table, of_totals, pk=_pk(slug), sk="TOTAL#")
    return sum(lane.get("views", 0) for lane in lanes)


def totals(slugs: Iterable[str]) -> dict[str, int]:
    """The totals of many articles, in the order asked for; only those that were ever spread cost a query."""
    asked = list(dict.fromkeys(slugs))
    views = dict.fromkeys(asked, 0)
    for item in aws.batch_get(
        current().view_counts_table, [{"pk": _pk(slug), "sk": "TOTAL#00"} for slug in asked]
    ):
        slug = item["pk"].removeprefix("ARTICLE#")
        views[slug] = total(slug) if "spread" in item else item["views"]
    return views


def daily(slug: str, first: str, last: str) -> dict[str, int]:
    """The views of those days of a span on which an article was read."""
    series: dict[str, int] = {}
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    for item in aws.query(
        current().view_counts_table, span, pk=_pk(slug), first=f"DAY#{first}", last=f"DAY#{last}#~"
    ):
        day = item["sk"].split("#")[1]
        series[day] = series.get(day, 0) + item.get("views", 0)
    return series


def day_sums(day: str) -> dict[str, Item]:
    """Every article read on a day: `views`, `h00` to `h23` where not 0, `title` and `page`; all lanes together."""
    sums: dict[str, Item] = {}
    for bucket in range(DAY_BUCKETS):
        for item in aws.query(
            current().view_counts_table, "day_key = :day", index="days", day=f"DAY#{day}#{bucket}"
        ):
            slug = sums.setdefault(item["pk"].removeprefix("ARTICLE#"), {"views": 0})
            for name, value in item.items():
                if name == "views" or (name[0] == "h" and name[1:].isdigit()):
                    slug[name] = slug.get(name, 0) + value
                elif name in ("title", "page"):
                    slug.setdefault(name, value)
    return sums


def save_views(day: str, views: int) -> None:
    """Overwrites how often all articles together were read on a day."""
    aws.write(aws.put(current().view_counts_table, {"pk": "VIEWS", "sk": day, "views": views}))


def views(first: str, last: str) -> dict[str, int]:
    """The views of all articles together on those days of a span that had any, as of the last ranking. One query."""
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    days = aws.query(current().view_counts_table, span, pk="VIEWS", first=first, last=last)
    return {item["sk"]: item["views"] for item in days}


def save_list(window: str, articles: list[Item], now: datetime) -> None:
    """Overwrites a most-read list."""
    item = {"pk": "LIST", "sk": window, "as_of": instants.text(now), "articles": articles}
    aws.write(aws.put(current().view_counts_table, item))


def load_list(window: str) -> Any:
    """A most-read list as `{"as_of", "articles"}`; None before the first one was made."""
    return aws.get(current().view_counts_table, {"pk": "LIST", "sk": window}, consistent=False)


def save_cursor(cursor: Item | None) -> None:
    """Where the sweeper goes on next time."""
    aws.write(
        aws.put(
            current().view_counts_table,
            {"pk": "SWEEP", "sk": "CURSOR", "at": aws.unpack_item(cursor or {}).get("pk")},
        )
    )


def load_cursor() -> Item | None:
    """Where the sweeper stopped; None at the beginning of the table."""
    item = aws.get(current().view_counts_table, {"pk": "SWEEP", "sk": "CURSOR"}) or {}
    return aws.pack_item({"pk": item["at"]}) if "at" in item else None


def _pk(slug: str) -> str:
    return f"ARTICLE#{slug}"


def _day(slug: str, day: str, lane: int) -> Item:
    return {"pk": _pk(slug), "sk": f"DAY#{day}#{lane:02}"}


def _day_key(day: str, slug: str) -> str:
    return f"DAY#{day}#{zlib.crc32(slug.encode()) % DAY_BUCKETS}"
