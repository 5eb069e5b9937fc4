"""What only a newer version knows waits for it: nothing is lost, nothing crashes, the log tells."""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, instants
from chalicelib.callbacks import clock as callbacks
from chalicelib.callbacks import erasure
from chalicelib.callbacks.model import Who
from chalicelib.errors import Newer
from chalicelib.newsletter import clock as ledgers
from chalicelib.newsletter import model, service
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend
from tests.edge.staff import ALWAYS, Agent, ask, backdate
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import _allow_mails, link, post, subscribe
from tests.ops.commands import ops
from tests.scale import part

EMAIL = "reads@example.org"


@pytest.fixture
def staffed(backend: Backend) -> Backend:
    backend.configure(**ALWAYS, STAGE="local", STAFF_TEST_KEY="key")
    return backend


def put(backend: Backend, key: str, **attributes: Any) -> None:
    """Set attributes of a subscriber's item, as a newer version might."""
    place = {"pk": f"SUB#{key}", "sk": "SUB"}
    aws.write(aws.assign(backend.env["CONTACTS_TABLE"], place, attributes))


def stored(backend: Backend, pk: str, sk: str) -> dict[str, Any]:
    item = aws.get(backend.env["CONTACTS_TABLE"], {"pk": pk, "sk": sk})
    assert item
    return item


def pause(backend: Backend, key: str) -> dict[str, Any]:
    """Leave a subscriber in a state of a newer version; return the item."""
    until = instants.epoch(instants.now() + timedelta(days=4000))
    put(backend, key, state="paused", paused_until="2027-01-01", v=2, expires=until)
    return stored(backend, f"SUB#{key}", "SUB")


