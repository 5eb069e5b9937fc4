"""What ours adds to Chalice's command line, and what makes a call to Lambda wait."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chalice.config import DeployedResources

from infra import patience
from infra.chalice import RemoteState, refusal
from infra.runtime import LOCK as PYTHON

LATER = (PYTHON[0], PYTHON[1] + 1)


@pytest.mark.parametrize("command", ["deploy", "package"])
def test_the_functions_are_made_by_the_locks_python_alone(command: str) -> None:
    assert refusal([command, "--stage", "prod"], PYTHON) == ""
    told = refusal([command, "--stage", "prod"], LATER)
    assert f"this is Python {LATER[0]}.{LATER[1]}" in told
    assert "make setup PYTHON=python3.11" in told
    # A stage on this machine runs on whatever there is, and any Python can delete.
    assert refusal([command, "--stage", "local"], LATER) == ""
    assert refusal(["delete", "--stage", "prod"], LATER) == ""


def test_the_lock_is_resolved_for_that_python(root: Path) -> None:
    recipes = set(re.findall(r"--python-version ([\d.]+)", (root / "Makefile").read_text()))
    assert recipes == {".".join(map(str, PYTHON))}


UPDATING = (
    "The operation cannot be performed at this time. An update is in progress for resource: f"
)
PENDING = "The function is currently in the following state: Pending"
IN_USE = "Cannot update the event source mapping because it is in use."


def again(code: str, message: str, attempts: int = 1) -> Any:
    said: list[str] = []
    answer: tuple[dict[str, str], dict[str, Any]] = (
        {},
        {"Error": {"Code": code, "Message": message}},
    )
    operation = SimpleNamespace(name="UpdateFunctionCode")
    wait = patience.Patience(said.append)(
        response=answer, attempts=attempts, operation=operation, request_dict={}
    )
    return wait, len(said)


def test_a_call_waits_while_lambda_is_busy() -> None:
    for code, message in (
        ("ResourceConflictException", UPDATING),
        ("ResourceConflictException", PENDING),
        ("ResourceInUseException", IN_USE),
    ):
        assert again(code, message) == (patience.PAUSE, 1)
        assert again(code, message, patience.TRIES) == (None, 0)


def test_other_refusals_are_final() -> None:
    for code, message in (
        ("ResourceConflictException", "Function already exist: f"),
        ("ResourceConflictException", "An event source mapping with it already exists."),
        ("InvalidParameterValueException", "The role cannot be assumed by Lambda."),
        ("", ""),
    ):
        assert again(code, message) == (None, 0)
    assert patience.Patience(print)(None, 1, None) is None  # no answer at all is botocore's


@pytest.mark.parametrize(("wanted", "there"), [("stream-1", True), ("stream-2", False)])
def test_a_mapping_of_another_stream_is_not_the_wanted_one(wanted: str, there: bool) -> None:
    """Check that a table restored under its own name, with a new stream, gets a new mapping."""
    known = {
        "name": "deliver_messages",
        "resource_type": "dynamodb_event",
        "stream_arn": "stream-1",
        "event_uuid": "uuid",
        "lambda_arn": "function",
    }
    aws = SimpleNamespace(verify_event_source_arn_current=lambda **_: True)
    record = DeployedResources({"resources": [known], "schema_version": "2.0"})
    event = SimpleNamespace(resource_name="deliver_messages", stream_arn=wanted)
    assert RemoteState(aws, record)._resource_exists_dynamodbeventsource(event) is there
    other = SimpleNamespace(resource_name="count_views", stream_arn="stream-1")
    assert not RemoteState(aws, record)._resource_exists_dynamodbeventsource(other)
