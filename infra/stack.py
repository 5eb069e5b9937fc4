"""Creating, updating, reading and deleting a CloudFormation stack, alike for every stage."""

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import WaiterError

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class StackFailed(RuntimeError):
    """CloudFormation gave up; the text lists its reasons."""


def apply(
    client: Any,
    name: str,
    template: Mapping[str, str],
    parameters: Mapping[str, str],
    pause: float = 5.0,
) -> dict[str, str]:
    """Create or update a stack, wait, and return its outputs as environment variables.

    `client` is boto3's for CloudFormation, `template` is `{"TemplateBody": text}` or
    `{"TemplateURL": url}`, `pause` the seconds between two queries of the status. A template
    without changes is a success. Raises StackFailed.
    """
    request = {
        **template,
        "StackName": name,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": _CAPABILITIES,
    }
    found = _describe(client, name)
    if found and found["StackStatus"] in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):
        # A stack whose creation failed can only be deleted; it holds no data.
        client.delete_stack(StackName=name)
        _wait(client, "stack_delete_complete", name, pause)
        found = None
    try:
        if found is None:
            client.create_stack(**request, OnFailure="ROLLBACK")
            _wait(client, "stack_create_complete", name, pause)
        elif _updates(client, request):
            _wait(client, "stack_update_complete", name, pause)
    except client.exceptions.ClientError as error:  # refused at once, e.g. for an invalid template
        raise StackFailed(f"stack {name}: {error}") from error
    return outputs(client, name) or {}


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


def delete(client: Any, name: str, pause: float = 5.0) -> None:
    """Delete a stack and wait; what it retains stays. Raises StackFailed.

    A stack that is not there is a success.
    """
    if _describe(client, name):
        client.delete_stack(StackName=name)
        _wait(client, "stack_delete_complete", name, pause)


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


def _wait(client: Any, state: str, name: str, pause: float) -> None:
    attempts = max(1, int(900 / pause))
    try:
        client.get_waiter(state).wait(
            StackName=name, WaiterConfig={"Delay": pause, "MaxAttempts": attempts}
        )
    except WaiterError as error:  # it says only that the stack failed; the stack's events say why
        raise StackFailed(f"stack {name}: {error}\n{_reasons(client, name)}") from error


def _reasons(client: Any, name: str) -> str:
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(
        f"  {each['LogicalResourceId']} ({each['ResourceType']}): "
        f"{each.get('ResourceStatusReason', '?')}"
        for each in reversed(failed)
    )
