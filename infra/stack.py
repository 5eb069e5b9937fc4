"""Creating, updating, reading and deleting a CloudFormation stack, alike for every stage."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# The states of a stack that never came to be, or of which a part could not be deleted: it can only
# be deleted. No data is in it.
_UNUSABLE = (
    "CREATE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
    "DELETE_FAILED",
)
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_LONGEST = 1800  # seconds for which anything in progress is waited for
_TELL = 30  # seconds between two lines that say what is waited for

Say = Callable[[str], object]


class StackFailed(RuntimeError):
    """CloudFormation gave up; the text lists its reasons."""


def apply(
    client: Any,
    name: str,
    template: Mapping[str, str],
    parameters: Mapping[str, str],
    pause: float = 5.0,
    say: Say = lambda _: None,
    at_first: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Create or update a stack, wait, and return its outputs as environment variables.

    `client` is boto3's for CloudFormation, `template` is `{"TemplateBody": text}` or
    `{"TemplateURL": url}`, `pause` the seconds between two queries of the status. What an earlier
    run began is waited for. A stack whose creation failed is deleted and made again. A template
    without changes is a success. A new stack is made with the parameters `at_first` and then
    updated. Raises StackFailed.
    """
    request = {**template, "StackName": name, "Capabilities": _CAPABILITIES}
    found = _settled(client, name, pause, say)
    if found and found["StackStatus"] in _UNUSABLE:
        say(f"    the stack {name} is {found['StackStatus']}: it is deleted and made again")
        for each in delete(client, name, pause, say):
            say(f"    it left behind {each}")
        found = None
    try:
        if found and found["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
            say(f"    the stack {name} is UPDATE_ROLLBACK_FAILED: its rollback is continued")
            client.continue_update_rollback(StackName=name)
            _await(client, name, ("UPDATE_ROLLBACK_COMPLETE",), pause, say)
        if found is None:
            begins = _parameters({**parameters, **(at_first or {})})
            client.create_stack(**request, Parameters=begins, OnFailure="ROLLBACK")
            _await(client, name, ("CREATE_COMPLETE",), pause, say)
        if (found or at_first) and _updates(
            client, {**request, "Parameters": _parameters(parameters)}
        ):
            _await(client, name, ("UPDATE_COMPLETE",), pause, say)
    except ClientError as error:  # refused at once, e.g. for an invalid template
        raise StackFailed(f"stack {name}: {error}") from error
    return outputs(client, name) or {}


def _parameters(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def outputs(client: Any, name: str) -> dict[str, str] | None:
    """Return a stack's outputs as environment variables (ContactsTable is CONTACTS_TABLE).

    Returns None without a stack in a state `…_COMPLETE`; `ROLLBACK_COMPLETE`, a failed creation,
    does not count.
    """
    found = _describe(client, name)
    if (
        not found
        or not found["StackStatus"].endswith("_COMPLETE")
        or found["StackStatus"] == "ROLLBACK_COMPLETE"
    ):
        return None
    return {variable(each["OutputKey"]): each["OutputValue"] for each in found.get("Outputs", ())}


def delete(client: Any, name: str, pause: float = 5.0, say: Say = lambda _: None) -> list[str]:
    """Delete a stack, wait, and return the names of what it left behind. Raises StackFailed.

    What cannot be deleted is left behind in a second try. A stack that is not there is a success.
    """
    found = _settled(client, name, pause, say)
    if not found:
        return []
    client.delete_stack(StackName=name)
    left = _settled(client, name, pause, say)
    if left and left["StackStatus"] == "DELETE_FAILED":
        stuck = [
            each["LogicalResourceId"]
            for each in client.describe_stack_resources(StackName=name)["StackResources"]
            if each["ResourceStatus"] == "DELETE_FAILED"
        ]
        client.delete_stack(StackName=name, RetainResources=stuck)
        left = _settled(client, name, pause, say)
    if left:
        raise StackFailed(f"stack {name} is {left['StackStatus']}\n{_reasons(client, name)}")
    return sorted(set(_left_behind(client, found["StackId"])))


def variable(output: str) -> str:
    """Return the name of the environment variable that carries an output."""
    return _WORD_START.sub("_", output).upper()


def _describe(client: Any, name: str) -> Any:
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return next((each for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"), None)


def _updates(client: Any, request: Mapping[str, Any]) -> bool:
    try:
        client.update_stack(**request)
    except client.exceptions.ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def _settled(client: Any, name: str, pause: float, say: Say) -> Any:
    """Return a stack once nothing of it is in progress, None if there is none."""
    began = told = time.monotonic()
    while (found := _describe(client, name)) and _moves(found["StackStatus"]):
        now = time.monotonic()
        if now - began > _LONGEST:
            raise StackFailed(
                f"stack {name} is still {found['StackStatus']}: the same command goes on waiting"
            )
        if now - told > _TELL:
            say(f"    the stack {name} is {found['StackStatus']}, {now - began:.0f} seconds by now")
            told = now
        time.sleep(pause)
    return found


def _moves(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _await(client: Any, name: str, wanted: tuple[str, ...], pause: float, say: Say) -> None:
    found = _settled(client, name, pause, say)
    status = found["StackStatus"] if found else "gone"
    if status not in wanted:
        raise StackFailed(f"stack {name} is {status}\n{_reasons(client, name)}")


def _reasons(client: Any, name: str) -> str:
    """Return the failures of the last operation, a line each, the first one first."""
    failed = []
    for each in _events(client, name):
        if each["ResourceStatus"].endswith("_FAILED"):
            failed.append(_line(each, each.get("ResourceStatusReason", "?")))
        elif each["ResourceStatus"] in _BEGINNINGS and (
            each.get("PhysicalResourceId") == each["StackId"]
        ):
            break
    return "\n".join([*_refusals(client, name), *reversed(failed)])


def _refusals(client: Any, name: str) -> list[str]:
    """Return what AWS found before the last operation made anything, such as names taken."""
    try:
        events = client.describe_events(StackName=name, Filters={"FailedEvents": True})
    except ClientError:  # without the right to, the stack's own events have to do
        return []
    found = sorted(events["OperationEvents"], key=lambda each: each["Timestamp"])
    return [
        _line(each, each["ValidationStatusReason"])
        for each in found
        if each.get("ValidationStatusReason") and each["OperationId"] == found[-1]["OperationId"]
    ]


def _line(event: Any, reason: str) -> str:
    return f"  {event.get('LogicalResourceId', '?')} ({event.get('ResourceType', '?')}): {reason}"


def _left_behind(client: Any, stack_id: str) -> Iterator[str]:
    """Yield type and name of each resource that was not deleted with its stack."""
    with suppress(ClientError):  # the events of a stack that is gone are there for 90 days
        for each in _events(client, stack_id):
            kept = each["ResourceStatus"] in ("DELETE_SKIPPED", "DELETE_FAILED")
            if kept and each.get("PhysicalResourceId", "") not in ("", stack_id):
                yield f"{each['ResourceType']} {each['PhysicalResourceId']}"


def _events(client: Any, name: str) -> Iterator[Any]:
    """Yield a stack's events, the latest first."""
    for page in client.get_paginator("describe_stack_events").paginate(StackName=name):
        yield from page["StackEvents"]
