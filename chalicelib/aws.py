"""Cached, tuned AWS clients, and DynamoDB in plain dicts with our own errors.

boto3 is used here, nowhere else; botocore's exceptions in the capabilities' `store` and in `outbox` as well.
"""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import BUILTIN_HANDLERS, add_retry_headers

from chalicelib import __version__, errors

Item = dict[str, Any]
Result = TypeVar("Result")

# Longest wait: 3 × (1 + 2) s and the pauses between, well inside the functions' and the gateway's time limits.
_TUNED = {
    # A given one is not rebuilt for every call. boto3 adds botocore's name and version.
    "user_agent": f"customer-contact/{__version__} Boto3/{boto3.__version__}",
    "parameter_validation": False,  # the models at the edge and these functions guard the shapes
    "connect_timeout": 1,
    "read_timeout": 2,
}
# A message must leave at most once per decision of the outbox, so its client never repeats a call by itself.
_ATTEMPTS = {"sesv2": 1, "sns": 1}

_ALONE = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}

_PASSING = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "LimitExceededException",
}


sleep: Callable[[float], None] = time.sleep  # a simulation, whose time is its own, does not wait


class Contended(errors.Unavailable):
    """Another transaction was at the same items: nothing was written, and a moment later it may be."""


class Cancelled(Exception):
    """A conditional write did not hold. `failed` has the positions whose condition was not met."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"conditions {failed} did not hold")
        self.failed = failed


@cache
def _session() -> Any:
    """Return the one session of boto3's in this process, without the hooks that `client` adds by service."""
    bare = botocore.session.Session(include_builtin_handlers=False)
    return boto3.Session(botocore_session=bare)


_elsewhere: dict[str, str] = {}
_making = threading.Lock()  # a session may make one client at a time only


def connect_to(**where: str) -> None:
    """Make every client for another endpoint from now on, with keys of its own (`local_cloud`)."""
    global _elsewhere
    _elsewhere = where
    client.cache_clear()


@cache
def client(service: str) -> Any:
    """The one client of a service in this process."""
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS.get(service, 3)}
    timeouts = {"read_timeout": 10} if service in _ATTEMPTS else {}
    config = Config(**{**_TUNED, **timeouts}, retries=retries)
    with _making:
        made = _session().client(service, config=config, **_elsewhere)
    # botocore's own hooks, but for those of other services, which take longer to add than the client to make, and for
    # headers that tell AWS how often a call was tried.
    name = made.meta.service_model.service_id.hyphenize()
    for event, hook, *_ in BUILTIN_HANDLERS:
        if ("." not in event or event.split(".")[1] == name) and hook is not add_retry_headers:
            made.meta.events.register(event, hook)
    if service == "dynamodb":
        # Its rules find the same endpoint anew for each call, which is a twentieth of it. Without them it is the
        # client's own; should botocore ever name them otherwise, they stay.
        made._ruleset_resolver = None
    return made


def pack(value: Any) -> Item:
    """A plain value as a DynamoDB attribute: str, int, bool, None, list, dict."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [pack(each) for each in value]}
        case dict():
            return {"M": {key: pack(each) for key, each in value.items()}}
    raise TypeError(f"cannot be stored: {type(value).__name__}")


def unpack(attribute: Mapping[str, Any]) -> Any:
    """The plain value of a DynamoDB attribute."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "NULL":
            return None
        case "L":
            return [unpack(each) for each in value]
        case "M":
            return {key: unpack(each) for key, each in value.items()}
    return value


def pack_item(item: Item) -> Item:
    """A plain dict as an item; entries that are None are left out."""
    return {key: pack(value) for key, value in item.items() if value is not None}


def unpack_item(item: Mapping[str, Any]) -> Item:
    """An item as a plain dict."""
    return {key: unpack(value) for key, value in item.items()}


def secret(arn: str) -> dict[str, str]:
    """A secret that holds a JSON object. Raises Unavailable."""
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=arn)
    except (BotoCoreError, ClientError) as error:
        raise errors.Unavailable(f"secret: {type(error).__name__}") from error
    values: dict[str, str] = json.loads(answer["SecretString"])
    return values


