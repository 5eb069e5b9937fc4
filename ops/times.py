"""Dates and times as other programs write them."""

import re
from datetime import UTC, date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib import instants
from chalicelib.texts import N_

Order = Literal["", "day first", "month first"]

_CLOCK = (
    r"(?:[Tt ]\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"(?:\s?(?P<zone>[Zz]|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_YEAR_FIRST = re.compile(
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _CLOCK, re.ASCII
)
_YEAR_LAST = re.compile(
    r"(?P<one>\d{1,2})(?P<sign>[-/.])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4}),?" + _CLOCK, re.ASCII
)
_NONE = re.compile(r"[0\s:./TZ-]*|null|none|n/?a|\\n", re.I)  # zeros and dashes, and what is empty
NO_TIME = N_("%(column)s is no time such as 2024-05-31 12:00")
NO_CLOCK = N_("%(column)s is a day without a time")
NO_ZONE = N_("%(column)s has no time zone: state one")
NO_ORDER = N_("%(column)s: which is the day and which the month? State date_order")
SKIPPED = N_("%(column)s is a time that the clock skipped: is the time zone right?")
OUT_OF_RANGE = N_("%(column)s is not between 2000 and 2100")


class NoTime(ValueError):
    """What is written is no point in time; `sentence` says why, to be looked up in a catalogue."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def is_none(written: str) -> bool:
    """Tell whether a cell has no time: it is empty, or of zeros as some databases write them."""
    return _NONE.fullmatch(written.strip()) is not None


def instant(written: str, zone: str = "", order: Order = "") -> datetime:
    """Read a date with a time of day; return its instant in UTC. Raises NoTime.

    `zone` is that of times without one. Of a time that came twice, at the end of summer time, the
    earlier is meant. A date with slashes is read where it can be read in one way only, or by
    `order`; with dots or hyphens the day is first.
    """
    day, found = _read(written, order)
    if found["hour"] is None:
        raise NoTime(NO_CLOCK)
    try:
        at = datetime(
            day.year,
            day.month,
            day.day,
            _hour(found),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            _microseconds(written, found),
        )
    except ValueError:
        raise NoTime(NO_TIME) from None
    try:
        return instants.sent(_placed(at, found["zone"], zone)).astimezone(UTC)
    except instants.OutOfRange:
        raise NoTime(OUT_OF_RANGE) from None


def text(written: str, zone: str = "", order: Order = "") -> str:
    """Return a time as our records write it, or the day where there is no more; empty for none.

    It is for what needs no proof, such as when somebody left another system.
    """
    try:
        return instants.text(instant(written, zone, order))
    except NoTime:
        pass
    try:
        return _read(written, order)[0].isoformat()
    except NoTime:
        return ""


def _read(written: str, order: Order) -> tuple[date, dict[str, str | None]]:
    trimmed = written.strip()
    if found := _YEAR_FIRST.fullmatch(trimmed):
        year, month, day = found["year"], found["month"], found["day"]
    elif found := _YEAR_LAST.fullmatch(trimmed):
        year, (day, month) = found["year"], _in_order(found["one"], found["two"], found, order)
    else:
        raise NoTime(NO_TIME)
    try:
        return date(int(year), int(month), int(day)), found.groupdict()
    except ValueError:
        raise NoTime(NO_TIME) from None


def _in_order(one: str, two: str, found: re.Match[str], order: Order) -> tuple[str, str]:
    """Return day and month."""
    if found["sign"] != "/" or order == "day first":
        return one, two
    if order == "month first" or (int(one) <= 12 < int(two)):
        return two, one
    if int(two) <= 12 < int(one) or one == two:
        return one, two
    raise NoTime(NO_ORDER)


def _hour(found: dict[str, str | None]) -> int:
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + (12 if half == "p" else 0)


def _microseconds(written: str, found: dict[str, str | None]) -> int:
    fraction = re.search(r":\d\d[.,](\d+)", written) if found["second"] else None
    return int(fraction[1][:6].ljust(6, "0")) if fraction else 0


def _placed(at: datetime, written: str | None, zone: str) -> datetime:
    if written:
        offset = "+00:00" if written.upper() in ("Z", "UTC", "GMT") else written
        return datetime.fromisoformat(f"{at.isoformat()}{offset}")
    if not zone:
        raise NoTime(NO_ZONE)
    local = at.replace(tzinfo=ZoneInfo(zone))
    if local.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != at:
        raise NoTime(SKIPPED)
    return local
