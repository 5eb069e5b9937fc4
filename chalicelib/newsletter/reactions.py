"""What follows from an event: what a due message says, and what a ledger records and keeps."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from chalicelib.aws import retried
from chalicelib.errors import Newer
from chalicelib.newsletter import letters, links, model
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Letter, Subscriber
from chalicelib.newsletter.stores import subscribers, wordings
from chalicelib.newsletter.stores.subscribers import EVENT, KINDS
from chalicelib.outbox import store as messages
from chalicelib.outbox import suppression
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Mail, Message, Publication
from chalicelib.settings import current


def _confirmation(message: Message, now: datetime) -> Mail | None:
    return _asking("confirmation", message, now)


def _move(message: Message, now: datetime) -> Mail | None:
    return _asking("move", message, now)


def _reader(message: Message) -> Subscriber | None:
    """Return the subscriber whom a letter is for, or None. Raises Newer."""
    subscriber = subscribers.load(message.subject).subscriber
    if subscriber and not model.is_understood(subscriber.state):
        raise Newer("subscriber", subscriber.state)
    return subscriber


def _asking(kind: Letter, message: Message, now: datetime) -> Mail | None:
    subscriber = _reader(message)
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    if message.serial < subscriber.first_letter:
        return None
    # SES would take a mail to an address on its list, and never send it.
    suppression.lift_for_opt_in(subscriber.key, subscriber.email, now)
    own = links.confirmation(subscriber, message.serial)
    mail = letters.letter(kind, subscriber, own, {}, current())
    # Kept, so that a proof can show what was asked when the mail itself is long gone.
    return replace(mail, wording=wordings.keep_once(letters.wording(mail, own)))


def _welcome(message: Message, now: datetime) -> Mail | None:
    subscriber = _reader(message)
    if subscriber is None or subscriber.state != "confirmed":
        return None
    own = links.standing(subscriber)
    return letters.letter("welcome", subscriber, own, _headers(subscriber), current())


def _settings(message: Message, now: datetime) -> Mail | None:
    subscriber = _reader(message)
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


def settle(record: Mapping[str, Any]) -> None:
    """Do what follows for a ledger from a changed subscriber, an erasure, or a mail that was sent.

    `record` is one of the contacts table's stream; those of anything else change nothing.
    """
    pk, sk = (record["dynamodb"]["Keys"][name]["S"] for name in ("pk", "sk"))
    if pk.startswith("SUB#") and sk in ("SUB", "SUPPRESSED"):
        subscribers.tidy(pk.removeprefix("SUB#"))
    elif pk.startswith("MSG#") and "owes_record" in record["dynamodb"]["NewImage"]:
        record_mail(pk.removeprefix("MSG#"))


def record_mail(message_id: str) -> None:
    """Put into the ledger that the mail service took a confirmation mail. Idempotent.

    The event says when, its number there, and the hashes of the mail and of its wording; it stays
    when the message is gone. Where the subscriber is gone there is nothing to prove. Raises
    Unavailable.
    """

    def attempt(_: int) -> None:
        message = messages.load(message_id)
        if message is None or not message.is_unrecorded or message.ended_at is None:
            return
        known = subscribers.load(message.subject)
        facts = {
            "message": message.id,
            "service_id": message.service_id,
            "digest": message.digest,
            "mail_wording": message.wording,
        }
        how = How({name: value for name, value in facts.items() if value})
        change = model.mailed(known.subscriber)
        subscribers.save(known, change, message.ended_at, how, also=[messages.recorded(message)])

    retried(attempt, "newsletter")
