"""What other systems are told of a subscriber. Pure.

Three facts are enough to know who gets the newsletter: `subscriber.confirmed` begins a
subscription, also after an undo; `subscriber.unsubscribed`, `bounced`, `complained`, `erased` and
`address_changed` end it; what only the newsletter itself has to know is no event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chalicelib.newsletter.model import Change, Subscriber
from chalicelib.outbox.domain_events import DomainEvent

TOPICS = "the topics' names, as the company's file has them"
LANGUAGE = "the language of the mails, such as `de`"
REPLACES = "the id of the subscriber whose address this one replaces"


def _of(doc: str, *known: str, **default: Any) -> Any:
    return field(metadata={"doc": doc, "known": known}, **default)


@dataclass(frozen=True)
class Subscribed(DomainEvent):
    """Somebody signed an address up, or its owner asked to move there; nobody has confirmed it.

    Without a `subscriber.confirmed` within seven days it comes to nothing, and no further event
    says so: forget the id then.
    """

    TYPE: ClassVar[str] = "subscriber.subscribed"
    topics: tuple[str, ...] = _of(TOPICS)
    language: str = _of(LANGUAGE)
    declaration: str = _of("the version of the declaration of consent that was shown")
    replaces: str = _of(REPLACES, default="")


@dataclass(frozen=True)
class Confirmed(DomainEvent):
    """The address gets the newsletter from now on."""

    TYPE: ClassVar[str] = "subscriber.confirmed"
    topics: tuple[str, ...] = _of(TOPICS)
    language: str = _of(LANGUAGE)
    declaration: str = _of("the version of the declaration of consent that was agreed to")
    how: str = _of("how it came about", "link", "move", "import", "undo")
    replaces: str = _of(REPLACES, default="")
    email: str = _of(
        "the address, where the stage's setting adds it and the subscription still is confirmed "
        "when the event leaves",
        default="",
    )


@dataclass(frozen=True)
class PreferencesChanged(DomainEvent):
    """The subscriber chose other topics or another language."""

    TYPE: ClassVar[str] = "subscriber.preferences_changed"
    topics: tuple[str, ...] = _of(TOPICS)
    language: str = _of(LANGUAGE)


@dataclass(frozen=True)
class AddressChanged(DomainEvent):
    """Another address has replaced this one, which gets nothing any more.

    A `subscriber.confirmed` about the new id tells of the other address.
    """

    TYPE: ClassVar[str] = "subscriber.address_changed"
    new_subject: str = _of("the id of the subscriber with the new address")


@dataclass(frozen=True)
class Unsubscribed(DomainEvent):
    """The subscription, or a signup that nobody had confirmed yet, has ended."""

    TYPE: ClassVar[str] = "subscriber.unsubscribed"
    by: str = _of(
        "by which way",
        *("page", "one click", "mail", "telephone", "letter", "shop", "not me", "other"),
    )


@dataclass(frozen=True)
class Bounced(DomainEvent):
    """Mails to the address come back: it gets nothing any more."""

    TYPE: ClassVar[str] = "subscriber.bounced"


@dataclass(frozen=True)
class Complained(DomainEvent):
    """The reader called a mail spam: the address gets nothing any more."""

    TYPE: ClassVar[str] = "subscriber.complained"


@dataclass(frozen=True)
class Erased(DomainEvent):
    """The person's data were erased. Erase what you have of this id, too (Art. 17, 19 GDPR)."""

    TYPE: ClassVar[str] = "subscriber.erased"


EVENTS: tuple[type[DomainEvent], ...] = (
    Subscribed,
    Confirmed,
    PreferencesChanged,
    AddressChanged,
    Unsubscribed,
    Bounced,
    Complained,
    Erased,
)


def of(change: Change, facts: Mapping[str, str]) -> DomainEvent | None:
    """Return what other systems are told of a change, None where it is nothing to them.

    `facts` are those of the ledger's event.
    """
    after = change.after
    if after is None:
        return Erased() if change.event == "erased" else None
    match change.event:
        case "signup" | "move asked":
            return _subscribed(after)
        case "confirmed":
            return _confirmed(after, "link")
        case "moved here":
            return _confirmed(after, "move")
        case "imported":
            return _confirmed(after, "import")
        case "refusal undone" | "unsubscription undone":
            return _subscribed(after) if after.state == "pending" else _confirmed(after, "undo")
        case "preferences":
            return PreferencesChanged(after.topics, after.language)
        case "moved away":
            return AddressChanged(after.moved_to)
        case "unsubscribed":
            return Unsubscribed(facts.get("how") or facts.get("by") or "other")
        case "withdrawn" if change.before and change.before.state == "pending":
            return Unsubscribed(facts.get("how") or facts.get("by") or "other")
        case "refused":
            return Unsubscribed("not me")
        case "bounced":
            return Bounced()
        case "complained":
            return Complained()
    return None


def _subscribed(after: Subscriber) -> Subscribed:
    return Subscribed(after.topics, after.language, after.consent, after.moved_from)


def _confirmed(after: Subscriber, how: str) -> Confirmed:
    return Confirmed(after.topics, after.language, after.consent, how, after.moved_from)
