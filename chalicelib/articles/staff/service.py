"""What the staff see of the articles and decide about them. No HTTP."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from chalicelib import instants, log
from chalicelib.articles.entries import Entry
from chalicelib.articles.stores import counts, decisions, known, sums
from chalicelib.articles.stores.decisions import MOST_ALIASES, Decision
from chalicelib.articles.stores.known import State
from chalicelib.aws import retried
from chalicelib.errors import Conflict, ContactError, FieldError, Invalid
from chalicelib.settings import current

LONGEST_SPAN = 92  # days; as many before are read to compare
DEFAULT_SPAN = 30
_FILTERED_DAYS = 7
_LIVE_DAYS = 7  # of which the sums are read one by one where they are not packed


@dataclass(frozen=True)
class Article:
    """An article as the staff see it; `before` are its views in the period before."""

    name: str
    title: str
    page: str = ""
    section: str = ""
    date: str = ""
    views: int = 0
    before: int = 0
    known: bool = False  # from the feed
    decided: Decision = field(default_factory=Decision)


@dataclass(frozen=True)
class Overview:
    """The articles of a period, most read first, and what needs the staff's attention."""

    first: date
    last: date
    articles: list[Article]
    by_day: dict[date, int]
    set_aside: list[Article]  # hidden or merged
    unknown: list[Any]
    filtered: Mapping[str, int]  # by class, of the last seven days
    feed: State
    has_feed: bool


@dataclass(frozen=True)
class Shown:
    """One article: its views by day and by hour of the day, and what is merged into it."""

    first: date
    last: date
    article: Article
    total: int
    by_day: dict[date, int]
    by_hour: dict[int, int]
    aliases: list[str]
    others: list[str]  # that have the same name in the feed: their addresses


@dataclass(frozen=True)
class Refused:
    """Why a decision about an article cannot be made, and the article."""

    error: ContactError
    shown: Shown


