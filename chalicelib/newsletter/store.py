"""Subscribers and what happened to them, in the `contacts` table."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from chalicelib import aws, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.limits import Limit
from chalicelib.newsletter.model import CONFIRM_WITHIN, Change, Subscriber
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.settings import current

CONFIRMATION = "newsletter-confirmation"


@dataclass(frozen=True)
class Circumstances:
    """How an event reached us, for the proof of consent."""

    caller: str
    agent: str
    page: str = ""
    wording: str = ""  # SHA-256 of the declaration shown


def _pk(key: str) -> str:
    return f"SUB#{key}"


def load(key: str) -> Subscriber | None:
    """The subscriber as it is now."""
    item = aws.get(current().contacts_table, {"pk": _pk(key), "sk": "SUB"})
    if item is None:
        return None
    values = {name: value for name, value in item.items() if name in Subscriber.__dataclass_fields__}
    values["topics"] = tuple(values["topics"])
    values["asked_at"] = instants.parse(values["asked_at"])
    values["lettered_at"] = tuple(map(instants.parse, values["lettered_at"]))
    if values.get("confirmed_at"):
        values["confirmed_at"] = instants.parse(values["confirmed_at"])
    return Subscriber(**values)


def _tidied_at(subscriber: Subscriber) -> int | None:
    """When the table may drop what nobody confirmed; a day late, as the code decides and the table only tidies."""
    if subscriber.state != "pending":
        return None
    return instants.epoch(subscriber.asked_at + CONFIRM_WITHIN + timedelta(days=1))


def _item(subscriber: Subscriber) -> Item:
    item = {"pk": _pk(subscriber.key), "sk": "SUB", **asdict(subscriber), "expires": _tidied_at(subscriber)}
    item["asked_at"] = instants.text(subscriber.asked_at)
    item["lettered_at"] = [instants.text(at) for at in subscriber.lettered_at]
    item["confirmed_at"] = instants.text(subscriber.confirmed_at) if subscriber.confirmed_at else None
    return item


def save(change: Change, now: datetime, how: Circumstances, limit: Limit | None = None) -> None:
    """Writes a change, its event and the mail it owes, counted against the limit: all of it or nothing.

    Raises Cancelled where somebody else changed the subscriber meanwhile, LimitReached at the limit.
    """
    before, after = change.before, change.after
    members: list[Item] = [limit.counted(now)] if limit else []
    if after is not before:
        seen = {"seen": before.version} if before else {}
        condition = "version = :seen" if before else "attribute_not_exists(pk)"
        members += [aws.put(current().contacts_table, _item(after), condition, **seen), _event(change, now, how)]
        if after.state == "confirmed" and before:
            members += _keep_events(after.key, now)
    if change.owes_confirmation:
        members.append(messages.owed(outbox.owe(CONFIRMATION, after.key, after.letters, now)))
    if not members:
        return
    try:
        aws.write(*members)
    except Cancelled as cancelled:
        if limit and 0 in cancelled.failed:
            raise limit.reached(now) from None
        raise


def _event(change: Change, now: datetime, how: Circumstances) -> Item:
    after = change.after
    item = {
        "pk": _pk(after.key),
        "sk": f"EVENT#{after.version:08}",
        "event": change.event,
        "at": instants.text(now),
        **asdict(how),
        "consent": after.consent,
        "expires": _tidied_at(after),
    }
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")


def _keep_events(key: str, now: datetime) -> list[Item]:
    """The proof of how a consent came about stays with the confirmed subscriber."""
    table, prefix = current().contacts_table, "EVENT#"
    events = aws.query(table, "pk = :pk AND begins_with(sk, :prefix)", pk=_pk(key), prefix=prefix)
    return [
        aws.update(table, {"pk": event["pk"], "sk": event["sk"]}, "REMOVE expires", "attribute_exists(pk)")
        for event in events
        if event.get("expires", 0) > instants.epoch(now)
    ]
