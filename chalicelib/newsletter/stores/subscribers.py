"""Subscribers, their ledgers, and what keeps an erased address from coming back."""

import heapq
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, get_args

from chalicelib import aws, instants, keys, log
from chalicelib.aws import Cancelled, Item
from chalicelib.guards import NONE, Guards
from chalicelib.newsletter import ledger
from chalicelib.newsletter.ledger import Event, Head, How, Keyed
from chalicelib.newsletter.model import UNDO_WITHIN, Change, Letter, Subscriber
from chalicelib.newsletter.stores import growth, items
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.outbox.model import Message
from chalicelib.settings import current

_BATCH = 100  # the most that DynamoDB takes in one transaction
_ENDS = ("unsubscribed", "withdrawn", "moved away", "bounced", "complained", "erased")
_PROOFS = ("confirmed", "moved here", "imported")
# The events by which somebody has left: no import brings them back.
_LEAVES = ("unsubscribed", "withdrawn", "moved away", "bounced", "complained")
# The events with which an opt-in is over, whether anybody confirmed it or not.
_OPT_IN_ENDS = (*_ENDS, "refused", "released")
# What `tidy` reads of an event. The salt shows whether what is personal is still there.
_TIDIED = ("pk", "sk", "version", "event", "at", "hash", "expires", "personal.salt")
_NEVER = 2**63  # stands for the expiry of what has none
EVENT = "newsletter-event"  # the kind of messages for other systems
KINDS = {letter: f"newsletter-{letter}" for letter in get_args(Letter)}
_ASKING = ("confirmation", "move")  # the letters that ask for a confirmation


@dataclass(frozen=True)
class Known:
    """What is known of an address: perhaps a subscriber, and the last event of its ledger."""

    key: str
    subscriber: Subscriber | None = None
    version: int = 0
    head: str = ledger.FIRST
    suppressed: bool = False  # erased, and not confirmed anew since
    withdrawn: bool = False  # left, and not confirmed anew since
    rest: Mapping[str, Any] = field(default_factory=dict)  # what a newer version has added


class Due(NamedTuple):
    """A ledger that the clock has to look at, and since when."""

    due_at: datetime
    key: str


@dataclass(frozen=True)
class Kept:
    """All that is kept of an address and has not expired, whether the table tidied up or not."""

    subscriber: Subscriber | None = None
    events: list[Event] = field(default_factory=list)
    head: str | None = None  # the hash that the subscriber's record names as the last


def load(key: str) -> Known:
    """Return all that a decision needs.

    It takes one call whatever is known, so that the time it takes tells nothing.
    """
    subscriber, version, head, suppressed, withdrawn = None, 0, ledger.FIRST, False, False
    rest: Item = {}
    for item in aws.last(current().contacts_table, "pk = :pk", 4, pk=items.pk(key)):
        if item["sk"] == "SUPPRESSED":
            suppressed = True
        elif item["sk"] == "WITHDRAWN":
            withdrawn = True
        elif item["sk"] == "SUB":
            subscriber, rest = items.unpack(item), items.rest(item)
        elif item["version"] > version:
            version, head = item["version"], item["hash"]
    return Known(key, subscriber, version, head, suppressed, withdrawn, rest)


def load_many(keys: Sequence[str]) -> list[Subscriber]:
    """Return those of the subscribers that there are, in any order."""
    wanted = [{"pk": items.pk(key), "sk": "SUB"} for key in keys]
    return [items.unpack(item) for item in aws.batch_get(current().contacts_table, wanted)]


def withdrawn_of(keys: Sequence[str]) -> set[str]:
    """Return those of the keys whose owners left, and have not confirmed anew since."""
    wanted = [{"pk": items.pk(key), "sk": "WITHDRAWN"} for key in keys]
    found = aws.batch_get(current().contacts_table, wanted)
    return {item["pk"].removeprefix(items.pk("")) for item in found}


def save(
    known: Known,
    change: Change,
    now: datetime,
    how: How,
    guards: Guards = NONE,
    also: Sequence[Item] = (),
) -> None:
    """Write a change, its event and the mail it owes, with the guards: all of it or nothing.

    `also` are other members of the transaction; they follow the guards. How long the events before
    it are kept follows by `tidy`, for the ledger may have any length. Raises Cancelled where
    somebody else changed the subscriber meanwhile, and what the guards raise.
    """
    changed = members(known, change, now, how) if change.changes else ()
    written = [*guards.members(now), *also, *changed]
    if not written:
        return
    try:
        aws.write(*written)
    except Cancelled as cancelled:
        guards.refuse(cancelled, now)
        raise
    if change.event == "erased":
        # After the restore of an older table, operators repeat the erasures in these lines.
        log.info("subscriber.erased", subscriber=known.key)


