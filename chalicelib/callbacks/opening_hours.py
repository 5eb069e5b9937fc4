"""Opening hours with several blocks a day, nights, exceptions and holidays; windows within them.

Pure; arithmetic in UTC. The line is open whenever the local clock shows a time within a block: a
block that a clock change skips is not there, and one that it repeats lasts longer.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# No rule reaches further: a line that does not open within this time is closed for good.
HORIZON = 400  # days
_DAY = 1440  # minutes
_SOON = 7  # days; a line that does not close within them is open around the clock

SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=4)  # of a visitor's window
FARTHEST = timedelta(days=30)  # until a visitor's window begins
_AGREED_EARLIEST, _AGREED_FARTHEST = timedelta(minutes=5), timedelta(days=180)

# Minutes from the midnight on which the day begins, the second one exclusive. A block that ends
# after 1440 runs over midnight; it belongs to the day on which it begins.
Block = tuple[int, int]
Week = tuple[tuple[Block, ...], ...]  # Monday first
Span = tuple[datetime, datetime]


class BadHours(ValueError):
    """Opening hours that cannot be read; the text quotes the part and says why."""


@dataclass(frozen=True)
class Hours:
    """The rules of one line. An exception overrides a holiday, and a holiday the week.

    Each of them rules the blocks that begin on its days.
    """

    zone: str
    week: Week
    exceptions: Mapping[str, tuple[Block, ...]]  # by `2027-01-05` or, every year, `12-24`
    holidays: frozenset[str]

    def blocks(self, day: date) -> tuple[Block, ...]:
        """Return the open blocks that begin on a calendar day."""
        written = day.isoformat()
        for key in (written, written[5:]):
            if key in self.exceptions:
                return self.exceptions[key]
        return () if written in self.holidays else self.week[day.weekday()]

    def spans_of(self, day: date) -> list[Span]:
        """Return the open spans that begin on a calendar day, in UTC and in order."""
        blocks = self.blocks(day)
        if not blocks:
            return []
        zone, midnight = ZoneInfo(self.zone), datetime.combine(day, time(0))
        before, after = (
            _offset(each.replace(tzinfo=zone)) for each in (midnight, midnight + timedelta(days=2))
        )

        def at(minutes: int, offset: timedelta) -> datetime:
            return (midnight + timedelta(minutes=minutes) - offset).replace(tzinfo=UTC)

        if before == after:
            return [(at(begins, before), at(ends, before)) for begins, ends in blocks]
        change = _change(zone, at(0, before))
        spans = [(at(begins, before), min(at(ends, before), change)) for begins, ends in blocks]
        spans += [(max(at(begins, after), change), at(ends, after)) for begins, ends in blocks]
        return list(_joined(sorted(span for span in spans if span[0] < span[1])))

    def parts(self, start: datetime, days: int = HORIZON) -> Iterator[Span]:
        """Yield the open time after `start` in order, in UTC; one part may begin as one ends.

        A day is read only when its parts are asked for. Days beyond `days` are left out.
        """
        first = start.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        over: datetime | None = None
        for offset in range(days + 2):
            for begins, ends in self.spans_of(first + timedelta(days=offset)):
                # A night may reach into the hours of an exception.
                begins = max(begins, over or begins)
                if max(begins, start) < ends:
                    yield begins, ends
                over = max(ends, over or ends)

    def spans(self, start: datetime, days: int = HORIZON) -> Iterator[Span]:
        """Yield the open spans that end after `start`, in UTC and in order.

        Spans are joined where one ends as the next begins. Days beyond `days` are left out.
        """
        return _joined(self.parts(start, days))


def _offset(at: datetime) -> timedelta:
    return at.utcoffset() or timedelta(0)


def _change(zone: ZoneInfo, start: datetime) -> datetime:
    """Return the minute in the two days after `start` from which another offset is in force."""

    def changed(minute: int) -> bool:
        return _offset((start + timedelta(minutes=minute)).astimezone(zone)) != offset

    offset = _offset(start.astimezone(zone))
    return start + timedelta(minutes=bisect_left(range(3 * _DAY), True, key=changed))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield spans that are in order, joined where one ends as the next begins."""
    joined: Span | None = None
    for begins, ends in spans:
        if joined and begins <= joined[1]:
            joined = (joined[0], max(joined[1], ends))
            continue
        if joined:
            yield joined
        joined = (begins, ends)
    if joined:
        yield joined


