"""The hotline's hours and rules as the settings of this stage have them."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.callbacks import opening_hours
from chalicelib.callbacks.model import Rules
from chalicelib.callbacks.opening_hours import Hours, Week
from chalicelib.settings import BadSetting, Settings
from chalicelib.settings import current as current_settings

_MOST_MINUTES = 2400  # until the first attempt: a week of five days with eight hours


@cache
def current() -> Rules:
    """Return the stage's opening hours, service level and shifts. Raises BadSetting."""
    return read(current_settings())


def hours() -> Hours:
    """Return the stage's opening hours. Raises BadSetting."""
    return current().hours


def read(settings: Settings) -> Rules:
    """Return the opening hours, service level and shifts that settings say.

    Raises BadSetting, which names the setting and quotes the part.
    """
    zone = _value(settings, "time_zone")
    line = Hours(
        zone=zone,
        week=_value(settings, "hotline_hours"),
        exceptions=_value(settings, "hotline_exceptions"),
        holidays=_value(settings, "hotline_holidays"),
    )
    shifts = {
        address: Hours(zone, week, {}, frozenset())
        for address, week in _value(settings, "staff_shifts").items()
    }
    return Rules(line, _value(settings, "first_attempt_minutes"), shifts)


def faults(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each setting of the line that the code that serves could not use."""
    for name in _READERS:
        try:
            _value(settings, name)
        except BadSetting as error:
            yield str(error)


def check(settings: Settings) -> None:
    """Raise BadSetting, with every fault, unless the line's settings can be used."""
    if found := list(faults(settings)):
        raise BadSetting("\n".join(found))


def _value(settings: Settings, name: str) -> Any:
    try:
        return _READERS[name](getattr(settings, name))
    except ValueError as error:
        raise BadSetting(f"{name.upper()}: {error}") from error


def _zone(written: str) -> str:
    try:
        return ZoneInfo(written).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{written!r} is no time zone such as Europe/Berlin") from None


def _holidays(state: str) -> frozenset[str]:
    # `make generated` makes the file from the `holidays` package, whose import would take as long
    # as a third of a cold start.
    if not state:
        return frozenset()
    table: dict[str, list[str]] = json.loads((Path(__file__).parent / "holidays.json").read_text())
    if state not in table:
        raise ValueError(f"{state!r} is no German state: one of {', '.join(table)}")
    return frozenset(table[state])


def _minutes(count: int) -> int:
    if not 1 <= count <= _MOST_MINUTES:
        raise ValueError(f"{count} is not between 1 and {_MOST_MINUTES}")
    return count


def _shifts(written: str) -> dict[str, Week]:
    """Read shifts such as `a@x.example Mon-Fri 09:00-13:00 | b@x.example Mon 13:00-17:00`."""
    shifts: dict[str, Week] = {}
    for shift in filter(None, (each.strip() for each in written.split("|"))):
        address, _, week = shift.partition(" ")
        if "@" not in address or address in shifts:
            raise ValueError(f"{shift!r} does not begin with an address of its own")
        if not week:
            raise ValueError(f"{shift!r} has no hours")
        shifts[address] = opening_hours.parse_hours(week)
    return shifts


def _number(written: str) -> str:
    import phonenumbers  # costly to import; no function asks for this

    try:
        parsed = phonenumbers.parse(written)
    except phonenumbers.NumberParseException:
        parsed = phonenumbers.PhoneNumber()
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(parsed) or e164 != written:
        raise ValueError(f"{written!r} is no telephone number in E.164, such as +4979302699")
    return written


def _regions(codes: tuple[str, ...]) -> tuple[str, ...]:
    import phonenumbers  # costly to import; no function asks for this

    for code in codes:
        if code not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{code!r} is no country such as DE")
    if not codes:
        raise ValueError("names no country")
    return codes


_READERS: dict[str, Callable[[Any], Any]] = {
    "time_zone": _zone,
    "hotline_number": _number,
    "hotline_hours": opening_hours.parse_hours,
    "hotline_exceptions": opening_hours.parse_exceptions,
    "hotline_holidays": _holidays,
    "first_attempt_minutes": _minutes,
    "staff_shifts": _shifts,
    "phone_regions": _regions,
}
SETTINGS = tuple(name.upper() for name in _READERS)
