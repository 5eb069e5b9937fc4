"""How the functions are invoked: stream filters, retries, dead letters, reserved concurrency."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from infra import config, functions
from infra.target import Change, Target

_HOUR = 3600
# The records that `deliver_messages` gets: intakes, messages that are owed and due, those that were
# sent and have to be put on record, subscribers, whose state says how long their events are kept.
_INTAKE = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "INTAKE#"}]}}}}
_DUE = {
    "eventName": ["INSERT"],
    "dynamodb": {
        "Keys": {"pk": {"S": [{"prefix": "MSG#"}]}},
        "NewImage": {"state": {"S": ["due"]}},
    },
}
# A message that was sent and has to be put on record; the index `due` knows it by this key.
_SENT = {
    "eventName": ["MODIFY"],
    "dynamodb": {
        "Keys": {"pk": {"S": [{"prefix": "MSG#"}]}},
        "NewImage": {"due_key": {"S": [{"prefix": "SENT#"}]}},
    },
}
_SUBSCRIBERS = {
    "eventName": ["INSERT", "MODIFY"],
    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "SUB#"}]}, "sk": {"S": ["SUB", "SUPPRESSED"]}}},
}
# The records that `count_views` gets: new markers. A later update that flags a marker is no view.
_VIEWED = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "VIEW#"}]}}}}
FILTERS: Mapping[str, list[Any]] = {
    "deliver_messages": [_INTAKE, _DUE, _SENT, _SUBSCRIBERS],
    "count_views": [_VIEWED],
}

# Seconds a stream's record is retried. An outage of six hours loses nothing, and a record that
# always fails blocks its shard no longer than that.
_OLDEST = 6 * _HOUR
# Retries and seconds they may take. SNS calls `mail_feedback`; the others are scheduled, and the
# next tick does what a failed one did not.
_ASYNCHRONOUS = {
    "mail_feedback": (2, 6 * _HOUR),
    "clock": (0, 60),
    "sweep_views": (0, 60),
    "rank_articles": (0, 60),
    "read_feed": (0, 60),
}
# Reserved concurrency. One tick at a time, mail at the rate SES takes it, and for the others a
# bound on what a flood costs.
RESERVED = {
    "api_handler": 300,
    "deliver_messages": 20,
    "send_messages": 100,
    "mail_feedback": 10,
    "count_views": 100,
    "clock": 1,
    "sweep_views": 1,
    "rank_articles": 1,
    "read_feed": 1,
}
UNRESERVED = 100  # AWS insists on leaving as many for functions without a reservation


def changes(target: Target) -> Iterator[Change]:
    """Yield the changes to stream mappings, retries and reserved concurrency that are due.

    A function that Chalice has not deployed, as an older version lacks it, is left out.
    """
    present = functions.present(target)
    queue = target.environment["DEAD_LETTER_QUEUE_URL"]
    attributes = target.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["QueueArn"]
    )["Attributes"]
    dead_letters = {"OnFailure": {"Destination": attributes["QueueArn"]}}
    for function in (each for each in FILTERS if each in present):
        yield from _mapping(target, function, dead_letters)
    for function, (retries, oldest) in _ASYNCHRONOUS.items():
        destination = dead_letters if function == "mail_feedback" else {}
        if function in present:
            yield from _retries(target, function, retries, oldest, destination)
    yield from _reserved(target, present)


def _mapping(target: Target, function: str, destination: Mapping[str, Any]) -> Iterator[Change]:
    client, name = target.client("lambda"), config.function_name(target.stage, function)
    wanted = {
        "FilterCriteria": {
            "Filters": [{"Pattern": json.dumps(each)} for each in FILTERS[function]]
        },
        "MaximumRetryAttempts": -1,  # until the record is too old
        "MaximumRecordAgeInSeconds": _OLDEST,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": destination,
    }
    for found in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
        if any(_without_empty(found.get(key)) != value for key, value in wanted.items()):
            yield Change(
                f"{function}: filters, bisection, "
                f"{_OLDEST // _HOUR} hours of retries, dead letters",
                partial(client.update_event_source_mapping, UUID=found["UUID"], **wanted),
            )


def _without_empty(found: Any) -> Any:
    """Remove the empty members that AWS adds to a configuration it was given."""
    return (
        {key: value for key, value in found.items() if value} if isinstance(found, dict) else found
    )


def _retries(
    target: Target, function: str, retries: int, oldest: int, destination: Mapping[str, Any]
) -> Iterator[Change]:
    client, name = target.client("lambda"), config.function_name(target.stage, function)
    wanted = {
        "MaximumRetryAttempts": retries,
        "MaximumEventAgeInSeconds": oldest,
        "DestinationConfig": destination,
    }
    try:
        found = client.get_function_event_invoke_config(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        found = {}
    differs = (
        (_without_empty(found.get(key)) or {}) != (value or {}) for key, value in wanted.items()
    )
    if any(differs):
        yield Change(
            f"{function}: a failure is repeated {retries} times, for {oldest} seconds",
            partial(client.put_function_event_invoke_config, FunctionName=name, **wanted),
        )


def _reserved(target: Target, present: Iterable[str]) -> Iterator[Change]:
    client = target.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < sum(RESERVED.values()) + UNRESERVED:
        yield Change(
            f"note: this account runs {limit} functions at once; reserving any takes "
            f"{sum(RESERVED.values()) + UNRESERVED}: ask for more under Service Quotas, Lambda"
        )
        return
    for function, most in RESERVED.items():
        if function not in present:
            continue
        name = config.function_name(target.stage, function)
        if (
            client.get_function_concurrency(FunctionName=name).get("ReservedConcurrentExecutions")
            != most
        ):
            yield Change(
                f"{function}: at most {most} at once",
                partial(
                    client.put_function_concurrency,
                    FunctionName=name,
                    ReservedConcurrentExecutions=most,
                ),
            )


def standing(target: Target) -> bool:
    """Return whether the functions exist, which they do not before the first deployment."""
    client = target.client("lambda")
    try:
        client.get_function_configuration(FunctionName=config.prefix(target.stage))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True
