"""What DynamoDB refuses, whatever the tables hold.

Sources: DynamoDB's developer guide, "Quotas in Amazon DynamoDB" (Constraints), "Reserved words",
"DynamoDB item sizes and formats" and "Amazon DynamoDB Transactions"; the API reference of
TransactWriteItems, BatchGetItem and BatchWriteItem.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.aws.expressions import SLOTS, named
from local.aws.refusal import Refusal

ITEM = 400 * 1024  # bytes, names included
TRANSACTION_MEMBERS = 100
TRANSACTION = 4 * 1024 * 1024  # bytes of all its items
BATCH_GET, BATCH_WRITE = 100, 25  # members
EXPRESSION = 4096  # bytes
PARTITION_KEY, SORT_KEY = 2048, 1024  # bytes

# The names of the keys of all tables. A request does not say which attributes are keys.
_KEYS = {"pk": PARTITION_KEY, "sk": SORT_KEY}
# fmt: off
OPERATIONS = frozenset({
    "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem",
    "BatchWriteItem", "TransactWriteItems", "TransactGetItems",
})
# fmt: on
_SETS = {"SS": "string", "NS": "number", "BS": "binary"}
Part = Mapping[str, Any]


def refusal(operation: str, asked: Part, size: int | None = None) -> Refusal | None:
    """Return what DynamoDB answers a request with that breaks a rule, None if none is broken.

    `size` is the length of the request's JSON. An item is never larger, so items of a small
    request need not be measured.
    """
    return next(_breaches(operation, asked, size), None)


def measured(item: Part) -> int:
    """Return an item's size in bytes as DynamoDB counts it."""
    return sum(len(name.encode()) + _weight(value) for name, value in item.items())


def _breaches(operation: str, asked: Part, size: int | None) -> Iterator[Refusal]:
    parts, items = _parts(operation, asked), []
    yield from _count(operation, asked, parts)
    for part in parts:
        yield from _expressions(part)
        for value in (part.get("ExpressionAttributeValues") or {}).values():
            yield from _value(value)
        item, key = part.get("Item"), part.get("Key")
        for each in (key, item):
            if each:
                yield from _key(each)
        if item:
            items.append(item)
            for value in item.values():
                yield from _value(value)
    if size is None or size > ITEM:
        yield from _sizes(operation, items)
    if operation.startswith("Transact"):
        yield from _twice(parts)


def _parts(operation: str, asked: Part) -> Sequence[Part]:
    """Return the members of a transaction or batch, or the request itself."""
    if operation.startswith("Transact"):
        return [part for member in asked.get("TransactItems") or () for part in member.values()]
    tables = asked.get("RequestItems") or {}
    if operation == "BatchGetItem":
        read = ({"Key": key} for table in tables.values() for key in table.get("Keys") or ())
        return [*tables.values(), *read]
    if operation == "BatchWriteItem":
        members = (member for table in tables.values() for member in table)
        return [part for member in members for part in member.values()]
    return [asked]


def _count(operation: str, asked: Part, parts: Sequence[Part]) -> Iterator[Refusal]:
    if operation == "BatchGetItem":
        parts = parts[len(asked.get("RequestItems") or ()) :]
    most = {
        "TransactWriteItems": TRANSACTION_MEMBERS,
        "TransactGetItems": TRANSACTION_MEMBERS,
        "BatchGetItem": BATCH_GET,
        "BatchWriteItem": BATCH_WRITE,
    }.get(operation)
    if most is not None and len(parts) > most:
        yield _invalid(
            f"1 validation error detected: Value of {len(parts)} members failed to satisfy "
            f"constraint: Member must have length less than or equal to {most}"
        )


def _invalid(message: str) -> Refusal:
    return Refusal("ValidationException", message)


def _expressions(part: Part) -> Iterator[Refusal]:
    names: set[str] = set()
    values: set[str] = set()
    for slot in SLOTS:
        expression = part.get(slot)
        if not isinstance(expression, str):
            continue
        if len(expression) > EXPRESSION or len(expression.encode()) > EXPRESSION:
            yield _invalid(
                f"Invalid {slot}: Expression size has exceeded the maximum allowed size; "
                f"expression size: {len(expression.encode())}"
            )
        found = named(slot, expression)
        if found.reserved:
            yield _invalid(
                f"Invalid {slot}: Attribute name is a reserved keyword; "
                f"reserved keyword: {found.reserved}"
            )
        names |= found.names
        values |= found.values
    for what, placeholders in (("Names", names), ("Values", values)):
        defined = part.get(f"ExpressionAttribute{what}")
        if defined and (unused := defined.keys() - placeholders):
            yield _invalid(
                f"Value provided in ExpressionAttribute{what} unused in expressions: "
                f"keys: {{{', '.join(sorted(unused))}}}"
            )
        if missing := placeholders - (defined or {}).keys():
            kind = "name" if what == "Names" else "value"
            yield _invalid(
                f"An expression attribute {kind} used in expression is not defined; "
                f"attribute {kind}: {min(missing)}"
            )


def _value(value: Part) -> Iterator[Refusal]:
    for kind, said in value.items():
        if kind in _SETS and not said:
            yield _invalid(
                f"One or more parameter values were invalid: An {_SETS[kind]} set may not be empty"
            )
        elif kind in ("L", "M"):
            for each in said if kind == "L" else said.values():
                yield from _value(each)


def _key(attributes: Part) -> Iterator[Refusal]:
    for name, most in _KEYS.items():
        said = (attributes.get(name) or {}).get("S")
        if said == "":
            yield _invalid(
                "One or more parameter values are not valid. The AttributeValue for a key "
                f"attribute cannot contain an empty string value. Key: {name}"
            )
        elif said and len(said) * 4 > most and len(said.encode()) > most:
            kind = "hash" if name == "pk" else "range"
            yield _invalid(
                f"One or more parameter values were invalid: Aggregated size of all {kind} keys "
                f"has exceeded the size limit of {most} bytes"
            )


def _sizes(operation: str, items: Sequence[Part]) -> Iterator[Refusal]:
    sizes = [measured(item) for item in items]
    if any(size > ITEM for size in sizes):
        yield _invalid("Item size has exceeded the maximum allowed size")
    if operation == "TransactWriteItems" and sum(sizes) > TRANSACTION:
        yield _invalid("Transaction request exceeds the 4MB transaction size limit")


def _twice(parts: Sequence[Part]) -> Iterator[Refusal]:
    keys = [part.get("Key") or part.get("Item") or {} for part in parts]
    places = [
        (part.get("TableName"), *((key.get(name) or {}).get("S") for name in _KEYS))
        for part, key in zip(parts, keys, strict=True)
        if "pk" in key
    ]
    if len(set(places)) < len(places):
        yield _invalid("Transaction request cannot include multiple operations on one item")


def _weight(value: Part) -> int:
    ((kind, said),) = value.items()
    match kind:
        case "S":
            return len(said.encode())
        case "N":
            return _number(said)
        case "B":
            return len(base64.b64decode(said))
        case "SS":
            return sum(len(each.encode()) for each in said)
        case "NS":
            return sum(map(_number, said))
        case "BS":
            return sum(len(base64.b64decode(each)) for each in said)
        case "L":
            return 3 + sum(1 + _weight(each) for each in said)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _weight(each) for name, each in said.items())
    return 1  # BOOL and NULL


def _number(written: str) -> int:
    """Return a byte for each two significant digits, and one more."""
    digits = written.lower().partition("e")[0].replace(".", "").strip("-+").strip("0")
    return (len(digits) + 1) // 2 + 1
