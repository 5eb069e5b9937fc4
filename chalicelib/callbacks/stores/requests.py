"""Callback requests, their events and proofs of consent, and each number's lock for a live one."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib import aws, instants, keys
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks.model import UNDO_WITHIN, Asked, Callback, Change, Owed, Who
from chalicelib.callbacks.stores import blocks, items
from chalicelib.guards import NONE, Guards
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as outbox_store
from chalicelib.outbox.lanes import Lane
from chalicelib.settings import current

# What a change owes, as messages: an alert goes to the topic and by mail.
KINDS: dict[str, tuple[str, ...]] = {
    "alert": ("callback-alert", "callback-alert-mail"),
    "held": ("callback-held", "callback-held-mail"),
    "expired": ("callback-expired", "callback-expired-mail"),
    "handed": ("callback-handed-mail",),
    "received": ("callback-received",),
    "cancelled": ("callback-cancelled",),
    "missed": ("callback-missed",),
    "declined": ("callback-declined",),
}
# The version of each kind's format. A format that changes gets the next one, and a migration.
EVENT_V = 1
COMMENT_V = 1
PROOF_V = 1
REFERENCE_V = 1
LOCK_V = 1
ASKED_V = 1
LISTED_V = 1
EVENT = "callback-event"  # the kind of messages for other systems
_FOR_STAFF = ("alert", "held", "expired", "handed")
_ABSENT = "attribute_not_exists(pk)"
_LED_FOR = timedelta(days=400)  # longer than a wish's request and its contact data are kept
_MOST_FOLLOWERS = 20


@dataclass(frozen=True)
class Number:
    """What is known of a telephone number, newest requests first."""

    live: str = ""  # the reference of its live request
    blocked_until: datetime | None = None
    blocked_since: datetime | None = None
    blocked_by: str = ""  # the reference of the request that the block is of
    earlier_block: str = ""  # the end (RFC 3339) of the block that the last one took the place of
    references: tuple[str, ...] = ()  # of its requests
    asked_at: tuple[tuple[datetime, str], ...] = ()  # with any extension: when, reference


@dataclass(frozen=True)
class Proof:
    """How a wish reached us, for the proof of consent; `personal` goes with an erasure.

    `by` is one of the staff who read the declaration out, and `how`, such as `telephone`.
    """

    wording: str  # SHA-256 of the declaration shown
    personal: Mapping[str, str]
    by: str = ""
    how: Mapping[str, str] = field(default_factory=dict)


def load(reference: str) -> Callback | None:
    """Return the request as it is now, or None. A further wish's reference leads to its request."""
    item = aws.get(current().contacts_table, items.key(reference))
    if item is None:
        told = aws.get(current().contacts_table, _reservation(reference)) or {}
        live = told.get("live")
        item = aws.get(current().contacts_table, items.key(live)) if live else None
    return items.unpack(item) if item else None


def load_last(reference: str) -> Callback | None:
    """Return the request that has the wish of a reference: the last one of those that follow."""
    return next(reversed(chain(reference)), None)


def chain(reference: str) -> list[Callback]:
    """Return the request of a reference, and those that follow it with the same wish."""
    found: list[Callback] = []
    callback = load(reference)
    while callback and len(found) <= _MOST_FOLLOWERS:
        found.append(callback)
        follower = load(callback.followed_by) if callback.followed_by else None
        callback = follower if follower and follower.wish(reference) else None
    return found


def load_many(references: list[str]) -> list[Callback]:
    """Return those of the requests that exist, in this order, eventually consistent."""
    asked = [items.key(reference) for reference in references]
    found = {item["pk"]: item for item in aws.batch_get(current().contacts_table, asked)}
    return [items.unpack(found[key["pk"]]) for key in asked if key["pk"] in found]


def number(key: str, main_key: str, most: int = 12) -> Number:
    """Return what is known of a number, its last requests included.

    The lock and the block are by number and extension (`key`), the requests by the number alone.
    It takes the same calls whatever is known, so that the time it takes tells nothing.
    """
    table, known = current().contacts_table, Number()
    found = aws.last(table, "pk = :pk", most, pk=_number_pk(main_key))
    own = found if key == main_key else aws.last(table, "pk = :pk", 2, pk=_number_pk(key))
    for item in own:
        if item["sk"] == "LOCK":
            known = replace(known, live=item["live"])
        elif item["sk"] == "BLOCK":
            until = None if "lifted" in item else instants.parse(item["until"])
            earlier = "" if item.get("earlier_lifted") else item.get("earlier", "")
            since = None if "lifted" in item else instants.parse(item["board_at"])
            known = replace(known, blocked_until=until, blocked_since=since, earlier_block=earlier)
            known = replace(known, blocked_by=item["reference"])
    asked = [item for item in found if item["sk"].startswith("AT#")]
    return replace(
        known,
        references=tuple(item["reference"] for item in asked if item["number_key"] == key),
        asked_at=tuple((instants.parse(item["at"]), item["reference"]) for item in asked),
    )


