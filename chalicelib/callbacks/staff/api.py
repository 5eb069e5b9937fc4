"""The staff's calls for programs: the board, and a request from claim to outcome.

A name and a number are shown to whoever has claimed the request, and afterwards to them and to
supervisors.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from chalicelib import instants
from chalicelib.auth.person import Person
from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.fields import Window, Wished, local, span_of, window_of
from chalicelib.callbacks.model import Callback, Outcome, State, Tab, Who
from chalicelib.callbacks.staff import service
from chalicelib.callbacks.staff.service import ByNumber, Press, Shown
from chalicelib.callbacks.staff.service import Card as CardShown
from chalicelib.errors import Conflict, NotFound
from chalicelib.http import Body, Request, Routes
from chalicelib.http import fields as of

routes = Routes(__name__, tag="staff-callbacks")
Reference = Annotated[of.Line, StringConstraints(min_length=1, max_length=20)]


class Board(Body):
    """Which tab of the board, from which cursor on."""

    state: Tab = "due"
    cursor: Annotated[of.Line, StringConstraints(max_length=100)] = ""
    language: of.Language = of.default_language()


class ById(Body):
    """A request, by its reference."""

    id: Reference
    language: of.Language = of.default_language()


class Phone(Body, title="PhoneNumber"):
    """A telephone number as it was typed."""

    phone: of.Phone
    language: of.Language = of.default_language()


class Dial(Body, title="CallStart"):
    """A call that begins; `outside_window` says that the customer agrees to another time."""

    outside_window: bool = False


class Handover(Body, title="HandOver"):
    """The colleague a request is offered to, by id or name."""

    to: Annotated[of.Line, StringConstraints(min_length=1, max_length=200)]


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
    state: State
    about: dict[str, str]


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
    consent: str
    calls: list[CallMade]
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


@routes.post("/staff/callbacks/{id}/claim", params=ById, gives=Detail, errors=(NotFound, Conflict))
def claim_callback(request: Request, asked: ById) -> Detail:
    """Take a request, or accept its hand-over; 409 names who was faster."""
    return _act(request, asked, Press("claim"))


@routes.post(
    "/staff/callbacks/{id}/release", params=ById, gives=Detail, errors=(NotFound, Conflict)
)
def release_callback(request: Request, asked: ById) -> Detail:
    """Give a request back; whoever else is on duty is alerted again."""
    return _act(request, asked, Press("release"))


@routes.post(
    "/staff/callbacks/{id}/handover",
    params=ById,
    takes=Handover,
    gives=Detail,
    errors=(NotFound, Conflict),
)
def hand_over_callback(request: Request, asked: ById, offer: Handover) -> Detail:
    """Offer a request to a colleague, who has it once they claim it."""
    return _act(request, asked, Press("handover", to=offer.to))


@routes.post(
    "/staff/callbacks/{id}/dial", params=ById, takes=Dial, gives=Detail, errors=(NotFound, Conflict)
)
def dial_callback(request: Request, asked: ById, given: Dial) -> Detail:
    """Begin an attempt: at most three, two a day, 20 minutes apart, within hours and the window."""
    return _act(request, asked, Press("dial", outside_window=given.outside_window))


@routes.post(
    "/staff/callbacks/{id}/outcome",
    params=ById,
    takes=CallOutcome,
    gives=Detail,
    errors=(NotFound, Conflict),
)
def record_callback_outcome(request: Request, asked: ById, given: CallOutcome) -> Detail:
    """Record how the call ended. A repeat answers the same."""
    window = span_of(given.window)
    return _act(request, asked, Press("settle", given.outcome, given.note, window))


@routes.post("/staff/callbacks/called-in", takes=Phone, gives=Detail, errors=(NotFound, Conflict))
def record_incoming_call(request: Request, customer: Phone) -> Detail:
    """End the live request of a customer who rang by themselves, found by their number."""
    who = who_of(request.person)
    return detail(service.end_called_in(customer.phone, who, request.now), request)


@routes.get("/staff/numbers", params=Phone, gives=KnownNumber, tag="staff-numbers")
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


def who_of(person: Person) -> Who:
    """Return one of the staff as the workflow names them."""
    return Who(person.id, person.name)


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
    }


def detail(shown: Shown, request: Request) -> Detail:
    """Return a request with its whole history, as the one who asks may see it."""
    callback = shown.card.callback
    window = callback.asked.window
    return Detail(
        **card(shown.card, request),
        contact=contact(callback, request.person),
        window=window_of(window) if window else None,
        follows=callback.follows or None,
        consent=callback.asked.consent,
        calls=[
            CallMade(
                at=local(each.at),
                by=callback.name_of(each.by),
                outcome=each.outcome,
                note=each.note,
            )
            for each in callback.attempts
        ],
        history=[_event(item, callback) for item in shown.events],
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
    return Event(
        at=local(instants.parse(item["at"])),
        event=item["event"],
        by=callback.name_of(item["by"]),
        state=item["state"],
        about={**item["facts"], **item.get("personal", {})},
    )
