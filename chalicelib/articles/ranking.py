"""The most-read lists, made anew every minute: one read then serves each of them."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib import instants
from chalicelib.articles import store
from chalicelib.settings import current

LONGEST = 50
DAYS = {"7d": 7, "30d": 30}


def rank(now: datetime | None = None) -> None:
    """Overwrites the lists `24h`, `7d`, `30d` and `all`."""
    now = now or instants.now()
    local = now.astimezone(ZoneInfo(current().time_zone))
    counts: dict[str, Counter[str]] = {"24h": Counter(), "7d": Counter(), "30d": Counter()}
    recent: set[str] = set()
    for ago in range(30):
        day = (local.date() - timedelta(days=ago)).isoformat()
        for slug, sums in store.days(day):
            for window, days in DAYS.items():
                if ago < days:
                    counts[window][slug] += sums["views"]
            if ago < 2:
                recent.add(slug)
                counts["24h"][slug] += _within_a_day(sums, ago, local.hour)
    counts["all"] = _all(recent)
    titles: dict[str, str] = {}
    for window, counter in counts.items():
        articles = []
        for slug, views in sorted(counter.items(), key=lambda each: (-each[1], each[0]))[:LONGEST]:
            if views:
                titles[slug] = titles.get(slug) or store.title(slug)
                articles.append({"slug": slug, "title": titles[slug], "views": views})
        store.save_list(window, articles, now)


def _within_a_day(sums: dict[str, int], days_ago: int, hour: int) -> int:
    """Today's views, or those of yesterday's hours that began less than 24 hours ago."""
    if days_ago == 0:
        return sums["views"]
    return sum(views for name, views in sums.items() if name[0] == "h" and name[1:].isdigit() and int(name[1:]) > hour)


def _all(recent: set[str]) -> Counter[str]:
    """An article can only rise on this list on a day on which it is read: last time's list and the recent ones do."""
    before = store.load_list("all") or {"articles": []}
    candidates = recent | {article["slug"] for article in before["articles"]}
    return Counter({slug: store.total(slug) for slug in candidates})
