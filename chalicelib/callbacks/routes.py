"""The callbacks' entrances: the hotline, its bookable windows, the declaration, the request."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from chalicelib import challenges, keys, limits
from chalicelib.callbacks import hotline, model, numbers, opening, store
from chalicelib.callbacks.hotline import DAYS, Span
from chalicelib.callbacks.model import Topic
from chalicelib.consent import Wordings
from chalicelib.http import PUBLIC_READ, Body, Call, Reply, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__)
wordings = Wordings(Path(__file__).parent / "consent")


def _from_form(value: Any) -> Any:
    """A plain form's select has one text: the two instants with a slash between, as ISO 8601 writes intervals."""
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
    window: Annotated[Window | None, BeforeValidator(_from_form)] = None
    email: of.OptionalEmail = None
    note: of.Note = ""
    consent: of.Version
    language: of.Language = "de"
    page: of.Page = ""
    altcha: of.Line | None = None
    website: of.Honeypot = ""
    next: of.Page | None = None


class Received(BaseModel):
    """The same answer whatever is known of the number."""

    status: Literal["received"] = "received"
    reference: str
    expected: Window


@routes.get("/hotline", gives=Hotline)
def line(call: Call) -> Reply:
    """The telephone number and whether the line is open now."""
    settings, hours = current(), opening.hours()
    until = hotline.open_until(hours, call.now)
    closes = until and until - call.now < timedelta(days=7)  # a line that is open around the clock closes never
    answer = Hotline(
        number=settings.hotline_number,
        display=numbers.display(settings.hotline_number),
        timezone=settings.time_zone,
        open=until is not None,
        opens_at=None if until else _local(hotline.next_opening(hours, call.now)),
        closes_at=_local(until) if closes else None,
        hours={day: [[_clock(at) for at in block] for block in hours.week[number]] for number, day in enumerate(DAYS)},
    )
    return Reply(answer, headers=PUBLIC_READ)


@routes.get("/callbacks/slots", params=Days, gives=Slots)
def slots(call: Call, asked: Days) -> Reply:
    """The windows a callback can be wished for, in the coming days."""
    found = hotline.slots(opening.hours(), call.now, asked.days)
    return Reply(Slots(timezone=current().time_zone, slots=[_window(slot) for slot in found]), headers=PUBLIC_READ)


@routes.get("/callbacks/consent", params=of.InLanguage, gives=of.Declaration)
def declaration(call: Call, asked: of.InLanguage) -> Reply:
    """The declaration a callback form must show now."""
    return Reply(of.Declaration(**vars(wordings.current(asked.language))), headers=PUBLIC_READ)


@routes.post("/callbacks", takes=Request, gives=Received, status=202, errors=(429,))
def submit(call: Call, request: Request) -> Thanks:
    """Asks for a callback. A second request for a number that has one open merges into it and is answered alike."""
    settings, wording = current(), wordings.seen(request.consent)
    number = numbers.read(request.phone, settings.phone_regions, settings.hotline_number)
    asked = model.Asked(
        name=request.name, phone=number.e164, extension=number.extension,
        number_key=keys.identity("number", number.e164), topic=request.topic, consent=wording.version,
        language=request.language, email=request.email or "", note=request.note,
        window=(request.window.begins, request.window.ends) if request.window else None,
    )  # fmt: skip

    def make(reference: str) -> model.Callback:
        return model.submit(asked, reference, opening.hours(), settings.first_attempt_minutes, call.now)

    if request.website:  # no person sees this field
        callback = make(model.make_reference(secrets.token_bytes(4)))
    else:
        claim = challenges.claim("callback", request.altcha, call.now)
        how = {"caller": call.caller, "agent": call.agent, "page": request.page, "wording": wording.sha256}
        limit = limits.per_caller("callbacks", call.caller, settings.limit_callbacks_per_caller)
        promised = make("")  # what a fresh request is told, also where it merges: the answers are alike
        callback = store.submit(make, how, limit, call.now, claim)
        callback = replace(callback, expected=promised.expected)
    received = Received(reference=callback.reference, expected=_window(callback.expected))
    promise = {"reference": received.reference, "begins": received.expected.begins, "ends": received.expected.ends}
    return Thanks(received, "received", request.next, promise)


def _local(at: datetime | None) -> datetime | None:
    return at.astimezone(ZoneInfo(current().time_zone)).replace(microsecond=0) if at else None


def _window(span: Span) -> Window:
    begins, ends = (at.astimezone(ZoneInfo(current().time_zone)).replace(microsecond=0) for at in span)
    return Window.model_validate({"from": begins, "to": ends})


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
