"""What the staff can do with callback requests. No HTTP; the public's part is `callbacks.service`.

Each function answers with all that a page shows, so that one press needs one call.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from chalicelib import addresses, instants, log
from chalicelib.aws import Item, retried
from chalicelib.callbacks import (
    calls,
    changes,
    intakes,
    opening_hours,
    rules,
    service,
    workflow,
)
from chalicelib.callbacks.model import (
    ALPHABET,
    Blocked,
    Callback,
    Change,
    Outcome,
    Tab,
    Telephone,
    Who,
    make_reference,
)
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.service import Line, Wanted, wordings
from chalicelib.callbacks.stores import blocks, board, requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.consent import Wording
from chalicelib.errors import Conflict, ContactError, FieldError, Invalid, NotFound
from chalicelib.instants import OutOfRange

_SLOT_DAYS = 5  # open days of which an agent is offered the times
_SHORTEST_WORD = 2  # letters of a name that is looked for
_REFERENCE = re.compile(rf"R-?([{ALPHABET}]{{4,12}})", re.IGNORECASE)

Action = Literal[
    "claim",
    "release",
    "handover",
    "dial",
    "settle",
    "called_in",
    "undo",
    "comment",
    "number",
    "assign",
    "take",
    "admit",
    "decline",
    "follow",
]


@dataclass(frozen=True)
class Press:
    """What one of the staff does with a request; `note` is kept whatever the action."""

    action: Action
    outcome: Outcome | None = None
    note: str = ""
    window: Span | None = None
    to: Who | None = None
    phone: str = ""
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
    comments: list[Item]
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
class Form:
    """What the form for a request that is taken down offers, and what is read out."""

    slots: list[Span]
    wording: Wording


@dataclass(frozen=True)
class ByNumber:
    """What is known of a number; `key` stands for it in a URL."""

    key: str
    live: str  # the reference of its live request, or an empty text
    blocked_until: datetime | None
    references: list[str]  # newest first
    requests: list[Callback] = field(default_factory=list)  # where asked for


@dataclass(frozen=True)
class Search:
    """What a search found: a request's reference, a number's key, live ones, or why none."""

    reference: str = ""
    key: str = ""
    live: list[str] = field(default_factory=list)  # references, by a name or a mail address
    refused: ContactError | None = None
    blocked: list[blocks.Blocked] = field(default_factory=list)


def show(reference: str, who: Who, now: datetime) -> Shown:
    """Return a request with its history. Raises NotFound."""
    return _shown(changes.load(reference), who, now)


def act(reference: str, press: Press, who: Who, now: datetime) -> Shown:
    """Do what one of the staff pressed; return the request as it is then.

    The note is kept even where the press is refused. Raises NotFound, Conflict, Invalid.
    """
    if press.action == "comment":
        return comment(reference, press.note, who, now)
    if press.note and press.action != "settle":  # an outcome has its note itself
        comment(reference, press.note, who, now)
    try:
        match press.action:
            case "undo":
                after = _undo(reference, who, now)
            case "number":
                after = _correct(reference, press, who, now)
            case "follow":
                after = _follow(reference, who, now)
            case _:
                after = changes.change(
                    reference,
                    lambda before: _decide(before, press, who, now).by_one_of_the_staff(who),
                    now,
                )
    except Conflict:
        if press.note and press.action == "settle":
            comment(reference, press.note, who, now)
        raise
    return _shown(after, who, now)


def comment(reference: str, text: str, who: Who, now: datetime) -> Shown:
    """Keep a comment, whatever the state of the request; one that was erased takes none.

    Raises NotFound, Conflict, Invalid.
    """
    callback = changes.load(reference)
    if callback.erased:
        raise Conflict(callback.state, "erased")
    if not text:
        raise Invalid(FieldError("text", "required"))
    requests.keep_comment(callback.reference, who, text, now)
    return _shown(callback, who, now)


def try_to_act(reference: str, press: Press, who: Who, now: datetime) -> Shown:
    """Do what was pressed; where that is refused, return the request as it is and why.

    Raises NotFound.
    """
    try:
        return act(reference, press, who, now)
    except (Conflict, Invalid) as refused:
        return replace(show(reference, who, now), refused=refused)


def form(language: str, now: datetime) -> Form:
    """Return what the form to take down a request shows, in the customer's language."""
    return Form(service.slots(now, _SLOT_DAYS), wordings.current(language))