# How people write a day of the week, beside `DAYS`.
_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "mon monday mo montag",
            "tue tuesday di dienstag",
            "wed wednesday mi mittwoch",
            "thu thursday do donnerstag",
            "fri friday fr freitag",
            "sat saturday sa samstag",
            "sun sunday so sonntag",
        )
    )
    for name in names.split()
}
_CLOSED = ("closed", "geschlossen")
_CLOCK = ("uhr",)  # a word that may stand after a time
_TIME = r"(\d\d?)(?:[:.](\d\d))?"
_BLOCK = re.compile(f"{_TIME}-{_TIME}")
_DATE = r"(?:\d{4}-)?\d\d-\d\d|\d\d?\.\d\d?\.(?:\d{4})?"
_DATES = re.compile(rf"({_DATE})(?:(?:\.\.|-)({_DATE}))?")
_YEARLY = 2004  # the year in which a day without one is looked at: it has a 29 February
_MOST_DAYS = 183  # of a range


def parse_hours(written: str) -> Week:
    """Read a week such as `Mon-Thu 09:00-12:30 13:30-17:00; Fri 22:00-06:00`. Raises BadHours.

    A later part rules its days.
    """
    week: list[tuple[Block, ...]] = [()] * 7
    for part, days, blocks in _parts(written):
        for day in _days(days, part):
            week[day] = _blocks(blocks, part)
    for day, blocks_of_day in enumerate(week):
        after = week[(day + 1) % 7]
        if blocks_of_day and after and blocks_of_day[-1][1] - _DAY > after[0][0]:
            name = DAYS[day].capitalize()
            raise BadHours(f"{written!r}: {name}'s night runs into the hours of the day after it")
    return tuple(week)


def parse_exceptions(written: str) -> dict[str, tuple[Block, ...]]:
    """Read days such as `12-24 closed; 2027-08-02..2027-08-13 10:00-12:00`. Raises BadHours."""
    exceptions: dict[str, tuple[Block, ...]] = {}
    for part, dates, blocks in _parts(written) if written.strip() else ():
        read = _blocks(blocks, part)
        for key in _keys(dates, part):
            if exceptions.setdefault(key, read) != read:
                raise BadHours(f"{part!r}: another part says something else of {key}")
    return exceptions


def _parts(written: str) -> Iterator[tuple[str, str, str]]:
    """Yield each part as it was written, its days and its blocks. Raises BadHours for none."""
    parts = [each.strip() for each in written.split(";") if each.strip()]
    if not parts:
        raise BadHours(f"{written!r} says nothing: `Mon-Sun closed` is a line that never opens")
    for part in parts:
        plain = re.sub(r"\s*,\s*", ",", re.sub(r"\s*[-\u2010-\u2015\u2212]\s*", "-", part))
        days, _, blocks = " ".join(plain.split()).partition(" ")
        yield part, days, blocks


def _days(written: str, part: str) -> Iterator[int]:
    """Yield the days of `Mon-Fri` or `Mon,Wed`, 0 for Monday; `Fri-Mon` goes over the weekend."""
    for each in written.lower().split(","):
        first, dash, last = each.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in _NAMES:
                raise BadHours(f"{part!r}: {name!r} is no day of the week, such as Mon")
        begins, ends = _NAMES[first], _NAMES[last if dash else first]
        yield from ((begins + after) % 7 for after in range((ends - begins) % 7 + 1))


def _keys(written: str, part: str) -> Iterator[str]:
    """Yield the keys of the days of `12-24` or `2027-08-02..2027-08-13`, the last one included."""
    found = _DATES.fullmatch(written)
    if not found:
        raise BadHours(f"{part!r}: {written!r} is no day such as 12-24 or 2027-12-24")
    first, dated = _date(found[1], part)
    last, also_dated = _date(found[2] or found[1], part)
    count = (last - first).days
    if not dated and count < 0:  # over the end of the year
        count += 366
    if dated != also_dated or not 0 <= count <= _MOST_DAYS:
        raise BadHours(f"{part!r}: {written!r} is no range of at most {_MOST_DAYS} days")
    begins = last - timedelta(days=count)
    for after in range(count + 1):
        key = (begins + timedelta(days=after)).isoformat()
        yield key if dated else key[5:]


