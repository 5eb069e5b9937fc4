"""What of a copy of an earlier time is written into the live table, row by row.

Facts about persons become again what they were, but for those who decided about themselves since.
What was sent stays sent: of messages, counters and sessions the live rows are the truth.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from chalicelib import aws, instants
from chalicelib.aws import Item
from chalicelib.callbacks.model import ENDS
from chalicelib.callbacks.stores import requests
from chalicelib.newsletter.stores import subscribers
from chalicelib.outbox import store
from chalicelib.outbox.model import FINAL, Message
from ops import copies, kinds, rewriting
from ops.copies import Place, Read, Rows
from ops.since import Since

# Kinds of which the copy is the truth.
RESTORED = (
    *("subscriber", "subscriber-event", "suppressed", "withdrawn"),
    *("callback", "callback-event", "comment", "proof", "reference", "lock", "asked", "listed"),
)
# Kinds of which the live table is the truth, and what it lacks is written.
KEPT = ("growth", "wording", "digest", "message", "block")
# Kinds that nothing is done about: what waits, counts or is over soon.
PASSING = (
    *("lifted", "intake", "mailbox", "mails", "limit", "challenge"),
    *("session", "sign-in", "staff"),
)
# Where a reference leads is no harm where it leads nowhere; an intake may wait for it.
_DELETED = tuple(each for each in RESTORED if each not in ("reference", "listed"))
_LETTERS = frozenset(subscribers.KINDS.values())
_ALERTS = frozenset(kind for owed in ("alert", "held", "expired") for kind in requests.KINDS[owed])
_TO_CUSTOMERS = frozenset(
    kind
    for owed in ("received", "cancelled", "missed", "declined")
    for kind in requests.KINDS[owed]
)
# Messages that are numbered by the version of what they are about.
_BY_VERSION = frozenset((subscribers.EVENT, requests.EVENT, *requests.KINDS["handed"]))
SET_ASIDE = "restored: it may have been sent since"

What = Literal["created", "changed", "deleted"]


@dataclass(frozen=True)
class Sent:
    """A message's kind, subject and number, by its id."""

    kind: str
    subject: str
    serial: int


def sent_of(pk: str) -> Sent:
    """Return what a message's key says of it."""
    kind, _, rest = pk.removeprefix("MSG#").partition("_")
    subject, _, serial = rest.rpartition("_")
    return Sent(kind, subject, int(serial) if serial.isdigit() else 0)


@dataclass(frozen=True)
class Plan:
    """What is to be written: places to create or change, and to delete."""

    written: tuple[Place, ...]
    deleted: tuple[Place, ...]
    letters: Mapping[str, int] = field(default_factory=dict)  # by subject, the last one's number
    rounds: Mapping[str, int] = field(default_factory=dict)  # by reference, the last alerts' round


def owner(place: Place, locks: Mapping[str, str]) -> str:
    """Return the partition key of the subscriber or the request that a row belongs to, or empty."""
    pk, sk = place
    if pk.startswith("NUMBER#"):
        reference = locks.get(pk, "") if sk == "LOCK" else sk.rpartition("#")[2]
        return f"CALLBACK#{reference}"
    if pk.startswith("ADDRESS#"):
        return f"CALLBACK#{sk}"
    if pk.startswith("MSG#"):
        sent = sent_of(pk)
        return f"{'SUB' if sent.kind.startswith('newsletter-') else 'CALLBACK'}#{sent.subject}"
    return pk if pk.startswith(("SUB#", "CALLBACK#")) else ""


def settled(was: Read, now: Read, since: Since) -> frozenset[str]:
    """Return the partition keys of what stays as it is.

    Those are what people decided about since, and requests whose number has another live one by
    now: a number has one at a time.
    """
    stays = set(since.settled)
    while True:
        crowded = {
            f"CALLBACK#{was.locks[pk]}"
            for pk, live in now.locks.items()
            if was.locks.get(pk, live) != live
            and (f"CALLBACK#{live}" in stays or f"CALLBACK#{live}" not in was.states)
        }
        if crowded <= stays:
            return frozenset(stays)
        stays |= crowded


def plan(
    was: Read, now: Read, since: Since, at: datetime, part: frozenset[str] | None = None
) -> Plan:
    """Return what is to be written, of everything or of a part by partition keys.

    `was` is the copy in which what people decided since was done again, `at` the present.
    """
    stays = settled(was, now, since)
    written, deleted = [], []
    restored = set()
    for place in sorted(was.rows.keys() | now.rows.keys()):
        kind = kinds.kind_of("contacts", {"pk": place[0], "sk": place[1]})
        if kind is None or kind.name in PASSING:
            continue
        of_copy, of_live = owner(place, was.locks), owner(place, now.locks)
        owners = {of_copy if place in was.rows else "", of_live if place in now.rows else ""} - {""}
        if owners & stays or (part is not None and not owners & part):
            continue
        if was.rows.get(place) == now.rows.get(place):
            continue
        if place in was.rows:
            is_over = was.expires.get(place, 2**63) <= instants.epoch(at)
            if (place in now.rows and kind.name in KEPT) or is_over:
                continue
            written.append(place)
            restored |= owners
        elif kind.name in _DELETED and owners & was.states.keys():
            deleted.append(place)
            restored |= owners
    deleted += _superseded(was, now, restored)
    return Plan(tuple(written), tuple(deleted), *_numbers(was, now))


