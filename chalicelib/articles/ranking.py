"""The most-read lists and each day's views, rebuilt every minute: serving one takes one read.

Read each minute: today's views by name, and which articles are known. Read once and kept packed
(`stores/sums`): the days before, again while views may still come late, and the base, which is the
sum of all days that nothing can change any more. So a fresh process reads a few packed items, and
names that nobody knows cost no more than a line in them.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib import instants, log
from chalicelib.articles.stores import counts, decisions, known, sums
from chalicelib.articles.stores.counts import TooSlow
from chalicelib.articles.stores.decisions import Decision
from chalicelib.articles.stores.sums import Head
from chalicelib.aws import Item
from chalicelib.settings import current

LONGEST = 50
WEEK, MONTH = 7, 30  # days of the lists `7d` and `30d`
# Markers live four days, so an older day cannot change any more.
CLOSED_AFTER = 5
# A day that is over is read again after a sixth of the time since its end, within these bounds.
SOONEST, LATEST = timedelta(minutes=1), timedelta(hours=1)
# Names that nobody knows go so many days after they were read last.
UNKNOWN_KEPT = 90
UNKNOWN_SHOWN = 200
_UNKNOWN_OF_A_DAY = 1000
_PURGED_A_RUN = 200
_SECTIONS = 50  # with lists of their own
# The lists of sections, and the one of unknown names, are written this often.
_SELDOM = timedelta(minutes=5)
# Seconds that are left for writing the lists.
RESERVE = 8.0

_BASE, _GONE = "base", "gone"


@dataclass
class Catalogue:
    """The articles that lists may show, and the names that are counted for each."""

    versions: dict[str, int] = field(default_factory=dict)
    packed: dict[str, bytes] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)  # by name, of what is known
    decided: dict[str, Decision] = field(default_factory=dict)
    targets: dict[str, str] = field(default_factory=dict)  # by counted name
    deleted: dict[str, str] = field(default_factory=dict)  # instants, by name


@dataclass(frozen=True)
class _Day:
    """A day that is over: the views of what lists may show, and the most read of the rest."""

    as_of: datetime
    views: dict[str, int]
    hours: dict[str, tuple[int, ...]]  # of yesterday, from 0 to 23
    unknown: dict[str, int]
    total: int


@dataclass(frozen=True)
class _Base:
    """The sums of all closed days, and of those that `30d` shows."""

    upto: date
    whole: dict[str, int]
    month: dict[str, int]


_catalogue = Catalogue()
_days: dict[date, _Day] = {}
_base: _Base | None = None
_saved_views: dict[str, int] = {}  # by day, as this process wrote them last
_saved_lists: dict[tuple[str, str], list[Item]] = {}
_seldom_at: datetime | None = None


def forget() -> None:
    """Clear the in-process caches."""
    global _catalogue, _base, _seldom_at
    _catalogue, _base, _seldom_at = Catalogue(), None, None
    _days.clear()
    _saved_views.clear()
    _saved_lists.clear()


def rank(now: datetime | None = None, left: Callable[[], float] = lambda: 60.0) -> None:
    """Rebuild the lists `24h`, `7d`, `30d` and `all`, and save the views of days that changed.

    `left` tells how many seconds there are. Where they do not suffice for a list, the one before
    stays; what was packed by then is kept for the next call. Raises Unavailable.
    """
    global _seldom_at
    now = now or instants.now()
    local = now.astimezone(ZoneInfo(current().time_zone))

    def in_time() -> bool:
        return left() > RESERVE

    _look_up()
    try:
        live = counts.day_views(local.date().isoformat(), in_time)
        before = [_day(local.date() - timedelta(days=ago), now, in_time) for ago in range(1, WEEK)]
        seldom = _seldom_at is None or not timedelta(0) <= now - _seldom_at < _SELDOM
        today = _resolved(live.items())
        _save_lists("24h", _added(today, _after(before[0], local.hour)), now, seldom)
        _save_lists("7d", _added(today, *(each.views for each in before)), now, seldom)
        _save_views(local.date(), sum(live.values()), before)
        base = _rolled(local.date() - timedelta(days=CLOSED_AFTER), now, in_time, live)
    except TooSlow as slow:
        log.warning("ranking.too_slow", day=str(slow))
        return
    recent = (today, *(each.views for each in before[: CLOSED_AFTER - 1]))
    _save_lists("30d", _added(base.month, *recent), now, seldom)
    _save_lists("all", _added(base.whole, *recent), now, seldom)
    if seldom:
        _save_unknown(live, before, now)
        _purge(in_time)
        _seldom_at = now


def _after(yesterday: _Day, hour: int) -> dict[str, int]:
    """Return yesterday's views in the hours that began less than 24 hours ago."""
    return {name: sum(hours[hour + 1 :]) for name, hours in yesterday.hours.items()}


