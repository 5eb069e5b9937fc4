"""Settings give our pages and mails the company's name, colours and subjects."""

import math
import re
from datetime import date

import pytest

from bench.cost import size
from chalicelib import aws
from chalicelib.newsletter.stores import growth
from chalicelib.settings import BadSetting, Settings, parse
from tests.backend import Backend

OURS = {
    "COMPANY_NAME": "Firma Ältest",
    "ACCENT": "#123456",
    "ACCENT_DARK": "#fedcba",
    "SUBJECT_CONFIRMATION": "Bitte klicken | Please click",
}


@pytest.mark.parametrize(("language", "subject"), [("de", "Bitte klicken"), ("en", "Please click")])
def test_name_colours_and_subject_come_from_settings(
    backend: Backend, language: str, subject: str
) -> None:
    backend.configure(**OURS, STAGE="local", STAFF_TEST_KEY="key")
    address = f"company-{language}@example.org"
    signup = {"email": address, "consent": f"newsletter-{language}-1", "language": language}
    assert backend.call("POST", "/newsletter/signups", signup).status == 202
    backend.deliver()
    (mail,) = backend.mails(address)
    assert mail["subject"] == subject
    page = backend.call("GET", "/newsletter/access", None, {"accept": "text/html"})
    staff = backend.call(
        "GET", "/staff", None, {"accept": "text/html", "authorization": "Bearer key"}
    )
    assert (page.status, staff.status) == (200, 200)
    for text in (mail["html"], page.text, staff.text):
        assert "Firma Ältest" in text
        assert "#123456" in text
        assert "#fedcba" in text
        assert Settings.accent not in text
        assert Settings.accent_dark not in text


def test_the_badge_has_the_companys_colour(backend: Backend) -> None:
    for accent in (Settings.accent, "#123456"):
        backend.configure(ACCENT=accent)
        badge = backend.call("GET", "/articles/gold/badge.svg").text
        assert re.findall(r"#[0-9a-f]{6}\b", badge) == [accent]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCENT", "green"),
        ("ACCENT_DARK", "#12345"),
        ("ACCENT", "#123456;}"),
        ("SUBJECT_WELCOME", "Willkommen"),
        ("SUBJECT_MISSED", "| Missed"),
    ],
)
def test_what_cannot_be_shown_is_no_setting(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=name):
        parse({name: value})


def test_a_year_of_growth_costs_less_than_a_read_a_day(backend: Backend) -> None:
    """Measure the read units for a year of a million signups, with every counter of every lane.

    The reads are eventually consistent ones.
    """
    # 2,740 signups a day make a million in a year.
    table, day = backend.env["CONTACTS_TABLE"], 2740
    items = [
        {
            "pk": "GROWTH",
            "sk": f"2027-{month:02}-{date:02}#{lane:02}",
            **dict.fromkeys(growth.EVENTS, day),
        }
        for month in range(1, 13)
        for date in range(1, 32)
        for lane in range(growth.LANES)
    ]
    client = aws.client("dynamodb")
    for at in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": aws.pack_item(item)}} for item in items[at : at + 25]]
        client.batch_write_item(RequestItems={table: puts})
    units, calls = 0.0, 0

    def note(parsed: dict[str, list[dict[str, object]]], **_: object) -> None:
        nonlocal units, calls
        calls += 1
        units += math.ceil(sum(map(size, parsed["Items"])) / 4096) / 2

    with backend.hooked("dynamodb", "after-call.dynamodb.Query", note):
        told = growth.by_day(date(2027, 1, 1), date(2027, 12, 31))
    assert len(told) == 12 * 31
    assert {name: told["2027-01-01"][name] for name in growth.EVENTS} == dict.fromkeys(
        growth.EVENTS, day * growth.LANES
    )
    print(f"growth of a year: {calls} calls, {units:.0f} read units (goal: at most 366)")
    assert units <= 366