def _date(written: str, part: str) -> tuple[date, bool]:
    """Return a day, and whether it has a year."""
    if "." in written:
        day, month, year = written.split(".")
    else:
        *years, month, day = written.split("-")
        year = "".join(years)
    try:
        read = date(int(year or _YEARLY), int(month), int(day))
    except ValueError:
        raise BadHours(f"{part!r}: there is no day {written}") from None
    if not 2000 <= read.year <= 2100:
        raise BadHours(f"{part!r}: {written} is not between 2000 and 2100")
    return read, bool(year)


def _blocks(written: str, part: str) -> tuple[Block, ...]:
    """Read blocks such as `09:00-12:30 13:30-17:00`, sorted; `closed` has none."""
    words = [each for each in re.split("[ ,]", written) if each.lower() not in _CLOCK]
    if len(words) == 1 and words[0].lower() in _CLOSED:
        return ()
    blocks = sorted(_block(word, part) for word in words)
    for one, other in pairwise(blocks):
        if other[0] < one[1]:
            raise BadHours(f"{part!r}: the hours overlap")
    return tuple(blocks)


def _block(written: str, part: str) -> Block:
    found = _BLOCK.fullmatch(written)
    if not found:
        raise BadHours(f"{part!r}: {written!r} is no span such as 09:00-17:00, and not `closed`")
    hour, minute, until_hour, until_minute = (int(each or 0) for each in found.groups())
    begins, ends = hour * 60 + minute, until_hour * 60 + until_minute
    if max(minute, until_minute) > 59 or begins >= _DAY or ends > _DAY:
        raise BadHours(f"{part!r}: {written!r} has no time of day")
    if begins == ends:
        raise BadHours(f"{part!r}: {written!r} has no length")
    return begins, ends if ends > begins else ends + _DAY


def by_day(week: Week) -> list[list[Block]]:
    """Return the open blocks of each day, Monday first; what runs over midnight is divided."""
    days: list[list[Block]] = [[] for _ in week]
    for day, blocks in enumerate(week):
        for begins, ends in blocks:
            days[day].append((begins, min(ends, _DAY)))
            if ends > _DAY:
                days[(day + 1) % 7].insert(0, (0, ends - _DAY))
    return [sorted(blocks) for blocks in days]


def open_until(hours: Hours, at: datetime) -> datetime | None:
    """Return when the line that is open at this instant closes; None if it is closed.

    The end of a span is not part of it. For a line that does not close within a week the end is a
    week away or more.
    """
    if not hours.exceptions and not hours.holidays and set(hours.week) == {((0, _DAY),)}:
        return at + timedelta(days=_SOON)
    until = at
    for begins, ends in hours.parts(at, days=_SOON):
        if begins > until:
            break
        until = ends
    return until if until > at else None


def is_open(hours: Hours, at: datetime) -> bool:
    """Tell whether the line is open at this instant."""
    return any(begins <= at for begins, _ in hours.parts(at, days=0))


def opens_at(hours: Hours, at: datetime) -> bool:
    """Tell whether the line opens at this very instant. One that never closes never opens."""
    span = next(hours.spans(at, days=14), None)
    return span is not None and span[0] == at


def next_opening(hours: Hours, at: datetime) -> datetime | None:
    """Return when the line is open next: `at` itself if it is open then, None if it never opens."""
    part = next(hours.parts(at), None)
    return max(part[0], at) if part else None


def add_open_minutes(hours: Hours, at: datetime, minutes: int) -> datetime | None:
    """Return the instant by which the line has been open for so many minutes after `at`.

    It may be the very end of a span. Returns None if the line does not open for that long.
    """
    left = timedelta(minutes=minutes)
    for begins, ends in hours.parts(at):
        begins = max(begins, at)
        if begins + left <= ends:
            return begins + left
        left -= ends - begins
    return None