def add(change: Change | None, proof: Proof, also: Sequence[Item]) -> None:
    """Write a new request with its lock, proof, event and messages.

    `also` are other members of the transaction; they come first, and alone where there is no
    change. Raises Cancelled where the number has a live request, and where a condition of the
    others does not hold.
    """
    aws.write(*also, *(_new(change, proof) if change else ()))


def reserved(reference: str) -> Item:
    """Return the Put that reserves a reference; it fails where another request has it."""
    item = {**_reservation(reference), "v": REFERENCE_V}
    return aws.put(current().contacts_table, item, _ABSENT)


def led(reference: str, live: str, now: datetime, is_reserved: bool) -> Item:
    """Return the Update that lets a reference lead to the live request it is a wish of.

    One that is not reserved must not be another request's.
    """
    told = {"v": REFERENCE_V, "live": live, "expires": instants.epoch(now + _LED_FOR)}
    free = None if is_reserved else _ABSENT
    return aws.assign(current().contacts_table, _reservation(reference), told, free)


def proved(live: str, reference: str, asked: Asked, proof: Proof, now: datetime) -> Item:
    """Return the Update that puts the proof of consent of a further wish under its live request."""
    place, told = _proof(live, f"PROOF#{reference}", asked, proof)
    return aws.assign(current().contacts_table, place, {**told, "at": instants.text(now)})


def listed(email: str, reference: str, number_key: str, now: datetime) -> list[Item]:
    """Return the Update that lists a wish under its e-mail address; none where it has no address.

    It has the address's key. `number_key` leads to the intake that nobody has taken in yet.
    """
    if not email:
        return []
    place = _listing(keys.of_address(email), reference)
    until = instants.epoch(now + _LED_FOR)
    told = {"v": LISTED_V, "number_key": number_key, "expires": until}
    return [aws.assign(current().contacts_table, place, told)]


def references_of_address(key: str) -> list[tuple[str, str]]:
    """Return the references listed under an address's key, each with its number's key."""
    condition, pk = "pk = :pk AND begins_with(sk, :prefix)", f"ADDRESS#{key}"
    found = aws.query_consistent(current().contacts_table, condition, pk=pk, prefix="R-")
    return [(item["sk"], item["number_key"]) for item in found]


def unlist(key: str, references: Sequence[str]) -> None:
    """Delete wishes from those that are listed under an address's key. Idempotent."""
    for each in references:
        aws.write(aws.delete(current().contacts_table, _listing(key, each)))


def save(
    change: Change,
    now: datetime,
    guards: Guards = NONE,
    also: Sequence[Item] = (),
    earlier_block: str = "",
    proof: Proof | None = None,
) -> None:
    """Write a changed request, its event and messages, and what its end or its number mean.

    The guards count what changes something; `also` are written in any case. `proof` is that of the
    request which follows, `earlier_block` the end of a block that comes back with an undo.
    Raises Cancelled where somebody else changed the request meanwhile, and what the guards raise.
    """
    if change.before is None or not change.changes:
        if also:
            aws.write(*also)
        return
    members = [*guards.members(now), *also]
    for each in (change, change.also):
        if each and each.before:
            members += _changed(each.before, each, now, earlier_block)
        elif each and proof:
            members += [reserved(each.after.reference), *_new(each, proof)]
    try:
        aws.write(*members)
    except Cancelled as cancelled:
        guards.refuse(cancelled, now)
        raise


def comment(reference: str, who: Who, text: str, now: datetime) -> Item:
    """Return the Update that keeps a comment on a request.

    The same text of the same person is one comment.
    """
    digest = hashlib.sha256(f"{who.id}\0{text}".encode()).hexdigest()[:16]
    place = {"pk": f"CALLBACK#{reference}", "sk": f"COMMENT#{digest}"}
    told = {
        "v": COMMENT_V,
        "by": who.id,
        "at": instants.text(now),
        "personal": {"text": text, "by": who.name},
    }
    return aws.assign(current().contacts_table, place, told)


def keep_comment(reference: str, who: Who, text: str, now: datetime) -> None:
    """Keep a comment on a request."""
    aws.write(comment(reference, who, text, now))


def comments(reference: str) -> list[Item]:
    """Return the comments on a request, oldest first, each with `by`, `at` and `personal`."""
    condition, pk = "pk = :pk AND begins_with(sk, :comments)", f"CALLBACK#{reference}"
    found = aws.query(current().contacts_table, condition, pk=pk, comments="COMMENT#")
    return sorted(found, key=lambda each: str(each["at"]))


