"""Instants and days: UTC inside, RFC 3339 at the edges, days as the company's calendar has them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

YEARS = range(2000, 2101)  # in which every instant and day lies that somebody sends
_OFFSETS = (timedelta(hours=-12), timedelta(hours=14))  # of the time zones there are


class OutOfRange(ValueError):
    """An instant or a day that nobody can mean."""


def now() -> datetime:
    """Return the current instant in UTC, to the microsecond."""
    return datetime.now(UTC)


def text(instant: datetime) -> str:
    """Write an instant as `2026-11-22T23:26:06.123Z`.

    The width is fixed, so that texts sort as the instants do.
    """
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(written: str) -> datetime:
    """Read an RFC 3339 text with an offset; return its instant in UTC. Raises ValueError."""
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise OutOfRange(f"{written} is before year 1 or after year 9999") from None


def sent(instant: datetime) -> datetime:
    """Return an instant that somebody sent, as it is.

    Raises ValueError where it has no offset, and OutOfRange where it is not between 2000 and 2100
    or has an offset that no time zone has.
    """
    offset = instant.utcoffset()
    if offset is None:
        raise ValueError("an instant needs an offset")
    if instant.year not in YEARS or instant.astimezone(UTC).year not in YEARS:
        raise OutOfRange(f"{instant} is not between 2000 and 2100")
    if not _OFFSETS[0] <= offset <= _OFFSETS[1]:
        raise OutOfRange(f"{instant} has an offset that no time zone has")
    return instant


def sent_day(day: date) -> date:
    """Return a day that somebody sent. Raises OutOfRange where it is not between 2000 and 2100."""
    if day.year not in YEARS:
        raise OutOfRange(f"{day} is not between 2000 and 2100")
    return day


def day(instant: datetime, zone: str) -> date:
    """Return the calendar day of an instant in a time zone such as `Europe/Berlin`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def epoch(instant: datetime) -> int:
    """Return the whole seconds since 1970, as DynamoDB's time to live wants them."""
    return int(instant.timestamp())
