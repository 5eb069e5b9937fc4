"""Numbers that are not called for a while, by their keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks.model import BLOCKED_FOR
from chalicelib.settings import current

_BOARD_KEY = "BLOCKED"


@dataclass(frozen=True)
class Blocked:
    """A number that is not called; `reference` is its last request by then, if there was one."""

    key: str
    since: datetime
    until: datetime
    reference: str


def block(key: str, now: datetime, reference: str | None) -> None:
    """Keep a number from being called for a while. A repeat begins the time anew."""
    aws.write(blocked_put(key, now, reference))


def blocked_put(key: str, now: datetime, reference: str | None) -> Item:
    """Return the Put that blocks a number, as a member of a transaction."""
    until = now + BLOCKED_FOR
    item = {
        **_key(key),
        "reference": reference,
        "until": instants.text(until),
        "board_key": _BOARD_KEY,
        "board_at": instants.text(now),
        "expires": instants.epoch(until + timedelta(days=1)),
    }
    return aws.put(current().contacts_table, item)


def unblock(key: str, now: datetime) -> None:
    """Lift the block of a number. The block keeps its end, in case `restore` takes that back."""
    expression = "SET lifted = :now REMOVE board_key"
    _update(key, expression, "attribute_exists(pk)", now=instants.text(now))


def restore(key: str) -> None:
    """Put back the block that was lifted, until the end it had. Without one, change nothing."""
    expression = "SET board_key = :blocked REMOVE lifted"
    _update(key, expression, "attribute_exists(lifted)", blocked=_BOARD_KEY)


def listed(now: datetime) -> list[Blocked]:
    """Return the numbers that are blocked now, the last one first."""
    table, condition = current().contacts_table, "board_key = :key"
    keys = list(aws.query(table, condition, index="board", key=_BOARD_KEY))
    items = aws.batch_get(table, [{"pk": key["pk"], "sk": key["sk"]} for key in keys])
    found = [each for each in map(_blocked, items) if now < each.until]
    return sorted(found, key=lambda each: each.since, reverse=True)


def _key(key: str) -> Item:
    return {"pk": f"NUMBER#{key}", "sk": "BLOCK"}


def _update(key: str, expression: str, condition: str, **values: Any) -> None:
    try:
        aws.write(aws.update(current().contacts_table, _key(key), expression, condition, **values))
    except Cancelled:
        pass  # there is no such block, or it is as it should be


def _blocked(item: Item) -> Blocked:
    since, until = instants.parse(item["board_at"]), instants.parse(item["until"])
    return Blocked(item["pk"].removeprefix("NUMBER#"), since, until, item.get("reference", ""))
