"""The staff's pages without a browser: what each shows to whom, and posts of plain forms."""

import hashlib
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib import aws, instants
from chalicelib.auth import person as staff
from chalicelib.auth import session
from chalicelib.formats import Formats
from tests.backend import Backend
from tests.edge.staff import ALWAYS, STAFF, Agent, ask, backdate
from tests.events import Answer

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def line(backend: Backend) -> Backend:
    backend.configure(
        **ALWAYS, STAFF_TEST_KEY="key", STAGE="local", LIMIT_CALLBACKS_PER_CALLER="1000"
    )
    return backend


class Person(Agent):
    """One of the staff at a browser that runs no script."""

    def open(self, path: str = "/staff", **headers: str) -> Answer:
        return self.backend.call(
            "GET", path, None, {**self.headers, "accept": "text/html", **headers}
        )

    def press(self, reference: str, **fields: str) -> Answer:
        headers = {**self.headers, **FORM, "accept": "text/html"}
        return self.backend.call("POST", f"{STAFF}/{reference}", urlencode(fields), headers)


@pytest.fixture
def anna(line: Backend) -> Person:
    return Person(line)


def test_the_path_shows_people_a_page_and_programs_the_same_as_ever(
    line: Backend, anna: Person
) -> None:
    reference = ask(line)
    assert "Übernehmen" in anna.open(f"{STAFF}/{reference}").text
    assert "Eva Muster" not in anna.open(f"{STAFF}/{reference}").text
    for accept in ("", "*/*", "application/json", "application/json, text/html"):
        answer = anna.open(f"{STAFF}/{reference}", accept=accept)
        assert (answer.status, answer.json["id"]) == (200, reference), accept
    assert anna.open(f"{STAFF}/R-NONE").status == 404


def test_a_press_is_answered_by_a_redirect_and_a_late_one_by_the_page_and_why(
    line: Backend, anna: Person
) -> None:
    reference = ask(line)
    taken = anna.press(reference, action="claim")
    assert (taken.status, taken.headers["location"]) == (
        303,
        f"https://contact.site.example{STAFF}/{reference}",
    )
    late = Person(line, "Ben").press(reference, action="claim")
    assert late.status == 409
    assert "Anna hat den Rückruf schon übernommen." in late.text
    assert "07930" not in late.text
    kept = anna.press(reference, action="settle", outcome="later", note="Donnerstag?")
    assert kept.status == 422
    assert 'value="Donnerstag?"' in kept.text


def test_nothing_new_is_no_answer(line: Backend, anna: Person) -> None:
    """Check that the board's version depends on its cards, the viewer and the language.

    It does not depend on the running clocks.
    """
    ask(line)
    page = anna.open()
    version = (
        page.text.partition('data-version="')[2].partition('" data-open')[0].replace("&#34;", '"')
    )
    assert anna.open(**{"if-none-match": version}).status == 304
    assert anna.open(**{"if-none-match": version, "accept-language": "en"}).status == 200
    assert Person(line, "Ben").open(**{"if-none-match": version}).status == 200
    ask(line, phone="07930 2001")
    assert anna.open(**{"if-none-match": version}).status == 200


def test_spans_of_minutes_are_written_alike() -> None:
    assert [Formats("de", "Europe/Berlin").minutes(each) for each in (0, 59, 60, 65, 630)] == [
        "0 min",
        "59 min",
        "1 h 00 min",
        "1 h 05 min",
        "10 h 30 min",
    ]


