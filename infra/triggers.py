"""How the functions are called: what of the streams they see, how often a failure is repeated, how many at once."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from infra import config
from infra.target import Change, Target

_HOUR = 3600
# What `deliver` reacts to: a message that is due, and a subscription that ended or was erased.
_DUE = {
    "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "MSG#"}]}}, "NewImage": {"state": {"S": ["due"]}}}
}
_OF_SUBSCRIBERS = {"pk": {"S": [{"prefix": "SUB#"}]}}
_ENDED_STATES = ["unsubscribed", "bounced", "complained", "refused"]
_ENDED = {"dynamodb": {"Keys": _OF_SUBSCRIBERS, "NewImage": {"state": {"S": _ENDED_STATES}}}}
_ERASED = {"dynamodb": {"Keys": {**_OF_SUBSCRIBERS, "sk": {"S": ["SUPPRESSED"]}}}}
# A view is counted when its marker is new; our own flag on it, which comes by the stream too, is none.
_VIEWED = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "VIEW#"}]}}}}
FILTERS: Mapping[str, list[Any]] = {
    "deliver_messages": [_DUE, _ENDED, _ERASED],
    "count_views": [_VIEWED],
}

# An outage of six hours loses nothing, and a record that kills its function holds its neighbours up no longer.
_OLDEST = 6 * _HOUR
# Called by SNS, or by a schedule whose next tick does what this one did not.
_ASYNCHRONOUS = {
    "mail_feedback": (2, 6 * _HOUR),
    "clock": (0, 60),
    "sweep_views": (0, 60),
    "rank_articles": (0, 60),
}
# Most at once. Ticks never overlap; mail goes no faster than SES takes it; the rest bounds what a flood costs.
RESERVED = {
    "api_handler": 300,
    "deliver_messages": 20,
    "mail_feedback": 10,
    "count_views": 100,
    "clock": 1,
    "sweep_views": 1,
    "rank_articles": 1,
}
_UNRESERVED = 100  # AWS keeps as many for functions without a reservation


def changes(target: Target) -> Iterator[Change]:
    """What differs of the streams' mappings, of repeats and of how many run at once."""
    queue = target.environment["DEAD_LETTER_QUEUE_URL"]
    attributes = target.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["QueueArn"]
    )["Attributes"]
    aside = {"OnFailure": {"Destination": attributes["QueueArn"]}}
    for function in FILTERS:
        yield from _mapping(target, function, aside)
    for function, (repeats, oldest) in _ASYNCHRONOUS.items():
        yield from _repeats(
            target, function, repeats, oldest, aside if function == "mail_feedback" else {}
        )
    yield from _reserved(target)


def _mapping(target: Target, function: str, aside: Mapping[str, Any]) -> Iterator[Change]:
    client, name = target.client("lambda"), config.function_name(target.stage, function)
    wanted = {
        "FilterCriteria": {
            "Filters": [{"Pattern": json.dumps(each)} for each in FILTERS[function]]
        },
        "MaximumRetryAttempts": -1,  # until it is too old
        "MaximumRecordAgeInSeconds": _OLDEST,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": aside,
    }
    for found in client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
        if any(_given(found.get(key)) != value for key, value in wanted.items()):
            yield Change(
                f"{function}: filters, bisection, {_OLDEST // _HOUR} hours of retries, dead letters",
                partial(client.update_event_source_mapping, UUID=found["UUID"], **wanted),
            )


def _given(found: Any) -> Any:
    """A value without the empty ones that AWS adds to what it was given."""
    return (
        {key: value for key, value in found.items() if value} if isinstance(found, dict) else found
    )


def _repeats(
    target: Target, function: str, repeats: int, oldest: int, aside: Mapping[str, Any]
) -> Iterator[Change]:
    client, name = target.client("lambda"), config.function_name(target.stage, function)
    wanted = {
        "MaximumRetryAttempts": repeats,
        "MaximumEventAgeInSeconds": oldest,
        "DestinationConfig": aside,
    }
    try:
        found = client.get_function_event_invoke_config(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        found = {}
    if any((_given(found.get(key)) or {}) != (value or {}) for key, value in wanted.items()):
        yield Change(
            f"{function}: a failure is repeated {repeats} times, for {oldest} seconds",
            partial(client.put_function_event_invoke_config, FunctionName=name, **wanted),
        )


def _reserved(target: Target) -> Iterator[Change]:
    client = target.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < sum(RESERVED.values()) + _UNRESERVED:
        yield Change(
            f"note: this account runs {limit} functions at once; reserving any takes "
            f"{sum(RESERVED.values()) + _UNRESERVED}: ask for more under Service Quotas, Lambda"
        )
        return
    for function, most in RESERVED.items():
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
    """Whether the functions are there, which a first dry run does not find."""
    client = target.client("lambda")
    try:
        client.get_function_configuration(FunctionName=config.prefix(target.stage))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True
