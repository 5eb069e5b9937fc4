"""Numbers, days and states as people read them, German and English."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from chalicelib.callbacks import letters
from chalicelib.callbacks.model import State, Topic
from chalicelib.staff.board.words import STATES, TOPICS

_WEEKDAYS = (
    ("Mo", "Mon"),
    ("Di", "Tue"),
    ("Mi", "Wed"),
    ("Do", "Thu"),
    ("Fr", "Fri"),
    ("Sa", "Sat"),
    ("So", "Sun"),
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Words:
    """What a template says of values in one language, in the company's time zone."""

    def __init__(self, language: str, zone: str) -> None:
        self._english, self.zone = language == "en", ZoneInfo(zone)

    def number(self, value: float | None, digits: int = 0) -> str:
        """`1.234` or `1,234`; a dash for nothing."""
        if value is None:
            return "–"
        written = f"{value:,.{digits}f}"
        return written if self._english else written.translate(str.maketrans(",.", ".,"))

    def percent(self, share: float | None) -> str:
        """`83 %`; a dash for nothing."""
        return "–" if share is None else f"{self.number(share * 100)} %"

    def day(self, day: date) -> str:
        """`Mo 23.11.2026` or `Mon 23 Nov 2026`."""
        return f"{_WEEKDAYS[day.weekday()][self._english]} {self.dated(day)}"

    def dated(self, day: date) -> str:
        """`23.11.2026` or `23 Nov 2026`."""
        return (
            f"{day.day} {_MONTHS[day.month - 1]} {day.year}" if self._english else f"{day:%d.%m.%Y}"
        )

    def short(self, day: date) -> str:
        """`23.11.` or `23 Nov`."""
        return f"{day.day} {_MONTHS[day.month - 1]}" if self._english else f"{day:%d.%m.}"

    def weekday(self, day: date) -> str:
        """`Mo 23.11.` or `Mon 23 Nov`."""
        return f"{_WEEKDAYS[day.weekday()][self._english]} {self.short(day)}"

    def time(self, instant: datetime) -> str:
        """The time of day, `09:30`."""
        return f"{instant.astimezone(self.zone):%H:%M}"

    def instant(self, instant: datetime) -> str:
        """Day and time of day."""
        local = instant.astimezone(self.zone)
        return f"{self.day(local.date())}, {local:%H:%M}"

    def span(self, begins: datetime, ends: datetime) -> str:
        """`09:00–17:00`, within a day."""
        closes = letters.until(begins.astimezone(self.zone), ends.astimezone(self.zone))
        return f"{self.time(begins)}–{closes or self.instant(ends)}"

    def state(self, state: State) -> str:
        """A callback's state."""
        return STATES[state][self._english]

    def topic(self, topic: Topic) -> str:
        """What a callback is about."""
        return TOPICS[topic][self._english]

    def numbered(self) -> Callable[[int], str]:
        """Ordinals: `1.` or `1st`."""
        endings = {1: "st", 2: "nd", 3: "rd"}
        return lambda number: (
            f"{number}{endings.get(number, 'th')}" if self._english else f"{number}."
        )
