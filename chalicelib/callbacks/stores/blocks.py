"""Numbers that are not called for a while, by their keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks.model import BLOCKED_FOR
from chalicelib.settings import current

V = 1  # the version of the items' format
_BOARD_KEY = "BLOCKED"


@dataclass(frozen=True)
class Blocked:
    """A number that is not called; `reference` is its last request by then, if there was one."""

    key: str
    main_key: str
    since: datetime
    until: datetime
    reference: str


def block(key: str, main_key: str, now: datetime, reference: str) -> None:
    """Keep a number from being called for a while. A repeat begins the time anew."""
    aws.write(blocked(key, main_key, now, reference))


def blocked(key: str, main_key: str, now: datetime, reference: str) -> Item:
    """Return the Update that blocks a number, as a member of a transaction.

    The block keeps the end that an earlier one had, in case `taken_back` needs it.
    """
    until = now + BLOCKED_FOR
    expression = (
        "SET earlier = if_not_exists(#until, :none), "
        "earlier_lifted = if_not_exists(lifted, :none), "
        "#until = :until, #reference = :reference, board_key = :blocked, board_at = :now, "
        "expires = :expires, main_key = :main, v = :v REMOVE lifted"
    )
    return aws.update(
        current().contacts_table,
        _key(key),
        expression,
        names={"#until": "until", "#reference": "reference"},
        until=instants.text(until),
        reference=reference,
        main=main_key,
        blocked=_BOARD_KEY,
        now=instants.text(now),
        none="",
        v=V,
        expires=instants.epoch(until + timedelta(days=1)),
    )


def taken_back(key: str, now: datetime, reference: str, earlier: str) -> Item:
    """Return the Update that takes back the block which a request caused, for a transaction.

    `earlier` is the end (RFC 3339) that the number's block had before, or empty.
    """
    still = bool(earlier) and now < instants.parse(earlier)
    end = "SET #until = :earlier" if still else "SET lifted = :now REMOVE board_key"
    return aws.update(
        current().contacts_table,
        _key(key),
        end,
        "#reference = :own",
        names={"#reference": "reference", **({"#until": "until"} if still else {})},
        own=reference,
        **({"earlier": earlier} if still else {"now": instants.text(now)}),
    )


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
    key = item["pk"].removeprefix("NUMBER#")
    return Blocked(key, item["main_key"], since, until, item["reference"])
