"""The staff's pages without a browser: what each shows to whom, and posts of plain forms."""

import hashlib
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib import aws, instants
from chalicelib.auth import person as staff
from chalicelib.auth import session
from chalicelib.formats import Formats
from tests.backend import Backend
from tests.edge.staff import ALWAYS, STAFF, Agent, age, ask, ask_for, backdate, rewrite
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
    assert ">Donnerstag?</textarea>" in kept.text


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


def comments(anna: Person, reference: str) -> list[str]:
    said = anna.get(f"{STAFF}/{reference}").json["comments"]
    return [each["text"] for each in said]


def test_no_press_loses_a_note(line: Backend, anna: Person) -> None:
    """Check that each press, done or refused, keeps the note as a comment, and the page says so.

    An outcome keeps it itself; where a field of the outcome is missing, the note is still there.
    """
    reference = ask(line)
    ben = Person(line, "Ben")
    for number, (action, status) in enumerate(
        {"claim": 303, "dial": 303, "release": 303, "take": 403}.items()
    ):
        answer = anna.press(reference, action=action, note=f"<Gold> {number}")
        assert answer.status == status, action
    anna.press(reference, action="claim")
    assert comments(anna, reference) == ["<Gold> 0", "<Gold> 1", "<Gold> 2"]
    assert "&lt;Gold&gt; 2" in anna.open(f"{STAFF}/{reference}").text
    nobody = anna.press(reference, action="handover", note="für Ben")
    assert (nobody.status, "Bitte ausfüllen." in nobody.text) == (422, True)
    assert "Ihre Notiz ist als Kommentar gespeichert." in nobody.text
    assert ">für Ben</textarea>" not in nobody.text
    untimed = anna.press(reference, action="settle", outcome="later", note="Donnerstag")
    assert (untimed.status, ">Donnerstag</textarea>" in untimed.text) == (422, True)
    assert "gespeichert" not in untimed.text.partition('id="live"')[0].partition("notice")[2]
    late = ben.press(reference, action="settle", outcome="reached", note="Freitag")
    assert (late.status, "Ihre Notiz ist als Kommentar gespeichert." in late.text) == (409, True)
    assert "Freitag" not in late.text  # it is for whoever has the request
    assert comments(anna, reference)[3:] == ["für Ben", "Freitag"]
    assert anna.press(reference, action="settle", outcome="reached", note="Kommt").status == 303
    assert anna.get(f"{STAFF}/{reference}").json["calls"][-1]["note"] == "Kommt"


def test_all_that_can_be_pressed_is_one_form(line: Backend, anna: Person) -> None:
    """Check that each button sends the note: there is one form, and Enter presses nothing."""
    sam = Person(line, "Sam", "supervisor")
    reference = ask(line)
    pages = [sam.open(f"{STAFF}/{reference}").text]
    anna.press(reference, action="claim")
    pages += [anna.open(f"{STAFF}/{reference}").text, sam.open(f"{STAFF}/{reference}").text]
    anna.press(reference, action="settle", outcome="reached")
    pages += [anna.open(f"{STAFF}/{reference}").text, sam.open(f"{STAFF}/{reference}").text]
    for page in pages:
        form = page.partition('id="live"')[2]
        assert form.count("<form") == 0
        assert form.count('name="note"') == 1
        assert re.findall(r"<button([^>]*)", form)[0] == " disabled hidden"


def test_a_comment_in_every_state(line: Backend, anna: Person) -> None:
    reference = ask(line)
    assert anna.press(reference, action="comment").status == 422
    for number, press in enumerate(
        ({}, {"action": "claim"}, {"outcome": "reached"}, {"action": "undo"})
    ):
        anna.press(reference, **press)
        assert anna.press(reference, action="comment", note=f"Nr. {number}").status == 303
    assert comments(anna, reference) == ["Nr. 0", "Nr. 1", "Nr. 2", "Nr. 3"]
    seen = Person(line, "Ben").open(f"{STAFF}/{reference}").text
    assert "Nr. 0" not in seen  # before a claim


