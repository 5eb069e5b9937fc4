"""The most-read lists and each day's views, made anew every minute: one read then serves each of them."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib import instants
from chalicelib.articles.stores import counts
from chalicelib.aws import Item
from chalicelib.settings import current

LONGEST = 50
WINDOWS = {"7d": 7, "30d": 30}
# Markers live four days, so an older day can no longer change: it is read once a process.
CLOSED_AFTER = 5

Sums = dict[str, Item]  # of one day, by slug

_told: dict[str, int] = {}  # the days' views as they were written last
_closed: dict[str, Sums] = {}
_live: Counter[str] = (
    Counter()
)  # each article's views on the days that are not closed, as of the last ranking


def forget() -> None:
    """What a new process would not know."""
    _told.clear()
    _closed.clear()
    _live.clear()


def rank(now: datetime | None = None) -> None:
    """Overwrites the lists `24h`, `7d`, `30d` and `all`, and the views of the days that have changed."""
    now = now or instants.now()
    local = now.astimezone(ZoneInfo(current().time_zone))
    names = [
        (local.date() - timedelta(days=ago)).isoformat() for ago in range(max(WINDOWS.values()))
    ]
    days = _days(names)
    _tell(dict(zip(names, days, strict=True)))
    views = {window: _sum(days[:length]) for window, length in WINDOWS.items()}
    views["24h"] = Counter({slug: each["views"] for slug, each in days[0].items()})
    views["24h"].update({slug: _after(each, local.hour) for slug, each in days[1].items()})
    before = counts.load_list("all") or {"articles": []}
    views["all"] = _all(
        _sum(days[:CLOSED_AFTER]), {article["slug"] for article in before["articles"]}
    )
    described = {article["slug"]: article for article in before["articles"]}
    for day in reversed(days):  # the newest title wins
        described.update({slug: each for slug, each in day.items() if "title" in each})
    for window, counter in views.items():
        counts.save_list(
            window, [_entry(slug, views, described) for slug, views in _ranked(counter)], now
        )


def _days(names: list[str]) -> list[Sums]:
    """The sums of these days, newest first; closed ones are remembered."""
    for day in _closed.keys() - set(names):
        del _closed[day]
    for day in names[CLOSED_AFTER:]:
        if day not in _closed:
            _closed[day] = counts.day_sums(day)
    return [counts.day_sums(day) for day in names[:CLOSED_AFTER]] + [
        _closed[day] for day in names[CLOSED_AFTER:]
    ]


def _tell(days: dict[str, Sums]) -> None:
    """Writes the sums of those days that differ from what this process wrote last."""
    sums = {day: sum(each["views"] for each in articles.values()) for day, articles in days.items()}
    changed = {day: views for day, views in sums.items() if views != _told.get(day, 0)}
    for day, views in changed.items():
        counts.save_views(day, views)
    _told.clear()
    _told.update(sums)


def _sum(days: list[Sums]) -> Counter[str]:
    views: Counter[str] = Counter()
    for day in days:
        views.update({slug: each["views"] for slug, each in day.items()})
    return views


def _after(sums: Item, hour: int) -> int:
    """The views of those hours of yesterday that began less than 24 hours ago."""
    return sum(views for name, views in sums.items() if name[0] == "h" and int(name[1:]) > hour)


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    """The longest list there is, most views first; equal ones by their slug, so that nothing jumps."""
    return sorted(
        ((slug, views) for slug, views in counter.items() if views), key=lambda e: (-e[1], e[0])
    )[:LONGEST]


def _entry(slug: str, views: int, described: dict[str, Item]) -> Item:
    known = described.get(slug, {})
    return {
        "slug": slug,
        "title": known.get("title", slug),
        "page": known.get("page", ""),
        "views": views,
    }


def _all(live: Counter[str], before: set[str]) -> Counter[str]:
    """The articles that can be on the list of all time: those that were, and those whose days have changed since.

    A total changes only with one of the live days, so the others need not be read. It holds as long as the ranker
    does not stand still until a day is closed.
    """
    changed = {slug for slug, views in live.items() if _live[slug] != views}
    totals = Counter(counts.totals(before | changed))
    _live.clear()
    _live.update(live)
    return totals
