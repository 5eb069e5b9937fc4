"""Dates, times, spans and numbers as people read them. Pure.

How a language writes them is in its catalogue: the patterns here are the English ones.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib import texts
from chalicelib.texts import N_

# fmt: off
WEEKDAYS = (N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"),
            N_("Saturday"), N_("Sunday"))
WEEKDAYS_SHORT = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
MONTHS = (N_("January"), N_("February"), N_("March"), N_("April"), N_("May"), N_("June"),
          N_("July"), N_("August"), N_("September"), N_("October"), N_("November"), N_("December"))
MONTHS_SHORT = (N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
                N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"))
# fmt: on


class Formats:
    """Write values in one language, in one time zone such as `Europe/Berlin`."""

    def __init__(self, language: str, zone: str) -> None:
        """Write in this language and by the clock of this time zone."""
        self.language = language
        self.zone = ZoneInfo(zone)
        self._words = texts.of(language)

    def number(self, value: float | None, digits: int = 0) -> str:
        """Write `1.234` or `1,234`; a dash for None."""
        if value is None:
            return "–"
        written = f"{value:,.{digits}f}"
        thousands = self._words.pgettext("between thousands", ",")
        decimals = self._words.pgettext("before decimals", ".")
        return written.translate({ord(","): thousands, ord("."): decimals})

    def percent(self, share: float | None) -> str:
        """Write a share of 1 as `83 %` or `83%`; a dash for None."""
        if share is None:
            return "–"
        values = {"number": self.number(share * 100)}
        return self._words.pgettext("share", "%(number)s%%") % values

    def minutes(self, count: int) -> str:
        """Write a length of time: `5 min`, `2 h 05 min`. `web/staff.js` writes it likewise."""
        if count < 60:
            return self._words.gettext("%(minutes)s min") % {"minutes": count}
        values = {"hours": count // 60, "minutes": f"{count % 60:02}"}
        return self._words.gettext("%(hours)s h %(minutes)s min") % values

    def full(self, day: date) -> str:
        """Write `23.11.2026` or `23 Nov 2026`."""
        return self._day(self._words.pgettext("date", "%(d)s %(mon)s %(year)s"), day)

    def short(self, day: date) -> str:
        """Write `23.11.` or `23 Nov`."""
        return self._day(self._words.pgettext("date", "%(d)s %(mon)s"), day)

    def weekday(self, day: date) -> str:
        """Write `Mo 23.11.` or `Mon 23 Nov`."""
        return self._day(self._words.pgettext("date", "%(wd)s %(d)s %(mon)s"), day)

    def day(self, day: date) -> str:
        """Write `Mo 23.11.2026` or `Mon 23 Nov 2026`."""
        return self._day(self._words.pgettext("date", "%(wd)s %(d)s %(mon)s %(year)s"), day)

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
        """Write a bookable window, short enough for a telephone: `Di 24.11., 09:00–11:00 Uhr`."""
        first, last, closes = self.local(begins), self.local(ends), self._closes(begins, ends)
        values = {"day": self.weekday(first), "from": f"{first:%H:%M}"}
        if closes:
            return self._words.gettext("%(day)s, %(from)s–%(to)s") % {**values, "to": closes}
        values |= {"last": self.weekday(last), "to": f"{last:%H:%M}"}
        return self._words.gettext("%(day)s, %(from)s – %(last)s, %(to)s") % values

    def window(self, begins: datetime, ends: datetime) -> str:
        """Write a span in a sentence: `am Dienstag, 24. November, zwischen 9 und 11 Uhr`.

        Over several days both are named. `web/embed/formats.js` writes it likewise.
        """
        first, last, closes = self.local(begins), self.local(ends), self._closes(begins, ends)
        values = {"day": self.long(first), "from": self.clock(f"{first:%H:%M}")}
        if closes:
            values["to"] = self.clock(closes)
            return self._words.gettext("on %(day)s, between %(from)s and %(to)s") % values
        values |= {"last": self.long(last), "to": self.clock(f"{last:%H:%M}")}
        both = self._words.gettext("between %(day)s, %(from)s and %(last)s, %(to)s")
        return both % values

    def long(self, day: date) -> str:
        """Write `Dienstag, 24. November` or `Tuesday, 24 November`."""
        return self._day(self._words.pgettext("date", "%(weekday)s, %(d)s %(month)s"), day)

    def clock(self, written: str) -> str:
        """Write a time of day in a sentence, from `09:30`: `9:30`; a full hour is `9` in German."""
        hour, _, minute = written.partition(":")
        values = {"hour": int(hour), "minute": minute}
        if minute == "00":
            return self._words.pgettext("full hour", "%(hour)s:00") % values
        return self._words.pgettext("time", "%(hour)s:%(minute)s") % values

    def week(self, week: Sequence[Sequence[tuple[int, int]]]) -> str:
        """Write regular opening hours: `Mo–Fr 9–17 Uhr`, days alike together; empty if closed.

        `week` has the blocks of each day, Monday first, in minutes from midnight; what ends after
        1440 runs over the next one.
        """
        if all(blocks == ((0, 1440),) for blocks in map(tuple, week)):
            return self._words.gettext("around the clock")
        parts, first = [], 0
        for day in range(1, 8):
            if day < 7 and week[day] == week[first]:
                continue
            if week[first]:
                blocks = ", ".join("–".join(map(self._of, block)) for block in week[first])
                values = {"days": self._days(first, day - 1), "times": blocks}
                parts.append(self._words.pgettext("hours", "%(days)s %(times)s") % values)
            first = day
        return ", ".join(parts)

    def _of(self, minutes: int) -> str:
        minutes -= 1440 if minutes > 1440 else 0  # a night
        return self.clock(f"{minutes // 60:02}:{minutes % 60:02}")

    def _days(self, first: int, last: int) -> str:
        names = [self._words.gettext(WEEKDAYS_SHORT[day]) for day in dict.fromkeys((first, last))]
        return "–".join(names)

    def local(self, instant: datetime) -> datetime:
        """Return the instant by the local clock."""
        return instant.astimezone(self.zone)

    def _day(self, pattern: str, day: date) -> str:
        word = self._words.gettext
        return pattern % {
            "d": day.day,
            "dd": f"{day.day:02}",
            "mm": f"{day.month:02}",
            "mon": word(MONTHS_SHORT[day.month - 1]),
            "month": word(MONTHS[day.month - 1]),
            "year": day.year,
            "wd": word(WEEKDAYS_SHORT[day.weekday()]),
            "weekday": word(WEEKDAYS[day.weekday()]),
        }

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