def _span(first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """Return a period's first and last day. Raises Invalid."""
    last = last or instants.day(now, current().time_zone)
    first = first or last - timedelta(days=DEFAULT_SPAN - 1)
    if not 1 <= (last - first).days + 1 <= LONGEST_SPAN:
        raise Invalid(FieldError("from", "range"))
    return first, last


def overview(
    first: date | None, last: date | None, now: datetime, details: bool = True
) -> Overview:
    """Return the articles of a period, by default of the last 30 days.

    Without `details` it has no more than the articles. Raises Invalid for a period that is empty
    or too long, Unavailable.
    """
    first, last = _span(first, last, now)
    length = (last - first).days + 1
    today = instants.day(now, current().time_zone)
    days = [first + timedelta(days=after) for after in range(-length, length)]
    decided = decisions.load()
    found = _views(days, today, decided)
    views, before = _added(found, days[length:]), _added(found, days[:length])
    entries = _entries()
    targets = {name: each.merged_into for name, each in decided.items() if each.merged_into}
    rows: dict[str, Article] = {}
    for which, counted in (("views", views), ("before", before)):
        for name, count in counted.items():
            name = targets.get(name, name)
            row = rows.get(name) or _article(name, entries.get(name), decided.get(name))
            if row.known or row.decided.accepted:
                rows[name] = replace(row, **{which: getattr(row, which) + count})
    shown = (each for each in rows.values() if not each.decided.hidden)
    articles = sorted(shown, key=lambda each: (-each.views, -each.before, each.name))
    aside = [
        _article(name, entries.get(name), each)
        for name, each in sorted(decided.items())
        if each.hidden or each.merged_into
    ]
    by_day = {day: sum(found.get(day, {}).values()) for day in days[length:]}
    unknown = (counts.load_list("unknown") or {}).get("articles", []) if details else []
    unknown = [each for each in unknown if not _is_decided(each["slug"], entries, decided)]
    filtered: Counter[str] = Counter()
    for ago in range(_FILTERED_DAYS if details else 0):
        filtered.update(counts.filtered((today - timedelta(days=ago)).isoformat()))
    state, has_feed = known.state() if details else State(), bool(current().articles_feed)
    return Overview(
        first, last, articles, by_day, aside, unknown, dict(filtered.most_common()), state, has_feed
    )


def _is_decided(name: str, entries: Mapping[str, Entry], decided: Mapping[str, Decision]) -> bool:
    each = decided.get(name, Decision())
    return name in entries or each.accepted or each.hidden or bool(each.merged_into)


def show(name: str, first: date | None, last: date | None, now: datetime) -> Shown:
    """Return an article's views in a period, by day and hour. Raises Invalid, Unavailable."""
    first, last = _span(first, last, now)
    found = counts.by_day(name, first.isoformat(), last.isoformat())
    days = [first + timedelta(days=after) for after in range((last - first).days + 1)]
    by_hour: Counter[int] = Counter()
    for each in found.values():
        by_hour.update({int(at[1:]): views for at, views in each.items() if at != "views"})
    article = get(name)
    by_day = {day: found.get(day.isoformat(), {}).get("views", 0) for day in days}
    article = replace(article, views=sum(by_day.values()))
    others = list(known.state().collisions.get(name, ()))
    return Shown(
        first,
        last,
        article,
        counts.total(name),
        by_day,
        {hour: by_hour[hour] for hour in range(24)},
        decisions.aliases(name),
        others,
    )


def get(name: str) -> Article:
    """Return an article, without its views."""
    return _article(name, known.find([name]).get(name), decisions.of(name))


def decide(
    name: str,
    by: str,
    now: datetime,
    accept: bool | None = None,
    title: str | None = None,
    hidden: bool | None = None,
    merge_into: str | None = None,
    unmerge: bool = False,
) -> Article:
    """Decide about an article; None leaves a thing as it is. A repeat changes nothing.

    Raises Invalid for another article that does not exist, Conflict where one of both is merged
    already.
    """

    def attempt(_: int) -> Decision:
        before = decisions.of(name)
        changes: dict[str, Any] = {}
        if accept is not None:
            changes["accepted"] = accept
        if title is not None:
            changes["title"] = title
        if hidden is not None:
            changes["hidden"] = hidden
        if unmerge:
            changes["merged_into"] = ""
        if merge_into:
            changes["merged_into"] = _target(name, merge_into, before)
        made = replace(before, **changes)
        if made != before:
            decisions.save(name, made, before, by, now)
            log.info("articles.decided", article=name, by=by, what=sorted(changes))
        return made

    made = retried(attempt, "decision")
    return _article(name, known.find([name]).get(name), made)


def press(name: str, by: str, now: datetime, what: Mapping[str, Any]) -> Refused | None:
    """Decide as `decide` does; return what a page has to show where that is refused."""
    try:
        decide(name, by, now, **what)
    except (Invalid, Conflict) as refused:
        return Refused(refused, show(name, None, None, now))
    return None


def _target(name: str, target: str, before: Decision) -> str:
    """Check what an article is to be merged into. Raises Invalid, Conflict."""
    if before.merged_into == target:
        return target
    other = get(target)
    if target == name or not (other.known or other.decided.accepted):
        raise Invalid(FieldError("merge_into", "no_article"))
    if before.merged_into or other.decided.merged_into or decisions.aliases(name):
        raise Conflict("merged", "merged")
    if len(decisions.aliases(target)) >= MOST_ALIASES:
        raise Conflict("merged", "merged_many")
    return target


def delete(name: str, by: str, now: datetime) -> None:
    """Delete an article's counts and what is decided about it. A repeat changes nothing more.

    A feed that still has the article brings it back, without the counts. Raises Conflict where
    others are merged into it.
    """

    def attempt(_: int) -> None:
        before = decisions.of(name)
        if decisions.aliases(name):
            raise Conflict("merged", "merged_here")
        if before.merged_into:
            alone = replace(before, merged_into="")
            decisions.save(name, alone, before, by, now)
            before = alone
        decisions.save(name, Decision(deleted_at=instants.text(now)), before, by, now)

    retried(attempt, "deletion")
    known.unlearn(name)
    counts.delete(name)
    log.info("articles.deleted", article=name, by=by)


def _article(name: str, entry: Entry | None, decided: Decision | None) -> Article:
    decided = decided or Decision()
    title = decided.title or (entry.title if entry else "") or name
    if entry is None:
        return Article(name, title, decided=decided)
    return Article(name, title, entry.page, entry.section, entry.date, known=True, decided=decided)


def _entries() -> dict[str, Entry]:
    """Return all articles known from the feed."""
    packed = known.packed(known.versions())
    return {
        name: Entry(name, *row)
        for data in packed.values()
        for name, row in known.rows(data).items()
    }


def _views(
    days: list[date], today: date, decided: Mapping[str, Decision]
) -> dict[date, dict[str, int]]:
    """Return the views of each name on each day, packed ones first. Raises Unavailable."""
    names = {f"day#{day.isoformat()}": day for day in days if day < today}
    found: dict[date, dict[str, int]] = {}
    deleted = {name: each.deleted_at for name, each in decided.items() if each.deleted_at}
    for what, head in sums.heads(names).items():
        as_of = instants.text(head.as_of)
        rows = (line.split("\t") for line in sums.lines(head))
        found[names[what]] = {
            row[0]: int(row[1])
            for row in rows
            if row[0] and not (row[0] in deleted and as_of < deleted[row[0]])
        }
    for day in days:
        if day not in found and timedelta(0) <= today - day < timedelta(days=_LIVE_DAYS):
            found[day] = counts.day_views(day.isoformat(), lambda: True)
    return found


def _added(found: Mapping[date, Mapping[str, int]], days: Iterable[date]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for day in days:
        whole.update(found.get(day, {}))
    return whole
