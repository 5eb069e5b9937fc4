"""One press on a staff page calls each capability's service once at most."""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.callbacks import service
from tests.backend import FORM, Backend
from tests.edge.staff import STAFF, Agent, ask

CHALICELIB = Path(service.__file__).parent.parent
CAPABILITIES = ("newsletter", "callbacks", "articles")


def capability(frame: FrameType | None) -> str:
    """Return the capability whose service a frame runs in, or an empty text."""
    file = Path(frame.f_code.co_filename) if frame else Path()
    if file.name != "service.py" or not file.is_relative_to(CHALICELIB):
        return ""
    name = file.relative_to(CHALICELIB).parts[0]
    return name if name in CAPABILITIES else ""


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """Count the calls into each capability's service from outside of it."""
    calls: Counter[str] = Counter()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_name.isidentifier():
            return
        entered, caller = capability(frame), frame.f_back
        if entered and not inside(entered, caller):
            calls[entered] += 1

    def inside(name: str, frame: FrameType | None) -> bool:
        while frame:
            if capability(frame) == name:
                return True
            frame = frame.f_back
        return False

    sys.setprofile(look)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.fixture
def person(sam: Agent) -> Agent:
    """Return a supervisor at a browser without a script."""
    return sam


def press(at: Agent, path: str, **fields: str) -> int:
    headers = {**at.headers, "content-type": FORM, "accept": "text/html"}
    return at.backend.call("POST", path, urlencode(fields), headers).status


def open_page(at: Agent, path: str) -> int:
    return at.backend.call("GET", path, None, {**at.headers, "accept": "text/html"}).status


@pytest.mark.soak
def test_one_press_calls_each_service_once_at_most(line: Backend, person: Agent) -> None:
    reference, other = ask(line), ask(line, phone="07930 2001")
    key = service.telephone("07930 2000").main_key
    signup = {"email": "eva@example.org", "consent": "newsletter-de-1"}
    assert line.call("POST", "/newsletter/signups", signup).status == 202
    (subscriber,) = (each["key"] for each in line.items(prefix="SUB#") if each["sk"] == "SUB")
    own, record = f"{STAFF}/{reference}", f"/staff/subscribers/{subscriber}"
    presses: list[tuple[str, dict[str, str] | None, int]] = [
        ("/staff", None, 200),
        ("/staff?state=closed", None, 200),
        (own, None, 200),
        (own, {"action": "claim"}, 303),
        (own, {"action": "dial"}, 303),
        (own, {"action": "settle"}, 422),
        (own, {"action": "settle", "outcome": "reached"}, 303),
        (own, {"action": "claim"}, 409),
        (f"{STAFF}/{other}", {"action": "claim", "note": "ruft gleich an"}, 303),
        ("/staff/search", None, 200),
        ("/staff/search", {"text": reference}, 303),
        ("/staff/search", {"text": "07930 2000"}, 303),
        ("/staff/search", {"text": "R-ZZZZ"}, 404),
        (f"/staff/search/{key}", None, 200),
        (f"/staff/search/{key}/block", None, 200),
        (f"/staff/search/{key}/block", {}, 303),
        (f"/staff/search/{key}/lift", {}, 303),
        (f"/staff/search/{key}/restore", {}, 303),
        (f"/staff/search/{key}/erase", {}, 303),
        ("/staff/hours", None, 200),
        ("/staff/figures", None, 200),
        ("/staff/articles", None, 200),
        ("/staff/articles/gold", None, 200),
        ("/staff/articles/gold", {"accept": "true"}, 303),
        ("/staff/articles/gold", {"merge_into": "nobody"}, 422),
        ("/staff/articles/gold/delete", None, 200),
        ("/staff/articles/gold/delete", {}, 303),
        ("/staff/subscribers", None, 200),
        ("/staff/subscribers?domain=example.org&from=2020-01-01", None, 200),
        ("/staff/subscribers?from=2020-01-02&to=2020-01-01", None, 422),
        ("/staff/subscribers/search", None, 303),
        ("/staff/subscribers/search", {"email": "eva@example.org"}, 303),
        ("/staff/subscribers/search", {"email": "nobody@example.org"}, 404),
        ("/staff/subscribers/search", {"email": "eva"}, 422),
        ("/staff/subscribers/search", {"state": "confirmed"}, 303),
        (record, None, 200),
        (f"{record}/resend", {}, 429),
        (f"{record}/release", {}, 303),
        (f"{record}/unsubscribe", None, 200),
        (f"{record}/unsubscribe", {"how": "telephone"}, 303),
        (f"{record}/unsubscribe", None, 303),
        (f"{record}/resend", {}, 409),
        (f"{record}/proof", None, 200),
        (f"{record}/data", None, 200),
        (f"{record}/erase", None, 200),
        (f"{record}/erase", {}, 303),
        (f"{record}/erase", None, 303),
        (f"{record}/release", {}, 404),
        (f"{record}?done=erased", None, 200),
        ("/staff/subscribers/nobody", None, 404),
    ]
    called: Counter[str] = Counter()
    for path, fields, status in presses:
        with counted() as calls:
            got = open_page(person, path) if fields is None else press(person, path, **fields)
        assert got == status, path
        assert max(calls.values(), default=0) <= 1, (path, fields, calls)
        called += calls
    assert set(called) == set(CAPABILITIES)
    print(f"\npresses {len(presses)} · calls of services {dict(called)}")
