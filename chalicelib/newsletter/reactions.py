"""The reactions to events: composing due messages, taking bounces, setting expiries."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib import instants
from chalicelib.newsletter import letters, links, model, service
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Change, Subscriber
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores.subscribers import KINDS, Known
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.feedback import Feedback, Listener
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current

_ENDED = ("unsubscribed", "bounced", "complained", "refused")


def _confirmation(message: Message, now: datetime) -> Mail | None:
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    if message.serial < subscriber.first_letter:
        return None
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


def _take_feedback(message: Message, feedback: Feedback) -> None:
    """Change the subscriber as a bounce or a complaint demands. Raises Unavailable."""

    def decide(known: Known) -> Change:
        if feedback.kind == "complaint":
            return model.complain(known.subscriber, feedback.at)
        hard = feedback.kind == "hard bounce"
        return model.bounce(known.subscriber, hard, feedback.id, feedback.mailed_at, feedback.at)

    service.change(message.subject, decide, How({"of": message.id}), instants.now())


COMPOSERS: Mapping[str, Composer] = {
    KINDS["confirmation"]: _confirmation,
    KINDS["welcome"]: _welcome,
    KINDS["access"]: _access,
}
LISTENERS: Mapping[str, Listener] = dict.fromkeys(KINDS.values(), _take_feedback)


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
