"""What the staff's calls about subscribers take and give, for programs and for pages alike."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from unicodedata import category
from urllib.parse import urlencode

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

from chalicelib import addresses, instants, tokens
from chalicelib.auth.person import Person
from chalicelib.errors import BadToken, FieldError, Invalid
from chalicelib.http import Body
from chalicelib.http import fields as of
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.model import State, Subscriber, state_of
from chalicelib.newsletter.staff.api import ById
from chalicelib.newsletter.staff.service import STATES, Found, Places, Record, Way, Who
from chalicelib.settings import current

_CURSOR = "newsletter.list"  # the purpose of a cursor
# A plain form sends the fields, too, that nobody filled in.
_EMPTY = BeforeValidator(lambda value: value or None)


def _domain(typed: str) -> str | None:
    """Return a domain as somebody typed it, also with an @ before it."""
    return typed.rpartition("@")[2].strip().strip(".").lower() or None


class Listing(Body, title="SubscriberFilters"):
    """Whom to list, and from which page on."""

    state: Annotated[State | None, _EMPTY] = None
    topic: Annotated[of.NewsletterTopic | None, _EMPTY] = None
    language: Annotated[of.Language | None, _EMPTY] = None
    domain: Annotated[
        Annotated[of.Line, StringConstraints(max_length=254)] | None,
        _EMPTY,
        Field(description="of the address, such as example.org"),
    ] = None
    first: Annotated[of.Day | None, _EMPTY] = Field(
        None, alias="from", description="the first day on which they came into their state"
    )
    to: Annotated[of.Day | None, _EMPTY] = Field(None, description="the last such day")
    cursor: Annotated[
        Annotated[of.Line, StringConstraints(max_length=2000)] | None,
        _EMPTY,
        Field(description="that of the page before, with the same filters"),
    ] = None

    @property
    def wanted(self) -> Filter:
        """Whom to list. Raises Invalid where the last day is before the first."""
        if self.first and self.to and self.to < self.first:
            raise Invalid(FieldError("to", "range"))
        domain = _domain(self.domain) if self.domain else None
        return Filter(
            current().time_zone,
            self.state or "all",
            self.topic,
            self.language,
            domain,
            self.first,
            self.to,
        )

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are set, by the names of the search and the export."""
        names = ("state", "topic", "language", "domain", "first", "to")
        sent = {"from" if name == "first" else name: getattr(self, name) for name in names}
        return {name: str(value) for name, value in sent.items() if value}

    def query(self, **changed: str | None) -> str:
        """Return the filters as a query of the export, some of them changed."""
        filters = {**self.filters, **changed}
        return urlencode({name: value for name, value in filters.items() if value})

    def page(self, **changed: str | None) -> str:
        """Return the filters as a query of the page, some of them changed."""
        spoken = {"language": None, "subscriber_language": self.language}
        return self.query(**{**spoken, **changed})

    def place(self, now: datetime) -> tuple[datetime, Places | None]:
        """Return as of when to list, and after which entries. Raises BadToken."""
        if not self.cursor:
            return now, None
        filters, at, after = json.loads(tokens.read(_CURSOR, self.cursor, now)[0])
        if filters != self.filters:
            raise BadToken
        places: Any = {state: tuple(place) if place else None for state, place in after.items()}
        return instants.parse(at), places

    def following(self, found: Found, at: datetime) -> str | None:
        """Return the cursor of the next page, None where there is none."""
        if found.after is None:
            return None
        subject = json.dumps([self.filters, instants.text(at), found.after])
        return tokens.sign(_CURSOR, subject, 0)


class PageOfList(Listing):
    """Whom a page lists. A query's `language` is that of the page itself, as on all pages."""

    language: Annotated[of.Language | None, _EMPTY] = Field(None, alias="subscriber_language")


class Search(Listing, title="SubscriberSearch"):
    """Whom to find: a whole address in any of its spellings, or those that the filters describe."""

    email: Annotated[of.Line | None, _EMPTY] = None

    @property
    def address(self) -> str:
        """The address, also of a mail's header or link. Raises ValidationError where it is none."""
        # Copied from a mail or a page, it may have characters inside that do not show.
        typed = "".join(each for each in self.email or "" if category(each) != "Cf")
        _, written = addresses.split(typed)
        return _ByEmail(email=written.removeprefix("mailto:")).email


class _ByEmail(Body):
    email: of.Email


class Withdrawal(Body):
    """A withdrawal that reached us by another way than the links of our mails."""

    how: Way
    note: of.Note = Field("", description="for the proof; goes with an erasure")


class Look(ById):
    """A subscriber, and what a page of ours has just done about them, for it to say so."""

    done: Literal["unsubscribed", "released", "resent", "erased"] | None = None


class SubscriberRecord(BaseModel, title="Subscriber"):
    """One subscriber, as the staff see it; `id` stands for the address in the other calls."""

    id: str
    email: str | None = Field(description="null where the address has been deleted")
    state: str = Field(description="also `expired`, and `erased`, of which nothing else is known")
    language: str | None
    topics: list[str]
    consent: str | None
    asked_at: AwareDatetime | None
    confirmed_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    erased_at: AwareDatetime | None


class SubscriberList(BaseModel):
    """A page of subscribers, those first who came into their state last."""

    subscribers: list[SubscriberRecord]
    cursor: str | None = Field(description="of the next page; null at the end")
    counts: dict[str, int] | None = Field(
        description="how many there are of each state of whom the other filters are true; with the "
        "first page"
    )
    counts_as_of: AwareDatetime | None
    counts_complete: bool | None = Field(
        description="false where counting took too long: there are at least so many then"
    )


def who_of(person: Person) -> Who:
    """Return who of the staff asks."""
    return Who(person.id, person.may("supervisor"))


def record(record: Record, now: datetime) -> SubscriberRecord:
    """Return a record as programs get it."""
    if record.subscriber:
        return subscriber(record.subscriber, now)
    blank: dict[str, Any] = dict.fromkeys(SubscriberRecord.model_fields)
    own = {"id": record.key, "state": record.state, "erased_at": record.erased_at}
    return SubscriberRecord.model_validate({**blank, **own, "topics": []})


def subscriber(subscriber: Subscriber, now: datetime) -> SubscriberRecord:
    """Return a subscriber as programs get it."""
    names = SubscriberRecord.model_fields
    values = {name: value for name, value in vars(subscriber).items() if name in names}
    own = {"id": subscriber.key, "state": state_of(subscriber, now), "erased_at": None}
    empty = {name: values[name] or None for name in ("email", "language", "consent")}
    return SubscriberRecord.model_validate({**values, **empty, **own})


def listing(found: Found, asked: Listing, at: datetime) -> SubscriberList:
    """Return a page of the list as programs get it."""
    counts = found.counts
    return SubscriberList(
        subscribers=[subscriber(each, at) for each in found.subscribers],
        cursor=asked.following(found, at),
        counts={str(each): number for each, number in counts.by_state.items()} if counts else None,
        counts_as_of=at if counts else None,
        counts_complete=counts.complete if counts else None,
    )


def only(found: Iterable[SubscriberRecord], at: datetime) -> SubscriberList:
    """Return a list of those who were found by their address."""
    records = list(found)
    states = Counter(each.state for each in records)
    return SubscriberList(
        subscribers=records,
        cursor=None,
        counts={state: states[state] for state in STATES},
        counts_as_of=at,
        counts_complete=True,
    )
