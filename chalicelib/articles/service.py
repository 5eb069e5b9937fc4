"""What can be done with views: note one, and read totals, series and lists. No HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib import instants, log
from chalicelib.articles import browsers, filters, model
from chalicelib.articles.names import Name
from chalicelib.articles.stores import counts, markers
from chalicelib.errors import FieldError, Invalid
from chalicelib.sender import Sender
from chalicelib.settings import current

LONGEST_SPAN = 366  # days
DEFAULT_SPAN = 30  # days

List = tuple[datetime, list[Any]]  # when a most-read list was made, and its articles


@dataclass(frozen=True)
class Views:
    """The views of all articles by day, and the views that no person made by day and class."""

    by_day: Mapping[str, int]
    filtered: Mapping[date, Mapping[str, int]]


def note_view(article: Name, sender: Sender, headers: Mapping[str, str], now: datetime) -> None:
    """Note that somebody reads an article, or tally a view that no person made by its class.

    What else a page says of its article is not kept: lists have the words of the site's feed. A
    repeat, and no name, change nothing.
    """
    slug = article.slug
    if not slug:
        return
    local = now.astimezone(ZoneInfo(current().time_zone))
    day = local.date().isoformat()
    if kind := filters.classify(sender.user_agent, headers):
        if sender.user_agent == filters.REPLACED:
            log.warning("view.agent_replaced")
        counts.tally(kind, day)
        return
    salt = markers.salt(day, now)
    marker = model.Marker(
        slug=slug,
        day=day,
        visitor=model.visitor(salt, slug, sender.network, browsers.kind(sender.user_agent)),
        hour=local.hour,
        source=article.source,
    )
    markers.mark(marker, now)


def total(slug: str) -> int:
    """Return all views of an article so far; 0 for an unknown one."""
    return counts.total(slug)


def totals(slugs: Iterable[str]) -> dict[str, int]:
    """Return the totals of many articles, in the order asked for."""
    return counts.totals(slugs)


def daily(
    slug: str, first: date | None, last: date | None, now: datetime
) -> list[tuple[date, int]]:
    """Return an article's views on each day of a span, without gaps; by default of 30 days.

    Raises Invalid (`from`, `range`) for a span that is empty or longer than 366 days.
    """
    last = last or instants.day(now, current().time_zone)
    first = first or last - timedelta(days=DEFAULT_SPAN - 1)
    length = (last - first).days + 1
    if not 1 <= length <= LONGEST_SPAN:
        raise Invalid(FieldError("from", "range"))
    views = counts.daily(slug, first.isoformat(), last.isoformat())
    days = [first + timedelta(days=after) for after in range(length)]
    return [(day, views.get(day.isoformat(), 0)) for day in days]


def popular(window: str, now: datetime, section: str = "") -> List:
    """Return when a most-read list was made, and its articles, most views first.

    With a `section` the list is of that section's articles, as the site's feed names it.
    """
    return _list(counts.load_list(window, section), now)


def of_a_page(
    slugs: Iterable[str], listed: tuple[str, str] | None, now: datetime
) -> tuple[dict[str, int], List]:
    """Return the totals of articles and a most-read list, by one batch of reads.

    The list is named by its window and its section; without one it is empty.
    """
    views, found = counts.totals_and_list(slugs, listed)
    return views, _list(found, now)


def _list(found: Any, now: datetime) -> List:
    return (instants.parse(found["as_of"]), found["articles"]) if found else (now, [])


def filtered(days: int, now: datetime) -> dict[date, dict[str, int]]:
    """Return the views that no person made, by day (today first) and class. One read a day."""
    today = instants.day(now, current().time_zone)
    return _filtered(today, days)


def views_of_span(first: date, last: date, filtered_days: int = 0) -> Views:
    """Return the views of all articles by day of a span, as of the last ranking.

    `filtered_days` says for how many days up to the last the filtered views are read.
    """
    by_day = counts.views(first.isoformat(), last.isoformat())
    return Views(by_day, _filtered(last, filtered_days))


def _filtered(last: date, days: int) -> dict[date, dict[str, int]]:
    wanted = [last - timedelta(days=ago) for ago in range(days)]
    return {day: dict(sorted(counts.filtered(day.isoformat()).items())) for day in wanted}
