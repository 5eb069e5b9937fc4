"""Totals, days, tallies and lists in the `view-counts` table."""

import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from chalicelib import aws, instants
from chalicelib.articles import model
from chalicelib.articles.model import LANES, Marker
from chalicelib.aws import Item
from chalicelib.settings import current

# The version of each kind's format. A format that changes gets the next one, and a migration.
TOTAL_V = 1
DAY_V = 1
FILTERED_V = 1
SOURCES_V = 1
VIEWS_V = 1
LIST_V = 1
# Counting a chunk writes to the index of its day. Several partition keys keep a busy day from
# becoming a hot partition.
DAY_BUCKETS = 8
_TALLY_LANES = 4
_TRIES = 6


class TooSlow(Exception):
    """There is no time to read a day to its end."""


_spread: set[tuple[str, str]] = set()  # (slug, day) whose lanes this process has opened


def forget() -> None:
    """Clear the in-process cache of open lanes."""
    _spread.clear()


def tally(kind: str, day: str) -> None:
    """Tally a view that no person made by its class.

    A retry after a lost answer may tally it twice, which does no harm here.
    """
    key = {"pk": f"FILTERED#{day}", "sk": f"{random.randrange(_TALLY_LANES):02}"}
    adds, names = "ADD #kind :one SET v = :v", {"#kind": kind}
    aws.write(aws.update(current().view_counts_table, key, adds, names=names, one=1, v=FILTERED_V))


def filtered(day: str) -> dict[str, int]:
    """Return how many views of a day no person made, by class."""
    sums: dict[str, int] = {}
    for item in aws.query(current().view_counts_table, "pk = :pk", pk=f"FILTERED#{day}"):
        for kind, views in item.items():
            if kind not in ("pk", "sk", "v") and isinstance(views, int):
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
    added = "ADD #views :n SET v = :v"
    total = aws.update(table, key, added, names=names, n=len(markers), v=TOTAL_V)
    hours: Item = dict(Counter(f"h{marker.hour:02}" for marker in markers))
    adds = ", ".join(["#views :n", *(f"{hour} :{hour}" for hour in hours)])
    of_day = aws.update(
        table,
        {"pk": _pk(slug), "sk": f"DAY#{day}#{lane:02}"},
        f"SET day_key = :day, v = :v ADD {adds}",
        names=names,
        **hours,
        n=len(markers),
        day=_day_key(day, slug),
        v=DAY_V,
    )
    return [*flags, total, of_day]


def _open_lanes(markers: Sequence[Marker]) -> None:
    """Note in lane 0 that views go to other lanes, by which `totals` knows to read all of them."""
    slug, day, table = markers[0].slug, markers[0].day, current().view_counts_table
    if (slug, day) in _spread:
        return
    noted = {"v": TOTAL_V, "spread": 1}
    aws.write(aws.assign(table, {"pk": _pk(slug), "sk": "TOTAL#00"}, noted))
    _spread.add((slug, day))


def total(slug: str) -> int:
    """Return all views of an article so far, those merged into it included; 0 if it is unknown."""
    lanes = _lanes(slug)
    linked = next((lane for lane in lanes if lane["sk"] == "TOTAL#00"), {})
    if target := linked.get("merged_into"):
        lanes = _lanes(target)
        linked = next((lane for lane in lanes if lane["sk"] == "TOTAL#00"), {})
    merged = (each for alias in linked.get("aliases", ()) for each in _lanes(alias))
    return sum(lane.get("views", 0) for lane in (*lanes, *merged))


def _lanes(slug: str) -> list[Item]:
    of_totals = "pk = :pk AND begins_with(sk, :sk)"
    return list(aws.query(current().view_counts_table, of_totals, pk=_pk(slug), sk="TOTAL#"))


def totals(slugs: Iterable[str]) -> dict[str, int]:
    """Return the totals of many articles, in the order asked for.

    Only an article whose views were ever spread over lanes, or merged, costs a query of its own.
    """
    return totals_and_list(slugs)[0]


def totals_and_list(
    slugs: Iterable[str], listed: tuple[str, str] | None = None
) -> tuple[dict[str, int], Any]:
    """Return the totals of articles and a most-read list, by one batch of reads.

    The list is named by its window and its section; it is None before it was made.
    """
    asked, table = list(dict.fromkeys(slugs)), current().view_counts_table
    keys = [{"pk": _pk(slug), "sk": "TOTAL#00"} for slug in asked]
    keys += [_list(*listed)] if listed else []
    views, found = dict.fromkeys(asked, 0), None
    for item in aws.batch_get(table, keys) if keys else ():
        if item["pk"] == "LIST":
            found = item
        else:
            slug = item["pk"].removeprefix("ARTICLE#")
            alone = item.keys().isdisjoint(("spread", "aliases", "merged_into"))
            views[slug] = item.get("views", 0) if alone else total(slug)
    return views, found


def members(slug: str) -> list[str]:
    """Return the names that are counted as one with this one, the one they stand under first."""
    key = {"pk": _pk(slug), "sk": "TOTAL#00"}
    linked = aws.get(current().view_counts_table, key, consistent=False) or {}
    if target := linked.get("merged_into"):
        return members(target)
    return [slug, *linked.get("aliases", ())]


