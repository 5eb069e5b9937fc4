"""Markers and the day's salt in `view-markers`; totals, days, titles and lists in `view-counts`."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib import aws, instants
from chalicelib.articles import model
from chalicelib.articles.model import Marker
from chalicelib.aws import Cancelled, Item
from chalicelib.settings import current

MARKERS_KEPT = timedelta(days=4)  # longer than a stream keeps its records, so that a late one is still recognised
SALT_KEPT = timedelta(hours=48)

_salts: dict[str, bytes] = {}


def salt(day: str, now: datetime) -> bytes:
    """The day's random salt; the first caller of a day makes it. Its table has no backups: gone is gone."""
    if day not in _salts:
        item: Item = {"pk": f"SALT#{day}", "salt": secrets.token_hex(32), "expires": instants.epoch(now + SALT_KEPT)}
        try:
            aws.write(aws.put(current().view_markers_table, item, "attribute_not_exists(pk)"))
        except Cancelled:
            item = aws.get(current().view_markers_table, {"pk": item["pk"]}) or item
        _salts.clear()
        _salts[day] = bytes.fromhex(item["salt"])
    return _salts[day]


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


def marker_of(item: Item) -> Marker:
    """The marker of an item. Raises ValueError, KeyError for what is none."""
    slug, day, visitor = item["pk"].removeprefix("VIEW#").split("|")
    return Marker(slug, day, visitor, item["hour"], item.get("title", ""), item.get("page", ""))


def count(markers: Sequence[Marker]) -> None:
    """Flags markers of one article and day and adds them to its sums, in one transaction.

    Raises Cancelled with the positions of markers that are counted already, or gone.
    """
    slug, day, lane = markers[0].slug, markers[0].day, model.lane(len(markers))
    flags = [
        aws.update(current().view_markers_table, {"pk": marker.key}, "SET c = :one",
                   "attribute_exists(pk) AND attribute_not_exists(c)", one=1)
        for marker in markers
    ]  # fmt: skip
    hours: Item = {}
    for marker in markers:
        hours[f"h{marker.hour:02}"] = hours.get(f"h{marker.hour:02}", 0) + 1
    table, key = current().view_counts_table, {"pk": f"ARTICLE#{slug}"}
    names = {"#views": "views"}
    total = aws.update(table, {**key, "sk": f"TOTAL#{lane:02}"}, "ADD #views :n", names=names, n=len(markers))
    adds = ", ".join(f"{hour} :{hour}" for hour in hours)
    of_day = aws.update(table, {**key, "sk": f"DAY#{day}#{lane:02}"}, f"SET day_key = :day ADD #views :n, {adds}",
                        names=names, day=f"DAY#{day}", n=len(markers), **hours)  # fmt: skip
    aws.write(*flags, total, of_day)


def describe(marker: Marker) -> None:
    """Keeps an article's title and page as its own pages give them; once known, for the rest of the day."""
    key = {"pk": f"ARTICLE#{marker.slug}", "sk": "INFO"}
    try:
        aws.write(
            aws.update(current().view_counts_table, key, "SET title = :title, #page = :page, seen = :day",
                       "attribute_not_exists(title) OR (seen < :day AND title <> :title)", names={"#page": "page"},
                       title=marker.title, page=marker.page, day=marker.day)
        )  # fmt: skip
    except Cancelled:
        pass  # known already


def total(slug: str) -> int:
    """All views of an article so far; 0 for one nobody has read."""
    of_totals = "pk = :pk AND begins_with(sk, :sk)"
    lanes = aws.query(current().view_counts_table, of_totals, pk=f"ARTICLE#{slug}", sk="TOTAL#")
    return sum(lane["views"] for lane in lanes)


def days(day: str) -> Iterator[tuple[str, Item]]:
    """Slug and sums of every article read on a day, lane by lane: `views`, and `h00` to `h23` where not 0."""
    for item in aws.query(current().view_counts_table, "day_key = :day", index="days", day=f"DAY#{day}"):
        yield item["pk"].removeprefix("ARTICLE#"), item


def title(slug: str) -> str:
    """An article's title; its slug where no page of it has told one."""
    info = aws.get(current().view_counts_table, {"pk": f"ARTICLE#{slug}", "sk": "INFO"})
    return info["title"] if info else slug


def save_list(window: str, articles: list[Item], now: datetime) -> None:
    """Overwrites a most-read list."""
    item = {"pk": "LIST", "sk": window, "as_of": instants.text(now), "articles": articles}
    aws.write(aws.put(current().view_counts_table, item))


def load_list(window: str) -> Any:
    """A most-read list as `{"as_of", "articles"}`; None before the first one was made."""
    return aws.get(current().view_counts_table, {"pk": "LIST", "sk": window})
