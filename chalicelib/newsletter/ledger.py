"""The events of a subscription, each with the hash of the one before. Pure.

Personal data (address, user agent, page) enters an event's hash as a salted digest: it can be
erased later, and the rest still proves that nothing was added, removed or changed. The proof of
consent rests on this: GDPR Art. 7(1).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from chalicelib.texts import N_

_GAP = N_("Between event %(before)s and event %(after)s one is missing.")
_STRAY = N_("Event %(number)s (%(event)s) does not follow the one before it.")
_OTHER_PERSON = N_("Event %(number)s (%(event)s): not the personal details that were recorded.")
_CHANGED = N_("Event %(number)s (%(event)s) is not what was recorded.")
_OTHER_END = N_("The last event is missing, or one was added.")
FIRST = "0" * 64  # stands for the hash before the first event


@dataclass(frozen=True)
class Event:
    """One event. `facts` stay after an erasure, `personal` does not; both hold flat texts."""

    version: int
    event: str
    at: str
    facts: Mapping[str, str]
    personal: Mapping[str, str] | None  # None once erased
    personal_digest: str
    previous: str
    hash: str


@dataclass(frozen=True)
class How:
    """How an event reached us, for the proof; `facts` and `personal` as in Event."""

    facts: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)


def append(
    previous: str,
    version: int,
    event: str,
    at: str,
    facts: Mapping[str, str],
    personal: Mapping[str, str],
    salt: str,
) -> Event:
    """Return the event that follows the one with the hash `previous`.

    `salt` keeps erased personal data from being guessed by its digest.
    """
    salted = {**personal, "salt": salt}
    digest = _digest(salted)
    own = _hash(version, event, at, facts, digest, previous)
    return Event(version, event, at, facts, salted, digest, previous, own)


def _hash(
    version: int, event: str, at: str, facts: Mapping[str, str], digest: str, previous: str
) -> str:
    return _digest(
        {
            "version": version,
            "event": event,
            "at": at,
            "facts": dict(facts),
            "personal": digest,
            "previous": previous,
        }
    )


def _digest(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a value's canonical JSON, as hex."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


class Fault(NamedTuple):
    """What is wrong with a ledger: a sentence to look up in a catalogue, and what fills it."""

    sentence: str
    values: Mapping[str, object]


def faults(events: Sequence[Event], head: str | None) -> list[Fault]:
    """Return what is wrong with a ledger; empty where it is intact.

    `head` is the hash that the subscriber's record names as the last one, None where that record
    is gone.
    """
    found: list[Fault] = []
    previous = FIRST
    for position, event in enumerate(events):
        name = {"number": event.version, "event": event.event}
        before = events[position - 1].version
        if position and event.version != before + 1:
            gap = {"before": before, "after": event.version}
            found.append(Fault(_GAP, gap))
        if event.previous != previous and (position or event.version == 1):
            found.append(Fault(_STRAY, name))
        if event.personal is not None and _digest(event.personal) != event.personal_digest:
            found.append(Fault(_OTHER_PERSON, name))
        if event.hash != _hash(
            event.version, event.event, event.at, event.facts, event.personal_digest, event.previous
        ):
            found.append(Fault(_CHANGED, name))
        previous = event.hash
    if head is not None and head != previous:
        found.append(Fault(_OTHER_END, {}))
    return found
