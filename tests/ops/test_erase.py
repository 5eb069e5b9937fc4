"""`ops erase` erases a person by address and number, and writes it to the stage's log."""

import getpass
import json
from typing import Any

import boto3

from infra import config
from tests.backend import Backend
from tests.edge.staff import ask
from tests.edge.test_subscription import subscribe
from tests.ops.commands import ops

PERSON = {
    "name": "Canary Muster",
    "phone": "07930 2468",
    "email": "Goes@example.org",
    "note": "canary-note",
}
CANARIES = ("Canary", "49793024", "Goes@", "goes@", "canary-note", "192.0.2.1")


def kept(backend: Backend) -> list[str]:
    """Return the canaries that are still in the table."""
    return [each for each in CANARIES if each in json.dumps(backend.items(), ensure_ascii=False)]


def recorded(backend: Backend, stream: str) -> list[dict[str, Any]]:
    group = f"/aws/lambda/{config.function_name(backend.env['STAGE'], 'api_handler')}"
    events = boto3.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    return [json.loads(each["message"]) for each in events]


def test_the_newsletters_part(backend: Backend) -> None:
    key = subscribe(backend, "goes@example.org")
    assert (
        ops("erase", "goes@example.org", "--dry-run").output
        == f"newsletter: confirmed, 3 events, identifier {key}\n"
    )
    refused = ops("erase", "goes@example.org")  # nobody answers the question
    assert (refused.exit_code, "Erase?" in refused.output) == (1, True)
    assert backend.items(prefix=f"SUB#{key}")[0]["sk"] != "SUPPRESSED"
    done = ops("erase", "goes@example.org", "--yes")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "erased")
    left = backend.items(prefix=f"SUB#{key}")
    assert "SUPPRESSED" in {each["sk"] for each in left}
    assert "goes@example.org" not in json.dumps(left)
    assert ops("erase", "goes@example.org", "--yes").output == "erased before\n"
    assert ops("erase", "nobody@example.org", "--yes").exit_code == 2


def test_callbacks_by_number(backend: Backend) -> None:
    reference = ask(backend, **PERSON)
    told = ops("erase", "--phone", "+49 7930 2468", "--dry-run").output
    assert told.startswith(f"callback {reference}: open, received 20")
    assert "Canary" in kept(backend)
    assert ops("erase", "--phone", "+49 7930 2468", "--yes").exit_code == 0
    backend.deliver()
    assert kept(backend) == []
    (item,) = [
        each for each in backend.items(prefix=f"CALLBACK#{reference}") if each["sk"] == "CALLBACK"
    ]
    assert (item["state"], item["erased"]) == ("withdrawn", True)
    again = ops("erase", "--phone", "07930 2468", "--yes")
    assert (again.exit_code, again.output) == (2, "nothing is known of this person\n")


def test_an_address_brings_the_callbacks_that_name_it(backend: Backend) -> None:
    mine, other = (
        ask(backend, **PERSON),
        ask(backend, phone="07930 2999", email="other@example.org"),
    )
    unnamed = ask(backend, phone="07930 2998")
    subscribe(backend, "goes@example.org")
    told = ops("erase", "goes@example.org", "--dry-run").output
    assert [each.split()[0] for each in told.splitlines()] == ["newsletter:", "callback"]
    assert mine in told
    assert ops("erase", "goes@example.org", "--yes").exit_code == 0
    backend.settle()
    erased = {item["reference"] for item in backend.items(prefix="CALLBACK#") if item.get("erased")}
    assert erased == {mine}
    assert {other, unnamed} <= {item.get("reference") for item in backend.items(prefix="CALLBACK#")}
    # The others' consent came from this address.
    assert [each for each in kept(backend) if each != "192.0.2.1"] == []


def test_an_address_takes_its_own_wish_and_leaves_the_others(backend: Backend) -> None:
    """Check that whoever adds a wish to somebody's request cannot end it by an erasure."""
    owner = ask(backend, phone="07930 2468", name="Ina Beispiel", email="stays@example.org")
    ask(backend, **PERSON)
    assert ops("erase", PERSON["email"], "--yes").exit_code == 0
    backend.settle()
    (item,) = [
        each for each in backend.items(prefix=f"CALLBACK#{owner}") if each["sk"] == "CALLBACK"
    ]
    assert (item["state"], [each["end"] for each in item["wishes"]]) == ("open", ["", "withdrawn"])
    assert item["wishes"][0]["asked"]["email"] == "stays@example.org"
    left = str(backend.items())
    assert [each for each in ("goes@example.org", "Canary") if each in left] == []


def test_wrong_usage(backend: Backend) -> None:
    assert ops("erase").exit_code == 2
    wrong = ops("erase", "--phone", "0900 1234567", "--yes")
    assert (wrong.exit_code, "do not call premium-rate" in wrong.output) == (2, True)


def test_it_is_on_record_in_the_stages_log(backend: Backend) -> None:
    client = boto3.client("logs")
    group = f"/aws/lambda/{config.function_name(backend.env['STAGE'], 'api_handler')}"
    key, reference = subscribe(backend, "goes@example.org"), ask(backend, **PERSON)
    client.create_log_group(logGroupName=group)
    done = ops("erase", "goes@example.org", "--phone", "07930 2468", "--yes")
    assert "{" not in done.output
    by = getpass.getuser()
    assert recorded(backend, f"operators/{by}") == [
        {"level": "INFO", "event": "subscriber.erased", "subscriber": key},
        {"level": "INFO", "event": "newsletter.person_erased", "subscriber": key, "by": by},
        {"level": "INFO", "event": "callback.erased_wholly", "reference": reference},
        {"level": "INFO", "event": "callback.person_erased", "requests": 1, "by": by},
    ]
    subscribe(backend, "second@example.org")
    ops("erase", "second@example.org", "--yes")  # to the same stream
    assert len(recorded(backend, f"operators/{by}")) == 6
    client.delete_log_group(logGroupName=group)
    subscribe(backend, "third@example.org")
    # The log group is gone, so the command shows what it would have logged.
    shown = ops("erase", "third@example.org", "--yes").output
    assert '"event": "newsletter.person_erased"' in shown
