"""What the staff can do with callback requests. No HTTP; the public's part is `callbacks.service`.

Each function answers with all that a page shows, so that one press needs one call.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from chalicelib import log
from chalicelib.aws import Item
from chalicelib.callbacks import changes, opening_hours, rules, service, workflow
from chalicelib.callbacks.model import ALPHABET, Callback, Change, Outcome, Tab, Who
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.service import Line
from chalicelib.callbacks.stores import blocks, board, requests
from chalicelib.callbacks.stores.blocks import Blocked
from chalicelib.errors import Conflict, ContactError, FieldError, Invalid, NotFound
from chalicelib.instants import OutOfRange

_SLOT_DAYS = 5  # open days of which an agent is offered the times
_REFERENCE = re.compile(rf"R-?([{ALPHABET}]{{4,12}})", re.IGNORECASE)

Action = Literal["claim", "release", "handover", "dial", "settle", "called_in"]


@dataclass(frozen=True)
class Press:
    """What one of the staff does with a request."""

    action: Action
    outcome: Outcome | None = None
    note: str = ""
    window: Span | None = None
    to: str = ""
    outside_window: bool = False


@dataclass(frozen=True)
class Card:
    """A request at an instant, in open minutes: `left` is below zero once it is late."""

    callback: Callback
    waited: int  # since it came up, up to now or its end
    left: int  # until the promised time


@dataclass(frozen=True)
class Shown:
    """A request with its history, as one of the staff looks at it.

    `refused` is what kept a press from being done, `why_no_call` the code of what keeps the holder
    from calling now; `slots` are the windows the holder can agree on.
    """

    card: Card
    events: list[Item]
    line: Line
    why_no_call: str = ""
    slots: list[Span] = field(default_factory=list)
    refused: ContactError | None = None


@dataclass(frozen=True)
class Board:
    """The live requests by tab, and a page of the tab that is looked at."""

    live: dict[Tab, list[Callback]]
    cards: list[Card]
    cursor: str
    line: Line


@dataclass(frozen=True)
class ByNumber:
    """What is known of a number."""

    key: str
    live: str  # the reference of its live request, or an empty text
    blocked_until: datetime | None
    references: list[str]  # newest first
    requests: list[Callback] = field(default_factory=list)  # where asked for


@dataclass(frozen=True)
class Search:
    """What a search found: a request's reference, or a number's key, or why neither."""

    reference: str = ""
    key: str = ""
    refused: ContactError | None = None
    blocked: list[Blocked] = field(default_factory=list)


def show(reference: str, who: Who, now: datetime) -> Shown:
    """Return a request with its history. Raises NotFound."""
    return _shown(changes.load(reference), who, now)


def act(reference: str, press: Press, who: Who, now: datetime) -> Shown:
    """Do what one of the staff pressed; return the request as it is then.

    Raises NotFound, Conflict, Invalid.
    """
    after = changes.change(reference, lambda before: _decide(before, press, who, now), now)
    return _shown(after, who, now)


def try_to_act(reference: str, press: Press, who: Who, now: datetime) -> Shown:
    """Do what was pressed; where that is refused, return the request as it is and why.

    Raises NotFound.
    """
    try:
        return act(reference, press, who, now)
    except (Conflict, Invalid) as refused:
        return replace(show(reference, who, now), refused=refused)


def end_called_in(phone: str, who: Who, now: datetime) -> Shown:
    """End the live request of a customer who rang by themselves, found by their number.

    Raises NotFound, Conflict, Invalid (`phone…`).
    """
    known = requests.number(service.number_key(phone))
    reference = known.live or (known.requests[0][1] if known.requests else "")
    if not reference:
        raise NotFound("no_number")
    return act(reference, Press("called_in"), who, now)


def look_at_board(tab: Tab, who: Who, now: datetime, cursor: str = "") -> Board:
    """Return the live requests by tab and a page of one tab. Raises Invalid (`cursor`)."""
    live, after = board.live((who.id, who.name), now), ""
    if tab == "closed":
        found, after = _page(tab, who, now, cursor)
    else:
        found = live[tab]
    return Board(live, [_card(each, now) for each in found], after, service.line(now))


def list_requests(tab: Tab, who: Who, now: datetime, cursor: str) -> tuple[list[Card], str]:
    """Return a page of a tab, most urgent first, and the next cursor. Raises Invalid (`cursor`)."""
    found, after = _page(tab, who, now, cursor)
    return [_card(each, now) for each in found], after


def search(written: str | None, now: datetime, with_blocked: bool) -> Search:
    """Find what somebody typed: a reference, or a telephone number. None asks for nothing yet.

    `with_blocked` lists the blocked numbers where nothing was found.
    """
    found = Search() if written is None else _find(written.strip())
    if found.reference or found.key or not with_blocked:
        return found
    return replace(found, blocked=blocks.listed(now))


def look_up_number(phone: str, now: datetime) -> ByNumber:
    """Return what is known of a number as it was typed. Raises Invalid (`phone…`)."""
    return by_number(service.number_key(phone), now)


def by_number(key: str, now: datetime, with_requests: bool = False) -> ByNumber:
    """Return what is known of a number's key; `with_requests` loads its last requests, too."""
    known = requests.number(key)
    until = known.blocked_until
    blocked_until = until if until and now < until else None
    references = [reference for _, reference in known.requests]
    loaded = requests.load_many(references) if with_requests else []
    return ByNumber(key, known.live, blocked_until, references, loaded)


