"""Instants and days at the edges, in every field and cursor that takes one: 422, and no ERROR."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from chalicelib.callbacks import links
from tests.backend import Backend
from tests.edge.staff import REQUEST, STAFF, Agent, ask
from tests.events import Answer

GOOD = "2027-01-11T10:00:00+01:00"
# fmt: off
INSTANTS = [
    ("0001-01-01T00:00:00Z", "range"), ("0001-01-01T00:00:00+14:00", "range"),
    ("9999-12-31T23:59:59Z", "range"), ("9999-12-31T23:59:59-12:00", "range"),
    ("1999-12-31T23:59:59Z", "range"), ("2101-01-01T00:00:00Z", "range"),
    ("2027-01-11T10:00:00+23:59", "range"), ("2027-01-11T10:00:00-23:59", "range"),
    ("2027-01-11T10:00:00", "type"), ("2026-06-30T23:59:60Z", "type"),
    ("2027-02-30T10:00:00Z", "type"), ("nonsense", "type"),
    ("1799658000", "type"), ("1799658000000", "type"), ("-1", "type"),  # seconds, milliseconds
]
DAYS = [
    ("0001-01-01", "range"), ("9999-12-31", "range"), ("1999-12-31", "range"),
    ("2101-01-01", "range"), ("2027-02-29", "type"), ("2027-13-01", "type"),
    ("1799625600", "type"), ("20270111", "type"),
]
# fmt: on


def windows(at: str) -> list[object]:
    return [{"from": at, "to": GOOD}, {"from": GOOD, "to": at}, f"{at}/{GOOD}", f"{GOOD}/{at}"]


@pytest.fixture
def held(line: Backend, sam: Agent) -> str:
    """Return the reference of a request that the supervisor holds."""
    reference = ask(line)
    assert sam.do(reference, "claim").status == 200
    return reference


def test_a_window(line: Backend, sam: Agent, held: str, capsys: pytest.CaptureFixture[str]) -> None:
    link = f"/callbacks/change?token={links.token(held)}"
    asks: list[tuple[str, Callable[[object], Answer]]] = [
        ("public", lambda window: line.call("POST", "/callbacks", {**REQUEST, "window": window})),
        ("outcome", lambda window: sam.do(held, "outcome", outcome="later", window=window)),
        ("button", lambda window: sam.post(f"{STAFF}/{held}", outcome="later", window=window)),
        (
            "link",
            lambda window: line.call("POST", link, {"action": "reschedule", "window": window}),
        ),
    ]
    for name, asked in asks:
        for at, code in INSTANTS:
            for window in windows(at):
                assert_refused(asked(window), "window", code, f"{name} {window}")
    assert_no_error(capsys)


def test_a_number_is_no_instant(line: Backend) -> None:
    for window in ({"from": 1799658000, "to": 1799665200}, {"from": GOOD, "to": 1799665200.5}):
        answer = line.call("POST", "/callbacks", {**REQUEST, "window": window})
        assert_refused(answer, "window", "type", str(window))


def test_a_span_of_days(line: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    for day, code in DAYS:
        for field in ("from", "to"):
            answer = line.call("GET", f"/articles/gold/views/daily?{field}={day}")
            assert_refused(answer, field, code, day)
    assert_no_error(capsys)


def test_a_cursor(sam: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    for at, code in INSTANTS:
        for tab in ("due", "closed"):
            cursor = quote(f"{at}~R-7F3K")
            answer = sam.get(f"{STAFF}?state={tab}&cursor={cursor}")
            assert_refused(answer, "cursor", code, at)
        assert sam.get(f"/staff?state=closed&cursor={cursor}").status == 422
    assert_no_error(capsys)


@pytest.mark.parametrize("days", ["0", "-1", "367", "1e3", "9" * 400, "x"])
def test_a_number_of_days(
    line: Backend, sam: Agent, days: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("/staff/stats", "/staff/views/filtered", "/callbacks/slots"):
        assert sam.get(f"{path}?days={days}").status == 422
    assert_no_error(capsys)


def assert_refused(answer: Answer, field: str, code: str, what: str) -> None:
    assert answer.status == 422, (what, answer.status)
    assert [(each["field"], each["code"]) for each in answer.json["errors"]] == [(field, code)], (
        what
    )


def assert_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    logged = [json.loads(each) for each in capsys.readouterr().out.splitlines() if each[:1] == "{"]
    assert [each for each in logged if each["level"] == "ERROR"] == []