def test_a_subscriber_in_an_unknown_state_stays_as_it_is(
    staffed: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    key = subscribe(staffed, EMAIL)
    staffed.settle()
    _allow_mails(staffed)
    sign_up(staffed, EMAIL)  # a mail about the settings, which waits
    token = link(staffed, EMAIL, "preferences")
    before = pause(staffed, key)
    capsys.readouterr()
    staffed.deliver()
    assert sorted(staffed.states().values()).count("due") == 1
    later = instants.now() + timedelta(days=30)
    sign_up(staffed, EMAIL)
    assert len(staffed.items(prefix="INTAKE#")) == 1
    changed = post(staffed, "preferences", token=token, topics="news", language="de")
    assert (changed.status, changed.headers["retry-after"]) == (503, "300")
    assert confirm(staffed, link(staffed, EMAIL, "confirm")).status == 503
    headers = {"authorization": "Bearer key"}
    for path in (f"/{key}", f"/{key}/proof", f"/{key}/data", ".csv?state=all"):
        assert staffed.call("GET", f"/staff/subscribers{path}", headers=headers).status == 200
    assert ledgers.tick(lambda: 20.0, later) == 1
    after = stored(staffed, f"SUB#{key}", "SUB")
    assert {**after, "due_at": ""} == {**before, "due_at": ""}
    said = capsys.readouterr().out
    lines = [each for each in said.splitlines() if '"kind.unknown"' in each]
    assert lines
    assert all(json.loads(each)["state"] == "paused" for each in lines)
    assert EMAIL not in said
    # The newer version is back.
    put(staffed, key, state="confirmed")
    staffed.tick(instants.now() + timedelta(minutes=6))
    assert staffed.items(prefix="INTAKE#") == []
    assert set(staffed.states().values()) == {"sent"}
    assert stored(staffed, f"SUB#{key}", "SUB")["paused_until"] == "2027-01-01"


@pytest.mark.parametrize(
    "how", part((each,) for each in ("leave", "withdraw", "bounce", "complain", "erase"))
)
def test_an_end_holds_in_an_unknown_state(staffed: Backend, how: str) -> None:
    key = subscribe(staffed, EMAIL)
    pause(staffed, key)
    now = instants.now()
    if how == "leave":
        token = link(staffed, EMAIL, "unsubscribe")
        assert post(staffed, f"unsubscribe?token={token}").status == 200
    if how == "withdraw":
        assert ops("unsubscribe", EMAIL).exit_code == 0
    if how == "bounce":
        service.change(
            key, lambda known: model.bounce(known.subscriber, True, "b", now, now), How(), now
        )
    if how == "complain":
        service.change(key, lambda known: model.complain(known.subscriber, now, now), How(), now)
    if how == "erase":
        assert ops("erase", EMAIL, "--yes").exit_code == 0
        assert subscribers.load(key).suppressed
        assert "paused" not in json.dumps(staffed.items(prefix=f"SUB#{key}"))
        return
    state = {"bounce": "bounced", "complain": "complained"}.get(how, "unsubscribed")
    item = stored(staffed, f"SUB#{key}", "SUB")
    assert (item["state"], item["paused_until"]) == (state, "2027-01-01")
    assert subscribers.load(key).withdrawn


def test_a_request_in_an_unknown_state_stays_as_it_is(
    staffed: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, anna = ask(staffed, email="eva@example.org"), Agent(staffed)
    backdate(staffed, reference, state="waits for a colleague", v=2, colleague="Bea")
    before = stored(staffed, f"CALLBACK#{reference}", "CALLBACK")
    staffed.deliver()
    alerts = {id: state for id, state in staffed.states().items() if "alert" in id}
    assert set(alerts.values()) == {"due"}
    capsys.readouterr()
    callbacks.tick(lambda: 20.0, instants.now() + timedelta(days=1))
    assert '"kind.unknown"' in capsys.readouterr().out
    assert erasure.erase_ended(lambda: 20.0, instants.now() + timedelta(days=400)) == []
    for tab in ("due", "mine", "overdue", "waiting", "held", "closed"):
        assert anna.tab(tab) == []
    assert anna.do(reference, "claim").status == 503
    assert anna.get(f"/staff/callbacks/{reference}").status == 503
    ask(staffed, email="tom@example.org")  # a further wish for the number waits
    assert len(staffed.items(prefix="INTAKE#")) == 1
    assert stored(staffed, f"CALLBACK#{reference}", "CALLBACK") == before
    backdate(staffed, reference, state="open")
    staffed.tick(instants.now() + timedelta(minutes=6))
    assert staffed.items(prefix="INTAKE#") == []
    after = stored(staffed, f"CALLBACK#{reference}", "CALLBACK")
    assert (after["colleague"], len(after["wishes"])) == ("Bea", 2)


def test_an_erasure_takes_what_a_newer_version_has_added(staffed: Backend) -> None:
    reference = ask(staffed, email="eva@example.org")
    backdate(staffed, reference, state="waits", nickname="Evchen")
    erasure.erase_wholly([reference], Who("sam", "Sam"), instants.now())
    item = stored(staffed, f"CALLBACK#{reference}", "CALLBACK")
    assert (item["state"], item["erased"], "nickname" in item) == ("withdrawn", True, False)
    assert [each for each in staffed.items(prefix="NUMBER#") if each["sk"] == "LOCK"] == []


def test_events_outcomes_and_roles_of_a_newer_version(staffed: Backend) -> None:
    """Check that a list's unknown members are shown as they are, and kept."""
    key = subscribe(staffed, EMAIL)
    table = staffed.env["CONTACTS_TABLE"]
    place = {"pk": f"SUB#{key}", "sk": "EVENT#00000001"}
    aws.write(aws.assign(table, place, {"event": "beckoned"}))
    headers = {"authorization": "Bearer key"}
    for path in (f"/{key}", f"/{key}/proof", f"/{key}/data"):
        for accept in ("text/html", "application/json"):
            answer = staffed.call(
                "GET", f"/staff/subscribers{path}", headers={**headers, "accept": accept}
            )
            assert answer.status == 200, answer.text
    anna = Agent(staffed)
    reference = ask(staffed)
    anna.do(reference, "claim")
    anna.do(reference, "dial")
    anna.do(reference, "outcome", outcome="no_answer")
    item = stored(staffed, f"CALLBACK#{reference}", "CALLBACK")
    item["attempts"][0]["outcome"] = "fax"
    aws.write(aws.put(table, {**item, "held_for": "moon"}))
    (event, *_) = [
        each for each in staffed.items(prefix="CALLBACK#") if each["sk"] == "EVENT#00000002"
    ]
    place = {"pk": event["pk"], "sk": event["sk"]}
    aws.write(aws.assign(table, place, {"event": "waved", "state": "afloat"}))
    shown = anna.get(f"/staff/callbacks/{reference}")
    assert (shown.status, shown.json["calls"][0]["outcome"]) == (200, "fax")
    page = staffed.call(
        "GET", f"/staff/callbacks/{reference}", headers={**anna.headers, "accept": "text/html"}
    )
    assert page.status == 200
    assert staffed.call("GET", "/staff/stats", headers=headers).status == 200
    assert anna.do(reference, "claim").status == 200
    assert stored(staffed, f"CALLBACK#{reference}", "CALLBACK")["attempts"][0]["outcome"] == "fax"


def test_a_message_of_an_unknown_lane_or_state_waits(staffed: Backend) -> None:
    sign_up(staffed, EMAIL)
    (one,) = staffed.items(prefix="MSG#")
    table, place = staffed.env["CONTACTS_TABLE"], {"pk": one["pk"], "sk": one["sk"]}
    for changed in ({"lane": "editions", "due_key": "MSG#editions#1"}, {"state": "resting"}):
        aws.write(aws.assign(table, place, changed))
        staffed.deliver()
        staffed.tick(instants.now() + timedelta(hours=1))
        item = stored(staffed, one["pk"], one["sk"])
        assert item == {**item, **changed}
        assert staffed.mails(EMAIL) == []
        aws.write(aws.put(table, one))
    staffed.deliver()
    assert len(staffed.mails(EMAIL)) == 1


def test_newer_is_told_in_a_sentence() -> None:
    assert str(Newer("subscriber", "paused")) == "unknown state of a subscriber: paused"
