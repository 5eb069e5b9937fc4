"""Subscribers, their ledgers, and what keeps an erased address from coming back."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from chalicelib import aws, instants, log
from chalicelib.aws import Cancelled, Item
from chalicelib.guards import NONE, Guards
from chalicelib.newsletter import ledger
from chalicelib.newsletter.ledger import Event, How
from chalicelib.newsletter.model import Change, Subscriber
from chalicelib.newsletter.stores import growth, items
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.outbox.model import Message
from chalicelib.settings import current

KINDS = {letter: f"newsletter-{letter}" for letter in ("confirmation", "welcome", "access")}


@dataclass(frozen=True)
class Known:
    """What is known of an address: perhaps a subscriber, and the last event of its ledger."""

    key: str
    subscriber: Subscriber | None = None
    version: int = 0
    head: str = ledger.FIRST
    suppressed: bool = False  # erased, and not confirmed anew since


def load(key: str) -> Known:
    """Return all that a decision needs.

    It takes one call whatever is known, so that the time it takes tells nothing.
    """
    subscriber, version, head, suppressed = None, 0, ledger.FIRST, False
    for item in aws.last(current().contacts_table, "pk = :pk", 3, pk=items.pk(key)):
        if item["sk"] == "SUPPRESSED":
            suppressed = True
        elif item["sk"] == "SUB":
            subscriber = items.unpack(item)
        elif item["version"] > version:
            version, head = item["version"], item["hash"]
    return Known(key, subscriber, version, head, suppressed)


def save(
    known: Known,
    change: Change,
    now: datetime,
    how: How,
    guards: Guards = NONE,
    also: Sequence[Item] = (),
) -> None:
    """Write a change, its event and the mail it owes, with the guards: all of it or nothing.

    `also` are other members of the transaction; they follow the guards. Raises Cancelled where
    somebody else changed the subscriber meanwhile, and what the guards raise.
    """
    changed = _members(known, change, now, how) if change.changes else ()
    members = [*guards.members(now), *also, *changed]
    if not members:
        return
    try:
        aws.write(*members)
    except Cancelled as cancelled:
        guards.refuse(cancelled, now)
        raise
    if change.event == "erased":
        # After the restore of an older table, operators repeat the erasures in these lines.
        log.info("subscriber.erased", subscriber=known.key)


def owed(change: Change, now: datetime) -> Message | None:
    """Return the message that a change owes, or None."""
    if not (change.owes and change.after):
        return None
    return outbox.owe(KINDS[change.owes], change.after.key, change.after.letters, now)


def save_import(known: Known, change: Change, now: datetime, how: How) -> None:
    """Write what an import decided; a signup that waited keeps its events.

    Raises Cancelled, as `save` does.
    """
    kept = _kept_events(known.key, now) if change.before else []
    aws.write(*_members(known, change, now, how), *kept)


def is_imported(key: str, facts: Mapping[str, str]) -> bool:
    """Tell whether an import brought this address with all these facts before, from any file."""
    return any(
        each.event == "imported" and facts.items() <= each.facts.items() for each in events(key)
    )


def tidy(known: Known, now: datetime) -> None:
    """Set the expiry of an ended subscription's events, and strip those before an erasure.

    Idempotent, and after the stored change, so that a long history needs no long transaction.
    Personal data of a signup after the erasure stays.
    """
    until, found = items.events_kept_until(known.subscriber, now), _event_items(known.key)
    erased = max((item["version"] for item in found if item["event"] == "erased"), default=0)
    for item in found:
        key = {"pk": item["pk"], "sk": item["sk"]}
        if item["version"] <= erased and "personal" in item:
            _update(key, "REMOVE personal")
        if until and "expires" not in item:
            _update(key, "SET expires = :until", until=until)


def events(key: str) -> list[Event]:
    """Return the ledger of an address, oldest event first."""
    names = Event.__dataclass_fields__
    return [
        Event(**{"personal": None, **{name: item[name] for name in names if name in item}})
        for item in _event_items(key)
    ]


def head(key: str) -> str | None:
    """Return the hash that the subscriber's record names as the last; None without a record."""
    item = aws.get(current().contacts_table, {"pk": items.pk(key), "sk": "SUB"})
    return item["head"] if item else None


def _members(known: Known, change: Change, now: datetime, how: How) -> list[Item]:
    """Return the members that store a change: subscriber, event, mail, counter, suppression."""
    table, before, after = current().contacts_table, change.before, change.after
    version = after.version if after else known.version + 1
    facts = dict(how.facts)
    members: list[Item] = []
    if message := owed(change, now):
        facts["message"] = message.id
        members.append(messages.owed(message))
    event = ledger.append(
        known.head,
        version,
        change.event,
        instants.text(now),
        facts,
        how.personal,
        secrets.token_hex(16),
    )
    if after:
        seen = {"seen": before.version} if before else {}
        condition = "version = :seen" if before else "attribute_not_exists(pk)"
        members.append(aws.put(table, items.pack(after, event.hash), condition, **seen))
    elif before:
        own = {"pk": items.pk(known.key), "sk": "SUB"}
        members.append(aws.delete(table, own, "version = :seen", seen=before.version))
    members.append(_event_put(known.key, event, items.events_kept_until(after, now)))
    if change.event in growth.EVENTS:
        members.append(growth.counted(change.event, now))
    suppression = {"pk": items.pk(known.key), "sk": "SUPPRESSED"}
    if change.event == "confirmed":
        members += _kept_events(known.key, now)
        if known.suppressed:
            members.append(aws.delete(table, suppression))
    if change.event == "erased":
        members.append(aws.put(table, {**suppression, "at": instants.text(now)}))
    return members


def _update(key: Item, expression: str, **values: Any) -> None:
    exists = "attribute_exists(pk)"
    try:
        aws.write(aws.update(current().contacts_table, key, expression, exists, **values))
    except Cancelled:
        pass  # it is gone already


def _event_items(key: str) -> list[Item]:
    condition = "pk = :pk AND begins_with(sk, :prefix)"
    table = current().contacts_table
    return list(aws.query(table, condition, pk=items.pk(key), prefix="EVENT#"))


def _event_put(key: str, event: Event, expires: int | None) -> Item:
    sk = f"EVENT#{event.version:08}"
    item = {"pk": items.pk(key), "sk": sk, **asdict(event), "expires": expires}
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")


def _kept_events(key: str, now: datetime) -> list[Item]:
    """Return the Updates that keep the proof of how a consent came about."""
    return [
        aws.update(
            current().contacts_table,
            {"pk": event["pk"], "sk": event["sk"]},
            "REMOVE expires",
            "attribute_exists(pk)",
        )
        for event in _event_items(key)
        if event.get("expires", 0) > instants.epoch(now)
    ]
