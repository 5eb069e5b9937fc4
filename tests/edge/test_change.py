"""The customer's page: cancel, move, take it back.

GET changes nothing, and a repeated press is answered alike.
"""

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from chalicelib import aws, instants, tokens
from tests.backend import FORM, Backend
from tests.edge.staff import STAFF, Agent, ask, backdate
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
    assert mailed(line, "change-1@example.org", "Ihr Rückruf ist abgesagt") == token
    restored = posted(line, token, action="undo").json
    assert restored["status"] == "restored"
    assert restored["reference"] != reference  # an ended request never reopens
    assert posted(line, token, action="undo").json["reference"] == restored["reference"]
    follower = Agent(line).get(f"{STAFF}/{restored['reference']}").json
    assert (follower["state"], follower["follows"]) == ("open", reference)
    line.deliver()
    assert [
        message
        for message, state in line.states().items()
        if state != "sent" and reference not in message
    ] == []


def test_the_undo_has_ten_minutes(line: Backend) -> None:
    reference = ask(line, email="change-2@example.org")
    token = mailed(line, "change-2@example.org")
    posted(line, token, action="cancel")
    backdate(line, reference, ended_at=instants.text(instants.now() - timedelta(minutes=10)))
    assert "Absage zurücknehmen" not in line.call("GET", f"{CHANGE}?token={token}", None, HTML).text
    late = posted(line, token, action="undo")
    assert (late.status, late.json["state"], late.json["reason"]) == (409, "cancelled", "too_late")
    assert "zehn Minuten" in pressed(line, token, action="undo").text


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
    (item,) = [
        each for each in line.items(prefix=f"CALLBACK#{reference}") if each["sk"] == "CALLBACK"
    ]
    until = instants.text(instants.now() + timedelta(days=90))
    block = {"pk": f"NUMBER#{item['asked']['number_key']}", "sk": "BLOCK", "until": until}
    aws.write(aws.put(line.env["CONTACTS_TABLE"], block))
    assert posted(line, token, action="undo").json["reason"] == "too_late"
