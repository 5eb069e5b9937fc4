"""Which subscribers are meant: a filter as the list and the export take it. Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from chalicelib import addresses, instants
from chalicelib.newsletter.model import State, Subscriber

ALL: Literal["all"] = "all"


@dataclass(frozen=True)
class Filter:
    """Whom to find; what is None does not matter.

    Days are those on which somebody came into the present state, in the time zone `zone`.
    """

    zone: str
    state: State | Literal["all"] = "confirmed"
    topic: str | None = None
    language: str | None = None
    domain: str | None = None
    first: date | None = None
    last: date | None = None

    def matches(self, subscriber: Subscriber, now: datetime) -> bool:
        """Tell whether a subscriber is meant.

        Nobody is whose signup has expired, or whose address is not kept, or no longer than a
        refusal can be undone.
        """
        has_address = bool(subscriber.email) and subscriber.state != "refused"
        return has_address and not subscriber.is_expired(now) and self.describes(subscriber)

    def describes(self, subscriber: Subscriber) -> bool:
        """Tell whether a subscriber is as is asked for, with an address or without."""
        return (
            self.state in (ALL, subscriber.state)
            and (self.topic is None or self.topic in subscriber.topics)
            and self.language in (None, subscriber.language)
            and (self.domain is None or _domain(subscriber.email) == self._domain)
            and self._is_of_days(subscriber)
        )

    @property
    def _domain(self) -> str:
        return addresses.ascii_domain((self.domain or "").strip().removeprefix("@"))

    def _is_of_days(self, subscriber: Subscriber) -> bool:
        if not (self.first or self.last):
            return True
        day = instants.day(came_at(subscriber), self.zone)
        return (self.first or day) <= day <= (self.last or day)


def came_at(subscriber: Subscriber) -> datetime:
    """Return when a subscriber came into the present state."""
    if subscriber.state == "pending":
        return subscriber.asked_at
    if subscriber.state == "confirmed":
        return subscriber.confirmed_at or subscriber.asked_at
    return subscriber.ended_at or subscriber.since


def _domain(email: str) -> str:
    return addresses.ascii_domain(email.rpartition("@")[2])