def members(known: Known, change: Change, now: datetime, how: How) -> list[Item]:
    """Return the members that store a change.

    Those are the subscriber, the ledger's event, the mail and the event for other systems that it
    owes, the counter, and the suppression.
    """
    table, before, after = current().contacts_table, change.before, change.after
    version = after.version if after else known.version + 1
    facts = dict(how.facts)
    written: list[Item] = []
    if message := owed(change, now):
        facts["message"] = message.id
        written.append(messages.owed(message))
    event = ledger.append(
        keyed(known.key),
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
        item = items.pack(after, event.hash, now, known.rest)
        written.append(aws.put(table, item, condition, **seen))
    elif before:
        own = {"pk": items.pk(known.key), "sk": "SUB"}
        written.append(aws.delete(table, own, "version = :seen", seen=before.version))
    written.append(_event_put(known.key, event, items.events_kept_until(after, now)))
    if current().domain_events:
        written += _told(known.key, version, change, facts, now)
    if change.event in growth.EVENTS:
        written.append(growth.counted(change.event, now))
    suppression = {"pk": items.pk(known.key), "sk": "SUPPRESSED"}
    withdrawal = {"pk": items.pk(known.key), "sk": "WITHDRAWN"}
    if change.event in _PROOFS and known.suppressed:
        written.append(aws.delete(table, suppression))
    if change.event == "erased":
        look = items.due(known.key, items.hour_after(now))
        erased = {"v": items.SUPPRESSED_V, "at": instants.text(now), "version": version, **look}
        written.append(aws.assign(table, suppression, erased))
    # It outlives the subscriber: a stranger's signup that expires must not open the way for an
    # import. Only the owner lifts it.
    if known.withdrawn and after and after.state == "confirmed":
        written.append(aws.delete(table, withdrawal))
    if change.event in _LEAVES:
        left = {"v": items.WITHDRAWN_V, "at": instants.text(now)}
        written.append(aws.assign(table, withdrawal, left))
    return written


def _told(
    key: str, version: int, change: Change, facts: Mapping[str, str], now: datetime
) -> list[Item]:
    """Return the Put of the event for other systems that a change owes, if it does."""
    # No start pays for these imports where the stage tells nobody.
    from chalicelib.newsletter import domain_events
    from chalicelib.outbox.domain_events import owe

    event = domain_events.of(change, facts)
    return [messages.owed(owe(EVENT, key, version, event, now))] if event else []


def owed(change: Change, now: datetime) -> Message | None:
    """Return the message that a change owes, or None."""
    if not (change.owes and change.after):
        return None
    owed = outbox.owe(KINDS[change.owes], change.after.key, change.after.letters, now)
    # The ledger tells of the mail that asks for the confirmation.
    return replace(owed, owes_record=change.owes in _ASKING)


def is_imported(key: str, facts: Mapping[str, str]) -> bool:
    """Tell whether an import brought this address with all these facts before, from any file."""
    return any(
        each.event == "imported" and facts.items() <= each.facts.items() for each in events(key)
    )


def tidy(key: str) -> list[Item]:
    """Bring a ledger in line with its subscriber: how long events are kept, what is erased.

    A confirmed subscriber's events are kept without an end, those of an ended subscription for the
    proof's term, those of an opt-in that waits as long as it does; events before an erasure, and
    of a refused opt-in whose address is gone, lose what is personal. Idempotent. It comes after
    the stored change, in transactions of its own, because a ledger may have any length. Returns
    what it read of the events, as they are now.
    """
    known = load(key)
    while True:
        found = _event_items(key, _TIDIED)
        updates = _due_updates(found, known)
        for at in range(0, len(updates), _BATCH):
            _write_where_stored(updates[at : at + _BATCH])
        if not updates:
            return found
        # Whoever changed the subscriber meanwhile may have tidied up before us. The last one to
        # write the events has to know the newest state.
        before, known = known, load(key)
        if known == before:
            return found


def due(now: datetime) -> Iterator[Due]:
    """Yield the ledgers that the clock has to look at by `now`, the longest due first."""
    return heapq.merge(*(_due(items.shard(number), now) for number in range(items.SHARDS)))


def look_after(key: str, now: datetime) -> tuple[Known, Head | None]:
    """Tidy a ledger, and return what is known and the head to keep outside the table, if any.

    Where the time to undo a refusal is over, the address goes, with the opt-in's personal details.
    Nothing is kept outside of an opt-in that nobody confirmed. Raises Cancelled where somebody
    else changed the subscriber meanwhile.
    """
    subscriber = load(key).subscriber
    if subscriber and _is_to_clear(subscriber, now):
        own, table = {"pk": items.pk(key), "sk": "SUB"}, current().contacts_table
        change, same, seen = "SET email = :none", "version = :seen", subscriber.version
        aws.write(aws.update(table, own, change, same, none="", seen=seen))
    found = tidy(key)
    return load(key), _head(key, found, now)


def looked_after(known: Known, now: datetime) -> None:
    """Set when the clock looks at a ledger next; where its time is over, delete it.

    `known` is what `look_after` returned. A subscriber that somebody changed meanwhile stays.
    """
    table, subscriber, seen = current().contacts_table, known.subscriber, known.version
    own = {"pk": items.pk(known.key), "sk": "SUB"}
    members = []
    if known.suppressed:
        suppression, none = {**own, "sk": "SUPPRESSED"}, "REMOVE due_key, due_at"
        members.append(aws.update(table, suppression, none, "version <= :seen", seen=seen))
    if subscriber and (over := items.over_at(subscriber)) and over <= now:
        _drop_events(known.key, items.gone_at(subscriber) or 0)
        members.append(aws.delete(table, own, "version = :seen", seen=subscriber.version))
    elif subscriber:
        at = instants.text(items.next_look(subscriber, now))
        change, same = "SET due_at = :at", "version = :seen"
        members.append(aws.update(table, own, change, same, at=at, seen=subscriber.version))
    for each in members:
        try:
            aws.write(each)
        except Cancelled:
            pass  # changed or looked after meanwhile


def kept(key: str, now: datetime) -> Kept:
    """Return all that is kept of an address, without what has expired by `now`."""
    found = _event_items(key)
    own = aws.get(current().contacts_table, {"pk": items.pk(key), "sk": "SUB"})
    subscriber = items.unpack(own) if own else None
    expired = instants.epoch(now)
    if subscriber and (over := items.over_at(subscriber)) and over <= now:
        expired = max(expired, items.gone_at(subscriber) or 0)
        subscriber = None
    events = [_event(item) for item in found if item.get("expires", _NEVER) > expired]
    return Kept(subscriber, events, own["head"] if own and subscriber else None)


def events(key: str) -> list[Event]:
    """Return the ledger of an address, oldest event first."""
    return [_event(item) for item in _event_items(key)]


def keyed(key: str) -> Keyed:
    """Return what keys the hashes of a ledger. Raises Unavailable."""
    return Keyed(key, keys.ledger_secret())


def _due(shard: str, now: datetime) -> Iterator[Due]:
    condition, values = "due_key = :shard AND due_at <= :now", {"now": instants.text(now)}
    found = aws.query(current().contacts_table, condition, "due", shard=shard, **values)
    for each in found:
        yield Due(instants.parse(each["due_at"]), each["pk"].removeprefix("SUB#"))


def _is_to_clear(subscriber: Subscriber, now: datetime) -> bool:
    """Tell whether an address was refused and nobody can undo that any more."""
    refused_at = subscriber.refused_at
    if subscriber.state != "refused" or not subscriber.email or refused_at is None:
        return False
    return now >= refused_at + UNDO_WITHIN


def _head(key: str, found: Sequence[Item], now: datetime) -> Head | None:
    """Return the last event of those that are kept longest, of a ledger that proves something.

    A proof whose term is over by now has none.
    """
    if not any(item["event"] in _PROOFS for item in found):
        return None
    longest = max(item.get("expires", _NEVER) for item in found)
    if longest <= instants.epoch(now):
        return None
    kept = [item for item in found if item.get("expires", _NEVER) == longest]
    until = None if longest == _NEVER else datetime.fromtimestamp(longest, UTC)
    return Head(key, kept[0]["version"], kept[-1]["version"], kept[-1]["hash"], until, now)


def _drop_events(key: str, expired: int) -> None:
    """Delete the events that expire by this time (epoch seconds)."""
    gone = [item for item in _event_items(key, _TIDIED) if item.get("expires", _NEVER) <= expired]
    table = current().contacts_table
    places = [{"pk": item["pk"], "sk": item["sk"]} for item in gone]
    deletes = [aws.delete(table, place) for place in places]
    for at in range(0, len(deletes), _BATCH):
        aws.write(*deletes[at : at + _BATCH])


def _due_updates(found: Sequence[Item], known: Known) -> list[Item]:
    """Return the Updates that these events of a ledger still need, see `tidy`.

    The events' own expiries are brought up to date at once.
    """
    ended = _ended(found)
    bare = _bare(found, known.subscriber)
    proven = any(item["event"] in _PROOFS for item in found)
    updates = []
    for item in found:
        until = _kept_until(item, known.subscriber, ended, proven)
        changes: list[str] = []
        values: Item = {}
        if until is not None and until != item.get("expires"):
            changes, values = ["SET expires = :until"], {"until": until}
        removed = ["expires"] if until is None and "expires" in item else []
        if item["version"] in bare and "personal" in item:
            removed.append("personal")
        if removed:
            changes.append(f"REMOVE {', '.join(removed)}")
        item["expires"] = _NEVER if until is None else until
        if changes:
            key = {"pk": item["pk"], "sk": item["sk"]}
            table, exists = current().contacts_table, "attribute_exists(pk)"
            updates.append(aws.update(table, key, " ".join(changes), exists, **values))
    return updates


def _ended(found: Sequence[Item]) -> Item | None:
    """Return the event by which the last subscription ended: a refusal ends a confirmed one."""
    ended, confirmed = None, False
    for item in found:
        if item["event"] in _ENDS or (item["event"] == "refused" and confirmed):
            ended, confirmed = item, False
        elif item["event"] in _PROOFS:
            confirmed = True
    return ended


def _bare(found: Sequence[Item], subscriber: Subscriber | None) -> range:
    """Return the versions of the events that must have nothing personal.

    These are all until an erasure, and those of a refused opt-in whose address is gone.
    """
    erased = max((item["version"] for item in found if item["event"] == "erased"), default=0)
    ends = [item["version"] for item in found if item["event"] in _OPT_IN_ENDS]
    if subscriber and subscriber.state == "refused" and not subscriber.email and ends:
        began = ends[-2] + 1 if len(ends) > 1 else 1
        return range(1 if began <= erased + 1 else began, ends[-1] + 1)
    return range(1, erased + 1)


def _kept_until(
    item: Item, subscriber: Subscriber | None, ended: Item | None, proven: bool
) -> int | None:
    """Return when the table may drop an event (epoch seconds), None for never.

    `ended` is the event by which the last subscription ended. Where the ledger is `proven`, that
    is somebody once confirmed, an event must not go before those around it: a gap would look as if
    somebody had removed it.
    """
    has: int | None = item.get("expires")
    if subscriber and subscriber.state == "confirmed":
        return None
    if ended and item["version"] <= ended["version"]:
        term = items.proof_kept_until(instants.parse(ended["at"]))
        return max(has or 0, term) if proven or not has else has
    if subscriber is None:
        return has
    until = items.gone_at(subscriber)
    if until and (subscriber.state == "pending" or not has):
        return max(has or 0, until)
    return has


def _write_where_stored(updates: list[Item]) -> None:
    """Make these Updates in one transaction, without those of events that are gone already."""
    while updates:
        try:
            aws.write(*updates)
        except Cancelled as cancelled:
            gone = cancelled.failed
            updates = [each for position, each in enumerate(updates) if position not in gone]
        else:
            return


def _event(item: Item) -> Event:
    names = Event.__dataclass_fields__
    return Event(**{"personal": None, **{name: item[name] for name in names if name in item}})


def _event_items(key: str, only: tuple[str, ...] = ()) -> list[Item]:
    condition = "pk = :pk AND begins_with(sk, :prefix)"
    table = current().contacts_table
    return list(aws.query_consistent(table, condition, only, pk=items.pk(key), prefix="EVENT#"))


def _event_put(key: str, event: Event, expires: int | None) -> Item:
    sk = f"EVENT#{event.version:08}"
    place = {"pk": items.pk(key), "sk": sk, "v": items.EVENT_V}
    item = {**place, **asdict(event), "expires": expires}
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")
