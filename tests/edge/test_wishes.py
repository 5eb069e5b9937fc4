"""Whoever asks again is heard, every press can be taken back, and held requests are decided on."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar

from chalicelib import instants
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.callbacks import links
from tests.backend import Backend
from tests.edge.staff import REQUEST, STAFF, Agent, ask

NOON = datetime.fromisoformat("2027-03-10T12:00:00+01:00")
NUMBER = REQUEST["phone"]


def window(days: int, hours: int = 2) -> dict[str, str]:
    begins = NOON + timedelta(days=days)
    return {"from": begins.isoformat(), "to": (begins + timedelta(hours=hours)).isoformat()}


def numbers(line: Backend) -> list[dict[str, Any]]:
    """Return the locks, and the blocks that are in force."""
    found = line.items(prefix="NUMBER#")
    kept = [each for each in found if each["sk"] in ("LOCK", "BLOCK") and "lifted" not in each]
    return sorted(kept, key=lambda each: str(each["sk"]))


@pytest.fixture
def anna(line: Backend) -> Agent:
    return Agent(line)


def test_a_strangers_late_wish_does_not_keep_the_owner_waiting(line: Backend, anna: Agent) -> None:
    with time_machine.travel(NOON, tick=False):
        stranger = ask(line, name="Fremd", email="stranger@example.org", window=window(14))
        owner = ask(line, email="owner@example.org")
        shown = anna.get(f"{STAFF}/{owner}").json
        assert (shown["id"], shown["state"], shown["wishes"]) == (stranger, "open", 2)
        assert instants.parse(shown["expected"]["to"]) == NOON + timedelta(minutes=30)
        # Each link shows and changes its own wish.
        token = links.token(stranger)
        page = line.call("GET", f"/callbacks/change?token={token}", None, {"accept": "text/html"})
        assert "24. März" in page.text
        assert owner not in page.text
        gone = line.call("POST", f"/callbacks/change?token={token}", {"action": "cancel"})
        assert gone.status == 200
        after = anna.do(stranger, "claim").json
        assert (after["state"], after["contact"]["email"]) == ("claimed", "owner@example.org")
        assert [each["state"] for each in after["all_wishes"]] == ["cancelled", "open"]
    print("abuse: a stranger's window in 14 days, then the owner's request: called in time")


@pytest.mark.parametrize("year", ["0001", "1999", "2101", "9000", "9999"])
def test_a_window_in_no_ones_lifetime_is_refused(line: Backend, year: str) -> None:
    asked = {"from": f"{year}-03-10T12:00:00+01:00", "to": f"{year}-03-10T14:00:00+01:00"}
    answer = line.call("POST", "/callbacks", {**REQUEST, "window": asked})
    assert (answer.status, line.items(prefix="CALLBACK#")) == (422, [])


def test_another_extension_is_another_person(line: Backend, anna: Agent) -> None:
    first = ask(line, phone=f"{NUMBER} DW 12")
    second = ask(line, phone=f"{NUMBER} DW 14")
    third = ask(line, phone=NUMBER)
    assert sorted(anna.tab("due")) == sorted([first, second, third])
    # The day's limit is by the number alone, so that invented extensions do not flood an office.
    assert ask(line, phone=f"{NUMBER} DW 15") in anna.tab("held")
    anna.do(first, "claim")
    blocked = anna.do(first, "outcome", outcome="refused")
    assert blocked.status == 200
    assert anna.do(second, "claim").json["contact"]["dial"].endswith(";ext=14")
    print("numbers: extensions 12 and 14 of one switchboard are two people")


PRESSES: dict[str, Callable[[Agent, str], Any]] = {
    **{
        outcome: lambda anna, reference, outcome=outcome: anna.do(  # type: ignore[misc]
            reference, "outcome", outcome=outcome, note="Vom Band", window=window(1)
        )
        for outcome in ("reached", "no_answer", "busy", "mailbox", "later", "refused")
    },
    "wrong_number": lambda anna, reference: anna.do(
        reference, "outcome", outcome="wrong_number", note="Vom Band"
    ),
    "called in": lambda anna, _: anna.post(f"{STAFF}/called-in", phone=NUMBER),
}


@pytest.mark.parametrize("press", PRESSES)
def test_every_outcome_can_be_taken_back(line: Backend, anna: Agent, press: str) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        reference = ask(line, email="undo@example.org")
        line.settle()
        anna.do(reference, "claim")
        before, known = anna.do(reference, "dial").json, numbers(line)
        mails = len(line.mails("undo@example.org"))
        assert PRESSES[press](anna, reference).status == 200
        clock.shift(timedelta(minutes=9))
        ben = Agent(line, "Ben").do(reference, "undo")
        assert (ben.status, ben.json["reason"]) == (409, "not_yours")
        for _ in range(2):  # a second press
            after = anna.do(reference, "undo")
            assert (after.status, after.json["state"]) == (200, "claimed")
        same = ("state", "calls", "expected", "holder", "contact", "all_wishes", "calling")
        assert {each: after.json[each] for each in same} == {each: before[each] for each in same}
        assert numbers(line) == known
        if press != "called in":
            assert [each["text"] for each in after.json["comments"]] == ["Vom Band"]
        clock.shift(timedelta(minutes=30))
        line.settle()
        assert len(line.mails("undo@example.org")) == mails
        PRESSES[press](anna, reference)
        clock.shift(timedelta(minutes=10))
        late = anna.do(reference, "undo")
        assert (late.status, late.json["reason"]) == (409, "too_late")
        assert "zehn Minuten" in late.json["detail"]
    print(f"undo: {press}: state, lock, block, letters as before; after 10 minutes refused")


def test_the_letter_about_an_end_leaves_once_it_cannot_be_undone(line: Backend, sam: Agent) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        Agent(line).do(ask(line), "claim")
        Agent(line).post(f"{STAFF}/called-in", phone=NUMBER)
        sam.post("/staff/numbers/block", phone=NUMBER, blocked=True)
        held = ask(line, email="declined@example.org")
        assert sam.tab("held") == [held]
        line.settle()
        assert sam.do(held, "decline").json["state"] == "refused"
        clock.shift(timedelta(minutes=9))
        line.settle()
        assert len(line.mails("declined@example.org")) == 1
        clock.shift(timedelta(minutes=2))
        line.settle()
        line.tick(instants.now())
        newest, _ = line.mails("declined@example.org")
        assert held in newest["subject"]
        assert "gesperrt" not in newest["text"]


def test_an_undo_after_a_new_request_makes_one_of_the_two(line: Backend, anna: Agent) -> None:
    with time_machine.travel(NOON, tick=False):
        first = ask(line, email="first@example.org")
        anna.do(first, "claim")
        anna.do(first, "outcome", outcome="wrong_number")
        second = ask(line, name="Ina")
        assert anna.tab("held") == [second]
        done = anna.do(first, "undo").json
        assert (done["state"], done["followed_by"]) == ("wrong_number", second)
        live = anna.get(f"{STAFF}/{second}").json
        assert (live["state"], live["wishes"]) == ("open", 2)
        assert [each["sk"] for each in numbers(line)] == ["LOCK"]
        # The first one's link goes on working.
        token = links.token(first)
        moved = line.call(
            "POST",
            f"/callbacks/change?token={token}",
            {"action": "reschedule", "window": window(1)},
            {"accept": "application/json"},
        )
        assert moved.json["reference"] == first
        assert anna.post(f"{STAFF}/called-in", reference=first).json["id"] == second


def test_a_request_of_the_days_limit_opens_by_itself(line: Backend, anna: Agent) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(3):
            ask(line)
            anna.post(f"{STAFF}/called-in", phone=NUMBER)
        fourth = ask(line)
        assert anna.tab("held") == [fourth]
        clock.shift(timedelta(minutes=16))
        line.tick(instants.now())
        assert (anna.tab("held"), anna.tab("due")) == ([], [fourth])


def test_no_note_is_read_before_a_claim(line: Backend, anna: Agent, sam: Agent) -> None:
    reference = ask(line, note="Frau Geheim", email="secret@example.org")
    ben = Agent(line, "Ben")
    anna.do(reference, "claim")
    anna.do(reference, "comment", text="Frau Geheim ruft an")
    anna.do(reference, "outcome", outcome="busy", note="Besetzt, sagt Frau Geheim")
    for who in (ben, sam):
        said = who.get(f"{STAFF}/{reference}").text
        assert not re.search("Geheim|Muster|secret@|2000", said)
    taken = ben.do(reference, "claim").json  # early, before its time
    assert (taken["comments"][0]["text"], taken["comments"][0]["by"]) == (
        "Frau Geheim ruft an",
        "Anna",
    )
    ended = anna.do("R-NONE", "comment", text="x")
    assert ended.status == 404


def test_a_colleague_hears_of_a_hand_over_by_mail(line: Backend, anna: Agent, sam: Agent) -> None:
    now = instants.now()
    session.begin(Person("ben-id", "Ben Beispiel", "agent", "ben@staff.example"), "one", now)
    reference = ask(line)
    anna.do(reference, "claim")
    anna.do(reference, "handover", to="Ben Beispiel", note="Frau Geheim wartet")
    line.settle()
    (mail,) = line.mails("ben@staff.example")
    assert "Anna möchte Ihnen diesen Rückruf übergeben." in mail["text"]
    assert reference in mail["subject"]
    assert "Geheim" not in mail["text"]
    sam.do(reference, "assign", to="ben-id")
    line.settle()
    newest, _ = line.mails("ben@staff.example")
    assert "Sam hat Ihnen diesen Rückruf zugeteilt." in newest["text"]
    assert sam.do(reference, "take").json["holder"] == "Sam"
    for action, body in (("assign", {"to": "ben-id"}), ("take", {}), ("follow", {})):
        assert anna.do(reference, action, **body).status == 403


def test_a_request_is_taken_down_with_its_proof(line: Backend, anna: Agent) -> None:
    said = {**REQUEST, "consent_by": "telephone", "source": "Messe"}
    made = anna.post(STAFF, **said)
    assert (made.status, made.json["state"]) == (201, "open")
    (proof,) = [each for each in line.items(prefix="CALLBACK#") if each["sk"] == "PROOF"]
    assert (proof["consent"], proof["how"], proof["by"]) == (
        "callback-de-1",
        {"consent_by": "telephone", "source": "Messe"},
        "test-Anna",
    )
    again = anna.post(STAFF, **{**said, "note": "Eilt"})
    assert (again.json["id"], again.json["wishes"]) == (made.json["id"], 2)
    assert anna.post(STAFF, **REQUEST).status == 422


def test_a_mistyped_number_is_corrected(line: Backend, anna: Agent) -> None:
    reference = ask(line)
    anna.do(reference, "claim")
    right = anna.do(reference, "number", phone="07930 2001")
    assert (right.status, right.json["contact"]["phone"]) == (200, "+4979302001")
    wrong = anna.do(reference, "number", phone="110")
    assert (wrong.status, wrong.json["errors"][0]["field"]) == (422, "phone")
    assert "7930" not in str(anna.get(f"{STAFF}/{reference}").json["history"])
    assert ask(line) != reference  # the wrong number is free
    known = Agent(line, "Sam", "supervisor").post("/staff/numbers", phone="07930 2001").json
    assert known["live"] == reference
    other = ask(line, phone="07930 2002")
    joined = anna.do(reference, "number", phone="07930 2002").json
    assert (joined["state"], joined["followed_by"]) == ("wrong_number", other)
    assert anna.get(f"{STAFF}/{other}").json["wishes"] == 2


def test_a_request_follows_an_ended_one(line: Backend, anna: Agent, sam: Agent) -> None:
    reference = ask(line, email="again@example.org")
    anna.post(f"{STAFF}/called-in", phone=NUMBER)
    made = sam.do(reference, "follow").json
    assert (made["state"], made["follows"]) == ("open", reference)
    assert sam.do(reference, "follow").json["id"] == made["id"]  # a second press
    token = links.token(reference)
    page = line.call("GET", f"/callbacks/change?token={token}", None, {"accept": "text/html"})
    assert made["id"] in page.text


def test_the_calendar_file_follows_the_wish(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False):
        reference = ask(line, email="ics@example.org", window=window(1))
        url = f"/callbacks/calendar.ics?token={links.token(reference)}"
        before = line.items()
        answer = line.call("GET", url)
        assert line.items() == before
        assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
        (event,) = Calendar.from_ical(answer.text).walk("VEVENT")
        assert event.decoded("DTSTART") == NOON + timedelta(days=1)
        assert "Muster" not in answer.text
        token = links.token(reference)
        line.call("POST", f"/callbacks/change?token={token}", {"action": "cancel"})
        (gone,) = Calendar.from_ical(line.call("GET", url).text).walk("VEVENT")
        assert (gone["STATUS"], gone["UID"]) == ("CANCELLED", event["UID"])
        assert gone.decoded("SEQUENCE") > event.decoded("SEQUENCE")
        assert line.call("GET", "/callbacks/calendar.ics?token=x").status == 400


# An action, what has to happen before it, its body.
ACTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "claim": ((), {}),
    "release": (("claim",), {}),
    "handover": (("claim",), {"to": "Ben", "note": "Eilt"}),
    "dial": (("claim",), {}),
    "outcome": (("claim", "dial"), {"outcome": "refused", "note": "Nein"}),
    "undo": (("claim", "dial", "outcome"), {}),
    "comment": ((), {"text": "Ruft an"}),
    "number": (("claim",), {"phone": "07930 2001"}),
    "assign": ((), {"to": "Ben", "note": "Eilt"}),
    "take": (("assign",), {}),
    "follow": (("claim", "outcome"), {}),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_press_that_comes_three_times_is_one(line: Backend, sam: Agent, action: str) -> None:
    with time_machine.travel(NOON, tick=False):
        reference, (before, body) = ask(line), ACTIONS[action]
        for each in before:
            assert sam.do(reference, each, **ACTIONS[each][1]).status == 200
        answers = [sam.do(reference, action, **body) for _ in range(3)]
        assert [each.status for each in answers] == [200] * 3
        assert answers[0].json == answers[1].json == answers[2].json
        # From another page than ours a browser's session can press nothing.
        headers = {"cookie": "staff=x; __Host-staff=x", "origin": "https://evil.example"}
        foreign = line.call("POST", f"{STAFF}/{reference}/{action}", body, headers)
        assert foreign.status in (401, 403)


@pytest.mark.parametrize("decision", ["admit", "decline"])
def test_a_decision_that_comes_three_times_is_one(line: Backend, sam: Agent, decision: str) -> None:
    with time_machine.travel(NOON, tick=False):
        sam.post("/staff/numbers/block", phone=NUMBER, blocked=True)
        reference = ask(line)
        answers = [sam.do(reference, decision) for _ in range(3)]
        assert [each.status for each in answers] == [200] * 3
        assert answers[0].json == answers[1].json == answers[2].json