def call(operation: str, **arguments: Any) -> Any:
    """One DynamoDB call. Raises Cancelled where a condition failed, Unavailable where waiting helps."""
    try:
        return getattr(client("dynamodb"), operation)(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "ConditionalCheckFailedException":
            raise Cancelled((0,)) from None
        if code == "TransactionCanceledException":
            codes = [reason.get("Code") for reason in error.response.get("CancellationReasons", ())]
            failed = tuple(at for at, each in enumerate(codes) if each == "ConditionalCheckFailed")
            if failed:
                raise Cancelled(failed) from None
            raise Contended(f"{operation}: {codes}") from error
        if code in ("TransactionConflictException", "TransactionInProgressException"):
            raise Contended(f"{operation}: {code}") from error
        if code in _PASSING:
            raise errors.Unavailable(f"{operation}: {code}") from error
        if (
            code == "AccessDeniedException"
        ):  # a right is missing until somebody grants it; the text names it
            raise errors.Unavailable(f"{operation}: {error}") from error
        raise
    except BotoCoreError as error:
        raise errors.Unavailable(f"{operation}: {type(error).__name__}") from error


def get(table: str, key: Item, consistent: bool = True) -> Item | None:
    """One item as it is now; not consistent, it may be a moment old and costs half."""
    found = call("get_item", TableName=table, Key=pack_item(key), ConsistentRead=consistent).get(
        "Item"
    )
    return unpack_item(found) if found else None


def pause(tried: int) -> None:
    """Waits a moment before the next try, longer each time, and not as long as others do."""
    sleep(random.uniform(0.01, 0.05) * tried)


def batch_get(table: str, keys: list[Item]) -> Iterator[Item]:
    """Those of the items that exist, in any order, eventually consistent; at most 100 keys to a call."""
    for at in range(0, len(keys), 100):
        asked = {table: {"Keys": [pack_item(key) for key in keys[at : at + 100]]}}
        for left in range(5, -1, -1):
            answer = call("batch_get_item", RequestItems=asked)
            yield from map(unpack_item, answer["Responses"].get(table, ()))
            asked = answer.get("UnprocessedKeys") or {}
            if not asked:
                break
            if not left:
                raise errors.Unavailable("batch_get_item: keys left unprocessed")
            pause(6 - left)


def put(table: str, item: Item, condition: str | None = None, **values: Any) -> Item:
    """The Put of an item, as a member of a transaction."""
    return {"Put": _conditional({"TableName": table, "Item": pack_item(item)}, condition, values)}


def update(
    table: str,
    key: Item,
    expression: str,
    condition: str | None = None,
    names: Item | None = None,
    **values: Any,
) -> Item:
    """The Update of an item, as a member of a transaction; `values` are the expression's `:name`s."""
    member = {"TableName": table, "Key": pack_item(key), "UpdateExpression": expression}
    if names:
        member["ExpressionAttributeNames"] = names
    return {"Update": _conditional(member, condition, values)}


def _conditional(member: Item, condition: str | None, values: Item) -> Item:
    if condition:
        member["ConditionExpression"] = condition
    if values:
        member["ExpressionAttributeValues"] = {
            f":{name}": pack(value) for name, value in values.items()
        }
    return member


def write(*members: Item, tries: int = 6) -> None:
    """All members or none, in one call. Raises Cancelled, or Unavailable after `tries` conflicts.

    Throttles and lost answers are botocore's to repeat, within the client's timeouts. A lone member goes as a
    plain conditional write, which costs half of a transaction.
    """
    token = (
        uuid.uuid4().hex if len(members) > 1 else ""
    )  # a try repeated after a lost answer is recognised
    for left in range(tries - 1, -1, -1):
        try:
            if len(members) == 1:
                ((kind, member),) = members[0].items()
                call(_ALONE[kind], **member)
            else:
                call("transact_write_items", TransactItems=list(members), ClientRequestToken=token)
            return
        except Contended:
            if not left:
                raise
            pause(tries - left)


def retried(attempt: Callable[[int], Result], what: str) -> Result:
    """Return what `attempt` returns, calling it again while another write cancels its own.

    `attempt` loads, decides and saves; it is given its number, from 0. Raises Unavailable after
    8 attempts, and whatever else `attempt` raises.
    """
    for number in range(8):
        try:
            return attempt(number)
        except Cancelled:
            continue
    raise errors.Unavailable(f"{what}: too many at once")


def delete(table: str, key: Item, condition: str | None = None, **values: Any) -> Item:
    """The Delete of an item, as a member of a transaction."""
    return {"Delete": _conditional({"TableName": table, "Key": pack_item(key)}, condition, values)}


def last(table: str, condition: str, most: int, **values: Any) -> list[Item]:
    """The last `most` items of a Query by their sort keys, last first, as they are now (a consistent read)."""
    packed = {f":{name}": pack(value) for name, value in values.items()}
    page = call(
        "query",
        TableName=table,
        KeyConditionExpression=condition,
        ExpressionAttributeValues=packed,
        ScanIndexForward=False,
        Limit=most,
        ConsistentRead=True,
    )
    return list(map(unpack_item, page["Items"]))


def query_page(
    table: str,
    index: str,
    condition: str,
    most: int,
    forward: bool = True,
    start: Item | None = None,
    **values: Any,
) -> tuple[list[Item], Item | None]:
    """One page of a Query on an index, eventually consistent, and where the next one starts."""
    packed = {f":{name}": pack(value) for name, value in values.items()}
    asked: Item = {"ExclusiveStartKey": pack_item(start)} if start else {}
    found = call(
        "query",
        TableName=table,
        IndexName=index,
        KeyConditionExpression=condition,
        Limit=most,
        ExpressionAttributeValues=packed,
        ScanIndexForward=forward,
        **asked,
    )
    after = found.get("LastEvaluatedKey")
    return list(map(unpack_item, found["Items"])), unpack_item(after) if after else None


def query(table: str, condition: str, index: str | None = None, **values: Any) -> Iterator[Item]:
    """Every item of a Query, page by page, eventually consistent; `values` are the condition's `:name`s."""
    asked: Item = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": pack(value) for name, value in values.items()},
    }
    if index:
        asked["IndexName"] = index
    while True:
        page = call("query", **asked)
        yield from map(unpack_item, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
