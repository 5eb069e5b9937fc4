"""The coming days: holidays, exceptions, clock changes, days without an end, and shifts."""

from datetime import date

from chalicelib.backoffice.hours import model as schedule
from chalicelib.callbacks.model import Rules
from chalicelib.formats import Formats
from tests.callbacks.test_opening_hours import berlin, make

WORDS = Formats("de", "Europe/Berlin")


def told(first: str, count: int, **rules: str) -> dict[str, str]:
    days = schedule.days(make(**rules), date.fromisoformat(first), count)
    return {each.day.isoformat()[5:]: _told(each) for each in days}


def _told(day: schedule.Day) -> str:
    moved = [f"{day.clock_moves:+}"] if day.clock_moves else []
    return " ".join([*(WORDS.span(*span) for span in day.spans), day.rule, *moved])


def test_easter_and_the_change_of_clocks() -> None:
    assert told("2027-03-25", 6) == {
        "03-25": "09:00–17:00 week",
        "03-26": "holiday",
        "03-27": "week",
        "03-28": "week +60",
        "03-29": "holiday",
        "03-30": "09:00–17:00 week",
    }
    assert told("2026-10-25", 1) == {"10-25": "week -60"}


def test_a_line_that_never_closes_is_cut_into_its_days() -> None:
    assert told("2026-10-24", 3, week="Mon-Sun 00:00-24:00", exceptions="") == {
        "10-24": "00:00–24:00 week",
        "10-25": "00:00–24:00 week -60",
        "10-26": "00:00–24:00 week",
    }


def test_a_shift_is_within_opening_hours() -> None:
    hours = make()
    mornings, saturdays = (
        make(week=week, exceptions="") for week in ("Mon-Sun 08:00-12:00", "Sat 09:00-17:00")
    )
    shifts = {"anna": mornings, "ben": saturdays}
    anna, ben = schedule.shifts(Rules(hours, shifts=shifts), berlin("2026-11-23 10:00"))
    assert (anna.now, ben.now, ben.days) == (True, False, {})
    assert [[WORDS.span(*span) for span in spans] for spans in anna.days.values()] == [
        ["10:00–12:00"],
        *[["09:00–12:00"]] * 4,
        ["09:00–10:00"],  # until the same time next Monday
    ]
    before, _ = schedule.shifts(Rules(hours, shifts=shifts), berlin("2026-11-23 08:30"))
    assert not before.now


def test_a_shift_without_end_is_cut_into_its_days() -> None:
    always = make(week="Mon-Sun 00:00-24:00", exceptions="")
    (anna,) = schedule.shifts(Rules(always, shifts={"anna": always}), berlin("2026-11-23 10:00"), 2)
    told = {f"{day:%d}": [WORDS.span(*span) for span in spans] for day, spans in anna.days.items()}
    assert told == {"23": ["10:00–24:00"], "24": ["00:00–24:00"], "25": ["00:00–10:00"]}


def test_words_in_both_languages() -> None:
    english = Formats("en", "Europe/Berlin")
    assert (WORDS.number(1234.5, 1), english.number(1234.5, 1), WORDS.number(None)) == (
        "1.234,5",
        "1,234.5",
        "–",
    )
    assert (WORDS.day(date(2026, 11, 23)), english.day(date(2026, 11, 23))) == (
        "Mo 23.11.2026",
        "Mon 23 Nov 2026",
    )
    assert WORDS.instant(berlin("2026-11-23 23:30")) == "Mo 23.11.2026, 23:30"