def _added(*parts: Mapping[str, int]) -> Counter[str]:
    whole: Counter[str] = Counter()
    for part in parts:
        whole.update(part)
    return whole


def _resolved(views: Iterable[tuple[str, int]]) -> Counter[str]:
    """Return the views of what lists may show; those of merged names count for the other one."""
    targets = _catalogue.targets
    found: Counter[str] = Counter()
    for name, count in views:
        if (target := targets.get(name)) is not None:
            found[target] += count
    return found


def _look_up() -> None:
    """Read which articles are known and what is decided, as far as that has changed."""
    global _base
    versions, decided = known.versions(), decisions.load()
    stale = [each for each, at in versions.items() if _catalogue.versions.get(each) != at]
    if not stale and decided == _catalogue.decided:
        return
    for each, data in known.packed(stale).items():
        _catalogue.packed[each] = data
    if stale:
        _catalogue.sections = {
            name: row[3]
            for data in _catalogue.packed.values()
            for name, row in known.rows(data).items()
        }
    targets = _targets(decided)
    deleted = {name: each.deleted_at for name, each in decided.items() if each.deleted_at}
    if (targets, deleted) != (_catalogue.targets, _catalogue.deleted):
        _days.clear()
        _base = None
    _catalogue.versions, _catalogue.decided = versions, decided
    _catalogue.targets, _catalogue.deleted = targets, deleted


def _targets(decided: Mapping[str, Decision]) -> dict[str, str]:
    """Return what each name is counted for, of those that lists may show."""
    targets = {name: name for name in _catalogue.sections}
    for name, each in decided.items():
        if each.accepted:
            targets[name] = name
    shown = {name for name in targets if not (name in decided and decided[name].hidden)}
    for name, each in decided.items():
        if each.hidden:
            targets.pop(name, None)
        if each.merged_into:
            targets.pop(name, None)
            if each.merged_into in shown:
                targets[name] = each.merged_into
    return targets


def _is_decided(name: str) -> bool:
    """Tell whether a name is known, or something is decided about it that keeps its counts."""
    each = _catalogue.decided.get(name)
    decided = each is not None and (each.accepted or each.hidden or bool(each.merged_into))
    return decided or name in _catalogue.sections


def _day(day: date, now: datetime, in_time: Callable[[], bool]) -> _Day:
    """Return a day that is over, read again where views may have come since. Raises TooSlow."""
    found = _days.get(day)
    if found and not _is_stale(day, found.as_of, now):
        return found
    head = sums.head(_name(day))
    if head is None or _is_stale(day, head.as_of, now):
        head = _pack(day, head, now, in_time)
    yesterday = day == now.astimezone(ZoneInfo(current().time_zone)).date() - timedelta(days=1)
    _days[day] = _loaded(head, yesterday)
    for each in [each for each in _days if each < day - timedelta(days=WEEK)]:
        del _days[each]
    return _days[day]


def _is_stale(day: date, as_of: datetime, now: datetime) -> bool:
    """Tell whether the sums of a day have to be read again."""
    end = _end(day)
    if as_of >= end + timedelta(days=CLOSED_AFTER - 1):
        return False
    return now - as_of > min(max((now - end) / 6, SOONEST), LATEST)


def _end(day: date) -> datetime:
    following = day + timedelta(days=1)
    return datetime(
        following.year, following.month, following.day, tzinfo=ZoneInfo(current().time_zone)
    )


def _pack(day: date, before: Head | None, now: datetime, in_time: Callable[[], bool]) -> Head:
    """Read the sums of a day from the articles, and keep them packed. Raises TooSlow."""
    found = counts.day_sums(day.isoformat(), in_time)
    rows = (f"{name}\t{each['views']}\t{_hours(each)}" for name, each in sorted(found.items()))
    total = sum(each["views"] for each in found.values())
    return sums.save(_name(day), rows, now, {"views": total}, before)


