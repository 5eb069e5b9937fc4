"""Subscribers, their ledger, and what keeps an erased address from coming back, in the `contacts` table."""

import random
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib import aws, challenges, instants, log
from chalicelib.aws import Cancelled, Item
from chalicelib.errors import Invalid
from chalicelib.limits import Limit
from chalicelib.newsletter import ledger
from chalicelib.newsletter.ledger import Event
from chalicelib.newsletter.model import CONFIRM_WITHIN, REFUSED_FOR, Change, Subscriber
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.settings import current

KINDS = {letter: f"newsletter-{letter}" for letter in ("confirmation", "welcome", "access")}
GROWTH = ("signup", "confirmed", "unsubscribed", "bounced", "complained", "erased")
_GROWTH_LANES = 16  # so that signups at the same time need not wait for one another's counter
_TIMES = ("asked_at", "since", "confirmed_at", "ended_at", "refused_at")


@dataclass(frozen=True)
class Known:
    """What is known of an address: perhaps a subscriber, and the last event of its ledger."""

    key: str
    subscriber: Subscriber | None = None
    version: int = 0
    head: str = ledger.FIRST
    suppressed: bool = False  # erased, and not confirmed anew since


@dataclass(frozen=True)
class How:
    """How an event reached us, for the proof: what may stay after an erasure, and what may not."""

    facts: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)


def _pk(key: str) -> str:
    return f"SUB#{key}"


def load(key: str) -> Known:
    """All that a decision needs, in one call whatever is known, so that the time it takes tells nothing."""
    subscriber, version, head, suppressed = None, 0, ledger.FIRST, False
    for item in aws.last(current().contacts_table, "pk = :pk", 3, pk=_pk(key)):
        if item["sk"] == "SUPPRESSED":
            suppressed = True
        elif item["sk"] == "SUB":
            subscriber = _subscriber(item)
        elif item["version"] > version:
            version, head = item["version"], item["hash"]
    return Known(key, subscriber, version, head, suppressed)


def save(
    known: Known,
    change: Change,
    now: datetime,
    how: How,
    limit: Limit | None = None,
    claim: Item | None = None,
) -> None:
    """Writes a change, its event and the mail it owes: all of it or nothing, counted against the limit.

    `claim` is the member that uses up a form's proof of work. Raises Cancelled where somebody else changed the
    subscriber meanwhile, LimitReached at the limit, Invalid where the proof of work was used before.
    """
    guards = [member for member in (limit and limit.counted(now), claim) if member]
    members = [*guards, *(_members(known, change, now, how) if change.changes else ())]
    if not members:
        return
    try:
        aws.write(*members)
    except Cancelled as cancelled:
        if limit and 0 in cancelled.failed:
            raise limit.reached(now) from None
        if claim and len(guards) - 1 in cancelled.failed:
            raise Invalid(challenges.REFUSED) from None
        raise
    if change.event == "erased":
        log.info(
            "subscriber.erased", subscriber=known.key
        )  # who restores an older table erases again by these


def _members(known: Known, change: Change, now: datetime, how: How) -> list[Item]:
    table, before, after = current().contacts_table, change.before, change.after
    version = after.version if after else known.version + 1
    facts = dict(how.facts)
    members: list[Item] = []
    if change.owes and after:
        message = outbox.owe(KINDS[change.owes], known.key, after.letters, now)
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
    own = {"pk": _pk(known.key), "sk": "SUB"}
    if after:
        seen = {"seen": before.version} if before else {}
        condition = "version = :seen" if before else "attribute_not_exists(pk)"
        members.append(aws.put(table, _item(after, event.hash), condition, **seen))
    elif before:
        members.append(aws.delete(table, own, "version = :seen", seen=before.version))
    members.append(_event_put(known.key, event, _events_kept_until(after, now)))
    if change.event in GROWTH:
        members.append(_grown(change.event, now))
    suppression = {"pk": _pk(known.key), "sk": "SUPPRESSED"}
    if change.event == "confirmed":
        members += _kept_events(known.key, now)
        if known.suppressed:
            members.append(aws.delete(table, suppression))
    if change.event == "erased":
        members.append(aws.put(table, {**suppression, "at": instants.text(now)}))
    return members


def tidy(known: Known, now: datetime) -> None:
    """Gives the events of an ended subscription their end, and takes personal data out of those before an erasure.

    Idempotent, and after the stored change, so that a subscription with a long history needs no long transaction. Who
    has signed up anew since the erasure keeps what is personal of that.
    """
    until, items = _events_kept_until(known.subscriber, now), _event_items(known.key)
    erased = max((item["version"] for item in items if item["event"] == "erased"), default=0)
    for item in items:
        key = {"pk": item["pk"], "sk": item["sk"]}
        if item["version"] <= erased and "personal" in item:
            _update(key, "REMOVE personal")
        if until and "expires" not in item:
            _update(key, "SET expires = :until", until=until)


def _update(key: Item, expression: str, **values: Any) -> None:
    try:
        aws.write(
            aws.update(current().contacts_table, key, expression, "attribute_exists(pk)", **values)
        )
    except Cancelled:
        pass  # it is gone already


def events(key: str) -> list[Event]:
    """The ledger of an address, oldest event first."""
    names = Event.__dataclass_fields__
    return [
        Event(**{"personal": None, **{name: item[name] for name in names if name in item}})
        for item in _event_items(key)
    ]


def head(key: str) -> str | None:
    """The hash that the subscriber's own record names as the last; None where that record is gone."""
    item = aws.get(current().contacts_table, {"pk": _pk(key), "sk": "SUB"})
    return item["head"] if item else None


