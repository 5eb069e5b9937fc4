"""Every line of the tables of numbers, names and notes, from the form to what is stored."""

import re
from urllib.parse import urlencode

import pytest

from chalicelib.callbacks.model import Callback
from chalicelib.callbacks.stores import requests
from chalicelib.messages import MESSAGES
from tests import cases
from tests.backend import FORM, Backend
from tests.cases import PhoneCase, TextCase
from tests.edge.staff import STAFF, Agent, ask
from tests.events import Answer

REQUEST = {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}
HTML = {"accept": "text/html"}


def stored(answer: Answer) -> Callback:
    """Return the request that an answer tells of, which may be a page."""
    reference = re.search(r"R-\w+", answer.text)
    assert reference
    found = requests.load(reference[0])
    assert found
    return found


def refused(answer: Answer, field: str) -> str:
    """Return the code by which a field was refused; empty where it was for another reason."""
    if not 400 <= answer.status < 500:
        return ""
    if answer.json["code"] == "malformed":
        return "malformed"
    (error,) = answer.json["errors"]
    assert error["code"] in MESSAGES
    return str(error["code"]) if error["field"] == field else ""


def judge_number(case: PhoneCase, answer: Answer) -> str:
    """Return what is wrong with the answer to a number; empty if nothing is."""
    if answer.status != 202:
        code = refused(answer, "phone")
        empty = code in ("required", "too_long", "control_characters")
        fits = case.fits(code) or (empty and code in case.answer.split(" | "))
        return "" if fits else f"refused by {code}"
    phone, kept = answer.json["phone"], stored(answer).asked
    read = phone["e164"] + (f" x{phone['extension']}" if phone["extension"] else "")
    if not case.fits(read):
        return f"read as {read}"
    if (kept.phone, kept.extension) != (phone["e164"], phone["extension"]):
        return f"stored as {kept.phone} x{kept.extension}"
    shown = "".join(each for each in phone["display"] if each.isdigit())
    if phone["display"][0] != "+" or f"+{shown}" != phone["e164"] + phone["extension"]:
        return f"shown as {phone['display']}"
    return ""


def test_every_number_is_stored_and_shown_as_the_tables_say(line: Backend) -> None:
    wrong, accepted = {}, 0
    given = list(cases.phones())
    for regions in dict.fromkeys(each.regions for each in given):
        line.configure(PHONE_REGIONS=regions)
        for case in given:
            if case.regions != regions:
                continue
            answer = line.call("POST", "/callbacks", {**REQUEST, "phone": case.typed})
            accepted += answer.status == 202
            if fault := judge_number(case, answer):
                wrong[case.id] = fault
    assert wrong == {}
    assert accepted >= 70
    print(f"\nnumbers: {len(given)} lines as the tables say, {accepted} accepted")


def judge_text(case: TextCase, answer: Answer) -> str:
    """Return what is wrong with the answer to a name or a note; empty if nothing is."""
    if answer.status >= 300:
        code = refused(answer, case.field)
        return "" if code and case.may_be_refused(code) else f"refused by {code}"
    kept = str(getattr(stored(answer).asked, case.field))
    return "" if case.fits(kept) else f"stored as {kept!r}"


def test_every_name_and_note_is_stored_as_the_tables_say(line: Backend) -> None:
    wrong, given = {}, list(cases.names_and_notes())
    for number, case in enumerate(given):
        body = {**REQUEST, "phone": f"0151 2{number:07}", case.field: case.typed}
        if fault := judge_text(case, line.call("POST", "/callbacks", body)):
            wrong[case.id] = fault
    assert wrong == {}
    print(f"\nnames and notes: {len(given)} lines as the tables say")


def test_every_note_of_a_plain_form_is_stored_as_the_tables_say(line: Backend) -> None:
    line.configure(THANK_YOU_PAGES="")
    wrong, given = {}, [each for each in cases.names_and_notes() if each.field == "note"]
    for number, case in enumerate(given):
        body = {**REQUEST, "phone": f"0151 2{number:07}", "note": case.typed}
        answer = line.call("POST", "/callbacks", urlencode(body), {"content-type": FORM})
        if fault := judge_text(case, answer):
            wrong[case.id] = fault
    assert wrong == {}


def test_an_extension_is_read_back_kept_and_dialled(line: Backend, sam: Agent) -> None:
    body = {**REQUEST, "phone": "07930 2001 DW 12"}
    answer = line.call("POST", "/callbacks", body)
    assert answer.json["phone"] == {
        "e164": "+4979302001",
        "extension": "12",
        "display": "+49 7930 2001, Durchwahl 12",
    }
    english = line.call("POST", "/callbacks", {**body, "language": "en"})
    assert english.json["phone"]["display"] == "+49 7930 2001, extension 12"
    reference = answer.json["reference"]
    claimed = sam.do(reference, "claim").json["contact"]
    assert (claimed["phone"], claimed["extension"]) == ("+4979302001", "12")
    assert claimed["dial"] == "tel:+4979302001;ext=12"
    sam.do(reference, "dial")
    page = line.call("GET", f"{STAFF}/{reference}", None, {**sam.headers, **HTML}).text
    assert 'href="tel:+4979302001;ext=12"' in page
    assert "+49 7930 2001" in page
    assert "Durchwahl 12" in page


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_of_a_plain_form_shows_the_number(line: Backend, language: str) -> None:
    line.configure(THANK_YOU_PAGES="")
    body = {
        **REQUEST,
        "phone": "0664 1234567 DW 3",
        "consent": f"callback-{language}-1",
        "language": language,
    }
    page = line.call("POST", "/callbacks", urlencode(body), {"content-type": FORM, **HTML})
    said = {
        "de": ("Ihre Telefonnummer:", "+49 6641 234567, Durchwahl 3"),
        "en": ("Your telephone number:", "+49 6641 234567, extension 3"),
    }
    assert all(each in page.text for each in said[language])


def test_the_mail_names_the_last_three_digits_and_no_more(line: Backend) -> None:
    ask(
        line,
        phone="0171 3920123 DW 98765",
        email="eva@example.org",
        name="Muster",
        note="Krügerrand",
    )
    line.deliver()
    (mail,) = line.mails("eva@example.org")
    assert "die auf 123 endet" in " ".join(mail["text"].split())
    assert "die auf" in mail["html"]
    for secret in ("0123", "3920", "+49171", "98765", "Muster", "Krügerrand"):
        assert secret not in mail["text"] + mail["html"] + mail["subject"], secret


def test_a_note_shows_its_lines_to_the_staff(line: Backend, sam: Agent) -> None:
    reference = ask(line, note="Ring, 750er\r\nBitte vormittags.")
    sam.do(reference, "claim")
    page = line.call("GET", f"{STAFF}/{reference}", None, {**sam.headers, **HTML}).text
    assert '<dd class="lines">Ring, 750er\nBitte vormittags.</dd>' in page
