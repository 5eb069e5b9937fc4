"""Opening hours with several blocks a day, exceptions and holidays. Pure; arithmetic in UTC."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# No rule reaches further: a line that does not open within this time is closed for good.
HORIZON = 400  # days

Block = tuple[int, int]  # minutes from local midnight, the second one exclusive, up to 1440
Span = tuple[datetime, datetime]


class BadHours(ValueError):
    """Opening hours that cannot be read; the text quotes the part."""


@dataclass(frozen=True)
class Hours:
    """The rules of one line. An exception overrides a holiday, and a holiday the week."""

    zone: str
    week: tuple[tuple[Block, ...], ...]  # Monday first
    exceptions: Mapping[str, tuple[Block, ...]]  # by `2027-01-05` or, every year, `12-24`
    holidays: frozenset[str]

    def blocks(self, day: date) -> tuple[Block, ...]:
        """Return the open blocks of a calendar day."""
        written = day.isoformat()
        for key in (written, written[5:]):
            if key in self.exceptions:
                return self.exceptions[key]
        return () if written in self.holidays else self.week[day.weekday()]

    def spans(self, start: datetime, days: int = HORIZON) -> Iterator[Span]:
        """Yield the open spans that end after `start`, in UTC and in order.

        Spans are joined where one ends as the next begins. Days beyond `days` are left out.
        """
        first = start.astimezone(ZoneInfo(self.zone)).date() - timedelta(days=1)
        joined: Span | None = None
        for offset in range(days + 2):
            day = first + timedelta(days=offset)
            for begins, ends in self.blocks(day):
                span = (self._instant(day, begins), self._instant(day, ends))
                if joined and span[0] <= joined[1]:
                    joined = (joined[0], max(joined[1], span[1]))
                    continue
                if joined and joined[1] > start:
                    yield joined
                joined = span
        if joined and joined[1] > start:
            yield joined

    def _instant(self, day: date, minutes: int) -> datetime:
        # A wall time in the gap of a clock change has the offset before it, as in PEP 495 (fold=0).
        midnight = datetime.combine(
            day + timedelta(days=minutes // 1440), time(0), ZoneInfo(self.zone)
        )
        return (midnight + timedelta(minutes=minutes % 1440)).astimezone(UTC)


def parse_hours(written: str) -> tuple[tuple[Block, ...], ...]:
    """Read a week such as `Mon-Thu 09:00-12:30 13:30-17:00; Fri 09:00-15:00`. Raises BadHours."""
    week: list[tuple[Block, ...]] = [()] * 7
    for part in filter(None, (each.strip() for each in written.split(";"))):
        days, _, blocks = part.partition(" ")
        first, _, last = days.lower().partition("-")
        if first not in DAYS or (last or first) not in DAYS:
            raise BadHours(part)
        for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
            week[day] = parse_blocks(blocks)
    return tuple(week)


def parse_exceptions(written: str) -> dict[str, tuple[Block, ...]]:
    """Read days such as `12-24 closed; 2027-01-05 10:00-12:00`. Raises BadHours."""
    exceptions = {}
    for part in filter(None, (each.strip() for each in written.split(";"))):
        day, _, blocks = part.partition(" ")
        if not re.fullmatch(r"(\d{4}-)?\d\d-\d\d", day):
            raise BadHours(part)
        exceptions[day] = parse_blocks(blocks)
    return exceptions


def parse_blocks(written: str) -> tuple[Block, ...]:
    """Read blocks such as `09:00-12:30 13:30-17:00`; `closed` has none. Raises BadHours."""
    if written.strip() == "closed":
        return ()
    blocks: list[Block] = []
    for part in written.split():
        found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", part)
        if not found:
            raise BadHours(written)
        hour, minute, until_hour, until_minute = map(int, found.groups())
        block = (hour * 60 + minute, until_hour * 60 + until_minute)
        if not (0 <= block[0] < block[1] <= 1440) or (blocks and blocks[-1][1] > block[0]):
            raise BadHours(written)
        blocks.append(block)
    if not blocks:
        raise BadHours(written)
    return tuple(blocks)


def open_until(hours: Hours, at: datetime) -> datetime | None:
    """Return when the line that is open at this instant closes; None if it is closed.

    The end of a span is not part of it. For a line that never closes the end is two weeks away.
    """
    span = next(hours.spans(at, days=14), None)
    return span[1] if span and span[0] <= at else None


def is_open(hours: Hours, at: datetime) -> bool:
    """Tell whether the line is open at this instant."""
    return open_until(hours, at) is not None


def opens_at(hours: Hours, at: datetime) -> bool:
    """Tell whether the line opens at this very instant. One that never closes never opens."""
    span = next(hours.spans(at, days=14), None)
    return span is not None and span[0] == at


def next_opening(hours: Hours, at: datetime) -> datetime | None:
    """Return when the line is open next: `at` itself if it is open then, None if it never opens."""
    span = next(hours.spans(at), None)
    return max(span[0], at) if span else None


def add_open_minutes(hours: Hours, at: datetime, minutes: int) -> datetime | None:
    """Return the instant by which the line has been open for so many minutes after `at`.

    It may be the very end of a span. Returns None if the line does not open for that long.
    """
    left = timedelta(minutes=minutes)
    for begins, ends in hours.spans(at):
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
        blocks = hours.blocks(today + timedelta(days=offset))
        days -= bool(blocks)
        if not days:
            return hours._instant(today + timedelta(days=offset), blocks[-1][1])
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
        opening = next_opening(hours, hours._instant(day, 1440 if afternoon else 720))
    return opening


def open_minutes(hours: Hours, since: datetime, until: datetime) -> int:
    """Return the whole minutes for which the line was open between two instants."""
    total = timedelta(0)
    for begins, ends in hours.spans(since):
        if begins >= until:
            break
        total += min(ends, until) - max(begins, since)
    return int(total.total_seconds() // 60)


def is_within(hours: Hours, window: Span) -> bool:
    """Tell whether a window lies wholly in one open span."""
    begins, ends = window
    return begins < ends and any(
        span[0] <= begins and ends <= span[1] for span in hours.spans(begins, days=14)
    )


def slots(
    hours: Hours, after: datetime, days: int, length: timedelta = timedelta(hours=2)
) -> list[Span]:
    """Return the bookable windows of the next `days` calendar days, none beginning before `after`.

    Each block of a day is cut into windows of `length`; a remainder shorter than half a window is
    added to the last one.
    """
    zone = ZoneInfo(hours.zone)
    today = after.astimezone(zone).date()
    found: list[Span] = []
    for offset in range(days):
        day = today + timedelta(days=offset)
        for begins, ends in hours.blocks(day):
            found += _cut(hours._instant(day, begins), hours._instant(day, ends), length)
    return [slot for slot in found if slot[0] >= after]


def _cut(begins: datetime, ends: datetime, length: timedelta) -> Iterator[Span]:
    """Yield windows of `length`; the last one takes a remainder of less than half of that."""
    while begins < ends:
        until = begins + length
        if ends - until < length / 2:
            until = ends
        yield begins, until
        begins = until
