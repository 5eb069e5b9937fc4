"""Dates and times as other programs write them."""

import pytest

from chalicelib import instants
from ops import times
from ops.times import NO_CLOCK, NO_ORDER, NO_TIME, NO_ZONE, OUT_OF_RANGE, SKIPPED, NoTime

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        ("2024-05-31T12:00:00+02:00", "", "2024-05-31T10:00:00Z"),
        ("2024-05-31 12:00:00 +0200", "", "2024-05-31T10:00:00Z"),
        ("2024-05-31T10:00:00.123Z", "", "2024-05-31T10:00:00.123Z"),
        ("2024-05-31T10:00:00.123456+00:00", "", "2024-05-31T10:00:00.123456Z"),
        ("2024-05-31 10:00:00 UTC", BERLIN, "2024-05-31T10:00:00Z"),
        ("2024-05-31t10:00:00z", "", "2024-05-31T10:00:00Z"),
        ("2024-05-31 12:00", BERLIN, "2024-05-31T10:00:00Z"),
        ("2024/05/31 12:00", BERLIN, "2024-05-31T10:00:00Z"),
        ("31.05.2024 12:00", BERLIN, "2024-05-31T10:00:00Z"),
        ("31.05.2024, 12:00", BERLIN, "2024-05-31T10:00:00Z"),
        ("1.6.2024 7:05", BERLIN, "2024-06-01T05:05:00Z"),
        ("05-01-2024 08:30:00", BERLIN, "2024-01-05T07:30:00Z"),
        ("05/31/2024 12:00 PM", BERLIN, "2024-05-31T10:00:00Z"),
        ("5/31/2024 12:30:15 am", "UTC", "2024-05-31T00:30:15Z"),
        ("31/05/2024 1:05 p.m.", "UTC", "2024-05-31T13:05:00Z"),
        ("05/05/2024 09:00", "UTC", "2024-05-05T09:00:00Z"),
        (" 2024-05-31 12:00:00 ", BERLIN, "2024-05-31T10:00:00Z"),
        # The hour that comes twice: the earlier.
        ("2018-10-28 02:30:00", BERLIN, "2018-10-28T00:30:00Z"),
        ("2018-10-28 03:30:00", BERLIN, "2018-10-28T02:30:00Z"),
    ],
)
def test_a_time_is_read(written: str, zone: str, instant: str) -> None:
    assert times.instant(written, zone) == instants.parse(instant)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("", NO_TIME),
        ("gestern", NO_TIME),
        ("1717149600", NO_TIME),
        ("45443.5", NO_TIME),  # Excel's number of a day: of which calendar, nobody can tell
        ("45443,5", NO_TIME),
        ("2024-W22-5T12:00:00Z", NO_TIME),
        ("2024-02-30T12:00:00Z", NO_TIME),
        ("31.02.2024 10:00", NO_TIME),
        ("2024-05-31 24:00", NO_TIME),
        ("2024-05-31 12:60", NO_TIME),
        ("05/31/2024 13:00 PM", NO_TIME),
        ("31.05.24 12:00", NO_TIME),
        ("٢٠٢٤-05-31T12:00:00Z", NO_TIME),
        ("2024-05-31 12:00 CEST", NO_TIME),
        ("0000-00-00 00:00:00", NO_TIME),
        ("2024-05-31", NO_CLOCK),
        ("05.06.2023", NO_CLOCK),
        ("04/05/2024 12:00", NO_ORDER),
        ("2024-03-31 02:30:00", SKIPPED),
        ("1899-12-30 00:00:00", OUT_OF_RANGE),
        ("0001-01-01T00:00:00+02:00", OUT_OF_RANGE),
        ("9999-12-31T23:59:59-12:00", OUT_OF_RANGE),
        ("2024-05-31T12:00:00+23:00", OUT_OF_RANGE),
    ],
)
def test_what_is_no_time_says_why(written: str, sentence: str) -> None:
    with pytest.raises(NoTime) as refused:
        times.instant(written, BERLIN)
    assert refused.value.sentence == sentence


def test_a_time_without_a_zone_needs_one() -> None:
    with pytest.raises(NoTime) as refused:
        times.instant("2024-05-31 12:00:00")
    assert refused.value.sentence == NO_ZONE


@pytest.mark.parametrize(
    ("order", "day"), [("day first", "2024-05-04"), ("month first", "2024-04-05")]
)
def test_the_order_of_a_date_can_be_stated(order: times.Order, day: str) -> None:
    assert times.instant("04/05/2024 12:00", "UTC", order).date().isoformat() == day


@pytest.mark.parametrize(
    "written",
    ["", " ", "0000-00-00 00:00:00", "0000-00-00", "00.00.0000 00:00", "-", "NULL", "N/A", "\\N"],
)
def test_zeros_are_no_time(written: str) -> None:
    assert times.is_none(written)


@pytest.mark.parametrize("written", ["2024-05-31", "10:00", "x", "[]"])
def test_what_has_something_is_something(written: str) -> None:
    assert not times.is_none(written)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("2023-05-02 07:00:00", "2023-05-02T05:00:00.000Z"),
        ("2023-06-03", "2023-06-03"),
        ("3.6.2023", "2023-06-03"),
        ("", ""),
        ("0000-00-00 00:00:00", ""),
        ("neulich", ""),
    ],
)
def test_an_end_needs_no_proof(written: str, text: str) -> None:
    assert times.text(written, BERLIN) == text
