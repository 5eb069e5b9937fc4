"""The search for people across capabilities: by reference, number, mail address, or name."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.auth.person import Person
from chalicelib.callbacks.staff import service as callbacks
from chalicelib.callbacks.staff.service import Search
from chalicelib.newsletter import service as newsletter

Kind = Literal["callback", "number", "subscriber"]


@dataclass(frozen=True)
class Found:
    """Something that was found: `label` says what it is, and nothing personal."""

    kind: Kind
    id: str
    label: str


def search(text: str, person: Person, now: datetime) -> tuple[list[Found], Search]:
    """Return what somebody typed stands for, and what the callbacks say of it.

    It is a request's reference, a telephone number, a whole mail address, or the name in a live
    request.
    """
    typed = text.strip()
    seen = callbacks.search(typed, now, person.may("supervisor"))
    found = [Found("callback", each, each) for each in (seen.reference, *seen.live) if each]
    if seen.key:
        found.append(Found("number", seen.key, ""))
    if "@" in typed:
        found += _subscribers(typed)
    return found, seen


def _subscribers(email: str) -> list[Found]:
    try:
        known = newsletter.find(email)
    except ValueError:
        return []  # no address that a mail could reach
    subscriber = known.subscriber
    return [Found("subscriber", known.key, subscriber.state)] if subscriber else []
