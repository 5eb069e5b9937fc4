"""A subscriber as an item of the `contacts` table, and back."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.newsletter.filters import came_at
from chalicelib.newsletter.model import CONFIRM_WITHIN, REFUSED_FOR, Subscriber
from chalicelib.settings import current

_INSTANTS = ("asked_at", "since", "confirmed_at", "ended_at", "refused_at", "settings_at")


def pk(key: str) -> str:
    """Return the partition key of all that is kept of an address."""
    return f"SUB#{key}"


def key_of(pk: str) -> str:
    """Return the key of the address whose partition key this is."""
    return pk.removeprefix("SUB#")


def pack(subscriber: Subscriber, head: str) -> Item:
    """Return the item of a subscriber; `head` is the hash of the ledger's last event."""
    item = {
        "pk": pk(subscriber.key),
        "sk": "SUB",
        **asdict(subscriber),
        "head": head,
        "expires": gone_at(subscriber),
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
    names = Subscriber.__dataclass_fields__
    values = {name: value for name, value in item.items() if name in names}
    for name in _INSTANTS:
        values[name] = instants.parse(values[name]) if values.get(name) else None
    values["topics"] = tuple(values["topics"])
    values["wished"] = tuple(values.get("wished", ()))
    values["soft_bounces"] = tuple((id, instants.parse(at)) for id, at in values["soft_bounces"])
    return Subscriber(**values)


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


def gone_at(subscriber: Subscriber) -> int | None:
    """Return when the table may drop a subscriber (epoch seconds).

    It is a day late: the code decides about expiry, the table only tidies up.
    """
    if subscriber.state == "pending":
        return instants.epoch(subscriber.asked_at + CONFIRM_WITHIN + timedelta(days=1))
    if subscriber.state == "refused" and subscriber.refused_at:
        return instants.epoch(subscriber.refused_at + REFUSED_FOR + timedelta(days=1))
    if subscriber.state == "confirmed":
        return None
    return events_kept_until(subscriber, subscriber.ended_at or subscriber.since)
