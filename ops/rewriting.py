"""Change an item into what it shall be, on the condition that it is as it was read.

An item here is DynamoDB's own form, so that nothing of it is lost on the way.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib import aws
from chalicelib.aws import Cancelled, Item

_KEYS = ("pk", "sk")
# Attributes that a condition names: DynamoDB takes 300 operators and 4 KB.
_MOST = 100


def place(item: Mapping[str, Any]) -> Item:
    """Return the key of an item."""
    return {name: item[name] for name in _KEYS if name in item}


def update(table: str, before: Item, after: Item) -> Item | None:
    """Return the arguments of the Update that makes `after` of `before`; None where they are equal.

    It fails where an attribute that was read has changed; of more than a hundred those count that
    it changes, and then the first ones. An attribute that was added meanwhile stays.
    """
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    gone = [name for name in before if name not in after]
    if not changed and not gone:
        return None
    names = {name: f"#n{at}" for at, name in enumerate(sorted({*before, *after} - {*_KEYS}))}
    first = sorted({*before} - {*_KEYS}, key=lambda name: (name not in {*changed, *gone}, name))
    seen = {name: before[name] for name in first[:_MOST]}
    same = [f"{names[name]} = :{names[name][1:]}_was" for name in seen]
    new = [f"attribute_not_exists({names[name]})" for name in changed if name not in before]
    sets = ", ".join(f"{names[name]} = :{names[name][1:]}" for name in changed)
    removes = ", ".join(names[name] for name in gone)
    values = {f":{names[name][1:]}": value for name, value in changed.items()}
    values |= {f":{names[name][1:]}_was": value for name, value in seen.items()}
    expression = " ".join(
        filter(None, (f"SET {sets}" if sets else "", f"REMOVE {removes}" if removes else ""))
    )
    used = {*changed, *gone, *seen}
    return {
        "TableName": table,
        "Key": place(before),
        "UpdateExpression": expression,
        "ConditionExpression": " AND ".join(["attribute_exists(pk)", *same, *new]),
        "ExpressionAttributeNames": {names[name]: name for name in used},
        **({"ExpressionAttributeValues": values} if values else {}),
    }


def rewrite(table: str, before: Item, after: Item) -> bool:
    """Make `after` of `before`; return False where the item is not as it was read any more."""
    asked = update(table, before, after)
    if asked is None:
        return True
    return _done("update_item", asked)


def create(table: str, item: Item) -> bool:
    """Write an item that is not there; return False where there is one."""
    return _done(
        "put_item",
        {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"},
    )


def delete(table: str, before: Item) -> bool:
    """Delete an item; return False where it is not as it was read any more."""
    first = sorted(set(before) - {*_KEYS})[:_MOST]
    names = {name: f"#n{at}" for at, name in enumerate(first)}
    same = [f"{short} = :{short[1:]}" for short in names.values()]
    asked: Item = {
        "TableName": table,
        "Key": place(before),
        "ConditionExpression": " AND ".join(["attribute_exists(pk)", *same]),
    }
    if names:
        asked["ExpressionAttributeNames"] = {short: name for name, short in names.items()}
        values = {f":{short[1:]}": before[name] for name, short in names.items()}
        asked["ExpressionAttributeValues"] = values
    return _done("delete_item", asked)


def _done(operation: str, asked: Item) -> bool:
    try:
        aws.call(operation, **asked)
    except Cancelled:
        return False
    return True


def get(table: str, key: Item) -> Item | None:
    """Return an item as it is now, or None."""
    answer = aws.call("get_item", TableName=table, Key=key, ConsistentRead=True)
    found: Item | None = answer.get("Item")
    return found
