"""The callbacks' entrances: the hotline, its bookable windows, the declaration, the request."""

import secrets
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from chalicelib import challenges, keys, limits, tokens
from chalicelib.callbacks import hotline, letters, model, numbers, opening, store, workflow
from chalicelib.callbacks.hotline import DAYS, Span
from chalicelib.callbacks.model import UNDO_WITHIN, Callback, Change, How, Topic
from chalicelib.callbacks.reactions import CHANGE
from chalicelib.callbacks.store import Number
from chalicelib.consent import Wordings
from chalicelib.errors import BadToken, Conflict, FieldError, Invalid
from chalicelib.http import PUBLIC_READ, Body, Call, Page, Reply, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__)
wordings = Wordings(Path(__file__).parent / "consent")


def wished(value: Any) -> Any:
    """A window as it was sent: a plain form's select has one text, both instants with a slash between (ISO 8601)."""
    if value == "":
        return None
    if isinstance(value, str) and value.count("/") == 1:
        begins, _, ends = value.partition("/")
        return {"from": begins, "to": ends}
    return value


class Window(BaseModel):
    """A span of time, both ends with an offset."""

    model_config = ConfigDict(serialize_by_alias=True)
    begins: AwareDatetime = Field(alias="from")
    ends: AwareDatetime = Field(alias="to")

    @property
    def span(self) -> Span:
        """The span as the workflow has it. Raises Invalid (`window`) where a clock change made up one of its ends."""
        zone = ZoneInfo(current().time_zone)
        for at in (self.begins, self.ends):
            offsets = {at.astimezone(zone).replace(month=month).utcoffset() for month in (1, 7)}
            # Who says +01:00 in July, or within the hour that is left out in March, means another time than we would.
            if at.utcoffset() in offsets and at.utcoffset() != at.astimezone(zone).utcoffset():
                raise Invalid(FieldError("window", "window"))
        return self.begins, self.ends


class Hotline(BaseModel):
    """The number and whether somebody answers it now; `hours` are the regular ones, local time."""

    number: str
    display: str
    timezone: str
    open: bool
    opens_at: AwareDatetime | None
    closes_at: AwareDatetime | None
    hours: dict[str, list[list[str]]]


class Days(Body):
    days: Annotated[int, Field(ge=1, le=30)] = 5


class Slots(BaseModel):
    """Bookable windows, none outside opening hours."""

    timezone: str
    slots: list[Window]


class Request(Body):
    """A visitor asks to be called back; without a window as soon as possible."""

    name: of.Name
    phone: Annotated[of.Line, StringConstraints(min_length=1, max_length=50)]
    topic: Topic = "general"
    window: Annotated[Window | None, BeforeValidator(wished)] = None
    email: of.OptionalEmail = None
    note: of.Note = ""
    consent: of.Version
    language: of.Language = "de"
    page: of.Page = ""
    altcha: of.Line | None = None
    website: of.Honeypot = ""
    next: of.Page | None = None


class ByVersion(Body):
    version: of.Version


class Received(BaseModel):
    """The same answer whatever is known of the number."""

    status: Literal["received"] = "received"
    reference: str
    expected: Window


@routes.get("/hotline", gives=Hotline)
def line(call: Call) -> Reply:
    """The telephone number and whether the line is open now."""
    settings, hours = current(), opening.hours()
    until, opens = hotline.open_until(hours, call.now), hotline.next_opening(hours, call.now)
    closes = until and until - call.now < timedelta(
        days=7
    )  # a line that is open around the clock closes never
    answer = Hotline(
        number=settings.hotline_number,
        display=numbers.display(settings.hotline_number),
        timezone=settings.time_zone,
        open=until is not None,
        opens_at=local(opens) if opens and not until else None,
        closes_at=local(until) if until and closes else None,
        hours={
            day: [[_clock(at) for at in block] for block in hours.week[number]]
            for number, day in enumerate(DAYS)
        },
    )
    return Reply(answer, headers=PUBLIC_READ)


@routes.get("/callbacks/slots", params=Days, gives=Slots)
def slots(call: Call, asked: Days) -> Reply:
    """The windows a callback can be wished for, in the coming days."""
    found = hotline.slots(opening.hours(), call.now, asked.days)
    return Reply(
        Slots(timezone=current().time_zone, slots=[window_of(slot) for slot in found]),
        headers=PUBLIC_READ,
    )


@routes.get("/callbacks/consent", params=of.InLanguage, gives=of.Declaration)
def declaration(call: Call, asked: of.InLanguage) -> Reply:
    """The declaration a callback form must show now."""
    return Reply(of.Declaration(**vars(wordings.current(asked.language))), headers=PUBLIC_READ)


@routes.get("/callbacks/consent/{version}", params=ByVersion, gives=of.Declaration, errors=(404,))
def declaration_by_version(call: Call, asked: ByVersion) -> Reply:
    """A declaration by its version, for every version ever used."""
    return Reply(of.Declaration(**vars(wordings.get(asked.version))), headers=PUBLIC_READ)


