"""The staff's entrances: the board, and a call from claim to outcome.

A name and a number are shown to whoever has claimed the request, and afterwards to them and to supervisors.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field, StringConstraints

from chalicelib import instants, keys, log
from chalicelib.callbacks import clock, hotline, numbers, opening, store, workflow
from chalicelib.callbacks.model import Callback, Change, Outcome, State, Who
from chalicelib.callbacks.routes import Window, local, window_of, wished
from chalicelib.callbacks.store import Tab
from chalicelib.errors import FieldError, Invalid, NotFound
from chalicelib.http import Body, Call, Routes
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__)
Reference = Annotated[of.Line, StringConstraints(min_length=1, max_length=20)]


class Board(Body):
    state: Tab = "due"
    cursor: Annotated[of.Line, StringConstraints(max_length=100)] = ""
    language: of.Language = "de"


class ById(Body):
    id: Reference
    language: of.Language = "de"


class Phone(Body):
    phone: Annotated[of.Line, StringConstraints(min_length=1, max_length=50)]
    language: of.Language = "de"


class Dial(Body):
    outside_window: bool = False


class Handover(Body):
    to: Annotated[of.Line, StringConstraints(min_length=1, max_length=200)]


class Settled(Body):
    """How a call ended; `window` is the time agreed on, with `later`."""

    outcome: Outcome
    note: of.Note = ""
    window: Annotated[Window | None, BeforeValidator(wished)] = None


class Block(Phone):
    blocked: bool


class Card(BaseModel):
    """A request as the board shows it: nobody's name, nobody's number."""

    id: str
    reference: str
    state: State
    topic: str
    level: int
    created_at: AwareDatetime
    expected: Window
    due_at: AwareDatetime | None = Field(
        description="when the clock moves it on: escalation, lease, retry, window"
    )
    ended_at: AwareDatetime | None
    waiting_minutes: int = Field(description="open minutes since it came up, up to now or its end")
    overdue: bool
    calling: bool
    holder: str | None
    offered_to: str | None
    preferred: str | None
    mine: bool
    attempts: int


class Made(BaseModel):
    """One call that was made; `outcome` is empty while it is under way."""

    at: AwareDatetime
    by: str
    outcome: str
    note: str


class Event(BaseModel):
    """Something that happened to the request; `about` has what belongs to it, such as the outcome."""

    at: AwareDatetime
    event: str
    by: str
    state: State
    about: dict[str, str]


class Contact(BaseModel):
    """Whom to call."""

    name: str
    phone: str
    display: str
    extension: str
    email: str
    note: str
    language: str


class Detail(Card):
    """A request with its whole history; `contact` is for whoever claimed it."""

    contact: Contact | None
    window: Window | None = Field(description="the time the customer wished or agreed to")
    follows: str | None
    consent: str
    calls: list[Made]
    history: list[Event]


class Cards(BaseModel):
    callbacks: list[Card]
    cursor: str | None


class Known(BaseModel):
    """What is known of a number."""

    live: str | None
    blocked_until: AwareDatetime | None
    requests: list[str] = Field(description="references, newest first")


class Erased(BaseModel):
    status: Literal["erased"] = "erased"
    requests: int


@routes.get("/staff/callbacks", params=Board, gives=Cards)
def board(call: Call, asked: Board) -> Cards:
    """The requests on a tab of the board, most urgent first."""
    who = (call.person.id, call.person.name)
    try:
        found, cursor = store.board(asked.state, who, call.now, asked.cursor)
    except ValueError:
        raise Invalid(FieldError("cursor", "type")) from None
    return Cards(callbacks=[Card(**card(each, call)) for each in found], cursor=cursor or None)


def show(call: Call, asked: ById) -> Detail:
    """One request with its whole history, for programs; `staff.board` has the path, and shows people a page."""
    callback = store.load(asked.id)
    if callback is None:
        raise NotFound
    return detail(callback, call)


@routes.post("/staff/callbacks/{id}/claim", params=ById, gives=Detail, errors=(404, 409))
def claim(call: Call, asked: ById) -> Detail:
    """Takes a request, or accepts its hand-over; 409 names who was faster."""
    return _act(
        call, asked, lambda before: workflow.claim(before, _who(call), opening.rules(), call.now)
    )


@routes.post("/staff/callbacks/{id}/release", params=ById, gives=Detail, errors=(404, 409))
def release(call: Call, asked: ById) -> Detail:
    """Gives a request back; whoever else is there is told of it again."""
    return _act(
        call, asked, lambda before: workflow.release(before, _who(call), opening.rules(), call.now)
    )


@routes.post(
    "/staff/callbacks/{id}/handover", params=ById, takes=Handover, gives=Detail, errors=(404, 409)
)
def hand_over(call: Call, asked: ById, offer: Handover) -> Detail:
    """Offers a request to a colleague, who has it once they claim it."""
    return _act(call, asked, lambda before: workflow.offer(before, _who(call), offer.to))


@routes.post("/staff/callbacks/{id}/dial", params=ById, takes=Dial, gives=Detail, errors=(404, 409))
def dial(call: Call, asked: ById, given: Dial) -> Detail:
    """An attempt begins: at most three, two a day, 20 minutes apart, within hours and the wished window."""
    now, outside = call.now, given.outside_window
    return _act(
        call, asked, lambda before: workflow.dial(before, _who(call), opening.rules(), now, outside)
    )


@routes.post(
    "/staff/callbacks/{id}/outcome", params=ById, takes=Settled, gives=Detail, errors=(404, 409)
)
def settle(call: Call, asked: ById, given: Settled) -> Detail:
    """How the call ended. A repeat answers the same."""
    window = (given.window.begins, given.window.ends) if given.window else None

    def decide(before: Callback) -> Change:
        rules = opening.rules()
        return workflow.settle(
            before, _who(call), given.outcome, rules, call.now, given.note, window
        )

    return _act(call, asked, decide)


@routes.post("/staff/callbacks/called-in", takes=Phone, gives=Detail, errors=(404, 409))
def called_in(call: Call, caller: Phone) -> Detail:
    """The customer rang by themselves: their open request, found by the number, is done."""
    known = store.number(key_of(caller.phone))
    reference = known.live or (known.requests[0][1] if known.requests else "")
    if not reference:
        raise NotFound
    return _act(
        call, ById(id=reference), lambda before: workflow.called_in(before, _who(call), call.now)
    )


@routes.get("/staff/numbers", params=Phone, gives=Known)
def look_up(call: Call, asked: Phone) -> Known:
    """What is known of a telephone number."""
    return _known(call, key_of(asked.phone))


def _known(call: Call, key: str) -> Known:
    known = store.number(key)
    blocked = (
        known.blocked_until if known.blocked_until and call.now < known.blocked_until else None
    )
    return Known(
        live=known.live or None,
        blocked_until=local(blocked) if blocked else None,
        requests=[each for _, each in known.requests],
    )


@routes.post("/staff/numbers/block", takes=Block, gives=Known, role="supervisor")
def block(call: Call, asked: Block) -> Known:
    """Keeps a number from being called for 90 days, or lifts that."""
    key = key_of(asked.phone)
    set_block(key, "block" if asked.blocked else "lift", call)
    return _known(call, key)


def set_block(key: str, action: Literal["block", "lift", "restore"], call: Call) -> None:
    """Keeps a number from being called for 90 days, lifts that, or puts back what was lifted; on record."""
    match action:
        case "block":
            store.block(key, call.now)
        case "lift":
            store.unblock(key, call.now)
        case "restore":
            store.restore(key)
    log.info(
        "callback.unblocked" if action == "lift" else "callback.blocked",
        number=key,
        by=call.person.id,
    )


@routes.post("/staff/numbers/erase", takes=Phone, gives=Erased, role="supervisor")
def erase(call: Call, asked: Phone) -> Erased:
    """Erases what is known of a person by their number (GDPR Art. 17). A repeat answers the same.

    A live request ends. A block stays, as a key: the person is not to be called.
    """
    return Erased(requests=erase_person(key_of(asked.phone), call))


def erase_person(key: str, call: Call) -> int:
    """Erases what is known of the person of a number, on record; how many requests there were."""
    references = store.requests(key)
    clock.erase_wholly(references, _who(call), call.now)
    log.info("callback.person_erased", requests=len(references), by=call.person.id)
    return len(references)


def _act(call: Call, asked: ById, decide: Callable[[Callback], Change]) -> Detail:
    return detail(store.change(asked.id, decide, call.now), call)


def _who(call: Call) -> Who:
    return Who(call.person.id, call.person.name)


def key_of(phone: str) -> str:
    """The key of a number as it was typed. Raises Invalid (`phone…`)."""
    number = numbers.read(phone, current().phone_regions, current().hotline_number)
    return keys.identity("number", number.e164)


def card(callback: Callback, call: Call) -> dict[str, Any]:
    """A request as the board shows it to the one who asks."""
    until = callback.ended_at or call.now
    since = callback.opened_at or callback.expected[0]
    named = {"holder": callback.holder, "preferred": callback.preferred}
    return {
        "id": callback.reference,
        "reference": callback.reference,
        "state": callback.state,
        "topic": callback.asked.topic,
        "level": callback.level,
        "created_at": local(callback.created_at),
        "expected": window_of(callback.expected),
        **{
            name: local(at) if (at := getattr(callback, name)) else None
            for name in ("due_at", "ended_at")
        },
        "waiting_minutes": hotline.open_minutes(opening.hours(), since, until)
        if since < until
        else 0,
        "overdue": callback.state in ("open", "claimed") and callback.expected[1] < call.now,
        "calling": callback.is_calling,
        "mine": callback.holder == call.person.id,
        "offered_to": callback.offered_to or None,
        "attempts": len(callback.attempts),
        **{what: callback.agents.get(who, who) or None for what, who in named.items()},
    }


def detail(callback: Callback, call: Call) -> Detail:
    """A request with its whole history, as the one who asks may see it."""
    history = [_event(item, callback) for item in store.events(callback.reference)]
    calls = [
        Made(
            at=local(each.at),
            by=callback.agents.get(each.by, each.by),
            outcome=each.outcome,
            note=each.note,
        )
        for each in callback.attempts
    ]
    window = callback.asked.window
    return Detail(
        **card(callback, call),
        contact=contact(callback, call),
        follows=callback.follows or None,
        window=window_of(window) if window else None,
        consent=callback.asked.consent,
        calls=calls,
        history=history,
    )


def contact(callback: Callback, call: Call) -> Contact | None:
    """Whom to call, as far as the one who asks may see it."""
    had_it, leads = call.person.id in callback.agents, call.person.role == "supervisor"
    shown = callback.holder == call.person.id or ((had_it or leads) and not callback.is_live)
    if callback.erased or not shown:
        return None
    asked = callback.asked
    return Contact(
        name=asked.name,
        phone=asked.phone,
        display=numbers.display(asked.phone),
        extension=asked.extension,
        email=asked.email,
        note=asked.note,
        language=asked.language,
    )


def _event(item: dict[str, Any], callback: Callback) -> Event:
    by = callback.agents.get(item["by"], item["by"])
    return Event(
        at=local(instants.parse(item["at"])),
        event=item["event"],
        by=by,
        state=item["state"],
        about={**item.get("facts", {}), **item.get("personal", {})},
    )
