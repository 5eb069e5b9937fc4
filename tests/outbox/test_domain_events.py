"""What each fact tells other systems, and that the schemas in docs/events say so."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import jsonschema  # type: ignore[import-untyped]  # has no stubs
import pytest

from chalicelib.callbacks import domain_events as callbacks
from chalicelib.callbacks import model as callback_model
from chalicelib.newsletter import domain_events as newsletter
from chalicelib.newsletter.model import Change, Event, Subscriber
from chalicelib.outbox import domain_events, model, store
from chalicelib.outbox.domain_events import DomainEvent
from chalicelib.settings import Settings
from tests.callbacks.cases import asap
from tools import event_schemas

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
# fmt: off
PENDING = Subscriber(
    "key", "eva@example.org", "pending", "de", ("news", "offers"), "newsletter-de-1", NOW, NOW,
)
# fmt: on
CONFIRMED = replace(PENDING, state="confirmed")
NEW = replace(PENDING, moved_from="old")
ASKED = {"topics": ["news", "offers"], "language": "de", "declaration": "newsletter-de-1"}
CHOSEN = {"topics": ["news", "offers"], "language": "de"}


def schema_of(event: dict[str, Any]) -> dict[str, Any]:
    """Return the published schema of an event."""
    path = event_schemas.FOLDER / f"{event['type']}.v{event['version']}.json"
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def check(event: dict[str, Any]) -> None:
    """Check an event against its published schema; it has nothing that the schema does not name."""
    schema = schema_of(event)
    jsonschema.validate(event, schema, format_checker=jsonschema.FormatChecker())
    assert event.keys() <= schema["properties"].keys()
    described = schema["properties"]["data"]["properties"]
    assert event["data"].keys() <= described.keys()
    for name, value in event["data"].items():
        assert value in described[name].get("examples", [value])


def test_the_schemas_are_current() -> None:
    made = dict(event_schemas.files())
    assert {path: path.read_text() for path in made} == made, "run `make generated`"
    for text in made.values():
        jsonschema.Draft202012Validator.check_schema(json.loads(text))


# fmt: off
TOLD: list[tuple[Change, dict[str, str], str, dict[str, Any]]] = [
    (Change(None, PENDING, "signup"), {}, "subscriber.subscribed", ASKED),
    (Change(None, NEW, "move asked"), {}, "subscriber.subscribed", {**ASKED, "replaces": "old"}),
    (Change(PENDING, CONFIRMED, "confirmed"), {}, "subscriber.confirmed", {**ASKED, "how": "link"}),
    (Change(NEW, replace(NEW, state="confirmed"), "moved here"), {}, "subscriber.confirmed",
     {**ASKED, "how": "move", "replaces": "old"}),
    (Change(None, CONFIRMED, "imported"), {}, "subscriber.confirmed", {**ASKED, "how": "import"}),
    (Change(PENDING, CONFIRMED, "unsubscription undone"), {}, "subscriber.confirmed",
     {**ASKED, "how": "undo"}),
    (Change(PENDING, CONFIRMED, "refusal undone"), {}, "subscriber.confirmed",
     {**ASKED, "how": "undo"}),
    (Change(PENDING, PENDING, "refusal undone"), {}, "subscriber.subscribed", ASKED),
    (Change(PENDING, CONFIRMED, "preferences"), {}, "subscriber.preferences_changed", CHOSEN),
    (Change(PENDING, replace(CONFIRMED, moved_to="new"), "moved away"), {},
     "subscriber.address_changed", {"new_subject": "new"}),
    (Change(PENDING, CONFIRMED, "unsubscribed"), {"by": "one click"}, "subscriber.unsubscribed",
     {"by": "one click"}),
    (Change(PENDING, CONFIRMED, "unsubscribed"), {}, "subscriber.unsubscribed", {"by": "other"}),
    (Change(PENDING, CONFIRMED, "withdrawn"), {"how": "mail", "by": "operator"},
     "subscriber.unsubscribed", {"by": "mail"}),
    (Change(PENDING, CONFIRMED, "refused"), {}, "subscriber.unsubscribed", {"by": "not me"}),
    (Change(PENDING, CONFIRMED, "bounced"), {}, "subscriber.bounced", {}),
    (Change(PENDING, CONFIRMED, "complained"), {}, "subscriber.complained", {}),
    (Change(CONFIRMED, None, "erased"), {"by": "person"}, "subscriber.erased", {}),
]
# fmt: on
NOTHING = ("signup again", "resent", "mailed", "access", "soft bounce", "released", "")


@pytest.mark.parametrize(("change", "facts", "kind", "data"), TOLD)
def test_what_a_change_of_a_subscriber_tells(
    change: Change, facts: dict[str, str], kind: str, data: dict[str, Any]
) -> None:
    event = published(newsletter.of(change, facts))
    assert (event["type"], event["data"]) == (kind, data)
    check(event)


@pytest.mark.parametrize("event", NOTHING)
def test_what_tells_nothing(event: Any) -> None:
    assert newsletter.of(Change(PENDING, CONFIRMED, event), {}) is None


@pytest.mark.parametrize("before", [None, replace(CONFIRMED, state="bounced")])
def test_a_withdrawal_of_nobody_subscribed_tells_nothing(before: Any) -> None:
    assert newsletter.of(Change(before, CONFIRMED, "withdrawn"), {}) is None


def test_every_event_of_a_subscriber_is_decided_about() -> None:
    decided = {change.event for change, *_ in TOLD} | set(NOTHING)
    assert set(get_args(Event)) <= decided


@pytest.mark.parametrize("end", callback_model.ENDS)
def test_what_the_end_of_a_callback_tells(end: Any) -> None:
    before = asap()
    told = callbacks.of(callback_model.Change(before, replace(before, state=end), "done"))
    if end == "withdrawn":
        assert told is None
        return
    event = published(told, "callback-event", "R-7F3K")
    assert (event["type"], event["data"]) == ("callback.ended", {"end": end, "topic": "buying"})
    check(event)


def test_what_is_no_end_tells_nothing() -> None:
    before = asap()
    claimed = callback_model.Change(before, replace(before, state="claimed"), "claimed")
    assert callbacks.of(claimed) is None
    ended = replace(before, state="done")
    assert callbacks.of(callback_model.Change(ended, replace(ended, version=9), "followed")) is None


def published(
    event: DomainEvent | None, kind: str = "newsletter-event", subject: str = "key"
) -> dict[str, Any]:
    """Return the event as it is published, after its message was stored and read."""
    assert event
    message = domain_events.owe(kind, subject, 7, event, NOW)
    kept = store.from_item(store.to_item(message))
    assert kept == message
    parcel = domain_events.publication(kept, Settings(stage="dev", domain_events_topic_arn="arn"))
    read: dict[str, Any] = json.loads(parcel.text)
    assert parcel.text.isascii()
    assert parcel.attributes == {"type": read["type"], "version": "1", "stage": "dev"}
    return read


def test_the_head_of_an_event() -> None:
    event = published(newsletter.Erased())
    assert event == {
        "id": "newsletter-event_key_1795424400000007",
        "type": "subscriber.erased",
        "version": 1,
        "sequence": 1795424400000007,
        "at": "2026-11-23T09:00:00.000Z",
        "stage": "dev",
        "subject": "key",
        "data": {},
    }


def test_the_sequence_grows_and_javascript_can_read_it() -> None:
    facts = [
        (NOW, 998),
        (NOW, 999),
        (NOW + timedelta(milliseconds=1), 1000),
        (NOW + timedelta(days=8), 1),  # the ledger is gone, and its versions begin anew
    ]
    numbers = [domain_events.sequence(*fact) for fact in facts]
    assert numbers == sorted(set(numbers))
    assert domain_events.sequence(datetime(2100, 1, 1, tzinfo=UTC), 999) < 2**53


def test_a_message_of_a_newer_version_loses_nothing_in_this_one() -> None:
    item = store.to_item(model.owe("newer-kind", "key", 1, NOW, lane="events", content={"a": [1]}))
    newer = {**item, "invented_later": {"b": 2}}
    waits = model.postponed(store.from_item(newer), NOW + model.UNKNOWN, "unknown kind")
    after = store.to_item(waits)
    assert (after["invented_later"], after["content"]) == ({"b": 2}, {"a": [1]})
    assert after["due_key"] == item["due_key"]
    sent = store.to_item(model.sent(waits, "sns-1", NOW))
    assert "due_key" not in sent
    assert sent["invented_later"] == {"b": 2}
