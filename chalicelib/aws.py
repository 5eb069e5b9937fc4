"""Cached, tuned AWS clients, and DynamoDB in plain dicts with our own errors.

Only this module imports boto3; the outbox imports botocore's exceptions, too.
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

# The longest wait is 3 × (1 + 2) s and the pauses between, well inside the time limits of the
# functions and the gateway.
_CONFIG = {
    # Without one, botocore builds it for every call. boto3 adds botocore's name and version.
    "user_agent": f"customer-contact/{__version__} Boto3/{boto3.__version__}",
    "parameter_validation": False,  # the models at the edge and these functions guard the shapes
    "connect_timeout": 1,
    "read_timeout": 2,
}
# The outbox decides about each attempt to send, so its clients never repeat a call by themselves.
_ATTEMPTS = {"sesv2": 1, "sns": 1}
# Seconds after which the clients that make one attempt open a new connection. Lambda freezes a
# process between its invocations; the other side may have closed a connection that idled, which
# shows only when the next call breaks on it.
IDLE = 1.0

_SINGLE_WRITES = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}

# Errors that pass by themselves.
_TRANSIENT = {
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "RequestLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "LimitExceededException",
}


sleep: Callable[[float], None] = time.sleep  # a simulation, whose time is its own, does not wait


FAILURES = (BotoCoreError, ClientError)  # what a client of another service than DynamoDB raises


class Contended(errors.Unavailable):
    """A conflict with another transaction: nothing was written, and a retry may succeed."""


class Cancelled(Exception):
    """A write whose condition did not hold; `failed` has the positions of such members."""

    def __init__(self, failed: tuple[int, ...]) -> None:
        super().__init__(f"conditions {failed} did not hold")
        self.failed = failed


@cache
def _session() -> Any:
    """Return the one boto3 session of this process; `client` adds the hooks of its service."""
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
    """Return the one client of a service in this process."""
    retries = {"mode": "standard", "total_max_attempts": _ATTEMPTS.get(service, 3)}
    timeouts = {"read_timeout": 10} if service in _ATTEMPTS else {}
    config = Config(**{**_CONFIG, **timeouts}, retries=retries)
    with _making:
        made = _session().client(service, config=config, **_elsewhere)
    # Add botocore's own hooks, except those of other services, which take longer to add than the
    # client takes to make, and except the headers that tell AWS how often a call was tried.
    name = made.meta.service_model.service_id.hyphenize()
    for event, hook, *_ in BUILTIN_HANDLERS:
        if ("." not in event or event.split(".")[1] == name) and hook is not add_retry_headers:
            made.meta.events.register(event, hook)
    if service == "dynamodb":
        # The rules compute the same endpoint for each call, which takes a twentieth of it. Without
        # them botocore uses the client's own. Should botocore rename them, they stay in use.
        made._ruleset_resolver = None
        made.meta.events.register_first("needs-retry.dynamodb", _give_up)
        made.meta.events.register("before-parse.dynamodb.Query", _parse_items)
    return made


# What DynamoDB says where a table is beyond the maximum that infra/template.json gives it.
_BEYOND = "maximum OnDemandThroughput"


def _give_up(response: Any, operation: Any, **_: Any) -> None:
    """Raise Unavailable at once where a table is beyond its maximum.

    In a flood of views another try would fail as well, and waiting for it would take the place of
    somebody's signup: the functions run a few hundred requests at once.
    """
    if response and response[0].status_code == 400:
        error = response[1].get("Error", {})
        if _BEYOND in (error.get("Message") or ""):
            raise errors.Unavailable(f"{operation.name}: beyond the table's maximum")


def _parse_items(response_dict: Item, customized_response_dict: Item, **_: Any) -> None:
    """Take a query's items as JSON has them, which is what we unpack, except for bytes.

    botocore's parser takes fifteen times as long for the same; it gets the rest of the answer.
    """
    if response_dict["status_code"] == 200:
        answer = json.loads(response_dict["body"])
        items = answer.pop("Items", None)
        if items is not None:
            customized_response_dict["Items"] = items
        response_dict["body"] = json.dumps(answer).encode()


_used: dict[str, float] = {}  # when a client that makes one attempt was asked for last


def fresh(service: str) -> Any:
    """Return the client of a service, without connections that have idled for longer than IDLE.

    Wall-clock time counts: a frozen process's other clocks may stand still.
    """
    now, made = time.time(), client(service)
    if not 0 <= now - _used.get(service, now) <= IDLE:
        made.close()  # its pool; the next call opens a connection
    _used[service] = now
    return made


class Foreign:
    """An attribute of a type that we do not write, as it is stored: a set, a broken number.

    A newer version of the code may have added it; written back, it is the same.
    """

    def __init__(self, attribute: Item) -> None:
        self.attribute = attribute

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is the same attribute."""
        return isinstance(other, Foreign) and other.attribute == self.attribute

    __hash__ = None  # type: ignore[assignment]  # as of a dict


