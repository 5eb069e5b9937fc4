"""Opening hours: vectors worked out by hand, and properties that hold for any hours."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chalicelib.callbacks import opening_hours, rules
from chalicelib.callbacks.opening_hours import Block, Hours, Span
from chalicelib.settings import parse
from tests import cases
from tests.cases import OpenMinutesCase
from tests.scale import scale

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = "Mon-Fri 09:00-17:00"
EXCEPTIONS = "12-24 closed; 12-31 closed"
HOLIDAYS = frozenset({"2026-12-25", "2026-12-26", "2027-03-26", "2027-03-29"})


def make(week: str = WEEK, exceptions: str = EXCEPTIONS) -> Hours:
    return Hours(
        "Europe/Berlin",
        opening_hours.parse_hours(week or "Mon-Sun closed"),
        opening_hours.parse_exceptions(exceptions),
        HOLIDAYS,
    )


def berlin(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=BERLIN).astimezone(UTC)


# fmt: off
THIRTY_OPEN_MINUTES = [
    # start              week                               due
    # Good Friday, clock change, Easter Monday
    ("2027-03-25 16:50", WEEK,                              "2027-03-30T07:20+00:00"),
    # the 24th by exception, Christmas, a weekend
    ("2026-12-23 16:50", WEEK,                              "2026-12-28T08:20+00:00"),
    # the end belongs to the day
    ("2026-11-23 16:30", WEEK,                              "2026-11-23T16:00+00:00"),
    # a break
    ("2026-11-23 12:20", "Mon-Fri 09:00-12:30 13:30-17:00", "2026-11-23T12:50+00:00"),
    ("2026-11-23 03:00", WEEK,                              "2026-11-23T08:30+00:00"),
    ("2026-11-28 12:00", "Mon-Sun 00:00-24:00",             "2026-11-28T11:30+00:00"),
    # midnight is no break
    ("2026-11-28 23:50", "Mon-Sun 00:00-24:00",             "2026-11-28T23:20+00:00"),
]
# fmt: on


@pytest.mark.parametrize(("start", "week", "due"), THIRTY_OPEN_MINUTES)
def test_thirty_open_minutes_from(start: str, week: str, due: str) -> None:
    assert opening_hours.add_open_minutes(make(week), berlin(start), 30) == datetime.fromisoformat(
        due
    )


def test_open_closed_and_the_edges() -> None:
    hours = make()
    assert opening_hours.open_until(hours, berlin("2026-11-23 09:00"))
    assert opening_hours.open_until(hours, berlin("2026-11-23 16:59"))
    assert opening_hours.open_until(hours, berlin("2026-11-23 17:00")) is None
    assert opening_hours.open_until(hours, berlin("2026-11-22 12:00")) is None
    assert opening_hours.open_until(hours, berlin("2026-12-24 12:00")) is None
    assert opening_hours.next_opening(hours, berlin("2026-11-20 17:00")) == berlin(
        "2026-11-23 09:00"
    )
    assert opening_hours.next_opening(hours, berlin("2026-11-23 10:00")) == berlin(
        "2026-11-23 10:00"
    )


def test_an_exception_goes_before_a_holiday_and_a_holiday_before_the_week() -> None:
    hours = make(exceptions="2026-12-25 10:00-12:00; 11-23 closed")
    assert opening_hours.open_until(hours, berlin("2026-12-25 11:00"))
    assert opening_hours.open_until(hours, berlin("2027-11-23 11:00")) is None
    assert opening_hours.open_until(hours, berlin("2027-03-26 11:00")) is None


def test_a_line_that_never_opens_says_so() -> None:
    hours = make(week="")
    now = berlin("2026-11-23 09:00")
    assert opening_hours.next_opening(hours, now) is None
    assert opening_hours.add_open_minutes(hours, now, 30) is None
    assert opening_hours.slots(hours, now, 5) == []


def test_slots_cut_the_day_and_start_in_the_future() -> None:
    found = opening_hours.slots(
        make("Mon-Fri 09:00-12:30 13:30-17:00"), berlin("2026-11-23 10:00"), 2
    )
    assert shown(found) == [
        ("Mon 11:00", "12:30"),
        ("Mon 13:30", "15:30"),
        ("Mon 15:30", "17:00"),
        ("Tue 09:00", "11:00"),
        ("Tue 11:00", "12:30"),
        ("Tue 13:30", "15:30"),
        ("Tue 15:30", "17:00"),
    ]


def shown(slots: list[Span]) -> list[tuple[str, str]]:
    return [
        (a.astimezone(BERLIN).strftime("%a %H:%M"), b.astimezone(BERLIN).strftime("%H:%M"))
        for a, b in slots
    ]


# Five years with their clock changes, and any week of up to two blocks a day.
instants = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
quarters = st.integers(0, 96).map(lambda quarter: quarter * 15)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    cuts = sorted(draw(st.sets(quarters, min_size=0, max_size=4)))
    return tuple(zip(cuts[::2], cuts[1::2], strict=False))


@st.composite
def any_hours(draw: st.DrawFn) -> Hours:
    week = tuple(draw(blocks()) for _ in range(6))
    closed = draw(
        st.frozensets(
            st.dates(date(2026, 1, 1), date(2030, 12, 31)).map(date.isoformat), max_size=5
        )
    )
    return Hours("Europe/Berlin", (*week, ((600, 660),)), {}, closed)


@given(any_hours(), instants, st.integers(1, 600))
@example(  # a microsecond after the line opens
    Hours("Europe/Berlin", (*((),) * 5, ((0, 255),), ((600, 660),)), {}, frozenset()),
    datetime(2026, 7, 4, 0, 0, 0, 1, UTC),
    510,
)
def test_a_due_time_is_never_in_closed_time(hours: Hours, start: datetime, minutes: int) -> None:
    due = opening_hours.add_open_minutes(hours, start, minutes)
    assert due is not None
    assert due > start
    # The end of a span belongs to it, so that the instant before is open; it may be the first one.
    assert opening_hours.open_until(hours, due - timedelta.resolution) is not None


@given(any_hours(), instants, st.integers(1, 300), st.integers(1, 300))
def test_adding_in_two_steps_is_adding_once(
    hours: Hours, start: datetime, first: int, then: int
) -> None:
    halfway = opening_hours.add_open_minutes(hours, start, first)
    assert halfway is not None
    assert opening_hours.add_open_minutes(hours, halfway, then) == opening_hours.add_open_minutes(
        hours, start, first + then
    )


@given(any_hours(), instants, instants, st.integers(1, 300))
def test_later_starts_are_never_due_earlier(
    hours: Hours, one: datetime, other: datetime, minutes: int
) -> None:
    early, late = sorted((one, other))
    first, second = (opening_hours.add_open_minutes(hours, at, minutes) for at in (early, late))
    assert first is not None
    assert second is not None
    assert first <= second


@given(any_hours(), instants)
def test_every_slot_lies_in_open_time(hours: Hours, now: datetime) -> None:
    for slot in opening_hours.slots(hours, now, 9):
        assert slot[0] >= now
        assert opening_hours.is_within(hours, slot)


@given(any_hours(), instants, st.integers(1, 20))
def test_open_days_end_as_the_line_closes(hours: Hours, start: datetime, days: int) -> None:
    end = opening_hours.add_open_days(hours, start, days)
    assert end is not None
    assert opening_hours.open_until(hours, end - timedelta(seconds=1)) is not None
    local, last = (
        start.astimezone(BERLIN).date(),
        (end - timedelta(seconds=1)).astimezone(BERLIN).date(),
    )
    between = [local + timedelta(days=each) for each in range(1, (last - local).days + 1)]
    assert sum(bool(hours.blocks(day)) for day in between) == days


@given(any_hours(), instants, st.integers(1, 600))
def test_the_open_minutes_to_a_due_time_are_those_that_were_added(
    hours: Hours, start: datetime, minutes: int
) -> None:
    due = opening_hours.add_open_minutes(hours, start, minutes)
    assert due is not None
    assert opening_hours.open_minutes(hours, start, due) == minutes


@given(any_hours(), instants, instants)
def test_another_half_day_is_open_and_another(hours: Hours, at: datetime, other: datetime) -> None:
    found = opening_hours.another_half_day(hours, at, other)
    assert found is not None
    assert found >= at
    assert opening_hours.is_open(hours, found)
    local, than = found.astimezone(BERLIN), other.astimezone(BERLIN)
    assert (local.date(), local.hour < 12) != (than.date(), than.hour < 12)


def test_the_request_path_does_not_import_holidays() -> None:
    """Check that opening hours read a table made at build time instead of the holidays package.

    Its import takes a third of a cold start.
    """
    code = (
        "import sys, app; from chalicelib.callbacks.rules import hours;"
        " hours(); sys.exit('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0


# Settings of the tables, and what may run over midnight.


@pytest.mark.parametrize(
    "case", list(cases.open_minutes()), ids=lambda each: f"{each.id} {each.why}"
)
def test_open_minutes_of_the_table(case: OpenMinutesCase) -> None:
    hours = read(case.hours, case.exceptions, case.holidays)
    start = datetime.fromisoformat(case.start)
    found = opening_hours.add_open_minutes(hours, start, int(case.minutes))
    assert found == datetime.fromisoformat(case.answer)
    assert opening_hours.open_minutes(hours, start, found) == int(case.minutes)


def read(week: str, exceptions: str = "", holidays: str = "") -> Hours:
    settings = {
        "HOTLINE_HOURS": week,
        "HOTLINE_EXCEPTIONS": exceptions,
        "HOTLINE_HOLIDAYS": holidays,
    }
    return rules.read(parse(settings)).hours


@st.composite
def blocks_and_a_night(draw: st.DrawFn) -> tuple[Block, ...]:
    found = list(draw(blocks()))
    if found and found[-1][1] < 1440 and draw(st.booleans()):
        found[-1] = (found[-1][0], 1440 + draw(st.integers(0, found[0][0] // 15)) * 15)
    return tuple(found)


@st.composite
def nights(draw: st.DrawFn) -> Hours:
    """Draw hours whose blocks may run over midnight, with exceptions and holidays among them."""
    days = st.sampled_from(CHANGES).map(date.isoformat)
    exceptions = draw(st.dictionaries(days, blocks_and_a_night(), max_size=2))
    week = (*(draw(blocks_and_a_night()) for _ in range(6)), ((600, 660),))
    return Hours("Europe/Berlin", week, exceptions, frozenset({draw(days)}))


CHANGES = [
    date.fromisoformat(f"{written}-{day:02}")
    for written, last in (("2026-03", 29), ("2026-10", 25), ("2027-03", 28), ("2027-10", 31))
    for day in range(last - 2, last + 1)
]
minutes_around_changes = st.builds(
    lambda day, minute: datetime.combine(day, time(0), UTC) + timedelta(minutes=minute),
    st.sampled_from(CHANGES),
    st.integers(-600, 1440),
)


def shows_open(hours: Hours, at: datetime) -> bool:
    """Tell whether the local clock shows a time within a block, of this day or the night before."""
    local = at.astimezone(BERLIN)
    minute = local.hour * 60 + local.minute
    today, before = local.date(), local.date() - timedelta(days=1)
    return any(begins <= minute < ends for begins, ends in hours.blocks(today)) or any(
        begins <= minute + 1440 < ends for begins, ends in hours.blocks(before)
    )


@pytest.mark.usefixtures("scale")
@settings(max_examples=scale(200))
@given(nights(), minutes_around_changes, st.integers(1, 300))
def test_a_clock_that_is_looked_at_each_minute_comes_to_the_same(
    hours: Hours, start: datetime, minutes: int
) -> None:
    assert opening_hours.is_open(hours, start) == shows_open(hours, start)
    at, left = start, minutes
    while left:
        left -= shows_open(hours, at)
        at += timedelta(minutes=1)
    assert opening_hours.add_open_minutes(hours, start, minutes) == at
    assert opening_hours.open_minutes(hours, start, at) == minutes
    until = opening_hours.open_until(hours, start)
    if until:
        assert until > start
        assert not shows_open(hours, until)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    hours = read("Mon-Fri 22:00-06:00", "2026-11-25 closed; 2026-11-28 23:00-01:00")
    assert opening_hours.open_until(hours, berlin("2026-11-25 01:00")) == berlin("2026-11-25 06:00")
    assert not opening_hours.is_open(hours, berlin("2026-11-25 23:00"))
    assert not opening_hours.is_open(hours, berlin("2026-11-26 01:00"))
    assert opening_hours.is_open(hours, berlin("2026-11-29 00:59"))
    assert not opening_hours.is_open(hours, berlin("2026-11-29 01:00"))
    # A night that reaches into the hours of an exception is counted once.
    hours = read("Mon 22:00-06:00", "2026-11-24 05:00-07:00")
    start = berlin("2026-11-24 04:00")
    assert opening_hours.add_open_minutes(hours, start, 180) == berlin("2026-11-24 07:00")
    assert opening_hours.is_within(hours, (start, berlin("2026-11-24 07:00")))


# Windows.

NOW = berlin("2026-11-23 10:00")  # a Monday
WINDOWS = [
    # what the visitor asks for                  refused as
    (("2026-11-23 11:00", "2026-11-23 11:15"), ""),
    (("2026-11-23 11:00", "2026-11-23 11:14"), "window_length"),
    (("2026-11-23 11:00", "2026-11-23 15:00"), ""),
    (("2026-11-23 11:00", "2026-11-23 15:01"), "window_length"),
    (("2026-11-23 12:00", "2026-11-23 11:00"), "window_length"),
    (("2026-11-23 09:00", "2026-11-23 10:15"), ""),
    (("2026-11-23 09:00", "2026-11-23 10:14"), "window_begun"),
    (("2026-11-23 09:00", "2026-11-23 10:00"), "window_over"),
    (("2026-11-20 09:00", "2026-11-20 11:00"), "window_over"),
    (("2026-11-23 16:00", "2026-11-23 17:00"), ""),
    (("2026-11-23 16:00", "2026-11-23 17:01"), "window"),
    (("2026-11-23 08:45", "2026-11-23 10:30"), "window"),
    (("2026-11-28 11:00", "2026-11-28 12:00"), "window"),
    (("2026-12-23 10:00", "2026-12-23 12:00"), ""),
    (("2026-12-23 10:01", "2026-12-23 12:00"), "window_far"),
    (("2026-12-25 10:00", "2026-12-25 12:00"), "window_far"),
]


@pytest.mark.parametrize(("window", "code"), WINDOWS)
def test_what_keeps_a_visitor_from_booking_a_window(window: tuple[str, str], code: str) -> None:
    span = (berlin(window[0]), berlin(window[1]))
    assert opening_hours.refusal_of_window(make(), span, NOW) == code


@pytest.mark.parametrize(
    ("window", "code"),
    [
        (("2026-11-23 10:05", "2026-11-23 10:10"), ""),
        (("2026-11-23 10:04", "2026-11-23 10:30"), "agreed_soon"),
        (("2026-11-23 09:00", "2026-11-23 12:00"), "agreed_soon"),
        (("2026-11-23 11:00", "2026-11-23 17:00"), ""),
        (("2026-11-23 11:00", "2026-11-23 17:01"), "window"),
        (("2026-11-23 12:00", "2026-11-23 12:00"), "range"),
        (("2027-05-21 09:00", "2027-05-21 17:00"), ""),
        (("2027-05-24 09:00", "2027-05-24 17:00"), "agreed_far"),
    ],
)
def test_what_keeps_the_staff_from_agreeing_on_a_time(window: tuple[str, str], code: str) -> None:
    span = (berlin(window[0]), berlin(window[1]))
    assert opening_hours.refusal_of_agreed(make(), span, NOW) == code


@pytest.mark.usefixtures("scale")
@settings(max_examples=scale(200))
@given(nights(), instants, st.sampled_from([15, 20, 60, 120, 180, 240]))
def test_every_slot_can_be_booked(hours: Hours, now: datetime, minutes: int) -> None:
    found = opening_hours.slots(hours, now, 5, timedelta(minutes=minutes))
    assert [slot for slot in found if opening_hours.refusal_of_window(hours, slot, now)] == []
    assert found == sorted(found)


@pytest.mark.usefixtures("scale")
@settings(max_examples=scale(200))
@given(any_hours(), instants, st.integers(1, 6))
def test_slots_are_those_of_so_many_open_days(hours: Hours, now: datetime, days: int) -> None:
    found = opening_hours.slots(hours, now, days)
    begin_on = sorted({slot[0].astimezone(BERLIN).date() for slot in found})
    today = now.astimezone(BERLIN).date()
    offered = [  # today's, where one is left, and the others that are open
        day
        for day in (today + timedelta(days=after) for after in range(32))
        if any(
            opening_hours.slots(hours, max(now, midnight(day)), 1)[:1] == [slot]
            for slot in found
            if slot[0].astimezone(BERLIN).date() == day
        )
    ]
    assert begin_on == offered
    assert len(begin_on) <= days
    if len(begin_on) < days:  # no more of them within 30 days
        (after,) = opening_hours.slots(hours, midnight(begin_on[-1] + timedelta(days=1)), 1)[:1]
        assert opening_hours.refusal_of_window(hours, after, now) == "window_far"


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BERLIN).astimezone(UTC)


def test_there_are_slots_to_choose_from_around_christmas() -> None:
    hours = read("Mon-Fri 09:00-17:00", "12-24..01-03 closed", "BW")
    found = opening_hours.slots(hours, berlin("2026-12-23 15:30"), 2)
    assert shown(found) == [
        ("Mon 09:00", "11:00"),
        ("Mon 11:00", "13:00"),
        ("Mon 13:00", "15:00"),
        ("Mon 15:00", "17:00"),
        ("Tue 09:00", "11:00"),
        ("Tue 11:00", "13:00"),
        ("Tue 13:00", "15:00"),
        ("Tue 15:00", "17:00"),
    ]
    # Wednesday 6 January is a holiday.
    assert found[-1][0] == berlin("2027-01-05 15:00")


def test_after_a_long_closure_the_first_day_can_be_booked() -> None:
    hours = read("Mon-Fri 09:00-11:00", "2027-01-01..2027-03-31 closed", "BW")
    now = berlin("2026-12-31 12:00")
    found = opening_hours.slots(hours, now, 5)
    assert shown(found) == [("Thu 09:00", "11:00"), ("Fri 09:00", "11:00")]
    window = (berlin("2027-04-01 09:00"), berlin("2027-04-01 11:00"))
    assert opening_hours.refusal_of_window(hours, window, now) == ""
    later = (berlin("2027-04-05 09:00"), berlin("2027-04-05 11:00"))
    assert opening_hours.refusal_of_window(hours, later, now) == "window_far"


def test_slots_of_long_blocks_are_not_longer_than_a_window_may_be() -> None:
    hours = read("Mon 00:00-10:00; Tue 09:00-09:10")
    found = opening_hours.slots(hours, berlin("2026-11-22 12:00"), 2, timedelta(hours=4))
    assert shown(found) == [
        ("Mon 00:00", "04:00"),
        ("Mon 04:00", "08:00"),
        ("Mon 08:00", "10:00"),
        ("Mon 00:00", "04:00"),
        ("Mon 04:00", "08:00"),
        ("Mon 08:00", "10:00"),
    ]


# What is read of the calendar.


class Counted(Hours):
    """Hours that count how often a day is read."""

    reads: ClassVar[int] = 0

    def blocks(self, day: date) -> tuple[Block, ...]:
        Counted.reads += 1
        return super().blocks(day)


@pytest.mark.parametrize(
    "ask",
    [
        lambda hours, at: opening_hours.is_open(hours, at),
        lambda hours, at: opening_hours.open_until(hours, at),
        lambda hours, at: opening_hours.next_opening(hours, at),
        lambda hours, at: opening_hours.add_open_minutes(hours, at, 30),
        lambda hours, at: opening_hours.is_within(hours, (at, at + timedelta(hours=2))),
        lambda hours, at: opening_hours.refusal_of_window(hours, (at, at + timedelta(hours=2)), at),
        lambda hours, at: opening_hours.open_minutes(hours, at, at + timedelta(hours=2)),
        lambda hours, at: opening_hours.add_open_days(hours, at, 5),
        lambda hours, at: opening_hours.slots(hours, at, 5),
    ],
)
def test_a_line_around_the_clock_costs_no_more_than_another(
    ask: Callable[[Hours, datetime], object],
) -> None:
    def reads(week: str) -> int:
        before = Counted.reads
        ask(Counted("Europe/Berlin", opening_hours.parse_hours(week), {}, frozenset()), NOW)
        return Counted.reads - before

    normal, always = reads("Mon-Fri 09:00-17:00"), reads("Mon-Sun 00:00-24:00")
    assert always <= 2 * normal
    assert normal <= 12


def test_when_a_line_closes_is_looked_for_within_a_week() -> None:
    week = opening_hours.parse_hours("Mon-Sun 00:00-24:00")
    before = Counted.reads
    until = opening_hours.open_until(Counted("Europe/Berlin", week, {}, HOLIDAYS), NOW)
    assert until == berlin("2026-12-01 00:00")
    assert Counted.reads - before <= 9
    closing = Hours("Europe/Berlin", week, {"2026-11-29": ()}, HOLIDAYS)
    assert opening_hours.open_until(closing, NOW) == berlin("2026-11-29 00:00")
