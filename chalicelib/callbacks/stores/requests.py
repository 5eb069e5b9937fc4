"""Callback requests, their events and proofs of consent, and each number's lock for a live one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks.model import Callback, Change, Owed
from chalicelib.callbacks.stores import blocks, items
from chalicelib.guards import NONE, Guards
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as outbox_store
from chalicelib.outbox.lanes import Lane
from chalicelib.settings import current

# What a change owes, as messages: an alert goes to the topic and by mail.
KINDS: dict[str, tuple[str, ...]] = {
    "alert": ("callback-alert", "callback-alert-mail"),
    "expired": ("callback-expired", "callback-expired-mail"),
    "received": ("callback-received",),
    "cancelled": ("callback-cancelled",),
    "missed": ("callback-missed",),
}
_ABSENT = "attribute_not_exists(pk)"
_UNUSED_FOR = timedelta(days=90)  # for which nobody else gets a reference that somebody was told


@dataclass(frozen=True)
class Number:
    """What is known of a telephone number, newest requests first."""

    live: str = ""  # the reference of its live request
    blocked_until: datetime | None = None
    requests: tuple[tuple[datetime, str], ...] = ()  # when, reference


@dataclass(frozen=True)
class Proof:
    """How a request reached us, for the proof of consent; `personal` goes with an erasure."""

    wording: str  # SHA-256 of the declaration shown
    personal: Mapping[str, str]


def load(reference: str) -> Callback | None:
    """Return the request as it is now, or None.

    The reference of a request that merged into another's leads to that.
    """
    item = aws.get(current().contacts_table, items.key(reference))
    if item is None:
        told = aws.get(current().contacts_table, _reservation(reference)) or {}
        merged = told.get("live")
        item = aws.get(current().contacts_table, items.key(merged)) if merged else None
    return items.unpack(item) if item else None


def load_many(references: list[str]) -> list[Callback]:
    """Return those of the requests that exist, in this order, eventually consistent."""
    asked = [items.key(reference) for reference in references]
    found = {item["pk"]: item for item in aws.batch_get(current().contacts_table, asked)}
    return [items.unpack(found[key["pk"]]) for key in asked if key["pk"] in found]


def number(key: str, most: int = 12) -> Number:
    """Return what is known of a number, its last requests included.

    It takes one call whatever is known, so that the time it takes tells nothing.
    """
    live, blocked, asked = "", None, []
    for item in aws.last(current().contacts_table, "pk = :pk", most, pk=_number_pk(key)):
        if item["sk"] == "LOCK":
            live = item["live"]
        elif item["sk"] == "BLOCK":
            blocked = None if "lifted" in item else instants.parse(item["until"])
        else:
            asked.append((instants.parse(item["at"]), item["reference"]))
    return Number(live, blocked, tuple(asked))


def add(change: Change | None, proof: Proof, also: Sequence[Item]) -> None:
    """Write a new request with its lock, proof, event and messages.

    `also` are other members of the transaction; they come first, and alone where there is no
    change. Raises Cancelled where the number has a live request, and where a condition of the
    others does not hold.
    """
    aws.write(*also, *(_new(change, proof) if change else ()))


def reserved(reference: str) -> Item:
    """Return the Put that reserves a reference; it fails where another request has it."""
    return aws.put(current().contacts_table, _reservation(reference), _ABSENT)


def unused(reference: str, live: str, now: datetime) -> Item:
    """Return the Put that gives a reference free in a while, as no request was made for it.

    It leads to the `live` request of the same number, if there is one.
    """
    told = {"live": live or None, "expires": instants.epoch(now + _UNUSED_FOR)}
    return aws.put(current().contacts_table, {**_reservation(reference), **told})


def save(change: Change, now: datetime, guards: Guards = NONE) -> None:
    """Write a changed request, its event and messages, and with its end the release of the lock.

    The guards count what changes something. Raises Cancelled where somebody else changed the
    request meanwhile, and what the guards raise.
    """
    if change.before is None or not change.changes:
        return
    try:
        aws.write(*guards.members(now), *_changed(change.before, change, now))
    except Cancelled as cancelled:
        guards.refuse(cancelled, now)
        raise


def references(key: str) -> list[str]:
    """Return the references of all requests of a number that are still known."""
    condition = "pk = :pk AND begins_with(sk, :at)"
    found = aws.query(current().contacts_table, condition, pk=_number_pk(key), at="AT#")
    return [item["reference"] for item in found]


def events(reference: str) -> list[Item]:
    """Return what happened to a request, oldest first.

    An event has `event`, `by`, `at`, `state`, `facts`, and `personal` until it is erased.
    """
    condition = "pk = :pk AND begins_with(sk, :events)"
    pk = f"CALLBACK#{reference}"
    return list(aws.query(current().contacts_table, condition, pk=pk, events="EVENT#"))


def pages_of_addresses() -> Iterator[list[tuple[str, str]]]:
    """Yield the reference and address of each request with one, by pages of the whole table."""
    pages = aws.client("dynamodb").get_paginator("scan")
    found = pages.paginate(
        TableName=current().contacts_table,
        ProjectionExpression="pk, asked.email",
        FilterExpression="sk = :callback AND asked.email <> :none",
        ExpressionAttributeValues={":callback": aws.pack("CALLBACK"), ":none": aws.pack("")},
    )
    for page in found:
        rows = map(aws.unpack_item, page["Items"])
        yield [(row["pk"].removeprefix("CALLBACK#"), row["asked"]["email"]) for row in rows]


def due(now: datetime) -> Iterator[str]:
    """Yield the references of the requests the clock has to look at by now, oldest first."""
    return _due("CALLBACK", now)


def to_erase(now: datetime) -> Iterator[str]:
    """Yield the references of ended requests whose contact data has been kept for its term."""
    return _due("ENDED", now)


def strip(callback: Callback, until: int, wholly: bool) -> None:
    """Remove what is personal from an ended request, and let the table drop it at `until`.

    `until` is in epoch seconds. The history and the proof of consent stay as long; `wholly` takes
    the personal part of the proof, too. Idempotent: the request itself comes last. Raises
    Cancelled where somebody else changed it meanwhile.
    """
    table = current().contacts_table
    for item in list(aws.query(table, "pk = :pk", pk=f"CALLBACK#{callback.reference}")):
        if item["sk"] != "CALLBACK":
            key = {"pk": item["pk"], "sk": item["sk"]}
            bare = " REMOVE personal" if wholly or item["sk"] != "PROOF" else ""
            aws.write(aws.update(table, key, f"SET expires = :until{bare}", until=until))
    asked = _asked_key(callback)
    if wholly:
        member = aws.delete(table, asked)
    else:
        exists = "attribute_exists(pk)"
        member = aws.update(table, asked, "SET expires = :until", exists, until=until)
    try:
        aws.write(member)
    except Cancelled:
        pass  # it was removed before
    bare_item = {**items.pack(callback.erase()), "expires": until}
    aws.write(aws.put(table, bare_item, "version = :seen", seen=callback.version))


def messages(change: Change, now: datetime) -> Iterator[outbox.Message]:
    """Yield the messages that a change owes."""
    for owed in change.owes:
        yield from _messages(change.after.reference, owed, now)


def _reservation(reference: str) -> Item:
    return {"pk": f"CALLBACK#{reference}", "sk": "REFERENCE"}


def _number_pk(key: str) -> str:
    return f"NUMBER#{key}"


def _asked_key(callback: Callback) -> Item:
    at = instants.text(callback.created_at)
    return {"pk": _number_pk(callback.asked.number_key), "sk": f"AT#{at}#{callback.reference}"}


def _new(change: Change, proof: Proof) -> Iterator[Item]:
    """Yield the members that store a new request, its lock, its proof and what it owes."""
    table, callback = current().contacts_table, change.after
    reference, at = callback.reference, instants.text(callback.created_at)
    lock = {"pk": _number_pk(callback.asked.number_key), "sk": "LOCK", "live": reference}
    consent = {
        "pk": f"CALLBACK#{reference}",
        "sk": "PROOF",
        "at": at,
        "number_key": callback.asked.number_key,
        "consent": callback.asked.consent,
        "wording": proof.wording,
        "personal": dict(proof.personal),
    }
    yield aws.put(table, lock, _ABSENT)
    yield aws.put(table, items.pack(callback), _ABSENT)
    yield aws.put(table, consent, _ABSENT)
    yield aws.put(table, {**_asked_key(callback), "at": at, "reference": reference})
    yield from _event_and_messages(change, callback.created_at)


def _changed(before: Callback, change: Change, now: datetime) -> Iterator[Item]:
    """Yield the members that store a change, release the lock of an end, and block a number."""
    table, after = current().contacts_table, change.after
    yield aws.put(table, items.pack(after), "version = :seen", seen=before.version)
    yield from _event_and_messages(change, now)
    if change.ends:
        lock = {"pk": _number_pk(after.asked.number_key), "sk": "LOCK"}
        yield aws.delete(table, lock, "live = :own", own=after.reference)
    if change.blocks:
        yield blocks.blocked_put(after.asked.number_key, now, after.reference)


def _event_and_messages(change: Change, now: datetime) -> Iterator[Item]:
    after = change.after
    event = {
        "pk": f"CALLBACK#{after.reference}",
        "sk": f"EVENT#{after.version:08}",
        "event": change.event,
        "by": change.by,
        "at": instants.text(now),
        "state": after.state,
        "facts": dict(change.facts),
        "personal": dict(change.personal),
    }
    yield aws.put(current().contacts_table, event, _ABSENT)
    yield from (outbox_store.owed(each) for each in messages(change, now))


def _messages(reference: str, owed: Owed, now: datetime) -> Iterator[outbox.Message]:
    for kind in KINDS[owed.kind]:
        lane: Lane = "alerts" if owed.kind in ("alert", "expired") else "transactional"
        yield outbox.owe(kind, reference, owed.serial, now, owed.due_at, lane)


def _due(key: str, now: datetime) -> Iterator[str]:
    table, condition = current().contacts_table, "due_key = :key AND due_at <= :now"
    found = aws.query(table, condition, index="due", key=key, now=instants.text(now))
    yield from (each["pk"].removeprefix("CALLBACK#") for each in found)
