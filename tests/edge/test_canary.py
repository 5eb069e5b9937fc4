"""No log line contains personal data.

An address, a client's IP address and tokens that nobody else has go through every flow, faults
included.
"""

import logging
import re
from datetime import datetime, timedelta

import pytest

import app
from chalicelib import instants
from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.test_faults import error_answer
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import (
    _allow_mails,
    link,
    mail_feedback,
    post,
    press,
    told,
    welcome,
)
from tests.events import Context

EMAIL, IP, AGENT, PAGE = (
    "canary-7f3k@example.org",
    "203.0.113.177",
    "Canary-Browser/7",
    "https://canary-page.example",
)


def everything(backend: Backend) -> list[str]:
    """Play every step of the newsletter, right and wrong, and return the tokens that were used."""
    headers = {"user-agent": AGENT, "content-type": "application/json", "referer": PAGE}
    body = {"email": EMAIL, "consent": "newsletter-de-1", "page": PAGE}
    for field in ("consent", "language", "website", "topics", "altcha"):
        backend.call(
            "POST", "/newsletter/signups", {**body, field: EMAIL}, headers, client_ip="198.51.100.9"
        )
    for wrong in ({"email": f"{EMAIL}\r\n"}, {"page": [EMAIL]}):
        backend.call("POST", "/newsletter/signups", {**body, **wrong}, headers, client_ip=IP)
    backend.call("POST", "/newsletter/signups", f'{{"email":"{EMAIL}"', headers, client_ip=IP)
    assert backend.call("POST", "/newsletter/signups", body, headers, client_ip=IP).status == 202
    _fail(backend, "BadRequestException")
    backend.settle()
    _allow_mails(backend)
    assert backend.call("POST", "/newsletter/signups", body, headers, client_ip=IP).status == 202
    _fail(backend, "ServiceUnavailable")
    backend.tick(_later())
    used = [link(backend, EMAIL, "confirm")]
    for method in ("GET", "HEAD"):
        backend.call(method, f"/newsletter/confirm?token={used[0]}", headers=headers, client_ip=IP)
        backend.call(
            method, f"/newsletter/confirm?token={used[0]}{EMAIL}", headers=headers, client_ip=IP
        )
    assert confirm(backend, used[0]).status == 200
    backend.settle()
    used += [link(backend, EMAIL, page) for page in ("preferences", "unsubscribe")]
    key = key_of(EMAIL)
    _allow_mails(backend)
    assert post(backend, "preferences", token=used[1], topics="news", language="de").status == 200
    assert post(backend, "access", email=EMAIL).status == 202
    backend.settle()
    used.append(link(backend, EMAIL, "me"))
    backend.call("GET", f"/me?token={used[-1]}", headers=headers, client_ip=IP)
    for action in ("show", "download", "review_erasure", "unsubscribe", "undo"):
        assert press(backend, used[-1], action).status == 200
    assert EMAIL in press(backend, used[-1], "download").text
    staff = {"authorization": "Bearer key"}
    for path in (".csv", "", f"/{key}", f"/{key}/proof", f"/{key}/data", f"/{EMAIL}/proof"):
        backend.call("GET", f"/staff/subscribers{path}", headers=staff)
    for sought in ({"email": EMAIL}, {"email": f"{EMAIL}@"}, {"domain": EMAIL}, {"topic": EMAIL}):
        backend.call("POST", "/staff/subscribers/search", sought, staff)
    noted = {"how": "telephone", "note": EMAIL}
    assert backend.call("POST", f"/staff/subscribers/{key}/unsubscribe", noted, staff).status == 200
    _break(backend, used)
    mail_feedback(backend, told("event-bounce-transient-mailboxfull", *welcome(backend, key)))
    mail_feedback(
        backend, {"eventType": "Bounce", "mail": {"messageId": EMAIL, "destination": [EMAIL]}}
    )
    assert post(backend, f"unsubscribe?token={used[2]}").status == 200
    # This record cannot be read, so it goes to the dead letters.
    app.deliver_messages(
        {"Records": [{"dynamodb": {"NewImage": {"email": {"S": EMAIL}}}}]}, Context()
    )
    assert post(backend, "erase", token=used[-1]).status == 200
    backend.settle()
    return used


def _later() -> datetime:
    """Return a time at which mails that SES refused are tried again."""
    return instants.now() + timedelta(hours=2)


def _fail(backend: Backend, code: str) -> None:
    """Deliver messages while SES refuses them."""
    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", error_answer(400, code)):
        backend.deliver()


def _break(backend: Backend, used: list[str]) -> None:
    """Send requests while the table answers with an unexpected error that quotes the request."""
    text = f"{EMAIL} {' '.join(used)}"
    backend.takes_in = False
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", error_answer(400, "ValidationException", text)
    ):
        # What a form asks for is stored without a look at anything.
        refused = error_answer(400, "ValidationException", text)
        with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", refused):
            assert sign_up(backend, EMAIL).status == 500
        assert (
            post(backend, "preferences", token=used[1], topics="offers", language="de").status
            == 500
        )


def test_no_address_and_no_token_is_in_a_log(
    backend: Backend, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    with caplog.at_level(logging.INFO):
        used = everything(backend)
    said = capsys.readouterr()
    logged = said.out + said.err + caplog.text
    canaries = [
        EMAIL,
        "canary",
        IP,
        AGENT,
        PAGE,
        *used,
        *(token.rpartition(".")[2] for token in used),
    ]
    hits = {canary: logged.count(canary) for canary in canaries if canary in logged}
    lines = logged.splitlines()
    events = set(re.findall(r'"event": "([\w.]+)"', logged))
    with capsys.disabled():
        logs = f"log lines {len(lines)} of {len(events)} kinds"
        print(f"\ncanaries {len(canaries)} · {logs} · hits {sum(hits.values())}")
    assert hits == {}
    assert {"http.error", "message.failed", "feedback.unreadable", "record.quarantined"} <= events
