"""What the owner of an address can see, change and erase, by the link mailed to the address.

No HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import aws, log, mailings
from chalicelib.aws import Cancelled
from chalicelib.callbacks import wishes
from chalicelib.callbacks.model import Who
from chalicelib.callbacks.wishes import Told
from chalicelib.errors import Conflict
from chalicelib.limits import Limit
from chalicelib.newsletter import links, model
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.links import DATA
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.service import Preferred
from chalicelib.outbox import suppression
from chalicelib.sender import Sender

LOOKS_AN_HOUR = 60  # at what is stored, by one link
_PERSON = Who("person", "")


@dataclass(frozen=True)
class Link:
    """What a link stands for: the key of an address, and the visit that its mail is."""

    key: str
    visit: str


@dataclass(frozen=True)
class Stored:
    """What is stored of an address. `state` is that of its subscription, `none` without one."""

    email: str
    state: str
    subscriber: Subscriber | None
    may_undo: bool
    newsletter: Mapping[str, Any] | None  # everything, as JSON values
    callbacks: list[Told]


def read(token: str, now: datetime) -> Link:
    """Return what a link stands for. Changes nothing. Raises BadToken."""
    key, letter = links.read(DATA, token, now)
    return Link(key, f"me-{letter}")


def look(link: Link, language: str, now: datetime) -> Stored:
    """Return all that is stored of the address, in a language. Raises LimitReached, Unavailable."""
    limit = Limit("me", f"{link.key} {link.visit}", LOOKS_AN_HOUR, "hour", "me_limit")
    try:
        aws.write(limit.counted(now))
    except Cancelled:
        raise limit.reached(now) from None
    return stored(link, language, now)


def stored(link: Link, language: str, now: datetime) -> Stored:
    """Return all that is stored of the address, in a language. Raises Unavailable."""
    subscriber = newsletter.known(link.key)
    email = subscriber.email if subscriber else ""
    return Stored(
        email or wishes.address(link.key)[0],
        model.state_of(subscriber, now),
        subscriber,
        model.may_undo_unsubscription(subscriber, link.visit, now),
        newsletter.data(link.key, now, language),
        wishes.of_address(link.key),
    )


def prefer(
    link: Link, topics: tuple[str, ...], language: str, sender: Sender, now: datetime
) -> Preferred:
    """Save topics and language; no topic left ends the subscription.

    Raises Conflict where there is none, LimitReached.
    """
    _require_subscription(link, now)
    return newsletter.choose(link.key, topics, language, sender, now, link.visit)


def move(link: Link, email: str, sender: Sender, now: datetime) -> None:
    """Ask for the confirmation of another address, which then replaces this one.

    Raises Conflict where there is no subscription, LimitReached.
    """
    _require_subscription(link, now)
    newsletter.ask_move(link.key, email, sender, now)


def leave(link: Link, sender: Sender, now: datetime) -> None:
    """End the subscription; a repeat changes nothing."""
    newsletter.leave(link.key, How({"by": "page"}, sender.personal()), now, link.visit)


def undo(link: Link, sender: Sender, now: datetime) -> None:
    """Go on with a subscription that this link ended. Raises Conflict, LimitReached."""
    newsletter.take_back(link.key, link.visit, sender, now)


def cancel(link: Link, reference: str, now: datetime) -> None:
    """Cancel a callback that was asked for with this address.

    Raises NotFound, Conflict, LimitReached.
    """
    wishes.cancel(link.key, reference, now)


def erase(link: Link, now: datetime) -> None:
    """Erase all that is known of the address (GDPR Art. 17), in both capabilities. Idempotent.

    What stays is an HMAC that keeps it from being imported. Raises Unavailable.
    """
    email, _ = wishes.address(link.key)
    newsletter.erase(link.key, "person", now)
    if email:  # of somebody who is no subscriber; first, as the wish tells which address it is
        suppression.lift(link.key, email)
        mailings.erase(email)
    erased = wishes.erase(link.key, _PERSON, now)
    if erased:
        log.info("callback.person_erased", requests=erased, by=_PERSON.id)


def _require_subscription(link: Link, now: datetime) -> None:
    subscriber = newsletter.known(link.key)
    if subscriber is None or subscriber.state != "confirmed":
        raise Conflict(model.state_of(subscriber, now), "not_subscribed")
