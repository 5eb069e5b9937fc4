"""The customer's page: cancel, move, take it back.

GET changes nothing, and a repeated press is answered alike.
"""

import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from chalicelib import aws, instants, tokens
from chalicelib.callbacks.stores import requests
from tests.backend import FORM, Backend
from tests.edge.staff import STAFF, Agent, age, ask, rewrite
from tests.events import Answer
from tests.scale import Scale

CHANGE = "/callbacks/change"
HTML = {"accept": "text/html"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"}


def mailed(line: Backend, address: str, subject: str = "Ihr Rückruf (") -> str:
    """Return the token of the newest mail's link."""
    line.deliver()
    newest = next(each for each in line.mails(address) if each["subject"].startswith(subject))
    found = re.search(r"https://contact.site.example/callbacks/change\?token=(\S+)", newest["text"])
    assert found
    return found[1]


def pressed(line: Backend, token: str, **fields: str) -> Answer:
    """Press a button of the page, without JavaScript."""
    body = urlencode({"token": token, **fields})
    return line.call("POST", CHANGE, body, {"content-type": FORM, **HTML})


def posted(line: Backend, token: str, **fields: object) -> Answer:
    return line.call("POST", f"{CHANGE}?token={token}", fields, {"accept": "application/json"})


def test_cancel_and_undo(line: Backend) -> None:
    reference = ask(line, email="change-1@example.org")
    token = mailed(line, "change-1@example.org")
    shown = line.call("GET", f"{CHANGE}?token={token}", None, HTML)
    assert (shown.status, reference in shown.text, "Rückruf absagen" in shown.text) == (
        200,
        True,
        True,
    )
    cancelled = pressed(line, token, action="cancel")
    assert "Ihr Rückruf ist abgesagt." in cancelled.text
    assert pressed(line, token, action="cancel").text == cancelled.text
    assert "Absage zurücknehmen" in cancelled.text
    restored = posted(line, token, action="undo").json
    assert (restored["status"], restored["reference"]) == ("restored", reference)
    assert posted(line, token, action="undo").json == restored
    assert Agent(line).get(f"{STAFF}/{reference}").json["state"] == "open"
    line.tick(instants.now() + timedelta(minutes=11))
    subjects = {each["subject"] for each in line.mails("change-1@example.org")}
    assert subjects == {f"Ihr Rückruf ({reference})"}  # nothing is told of the cancellation


def test_the_mail_about_a_cancellation_comes_when_it_can_be_undone_no_more(line: Backend) -> None:
    reference = ask(line, email="change-9@example.org")
    token = mailed(line, "change-9@example.org")
    posted(line, token, action="cancel")
    line.deliver()
    assert len(line.mails("change-9@example.org")) == 1
    line.tick(instants.now() + timedelta(minutes=11))
    told = line.mails("change-9@example.org")[0]
    assert told["subject"] == f"Ihr Rückruf ist abgesagt ({reference})"
    assert "zurücknehmen" not in told["text"]


def test_the_undo_has_ten_minutes(line: Backend) -> None:
    for number, fields in enumerate(({"action": "cancel"}, {"action": "reschedule"})):
        address = f"change-2{number}@example.org"
        reference = ask(line, email=address, phone=f"07930 20{number:02}")
        token = mailed(line, address)
        slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
        posted(line, token, **fields, window=slot)
        assert (
            "zurücknehmen</button>" in line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
        )
        age(line, reference, 10)
        page = line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
        assert "zurücknehmen" not in page
        late = posted(line, token, action="undo")
        assert (late.status, late.json["reason"]) == (409, "too_late")
        assert "zehn Minuten" in pressed(line, token, action="undo").text


def test_a_move_is_taken_back(line: Backend) -> None:
    reference = ask(line, email="change-10@example.org")
    token = mailed(line, "change-10@example.org")
    before = Agent(line).get(f"{STAFF}/{reference}").json["expected"]
    slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
    moved = pressed(line, token, action="reschedule", window=f"{slot['from']}/{slot['to']}")
    assert "Verschiebung zurücknehmen" in moved.text
    assert "Ihre Änderung ist zurückgenommen." in pressed(line, token, action="undo").text
    shown = Agent(line).get(f"{STAFF}/{reference}").json
    assert (shown["state"], shown["expected"]) == ("open", before)


def test_a_link_shows_its_own_wish_and_its_calendar_file(line: Backend) -> None:
    slot = line.call("GET", "/callbacks/slots").json["slots"][-1]
    first = ask(line, email="change-11@example.org", note="Barren")
    other = ask(line, name="Otto", email="change-12@example.org", window=slot)
    own, its = mailed(line, "change-11@example.org"), mailed(line, "change-12@example.org")
    for token, reference, another in ((own, first, other), (its, other, first)):
        page = line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
        assert (reference in page, another in page, "Barren" in page) == (True, False, False)
        link = re.search(r'href="(calendar\.ics\?token=[^"]+)" download', page)
        assert link
        file = line.call("GET", f"/callbacks/{link[1]}")
        assert (file.status, reference in file.text, another in file.text) == (200, True, False)
    assert "Ihr Rückruf ist abgesagt." in pressed(line, its, action="cancel").text
    page = line.call("GET", f"{CHANGE}?token={own}", None, HTML).text
    assert "Rückruf absagen" in page  # the stranger's link cancelled the stranger's wish alone


def ends(line: Backend, anna: Agent, sam: Agent, reference: str, end: str) -> None:
    if end == "wrong_number" or end == "refused" or end == "done":
        anna.do(reference, "claim")
        anna.do(reference, "outcome", outcome={"done": "reached"}.get(end, end))
        return
    rewrite(
        line,
        reference,
        lambda it: replace(
            it,
            state=end,  # type: ignore[arg-type]  # one of the ends
            ended_at=instants.now(),
            wishes=tuple(replace(each, end=end) for each in it.wishes),  # type: ignore[arg-type]
        ),
    )


@pytest.mark.parametrize(
    ("end", "told", "again"),
    [
        ("done", "Das Gespräch hat stattgefunden.", True),
        ("unreached", "leider nicht erreicht", True),
        ("expired", "Bitte entschuldigen Sie.", True),
        ("refused", "Dieser Rückruf ist beendet.", False),
        ("wrong_number", "gehört offenbar jemand anderem", True),
        ("withdrawn", "Dieser Rückruf ist beendet.", False),
    ],
)
def test_the_page_of_every_end(line: Backend, sam: Agent, end: str, told: str, again: bool) -> None:
    reference = ask(line, email=f"change-{end}@example.org")
    token = mailed(line, f"change-{end}@example.org")
    ends(line, Agent(line), sam, reference, end)
    page = line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    assert (told in page, "Neuen Rückruf vereinbaren" in page) == (True, again)
    assert "gesperrt" not in page
    assert "calendar.ics" not in page
    assert not re.search("<button", page)


def test_the_link_of_a_request_that_another_follows_shows_that(line: Backend, sam: Agent) -> None:
    reference = ask(line, email="change-13@example.org")
    token = mailed(line, "change-13@example.org")
    Agent(line).do(reference, "claim")
    Agent(line).do(reference, "outcome", outcome="reached")
    new = sam.do(reference, "follow").json["id"]
    page = line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    assert f"Ihr Rückruf {reference} läuft unter dieser Vorgangsnummer weiter." in page
    assert f'<p class="reference">{new}</p>' in page


def test_move(line: Backend) -> None:
    reference = ask(line, email="change-3@example.org")
    token = mailed(line, "change-3@example.org")
    page = line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    value = re.findall(r'<option value="([^"]+)"', page)[5]
    moved = pressed(line, token, action="reschedule", window=value)
    assert "Ihr Rückruf ist verlegt." in moved.text
    begins, _, ends = value.partition("/")
    request = Agent(line).get(f"{STAFF}/{reference}").json
    assert (request["state"], request["expected"]) == ("scheduled", {"from": begins, "to": ends})
    again = posted(line, token, action="reschedule", window={"from": begins, "to": ends})
    assert again.json == {
        "status": "rescheduled",
        "reference": reference,
        "expected": {"from": begins, "to": ends},
    }
    line.deliver()
    assert [each["subject"] for each in line.mails("change-3@example.org")] == [
        f"Ihr Rückruf ({reference})"
    ] * 2


def test_what_the_customer_cannot_have(line: Backend) -> None:
    ask(line, email="change-4@example.org")
    token = mailed(line, "change-4@example.org")
    past = {"from": "2020-01-06T09:00:00+01:00", "to": "2020-01-06T11:00:00+01:00"}
    for fields, field, code in (
        ({"action": "reschedule"}, "window", "required"),
        ({"action": "reschedule", "window": past}, "window", "window_over"),
        ({"action": "explode"}, "action", "choice"),
        ({}, "action", "required"),
    ):
        answer = posted(line, token, **fields)
        assert answer.status == 422
        assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [(field, code)]


def coming(month: int) -> date:
    """Return the last Sunday of a month within a year: clocks change on March's and October's."""
    tomorrow = instants.now().date() + timedelta(days=1)
    return next(
        day
        for day in (tomorrow + timedelta(days=ahead) for ahead in range(400))
        if (day.month, day.weekday()) == (month, 6) and day.day > 24
    )


def test_a_time_that_a_clock_change_leaves_out_is_refused(line: Backend) -> None:
    """Check windows around the clock changes in Berlin.

    One Sunday in March has no half past two. One in October has it twice, with two offsets. What is
    understood may still be too far ahead.
    """
    phone = iter(f"07930 2{number:03}" for number in range(9))
    march, july, october = (coming(month) for month in (3, 7, 10))

    def understood(begins: str, ends: str) -> bool:
        window = {"from": begins, "to": ends}
        body = {"name": "Eva", "phone": next(phone), "consent": "callback-de-1", "window": window}
        answer = line.call("POST", "/callbacks", body)
        if answer.status == 202:
            return True
        (error,) = answer.json["errors"]
        assert error["code"] in ("window", "window_far")
        return bool(error["code"] == "window_far")

    assert not understood(f"{march}T02:30:00+01:00", f"{march}T04:00:00+02:00")
    assert understood(f"{march}T03:30:00+02:00", f"{march}T04:00:00+02:00")
    assert understood(f"{october}T02:30:00+02:00", f"{october}T02:30:00+01:00")
    assert not understood(f"{july}T10:00:00+01:00", f"{july}T11:00:00+01:00")
    assert understood(f"{july}T08:00:00Z", f"{july}T09:00:00Z")


def test_nothing_is_changed_while_somebody_calls(line: Backend) -> None:
    reference, anna = ask(line, email="change-5@example.org"), Agent(line)
    token = mailed(line, "change-5@example.org")
    anna.do(reference, "claim")
    anna.do(reference, "dial")
    assert "Wir rufen Sie gerade an" in line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    for answer in (posted(line, token, action="cancel"), pressed(line, token, action="cancel")):
        assert answer.status == 409
    assert posted(line, token, action="cancel").json["reason"] == "calling"
    anna.do(reference, "outcome", outcome="reached")
    ended = posted(line, token, action="cancel")
    assert (ended.status, ended.json["state"]) == (409, "done")
    assert (
        "Das Gespräch hat stattgefunden"
        in line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    )


def test_a_thousand_gets_and_heads_write_nothing(line: Backend, scale: Scale) -> None:
    looks = scale(1000)
    ask(line, email="change-6@example.org")
    token, written = mailed(line, "change-6@example.org"), []
    with line.hooked(
        "dynamodb",
        "before-send.dynamodb",
        lambda request, **_: written.append(
            request.headers["X-Amz-Target"].decode().partition(".")[2]
        ),
    ):
        for number in range(looks):
            assert (
                line.call(("GET", "HEAD")[number % 2], f"{CHANGE}?token={token}", None, HTML).status
                == 200
            )
    assert len(written) == looks
    assert WRITES.isdisjoint(written)
    assert posted(line, token, action="cancel").json["status"] == "cancelled"
    print(f"change link: {looks:,} GET and HEAD, 0 writes; the button worked after them")


def test_every_bad_link_is_answered_alike(line: Backend) -> None:
    ask(line, email="change-7@example.org")
    token = mailed(line, "change-7@example.org")
    others = [
        "",
        "x",
        token[:-2],
        token + "x",
        tokens.sign("newsletter.data", "R-NONE", 0),
        tokens.sign("callback.change", "R-NONE", 0),
    ]
    tried = [posted(line, other, action="cancel") for other in others]
    tried += [line.call("GET", f"{CHANGE}?token={other}") for other in others]
    answers = {(answer.status, answer.text) for answer in tried}
    assert len(answers) == 1
    assert next(iter(answers))[0] == 400


class Buttons(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.actions: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("name") == "action":
            self.actions.append(given["value"] or "")


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_page_has_its_buttons_in_both_languages(line: Backend, language: str) -> None:
    ask(line, email=f"change-{language}@example.org", language=language)
    subject = {"de": "Ihr Rückruf (", "en": "Your callback ("}[language]
    token = mailed(line, f"change-{language}@example.org", subject)
    for action, expected in (
        (None, ["reschedule", "cancel"]),
        ("cancel", ["undo"]),
        ("undo", ["reschedule", "cancel"]),
    ):
        headers = {**HTML, "accept-language": language}
        body = urlencode({"token": token, "action": action or ""})
        page = (
            line.call("POST", CHANGE, body, {"content-type": FORM, **headers})
            if action
            else line.call("GET", f"{CHANGE}?token={token}", None, headers)
        )
        buttons = Buttons()
        buttons.feed(page.text)
        assert (page.status, buttons.actions) == (200, expected)
        assert {"de": "Vorgangsnummer", "en": "Your reference"}[language] in page.text


def test_an_undo_does_not_go_around_a_block(line: Backend) -> None:
    """Check that a number that has been blocked since is not called by an undo."""
    reference = ask(line, email="change-8@example.org")
    token = mailed(line, "change-8@example.org")
    posted(line, token, action="cancel")
    callback = requests.load(reference)
    assert callback
    until = instants.text(instants.now() + timedelta(days=90))
    block = {"pk": f"NUMBER#{callback.asked.number_key}", "sk": "BLOCK", "until": until}
    aws.write(aws.put(line.env["CONTACTS_TABLE"], block))
    assert posted(line, token, action="undo").status == 409
    assert Agent(line).get(f"{STAFF}/{reference}").json["state"] == "cancelled"