def test_ten_minutes_to_undo(line: Backend, anna: Person) -> None:
    reference = ask(line)
    for outcome in ("reached", "busy", "refused", "wrong_number"):
        anna.press(reference, action="claim")
        anna.press(reference, action="settle", outcome=outcome)
        page = anna.open(f"{STAFF}/{reference}").text
        assert re.search(r'value="undo">Rückgängig machen</button>.*noch bis \d\d:\d\d Uhr', page)
        assert 'value="undo"' not in Person(line, "Ben").open(f"{STAFF}/{reference}").text
        assert anna.press(reference, action="undo").status == 303
        page = anna.open(f"{STAFF}/{reference}").text
        assert "Der letzte Schritt ist rückgängig gemacht." in page
        assert "Wie ging es aus?" in page
    anna.press(reference, action="settle", outcome="reached")
    age(line, reference, 10)
    assert 'value="undo"' not in anna.open(f"{STAFF}/{reference}").text
    late = anna.press(reference, action="undo")
    assert (late.status, "zehn Minuten" in late.text) == (409, True)


def held(line: Backend, anna: Person, **more: object) -> str:
    """Return a request for a number that was blocked."""
    first = ask(line)
    anna.press(first, action="claim")
    anna.press(first, action="settle", outcome="wrong_number")
    return ask(line, **more)


def test_a_held_request_is_seen_and_decided_by_supervisors(line: Backend, anna: Person) -> None:
    sam = Person(line, "Sam", "supervisor")
    reference = held(line, anna, note="Krügerrand", email="eva@example.org")
    assert 'id="on-' not in anna.open("/staff?state=held").text
    assert f"Über {reference} entscheiden" in sam.open("/staff?state=held").text
    page = anna.open(f"{STAFF}/{reference}").text
    assert "entscheidet die Leitung" in page
    for hidden in ("Krügerrand", "Eva Muster", "2000", 'value="admit"', 'value="decline"'):
        assert hidden not in page.partition("</style>")[2].partition("<script")[0], hidden
    page = sam.open(f"{STAFF}/{reference}").text
    for shown in ("Krügerrand", "Eva Muster", "+49 7930 2000", 'value="admit"', "per E-Mail"):
        assert shown in page, shown
    assert "tel:" not in page
    assert anna.press(reference, action="admit").status == 403
    assert anna.press(reference, action="claim").status == 409
    assert sam.press(reference, action="decline").status == 303
    page = sam.open(f"{STAFF}/{reference}").text
    assert "Beendet: abgelehnt" in page
    assert "Entschieden: Wir rufen nicht an" in page
    assert sam.press(reference, action="undo").status == 303
    assert sam.press(reference, action="admit").status == 303
    assert "Übernehmen" in anna.open(f"{STAFF}/{reference}").text


def test_a_planned_request_is_taken_early(line: Backend, anna: Person) -> None:
    slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
    reference = ask(line, window=slot)
    assert f"{reference} jetzt schon übernehmen" in anna.open("/staff?state=waiting").text
    assert "Jetzt schon übernehmen" in anna.open(f"{STAFF}/{reference}").text
    assert anna.press(reference, action="claim").status == 303
    page = anna.open(f"{STAFF}/{reference}").text
    assert "Gewünscht war eine andere Zeit." in page


def test_every_wish_is_shown_and_its_person_to_the_holder(line: Backend, anna: Person) -> None:
    slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
    reference = ask(line, note="Barren")
    other = ask(line, name="Otto Muster", note="Münzen", topic="selling", window=slot)
    for page in (anna.open(f"{STAFF}/{reference}").text, anna.open().text):
        assert "2 Wünsche" in page
        for hidden in ("Otto", "Eva", "Barren", "Münzen"):
            assert hidden not in page
    anna.press(other, action="claim")
    page = anna.open(f"{STAFF}/{reference}").text
    for shown in (other, "Otto Muster", "Eva Muster", "Barren", "Münzen", "Verkauf"):
        assert shown in page, shown
    assert "number_key" not in page


def test_a_mistyped_number_is_corrected(line: Backend, anna: Person) -> None:
    reference = ask(line)
    assert anna.press(reference, action="number", phone="07930 2001").status == 409
    anna.press(reference, action="claim")
    wrong = anna.press(reference, action="number", phone="12", note="vertippt")
    assert wrong.status == 422
    assert re.search(
        r'<details class="ask" open>.*value="12" aria-invalid="true"', wrong.text, re.S
    )
    assert "wrong-phone" in wrong.text
    assert comments(anna, reference) == ["vertippt"]
    assert anna.press(reference, action="number", phone="07930 2001").status == 303
    page = anna.open(f"{STAFF}/{reference}").text
    assert "+49 7930 2001" in page
    assert "Nummer berichtigt" in page
    other = ask(line, phone="07930 2002")
    moved = anna.press(reference, action="number", phone="07930 2002")
    assert moved.status == 303
    page = anna.open(f"{STAFF}/{reference}").text
    assert re.search(rf"Weiter geht es mit <a [^>]*>{other}</a>", page)


