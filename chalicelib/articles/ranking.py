"""The most-read lists and each day's views, rebuilt every minute: serving one takes one read."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib import instants
from chalicelib.articles.stores import counts
from chalicelib.aws import Item
from chalicelib.settings import current

LONGEST = 50
WINDOWS = {"7d": 7, "30d": 30}
# Markers live four days, so an older day cannot change any more. A process reads it once.
CLOSED_AFTER = 5

Sums = dict[str, Item]  # of one day, by slug

_saved_views: dict[str, int] = {}  # by day, as this process wrote them last
_closed: dict[str, Sums] = {}
# Each article's views on the days that are not closed, as of the last ranking.
_live: Counter[str] = Counter()


def forget() -> None:
    """Clear the in-process caches."""
    _saved_views.clear()
    _closed.clear()
    _live.clear()


def rank(now: datetime | None = None) -> None:
    """Rebuild the lists `24h`, `7d`, `30d` and `all`, and save the views of days that changed."""
    now = now or instants.now()
    local = now.astimezone(ZoneInfo(current().time_zone))
    names = [
        (local.date() - timedelta(days=ago)).isoformat() for ago in range(max(WINDOWS.values()))
    ]
    days = _days(names)
    _save_changed_views(dict(zip(names, days, strict=True)))
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
    """Return the sums of these days, newest first. Closed days come from the cache."""
    for day in _closed.keys() - set(names):
        del _closed[day]
    for day in names[CLOSED_AFTER:]:
        if day not in _closed:
            _closed[day] = counts.day_sums(day)
    return [counts.day_sums(day) for day in names[:CLOSED_AFTER]] + [
        _closed[day] for day in names[CLOSED_AFTER:]
    ]


def _save_changed_views(days: dict[str, Sums]) -> None:
    """Save the views of those days whose sum differs from what this process wrote last."""
    sums = {day: sum(each["views"] for each in articles.values()) for day, articles in days.items()}
    changed = {day: views for day, views in sums.items() if views != _saved_views.get(day, 0)}
    for day, views in changed.items():
        counts.save_views(day, views)
    _saved_views.clear()
    _saved_views.update(sums)


def _sum(days: list[Sums]) -> Counter[str]:
    views: Counter[str] = Counter()
    for day in days:
        views.update({slug: each["views"] for slug, each in day.items()})
    return views


def _after(sums: Item, hour: int) -> int:
    """Return yesterday's views in the hours that began less than 24 hours ago."""
    return sum(views for name, views in sums.items() if name[0] == "h" and int(name[1:]) > hour)


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    """Return at most LONGEST articles with views, most views first, ties in a stable order."""
    return sorted(
        ((slug, views) for slug, views in counter.items() if views), key=lambda e: (-e[1], e[0])
    )[:LONGEST]


def _entry(slug: str, views: int, described: dict[str, Item]) -> Item:
    article = described.get(slug, {})
    return {
        "slug": slug,
        "title": article.get("title", slug),
        "page": article.get("page", ""),
        "views": views,
    }


def _all(live: Counter[str], before: set[str]) -> Counter[str]:
    """Return the totals of the articles that can be on the list of all time.

    These are the articles on the last list, and those whose live days have changed since. A total
    changes only with a live day, so the others need no read. This fails only if the ranker stops
    for so long that a day closes unseen.
    """
    changed = {slug for slug, views in live.items() if _live[slug] != views}
    totals = Counter(counts.totals(before | changed))
    _live.clear()
    _live.update(live)
    return totals
