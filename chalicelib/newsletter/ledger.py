"""The events of a subscription, each with the hash of the one before. Pure.

The hash is an HMAC with a secret of the stage, over the event and whose ledger it is in: whoever
can write the table can neither rewrite a ledger nor make one of another's. Personal data (address,
user agent, page) enters it as a salted digest: it can be erased later, and the rest still proves
that nothing was added, removed or changed. The proof of consent rests on this: GDPR Art. 7(1).

The newest hash, the head, is also kept outside the table. So a ledger that is gone, was cut short
or was rewritten by somebody who has the secret shows as well.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.texts import N_

_GAP = N_("Between event %(before)s and event %(after)s one is missing.")
_STRAY = N_("Event %(number)s (%(event)s) does not follow the one before it.")
_OTHER_PERSON = N_("Event %(number)s (%(event)s): not the personal details that were recorded.")
_CHANGED = N_("Event %(number)s (%(event)s) is not what was recorded.")
_OTHER_END = N_("The last event is missing, or one was added.")
_GONE = N_("The events are gone, though their term is not over.")
_NO_BEGINNING = N_("The events before number %(after)s are missing, from number %(first)s on.")
_NO_EVENT = N_("Event %(number)s is missing, whose check value was kept.")
_REWRITTEN = N_("Event %(number)s is not the one whose check value was kept.")
ALGORITHM = "hmac-sha256-1"  # how a hash is made; another way gets another name
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
    algorithm: str = ALGORITHM


@dataclass(frozen=True)
class Keyed:
    """Whose ledger it is, and the stage's secret that keys its hashes."""

    subscriber: str
    secret: bytes


@dataclass(frozen=True)
class Head:
    """The newest event of a ledger that proves something, as it is kept outside the table.

    `first` is the version of the oldest event that is kept as long. The ledger goes at
    `kept_until`, None for a subscription that has not ended.
    """

    subscriber: str
    first: int
    version: int
    hash: str
    kept_until: datetime | None
    logged_at: datetime


@dataclass(frozen=True)
class How:
    """How an event reached us, for the proof; `facts` and `personal` as in Event."""

    facts: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)


def append(
    keyed: Keyed,
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
    digest = hashlib.sha256(_canonical(salted)).hexdigest()
    unsigned = Event(version, event, at, facts, salted, digest, previous, "")
    return replace(unsigned, hash=_hash(keyed, unsigned))


def _hash(keyed: Keyed, event: Event) -> str:
    """Return the HMAC-SHA-256 of an event in somebody's ledger, as hex."""
    signed = {
        "algorithm": event.algorithm,
        "subscriber": keyed.subscriber,
        "version": event.version,
        "event": event.event,
        "at": event.at,
        "facts": dict(event.facts),
        "personal": event.personal_digest,
        "previous": event.previous,
    }
    return hmac.digest(keyed.secret, _canonical(signed), "sha256").hex()


def _canonical(value: Mapping[str, Any]) -> bytes:
    """Return a value's canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Fault(NamedTuple):
    """What is wrong with a ledger: a sentence to look up in a catalogue, and what fills it."""

    sentence: str
    values: Mapping[str, object]


def faults(keyed: Keyed, events: Sequence[Event], head: str | None) -> list[Fault]:
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
        if event.personal is not None and not _same(
            hashlib.sha256(_canonical(event.personal)).hexdigest(), event.personal_digest
        ):
            found.append(Fault(_OTHER_PERSON, name))
        if event.algorithm != ALGORITHM or not _same(event.hash, _hash(keyed, event)):
            found.append(Fault(_CHANGED, name))
        previous = event.hash
    if head is not None and head != previous:
        found.append(Fault(_OTHER_END, {}))
    return found


def faults_by_heads(heads: Sequence[Head], hashes: Mapping[int, str], now: datetime) -> list[Fault]:
    """Return how a ledger contradicts its heads that were kept outside the table, oldest first.

    `hashes` are those of the ledger's events, by version. Heads of a proof whose term is over say
    nothing any more.
    """
    binding: list[Head] = []
    for head in heads:
        if binding and _is_over(binding[-1], head.logged_at):
            binding = []
        binding.append(head)
    if not binding or _is_over(binding[-1], now):
        return []
    if not hashes:
        return [Fault(_GONE, {})]
    found = []
    first, oldest = min(head.first for head in binding), min(hashes)
    if oldest > first:
        found.append(Fault(_NO_BEGINNING, {"first": first, "after": oldest}))
    for version, hash in dict.fromkeys((head.version, head.hash) for head in binding):
        if hashes.get(version) != hash:
            sentence = _REWRITTEN if version in hashes else _NO_EVENT
            found.append(Fault(sentence, {"number": version}))
    return found


def _is_over(head: Head, now: datetime) -> bool:
    """Tell whether the term of a ledger was over by `now`, as far as this head knows."""
    return head.kept_until is not None and head.kept_until <= now


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