@routes.post("/callbacks", takes=Request, gives=Received, status=202, errors=(429,))
def submit(call: Call, request: Request) -> Thanks:
    """Asks for a callback. A second request for a number that has one open merges into it and is answered alike."""
    settings, wording = current(), wordings.seen(request.consent)
    number = numbers.read(request.phone, settings.phone_regions, settings.hotline_number)
    asked = model.Asked(
        name=request.name,
        phone=number.e164,
        extension=number.extension,
        number_key=keys.identity("number", number.e164),
        topic=request.topic,
        consent=wording.version,
        language=request.language,
        email=request.email or "",
        note=request.note,
        window=request.window.span if request.window else None,
    )

    def make(reference: str, known: Number) -> Change:
        follows = known.requests[0][1] if known.requests else ""
        return workflow.submit(asked, reference, opening.rules(), call.now, follows)

    if request.website:  # no person sees this field
        callback = make(model.make_reference(secrets.token_bytes(4)), Number()).after
    else:
        claim = challenges.claim("callback", request.altcha, call.now)
        how = How(
            wording.sha256, {"caller": call.caller, "agent": call.agent, "page": request.page}
        )
        limit = limits.per_caller("callbacks", call.caller, settings.limit_callbacks_per_caller)
        callback = store.submit(make, asked.number_key, how, call.now, limit, claim)
    received = Received(reference=callback.reference, expected=window_of(callback.expected))
    promise = partial(letters.window, callback.expected, settings.time_zone, call.language)
    return Thanks(
        received, "received", request.next, {"reference": received.reference, "promise": promise}
    )


class Token(Body):
    token: str = ""  # a missing one is a bad one, answered alike


class Wish(Token):
    """What the customer wants changed; `undo` takes back a cancellation for ten minutes."""

    action: Literal["cancel", "reschedule", "undo"]
    window: Annotated[Window | None, BeforeValidator(wished)] = None


class Changed(BaseModel):
    """What has become of the request."""

    status: Literal["cancelled", "rescheduled", "restored"]
    reference: str
    expected: Window


@routes.get("/callbacks/change", params=Token, html=True)
def show_change(call: Call, link: Token) -> Page:
    """The customer's page: what was agreed, and buttons to cancel or move it. Changes nothing."""
    callback = store.load(_reference(link.token, call))
    if callback is None or callback.erased:
        raise BadToken
    return Page("callback", _told(callback, link.token, call))


@routes.post("/callbacks/change", params=Token, takes=Wish, gives=Changed, html=True, errors=(409,))
def change(call: Call, link: Token, wish: Wish) -> Page:
    """Cancels or moves the call, or takes a cancellation back; 409 while somebody is calling. A repeat is one."""
    token = wish.token or link.token
    callback = store.load(_reference(token, call))
    if callback is None or callback.erased:
        raise BadToken
    if wish.action == "undo":
        return _restored(callback, call)

    def decide(before: Callback) -> Change:
        if wish.action == "cancel":
            return workflow.cancel(before, call.now)
        if wish.window is None:
            raise Invalid(FieldError("window", "required"))
        return workflow.reschedule(before, wish.window.span, opening.rules(), call.now)

    after = store.change(callback.reference, decide, call.now)
    status: Literal["cancelled", "rescheduled"] = (
        "cancelled" if wish.action == "cancel" else "rescheduled"
    )
    return _changed(after, status, token, call)


def _restored(cancelled: Callback, call: Call) -> Page:
    """A new request that follows the cancelled one; pressed again, it is the one that followed."""

    def make(reference: str, known: Number) -> Change:
        if known.blocked_until and call.now < known.blocked_until:
            raise Conflict("cancelled", "too_late")
        return workflow.undo(cancelled, reference, opening.rules(), call.now)

    how = How(
        wordings.get(cancelled.asked.consent).sha256, {"caller": call.caller, "agent": call.agent}
    )
    after = store.submit(make, cancelled.asked.number_key, how, call.now)
    after = store.load(after.reference) or after
    return _changed(after, "restored", tokens.sign(CHANGE, after.reference, 0), call)


def _changed(
    after: Callback, status: Literal["cancelled", "rescheduled", "restored"], token: str, call: Call
) -> Page:
    body = Changed(status=status, reference=after.reference, expected=window_of(after.expected))
    return Page("callback", {**_told(after, token, call), "changed": status}, body)


def _told(callback: Callback, token: str, call: Call) -> dict[str, Any]:
    zone = current().time_zone
    slots = hotline.slots(opening.hours(), call.now, 8) if callback.is_live else []
    undo = (
        callback.state == "cancelled"
        and callback.ended_at
        and call.now < callback.ended_at + UNDO_WITHIN
    )
    return {
        "token": token,
        "reference": callback.reference,
        "live": callback.is_live,
        "calling": callback.is_calling,
        "state": callback.state,
        "undo": bool(undo),
        "changed": "",
        "window": letters.window(callback.expected, zone, call.language),
        "hotline": numbers.display(current().hotline_number),
        "slots": [
            (
                "/".join(local(at).isoformat() for at in slot),
                letters.slot(slot, zone, call.language),
            )
            for slot in slots
            if slot != callback.expected
        ],
    }


def _reference(token: str, call: Call) -> str:
    return tokens.read(CHANGE, token, call.now)[0]


def local(at: datetime) -> datetime:
    """An instant by the company's clock, to the second."""
    return at.astimezone(ZoneInfo(current().time_zone)).replace(microsecond=0)


def window_of(span: Span) -> Window:
    """A span as it goes out."""
    return Window.model_validate({"from": local(span[0]), "to": local(span[1])})


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
