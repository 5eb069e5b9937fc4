"""Subscribers, their ledgers, and what keeps an erased address from coming back."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

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

_BATCH = 100  # the most that DynamoDB takes in one transaction
_ENDS = ("unsubscribed", "withdrawn", "bounced", "complained", "erased")
_PROOFS = ("confirmed", "imported")
_LEAVES = ("unsubscribed", "withdrawn", "bounced", "complained")
# What `tidy` reads of an event. The salt shows whether what is personal is still there.
_TIDIED = ("pk", "sk", "version", "event", "at", "expires", "personal.salt")
KINDS = {letter: f"newsletter-{letter}" for letter in ("confirmation", "welcome", "access")}


@dataclass(frozen=True)
class Known:
    """What is known of an address: perhaps a subscriber, and the last event of its ledger."""

    key: str
    subscriber: Subscriber | None = None
    version: int = 0
    head: str = ledger.FIRST
    suppressed: bool = False  # erased, and not confirmed anew since
    withdrawn: bool = False  # left, and not confirmed anew since


def load(key: str) -> Known:
    """Return all that a decision needs.

    It takes one call whatever is known, so that the time it takes tells nothing.
    """
    subscriber, version, head, suppressed, withdrawn = None, 0, ledger.FIRST, False, False
    for item in aws.last(current().contacts_table, "pk = :pk", 4, pk=items.pk(key)):
        if item["sk"] == "SUPPRESSED":
            suppressed = True
        elif item["sk"] == "WITHDRAWN":
            withdrawn = True
        elif item["sk"] == "SUB":
            subscriber = items.unpack(item)
        elif item["version"] > version:
            version, head = item["version"], item["hash"]
    return Known(key, subscriber, version, head, suppressed, withdrawn)


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


def is_imported(key: str, facts: Mapping[str, str]) -> bool:
    """Tell whether an import brought this address with all these facts before, from any file."""
    return any(
        each.event == "imported" and facts.items() <= each.facts.items() for each in events(key)
    )


def tidy(key: str) -> None:
    """Bring a ledger in line with its subscriber: how long events are kept, what is erased.

    A confirmed subscriber's events are kept without an end, those of an ended subscription for the
    proof's term, those of an opt-in that waits as long as it does; events before an erasure lose
    what is personal. Idempotent. It comes after the stored change, in transactions of its own,
    because a ledger may have any length.
    """
    known = load(key)
    while updates := _due_updates(known):
        for at in range(0, len(updates), _BATCH):
            _write_where_stored(updates[at : at + _BATCH])
        # Whoever changed the subscriber meanwhile may have tidied up before us. The last one to
        # write the events has to know the newest state.
        before, known = known, load(key)
        if known == before:
            return


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
    withdrawal = {"pk": items.pk(known.key), "sk": "WITHDRAWN"}
    if change.event == "confirmed" and known.suppressed:
        members.append(aws.delete(table, suppression))
    if change.event == "erased":
        members.append(aws.put(table, {**suppression, "at": instants.text(now)}))
    # It outlives the subscriber: a stranger's signup that expires must not open the way for an
    # import. Only the owner lifts it.
    if known.withdrawn and after and after.state == "confirmed":
        members.append(aws.delete(table, withdrawal))
    if change.event in _LEAVES:
        members.append(aws.put(table, {**withdrawal, "at": instants.text(now)}))
    return members


def _due_updates(known: Known) -> list[Item]:
    """Return the Updates that a ledger still needs, see `tidy`."""
    found = _event_items(known.key, _TIDIED)
    erased = max((item["version"] for item in found if item["event"] == "erased"), default=0)
    ended = next((item for item in reversed(found) if item["event"] in _ENDS), None)
    proven = any(item["event"] in _PROOFS for item in found)
    updates = []
    for item in found:
        until = _kept_until(item, known.subscriber, ended, proven)
        changes: list[str] = []
        values: Item = {}
        if until is not None and until != item.get("expires"):
            changes, values = ["SET expires = :until"], {"until": until}
        removed = ["expires"] if until is None and "expires" in item else []
        if item["version"] <= erased and "personal" in item:
            removed.append("personal")
        if removed:
            changes.append(f"REMOVE {', '.join(removed)}")
        if changes:
            key = {"pk": item["pk"], "sk": item["sk"]}
            table, exists = current().contacts_table, "attribute_exists(pk)"
            updates.append(aws.update(table, key, " ".join(changes), exists, **values))
    return updates


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


def _event_items(key: str, only: tuple[str, ...] = ()) -> list[Item]:
    condition = "pk = :pk AND begins_with(sk, :prefix)"
    table = current().contacts_table
    return list(aws.query_consistent(table, condition, only, pk=items.pk(key), prefix="EVENT#"))


def _event_put(key: str, event: Event, expires: int | None) -> Item:
    sk = f"EVENT#{event.version:08}"
    item = {"pk": items.pk(key), "sk": sk, **asdict(event), "expires": expires}
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")