def pack(value: Any) -> Item:
    """Return a str, int, bool, None, bytes, list or dict as an attribute. Raises TypeError."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [pack(each) for each in value]}
        case dict():
            return {"M": {key: pack(each) for key, each in value.items()}}
        case Foreign():
            return value.attribute
    raise TypeError(f"cannot be stored: {type(value).__name__}")


def unpack(attribute: Mapping[str, Any]) -> Any:
    """Return the plain value of a DynamoDB attribute."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            try:
                return int(value)
            except ValueError:
                return Foreign({kind: value})
        case "SS" | "NS" | "BS":
            return Foreign({kind: value})
        case "NULL":
            return None
        case "L":
            return [unpack(each) for each in value]
        case "M":
            return {key: unpack(each) for key, each in value.items()}
    return value


def pack_item(item: Item) -> Item:
    """Return a plain dict as an item; entries that are None are left out."""
    return {key: pack(value) for key, value in item.items() if value is not None}


def unpack_item(item: Mapping[str, Any]) -> Item:
    """Return an item as a plain dict."""
    return {key: unpack(value) for key, value in item.items()}


def code(error: Exception) -> str:
    """Return the code of a service's error, or the error's kind where no service answered."""
    answer = getattr(error, "response", None) or {}
    return str(answer.get("Error", {}).get("Code") or type(error).__name__)


def secret(arn: str) -> dict[str, str]:
    """Return a secret that holds a JSON object. Raises Unavailable."""
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=arn)
    except (BotoCoreError, ClientError) as error:
        raise errors.Unavailable(f"secret: {type(error).__name__}") from error
    values: dict[str, str] = json.loads(answer["SecretString"])
    return values


def call(operation: str, **arguments: Any) -> Any:
    """Make one DynamoDB call.

    Raises Cancelled where a condition failed, Unavailable where waiting helps. Any other error is
    a fault of ours and stays botocore's ClientError.
    """
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
        if code in _TRANSIENT:
            raise errors.Unavailable(f"{operation}: {code}") from error
        if code == "AccessDeniedException":
            # It lasts until somebody grants the missing right, which the text names.
            raise errors.Unavailable(f"{operation}: {error}") from error
        raise
    except BotoCoreError as error:
        raise errors.Unavailable(f"{operation}: {type(error).__name__}") from error


def get(table: str, key: Item, consistent: bool = True) -> Item | None:
    """Return one item, or None. If not `consistent`, it may be a moment old, and costs half."""
    answer = call("get_item", TableName=table, Key=pack_item(key), ConsistentRead=consistent)
    found = answer.get("Item")
    return unpack_item(found) if found else None


def pause(tried: int) -> None:
    """Sleep before the next try: 10 to 50 ms at random, times the tries so far.

    Chance keeps writers that met once from meeting again.
    """
    sleep(random.uniform(0.01, 0.05) * tried)


def batch_get(table: str, keys: list[Item], consistent: bool = False) -> Iterator[Item]:
    """Yield those of the items that exist, in any order. If not `consistent`, it costs half.

    One call reads at most 100 keys. Raises Unavailable where keys stay unprocessed after 6 calls.
    """
    for at in range(0, len(keys), 100):
        wanted = [pack_item(key) for key in keys[at : at + 100]]
        asked = {table: {"Keys": wanted, "ConsistentRead": consistent}}
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
    """Return the Put of an item, as a member of a transaction."""
    return {"Put": _conditional({"TableName": table, "Item": pack_item(item)}, condition, values)}


