"""When something has happened, this follows: what a message says, and what becomes of an ended subscription's data."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from chalicelib import instants, tokens
from chalicelib.aws import Cancelled
from chalicelib.errors import Unavailable
from chalicelib.newsletter import letters, model, store
from chalicelib.newsletter.model import Change, Subscriber
from chalicelib.newsletter.store import How
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.feedback import Feedback, Listener
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current

# The purposes of links; a token of one opens no other.
CONFIRM, UNSUBSCRIBE = "newsletter.confirm", "newsletter.unsubscribe"
PREFERENCES, DATA = "newsletter.preferences", "newsletter.data"
_TRIES = 8


def _confirmation(message: Message, now: datetime) -> Mail | None:
    subscriber = store.load(message.subject).subscriber
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    if message.serial < subscriber.first_letter:
        return None
    token = tokens.sign(
        CONFIRM, subscriber.key, message.serial, subscriber.asked_at + model.CONFIRM_WITHIN
    )
    links = {"link": _link("confirm", token), "refuse": _link("refuse", token)}
    return letters.letter("confirmation", subscriber, links, {})


def _welcome(message: Message, now: datetime) -> Mail | None:
    subscriber = store.load(message.subject).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        return None
    return letters.letter("welcome", subscriber, _own_links(subscriber), _leaving(subscriber))


def _access(message: Message, now: datetime) -> Mail | None:
    subscriber = store.load(message.subject).subscriber
    if subscriber is None or not subscriber.email or subscriber.state in ("bounced", "complained"):
        return None
    token = tokens.sign(
        DATA, subscriber.key, message.serial, message.created_at + model.ACCESS_WITHIN
    )
    links = {
        "mydata": _link("mydata", token),
        "erase": _link("erase", token),
        **_own_links(subscriber),
    }
    return letters.letter("access", subscriber, links, _leaving(subscriber))


def _own_links(subscriber: Subscriber) -> dict[str, str]:
    """The links every mail to a subscriber has; they never expire."""
    return {
        "preferences": _link("preferences", tokens.sign(PREFERENCES, subscriber.key, 0)),
        "unsubscribe": _link("unsubscribe", tokens.sign(UNSUBSCRIBE, subscriber.key, 0)),
    }


def _leaving(subscriber: Subscriber) -> dict[str, str]:
    address = current().mail_unsubscribe or parseaddr(current().mail_from)[1]
    return letters.leaving(_own_links(subscriber)["unsubscribe"], address)


def _link(page: str, token: str) -> str:
    return f"{current().base_url}/newsletter/{page}?token={token}"


def _heard(message: Message, feedback: Feedback) -> None:
    for _ in range(_TRIES):
        known = store.load(message.subject)
        try:
            change = _told(known.subscriber, feedback)
            store.save(known, change, instants.now(), How({"of": message.id}))
            return
        except Cancelled:
            continue
    raise Unavailable("feedback: too many at once")


def _told(subscriber: Subscriber | None, feedback: Feedback) -> Change:
    if feedback.kind == "complaint":
        return model.complain(subscriber, feedback.at)
    hard = feedback.kind == "hard bounce"
    return model.bounce(subscriber, hard, feedback.id, feedback.mailed_at, feedback.at)


COMPOSERS: Mapping[str, Composer] = {
    store.KINDS["confirmation"]: _confirmation,
    store.KINDS["welcome"]: _welcome,
    store.KINDS["access"]: _access,
}


LISTENERS: Mapping[str, Listener] = dict.fromkeys(store.KINDS.values(), _heard)


def settle(record: Mapping[str, Any], now: datetime | None = None) -> None:
    """A record of the contacts' stream: the ledger of a subscription that ended, or was erased, gets its end."""
    key = record["dynamodb"]["Keys"]["pk"]["S"]
    image = record["dynamodb"].get("NewImage", {})
    ended = image.get("state", {}).get("S") in ("unsubscribed", "bounced", "complained", "refused")
    if key.startswith("SUB#") and (ended or record["dynamodb"]["Keys"]["sk"]["S"] == "SUPPRESSED"):
        store.tidy(store.load(key.removeprefix("SUB#")), now or instants.now())