def growth(first: str, last: str) -> dict[str, dict[str, int]]:
    """What happened on each day of a span, by event; days on which nothing did are left out. One query a span."""
    days: dict[str, dict[str, int]] = {}
    span = "pk = :pk AND sk BETWEEN :first AND :last"
    for item in aws.query(
        current().contacts_table, span, pk="GROWTH", first=first, last=f"{last}#~"
    ):
        day = days.setdefault(item["sk"].partition("#")[0], {})
        for event in GROWTH:
            if event in item:
                day[event] = day.get(event, 0) + item[event]
    return days


def _event_items(key: str) -> list[Item]:
    prefix = "EVENT#"
    return list(
        aws.query(
            current().contacts_table,
            "pk = :pk AND begins_with(sk, :prefix)",
            pk=_pk(key),
            prefix=prefix,
        )
    )


def _grown(event: str, now: datetime) -> Item:
    day = instants.day(now, current().time_zone).isoformat()
    key = {"pk": "GROWTH", "sk": f"{day}#{random.randrange(_GROWTH_LANES):02}"}
    return aws.update(
        current().contacts_table, key, "ADD #event :one", names={"#event": event}, one=1
    )


def _event_put(key: str, event: Event, expires: int | None) -> Item:
    item = {"pk": _pk(key), "sk": f"EVENT#{event.version:08}", **asdict(event), "expires": expires}
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")


def _kept_events(key: str, now: datetime) -> list[Item]:
    """The proof of how a consent came about stays with the confirmed subscriber."""
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


def _events_kept_until(subscriber: Subscriber | None, now: datetime) -> int | None:
    """When the table may drop what happened: unconfirmed data after a week, proof some years after the end."""
    if subscriber is None or subscriber.state in ("unsubscribed", "bounced", "complained"):
        ended = (subscriber.ended_at if subscriber else None) or now
        return instants.epoch(datetime(ended.year + 1 + current().proof_years, 1, 1, tzinfo=UTC))
    return _gone_at(subscriber)


def _gone_at(subscriber: Subscriber) -> int | None:
    """When the table may drop a subscriber; a day late, as the code decides and the table only tidies up."""
    if subscriber.state == "pending":
        return instants.epoch(subscriber.asked_at + CONFIRM_WITHIN + timedelta(days=1))
    if subscriber.state == "refused" and subscriber.refused_at:
        return instants.epoch(subscriber.refused_at + REFUSED_FOR + timedelta(days=1))
    if subscriber.state == "confirmed":
        return None
    return _events_kept_until(subscriber, subscriber.ended_at or subscriber.since)


def _item(subscriber: Subscriber, head: str) -> Item:
    item = {
        "pk": _pk(subscriber.key),
        "sk": "SUB",
        **asdict(subscriber),
        "head": head,
        "expires": _gone_at(subscriber),
    }
    for name in _TIMES:
        item[name] = instants.text(item[name]) if item[name] else None
    item["lettered_at"] = [instants.text(at) for at in subscriber.lettered_at]
    item["soft_bounces"] = [[id, instants.text(at)] for id, at in subscriber.soft_bounces]
    return item


def _subscriber(item: Item) -> Subscriber:
    values = {
        name: value for name, value in item.items() if name in Subscriber.__dataclass_fields__
    }
    for name in _TIMES:
        values[name] = instants.parse(values[name]) if values.get(name) else None
    values["topics"] = tuple(values["topics"])
    values["lettered_at"] = tuple(map(instants.parse, values["lettered_at"]))
    values["soft_bounces"] = tuple((id, instants.parse(at)) for id, at in values["soft_bounces"])
    return Subscriber(**values)


def confirmed(
    cursor: Item | None = None, share: tuple[int, int] = (1, 1)
) -> tuple[list[Subscriber], Item | None]:
    """A page of the confirmed subscribers, and where the next one begins. For exports: it reads the whole table.

    With a `share`, such as the second of four, it reads that much of it: each subscriber is in one share for good.
    """
    number, of = share
    asked: Item = {
        "TableName": current().contacts_table,
        "Segment": number - 1,
        "TotalSegments": of,
        "FilterExpression": "sk = :sub AND #state = :confirmed",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {":sub": aws.pack("SUB"), ":confirmed": aws.pack("confirmed")},
    }
    page = aws.call("scan", **asked, **({"ExclusiveStartKey": cursor} if cursor else {}))
    return [_subscriber(aws.unpack_item(item)) for item in page["Items"]], page.get(
        "LastEvaluatedKey"
    )


def save_import(known: Known, change: Change, now: datetime, how: How) -> None:
    """Writes what an import decided; a signup that waited keeps its events. Raises Cancelled, as `save` does."""
    kept = _kept_events(known.key, now) if change.before else []
    aws.write(*_members(known, change, now, how), *kept)


def is_imported(key: str, facts: Mapping[str, str]) -> bool:
    """Whether an import brought this address with all these facts before, from whatever file."""
    return any(
        each.event == "imported" and facts.items() <= each.facts.items() for each in events(key)
    )


def keep_wording(sha256: str, text: str) -> None:
    """Keeps the declaration of another system under its hash, for as long as there are proofs: for ever."""
    item = {"pk": f"WORDING#{sha256}", "sk": "WORDING", "text": text}
    try:
        aws.write(aws.put(current().contacts_table, item, "attribute_not_exists(pk)"))
    except Cancelled:
        pass  # the same hash is the same text


def wording(sha256: str) -> str | None:
    """The text of a declaration kept under its hash, None where there is none."""
    item = aws.get(current().contacts_table, {"pk": f"WORDING#{sha256}", "sk": "WORDING"})
    return item.get("text") if item else None
