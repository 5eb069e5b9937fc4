"""The coming days as the machine understands them: when the line is open and why not, who is on shift. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.callbacks.hotline import Hours, Span
from chalicelib.callbacks.model import Rules


@dataclass(frozen=True)
class Day:
    """A calendar day: its open spans in local time, by which rule, and how many minutes its clock is moved."""

    day: date
    spans: tuple[Span, ...]
    rule: Literal["week", "holiday", "exception"]
    clock_moves: int


@dataclass(frozen=True)
class Shift:
    """One of the staff: whether on shift now, and when within the opening hours of the coming days."""

    address: str
    now: bool
    spans: tuple[Span, ...]


def days(hours: Hours, first: date, count: int) -> list[Day]:
    """So many days from the first one on."""
    zone = ZoneInfo(hours.zone)
    begins = [datetime.combine(first + timedelta(days=at), datetime.min.time(), zone) for at in range(count + 1)]
    spans = list(hours.spans(begins[0], days=count + 1))
    return [Day(start.date(), tuple(_local(_common(spans, (start, end)), zone)), _rule(hours, start.date()),
                _minutes(end) - _minutes(start)) for start, end in pairwise(begins)]  # fmt: skip


def shifts(rules: Rules, now: datetime, count: int = 7) -> list[Shift]:
    """Who is on shift in so many days from now; a shift counts while the line is open, as nobody is told otherwise."""
    zone, until = ZoneInfo(rules.hours.zone), now + timedelta(days=count)
    opened = list(_common(rules.hours.spans(now, days=count + 1), (now, until)))
    found = []
    for address, hours in rules.shifts.items():
        own = list(hours.spans(now, days=count + 1))
        spans = tuple(_local((span for each in opened for span in _common(own, each)), zone))
        found.append(Shift(address, any(begins <= now for begins, _ in spans), spans))
    return found


def _common(spans: Iterable[Span], within: Span) -> Iterable[Span]:
    cut = ((max(begins, within[0]), min(ends, within[1])) for begins, ends in spans)
    return (span for span in cut if span[0] < span[1])


def _local(spans: Iterable[Span], zone: ZoneInfo) -> Iterable[Span]:
    return ((begins.astimezone(zone), ends.astimezone(zone)) for begins, ends in spans)


def _rule(hours: Hours, day: date) -> Literal["week", "holiday", "exception"]:
    written = day.isoformat()
    if written in hours.exceptions or written[5:] in hours.exceptions:
        return "exception"
    return "holiday" if written in hours.holidays else "week"


def _minutes(instant: datetime) -> int:
    return int((instant.utcoffset() or timedelta(0)).total_seconds()) // 60