def update(
    table: str,
    key: Item,
    expression: str,
    condition: str | None = None,
    names: Item | None = None,
    **values: Any,
) -> Item:
    """Return the Update of an item, as a member of a transaction.

    `values` are the `:name`s of the expression and the condition, `names` the `#name`s.
    """
    member = {"TableName": table, "Key": pack_item(key), "UpdateExpression": expression}
    if names:
        member["ExpressionAttributeNames"] = names
    return {"Update": _conditional(member, condition, values)}


def assign(
    table: str, key: Item, attributes: Item, condition: str | None = None, **values: Any
) -> Item:
    """Return the Update that sets these attributes, without those that are None.

    What else the item has stays, such as what a newer version of the code has added. `values` are
    the `:name`s of the condition.
    """
    named = list(enumerate(attributes.items()))
    setting = ", ".join(f"#n{at} = :n{at}" for at, (_, value) in named if value is not None)
    removing = ", ".join(f"#n{at}" for at, (_, value) in named if value is None)
    said = {f"n{at}": value for at, (_, value) in named if value is not None}
    return update(
        table,
        key,
        f"SET {setting}" + (f" REMOVE {removing}" if removing else ""),
        condition,
        {f"#n{at}": name for at, (name, _) in named},
        **said,
        **values,
    )


def _conditional(member: Item, condition: str | None, values: Item) -> Item:
    if condition:
        member["ConditionExpression"] = condition
    if values:
        member["ExpressionAttributeValues"] = {
            f":{name}": pack(value) for name, value in values.items()
        }
    return member


def write(*members: Item, tries: int = 6) -> None:
    """Write all members or none, in one call. Raises Cancelled, Contended after `tries` conflicts.

    botocore repeats throttled and unanswered calls, within the client's timeouts; Unavailable then.
    A single member is a plain conditional write, which costs half of a transaction.
    """
    # DynamoDB recognises a repeated call after a lost answer by this.
    token = uuid.uuid4().hex if len(members) > 1 else ""
    for left in range(tries - 1, -1, -1):
        try:
            if len(members) == 1:
                ((kind, member),) = members[0].items()
                call(_SINGLE_WRITES[kind], **member)
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
    """Return the Delete of an item, as a member of a transaction."""
    return {"Delete": _conditional({"TableName": table, "Key": pack_item(key)}, condition, values)}


def last(table: str, condition: str, most: int, **values: Any) -> list[Item]:
    """Return the last `most` items of a Query by sort key, last first, by a consistent read."""
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
    """Return a page of a Query on an index, eventually consistent, and where the next starts."""
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
    """Yield every item of a Query, page by page, eventually consistent.

    `values` are the `:name`s of the condition.
    """
    return _pages(table, condition, {"IndexName": index} if index else {}, values)


def query_index(
    table: str, index: str, condition: str, only: tuple[str, ...], **values: Any
) -> Iterator[Item]:
    """Yield every item of a Query on an index as `query` does, with these attributes `only`."""
    return _pages(table, condition, {"IndexName": index, **_projection(only)}, values)


def query_consistent(
    table: str, condition: str, only: tuple[str, ...] = (), **values: Any
) -> Iterator[Item]:
    """Yield every item of a Query as `query` does, with all that was written before; costs twice.

    `only` names the attributes to read, nested ones with dots, where the others would be a waste
    of time. No index can be read like this.
    """
    return _pages(table, condition, {"ConsistentRead": True, **_projection(only)}, values)


def _projection(only: tuple[str, ...]) -> Item:
    if not only:
        return {}
    # Each name stands for a placeholder, because DynamoDB reserves hundreds of words.
    return {
        "ProjectionExpression": ", ".join("#" + each.replace(".", ".#") for each in only),
        "ExpressionAttributeNames": {f"#{n}": n for each in only for n in each.split(".")},
    }


def _pages(table: str, condition: str, how: Item, values: Item) -> Iterator[Item]:
    asked: Item = {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": pack(value) for name, value in values.items()},
        **how,
    }
    while True:
        page = call("query", **asked)
        yield from map(unpack_item, page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def count(table: str, condition: str, index: str, **values: Any) -> int:
    """Return how many items a Query on an index has, eventually consistent."""
    asked: Item = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {f":{name}": pack(value) for name, value in values.items()},
        "Select": "COUNT",
    }
    found = 0
    while True:
        page = call("query", **asked)
        found += int(page["Count"])
        if "LastEvaluatedKey" not in page:
            return found
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
