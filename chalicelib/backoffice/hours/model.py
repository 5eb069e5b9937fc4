"""The coming days as the rules have them: when the line is open, and who is on shift. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.callbacks.model import Rules
from chalicelib.callbacks.opening_hours import Hours, Span


@dataclass(frozen=True)
class Day:
    """A calendar day: its open spans in local time, and the rule they come from.

    `clock_moves` is by how many minutes the clock is changed on this day.
    """

    day: date
    spans: tuple[Span, ...]
    rule: Literal["week", "holiday", "exception"]
    clock_moves: int


@dataclass(frozen=True)
class Shift:
    """One of the staff: whether on shift now, and when on the coming days, in opening hours."""

    address: str
    now: bool
    days: Mapping[date, tuple[Span, ...]]


def days(hours: Hours, first: date, count: int) -> list[Day]:
    """Return `count` calendar days from the first one on."""
    zone, bounds = ZoneInfo(hours.zone), list(_bounds(hours.zone, first, count))
    spans = list(hours.spans(bounds[0][0], days=count + 1))
    return [
        Day(
            begins.date(),
            _within(spans, (begins, ends), zone),
            _rule(hours, begins.date()),
            _minutes(ends) - _minutes(begins),
        )
        for begins, ends in bounds
    ]


def shifts(rules: Rules, now: datetime, count: int = 7) -> list[Shift]:
    """Return who is on shift in the `count` days from now.

    A shift counts only while the line is open, because alerts are sent only then.
    """
    zone, until = ZoneInfo(rules.hours.zone), now + timedelta(days=count)
    opened = list(_common(rules.hours.spans(now, days=count + 1), (now, until)))
    bounds = list(_bounds(rules.hours.zone, now.astimezone(zone).date(), count + 1))
    found = []
    for address, hours in rules.shifts.items():
        own = list(hours.spans(now, days=count + 1))
        spans = [span for each in opened for span in _common(own, each)]
        by_day = {day[0].date(): _within(spans, day, zone) for day in bounds}
        on_shift = any(begins <= now for begins, _ in spans)
        found.append(Shift(address, on_shift, {day: each for day, each in by_day.items() if each}))
    return found


def _bounds(zone: str, first: date, count: int) -> Iterable[Span]:
    """Return the spans of `count` days, from midnight to midnight."""
    midnights = (first + timedelta(days=at) for at in range(count + 1))
    return pairwise(datetime.combine(day, datetime.min.time(), ZoneInfo(zone)) for day in midnights)


def _within(spans: Iterable[Span], day: Span, zone: ZoneInfo) -> tuple[Span, ...]:
    return tuple(
        (begins.astimezone(zone), ends.astimezone(zone)) for begins, ends in _common(spans, day)
    )


def _common(spans: Iterable[Span], within: Span) -> Iterable[Span]:
    cut = ((max(begins, within[0]), min(ends, within[1])) for begins, ends in spans)
    return (span for span in cut if span[0] < span[1])


def _rule(hours: Hours, day: date) -> Literal["week", "holiday", "exception"]:
    written = day.isoformat()
    if written in hours.exceptions or written[5:] in hours.exceptions:
        return "exception"
    return "holiday" if written in hours.holidays else "week"


def _minutes(instant: datetime) -> int:
    return int((instant.utcoffset() or timedelta(0)).total_seconds()) // 60
