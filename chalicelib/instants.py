"""Instants and days: UTC inside, RFC 3339 at the edges, days as the company's calendar has them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


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
    return instant.astimezone(UTC)


def day(instant: datetime, zone: str) -> date:
    """Return the calendar day of an instant in a time zone such as `Europe/Berlin`."""
    return instant.astimezone(ZoneInfo(zone)).date()


def epoch(instant: datetime) -> int:
    """Return the whole seconds since 1970, as DynamoDB's time to live wants them."""
    return int(instant.timestamp())
