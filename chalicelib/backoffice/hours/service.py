"""The line's coming weeks and the shifts. No HTTP."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chalicelib import instants
from chalicelib.backoffice.hours import model
from chalicelib.backoffice.hours.model import Day, Shift
from chalicelib.callbacks import rules
from chalicelib.callbacks.model import Rules
from chalicelib.settings import current

_WEEKS = 6


@dataclass(frozen=True)
class Shown:
    """The days by the Monday of their week, the shifts, and the rules they follow."""

    today: date
    weeks: dict[date, list[Day]]
    shifts: list[Shift]
    rules: Rules


def calendar(now: datetime) -> Shown:
    """Return the rest of this week and the five after it. Raises BadHours."""
    line_rules, today = rules.current(), instants.day(now, current().time_zone)
    weeks: dict[date, list[Day]] = {}
    for each in model.days(line_rules.hours, today, _WEEKS * 7 - today.weekday()):
        monday = each.day - timedelta(days=each.day.weekday())
        weeks.setdefault(monday, []).append(each)
    return Shown(today, weeks, model.shifts(line_rules, now), line_rules)
