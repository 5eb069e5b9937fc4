"""What DynamoDB documents of transactions, pages, batches and indexes, and what we make of it.

Ledgers of any length are in `test_long_ledgers.py`, chunks of views in `articles/test_model.py`.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from chalicelib import aws, instants
from chalicelib.callbacks import erasure
from chalicelib.callbacks.model import MOST_WISHES
from chalicelib.errors import Unavailable
from tests.backend import Backend
from tests.edge.staff import ALWAYS, Agent, ask, backdate
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import subscribe

MOST = 100  # members of a transaction, and keys of a batch


@pytest.fixture
def staffed(backend: Backend) -> Backend:
    backend.configure(
        **ALWAYS,
        STAGE="local",
        STAFF_TEST_KEY="key",
        DOMAIN_EVENTS="1",
        LIMIT_CALLBACKS_PER_CALLER="1000",
        LIMIT_CALLBACKS_PER_NUMBER="1",
    )
    return backend


@pytest.mark.soak
def test_a_request_with_all_the_wishes_there_can_be_fits_a_transaction(staffed: Backend) -> None:
    """Check the changes that owe a letter to each of a request's customers."""
    members: list[int] = []

    def count(params: dict[str, Any], **_: Any) -> None:
        members.append(len(params["TransactItems"]))

    with staffed.hooked("dynamodb", "provide-client-params.dynamodb.TransactWriteItems", count):
        ask(staffed, email="first@example.org")
        sam = Agent(staffed, "Sam", "supervisor")
        (first,) = (each["pk"][9:] for each in staffed.items() if each["sk"] == "CALLBACK")
        for action in ("claim", "dial"):
            assert sam.do(first, action).status == 200
        assert sam.do(first, "outcome", outcome="reached").status == 200
        held = ask(staffed, email="held@example.org", note="x" * 500)
        for number in range(MOST_WISHES + 2):
            ask(staffed, email=f"wish-{number}@example.org", note="x" * 500)
        largest = max(len(json.dumps(aws.pack_item(each))) for each in staffed.items())
        assert sam.do(held, "decline").status == 200
        assert sam.do(held, "undo").status == 200
        assert sam.do(held, "admit").status == 200
        staffed.tick(instants.now() + timedelta(days=60))
    states = [each["state"] for each in staffed.items() if each["sk"] == "CALLBACK"]
    assert sorted(states) == ["done", "expired"]
    print(f"\nmembers of a transaction {max(members)} · largest item {largest >> 10} KB")
    assert MOST_WISHES < max(members) <= MOST
    assert largest < 400_000


def test_a_batch_asks_for_a_hundred_and_again_for_what_was_left(backend: Backend) -> None:
    table, sizes, left = backend.env["CONTACTS_TABLE"], list[int](), [40]
    keys = [{"pk": f"WORDING#{number}", "sk": "WORDING"} for number in range(250)]
    for key in keys:
        aws.write(aws.put(table, {**key, "v": 1, "text": key["pk"]}))

    def count(params: dict[str, Any], **_: Any) -> None:
        sizes.append(len(params["RequestItems"][table]["Keys"]))

    def leave(parsed: dict[str, Any], **_: Any) -> None:
        """Leave some of the items unprocessed, as DynamoDB does beyond 16 MB."""
        found = parsed["Responses"][table]
        back = [found.pop() for _ in range(min(left[0], len(found)))]
        if back:
            asked = [{name: each[name] for name in ("pk", "sk")} for each in back]
            parsed["UnprocessedKeys"] = {table: {"Keys": asked}}
            left[0] -= 20 if left[0] < 100 else 0

    params = "provide-client-params.dynamodb.BatchGetItem"
    with (
        backend.hooked("dynamodb", params, count),
        backend.hooked("dynamodb", "after-call.dynamodb.BatchGetItem", leave),
    ):
        found = [each["text"] for each in aws.batch_get(table, keys)]
        assert sorted(found) == sorted(key["pk"] for key in keys)
        assert max(sizes) == MOST
        assert len(sizes) == 5
        left[0] = 1000
        with pytest.raises(Unavailable):
            list(aws.batch_get(table, keys))


def test_an_index_that_is_late_decides_nothing(staffed: Backend) -> None:
    """Leave entries in the index `due` that say what is not so any more, and run the clock."""
    subscribe(staffed, "reads@example.org")
    sign_up(staffed, "waits@example.org")
    ended, live = ask(staffed), ask(staffed, phone="07930 2001")
    staffed.settle()
    anna, now = Agent(staffed), instants.now()
    for action in ("claim", "dial"):
        assert anna.do(ended, action).status == 200
    assert anna.do(ended, "outcome", outcome="reached").status == 200
    staffed.settle()
    staffed.tick(now + timedelta(minutes=11))
    due = instants.text(now - timedelta(days=400))
    backdate(staffed, ended, due_key="CALLBACK", due_at=due)
    backdate(staffed, live, due_key="ENDED", due_at=due)
    table = staffed.env["CONTACTS_TABLE"]
    for each in staffed.items(prefix="MSG#"):
        key = {"pk": each["pk"], "sk": each["sk"]}
        if each["state"] in ("sent", "void"):
            lane = {"due_key": f"MSG#{each['lane']}#1", "due_at": due}
            aws.write(aws.assign(table, key, lane))
    sent, before = len(staffed.messages()), [each for each in staffed.items() if "due_key" in each]
    staffed.tick(now + timedelta(minutes=12))
    assert erasure.erase_ended(lambda: 20.0, now) == []
    assert len(staffed.messages()) == sent
    after = {(each["pk"], each["sk"]): each for each in staffed.items()}
    states = {"SUB", "CALLBACK", "MSG"}
    for each in before:
        if each["sk"] in states:
            assert after[each["pk"], each["sk"]].get("state") == each["state"], each["pk"]