def test_supervisors_assign_take_over_free_and_follow(line: Backend, anna: Person) -> None:
    session.begin(staff.Person("ben-id", "Ben Beispiel", "agent"), "his", instants.now())
    sam = Person(line, "Sam", "supervisor")
    reference = ask(line)
    assert 'value="assign"' not in anna.open(f"{STAFF}/{reference}").text
    assert sam.press(reference, action="assign", to="ben-id", note="kennt ihn").status == 303
    page = sam.open(f"{STAFF}/{reference}").text
    assert "Von der Leitung zugeteilt: Ben Beispiel" in page
    assert "Ben Beispiel hat diesen Rückruf übernommen." in page
    for action, then in {"take": "Wie ging es aus?", "release": "Übernehmen"}.items():
        assert f'value="{action}"' in sam.open(f"{STAFF}/{reference}").text
        assert sam.press(reference, action=action).status == 303
        assert then in sam.open(f"{STAFF}/{reference}").text
        sam.press(reference, action="assign", to="ben-id")
    sam.press(reference, action="called_in")
    followed = sam.press(reference, action="follow")
    assert followed.status == 303
    new = followed.headers["location"].rpartition("/")[2]
    assert new != reference
    assert new in sam.open(f"{STAFF}/{reference}").text
    assert reference in anna.open(f"{STAFF}/{new}").text


TAKEN_DOWN = {
    "name": "Otto Muster",
    "phone": "07930 2007",
    "topic": "selling",
    "note": "Zwei Zeilen:\nBarren",
    "consent": "callback-de-1",
    "consent_by": "shop",
    "source": "Anzeige",
}


def taken_down(who: Person, **fields: str) -> Answer:
    headers = {**who.headers, **FORM, "accept": "text/html"}
    return who.backend.call("POST", "/staff/new", urlencode(fields), headers)


def test_a_request_is_taken_down_in_a_form(line: Backend, anna: Person) -> None:
    assert "/staff/new" in anna.open().text
    page = anna.open("/staff/new").text
    assert "Ich bitte die" in page  # the declaration, to be read out
    assert re.search(r'type="checkbox" name="consent" value="callback-de-1" required>', page)
    slot = re.findall(r'<option value="(\d[^"]+)"', page)[-1]
    stored = taken_down(anna, **TAKEN_DOWN, window=slot)
    assert stored.status == 303
    reference = stored.headers["location"].rpartition("/")[2]
    shown = anna.do(reference, "claim").json
    assert (shown["topic"], shown["contact"]["name"]) == ("selling", "Otto Muster")
    wished = [instants.parse(each) for each in slot.split("/")]
    assert [instants.parse(each) for each in shown["window"].values()] == wished
    (proof,) = [
        each for each in line.items(prefix=f"CALLBACK#{reference}") if each["sk"] == "PROOF"
    ]
    assert (proof["by"], proof["how"]) == ("test-Anna", {"consent_by": "shop", "source": "Anzeige"})
    again = taken_down(anna, **{**TAKEN_DOWN, "name": "Eva"})
    assert again.headers["location"].endswith(reference)  # a further wish


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(anna: Person) -> None:
    wrong = {**TAKEN_DOWN, "phone": "12", "email": "otto@", "consent": ""}
    answer = taken_down(anna, **wrong)
    assert answer.status == 422
    marked = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', answer.text)
    assert marked == ["phone", "email", "consent"]
    for typed in ("Otto Muster", "otto@", "Zwei Zeilen:\nBarren", 'value="shop" selected'):
        assert typed in answer.text, typed
    past = "2026-01-05T09:00:00+01:00/2026-01-05T11:00:00+01:00"
    for fields, field in (
        ({**TAKEN_DOWN, "window": past}, "window"),
        ({**TAKEN_DOWN, "phone": "110"}, "phone"),
        ({**TAKEN_DOWN, "consent": "callback-de-999"}, "consent"),
        ({}, "name"),
    ):
        answer = taken_down(anna, **fields)
        assert (answer.status, f'id="wrong-{field}"' in answer.text) == (422, True), field


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
    rewrite(line, reference, lambda it: ask_for(it, (later, later + timedelta(hours=2))))
    page = anna.open(f"{STAFF}/{reference}").text
    assert "Gewünscht war eine andere Zeit." in page
    assert "tel:" not in page
    assert anna.press(reference, action="dial").status == 409
    assert anna.press(reference, action="dial", outside_window="1").status == 303
    assert "tel:+4979302000" in anna.open(f"{STAFF}/{reference}").text


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
