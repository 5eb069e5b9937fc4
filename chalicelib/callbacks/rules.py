"""The hotline's hours and rules as the settings of this stage have them."""

import json
from functools import cache
from pathlib import Path

from chalicelib.callbacks import opening_hours
from chalicelib.callbacks.model import Rules
from chalicelib.callbacks.opening_hours import Hours
from chalicelib.settings import current as current_settings


@cache
def current() -> Rules:
    """Return the stage's opening hours, service level and shifts. Raises BadHours."""
    settings = current_settings()
    hours = Hours(
        zone=settings.time_zone,
        week=opening_hours.parse_hours(settings.hotline_hours),
        exceptions=opening_hours.parse_exceptions(settings.hotline_exceptions),
        holidays=_holidays(settings.hotline_holidays),
    )
    return Rules(
        hours,
        settings.first_attempt_minutes,
        dict(_shifts(settings.staff_shifts, settings.time_zone)),
    )


def hours() -> Hours:
    """Return the stage's opening hours. Raises BadHours."""
    return current().hours


def _shifts(written: str, zone: str) -> list[tuple[str, Hours]]:
    """Read shifts such as `a@x.example Mon-Fri 09:00-13:00 | b@x.example Mon 13:00-17:00`."""
    people = [part.strip().partition(" ") for part in written.split("|") if part.strip()]
    return [
        (address, Hours(zone, opening_hours.parse_hours(week), {}, frozenset()))
        for address, _, week in people
    ]


def _holidays(state: str) -> frozenset[str]:
    # `make generated` makes the file from the `holidays` package, whose import would take as long
    # as a third of a cold start.
    if not state:
        return frozenset()
    table: dict[str, list[str]] = json.loads((Path(__file__).parent / "holidays.json").read_text())
    if state not in table:
        raise opening_hours.BadHours(f"no German state {state!r}: one of {', '.join(table)}")
    return frozenset(table[state])