def references(key: str, main_key: str) -> list[str]:
    """Return the references of all requests of a number, with its extension, that are known."""
    condition, pk = "pk = :pk AND begins_with(sk, :at)", _number_pk(main_key)
    found = aws.query(current().contacts_table, condition, pk=pk, at="AT#")
    return [item["reference"] for item in found if item["number_key"] == key]


def with_merged(references: list[str]) -> list[str]:
    """Return these references, and those of the requests whose wishes became theirs."""
    found = dict.fromkeys(references)
    for reference in found:
        happened = events(reference)
        merged = [each["facts"]["from"] for each in happened if "from" in each["facts"]]
        if any(each not in found for each in merged):
            return with_merged([*found, *merged])
    return list(found)


def events(reference: str) -> list[Item]:
    """Return what happened to a request, oldest first.

    An event has `event`, `by`, `at`, `state`, `facts`, and `personal` until it is erased.
    """
    condition = "pk = :pk AND begins_with(sk, :events)"
    pk = f"CALLBACK#{reference}"
    return list(aws.query(current().contacts_table, condition, pk=pk, events="EVENT#"))


def event(reference: str, version: int) -> Item | None:
    """Return what happened to a request with this version of it, or None."""
    key = {"pk": f"CALLBACK#{reference}", "sk": f"EVENT#{version:08}"}
    return aws.get(current().contacts_table, key)


def due(now: datetime) -> Iterator[str]:
    """Yield the references of the requests the clock has to look at by now, oldest first."""
    return _due("CALLBACK", now)


def to_erase(now: datetime) -> Iterator[str]:
    """Yield the references of ended requests whose contact data has been kept for its term."""
    return _due("ENDED", now)


def strip(callback: Callback, until: int, now: datetime, wholly: bool) -> None:
    """Remove what is personal from an ended request, and let the table drop it at `until`.

    `until` is in epoch seconds. The history and the proof of consent stay as long; `wholly` takes
    the personal part of the proof, too, and other systems are told. Idempotent: the request itself
    comes last. Raises Cancelled where somebody else changed it meanwhile.
    """
    table = current().contacts_table
    for item in list(aws.query(table, "pk = :pk", pk=f"CALLBACK#{callback.reference}")):
        if item["sk"] != "CALLBACK":
            key = {"pk": item["pk"], "sk": item["sk"]}
            proof = item["sk"].startswith("PROOF")
            bare = " REMOVE personal" if wholly or not proof else ""
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
    for wish in callback.wishes:
        if wish.asked.email:
            unlist(keys.of_address(wish.asked.email), (wish.reference, *wish.also))
    erased = callback.erase()
    bare_item = {**items.pack(erased), "expires": until}
    members = [aws.put(table, bare_item, "version = :seen", seen=callback.version)]
    if wholly and current().domain_events:
        members += _told(None, erased, now)
    aws.write(*members)


def erase_proofs(callback: Callback, references: Sequence[str]) -> None:
    """Remove what is personal from the proofs of consent of some of the wishes. Idempotent."""
    for each in references:
        sort_key = "PROOF" if each == callback.reference else f"PROOF#{each}"
        key = {"pk": f"CALLBACK#{callback.reference}", "sk": sort_key}
        try:
            aws.write(
                aws.update(current().contacts_table, key, "REMOVE personal", "attribute_exists(pk)")
            )
        except Cancelled:
            pass  # a wish that came from another request has its proof there


def erase_kept(callback: Callback, reference: str) -> None:
    """Remove what is personal of a wish that was kept in the history alone. Idempotent."""
    for each in events(callback.reference):
        if each["event"] == "wished" and each["facts"].get("wish") == reference:
            key = {"pk": each["pk"], "sk": each["sk"]}
            aws.write(aws.update(current().contacts_table, key, "REMOVE personal"))


def messages(change: Change, now: datetime) -> Iterator[outbox.Message]:
    """Yield the messages that a change owes."""
    for owed in change.owes:
        yield from _messages(owed, now)


def _reservation(reference: str) -> Item:
    return {"pk": f"CALLBACK#{reference}", "sk": "REFERENCE"}


def _listing(key: str, reference: str) -> Item:
    return {"pk": f"ADDRESS#{key}", "sk": reference}


def _number_pk(key: str) -> str:
    return f"NUMBER#{key}"


def _lock(callback: Callback) -> Item:
    return {"pk": _number_pk(callback.asked.number_key), "sk": "LOCK"}


