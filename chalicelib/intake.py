"""What a visitor asks for, kept as it came until the contacts stream's function takes it in.

An intake is written without a look at what is known of the address or the number, so that its
calls to AWS, their sizes and their time are the same for everybody. What follows from it is decided
by the function that takes it in: at once by the stream, or by the clock where the stream failed.
"""

import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib import aws, errors, instants, log
from chalicelib.aws import Cancelled, Item
from chalicelib.guards import Guards
from chalicelib.outbox.model import Message
from chalicelib.settings import current

V = 1  # the version of the items' format
SHARDS = 8
LEFT_BEHIND = timedelta(minutes=1)  # what the stream has not taken in by then is the clock's
KEPT = timedelta(days=30)  # for one that no version of the code can take in


@dataclass(frozen=True)
class Intake:
    """One intake. `key` stands for the address or the number, `asked` holds strings and lists."""

    kind: str
    key: str
    at: datetime
    asked: Mapping[str, Any]
    id: str

    @property
    def _place(self) -> Item:
        return {"pk": f"INTAKE#{self.key}", "sk": f"{instants.text(self.at)}#{self.id}"}

    def put(self) -> Item:
        """Return the Put of the intake, for the transaction with its guards."""
        item = {
            **self._place,
            "v": V,
            "kind": self.kind,
            "asked": dict(self.asked),
            "due_key": _due_key(zlib.crc32(self.id.encode()) % SHARDS),
            "due_at": instants.text(self.at + LEFT_BEHIND),
            "expires": instants.epoch(self.at + KEPT),
        }
        return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")

    def taken(self) -> Item:
        """Return the Delete of the intake, which fails where it was taken in before.

        It belongs into the transaction that stores what follows, so that it follows once.
        """
        return aws.delete(current().contacts_table, self._place, "attribute_exists(pk)")


# Stores what follows from an intake, in one transaction with its `taken`; returns the messages that
# it owes. An intake that was taken in before changes nothing.
Taker = Callable[[Intake], list[Message]]


def new(kind: str, key: str, asked: Mapping[str, Any], now: datetime) -> Intake:
    """Return a new intake."""
    return Intake(kind, key, now, asked, secrets.token_urlsafe(12))


def keep(intake: Intake, guards: Guards, *also: Item) -> None:
    """Write an intake with its guards and other members, all or nothing.

    Raises what the guards raise; Cancelled where a condition of the others does not hold.
    """
    try:
        aws.write(*guards.members(intake.at), intake.put(), *also)
    except Cancelled as cancelled:
        guards.refuse(cancelled, intake.at)
        raise


def of_image(image: Mapping[str, Any]) -> Intake:
    """Return the intake of an item in DynamoDB's own form."""
    item = aws.unpack_item(image)
    at, _, id = item["sk"].partition("#")
    key = item["pk"].removeprefix("INTAKE#")
    return Intake(item["kind"], key, instants.parse(at), item["asked"], id)


def take(intake: Intake, takers: Mapping[str, Taker]) -> list[Message]:
    """Take an intake in; return the messages that it owes.

    One of a kind that this version of the code does not know waits for one that does, as does what
    a newer version has stored in a state of its own. Raises Unavailable.
    """
    taker = takers.get(intake.kind)
    if taker is None:
        log.warning("kind.unknown", kind=intake.kind)
        return []
    try:
        return taker(intake)
    except errors.Newer as newer:
        log.warning("kind.unknown", kind=intake.kind, what=newer.what, state=newer.state)
        return []


def left_behind(now: datetime) -> Iterator[Item]:
    """Yield the keys of the intakes that the stream has not taken in, each shard's oldest first."""
    condition = "due_key = :shard AND due_at <= :now"
    for shard in range(SHARDS):
        values = {"shard": _due_key(shard), "now": instants.text(now)}
        for keys in aws.query(current().contacts_table, condition, "due", **values):
            yield {name: keys[name] for name in ("pk", "sk")}


def load(place: Item) -> Intake | None:
    """Return the intake of a key, or None where it was taken in."""
    item = aws.get(current().contacts_table, place)
    return of_image(aws.pack_item(item)) if item else None


def of_key(key: str) -> list[Intake]:
    """Return the intakes of an address or a number that nobody has taken in."""
    found = aws.query_consistent(current().contacts_table, "pk = :pk", pk=f"INTAKE#{key}")
    return [of_image(aws.pack_item(item)) for item in found]


def erase(key: str) -> None:
    """Delete the intakes of an address or a number that nobody has taken in."""
    table = current().contacts_table
    for item in aws.query(table, "pk = :pk", pk=f"INTAKE#{key}"):
        aws.write(aws.delete(table, {name: item[name] for name in ("pk", "sk")}))


def _due_key(shard: int) -> str:
    return f"INTAKE#{shard}"
