"""Messages in the `contacts` table, and the sparse index `due` of those that are not final."""

import heapq
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.outbox import model
from chalicelib.outbox.lanes import Lane
from chalicelib.outbox.model import FINAL, KEPT, Message
from chalicelib.settings import current

# A mail is four writes to the index `due`, and a partition key takes 1,000 a second: 1,000 mails a
# second need four keys a lane, and twice as many keep chance from making one hot.
SHARDS = 8
V = 1  # the version of the items' format
LEFT_BEHIND = timedelta(minutes=1)  # what the stream has not put on record by then is the clock's
_INSTANTS = ("due_at", "created_at", "since", "attempted_at", "ended_at")
_KEYS = {"pk", "sk", "v", "due_key", "expires"}


def _key(message_id: str) -> Item:
    return {"pk": f"MSG#{message_id}", "sk": "MSG"}


def to_item(message: Message) -> Item:
    """Return the item of a message."""
    values = asdict(message)
    item: Item = {**values.pop("rest"), **_key(message.id), "v": V, **values}
    for name in _INSTANTS:
        item[name] = instants.text(item[name]) if item[name] else None
    shard = zlib.crc32(message.id.encode()) % SHARDS
    if message.state in FINAL:
        del item["due_at"]
        ended = message.ended_at or message.due_at
        item["expires"] = instants.epoch(ended + KEPT)
        if message.is_unrecorded:
            item |= {"due_key": _sent_key(shard), "due_at": instants.text(ended + LEFT_BEHIND)}
    else:
        item["due_key"] = _due_key(message.lane, shard)
    if not message.owes_record:
        del item["owes_record"]
    return {name: value for name, value in item.items() if value not in (None, "", {})}


def _sent_key(shard: int) -> str:
    return f"SENT#{shard}"


def _due_key(lane: Lane, shard: int) -> str:
    return f"MSG#{lane}#{shard}"


def from_item(item: Item) -> Message:
    """Return the message of an item."""
    values = {name: value for name, value in item.items() if name in Message.__dataclass_fields__}
    rest = {name: item[name] for name in item.keys() - values.keys() - _KEYS}
    for name in _INSTANTS:
        values[name] = instants.parse(values[name]) if values.get(name) else None
    values["due_at"] = values["due_at"] or values["ended_at"]
    return Message(**{**values, "rest": rest})


def owed(message: Message) -> Item:
    """Return the Put of a message, for the transaction of the fact that owes it.

    It fails where the same message is owed already.
    """
    return aws.put(current().contacts_table, to_item(message), "attribute_not_exists(pk)")


def load(message_id: str) -> Message | None:
    """Return the message as it is now, or None."""
    item = aws.get(current().contacts_table, _key(message_id))
    return from_item(item) if item else None


def replace(before: Message, after: Message) -> None:
    """Write the next state of a message. Raises Cancelled where somebody else wrote one before."""
    put = aws.put(current().contacts_table, to_item(after), "version = :seen", seen=before.version)
    try:
        aws.write(put)
    except Cancelled:
        # A lost answer makes our own write look like another's.
        if aws.get(current().contacts_table, _key(after.id)) != to_item(after):
            raise


def recorded(message: Message) -> Item:
    """Return the Put that says a sending is on record, for the transaction with that record.

    It fails where somebody else wrote the message meanwhile.
    """
    after = model.recorded(message)
    return aws.put(
        current().contacts_table, to_item(after), "version = :seen", seen=message.version
    )


def unrecorded(now: datetime) -> Iterator[str]:
    """Yield the ids of the messages whose sending the stream has not put on record."""
    condition = "due_key = :shard AND due_at <= :now"
    for shard in range(SHARDS):
        values = {"shard": _sent_key(shard), "now": instants.text(now)}
        for keys in aws.query(current().contacts_table, condition, "due", **values):
            yield keys["pk"].removeprefix("MSG#")


def by_service_id(service_id: str) -> Message | None:
    """Return the message that SES or SNS knows by this id, or None. Eventually consistent."""
    keys = aws.query(current().contacts_table, "service_id = :id", index="sent", id=service_id)
    found = next((key["pk"].removeprefix("MSG#") for key in keys), None)
    return load(found) if found else None


def load_many(message_ids: list[str]) -> list[Message]:
    """Return those of the messages that are still kept, oldest first."""
    items = aws.batch_get(current().contacts_table, [_key(each) for each in message_ids])
    return sorted(map(from_item, items), key=lambda message: message.created_at)


class Due(NamedTuple):
    """A message that is due, as the index has it."""

    due_at: datetime  # its turn, which a refused attempt moves
    since: datetime  # when it fell due
    id: str


def due(lane: Lane, now: datetime) -> Iterator[Due]:
    """Yield the messages of a lane that are due by `now`, oldest first."""
    return heapq.merge(*(_due(lane, shard, now) for shard in range(SHARDS)))


def count_due(lane: Lane, now: datetime) -> int:
    """Return how many messages of a lane are due by `now`; it reads 64 kB for each 500 or so."""
    counted = (
        aws.count(current().contacts_table, _CONDITION, "due", **_values(lane, shard, now))
        for shard in range(SHARDS)
    )
    return sum(counted)


_CONDITION = "due_key = :shard AND due_at <= :now"


def _values(lane: Lane, shard: int, now: datetime) -> dict[str, str]:
    return {"shard": _due_key(lane, shard), "now": instants.text(now)}


def _due(lane: Lane, shard: int, now: datetime) -> Iterator[Due]:
    found = aws.query(current().contacts_table, _CONDITION, "due", **_values(lane, shard, now))
    for keys in found:
        due_at, since = instants.parse(keys["due_at"]), instants.parse(keys["since"])
        yield Due(due_at, since, keys["pk"].removeprefix("MSG#"))
