"""The calendar file, as another library reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from chalicelib.callbacks import calendar
from tests.callbacks.cases import WINDOW, at

LINK = "https://contact.site.example/callbacks/change?token=abc.def"
STAMP = at("Mon 10:00")


def made(**changes: Any) -> str:
    given: dict[str, Any] = {
        "uid": "R-7F3K@contact.site.example",
        "window": WINDOW,
        "summary": "Rückruf von Tauberwerk",
        "description": "Vorgangsnummer R-7F3K; verlegen, absagen:\nauf unserer Seite",
        "url": LINK,
        "stamp": STAMP,
    }
    return calendar.event(**{**given, **changes})


def read(written: str) -> Any:
    (event,) = Calendar.from_ical(written).walk("VEVENT")
    return event


def test_another_library_reads_what_was_written() -> None:
    written = made()
    whole = Calendar.from_ical(written)
    assert (whole["VERSION"], whole["METHOD"]) == ("2.0", "PUBLISH")
    assert whole.errors == []
    event = read(written)
    assert event.errors == []
    assert event["UID"] == "R-7F3K@contact.site.example"
    assert event["SUMMARY"] == "Rückruf von Tauberwerk"
    assert event["DESCRIPTION"] == ("Vorgangsnummer R-7F3K; verlegen, absagen:\nauf unserer Seite")
    assert event["URL"] == LINK
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 0)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == WINDOW
    assert event["DTSTAMP"].dt == STAMP
    assert "DTSTART:20261124T120000Z\r\n" in written


def test_a_call_that_was_cancelled_or_moved_changes_the_same_entry() -> None:
    later = tuple(each + timedelta(days=1) for each in WINDOW)
    moved, cancelled = read(made(window=later, sequence=1)), read(made(sequence=2, cancelled=True))
    assert (moved["STATUS"], moved["SEQUENCE"], moved["DTSTART"].dt) == ("CONFIRMED", 1, later[0])
    assert (cancelled["STATUS"], cancelled["SEQUENCE"]) == ("CANCELLED", 2)
    assert moved["UID"] == cancelled["UID"] == read(made())["UID"]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "\u2028"])
def test_no_text_begins_a_property_of_its_own(line_end: str) -> None:
    evil = f"a{line_end}ATTENDEE:mailto:x@y.example"
    event = read(made(summary=evil, uid=evil, url=f"{LINK}{line_end}ATTENDEE:x"))
    assert "ATTENDEE" not in event
    assert event["SUMMARY"] == "a\nATTENDEE:mailto:x@y.example"


texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))).map(str.strip)


@given(texts, texts, st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_any_text_comes_through_in_lines_of_75_octets(
    summary: str, description: str, stamp: datetime
) -> None:
    written = made(summary=summary, description=description, stamp=stamp.replace(tzinfo=UTC))
    assert written.endswith("END:VCALENDAR\r\n")
    assert "\n" not in written.replace("\r\n", "")
    assert max(len(line.encode()) for line in written.split("\r\n")) <= 75
    event = read(written)
    assert event.get("SUMMARY", "") == summary
    assert event.get("DESCRIPTION", "") == description
