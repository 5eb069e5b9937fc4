"""Callback requests, the lock that keeps one live request a number, and their events, in `contacts`."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib import aws, challenges, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks import model
from chalicelib.callbacks.model import BLOCKED_FOR, Asked, Attempt, Callback, Change, How, Owed
from chalicelib.errors import Invalid, NotFound, Unavailable
from chalicelib.limits import Limit
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.settings import current

# What a change owes, as messages: an alert goes to the topic and by mail.
KINDS: dict[str, tuple[str, ...]] = {
    "alert": ("callback-alert", "callback-alert-mail"),
    "expired": ("callback-expired", "callback-expired-mail"),
    "received": ("callback-received",),
    "cancelled": ("callback-cancelled",),
    "missed": ("callback-missed",),
}
Tab = Literal["due", "mine", "waiting", "overdue", "closed"]
_TRIES = 8
_BOARD = {"scheduled": "WAITING", "retry": "WAITING", "open": "ACTIVE", "claimed": "ACTIVE"}
_TABS: dict[Tab, str] = {
    "due": "ACTIVE",
    "mine": "ACTIVE",
    "overdue": "ACTIVE",
    "waiting": "WAITING",
    "closed": "CLOSED",
}
_TIMES = ("created_at", "promised", "expires_at", "due_at", "opened_at", "ended_at")


@dataclass(frozen=True)
class Number:
    """What is known of a telephone number, newest requests first."""

    live: str = ""
    blocked_until: datetime | None = None
    requests: tuple[tuple[datetime, str], ...] = ()  # when, reference


@dataclass(frozen=True)
class Blocked:
    """A number that is not to be called, by its key; `reference` is the last request by then, if there was one."""

    key: str
    since: datetime
    until: datetime
    reference: str


def load(reference: str) -> Callback | None:
    """The request as it is now."""
    item = aws.get(current().contacts_table, _key(reference))
    return _callback(item) if item else None


def number(key: str, most: int = 12) -> Number:
    """What is known of a number, its last requests included, in one call whatever is known."""
    live, blocked, requests = "", None, []
    for item in aws.last(current().contacts_table, "pk = :pk", most, pk=f"NUMBER#{key}"):
        if item["sk"] == "LOCK":
            live = item["live"]
        elif item["sk"] == "BLOCK":
            blocked = None if "lifted" in item else instants.parse(item["until"])
        else:
            requests.append((instants.parse(item["at"]), item["reference"]))
    return Number(live, blocked, tuple(requests))


def submit(
    make: Callable[[str, Number], Change],
    key: str,
    how: How,
    now: datetime,
    limit: Limit | None = None,
    claim: Item | None = None,
) -> Callback:
    """Stores a new request, or finds the live one of the same number, which it then returns.

    `make` builds it for a reference; `how` is how it reached us, for the proof of consent; `claim` uses up the form's
    proof of work. A number that is blocked, or was asked for too often today, gets no request, and nobody is told.
    Raises LimitReached, and Invalid where the proof of work was used before.
    """
    guards = [member for member in (limit and limit.counted(now), claim) if member]
    for tried in range(_TRIES):
        known = number(key)
        change = make(model.make_reference(secrets.token_bytes(4 + tried // 3)), known)
        stored = not known.live and not (limit and _is_unwelcome(known, now))
        members = [*guards, *(_submitted(change, how) if stored else ())]
        try:
            if members:
                aws.write(*members)
        except Cancelled as cancelled:
            if limit and 0 in cancelled.failed:
                raise limit.reached(now) from None
            if claim and len(guards) - 1 in cancelled.failed:
                raise Invalid(challenges.REFUSED) from None
            continue  # somebody else has this number, or this reference, since we looked
        return replace(change.after, reference=known.live) if known.live else change.after
    raise Unavailable("callback: too many at once")


def _is_unwelcome(known: Number, now: datetime) -> bool:
    today = instants.day(now, current().time_zone)
    asked = [at for at, _ in known.requests if instants.day(at, current().time_zone) == today]
    blocked = known.blocked_until is not None and now < known.blocked_until
    return blocked or len(asked) >= current().limit_callbacks_per_number


def _submitted(change: Change, how: How) -> Iterator[Item]:
    table, callback = current().contacts_table, change.after
    number_key = f"NUMBER#{callback.asked.number_key}"
    at, absent = instants.text(callback.created_at), "attribute_not_exists(pk)"
    proof = {
        "pk": f"CALLBACK#{callback.reference}",
        "sk": "PROOF",
        "at": at,
        "number_key": callback.asked.number_key,
        "consent": callback.asked.consent,
        "wording": how.wording,
        "personal": dict(how.personal),
    }
    asked = {
        "pk": number_key,
        "sk": f"AT#{at}#{callback.reference}",
        "at": at,
        "reference": callback.reference,
    }
    yield aws.put(table, {"pk": number_key, "sk": "LOCK", "live": callback.reference}, absent)
    yield aws.put(table, _item(callback), absent)
    yield aws.put(table, proof, absent)
    yield aws.put(table, asked)
    yield from _event_and_messages(change, callback.created_at)


def change(reference: str, decide: Callable[[Callback], Change], now: datetime) -> Callback:
    """Decides on the request as it is and writes it, again where somebody else was faster; the request as it is then.

    Raises NotFound, and whatever `decide` raises.
    """
    for _ in range(_TRIES):
        before = load(reference)
        if before is None:
            raise NotFound
        decided = decide(before)
        try:
            if decided.changes:
                aws.write(*_members(before, decided, now))
        except Cancelled:
            continue
        return decided.after
    raise Unavailable("callback: too many at once")


def _members(before: Callback, change: Change, now: datetime) -> Iterator[Item]:
    table, after = current().contacts_table, change.after
    number_key = f"NUMBER#{after.asked.number_key}"
    yield aws.put(table, _item(after), "version = :seen", seen=before.version)
    yield from _event_and_messages(change, now)
    if change.ends:
        lock = {"pk": number_key, "sk": "LOCK"}
        yield aws.delete(table, lock, "live = :own", own=after.reference)
    if change.blocks:
        yield _block(after.asked.number_key, now, after.reference)


def _event_and_messages(change: Change, now: datetime) -> Iterator[Item]:
    after = change.after
    event = {
        "pk": f"CALLBACK#{after.reference}",
        "sk": f"EVENT#{after.version:08}",
        "event": change.event,
        "by": change.by,
        "at": instants.text(now),
        "state": after.state,
        "facts": dict(change.facts) or None,
        "personal": dict(change.personal) or None,
    }
    yield aws.put(current().contacts_table, event, "attribute_not_exists(pk)")
    for owed in change.owes:
        yield from (messages.owed(each) for each in _messages(after.reference, owed, now))


def _messages(reference: str, owed: Owed, now: datetime) -> Iterator[outbox.Message]:
    for kind in KINDS[owed.kind]:
        yield outbox.owe(kind, reference, owed.serial, now, owed.due_at)


def requests(key: str) -> list[str]:
    """The references of all requests of a number that are still known."""
    found = aws.query(
        current().contacts_table, "pk = :pk AND begins_with(sk, :at)", pk=f"NUMBER#{key}", at="AT#"
    )
    return [item["reference"] for item in found]


def events(reference: str) -> list[Item]:
    """What happened to a request, oldest first."""
    condition = "pk = :pk AND begins_with(sk, :events)"
    return list(
        aws.query(current().contacts_table, condition, pk=f"CALLBACK#{reference}", events="EVENT#")
    )


def board(
    tab: Tab, who: tuple[str, ...], now: datetime, cursor: str = "", most: int = 50
) -> tuple[list[Callback], str]:
    """A page of the requests on a tab, most urgent first, and the cursor of the next page; `who` are ids and names of
    the one who looks. Raises ValueError for a cursor that is none of ours."""
    found: list[Callback] = []
    start = _start(tab, cursor) if cursor else None
    while True:
        keys, start = aws.page(
            current().contacts_table,
            "board",
            "board_key = :tab",
            most - len(found),
            tab != "closed",
            start,
            tab=_TABS[tab],
        )
        found += [each for each in _in_order(keys) if _belongs(each, tab, who, now)]
        if start is None or len(found) >= most:
            return (
                found,
                f"{start['board_at']}~{start['pk'].removeprefix('CALLBACK#')}" if start else "",
            )


def live(who: tuple[str, ...], now: datetime, most: int = 200) -> dict[Tab, list[Callback]]:
    """The live requests by tab in one look, most urgent first, of each kind the first `most`."""
    found: list[Callback] = []
    for key in ("ACTIVE", "WAITING"):
        found += _in_order(
            aws.page(current().contacts_table, "board", "board_key = :key", most, key=key)[0]
        )
    return {
        tab: [each for each in found if _belongs(each, tab, who, now)]
        for tab in _TABS
        if tab != "closed"
    }


def _in_order(keys: list[Item]) -> list[Callback]:
    asked = [{"pk": key["pk"], "sk": key["sk"]} for key in keys]
    items = {item["pk"]: item for item in aws.batch_get(current().contacts_table, asked)}
    return [_callback(items[key["pk"]]) for key in asked if key["pk"] in items]


def _belongs(callback: Callback, tab: Tab, who: tuple[str, ...], now: datetime) -> bool:
    match tab:
        case "due":
            return callback.state == "open"
        case "mine":
            return callback.state == "claimed" and (
                callback.holder in who or callback.offered_to in who
            )
        case "overdue":
            return callback.state in ("open", "claimed") and callback.expected[1] < now
        case "waiting":
            return callback.state in ("scheduled", "retry")
    return not callback.is_live


def _start(tab: Tab, cursor: str) -> Item:
    at, _, reference = cursor.partition("~")
    instants.parse(at)
    return {**_key(reference), "board_key": _TABS[tab], "board_at": at}


def since(first: datetime) -> list[Callback]:
    """The requests that were made from an instant on, whatever has become of them; in any order.

    One that ends meanwhile is found once: the live ones are read first. A unit or two for each 100 live requests and
    those that ended in this time, and half a unit for each of them.
    """
    keys = [key for tab in ("ACTIVE", "WAITING") for key in _listed("board_key = :tab", tab=tab)]
    keys += _listed(
        "board_key = :tab AND board_at >= :first", tab="CLOSED", first=instants.text(first)
    )
    found = {
        each.reference: each for each in _in_order(list({key["pk"]: key for key in keys}.values()))
    }
    return [each for each in found.values() if each.created_at >= first]


def _listed(condition: str, **values: str) -> list[Item]:
    return list(aws.query(current().contacts_table, condition, index="board", **values))


def load_many(references: list[str]) -> list[Callback]:
    """Those of the requests that there are, in this order."""
    return _in_order([_key(reference) for reference in references])


def due(now: datetime) -> Iterator[str]:
    """References of the requests the clock has something to do with by now, oldest first."""
    return _due("CALLBACK", now)


def to_erase(now: datetime) -> Iterator[str]:
    """References of the ended requests whose contact data has been kept for its term, oldest first."""
    return _due("ENDED", now)


def _due(key: str, now: datetime) -> Iterator[str]:
    found = aws.query(
        current().contacts_table,
        "due_key = :key AND due_at <= :now",
        index="due",
        key=key,
        now=instants.text(now),
    )
    yield from (each["pk"].removeprefix("CALLBACK#") for each in found)


def unblock(key: str, now: datetime) -> None:
    """Lifts the block of a number, which keeps its end in case that is taken back (`restore`)."""
    _mark(key, "SET lifted = :now REMOVE board_key", "attribute_exists(pk)", now=instants.text(now))


def restore(key: str) -> None:
    """Puts back the block that was lifted, until the end it had. Where none was, nothing changes."""
    _mark(
        key, "SET board_key = :blocked REMOVE lifted", "attribute_exists(lifted)", blocked="BLOCKED"
    )


def _mark(key: str, expression: str, condition: str, **values: Any) -> None:
    item = {"pk": f"NUMBER#{key}", "sk": "BLOCK"}
    try:
        aws.write(aws.update(current().contacts_table, item, expression, condition, **values))
    except Cancelled:
        pass  # there is no such block, or it is as it should be


def block(key: str, now: datetime) -> None:
    """Keeps a number from being called for a while; its last request tells which it is. A repeat begins anew."""
    requests = number(key).requests
    aws.write(_block(key, now, requests[0][1] if requests else None))


def _block(key: str, now: datetime, reference: str | None = None) -> Item:
    until = now + BLOCKED_FOR
    item = {
        "pk": f"NUMBER#{key}",
        "sk": "BLOCK",
        "reference": reference,
        "until": instants.text(until),
        "board_key": "BLOCKED",
        "board_at": instants.text(now),
    }
    return aws.put(
        current().contacts_table, {**item, "expires": instants.epoch(until + timedelta(days=1))}
    )


def blocked(now: datetime) -> list[Blocked]:
    """The numbers that are blocked, the last one first."""
    keys = [
        {"pk": key["pk"], "sk": key["sk"]} for key in _listed("board_key = :tab", tab="BLOCKED")
    ]
    items = aws.batch_get(current().contacts_table, keys)
    found = map(_blocked, items)
    return sorted(
        (each for each in found if now < each.until), key=lambda each: each.since, reverse=True
    )


def _blocked(item: Item) -> Blocked:
    since, until = instants.parse(item["board_at"]), instants.parse(item["until"])
    return Blocked(item["pk"].removeprefix("NUMBER#"), since, until, item.get("reference", ""))


def strip(callback: Callback, until: int, wholly: bool) -> None:
    """Takes what is personal out of an ended request, which then stays until the table drops it (epoch seconds).

    The proof of consent stays for as long, `wholly` without the caller's address and program; the history stays,
    without names of the staff. Idempotent: the request itself comes last. Raises Cancelled where somebody else changed
    it meanwhile.
    """
    table = current().contacts_table
    for item in list(aws.query(table, "pk = :pk", pk=f"CALLBACK#{callback.reference}")):
        if item["sk"] != "CALLBACK":
            key = {"pk": item["pk"], "sk": item["sk"]}
            bare = " REMOVE personal" if wholly or item["sk"] != "PROOF" else ""
            aws.write(aws.update(table, key, f"SET expires = :until{bare}", until=until))
    at = instants.text(callback.created_at)
    asked = {"pk": f"NUMBER#{callback.asked.number_key}", "sk": f"AT#{at}#{callback.reference}"}
    exists = "attribute_exists(pk)"
    try:
        aws.write(
            aws.delete(table, asked)
            if wholly
            else aws.update(table, asked, "SET expires = :until", exists, until=until)
        )
    except Cancelled:
        pass  # it was taken out before
    aws.write(
        aws.put(
            table,
            {**_item(callback.erase()), "expires": until},
            "version = :seen",
            seen=callback.version,
        )
    )


def _key(reference: str) -> Item:
    return {"pk": f"CALLBACK#{reference}", "sk": "CALLBACK"}


def _item(callback: Callback) -> Item:
    item = {**_key(callback.reference), **_plain(asdict(callback)), **_indexed(callback)}
    return {name: value for name, value in item.items() if value is not None}


def _indexed(callback: Callback) -> Item:
    """The entries by which the sparse indexes find it: the clock, the board, the erasure to come."""
    if callback.is_live:
        urgent = callback.due_at if _BOARD[callback.state] == "WAITING" else callback.expected[1]
        at = instants.text(urgent or callback.created_at)
        return {"due_key": "CALLBACK", "board_key": _BOARD[callback.state], "board_at": at}
    ended = callback.ended_at or callback.created_at
    board = {"board_key": "CLOSED", "board_at": instants.text(ended)}
    if callback.erased:
        return board
    return {
        **board,
        "due_key": "ENDED",
        "due_at": instants.text(ended + timedelta(days=current().callback_days)),
    }


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instants.text(value)
        case dict():
            return {name: _plain(each) for name, each in value.items() if each is not None}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def _callback(item: Item) -> Callback:
    values = {name: item[name] for name in Callback.__dataclass_fields__ if name in item}
    for name in _TIMES:
        values[name] = instants.parse(item[name]) if item.get(name) else None
    if not _is_live(item):
        values["due_at"] = None  # the index's own: when the contact data is to be erased
    window = item["asked"].get("window")
    values["asked"] = Asked(**{**item["asked"], "window": _span(window) if window else None})
    values["attempts"] = tuple(
        Attempt(**{**each, "at": instants.parse(each["at"])}) for each in item["attempts"]
    )
    values["expected"] = _span(item["expected"])
    return Callback(**values)


def _is_live(item: Item) -> bool:
    return item["state"] in model.LIVE


def _span(written: list[str]) -> tuple[datetime, datetime]:
    return instants.parse(written[0]), instants.parse(written[1])
