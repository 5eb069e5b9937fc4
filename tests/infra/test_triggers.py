"""The streams' filters hold back only what no reaction would react to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import app
from chalicelib import tokens
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from infra.triggers import FILTERS
from tests.backend import FORM, Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import subscribe
from tests.events import Context


def passes(pattern: Any, value: Any) -> bool:
    """Tell whether a value matches a pattern of Lambda's event filters.

    Knows the syntax that we use: nested names, any of some values, a prefix.
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and passes(pattern[name], value[name]) for name in pattern
        )
    return any(
        str(value).startswith(rule["prefix"]) if isinstance(rule, dict) else value == rule
        for rule in pattern
    )


def let_through(function: str, record: dict[str, Any]) -> bool:
    return any(passes(pattern, record) for pattern in FILTERS[function])


@contextmanager
def calls(backend: Backend) -> Iterator[list[str]]:
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    with backend.hooked("dynamodb", "before-call.dynamodb", note):
        yield made


def states(backend: Backend) -> dict[str, dict[str, Any]]:
    """Return every stream record while subscriptions and a callback come and go."""
    found: dict[str, dict[str, Any]] = {}

    def look() -> None:
        found.update({str(each): each for each in backend.records()})

    sign_up(backend, "pending@example.org")
    look()
    for email in ("leaves@example.org", "erased@example.org", "complains@example.org"):
        subscribe(backend, email)
    look()
    backend.call(
        "POST", "/callbacks", {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}
    )
    leave = tokens.sign(links.UNSUBSCRIBE, key_of("leaves@example.org"), 0)
    assert (
        backend.call(
            "POST", f"/newsletter/unsubscribe?token={leave}", "", {"content-type": FORM}
        ).status
        == 200
    )
    look()
    data = tokens.sign(links.DATA, key_of("erased@example.org"), 0)
    assert (
        backend.call("POST", "/newsletter/erase", f"token={data}", {"content-type": FORM}).status
        == 200
    )
    look()
    backend.settle()
    look()
    return found


def test_deliver_messages_sees_what_it_reacts_to_and_nothing_else(backend: Backend) -> None:
    records = states(backend).values()
    through = [each for each in records if let_through("deliver_messages", each)]
    held = [each for each in records if not let_through("deliver_messages", each)]
    assert {each["dynamodb"]["Keys"]["pk"]["S"].partition("#")[0] for each in through} == {
        "MSG",
        "SUB",
    }
    assert len(held) > len(through) >= 5
    kinds = {
        (keys["sk"]["S"], each["dynamodb"]["NewImage"].get("state", {}).get("S", ""))
        for each in through
        if (keys := each["dynamodb"]["Keys"])["pk"]["S"].startswith("SUB#")
    }
    waiting_and_after = {("SUB", state) for state in ("pending", "confirmed", "unsubscribed")}
    assert kinds == {*waiting_and_after, ("SUPPRESSED", "")}
    for record in held:
        with calls(backend) as made:
            app.deliver_messages({"Records": [record]}, Context())
        assert made == []
    for record in through:
        with calls(backend) as made:
            app.deliver_messages({"Records": [record]}, Context())
        assert made != []
    removed = [{**each, "eventName": "REMOVE"} for each in through]
    of_subscribers = [each for each in removed if "SUB#" in each["eventID"]]
    assert not [each for each in of_subscribers if let_through("deliver_messages", each)]


def test_count_views_sees_each_new_view_and_not_its_own_flags(backend: Backend) -> None:
    assert backend.call("POST", "/articles/gold/views").status == 204
    new = backend.records("VIEW_MARKERS_TABLE")
    seen = [each for each in new if let_through("count_views", each)]
    assert [each["dynamodb"]["Keys"]["pk"]["S"].partition("#")[0] for each in seen] == ["VIEW"]
    backend.count()
    flagged = [{**each, "eventName": "MODIFY"} for each in backend.records("VIEW_MARKERS_TABLE")]
    assert not [each for each in flagged if let_through("count_views", each)]
    for record in [*flagged, *(each for each in new if each not in seen)]:
        with calls(backend) as made:
            app.count_views({"Records": [record]}, Context())
        assert made == []
