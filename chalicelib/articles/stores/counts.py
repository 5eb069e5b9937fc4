"""Totals, days, titles, tallies and lists in the `view-counts` table."""

import random
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from chalicelib import aws, instants
from chalicelib.articles import model
from chalicelib.articles.model import LANES, Marker
from chalicelib.aws import Item
from chalicelib.settings import current

# Counting a chunk writes to the index of its day. Several partition keys keep a busy day from
# becoming a hot partition.
DAY_BUCKETS = 8
_TALLY_LANES = 4
_TRIES = 6

_spread: set[tuple[str, str]] = set()  # (slug, day) whose lanes this process has opened


def forget() -> None:
    """Clear the in-process cache of open lanes."""
    _spread.clear()


def tally(kind: str, day: str) -> None:
    """Tally a view that no person made by its class.

    A retry after a lost answer may tally it twice, which does no harm here.
    """
    key = {"pk": f"FILTERED#{day}", "sk": f"{random.randrange(_TALLY_LANES):02}"}
    aws.write(
        aws.update(current().view_counts_table, key, "ADD #kind :one", names={"#kind": kind}, one=1)
    )


def filtered(day: str) -> dict[str, int]:
    """Return how many views of a day no person made, by class."""
    sums: dict[str, int] = {}
    for item in aws.query(current().view_counts_table, "pk = :pk", pk=f"FILTERED#{day}"):
        for kind, views in item.items():
            if kind not in ("pk", "sk"):
                sums[kind] = sums.get(kind, 0) + views
    return sums


def count(markers: Sequence[Marker]) -> None:
    """Flag markers of one article and day and add them to its sums, in one transaction.

    After a conflict on a lane it tries another lane, up to 6 times in all. Raises Cancelled with
    the positions of markers that are counted already, or gone; Unavailable.
    """
    lane = model.lane(len(markers), random.randrange(LANES))
    for tried in range(1, _TRIES + 1):
        if lane:
            _open_lanes(markers)
        try:
            aws.write(*_members(markers, lane), tries=1)
            return
        except aws.Contended:
            if tried == _TRIES:
                raise
            aws.pause(tried)
            lane = random.randrange(LANES)


def _members(markers: Sequence[Marker], lane: int) -> list[Item]:
    """Return the transaction's members: the flags of the markers, the total and the day."""
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
    sets, named, values = _title_update(markers) if lane == 0 else ("", {}, {})
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


def _title_update(markers: Sequence[Marker]) -> tuple[str, dict[str, str], Item]:
    """Return the part of an update that keeps a day's first title and page: sets, names, values.

    Lane 0 of a day has them. Without a title the parts are empty.
    """
    titled = next((marker for marker in markers if marker.title), None)
    if titled is None:
        return "", {}, {}
    sets = ", title = if_not_exists(title, :title), #page = if_not_exists(#page, :page)"
    return sets, {"#page": "page"}, {"title": titled.title, "page": titled.page}


def _open_lanes(markers: Sequence[Marker]) -> None:
    """Prepare lane 0 for views that go to other lanes.

    Its total gets the flag `spread`, by which `totals` knows to read all lanes, and its day gets
    the title.
    """
    slug, day, table = markers[0].slug, markers[0].day, current().view_counts_table
    if (slug, day) in _spread:
        return
    aws.write(aws.update(table, {"pk": _pk(slug), "sk": "TOTAL#00"}, "SET spread = :one", one=1))
    sets, names, values = _title_update(markers)
    values = {**values, "day": _day_key(day, slug)}
    aws.write(
        aws.update(table, _day(slug, day, 0), f"SET day_key = :day{sets}", names=names, **values)
    )
    _spread.add((slug, day))


def total(slug: str) -> int:
    """Return all views of an article so far; 0 for one that nobody has read."""
    of_totals = "pk = :pk AND begins_with(sk, :sk)"
    lanes = aws.query(current().view_counts_table, of_totals, pk=_pk(slug), sk="TOTAL#")
    return sum(lane.get("views", 0) for lane in lanes)


def totals(slugs: Iterable[str]) -> dict[str, int]:
    """Return the totals of many articles, in the order asked for.

    Only an article whose views were ever spread over lanes costs a query of its own.
    """
    return totals_and_lists(slugs)[0]


def totals_and_lists(
    slugs: Iterable[str], windows: Sequence[str] = ()
) -> tuple[dict[str, int], dict[str, Any]]:
    """Return the totals of articles and the most-read lists of windows, by one batch of reads.

    A list that was not made yet is left out.
    """
    asked, table = list(dict.fromkeys(slugs)), current().view_counts_table
    keys = [{"pk": _pk(slug), "sk": "TOTAL#00"} for slug in asked]
    keys += [{"pk": "LIST", "sk": window} for window in windows]
    views, lists = dict.fromkeys(asked, 0), {}
    for item in aws.batch_get(table, keys) if keys else ():
        if item["pk"] == "LIST":
            lists[item["sk"]] = item
        else:
            slug = item["pk"].removeprefix("ARTICLE#")
            views[slug] = total(slug) if "spread" in item else item["views"]
    return views, lists


def daily(slug: str, first: str, last: str) -> dict[str, int]:
    """Return an article's views by day, for those days of a span on which it was read."""
    series: dict[str, int] = {}
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    for item in aws.query(
        current().view_counts_table, span, pk=_pk(slug), first=f"DAY#{first}", last=f"DAY#{last}#~"
    ):
        day = item["sk"].split("#")[1]
        series[day] = series.get(day, 0) + item.get("views", 0)
    return series


def day_sums(day: str) -> dict[str, Item]:
    """Return the sums of every article read on a day by slug, all lanes together.

    They are `views`, `h00` to `h23` where not 0, and `title` and `page` where known.
    """
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
    """Save how often all articles together were read on a day."""
    aws.write(aws.put(current().view_counts_table, {"pk": "VIEWS", "sk": day, "views": views}))


def views(first: str, last: str) -> dict[str, int]:
    """Return the views of all articles together by day of a span, as of the last ranking.

    Days without views are left out. One query.
    """
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    days = aws.query(current().view_counts_table, span, pk="VIEWS", first=first, last=last)
    return {item["sk"]: item["views"] for item in days}


def save_list(window: str, articles: list[Item], now: datetime) -> None:
    """Save a most-read list in the place of the one before."""
    item = {"pk": "LIST", "sk": window, "as_of": instants.text(now), "articles": articles}
    aws.write(aws.put(current().view_counts_table, item))


def load_list(window: str) -> Any:
    """Return a most-read list as `{"as_of", "articles"}`; None before the first one was made."""
    return aws.get(current().view_counts_table, {"pk": "LIST", "sk": window}, consistent=False)


def _pk(slug: str) -> str:
    return f"ARTICLE#{slug}"


def _day(slug: str, day: str, lane: int) -> Item:
    return {"pk": _pk(slug), "sk": f"DAY#{day}#{lane:02}"}


def _day_key(day: str, slug: str) -> str:
    return f"DAY#{day}#{zlib.crc32(slug.encode()) % DAY_BUCKETS}"
