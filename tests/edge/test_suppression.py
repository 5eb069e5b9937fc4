"""SES's suppression list: who signs up anew, or is erased, is not left on it.

The list answers by a hook on botocore's events, so that it does not matter whether the emulator
keeps one: entries in exactly the case in which they came, as SES has them.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

import app
from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.test_faults import error_answer, no_answer
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import (
    _allow_mails,
    link,
    mail_feedback,
    post,
    state,
    subscribe,
    told,
    welcome,
)
from tests.events import Context
from tests.ops.commands import ops

THROTTLED = error_answer(429, "TooManyRequestsException")
SILENT = no_answer(ReadTimeoutError(endpoint_url="ses"))
REFUSED = error_answer(403, "AccessDeniedException")


@dataclass
class SuppressionList:
    """The list of an account, by calls of its own operations."""

    entries: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)  # what was to be deleted
    fault: Callable[..., Any] | None = None  # answers deletions in its place

    def put(self, address: str) -> None:
        aws.client("sesv2").put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")

    def has(self, address: str) -> bool:
        try:
            aws.client("sesv2").get_suppressed_destination(EmailAddress=address)
        except aws.client("sesv2").exceptions.NotFoundException:
            return False
        return True

    @contextmanager
    def failing(self, fault: Callable[..., Any]) -> Iterator[None]:
        self.fault = fault
        yield
        self.fault = None

    def answer(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        address = unquote(request.url.rpartition("/")[2])
        match event_name.rpartition(".")[2]:
            case "PutSuppressedDestination":
                self.entries.add(json.loads(request.body)["EmailAddress"])
            case "DeleteSuppressedDestination" if self.fault:
                return self.fault(request=request)
            case "DeleteSuppressedDestination":
                self.asked.append(address)
                if address not in self.entries:
                    return error_answer(404, "NotFoundException")(request)
                self.entries.remove(address)
            case _ if address not in self.entries:
                return error_answer(404, "NotFoundException")(request)
        known = {"SuppressedDestination": {"EmailAddress": address, "Reason": "BOUNCE"}}
        body = json.dumps(known).encode()
        raw = type("Raw", (), {"stream": lambda self: iter([body])})()
        return AWSResponse(request.url, 200, {}, raw)


@pytest.fixture
def listed(backend: Backend) -> Iterator[SuppressionList]:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    made = SuppressionList()
    events = aws.client("sesv2").meta.events
    names = [f"{verb}SuppressedDestination" for verb in ("Put", "Get", "Delete")]
    for name in names:
        events.register(f"before-send.sesv2.{name}", made.answer)
    yield made
    for name in names:
        events.unregister(f"before-send.sesv2.{name}", made.answer)


def lifted(backend: Backend) -> list[dict[str, Any]]:
    return backend.items(prefix="LIFTED#")


def lines(capsys: pytest.CaptureFixture[str], level: str = "WARNING") -> list[dict[str, Any]]:
    found = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    return [each for each in found if each["level"] == level]


def test_whose_mail_came_back_can_sign_up_again(
    backend: Backend, listed: SuppressionList, capsys: pytest.CaptureFixture[str]
) -> None:
    listed.put("comes.back@example.org")
    assert sign_up(backend, "comes.back@example.org").status == 202
    assert listed.has("comes.back@example.org"), "the intake asks SES nothing"
    backend.deliver()
    assert not listed.has("comes.back@example.org")
    assert len(backend.mails("comes.back@example.org")) == 1
    assert lines(capsys) == []
    (marker,) = lifted(backend)
    assert marker["pk"] == f"LIFTED#{key_of('comes.back@example.org')}"
    days = (marker["expires"] - instants.epoch(instants.now())) / 86400
    assert 29.9 < days <= 30


def test_an_entry_is_deleted_before_the_mail_leaves(
    backend: Backend, listed: SuppressionList
) -> None:
    calls: list[str] = []
    sign_up(backend, "in-order@example.org")
    with backend.hooked(
        "sesv2",
        "before-send.sesv2",
        lambda event_name, **_: calls.append(event_name.rpartition(".")[2]),
    ):
        backend.deliver()
    assert calls == ["DeleteSuppressedDestination", "SendEmail"]


def test_it_happens_once_in_thirty_days(backend: Backend, listed: SuppressionList) -> None:
    for _ in range(3):
        assert sign_up(backend, "again@example.org").status == 202
        backend.settle()
        _allow_mails(backend)
    assert len(backend.mails("again@example.org")) == 3
    assert listed.asked == ["again@example.org"]
    # The table may keep what has expired: the code decides.
    (marker,) = lifted(backend)
    expired = {**marker, "expires": instants.epoch(instants.now())}
    aws.client("dynamodb").put_item(
        TableName=backend.env["CONTACTS_TABLE"], Item=aws.pack_item(expired)
    )
    sign_up(backend, "again@example.org")
    backend.settle()
    assert listed.asked == ["again@example.org"] * 2


def test_other_mails_leave_the_list_alone(backend: Backend, listed: SuppressionList) -> None:
    subscribe(backend, "other-mails@example.org")
    asked = len(listed.asked)
    _allow_mails(backend)
    assert post(backend, "access", email="other-mails@example.org").status == 202
    backend.settle()
    assert len(backend.mails("other-mails@example.org")) == 3
    assert len(listed.asked) == asked == 1


def test_nobody_is_lifted_for_a_mail_that_is_not_owed(
    backend: Backend, listed: SuppressionList
) -> None:
    sign_up(backend, "void@example.org")
    records = backend.records()
    ops("erase", "void@example.org", "--yes")
    listed.asked.clear()
    app.deliver_messages({"Records": records}, Context())
    assert (listed.asked, lifted(backend)) == ([], [])


@pytest.mark.parametrize("fault", [THROTTLED, SILENT, REFUSED], ids=["429", "silent", "403"])
def test_where_it_fails_the_mail_leaves_and_the_next_one_tries_again(
    backend: Backend, listed: SuppressionList, fault: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    listed.put("unlucky@example.org")
    sign_up(backend, "unlucky@example.org")
    with listed.failing(fault):
        backend.deliver()
    assert len(backend.mails("unlucky@example.org")) == 1
    (line,) = lines(capsys)
    assert (line["event"], line["subscriber"]) == (
        "suppression.not_lifted",
        key_of("unlucky@example.org"),
    )
    assert "@" not in json.dumps(line)
    assert lifted(backend) == []
    _allow_mails(backend)
    sign_up(backend, "unlucky@example.org")
    backend.settle()
    assert not listed.has("unlucky@example.org")
    assert len(lifted(backend)) == 1


@pytest.mark.parametrize(
    ("typed", "entry"),
    [
        ("Capital.Letters@Example.ORG", "Capital.Letters@example.org"),
        ("Capital.Letters@Example.ORG", "capital.letters@example.org"),
        ("small.letters@example.org", "small.letters@example.org"),
    ],
)
def test_ses_knows_an_entry_in_one_case_only(
    backend: Backend, listed: SuppressionList, typed: str, entry: str
) -> None:
    listed.put(entry)
    sign_up(backend, typed)
    backend.deliver()
    assert not listed.has(entry)


def test_a_slash_that_ses_cannot_delete_keeps_nobody_from_signing_up_or_being_erased(
    backend: Backend, listed: SuppressionList, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = error_answer(400, "BadRequestException")
    with listed.failing(bad):
        key = subscribe(backend, "either/or@example.org")
        assert [each["event"] for each in lines(capsys)] == ["suppression.stays"]
        assert len(lifted(backend)) == 1, "SES has answered, and would not answer otherwise"
        erased = post(backend, "erase", token=tokens.sign(links.DATA, key, 0))
    assert (erased.status, state(key)) == (200, "none")
    assert [each["event"] for each in lines(capsys)] == ["suppression.stays"]


def _by_person(backend: Backend, key: str) -> int:
    return post(backend, "erase", token=tokens.sign(links.DATA, key, 0)).status


def _by_staff(backend: Backend, key: str) -> int:
    staff = {"authorization": "Bearer key"}
    return backend.call("DELETE", f"/staff/subscribers/{key}", headers=staff).status


def _by_operator(backend: Backend, key: str) -> int:
    return 200 if ops("erase", "gone@example.org", "--yes").exit_code == 0 else 503


WAYS = {"person": _by_person, "staff": _by_staff, "operator": _by_operator}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", [THROTTLED, SILENT, REFUSED], ids=["429", "silent", "403"])
def test_an_erasure_reaches_the_list_or_changes_nothing(
    backend: Backend, listed: SuppressionList, way: str, fault: Any
) -> None:
    key = subscribe(backend, "gone@example.org")
    mail_feedback(backend, told("event-bounce-permanent-general", *welcome(backend, key)))
    listed.put("gone@example.org")
    before = backend.items(prefix="SUB#")
    with listed.failing(fault):
        assert WAYS[way](backend, key) == 503
    assert backend.items(prefix="SUB#") == before
    assert listed.has("gone@example.org")
    assert WAYS[way](backend, key) == 200
    assert state(key) == "none"
    assert not listed.has("gone@example.org")
    assert "gone@example.org" not in str(backend.items())


def test_an_erasure_that_ended_in_the_middle_is_finished_by_the_next_press(
    backend: Backend, listed: SuppressionList
) -> None:
    key = subscribe(backend, "pressed-twice@example.org")
    listed.put("pressed-twice@example.org")
    throttled = error_answer(400, "ProvisionedThroughputExceededException")
    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", throttled):
        assert _by_person(backend, key) == 503
    assert state(key) == "confirmed"
    assert _by_person(backend, key) == 200
    assert _by_person(backend, key) == 200
    assert state(key) == "none"


def test_a_record_refused_just_now_has_its_address_still(
    backend: Backend, listed: SuppressionList
) -> None:
    sign_up(backend, "not-me@example.org")
    backend.deliver()
    assert (
        post(backend, "refuse", token=link(backend, "not-me@example.org", "refuse")).status == 200
    )
    listed.asked.clear()
    key = key_of("not-me@example.org")
    assert _by_person(backend, key) == 200
    assert (listed.asked, state(key)) == (["not-me@example.org"], "none")


def test_every_answer_of_the_intake_is_the_same_with_an_entry_and_without(
    backend: Backend, listed: SuppressionList
) -> None:
    listed.put("suppressed@example.org")
    answers = set()
    for email in ("suppressed@example.org", "unsuppressed@example.org"):
        calls: list[str] = []
        with backend.hooked(
            "sesv2", "before-send.sesv2", lambda event_name, calls=calls, **_: calls.append("")
        ):
            answer = sign_up(backend, email)
        answers.add((answer.status, answer.text, len(calls)))
    assert answers == {(202, '{"status":"pending"}', 0)}


def test_a_marker_that_cannot_be_read_or_written_keeps_no_mail(
    backend: Backend, listed: SuppressionList, capsys: pytest.CaptureFixture[str]
) -> None:
    throttled = error_answer(400, "ProvisionedThroughputExceededException")

    def throttle(request: Any, **_: Any) -> Any:
        return throttled(request) if b"LIFTED#" in request.body else None

    sign_up(backend, "no-marker@example.org")
    with backend.hooked("dynamodb", "before-send.dynamodb", throttle):
        backend.deliver()
    assert len(backend.mails("no-marker@example.org")) == 1
    assert [each["event"] for each in lines(capsys)] == ["suppression.not_lifted"]
    later = instants.now() + timedelta(minutes=20)
    backend.tick(later)
    assert len(backend.mails("no-marker@example.org")) == 1


@pytest.mark.parametrize("shape", ["event-complaint-abuse", "event-bounce-permanent-general"])
def test_a_release_by_the_staff_lets_an_address_sign_up_again(
    backend: Backend, listed: SuppressionList, shape: str
) -> None:
    sam = {"authorization": "Bearer key:supervisor:Sam"}
    key = subscribe(backend, "released@example.org")
    backend.settle()
    path = f"/staff/subscribers/{key}/release"
    mail_feedback(backend, told(shape, *welcome(backend, key)))
    ended = state(key)
    assert ended in ("complained", "bounced")
    listed.put("released@example.org")
    agent = {"authorization": "Bearer key:agent:Anna"}
    if ended == "complained":
        assert backend.call("POST", path, None, agent).status == 403
        assert state(key) == ended
    with listed.failing(THROTTLED):
        assert backend.call("POST", path, None, sam).status == 503
    assert state(key) == ended  # nothing is half done
    for _ in range(2):  # a second press
        answer = backend.call("POST", path, None, sam)
        assert (answer.status, answer.json["state"]) == (200, "unsubscribed")
    assert not listed.has("released@example.org")
    events = [each for each in backend.items(prefix=f"SUB#{key}") if each.get("event")]
    assert [each["event"] for each in events].count("released") == 1
    _allow_mails(backend)
    assert sign_up(backend, "released@example.org").status == 202
    backend.settle()
    assert state(key) == "pending"
    assert backend.call("POST", "/staff/subscribers/nobody/release", None, sam).status == 404