def _superseded(was: Read, now: Read, restored: set[str]) -> Iterator[Place]:
    """Yield the messages about versions that are no more: a later one will bear their names."""
    for place in now.rows.keys() - was.rows.keys():
        if place[0].startswith("MSG#"):
            sent, of = sent_of(place[0]), owner(place, {})
            if (
                sent.kind in _BY_VERSION
                and of in restored
                and sent.serial > was.versions.get(of, 0)
            ):
                yield place


def _numbers(was: Read, now: Read) -> tuple[dict[str, int], dict[str, int]]:
    """Return the numbers of the last letters and alerts that the live table has, but not the copy.

    The next ones have to be others, else they would be taken for those that were sent.
    """
    letters: dict[str, int] = {}
    rounds: dict[str, int] = {}
    for pk, sk in now.rows:
        if not pk.startswith("MSG#") or was.rows.get((pk, sk)) == now.rows[pk, sk]:
            continue
        sent = sent_of(pk)
        if sent.kind in _LETTERS | _TO_CUSTOMERS:
            letters[sent.subject] = max(letters.get(sent.subject, 0), sent.serial)
        if sent.kind in _ALERTS:
            rounds[sent.subject] = max(rounds.get(sent.subject, 0), sent.serial // 10)
    return letters, rounds


def as_restored(item: Item, made: Plan, at: datetime) -> Item:
    """Return a row of the copy as it is written into the live table."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    if sk == "SUB":
        last = made.letters.get(pk.removeprefix("SUB#"), 0)
        return {**item, "letters": _at_least(item.get("letters"), last)}
    if sk == "CALLBACK":
        wishes = [_with_letters(each, made.letters) for each in item["wishes"]["L"]]
        last = made.rounds.get(pk.removeprefix("CALLBACK#"), 0)
        return {
            **item,
            "wishes": {"L": wishes},
            "round": _at_least(item.get("round"), last + 1 if last else 0),
        }
    return _message(item, at) if sk == "MSG" else item


def _message(item: Item, at: datetime) -> Item:
    """Return a message that the live table lacks; one that may have been sent is given up."""
    message = store.from_item(aws.unpack_item(item))
    return given_up(message, at) if may_have_been_sent(message, at) else item


def may_have_been_sent(message: Message, at: datetime) -> bool:
    """Tell whether a message of an earlier time may have been sent by now."""
    return message.state not in FINAL and not (message.state == "due" and message.due_at > at)


def given_up(message: Message, at: datetime) -> Item:
    """Return the item of a message that may have been sent: people decide whether it goes again."""
    version = message.version + 1
    failed = replace(message, state="failed", error=SET_ASIDE, ended_at=at, version=version)
    return aws.pack_item(store.to_item(failed))


def _at_least(number: Item | None, least: int) -> Item:
    return {"N": str(max(int((number or {"N": "0"})["N"]), least))}


def _with_letters(wish: dict[str, Any], letters: Mapping[str, int]) -> dict[str, Any]:
    least = letters.get(wish["M"]["reference"]["S"], 0)
    return {"M": {**wish["M"], "letters": _at_least(wish["M"].get("letters"), least)}}


def write(copy: str, live: str, made: Plan, now: Rows, at: datetime) -> Iterator[What | None]:
    """Write what is planned; yield what was done to each row, None where somebody else was faster.

    `now` has the live rows by which it was planned. A row that is not as it was then is left: its
    person may have left or been erased since.
    """
    for start in range(0, len(made.written), 100):
        places = list(made.written[start : start + 100])
        present = dict(copies.rows(live, places))
        for place, item in copies.rows(copy, places):
            after, before = as_restored(item, made, at), present.get(place)
            if (copies.digest(before) if before else None) != now.get(place):
                yield None
            elif before is None:
                yield "created" if rewriting.create(live, after) else None
            elif rewriting.update(live, before, after):
                yield "changed" if rewriting.rewrite(live, before, after) else None
    for start in range(0, len(made.deleted), 100):
        for place, item in copies.rows(live, list(made.deleted[start : start + 100])):
            is_same = copies.digest(item) == now.get(place)
            yield "deleted" if is_same and rewriting.delete(live, item) else None


def loose_locks(live: str, numbers: Collection[str]) -> Iterator[What | None]:
    """Delete the locks of numbers whose request is not live; yield as `write` does.

    `numbers` are partition keys. A number that such a lock holds could never be asked for again.
    """
    found = dict(copies.rows(live, [(pk, "LOCK") for pk in sorted(numbers)]))
    held = {f"CALLBACK#{item['live']['S']}": item for item in found.values()}
    requested = dict(copies.rows(live, [(pk, "CALLBACK") for pk in sorted(held)]))
    for pk, item in held.items():
        request = requested.get((pk, "CALLBACK"))
        if request is None or request["state"]["S"] in ENDS:
            yield "deleted" if rewriting.delete(live, item) else None
