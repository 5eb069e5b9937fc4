"""The most-read lists, made anew every minute: one read then serves each of them."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib import instants
from chalicelib.articles import store
from chalicelib.aws import Item
from chalicelib.settings import current

LONGEST = 50
WINDOWS = {"7d": 7, "30d": 30}
# Markers live four days, so an older day can no longer change: it is read once a process.
CLOSED_AFTER = 5

_closed: dict[str, Counter[str]] = {}
_live: Counter[str] = Counter()  # each article's views on the days that are not closed, as of the last ranking


def forget() -> None:
    """What a new process would not know."""
    _closed.clear()
    _live.clear()


def rank(now: datetime | None = None) -> None:
    """Overwrites the lists `24h`, `7d`, `30d` and `all`."""
    now = now or instants.now()
    local = now.astimezone(ZoneInfo(current().time_zone))
    counts: dict[str, Counter[str]] = {window: Counter() for window in ("24h", *WINDOWS)}
    days = [(local.date() - timedelta(days=ago)).isoformat() for ago in range(max(WINDOWS.values()))]
    live: Counter[str] = Counter()
    for ago, day in enumerate(days):
        if ago < CLOSED_AFTER:
            sums = store.day_sums(day)
            views = Counter({slug: each["views"] for slug, each in sums.items()})
            live.update(views)
            if ago < 2:
                counts["24h"].update({slug: _within_a_day(each, ago, local.hour) for slug, each in sums.items()})
        else:
            views = _closed_day(day)
        for window, length in WINDOWS.items():
            if ago < length:
                counts[window].update(views)
    for day in _closed.keys() - set(days):
        del _closed[day]
    counts["all"] = _all(live)
    lists = {window: _ranked(counter) for window, counter in counts.items()}
    titles = store.titles(slug for listed in lists.values() for slug, _ in listed)
    for window, listed in lists.items():
        articles = [{"slug": slug, "title": titles[slug], "views": views} for slug, views in listed]
        store.save_list(window, articles, now)


def _ranked(counter: Counter[str]) -> list[tuple[str, int]]:
    """The longest list there is, most views first; equal ones by their slug, so that nothing jumps."""
    return sorted(((slug, views) for slug, views in counter.items() if views), key=lambda e: (-e[1], e[0]))[:LONGEST]


def _closed_day(day: str) -> Counter[str]:
    if day not in _closed:
        _closed[day] = Counter({slug: sums["views"] for slug, sums in store.day_sums(day).items()})
    return _closed[day]


def _within_a_day(sums: Item, days_ago: int, hour: int) -> int:
    """Today's views, or those of yesterday's hours that began less than 24 hours ago."""
    if days_ago == 0:
        return int(sums["views"])
    return sum(views for name, views in sums.items() if name[0] == "h" and int(name[1:]) > hour)


def _all(live: Counter[str]) -> Counter[str]:
    """The articles that can be on this list: those that were, and those whose days have changed since.

    A total changes only with one of the live days, so the others need not be read. It holds as long as the ranker
    does not stand still until a day is closed.
    """
    before = store.load_list("all") or {"articles": []}
    changed = {slug for slug, views in live.items() if _live[slug] != views}
    totals = store.totals({article["slug"] for article in before["articles"]} | changed)
    _live.clear()
    _live.update(live)
    return Counter(totals)