def _hours(each: Mapping[str, int]) -> str:
    return ",".join(f"{hour[1:]}:{views}" for hour, views in each.items() if hour[0] == "h")


def _name(day: date) -> str:
    return f"day#{day.isoformat()}"


def _rows(head: Head) -> Iterator[list[str]]:
    """Yield the rows of a set of sums, without those of articles deleted since."""
    as_of, deleted = instants.text(head.as_of), _catalogue.deleted
    for line in sums.lines(head):
        row = line.split("\t")
        if row[0] and not (row[0] in deleted and as_of < deleted[row[0]]):
            yield row


def _loaded(head: Head, with_hours: bool) -> _Day:
    views: dict[str, int] = {}
    by_hour: dict[str, tuple[int, ...]] = {}
    rest: list[tuple[int, str]] = []
    targets = _catalogue.targets
    for name, count, written in _rows(head):
        target = targets.get(name)
        if target is None:
            rest.append((int(count), name))
            continue
        views[target] = views.get(target, 0) + int(count)
        if with_hours:
            hours = [*by_hour.get(target, (0,) * 24)]
            for each in filter(None, written.split(",")):
                hours[int(each[:2])] += int(each[3:])
            by_hour[target] = tuple(hours)
    most = heapq.nlargest(_UNKNOWN_OF_A_DAY, rest)
    unknown = {name: count for count, name in most if not _is_decided(name)}
    return _Day(head.as_of, views, by_hour, unknown, int(head.notes["views"]))


def _rolled(
    upto: date, now: datetime, in_time: Callable[[], bool], live: Mapping[str, int]
) -> _Base:
    """Return the base with all days up to one; add those that it lacks. Raises TooSlow.

    However far it gets, what it has added is kept.
    """
    global _base
    if _base and _base.upto >= upto:
        return _base
    head = sums.head(_BASE)
    if head is None or date.fromisoformat(head.notes["upto"]) < upto:
        head = _roll(head, upto, now, in_time, live)
    at = date.fromisoformat(head.notes["upto"])
    if at < upto:
        raise TooSlow(str(at))
    whole: Counter[str] = Counter()
    month: Counter[str] = Counter()
    targets = _catalogue.targets
    for name, of_all, of_month, _ in _rows(head):
        if (target := targets.get(name)) is not None:
            whole[target] += int(of_all)
            month[target] += int(of_month)
    _base = _Base(at, dict(whole), dict(month))
    return _base


def _roll(
    head: Head | None,
    upto: date,
    now: datetime,
    in_time: Callable[[], bool],
    live: Mapping[str, int],
) -> Head:
    """Add closed days to the base, one after the other, and save it."""
    base: dict[str, list[int]] = {}  # of all time, of the month, and the last day as an ordinal
    if head:
        first, at = (date.fromisoformat(head.notes[each]) for each in ("first", "upto"))
        base = {name: [*map(int, numbers)] for name, *numbers in _rows(head)}
    else:
        first = _first_day(upto)
        at = first - timedelta(days=1)
    slow = None
    while at < upto:
        try:
            _add_day(base, at + timedelta(days=1), first, now, in_time)
        except TooSlow as error:
            slow = error
            break
        at += timedelta(days=1)
    else:
        _queue_purge(base, upto, live, now)
    if head and slow and at == date.fromisoformat(head.notes["upto"]):
        raise slow
    rows = ("\t".join((name, *map(str, numbers))) for name, numbers in sorted(base.items()))
    notes = {"first": first.isoformat(), "upto": at.isoformat()}
    return sums.save(_BASE, rows, now, notes, head)


def _first_day(upto: date) -> date:
    """Return the first day with views, as earlier rankings noted, within the last 30 at least."""
    days = counts.views("2000-01-01", upto.isoformat())
    return min((*map(date.fromisoformat, days), upto - timedelta(days=MONTH)))


def _add_day(
    base: dict[str, list[int]], day: date, first: date, now: datetime, in_time: Callable[[], bool]
) -> None:
    """Add a closed day to the base, and take the day that leaves the month out of it."""
    head = sums.head(_name(day))
    if head is None or head.as_of < _end(day) + timedelta(days=CLOSED_AFTER - 1):
        head = _pack(day, head, now, in_time)
    for name, count, _ in _rows(head):
        numbers = base.setdefault(name, [0, 0, 0])
        numbers[0] += int(count)
        numbers[1] += int(count)
        numbers[2] = day.toordinal()
    leaving = day - timedelta(days=MONTH - CLOSED_AFTER)
    if leaving >= first:
        gone = sums.head(_name(leaving)) or _pack(leaving, None, now, in_time)
        for name, count, _ in _rows(gone):
            if name in base:
                base[name][1] -= int(count)


