"""What follows from an event: what a due message says, and when an ended ledger expires."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib import instants
from chalicelib.newsletter import letters, links, model
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores.subscribers import KINDS
from chalicelib.outbox import suppression
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current

_ENDED = ("unsubscribed", "bounced", "complained", "refused")


def _confirmation(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    if message.serial < subscriber.first_letter:
        return None
    # SES would take a mail to an address on its list, and never send it.
    suppression.lift_for_opt_in(subscriber.key, subscriber.email, now)
    own = links.confirmation(subscriber, message.serial)
    return letters.letter("confirmation", subscriber, own, {}, current())


def _welcome(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        return None
    own = links.standing(subscriber)
    return letters.letter("welcome", subscriber, own, _headers(subscriber), current())


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


COMPOSERS: Mapping[str, Composer] = {
    KINDS["confirmation"]: _confirmation,
    KINDS["welcome"]: _welcome,
    KINDS["access"]: _access,
}


def expire_ended(record: Mapping[str, Any], now: datetime | None = None) -> None:
    """Set the expiry of a ledger whose subscription ended or was erased.

    `record` is one of the contacts table's stream; those of anything else change nothing.
    """
    keys = record["dynamodb"]["Keys"]
    image = record["dynamodb"].get("NewImage", {})
    key, suppressed = keys["pk"]["S"], keys["sk"]["S"] == "SUPPRESSED"
    ended = image.get("state", {}).get("S") in _ENDED
    if key.startswith("SUB#") and (ended or suppressed):
        subscribers.tidy(subscribers.load(key.removeprefix("SUB#")), now or instants.now())