def daily(slug: str, first: str, last: str) -> dict[str, int]:
    """Return an article's views by day, for those days of a span on which it was read."""
    return {day: each["views"] for day, each in by_day(slug, first, last).items()}


def by_day(slug: str, first: str, last: str) -> dict[str, dict[str, int]]:
    """Return an article's views by day of a span, `views` and those of the hours `h00` to `h23`.

    Those merged into it are added.
    """
    series: dict[str, dict[str, int]] = {}
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    for name in members(slug):
        for item in aws.query(
            current().view_counts_table,
            span,
            pk=_pk(name),
            first=f"DAY#{first}",
            last=f"DAY#{last}#~",
        ):
            _add(series.setdefault(item["sk"].split("#")[1], {"views": 0}), item)
    return series


def _add(sums: dict[str, int], item: Item) -> None:
    for name, value in item.items():
        if name == "views" or (name[0] == "h" and name[1:].isdigit()):
            sums[name] = sums.get(name, 0) + value


def day_views(day: str, in_time: Callable[[], bool]) -> dict[str, int]:
    """Return the views of every name on a day, all lanes together. Raises TooSlow."""
    views: dict[str, int] = {}
    for name, item in _of_day(day, ("pk", "views"), in_time):
        views[name] = views.get(name, 0) + item.get("views", 0)
    return views


def day_sums(day: str, in_time: Callable[[], bool]) -> dict[str, dict[str, int]]:
    """Return the sums of every name on a day, all lanes together. Raises TooSlow.

    They are `views`, and `h00` to `h23` where not 0.
    """
    sums: dict[str, dict[str, int]] = {}
    for name, item in _of_day(day, (), in_time):
        _add(sums.setdefault(name, {"views": 0}), item)
    return sums


def _of_day(
    day: str, only: tuple[str, ...], in_time: Callable[[], bool]
) -> Iterator[tuple[str, Item]]:
    """Yield name and sums of everything read on a day, lane by lane."""
    table = current().view_counts_table
    for bucket in range(DAY_BUCKETS):
        key = f"DAY#{day}#{bucket}"
        found = aws.query_index(table, "days", "day_key = :day", only, day=key)
        for at, item in enumerate(found):
            if not at % 1000 and not in_time():
                raise TooSlow(day)
            yield item["pk"].removeprefix("ARTICLE#"), item


def note_sources(slug: str, sources: Sequence[str]) -> None:
    """Note what the site calls an article by several names; the first note stays."""
    key, table = {"pk": _pk(slug), "sk": "SOURCES"}, current().view_counts_table
    sets = "SET v = :v, sources = if_not_exists(sources, :them)"
    aws.write(aws.update(table, key, sets, them=list(sources), v=SOURCES_V))


def sources(slugs: Iterable[str]) -> dict[str, list[str]]:
    """Return what the site calls those of these articles that have one name for several."""
    keys = [{"pk": _pk(slug), "sk": "SOURCES"} for slug in dict.fromkeys(slugs)]
    found = aws.batch_get(current().view_counts_table, keys) if keys else ()
    return {item["pk"].removeprefix("ARTICLE#"): item["sources"] for item in found}


def delete(slug: str, last: str = "") -> bool:
    """Delete all counts of an article; tell whether they are gone.

    Where it was read after the day `last`, they stay.
    """
    table = current().view_counts_table
    keys = [each["sk"] for each in aws.query_consistent(table, "pk = :pk", ("sk",), pk=_pk(slug))]
    if last and _read_after(keys, last):
        return False
    for key in keys:
        aws.write(aws.delete(table, {"pk": _pk(slug), "sk": key}))
    return True


def _read_after(keys: list[str], last: str) -> bool:
    return any(key.split("#")[1] > last for key in keys if key.startswith("DAY#"))


def save_views(day: str, views: int) -> None:
    """Save how often all articles together were read on a day."""
    item = {"pk": "VIEWS", "sk": day, "v": VIEWS_V, "views": views}
    aws.write(aws.put(current().view_counts_table, item))


def views(first: str, last: str) -> dict[str, int]:
    """Return the views of all articles together by day of a span, as of the last ranking.

    Days without views are left out. One query.
    """
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    days = aws.query(current().view_counts_table, span, pk="VIEWS", first=first, last=last)
    return {item["sk"]: item["views"] for item in days}


def save_list(window: str, articles: list[Item], now: datetime, section: str = "") -> None:
    """Save a most-read list, of one section or of all, in the place of the one before."""
    place, as_of = _list(window, section), instants.text(now)
    item = {**place, "v": LIST_V, "as_of": as_of, "articles": articles}
    aws.write(aws.put(current().view_counts_table, item))


def load_list(window: str, section: str = "") -> Any:
    """Return a most-read list as `{"as_of", "articles"}`; None before the first one was made."""
    return aws.get(current().view_counts_table, _list(window, section), consistent=False)


def _list(window: str, section: str) -> Item:
    return {"pk": "LIST", "sk": f"{window}#{section.casefold()}" if section else window}


def _pk(slug: str) -> str:
    return f"ARTICLE#{slug}"


def _day_key(day: str, slug: str) -> str:
    return f"DAY#{day}#{zlib.crc32(slug.encode()) % DAY_BUCKETS}"
