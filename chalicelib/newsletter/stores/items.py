"""A subscriber as an item of the `contacts` table, and back."""

import zlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.newsletter.filters import came_at
from chalicelib.newsletter.model import (
    CONFIRM_WITHIN,
    REFUSED_FOR,
    UNDO_WITHIN,
    Subscriber,
    is_understood,
)
from chalicelib.settings import current

# The version of each kind's format. A format that changes gets the next one, and a migration.
SUBSCRIBER_V = 1
EVENT_V = 1
SUPPRESSED_V = 1
WITHDRAWN_V = 1
SHARDS = 8  # keys of the index `due`, so that none of them is hot
# The head of a subscription that goes on is logged anew after this time: a log keeps no line for
# ever, a subscription may last for ever.
RENEWED = timedelta(days=365)
_TTL_LATE = timedelta(days=1)
# What an item has beside the subscriber's own fields, made anew with each change.
_MADE = {"pk", "sk", "v", "head", "expires", "due_key", "due_at", "listed_key", "listed_at"}
_FIELDS = frozenset(Subscriber.__dataclass_fields__)
_INSTANTS = ("asked_at", "since", "confirmed_at", "ended_at", "refused_at", "settings_at")


def pk(key: str) -> str:
    """Return the partition key of all that is kept of an address."""
    return f"SUB#{key}"


def key_of(pk: str) -> str:
    """Return the key of the address whose partition key this is."""
    return pk.removeprefix("SUB#")


def pack(
    subscriber: Subscriber, head: str, now: datetime, rest: Mapping[str, Any] | None = None
) -> Item:
    """Return the item of a subscriber, changed now; `head` is the hash of the ledger's last event.

    `rest` is what `rest` found in the item before. The clock looks at it at the end of the hour.
    """
    looks = [hour_after(now), next_look(subscriber, now)]
    rest = rest or {}
    item = {
        **rest,
        "pk": pk(subscriber.key),
        "sk": "SUB",
        "v": SUBSCRIBER_V,
        **asdict(subscriber),
        "head": head,
        "expires": gone_at(subscriber) or rest.get("expires"),
        **due(subscriber.key, min(filter(None, looks))),
        # The index `listed` has them by state, in the order in which they came into it.
        "listed_key": subscriber.state,
        "listed_at": instants.text(came_at(subscriber)),
    }
    for name in _INSTANTS:
        item[name] = instants.text(item[name]) if item[name] else None
    item["soft_bounces"] = [[id, instants.text(at)] for id, at in subscriber.soft_bounces]
    return item


def unpack(item: Item) -> Subscriber:
    """Return the subscriber of an item."""
    values = {name: value for name, value in item.items() if name in _FIELDS}
    for name in _INSTANTS:
        values[name] = instants.parse(values[name]) if values.get(name) else None
    values["topics"] = tuple(values["topics"])
    values["wished"] = tuple(values.get("wished", ()))
    soft_bounces = values.get("soft_bounces", ())
    values["soft_bounces"] = tuple((id, instants.parse(at)) for id, at in soft_bounces)
    return Subscriber(**values)


def rest(item: Item) -> Item:
    """Return what a newer version of the code has added to a subscriber's item.

    Of one in a state that this version does not know, that is its expiry, too.
    """
    added = {name: value for name, value in item.items() if name not in _FIELDS | _MADE}
    if "expires" in item and not is_understood(item["state"]):
        added["expires"] = item["expires"]
    return added


def events_kept_until(subscriber: Subscriber | None, now: datetime) -> int | None:
    """Return when the table may drop the events of an address (epoch seconds), None for never.

    Unconfirmed data goes after a week; proof some full years after the subscription ended.
    """
    if subscriber is None or subscriber.state in ("unsubscribed", "bounced", "complained"):
        return proof_kept_until((subscriber.ended_at if subscriber else None) or now)
    return gone_at(subscriber)


def proof_kept_until(ended: datetime) -> int:
    """Return the end of a proof's term: the end of some full year after the subscription ended."""
    return instants.epoch(datetime(ended.year + 1 + current().proof_years, 1, 1, tzinfo=UTC))


def over_at(subscriber: Subscriber) -> datetime | None:
    """Return when what is kept of a subscriber has to go, None for never."""
    if subscriber.state == "pending":
        return subscriber.asked_at + CONFIRM_WITHIN
    if subscriber.state == "refused" and subscriber.refused_at:
        return subscriber.refused_at + REFUSED_FOR
    if subscriber.state == "confirmed" or not is_understood(subscriber.state):
        return None
    if subscriber.state == "unsubscribed" and subscriber.email and not subscriber.confirmed_at:
        # Ended before anybody confirmed. Without an address, it keeps one from being written to.
        return (subscriber.ended_at or subscriber.since) + CONFIRM_WITHIN
    ended = subscriber.ended_at or subscriber.since
    return datetime.fromtimestamp(proof_kept_until(ended), UTC)


def gone_at(subscriber: Subscriber) -> int | None:
    """Return when the table may drop a subscriber (epoch seconds), where the clock has not.

    It is a day late for what no proof's term rules: the code decides, the table only tidies up.
    """
    over = over_at(subscriber)
    if over is None:
        return None
    return instants.epoch(
        over + (_TTL_LATE if subscriber.state in ("pending", "refused") else timedelta())
    )


def due(key: str, at: datetime) -> Item:
    """Return the attributes that have the clock look at an item of this subscriber."""
    return {"due_key": shard(zlib.crc32(key.encode()) % SHARDS), "due_at": instants.text(at)}


def shard(number: int) -> str:
    """Return the key of a part of the index `due`."""
    return f"SUB#{number}"


def hour_after(now: datetime) -> datetime:
    """Return the end of the present hour: one look at a ledger an hour is enough."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def next_look(subscriber: Subscriber, now: datetime) -> datetime:
    """Return when the clock has to look at a subscriber again, after a look now."""
    looks = [over_at(subscriber) or now + RENEWED]
    if subscriber.state == "refused" and subscriber.email and subscriber.refused_at:
        looks.append(subscriber.refused_at + UNDO_WITHIN)
    return min(looks)
