"""The staff's calls for programs: the board, and a request from claim to outcome.

A name and a number are shown to whoever has claimed the request, and afterwards to them and to
supervisors.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from chalicelib import instants
from chalicelib.auth import session
from chalicelib.auth.person import Person
from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.fields import AskedFields, Window, Wished, local, span_of, window_of
from chalicelib.callbacks.model import (
    UNDO_WITHIN,
    Callback,
    Outcome,
    State,
    Tab,
    Who,
    Wish,
)
from chalicelib.callbacks.staff import service
from chalicelib.callbacks.staff.service import ByNumber, Press, Shown
from chalicelib.callbacks.staff.service import Card as CardShown
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound
from chalicelib.http import CREATED, Body, Request, Routes
from chalicelib.http import fields as of
from chalicelib.http.inventory import View

routes = Routes(__name__, tag="staff-callbacks")
Reference = Annotated[of.Line, StringConstraints(min_length=1, max_length=20)]


def _press(action: str, **declared: Any) -> Callable[[View], View]:
    """Declare the call of something that one of the staff does with a request."""
    path = f"/staff/callbacks/{{id}}/{action}"
    declared = {"params": ById, "gives": Detail, "errors": (NotFound, Conflict), **declared}
    return routes.post(path, **declared)


class Board(Body):
    """Which tab of the board, from which cursor on."""

    state: Tab = "due"
    cursor: Annotated[of.Line, StringConstraints(max_length=100)] = ""
    language: of.Language = of.default_language()


class ById(Body):
    """A request, by its reference."""

    id: Reference
    language: of.Language = of.default_language()


class TakenDown(AskedFields, title="CallbackTakenDown"):
    """A request that one of the staff takes down; `consent` is the version that was read out."""

    consent_by: Literal["telephone", "shop", "mail"]
    source: Annotated[of.Line, StringConstraints(max_length=100)] = ""


class Phone(Body, title="PhoneNumber"):
    """A telephone number as it was typed."""

    phone: of.Phone
    language: of.Language = of.default_language()


class Dial(Body, title="CallStart"):
    """A call that begins; `outside_window` says that the customer agrees to another time."""

    outside_window: bool = False


class Handover(Body, title="HandOver"):
    """The colleague a request is offered or given to, by id or name, and a comment for them."""

    to: Annotated[of.Line, StringConstraints(min_length=1, max_length=200)]
    note: of.Note = ""


class CalledIn(Body, title="IncomingCall"):
    """The customer who rang, by their number or the reference they were told."""

    phone: Annotated[of.Line, StringConstraints(max_length=50)] = ""
    reference: Annotated[of.Line, StringConstraints(max_length=20)] = ""
    language: of.Language = of.default_language()


class Comment(Body, title="CallbackComment"):
    """What one of the staff has to say about a request."""

    text: Annotated[of.Note, StringConstraints(min_length=1)]


class CallOutcome(Body):
    """How a call ended; `window` is the time agreed on, with `later`."""

    outcome: Outcome
    note: of.Note = ""
    window: Wished = None


class Block(Phone, title="NumberBlock"):
    """A telephone number, and whether it is to be blocked."""

    blocked: bool


class Card(BaseModel, title="CallbackSummary"):
    """A request as the board shows it, without name and number."""

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
    wishes: int = Field(description="how many wishes for a call are open")
    held_for: str | None = Field(description="`blocked` or `limit`, while a supervisor decides")


class CallMade(BaseModel, title="CallAttempt"):
    """One call that was made; `outcome` is empty while it is under way."""

    at: AwareDatetime
    by: str
    outcome: str
    note: str


class Event(BaseModel, title="CallbackEvent"):
    """Something that happened to the request; `about` has what belongs to it, such as `outcome`."""

    at: AwareDatetime
    event: str
    by: str
    state: str = Field(description="the request's since then")
    about: dict[str, str]


class Said(BaseModel, title="CallbackRemark"):
    """A comment."""

    at: AwareDatetime
    by: str
    text: str


class WishShown(BaseModel, title="CallbackWish"):
    """One wish for a call; name, address and note are for whoever claimed the request."""

    reference: str
    at: AwareDatetime
    topic: str
    window: Window | None
    expected: Window
    state: str = Field(description="`open`, or how it ended")
    calls: int
    name: str | None
    email: str | None
    note: str | None


class Contact(BaseModel, title="CallbackContact"):
    """Whom to call."""

    name: str
    phone: str
    display: str
    extension: str
    dial: str = Field(description="the address that a telephone dials, `tel:` (RFC 3966)")
    email: str
    note: str
    language: str


class Detail(Card, title="Callback"):
    """A request with its whole history; `contact` is for whoever claimed it."""

    contact: Contact | None
    window: Window | None = Field(description="the time the customer wished or agreed to")
    follows: str | None
    followed_by: str | None
    consent: str
    undo_until: AwareDatetime | None = Field(
        description="until when the one who asks can take the last outcome or end back"
    )
    all_wishes: list[WishShown]
    calls: list[CallMade]
    comments: list[Said]
    history: list[Event]


class Cards(BaseModel, title="CallbackList"):
    """A page of a tab, most urgent first; `cursor` is that of the next page."""

    callbacks: list[Card]
    cursor: str | None


class KnownNumber(BaseModel, title="NumberRecord"):
    """What is known of a number."""

    live: str | None
    blocked_until: AwareDatetime | None
    requests: list[str] = Field(description="references, newest first")


class ErasedRequests(BaseModel, title="NumberErasure"):
    """How many requests were erased."""

    status: Literal["erased"] = "erased"
    requests: int


@routes.get("/staff/callbacks", params=Board, gives=Cards)
def list_callbacks(request: Request, asked: Board) -> Cards:
    """List the requests on a tab of the board, most urgent first."""
    who = who_of(request.person)
    found, cursor = service.list_requests(asked.state, who, request.now, asked.cursor)
    cards = [Card(**card(each, request)) for each in found]
    return Cards(callbacks=cards, cursor=cursor or None)


@routes.post("/staff/callbacks", takes=TakenDown, gives=Detail, status=CREATED)
def take_down_callback(request: Request, asked: TakenDown) -> Detail:
    """Store a request of a customer who asks one of the staff for a call.

    A number that has a live request gets a further wish of it, and the answer is that request.
    """
    return detail(take_down(asked, request), request)


@_press("claim")
def claim_callback(request: Request, asked: ById) -> Detail:
    """Take a request, or accept its hand-over; 409 names who was faster."""
    return _act(request, asked, Press("claim"))


@_press("release")
def release_callback(request: Request, asked: ById) -> Detail:
    """Give a request back; whoever else is on duty is alerted again.

    A supervisor can free what another holds.
    """
    return _act(request, asked, Press("release"))


@_press("handover", takes=Handover)
def hand_over_callback(request: Request, asked: ById, offer: Handover) -> Detail:
    """Offer a request to a colleague, who is told, and has it once they claim it."""
    return _act(request, asked, Press("handover", to=colleague(offer.to, request), note=offer.note))


@_press("dial", takes=Dial)
def dial_callback(request: Request, asked: ById, given: Dial) -> Detail:
    """Begin an attempt: at most three, two a day, 20 minutes apart, within hours and the window."""
    return _act(request, asked, Press("dial", outside_window=given.outside_window))


@_press("outcome", takes=CallOutcome)
def record_callback_outcome(request: Request, asked: ById, given: CallOutcome) -> Detail:
    """Record how the call ended. A repeat answers the same."""
    window = span_of(given.window)
    return _act(request, asked, Press("settle", given.outcome, given.note, window))


@_press("undo")
def undo_callback(request: Request, asked: ById) -> Detail:
    """Take back the last outcome or end, within ten minutes and by whoever pressed."""
    return _act(request, asked, Press("undo"))


@_press("comment", takes=Comment)
def comment_on_callback(request: Request, asked: ById, given: Comment) -> Detail:
    """Keep a comment, whatever the state."""
    return _act(request, asked, Press("comment", note=given.text))


@_press("number", takes=Phone)
def correct_callback_number(request: Request, asked: ById, given: Phone) -> Detail:
    """Correct a mistyped number, as if the request had been made with the right one."""
    return _act(request, asked, Press("number", phone=given.phone))


@_press("assign", takes=Handover, role="supervisor")
def assign_callback(request: Request, asked: ById, given: Handover) -> Detail:
    """Give a request to somebody, who is told."""
    return _act(request, asked, Press("assign", to=colleague(given.to, request), note=given.note))


@_press("take", role="supervisor")
def take_callback(request: Request, asked: ById) -> Detail:
    """Take over what an absent colleague holds."""
    return _act(request, asked, Press("take"))


@_press("admit", role="supervisor")
def admit_callback(request: Request, asked: ById) -> Detail:
    """Decide that the number of a held request is called."""
    return _act(request, asked, Press("admit"))


@_press("decline", role="supervisor")
def decline_callback(request: Request, asked: ById) -> Detail:
    """Decide that the number of a held request is not called; the customer is told."""
    return _act(request, asked, Press("decline"))


@_press("follow", role="supervisor")
def follow_callback(request: Request, asked: ById) -> Detail:
    """Make a request that follows an ended one, as soon as possible; answers with the new one."""
    return _act(request, asked, Press("follow"))


@routes.post(
    "/staff/callbacks/called-in", takes=CalledIn, gives=Detail, errors=(NotFound, Conflict)
)
def record_incoming_call(request: Request, customer: CalledIn) -> Detail:
    """End the live request of a customer who rang by themselves, by their number or reference."""
    if not (customer.phone or customer.reference):
        raise Invalid(FieldError("phone", "required"))
    who = who_of(request.person)
    ended = service.end_called_in(customer.phone, customer.reference.upper(), who, request.now)
    return detail(ended, request)


@routes.post("/staff/numbers", takes=Phone, gives=KnownNumber, tag="staff-numbers")
def get_number(request: Request, asked: Phone) -> KnownNumber:
    """Show what is known of a telephone number."""
    return _known(service.look_up_number(asked.phone, request.now))


@routes.post(
    "/staff/numbers/block", takes=Block, gives=KnownNumber, role="supervisor", tag="staff-numbers"
)
def block_number(request: Request, asked: Block) -> KnownNumber:
    """Keep a number from being called for 90 days, or lift that."""
    who = who_of(request.person)
    return _known(service.set_block(asked.phone, asked.blocked, who, request.now))


@routes.post(
    "/staff/numbers/erase",
    takes=Phone,
    gives=ErasedRequests,
    role="supervisor",
    tag="staff-numbers",
)
def erase_number(request: Request, asked: Phone) -> ErasedRequests:
    """Erase what is known of a person by their number (GDPR Art. 17). A repeat answers the same.

    A live request ends. A block stays, as a key: the person is not to be called.
    """
    count = service.erase_number(asked.phone, who_of(request.person), request.now)
    return ErasedRequests(requests=count)


def take_down(asked: TakenDown, request: Request) -> Shown:
    """Store a request that one of the staff takes down. Raises Invalid, Unavailable."""
    how = {"consent_by": asked.consent_by, "source": asked.source}
    return service.take_down(asked.wanted(), how, who_of(request.person), request.now)


def who_of(person: Person) -> Who:
    """Return one of the staff as the workflow names them."""
    return Who(person.id, person.name, person.may("supervisor"))


def card(shown: CardShown, request: Request) -> dict[str, Any]:
    """Return a request as the board shows it to the one who asks."""
    callback = shown.callback
    return {
        "id": callback.reference,
        "reference": callback.reference,
        "state": callback.state,
        "topic": callback.asked.topic,
        "level": callback.level,
        "created_at": local(callback.created_at),
        "expected": window_of(callback.expected),
        "due_at": local(callback.due_at) if callback.due_at else None,
        "ended_at": local(callback.ended_at) if callback.ended_at else None,
        "waiting_minutes": shown.waited,
        "overdue": callback.is_overdue(request.now),
        "calling": callback.is_calling,
        "holder": callback.name_of(callback.holder) or None,
        "offered_to": callback.offered_to or None,
        "preferred": callback.name_of(callback.preferred) or None,
        "mine": callback.holder == request.person.id,
        "attempts": len(callback.attempts),
        "wishes": len(callback.open_wishes),
        "held_for": callback.held_for or None,
    }


def detail(shown: Shown, request: Request) -> Detail:
    """Return a request with its whole history, as the one who asks may see it.

    What people wrote, notes and comments, is shown with the name and the number, and never before.
    """
    callback, person = shown.card.callback, request.person
    seen = callback.may_be_seen_by(person.id, person.may("supervisor"))
    # What the holder tells the colleague whom the request is offered to, is theirs to read.
    is_offered = callback.offered_to in (person.id, person.name)
    window = callback.asked.window
    may_undo = callback.may_be_undone_by(person.id, request.now) and callback.pressed_at
    return Detail(
        **card(shown.card, request),
        contact=contact(callback, person),
        window=window_of(window) if window else None,
        follows=callback.follows or None,
        followed_by=callback.followed_by or None,
        consent=callback.asked.consent,
        undo_until=local(may_undo + UNDO_WITHIN) if may_undo else None,
        all_wishes=[_wish(each, callback, seen) for each in callback.wishes],
        calls=[
            CallMade(
                at=local(each.at),
                by=callback.name_of(each.by),
                outcome=each.outcome,
                note=each.note if seen else "",
            )
            for each in callback.attempts
        ],
        comments=[_said(item) for item in shown.comments] if seen or is_offered else [],
        history=[_event(item, callback) for item in shown.events],
    )


def _wish(wish: Wish, callback: Callback, seen: bool) -> WishShown:
    asked = wish.asked
    return WishShown(
        reference=wish.reference,
        at=local(wish.at),
        topic=asked.topic,
        window=window_of(asked.window) if asked.window else None,
        expected=window_of(wish.expected),
        state=wish.end or "open",
        calls=len(callback.calls_for(wish)),
        name=asked.name if seen else None,
        email=asked.email if seen else None,
        note=asked.note if seen else None,
    )


def _said(item: dict[str, Any]) -> Said:
    personal = item.get("personal", {})
    return Said(
        at=local(instants.parse(item["at"])),
        by=personal.get("by", item["by"]),
        text=personal.get("text", ""),
    )


def contact(callback: Callback, person: Person) -> Contact | None:
    """Return whom to call, as far as the one who asks may see it."""
    if not callback.may_be_seen_by(person.id, person.may("supervisor")):
        return None
    asked = callback.asked
    return Contact(
        name=asked.name,
        phone=asked.phone,
        display=phone_numbers.display(asked.phone),
        extension=asked.extension,
        dial=phone_numbers.Number(asked.phone, asked.extension).uri,
        email=asked.email,
        note=asked.note,
        language=asked.language,
    )


def colleague(written: str, request: Request) -> Who:
    """Return the colleague of an id or a name; one who has not signed in yet goes by the name."""
    names = session.colleagues(request.now)
    if written in names:
        return Who(written, names[written])
    return next((Who(id, name) for id, name in names.items() if name == written), None) or Who(
        written, written
    )


def _act(request: Request, asked: ById, press: Press) -> Detail:
    shown = service.act(asked.id, press, who_of(request.person), request.now)
    return detail(shown, request)


def _known(number: ByNumber) -> KnownNumber:
    until = number.blocked_until
    return KnownNumber(
        live=number.live or None,
        blocked_until=local(until) if until else None,
        requests=number.references,
    )


def _event(item: dict[str, Any], callback: Callback) -> Event:
    personal = item.get("personal", {})
    return Event(
        at=local(instants.parse(item["at"])),
        event=item["event"],
        by=personal.get("by", callback.name_of(item["by"])),
        state=item["state"],
        about={**item["facts"], **({"to": personal["to"]} if "to" in personal else {})},
    )