def add_open_days(hours: Hours, at: datetime, days: int) -> datetime | None:
    """Return when the line closes on the last of so many open days after the day of `at`.

    Returns None if it does not open so often within HORIZON days.
    """
    today = at.astimezone(ZoneInfo(hours.zone)).date()
    for offset in range(1, HORIZON):
        spans = hours.spans_of(today + timedelta(days=offset))
        days -= bool(spans)
        if not days:
            return spans[-1][1]
    return None


def another_half_day(hours: Hours, at: datetime, other_than: datetime) -> datetime | None:
    """Return the first open instant from `at` on in another half of a day than `other_than`.

    A day's halves are before noon and from noon on. Returns None if the line never opens.
    """
    zone = ZoneInfo(hours.zone)

    def half(instant: datetime) -> tuple[date, bool]:
        local = instant.astimezone(zone)
        return local.date(), local.hour >= 12

    opening = next_opening(hours, at)
    while opening and half(opening) == half(other_than):
        day, afternoon = half(opening)
        over = datetime.combine(day, time(12), zone)
        if afternoon:
            over = datetime.combine(day + timedelta(days=1), time(0), zone)
        opening = next_opening(hours, over.astimezone(UTC))
    return opening


def open_minutes(hours: Hours, since: datetime, until: datetime) -> int:
    """Return the whole minutes for which the line was open between two instants."""
    total = timedelta(0)
    for begins, ends in hours.parts(since):
        if begins >= until:
            break
        total += min(ends, until) - max(begins, since)
    return int(total.total_seconds() // 60)


def is_within(hours: Hours, window: Span) -> bool:
    """Tell whether a window lies wholly in one open span."""
    covered, last = window
    for begins, ends in hours.parts(covered, days=14):
        if begins > covered or covered >= last:
            break
        covered = ends
    return window[0] < last <= covered


def refusal_of_window(hours: Hours, window: Span, now: datetime) -> str:
    """Return the code of what keeps a visitor from booking a window; empty where nothing does.

    A window may have begun, as long as SHORTEST of it is left.
    """
    begins, ends = window
    if ends <= now:
        return "window_over"
    if not SHORTEST <= ends - begins <= LONGEST:
        return "window_length"
    if ends - now < SHORTEST:
        return "window_begun"
    if begins > now + FARTHEST and begins > _last_bookable(hours, now):
        return "window_far"
    return "" if is_within(hours, window) else "window"


def refusal_of_agreed(hours: Hours, window: Span, now: datetime) -> str:
    """Return the code of what keeps the staff from agreeing on a time with a customer.

    It is empty where nothing does: any time within opening hours, 5 minutes to 180 days ahead.
    """
    begins, ends = window
    if ends <= begins:
        return "range"
    if begins < now + _AGREED_EARLIEST:
        return "agreed_soon"
    if begins > now + _AGREED_FARTHEST:
        return "agreed_far"
    return "" if is_within(hours, window) else "window"


def slots(
    hours: Hours, after: datetime, days: int, length: timedelta = timedelta(hours=2)
) -> list[Span]:
    """Return the bookable windows of the next `days` open days, none beginning before `after`.

    An open day is one on which such a window begins. Each span is cut into windows of `length`; a
    remainder shorter than half a window is added to the last one.
    """
    zone, last = ZoneInfo(hours.zone), _last_bookable(hours, after)
    found: list[Span] = []
    seen: set[date] = set()
    for span in hours.parts(after):
        for slot in _cut(*span, length):
            if slot[0] < after:
                continue
            seen.add(slot[0].astimezone(zone).date())
            if slot[0] > last or len(seen) > days:
                return found
            found.append(slot)
    return found


def _last_bookable(hours: Hours, now: datetime) -> datetime:
    """Return when a visitor's window may begin at the latest.

    Where the line is closed for longer than FARTHEST, that is a day after it opens.
    """
    opening = next_opening(hours, now)
    if opening is None or opening <= now + FARTHEST:
        return now + FARTHEST
    return opening + timedelta(days=1)


def _cut(begins: datetime, ends: datetime, length: timedelta) -> Iterator[Span]:
    """Yield windows of `length`; the last one takes a remainder of less than half of that.

    None is shorter than SHORTEST, or longer than LONGEST.
    """
    while ends - begins >= SHORTEST:
        until = min(begins + length, ends)
        if ends - until < length / 2 and ends - begins <= LONGEST:
            until = ends
        yield begins, until
        begins = until
