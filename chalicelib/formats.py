"""Dates, times, spans and numbers as people read them, German and English. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WEEKDAYS = {
    "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


class Formats:
    """Write values in one language, in one time zone such as `Europe/Berlin`."""

    def __init__(self, language: str, zone: str) -> None:
        """Write in this language (`de` or `en`) and by the clock of this time zone."""
        self.language = "en" if language == "en" else "de"
        self.zone = ZoneInfo(zone)
        self._english = self.language == "en"

    def number(self, value: float | None, digits: int = 0) -> str:
        """Write `1.234` or `1,234`; a dash for None."""
        if value is None:
            return "–"
        written = f"{value:,.{digits}f}"
        return written if self._english else written.translate(str.maketrans(",.", ".,"))

    def percent(self, share: float | None) -> str:
        """Write a share of 1 as `83 %`; a dash for None."""
        return "–" if share is None else f"{self.number(share * 100)} %"

    def ordinal(self, number: int) -> str:
        """Write `1.` or `1st`, for numbers below 20."""
        return f"{number}{_ORDINALS.get(number, 'th')}" if self._english else f"{number}."

    def full(self, day: date) -> str:
        """Write `23.11.2026` or `23 Nov 2026`."""
        return f"{self.short(day)} {day.year}" if self._english else f"{day:%d.%m.%Y}"

    def short(self, day: date) -> str:
        """Write `23.11.` or `23 Nov`."""
        return f"{day.day} {_MONTHS[day.month - 1]}" if self._english else f"{day:%d.%m.}"

    def weekday(self, day: date) -> str:
        """Write `Mo 23.11.` or `Mon 23 Nov`."""
        return f"{_WEEKDAYS[self.language][day.weekday()]} {self.short(day)}"

    def day(self, day: date) -> str:
        """Write `Mo 23.11.2026` or `Mon 23 Nov 2026`."""
        return f"{_WEEKDAYS[self.language][day.weekday()]} {self.full(day)}"

    def time(self, instant: datetime) -> str:
        """Write the time of day, `09:30`."""
        return f"{self.local(instant):%H:%M}"

    def instant(self, instant: datetime) -> str:
        """Write `Mo 23.11.2026, 09:30` or `Mon 23 Nov 2026, 09:30`."""
        return f"{self.day(self.local(instant).date())}, {self.time(instant)}"

    def moment(self, instant: datetime) -> str:
        """Write an instant of these days without its year: `Mo 23.11., 09:30`."""
        return f"{self.weekday(self.local(instant).date())}, {self.time(instant)}"

    def span(self, begins: datetime, ends: datetime) -> str:
        """Write `09:00–17:00`; the end has its day where that is another one."""
        return f"{self.time(begins)}–{self._closes(begins, ends) or self.instant(ends)}"

    def moments(self, begins: datetime, ends: datetime) -> str:
        """Write `Mo 23.11., 09:00–11:00`; over midnight the end has its day, too."""
        return f"{self.moment(begins)}–{self._closes(begins, ends) or self.moment(ends)}"

    def slot(self, begins: datetime, ends: datetime) -> str:
        """Write a bookable window, short enough for a telephone: `Di 24.11. 09:00–11:00`."""
        first, last = self.local(begins), self.local(ends)
        weekday = _WEEKDAYS[self.language][first.weekday()]
        closes = self._closes(begins, ends) or f"{last:%d.%m. %H:%M}"
        return f"{weekday} {first:%d.%m.} {first:%H:%M}–{closes}"

    def window(self, begins: datetime, ends: datetime) -> str:
        """Write a span in a sentence: `am 24.11.2026 zwischen 09:00 und 11:00 Uhr`.

        Over several days both are named.
        """
        first, last, closes = self.local(begins), self.local(ends), self._closes(begins, ends)
        if self._english:
            if closes:
                return f"on {first:%d %B %Y} between {first:%H:%M} and {closes}"
            return f"between {first:%d %B %Y, %H:%M} and {last:%d %B %Y, %H:%M}"
        if closes:
            return f"am {first:%d.%m.%Y} zwischen {first:%H:%M} und {closes} Uhr"
        return f"zwischen {first:%d.%m.%Y, %H:%M} Uhr und {last:%d.%m.%Y, %H:%M} Uhr"

    def local(self, instant: datetime) -> datetime:
        """Return the instant by the local clock."""
        return instant.astimezone(self.zone)

    def _closes(self, begins: datetime, ends: datetime) -> str | None:
        return closes(self.local(begins), self.local(ends))


def closes(begins: datetime, ends: datetime) -> str | None:
    """Write the time of day at which a local span ends, `24:00` at midnight.

    Returns None where the span ends on another day.
    """
    if begins.date() == ends.date():
        return f"{ends:%H:%M}"
    day_after = datetime.combine(begins + timedelta(days=1), time.min, begins.tzinfo)
    return "24:00" if ends == day_after else None


def minutes(count: int) -> str:
    """Write a length of time: `5 min`, `2 h 05 min`. `web/staff.js` writes it likewise."""
    return f"{count} min" if count < 60 else f"{count // 60} h {count % 60:02} min"