def test_each_state_has_its_screen(line: Backend, anna: Person) -> None:
    told = []

    def shown(words: str, reference: str) -> None:
        answer = anna.open(f"{STAFF}/{reference}")
        assert (answer.status, words in answer.text) == (200, True), words
        told.append(words)

    ended = {
        "reached": "Beendet: erledigt",
        "refused": "Beendet: kein Anruf erwünscht",
        "no_answer": "Nicht erreicht. Der nächste Versuch",
        "busy": "Nicht erreicht. Der nächste Versuch",
        "mailbox": "Nicht erreicht. Der nächste Versuch",
        "wrong_number": "Beendet: falsche Nummer",
    }
    for number, (outcome, words) in enumerate(ended.items()):
        reference = ask(line, phone=f"07930 21{number:02}")
        anna.press(reference, action="claim")
        shown("Wie ging es aus?", reference)
        assert anna.press(reference, action="settle", outcome=outcome).status == 303
        shown(words, reference)
    reference = ask(line, phone="07930 2200")
    anna.press(reference, action="claim")
    slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
    anna.press(reference, action="settle", outcome="later", window=f"{slot['from']}/{slot['to']}")
    shown("wenn es so weit ist", reference)
    held = ask(line, phone="07930 2201")
    Person(line, "Ben").press(held, action="claim")
    shown("Ben hat diesen Rückruf übernommen.", held)
    Person(line, "Ben").press(held, action="handover", to="Anna")
    shown("Annehmen", held)
    for state, words in {
        "cancelled": "abgesagt",
        "unreached": "nicht erreicht",
        "expired": "verfallen",
    }.items():
        reference = ask(line, phone=f"07930 23{len(told):02}")
        backdate(line, reference, state=state, ended_at=instants.text(instants.now()))
        shown(f"Beendet: {words}", reference)
    print(f"\nscreens {len(told)}")


def test_no_press_loses_a_note_that_is_not_kept_yet(line: Backend, anna: Person) -> None:
    """Check that each page returns a note that is not stored yet, whatever was pressed.

    This is for browsers without a script.
    """
    reference = ask(line)
    typed = {"note": "Will <Gold> & Silber"}
    field = 'value="Will &lt;Gold&gt; &amp; Silber"'
    for action in (
        {"action": "claim"},
        {"action": "dial"},
        {"action": "handover", "to": "Ben"},
        {"action": "release"},
    ):
        answer = anna.press(reference, **action, **typed)
        assert (answer.status in (200, 409), field in answer.text) == (True, True), action
    anna.press(reference, action="claim")
    nobody = anna.press(reference, action="handover", **typed)
    assert (nobody.status, field in nobody.text, "Bitte ausfüllen." in nobody.text) == (
        422,
        True,
        True,
    )
    anna.press(reference, action="release")
    Person(line, "Ben").press(reference, action="claim")
    late = anna.press(reference, action="settle", outcome="reached", **typed)
    assert (late.status, field in late.text, "noch nicht gespeichert" in late.text) == (
        409,
        True,
        True,
    )
    assert anna.press(reference, action="called_in", **typed).text.count(field) == 1
    assert _stored(line, reference)["attempts"][0]["note"] == ""


def test_the_note_and_every_button_beside_it_are_one_form(line: Backend, anna: Person) -> None:
    reference = ask(line)
    anna.press(reference, action="claim")
    page = anna.open(f"{STAFF}/{reference}").text
    buttons = re.findall(r"<button([^>]*)", page.partition('id="live"')[2])
    outside = buttons[: buttons.index(' class="second" name="outcome" value="reached"')]
    assert [each for each in outside if 'form="outcome"' not in each] == []
    assert "disabled" in outside[0]  # Enter in the note presses this one


def test_to_whom_it_was_offered_is_in_the_history_by_name(line: Backend, anna: Person) -> None:
    session.begin(staff.Person("ben-id", "Ben Beispiel", "agent"), "his", instants.now())
    reference = ask(line)
    anna.press(reference, action="claim")
    anna.press(reference, action="handover", to="ben-id")
    for who in (anna, Person(line, "Cem")):
        page = who.open(f"{STAFF}/{reference}").text
        assert "Übergabe angeboten: Ben Beispiel" in page
        assert "ben-id" not in page.partition("Verlauf")[2]
    anna.press(reference, action="handover", to="Dora")  # nobody signs in with this name
    assert "Übergabe angeboten: Dora" in anna.open(f"{STAFF}/{reference}").text


def test_given_back_twice_says_so_and_no_more(line: Backend, anna: Person) -> None:
    reference = ask(line)
    anna.press(reference, action="claim")
    for _ in range(2):
        assert anna.press(reference, action="release").status == 303
        page = anna.open(f"{STAFF}/{reference}").text
        assert "Zurückgegeben: Der Rückruf steht wieder auf der Liste." in page
        assert 'role="alert">' not in page.partition('id="said"')[2]