def _queue_purge(
    base: dict[str, list[int]], upto: date, live: Mapping[str, int], now: datetime
) -> None:
    """Take names that nobody knows out of the base where nobody reads them; note them to delete."""
    if sums.head(_GONE):
        return  # those of the day before are not all deleted yet
    last = upto.toordinal() + CLOSED_AFTER - UNKNOWN_KEPT
    gone = [
        name
        for name, numbers in base.items()
        if numbers[2] < last and name not in live and not _is_decided(name)
    ]
    if gone:
        for name in gone:
            del base[name]
        sums.save(
            _GONE, sorted(gone), now, {"at": 0, "last": date.fromordinal(last).isoformat()}, None
        )


def _purge(in_time: Callable[[], bool]) -> None:
    """Delete the counts of some of the names that were noted for it."""
    head = sums.head(_GONE)
    if head is None:
        return
    at, last = int(head.notes["at"]), head.notes["last"]
    names = list(sums.lines(head))
    for name in names[at : at + _PURGED_A_RUN]:
        if not in_time():
            break
        if not _is_decided(name):
            counts.delete(name, last)
        at += 1
    if at < len(names):
        sums.save(_GONE, names, head.as_of, {**head.notes, "at": at}, head)
    else:
        sums.drop(head)
        log.info("articles.unknown_deleted", names=len(names))


def _save_lists(window: str, views: Mapping[str, int], now: datetime, seldom: bool) -> None:
    """Save a window's list, and those of its sections where it is time for them."""
    _save(window, "", _first((name, count) for name, count in views.items()), now)
    if not seldom:
        return
    by_section: dict[str, list[tuple[str, int]]] = {}
    for name, count in views.items():
        if section := _catalogue.sections.get(name, "").casefold():
            by_section.setdefault(section, []).append((name, count))
    before = {section for each, section in _saved_lists if each == window and section}
    largest = sorted(by_section, key=lambda each: (-len(by_section[each]), each))[:_SECTIONS]
    for section in largest:
        _save(window, section, _first(by_section[section]), now)
    for section in before - set(largest):
        _save(window, section, [], now)


def _first(views: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """Return at most LONGEST articles with views, most views first, ties in a stable order."""
    return heapq.nsmallest(
        LONGEST, (each for each in views if each[1] > 0), key=lambda each: (-each[1], each[0])
    )


def _save(window: str, section: str, ranked: list[tuple[str, int]], now: datetime) -> None:
    articles = [_entry(name, views) for name, views in ranked]
    if section and _saved_lists.get((window, section)) == articles:
        return
    counts.save_list(window, articles, now, section)
    _saved_lists[window, section] = articles


def _entry(name: str, views: int) -> Item:
    """Describe an article as the feed and the staff do. No word of a beacon's is in it."""
    decided = _catalogue.decided.get(name, Decision())
    title = page = ""
    if name in _catalogue.sections:
        title, page, *_ = known.rows(_catalogue.packed[known.bucket(name)])[name]
    return {"slug": name, "title": decided.title or title or name, "page": page, "views": views}


def _save_unknown(live: Mapping[str, int], before: list[_Day], now: datetime) -> None:
    """Save the most read of the names that nobody knows, of seven days."""
    views = Counter({name: count for name, count in live.items() if not _is_decided(name)})
    for day in before:
        views.update(day.unknown)
    most = heapq.nsmallest(UNKNOWN_SHOWN, views.items(), key=lambda each: (-each[1], each[0]))
    articles = [{"slug": name, "views": count} for name, count in most]
    if _saved_lists.get(("unknown", "")) != articles:
        counts.save_list("unknown", articles, now)
        _saved_lists["unknown", ""] = articles


def _save_views(today: date, live: int, before: list[_Day]) -> None:
    """Save the views of those days whose sum differs from what this process wrote last."""
    found = {
        (today - timedelta(days=ago)).isoformat(): day.total for ago, day in enumerate(before, 1)
    }
    found[today.isoformat()] = live
    for day, views in found.items():
        if views != _saved_views.get(day, 0):
            counts.save_views(day, views)
    _saved_views.clear()
    _saved_views.update(found)
