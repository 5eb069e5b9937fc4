"""Opening hours: vectors worked out by hand, and properties that hold for any hours."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.callbacks import opening_hours
from chalicelib.callbacks.opening_hours import BadHours, Hours

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = "Mon-Fri 09:00-17:00"
EXCEPTIONS = "12-24 closed; 12-31 closed"
HOLIDAYS = frozenset({"2026-12-25", "2026-12-26", "2027-03-26", "2027-03-29"})


def make(week: str = WEEK, exceptions: str = EXCEPTIONS) -> Hours:
    return Hours(
        "Europe/Berlin",
        opening_hours.parse_hours(week),
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
    local = [
        (a.astimezone(BERLIN).strftime("%a %H:%M"), b.astimezone(BERLIN).strftime("%H:%M"))
        for a, b in found
    ]
    assert local == [
        ("Mon 11:00", "12:30"),
        ("Mon 13:30", "15:30"),
        ("Mon 15:30", "17:00"),
        ("Tue 09:00", "11:00"),
        ("Tue 11:00", "12:30"),
        ("Tue 13:30", "15:30"),
        ("Tue 15:30", "17:00"),
    ]


@pytest.mark.parametrize(
    "written",
    [
        "Mon",
        "Xyz 09:00-17:00",
        "Mon 9-17",
        "Mon 17:00-09:00",
        "Mon 09:00-25:00",
        "Mon 09:00-12:00 11:00-13:00",  # the blocks overlap
    ],
)
def test_unreadable_hours_are_refused(written: str) -> None:
    with pytest.raises(BadHours):
        opening_hours.parse_hours(written)


@pytest.mark.parametrize("written", ["24.12. closed", "12-24", "12-24 open"])
def test_unreadable_exceptions_are_refused(written: str) -> None:
    with pytest.raises(BadHours):
        opening_hours.parse_exceptions(written)


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
def test_a_due_time_is_never_in_closed_time(hours: Hours, start: datetime, minutes: int) -> None:
    due = opening_hours.add_open_minutes(hours, start, minutes)
    assert due is not None
    assert due > start
    assert opening_hours.open_until(hours, due - timedelta(seconds=1)) is not None


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