def take_down(wanted: Wanted, how: Mapping[str, str], who: Who, now: datetime) -> Shown:
    """Store a request that one of the staff takes down; return it, or the one it is a wish of.

    `how` says how the customer consented and where it came from; `consent` is the version that was
    read out. Raises Invalid, Unavailable.
    """
    wording = wordings.seen(wanted.consent)
    asked = service.asked_of(wanted, wording.version)
    if wanted.window and (
        code := opening_hours.refusal_of_window(rules.hours(), wanted.window, now)
    ):
        raise Invalid(FieldError("window", code))
    proof = Proof(wording.sha256, {"name": who.name}, who.id, how)

    def attempt(number: int) -> Callback:
        reference = make_reference(secrets.token_bytes(4 + number // 3))
        return intakes.place(asked, reference, proof, now, who.id).after

    return _shown(retried(attempt, "callback"), who, now)


def what_is_wrong_with(phone: str) -> tuple[FieldError, ...]:
    """Return what keeps a number from being called, as it was typed; nothing if it can be."""
    try:
        service.telephone(phone)
    except Invalid as refused:
        return refused.fields
    return ()


def end_called_in(phone: str, reference: str, who: Who, now: datetime) -> Shown:
    """End the live request of a customer who rang by themselves, by their number or reference.

    Raises NotFound, Conflict, Invalid (`phone…`).
    """
    if not reference:
        line = service.telephone(phone)
        known = requests.number(line.number_key, line.main_key)
        reference = known.live or next(iter(known.references), "")
    elif last := requests.load_last(reference):
        reference = last.reference
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
    """Find what somebody typed: a reference, a number, a mail address, or a name.

    None asks for nothing yet. `with_blocked` lists the blocked numbers where nothing was found.
    """
    found = Search() if written is None else _find(written.strip(), now)
    if found.reference or found.key or not with_blocked:
        return found
    return replace(found, blocked=blocks.listed(now))


def look_up_number(phone: str, now: datetime) -> ByNumber:
    """Return what is known of a number as it was typed. Raises Invalid (`phone…`)."""
    return by_number(_key_of(service.telephone(phone)), now)


def by_number(key: str, now: datetime, with_requests: bool = False) -> ByNumber:
    """Return what is known of a number's key; `with_requests` loads its last requests, too."""
    known = requests.number(*_keys(key))
    until = known.blocked_until
    blocked_until = until if until and now < until else None
    references = list(known.references)
    loaded = requests.load_many(references) if with_requests else []
    return ByNumber(key, known.live, blocked_until, references, loaded)


def set_block(phone: str, blocked: bool, who: Who, now: datetime) -> ByNumber:
    """Block a number as it was typed, or lift its block. Raises Invalid (`phone…`)."""
    key = _key_of(service.telephone(phone))
    if blocked:
        block(key, who, now)
    else:
        lift_block(key, who, now)
    return by_number(key, now)


def block(key: str, who: Who, now: datetime) -> None:
    """Keep a number from being called for 90 days, on record; its live request is held."""
    number_key, main_key = _keys(key)
    known = requests.number(number_key, main_key)
    if known.live:
        _hold(known.live, who, now, [blocks.blocked(number_key, main_key, now, known.live)])
    else:
        blocks.block(number_key, main_key, now, next(iter(known.references), ""))
    log.info("callback.blocked", number=number_key, by=who.id)


def lift_block(key: str, who: Who, now: datetime) -> None:
    """Lift the block of a number, on record; a request that waited for that goes on."""
    number_key, main_key = _keys(key)
    blocks.unblock(number_key, now)
    known = requests.number(number_key, main_key)
    if known.live:

        def admit(before: Callback) -> Change:
            if before.held_for != "blocked":
                return Change(before, before)
            return workflow.admit(before, who, rules.current(), now).by_one_of_the_staff(who)

        changes.change(known.live, admit, now)
    log.info("callback.unblocked", number=number_key, by=who.id)


def restore_block(key: str, who: Who, now: datetime) -> None:
    """Put back the block that was lifted last, with the end it had, on record."""
    number_key, main_key = _keys(key)
    blocks.restore(number_key)
    known = requests.number(number_key, main_key)
    if known.live and changes.why_held(known, now) == "blocked":
        _hold(known.live, who, now)
    log.info("callback.blocked", number=number_key, by=who.id)


def _hold(reference: str, who: Who, now: datetime, also: Sequence[Item] = ()) -> None:
    def hold(before: Callback) -> Change:
        return workflow.hold(before, who, rules.current(), now).by_one_of_the_staff(who)

    changes.change(reference, hold, now, also=also)


def erase_number(phone: str, who: Who, now: datetime) -> int:
    """Erase the person of a number as it was typed; return how many requests.

    Raises Invalid (`phone…`).
    """
    return erase_by_key(_key_of(service.telephone(phone)), who, now)


def erase_by_key(key: str, who: Who, now: datetime) -> int:
    """Erase the person of a number's key; return how many requests."""
    return service.erase_person(*_keys(key), who, now)


def _key_of(line: Telephone) -> str:
    """Return what stands for a number in a URL: its key, and the office's where it differs."""
    if line.number_key == line.main_key:
        return line.main_key
    return f"{line.number_key}.{line.main_key}"


def _keys(written: str) -> tuple[str, str]:
    number_key, _, main_key = written.partition(".")
    return number_key, main_key or number_key


def _shown(callback: Callback, who: Who, now: datetime) -> Shown:
    holds = callback.state == "claimed" and callback.holder == who.id
    return Shown(
        _card(callback, now),
        requests.events(callback.reference),
        requests.comments(callback.reference),
        service.line(now),
        calls.why_not(callback, rules.current(), now) if holds and not callback.is_calling else "",
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


def _decide(before: Callback, press: Press, who: Who, now: datetime) -> Change:
    line_rules = rules.current()
    match press.action:
        case "claim":
            return workflow.claim(before, who, line_rules, now)
        case "release":
            return workflow.release(before, who, line_rules, now)
        case "handover" if press.to:
            return workflow.offer(before, who, press.to, now)
        case "assign" if press.to:
            return workflow.assign(before, press.to, who, line_rules, now)
        case "handover" | "assign":
            raise Invalid(FieldError("to", "required"))
        case "take":
            return workflow.take(before, who, line_rules, now)
        case "dial":
            return workflow.dial(before, who, line_rules, now, press.outside_window)
        case "admit":
            return workflow.admit(before, who, line_rules, now)
        case "decline":
            return workflow.decline(before, who, now)
        case "settle" if press.outcome:
            return workflow.record_outcome(
                before, who, press.outcome, line_rules, now, press.note, press.window
            )
        case "settle":
            raise Invalid(FieldError("outcome", "required"))
    return workflow.called_in(before, who, now)


def _undo(reference: str, who: Who, now: datetime) -> Callback:
    """Take back the last outcome or end; its note becomes a comment."""
    before = changes.load(reference)
    last = before.attempts[-1] if before.attempts else None
    note = last.note if last and last.by == who.id and before.earlier else ""
    also = [requests.comment(before.reference, who, note, now)] if note else []

    def decide(before: Callback, known: Number, taken: Callback | None) -> Change:
        blocked = _stays_blocked(known, before, now)
        undone = workflow.undo(before, who, rules.current(), now, taken, blocked)
        own_block = undone.unblocks and known.blocked_by == before.reference
        return replace(undone, unblocks=own_block).by_one_of_the_staff(who)

    return changes.change_knowing(reference, decide, now, also=also).after


def _stays_blocked(known: Number, before: Callback, now: datetime) -> Blocked:
    """Return what keeps a number blocked where the request's own block is taken back."""
    if known.blocked_until is None or known.blocked_until <= now:
        return ""
    if before.pressed_at and known.blocked_since and known.blocked_since > before.pressed_at:
        return "since"
    earlier = known.earlier_block and now < instants.parse(known.earlier_block)
    return "earlier" if earlier else ""


def _correct(reference: str, press: Press, who: Who, now: datetime) -> Callback:
    number = service.telephone(press.phone)

    def decide(before: Callback, known: Number, taken: Callback | None) -> Change:
        held_for = "" if taken else changes.why_held(known, now)
        corrected = workflow.correct(before, who, number, rules.current(), now, taken, held_for)
        return corrected.by_one_of_the_staff(who)

    return changes.change_knowing(reference, decide, now, number).after


def _follow(reference: str, who: Who, now: datetime) -> Callback:
    """Make a request that follows an ended one; return it."""
    ended = changes.load(reference)
    wording = wordings.all.get(ended.asked.consent)
    proof = Proof(
        wording.sha256 if wording else "", {"name": who.name}, who.id, {"follows": ended.reference}
    )

    def decide(before: Callback, known: Number, taken: Callback | None) -> Change:
        made = make_reference(secrets.token_bytes(4))  # another one each time: it may be taken
        followed = workflow.follow(before, who, made, rules.current(), now, taken)
        return followed.by_one_of_the_staff(who)

    change = changes.change_knowing(reference, decide, now, proof=proof)
    return change.also.after if change.also else changes.load(change.after.followed_by)


def _page(tab: Tab, who: Who, now: datetime, cursor: str) -> tuple[list[Callback], str]:
    try:
        return board.page(tab, (who.id, who.name), now, cursor)
    except ValueError as error:
        code = "range" if isinstance(error, OutOfRange) else "type"
        raise Invalid(FieldError("cursor", code)) from None


def _find(written: str, now: datetime) -> Search:
    """Find a reference, a number, or live requests by a whole mail address or a name."""
    if "@" in written:
        return Search(live=_live_by_address(written, now), refused=NotFound("nothing_found"))
    try:
        if found := _REFERENCE.fullmatch(written):
            return Search(reference=changes.load(f"R-{found[1].upper()}").reference)
        return Search(key=_key_of(service.telephone(written)))
    except NotFound as refused:
        return Search(refused=refused)
    except Invalid as refused:
        if any(each.isdigit() for each in written):
            return Search(refused=refused)
        return Search(live=_live_by_name(written, now), refused=NotFound("nothing_found"))


def _live_by_name(name: str, now: datetime) -> list[str]:
    """Return the references of the live requests in which a name has each of these words."""
    words = {each for each in name.casefold().split() if len(each) >= _SHORTEST_WORD}

    def fits(callback: Callback) -> bool:
        names = (set(wish.asked.name.casefold().split()) for wish in callback.wishes)
        return any(words <= each for each in names)

    return _live(fits, now) if words else []


def _live_by_address(email: str, now: datetime) -> list[str]:
    """Return the references of the live requests that name a mail address."""
    try:
        wanted = addresses.identity(email)
    except ValueError:
        return []

    def fits(callback: Callback) -> bool:
        given = (wish.asked.email for wish in callback.wishes if wish.asked.email)
        return any(addresses.identity(each) == wanted for each in given)

    return _live(fits, now)


def _live(fits: Callable[[Callback], bool], now: datetime) -> list[str]:
    found = {each.reference: each for tab in board.live(("",), now).values() for each in tab}
    return [each.reference for each in found.values() if fits(each)]
