"""What follows from an event: what a due message says, and how long a ledger is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.newsletter import letters, links, model
from chalicelib.newsletter.model import Letter, Subscriber
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores.subscribers import EVENT, KINDS
from chalicelib.outbox import suppression
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Mail, Message, Publication
from chalicelib.settings import current


def _confirmation(message: Message, now: datetime) -> Mail | None:
    return _asking("confirmation", message, now)


def _move(message: Message, now: datetime) -> Mail | None:
    return _asking("move", message, now)


def _asking(kind: Letter, message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    if message.serial < subscriber.first_letter:
        return None
    # SES would take a mail to an address on its list, and never send it.
    suppression.lift_for_opt_in(subscriber.key, subscriber.email, now)
    own = links.confirmation(subscriber, message.serial)
    return letters.letter(kind, subscriber, own, {}, current())


def _welcome(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        return None
    own = links.standing(subscriber)
    return letters.letter("welcome", subscriber, own, _headers(subscriber), current())


def _settings(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        return None
    own = {
        **links.access(subscriber, message.serial, message.created_at),
        **links.standing(subscriber),
    }
    return letters.letter("settings", subscriber, own, _headers(subscriber), current())


def _access(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or not subscriber.email or subscriber.state in ("bounced", "complained"):
        return None
    own = {
        **links.access(subscriber, message.serial, message.created_at),
        **links.standing(subscriber),
    }
    return letters.letter("access", subscriber, own, _headers(subscriber), current())


def _headers(subscriber: Subscriber) -> dict[str, str]:
    link = links.standing(subscriber)["unsubscribe"]
    return letters.unsubscribe_headers(link, current())


def _event(message: Message, now: datetime) -> Publication | None:
    """Compose an event for other systems.

    Of somebody who is gone only the erasure is told. The address is that of when the event leaves.
    """
    settings, kind = current(), message.content["type"]
    if not settings.domain_events:
        return None
    from chalicelib.newsletter.domain_events import Confirmed, Erased
    from chalicelib.outbox import domain_events

    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None and kind != Erased.TYPE:
        return None
    more = {}
    named = settings.domain_events_address and kind == Confirmed.TYPE
    if named and subscriber and subscriber.state == "confirmed":
        more["email"] = subscriber.email
    return domain_events.publication(message, settings, more)


COMPOSERS: Mapping[str, Composer] = {
    KINDS["confirmation"]: _confirmation,
    KINDS["move"]: _move,
    KINDS["welcome"]: _welcome,
    KINDS["settings"]: _settings,
    KINDS["access"]: _access,
    EVENT: _event,
}


def settle_ledger(record: Mapping[str, Any]) -> None:
    """Set how long a ledger is kept after its subscriber changed or was erased.

    `record` is one of the contacts table's stream; those of anything else change nothing.
    """
    pk, sk = (record["dynamodb"]["Keys"][name]["S"] for name in ("pk", "sk"))
    if pk.startswith("SUB#") and sk in ("SUB", "SUPPRESSED"):
        subscribers.tidy(pk.removeprefix("SUB#"))