def _locked(callback: Callback) -> Item:
    """Return the Put of a number's lock; it fails where another request has it."""
    item = {**_lock(callback), "v": LOCK_V, "live": callback.reference}
    return aws.put(current().contacts_table, item, _ABSENT)


def _asked_key(callback: Callback) -> Item:
    at = instants.text(callback.created_at)
    return {"pk": _number_pk(callback.asked.main_key), "sk": f"AT#{at}#{callback.reference}"}


def _asked_at(callback: Callback) -> Item:
    return {
        "v": ASKED_V,
        "at": instants.text(callback.created_at),
        "reference": callback.reference,
        "number_key": callback.asked.number_key,
    }


def _proof(reference: str, sort_key: str, asked: Asked, proof: Proof) -> tuple[Item, Item]:
    """Return the key of a proof of consent, and what it has."""
    return {"pk": f"CALLBACK#{reference}", "sk": sort_key}, {
        "v": PROOF_V,
        "number_key": asked.number_key,
        "consent": asked.consent,
        "wording": proof.wording,
        "personal": dict(proof.personal),
        **({"by": proof.by, "how": dict(proof.how)} if proof.by else {}),
    }


def _new(change: Change, proof: Proof) -> Iterator[Item]:
    """Yield the members that store a new request, its lock, its proof and what it owes."""
    table, callback = current().contacts_table, change.after
    place, told = _proof(callback.reference, "PROOF", callback.asked, proof)
    consent = {**place, **told}
    yield _locked(callback)
    yield aws.put(table, items.pack(callback), _ABSENT)
    yield aws.put(table, {**consent, "at": instants.text(callback.created_at)}, _ABSENT)
    yield aws.assign(table, _asked_key(callback), _asked_at(callback))
    yield from _event_and_messages(change, callback.created_at)


def _changed(before: Callback, change: Change, now: datetime, earlier_block: str) -> Iterator[Item]:
    """Yield the members that store a change, with the lock and the block of the number.

    `earlier_block` is the end of the block that is back once the request's own is taken back.
    """
    table, after = current().contacts_table, change.after
    yield aws.put(table, items.pack(after), "version = :seen", seen=before.version)
    yield from _event_and_messages(change, now)
    had = before.asked.number_key if before.is_live else ""
    has = after.asked.number_key if after.is_live else ""
    if had and had != has:
        yield aws.delete(table, _lock(before), "live = :own", own=after.reference)
    if has and had != has:
        yield _locked(after)
    if has and had and had != has:
        if _asked_key(before) != _asked_key(after):
            yield aws.delete(table, _asked_key(before))
        yield aws.assign(table, _asked_key(after), _asked_at(after))
    if change.blocks:
        asked = after.asked
        yield blocks.blocked(asked.number_key, asked.main_key, now, after.reference)
    if change.unblocks:
        yield blocks.taken_back(after.asked.number_key, now, after.reference, earlier_block)


def _event_and_messages(change: Change, now: datetime) -> Iterator[Item]:
    after = change.after
    event = {
        "pk": f"CALLBACK#{after.reference}",
        "sk": f"EVENT#{after.version:08}",
        "v": EVENT_V,
        "event": change.event,
        "by": change.by,
        "at": instants.text(now),
        "state": after.state,
        "facts": dict(change.facts),
        "personal": {**change.personal, **({"by": change.by_name} if change.by_name else {})},
    }
    yield aws.put(current().contacts_table, event, _ABSENT)
    yield from (outbox_store.owed(each) for each in messages(change, now))
    if current().domain_events:
        yield from _told(change, after, now)


def _told(change: Change | None, after: Callback, now: datetime) -> Iterator[Item]:
    """Yield the Put of the event for other systems that a change owes, or without one an erasure.

    An end can be undone, so it is told once that is over.
    """
    # No start pays for these imports where the stage tells nobody.
    from chalicelib.callbacks import domain_events
    from chalicelib.outbox.domain_events import owe

    event = domain_events.of(change) if change else domain_events.Erased()
    due_at = now + UNDO_WITHIN if change else now
    if event:
        owed = owe(EVENT, after.reference, after.version, event, now, due_at)
        yield outbox_store.owed(owed)


def _messages(owed: Owed, now: datetime) -> Iterator[outbox.Message]:
    for kind in KINDS[owed.kind]:
        lane: Lane = "alerts" if owed.kind in _FOR_STAFF else "transactional"
        yield outbox.owe(kind, owed.subject, owed.serial, now, owed.due_at, lane)


def _due(key: str, now: datetime) -> Iterator[str]:
    table, condition = current().contacts_table, "due_key = :key AND due_at <= :now"
    found = aws.query(table, condition, index="due", key=key, now=instants.text(now))
    yield from (each["pk"].removeprefix("CALLBACK#") for each in found)