def set_block(phone: str, blocked: bool, who: Who, now: datetime) -> ByNumber:
    """Block a number as it was typed, or lift its block. Raises Invalid (`phone…`)."""
    key = service.number_key(phone)
    if blocked:
        block(key, who, now)
    else:
        lift_block(key, who, now)
    return by_number(key, now)


def block(key: str, who: Who, now: datetime) -> None:
    """Keep a number from being called for 90 days, on record."""
    known = requests.number(key)
    blocks.block(key, now, known.requests[0][1] if known.requests else None)
    log.info("callback.blocked", number=key, by=who.id)


def lift_block(key: str, who: Who, now: datetime) -> None:
    """Lift the block of a number, on record."""
    blocks.unblock(key, now)
    log.info("callback.unblocked", number=key, by=who.id)


def restore_block(key: str, who: Who) -> None:
    """Put back the block that was lifted last, with the end it had, on record."""
    blocks.restore(key)
    log.info("callback.blocked", number=key, by=who.id)


def erase_number(phone: str, who: Who, now: datetime) -> int:
    """Erase the person of a number as it was typed; return how many requests.

    Raises Invalid (`phone…`).
    """
    return service.erase_person(service.number_key(phone), who, now)


def _shown(callback: Callback, who: Who, now: datetime) -> Shown:
    holds = callback.state == "claimed" and callback.holder == who.id
    return Shown(
        _card(callback, now),
        requests.events(callback.reference),
        service.line(now),
        _why_no_call(callback, who, now) if holds else "",
        service.slots(now, _SLOT_DAYS) if holds else [],
    )


def _card(callback: Callback, now: datetime) -> Card:
    hours, promised = rules.hours(), callback.expected[1]
    until = callback.ended_at or now
    since = callback.opened_at or callback.expected[0]
    waited = opening_hours.open_minutes(hours, since, until) if since < until else 0
    if promised >= now:
        left = opening_hours.open_minutes(hours, now, promised)
    else:
        left = -opening_hours.open_minutes(hours, promised, now)
    return Card(callback, waited, left)


def _why_no_call(callback: Callback, who: Who, now: datetime) -> str:
    try:
        workflow.dial(callback, who, rules.current(), now)
    except Conflict as conflict:
        return conflict.reason
    return ""


def _decide(before: Callback, press: Press, who: Who, now: datetime) -> Change:
    line_rules = rules.current()
    match press.action:
        case "claim":
            return workflow.claim(before, who, line_rules, now)
        case "release":
            return workflow.release(before, who, line_rules, now)
        case "handover" if press.to:
            return workflow.offer(before, who, press.to)
        case "handover":
            raise Invalid(FieldError("to", "required"))
        case "dial":
            return workflow.dial(before, who, line_rules, now, press.outside_window)
        case "settle" if press.outcome:
            return workflow.record_outcome(
                before, who, press.outcome, line_rules, now, press.note, press.window
            )
        case "settle":
            raise Invalid(FieldError("outcome", "required"))
    return workflow.called_in(before, who, now)


def _page(tab: Tab, who: Who, now: datetime, cursor: str) -> tuple[list[Callback], str]:
    try:
        return board.page(tab, (who.id, who.name), now, cursor)
    except ValueError as error:
        code = "range" if isinstance(error, OutOfRange) else "type"
        raise Invalid(FieldError("cursor", code)) from None


def _find(written: str) -> Search:
    try:
        if found := _REFERENCE.fullmatch(written):
            return Search(reference=changes.load(f"R-{found[1].upper()}").reference)
        return Search(key=service.number_key(written))
    except (Invalid, NotFound) as refused:
        return Search(refused=refused)