@pytest.mark.parametrize("language", ["de", "en"])
def test_an_error_keeps_the_staffs_frame(line: Backend, anna: Person, language: str) -> None:
    def throttle(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="dynamodb")

    def failing(event: str) -> Answer:
        with line.hooked(
            "dynamodb", "before-send.dynamodb", throttle if event == "503" else _fault
        ):
            return anna.open(f"{STAFF}/R-NONE", **{"accept-language": language})

    english = language == "en"
    told = {
        403: anna.open("/staff/figures", **{"accept-language": language}),
        404: anna.open(f"{STAFF}/R-NONE", **{"accept-language": language}),
        503: failing("503"),
        500: failing("500"),
    }
    for status, answer in told.items():
        assert answer.status == status
        assert ("Sign out" if english else "Abmelden") in answer.text
        assert ("To the callbacks" if english else "Zu den Rückrufen") in answer.text
        assert (">Imprint</a>" if english else ">Impressum</a>") in answer.text
        assert answer.headers["content-security-policy"].startswith(
            "default-src 'none'; style-src 'nonce-"
        )
    assert ("no callback R-NONE" if english else "Den Vorgang R-NONE gibt es nicht") in told[
        404
    ].text
    stranger = line.call("POST", "/staff/sign-out", "", {**FORM, "accept": "text/html"})
    assert (stranger.status, "Abmelden" in stranger.text, "Anmelden" in stranger.text) == (
        401,
        False,
        True,
    )
    assert "noch da" in stranger.text


def _fault(**_: object) -> None:
    raise ZeroDivisionError("a fault of ours")


def test_a_call_outside_the_wished_time_is_confirmed_first(line: Backend, anna: Person) -> None:
    reference = ask(line)
    anna.press(reference, action="claim")
    later = instants.now() + timedelta(days=1)
    asked = {
        **_stored(line, reference)["asked"],
        "window": [instants.text(later + timedelta(hours=each)) for each in (0, 2)],
    }
    backdate(line, reference, asked=asked)
    page = anna.open(f"{STAFF}/{reference}").text
    assert "Gewünscht war eine andere Zeit." in page
    assert "tel:" not in page
    assert anna.press(reference, action="dial").status == 409
    assert anna.press(reference, action="dial", outside_window="1").status == 303
    assert "tel:+4979302000" in anna.open(f"{STAFF}/{reference}").text


def _stored(line: Backend, reference: str) -> dict[str, Any]:
    item = aws.get(line.env["CONTACTS_TABLE"], {"pk": f"CALLBACK#{reference}", "sk": "CALLBACK"})
    assert item
    return item


def test_a_board_that_looks_for_news_does_not_keep_its_session_alive(line: Backend) -> None:
    now = instants.now()
    person = staff.Person("anna", "Anna", "agent")
    watched, used = (session.begin(person, cause, now) for cause in ("one", "two"))
    for minutes in range(1, 45):
        at = now + timedelta(minutes=minutes)
        gate_sees = session.find(watched, at, touch=False)
        assert (gate_sees is not None) == (minutes < 30)
        assert session.find(used, at) == person
    cookie = {"cookie": f"__Host-staff={used}", "accept": "text/html"}
    aged = {"pk": f"SESSION#{hashlib.sha256(used.encode()).hexdigest()}", "sk": "SESSION"}
    long_ago = instants.text(now - timedelta(minutes=20))
    aws.write(
        aws.update(
            line.env["CONTACTS_TABLE"], aged, "SET seen = :seen, began = :seen", seen=long_ago
        )
    )
    assert line.call("GET", "/staff", headers={**cookie, "x-poll": "1"}).status == 200
    assert _seen(line, aged) == long_ago
    assert line.call("GET", "/staff", headers=cookie).status == 200
    assert _seen(line, aged) > long_ago


def _seen(line: Backend, key: dict[str, str]) -> str:
    item = aws.get(line.env["CONTACTS_TABLE"], key)
    assert item
    return str(item["seen"])


def test_colleagues_are_who_signed_in_within_thirty_days(line: Backend) -> None:
    now = instants.now()
    session.begin(staff.Person("anna", "Anna", "agent"), "a", now - timedelta(days=31))
    session.begin(staff.Person("ben", "Ben", "agent"), "b", now - timedelta(days=29))
    assert session.colleagues(now) == {"ben": "Ben"}
    session.begin(staff.Person("anna", "Anna A.", "agent"), "c", now)
    assert session.colleagues(now) == {"anna": "Anna A.", "ben": "Ben"}
