"""Callback requests on real tables."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, instants, intake, triggers
from chalicelib.callbacks.stores import requests
from chalicelib.formats import Formats
from chalicelib.messages import message
from tests.backend import FORM, ORIGIN, Backend
from tests.events import Answer

ALWAYS = {"HOTLINE_HOURS": "Mon-Sun 00:00-24:00", "HOTLINE_HOLIDAYS": "", "HOTLINE_EXCEPTIONS": ""}
REQUEST = {"name": "Eva Muster", "phone": "07930 2000", "consent": "callback-de-1"}
PAST = {"from": "2020-01-06T09:00:00+01:00", "to": "2020-01-06T11:00:00+01:00"}
WITHOUT_OFFSET = {"from": "2020-01-06T09:00:00", "to": "2020-01-06T11:00:00"}


def ask(backend: Backend, **more: object) -> Answer:
    return backend.call("POST", "/callbacks", {**REQUEST, **more})


@pytest.fixture
def line(backend: Backend) -> Backend:
    backend.configure(**ALWAYS)
    return backend


def test_request_alert_mail(line: Backend) -> None:
    answer = ask(line, topic="buying", note="Krügerrand", email="eva@example.org")
    assert answer.status == 202
    reference = answer.json["reference"]
    assert set(answer.json) == {"status", "reference", "expected", "phone"}
    line.deliver()
    assert line.states() == dict.fromkeys(line.states(), "sent")
    assert len(line.states()) == 3
    mails = [
        each for each in line.mails("beratung@tauberwerk.example") if reference in each["subject"]
    ]
    assert len(mails) == 1
    for secret in ("Eva", "Muster", "7930", "eva@example.org", "Krügerrand"):
        assert secret not in mails[0]["text"] + mails[0]["subject"]


def test_outside_opening_hours_nothing_is_sent_until_the_line_opens(backend: Backend) -> None:
    closed = (instants.now() + timedelta(days=2)).strftime("%a")
    backend.configure(**{**ALWAYS, "HOTLINE_HOURS": f"{closed} 09:00-17:00"})
    expected = ask(backend).json["expected"]
    backend.deliver()
    assert set(backend.states().values()) == {"due"}
    opens = instants.parse(expected["from"])
    backend.tick(opens - timedelta(seconds=1))
    assert set(backend.states().values()) == {"due"}
    backend.tick(opens)
    assert set(backend.states().values()) == {"sent"}


def test_a_second_request_is_a_further_wish_and_is_answered_alike(line: Backend) -> None:
    first = ask(line)
    second = ask(line, phone="+49 (0)7930 2000", name="Jemand anderes")
    fresh = ask(line, phone="0151 23456789")
    assert first.json.keys() == second.json.keys() == fresh.json.keys()
    references = [each.json["reference"] for each in (first, second, fresh)]
    assert len(set(references)) == 3
    found = [requests.load(each) for each in references]
    assert [each and each.reference for each in found] == [
        references[0],
        references[0],
        references[2],
    ]
    assert found[1]
    assert [each.asked.name for each in found[1].wishes] == ["Eva Muster", "Jemand anderes"]
    # Two requests and a further wish, with an event and a proof of consent each; three references.
    assert len(line.items(prefix="CALLBACK#")) == 2 * 3 + 2 + 3


def test_ten_equal_requests_at_once_are_one_request_and_one_alert(line: Backend) -> None:
    line.takes_in = False
    line.configure(LIMIT_CALLBACKS_PER_CALLER="10")
    references = {ask(line).json["reference"] for _ in range(10)}
    kept = line.items(prefix="INTAKE#")
    together = threading.Barrier(10)

    def take(item: dict[str, Any]) -> None:
        together.wait()
        intake.take(intake.of_image(aws.pack_item(item)), triggers.takers())

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(take, kept))
    (merged,) = {each.reference: each for each in map(requests.load, references) if each}.values()
    reference = merged.reference
    assert [len(merged.wishes), len(merged.lead.also)] == [1, 9]
    assert sorted(line.states()) == sorted(
        f"{kind}_{reference}_10" for kind in ("callback-alert", "callback-alert-mail")
    )
    assert line.items(prefix="INTAKE#") == []
    print("merge: 10 equal requests at once, 1 request, 1 alert")


def test_wished_windows_come_from_the_slots(line: Backend) -> None:
    slots = line.call("GET", "/callbacks/slots?days=3").json["slots"]
    answer = ask(line, window=slots[3])
    assert answer.status == 202
    assert answer.json["expected"] == slots[3]
    window = f"{slots[4]['from']}/{slots[4]['to']}"
    form = f"name=Eva&phone=0151+23456789&consent=callback-de-1&window={window}&email="
    posted = line.call("POST", "/callbacks", form.replace("+0", "%2B0"), {"content-type": FORM})
    assert (posted.status, posted.headers["location"]) == (303, f"{ORIGIN}/danke")


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_of_a_plain_form_promises_what_the_mail_does(line: Backend, language: str) -> None:
    line.configure(THANK_YOU_PAGES="")
    form = f"name=Eva&phone=0151+23456788&consent=callback-{language}-1&language={language}"
    shown = line.call(
        "POST", "/callbacks", form, {"content-type": FORM, "accept-language": language}
    )
    (stored,) = map(requests.load, re.findall(r"R-\w{4}", shown.text))
    assert stored
    assert Formats(language, "Europe/Berlin").window(*stored.expected) in shown.text


@pytest.mark.parametrize(
    ("given", "field", "code"),
    [
        ({"phone": "+49 900 1234567"}, "phone", "phone_kind"),
        ({"phone": "0180 5 123456"}, "phone", "phone_kind"),
        ({"phone": "+53 5 1234567"}, "phone", "phone_region"),
        ({"phone": "110"}, "phone", "phone_kind"),
        ({"phone": "07930 2698 / 2697"}, "phone", "phone_two"),
        ({"phone": "07930 2698 Eva"}, "phone", "phone_letters"),
        ({"phone": "0171 123456"}, "phone", "phone_country"),
        ({"phone": "+49 7930-2699"}, "phone", "phone_own"),
        ({"phone": ""}, "phone", "required"),
        ({"name": "Gewinn http://evil.tk"}, "name", "url"),
        ({"name": "Gewinn evil.tk"}, "name", "url"),
        ({"name": " "}, "name", "required"),
        ({"name": "x" * 101}, "name", "too_long"),
        ({"note": "x" * 501}, "note", "too_long"),
        ({"note": "[url=http://evil.tk]x[/url]"}, "note", "markup"),
        ({"topic": "weather"}, "topic", "choice"),
        ({"consent": "callback-de-99"}, "consent", "consent"),
        ({"email": "nonsense"}, "email", "email"),
        ({"window": "soon"}, "window", "type"),
        ({"window": PAST}, "window", "window_over"),
        ({"window": WITHOUT_OFFSET}, "window", "type"),
    ],
)
def test_what_cannot_be_accepted_names_its_field(
    line: Backend, given: dict[str, object], field: str, code: str
) -> None:
    answer = ask(line, **given)
    assert answer.status == 422
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [(field, code)]
    assert line.items() == []


# A note has lines, and a tab between a name's or a number's parts is a blank: `test_typed`.
@pytest.mark.parametrize(
    ("field", "text"),
    [
        (field, text)
        for field in ("name", "phone", "email", "note", "page", "consent", "website")
        for text in ("x\r\nBcc: e@x.y", "a\tb", "a\u2028b", "a\x7fb")
        if field != "note" or text == "a\x7fb"
        if field not in ("name", "phone") or text != "a\tb"
    ],
)
def test_control_characters_are_refused_in_every_field(
    line: Backend, field: str, text: str
) -> None:
    answer = ask(line, **{field: text})
    assert answer.status == 422
    assert ("control_characters") in {each["code"] for each in answer.json["errors"]}
    assert line.items() == []


def test_five_an_hour_from_one_address(one_hour: None, line: Backend) -> None:
    statuses = [ask(line, phone=f"0151 2345678{n}").status for n in range(7)]
    assert statuses == [202] * 5 + [429] * 2
    print(f"abuse: of 7 requests an hour from one address {statuses.count(202)} taken")


def test_markup_comes_out_escaped(line: Backend) -> None:
    form = "name=%3Cimg+src%3Dx+onerror%3D1%3E&phone=07930+2000&consent=callback-de-1&next=none"
    page = line.call("POST", "/callbacks", form, {"content-type": FORM, "accept": "text/html"})
    assert page.status == 200
    assert "<img" not in page.text


def test_the_hotline_tells_its_hours(backend: Backend) -> None:
    backend.configure(
        **{**ALWAYS, "HOTLINE_HOURS": "Mon-Thu 09:00-12:30 13:30-17:00; Fri 09:00-15:00"}
    )
    line = backend.call("GET", "/hotline").json
    assert line["number"] == "+4979302699"
    assert line["display"] == "+49 7930 2699"
    assert line["timezone"] == "Europe/Berlin"
    assert line["hours"]["mon"] == [["09:00", "12:30"], ["13:30", "17:00"]]
    assert line["hours"]["sun"] == []
    assert (line["opens_at"] is None) == line["open"]
    assert (line["closes_at"] is None) == (not line["open"])


def test_the_hotline_tells_a_night_by_its_days(backend: Backend) -> None:
    backend.configure(**{**ALWAYS, "HOTLINE_HOURS": "Sun 22:00-06:00; Mon 09:00-17:00"})
    hours = backend.call("GET", "/hotline").json["hours"]
    assert (hours["sun"], hours["tue"]) == ([["22:00", "24:00"]], [])
    assert hours["mon"] == [["00:00", "06:00"], ["09:00", "17:00"]]


def test_slots_are_of_open_days_even_after_two_closed_weeks(backend: Backend) -> None:
    today = instants.day(instants.now(), "Europe/Berlin")
    closed = f"{today}..{today + timedelta(days=14)} closed"
    backend.configure(HOTLINE_HOURS="Mon-Sun 09:00-11:00", HOTLINE_EXCEPTIONS=closed)
    found = backend.call("GET", "/callbacks/slots?days=3").json["slots"]
    assert len({each["from"][:10] for each in found}) == 3
    assert backend.call("POST", "/callbacks", {**REQUEST, "window": found[-1]}).status == 202
    backend.configure(HOTLINE_HOURS="Mon-Sun closed", HOTLINE_EXCEPTIONS="")
    assert backend.call("GET", "/callbacks/slots?days=30").json["slots"] == []


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_is_wrong_with_a_window_is_told_apart(line: Backend, language: str) -> None:
    now = instants.now()
    for begins, ends, code in (
        (-60, 10, "window_begun"),
        (-60, -10, "window_over"),
        (60, 70, "window_length"),
        (60, 301, "window_length"),
        (31 * 1440, 31 * 1440 + 60, "window_far"),
        (-60, 20, ""),
        (60, 120, ""),
    ):
        ends_at = (now + timedelta(minutes=each) for each in (begins, ends))
        window = dict(zip(("from", "to"), map(instants.text, ends_at), strict=True))
        answer = ask(line, window=window, language=language)
        if not code:
            assert answer.status == 202
            continue
        (error,) = answer.json["errors"]
        assert (answer.status, error["field"], error["code"]) == (422, "window", code)
        assert error["message"] == message(code, language)
    line.configure(HOTLINE_HOURS="Mon-Sun closed", HOTLINE_EXCEPTIONS=f"{now:%Y-%m-%d} 00:00-00:01")
    (error,) = ask(line, window=window).json["errors"]
    assert error["code"] == "window"


def test_a_line_that_is_open_around_the_clock_never_closes(line: Backend) -> None:
    told = line.call("GET", "/hotline").json
    assert (told["open"], told["opens_at"], told["closes_at"]) == (True, None, None)
