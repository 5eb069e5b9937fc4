"""The public's entrances: the hotline, its bookable windows, the declaration, the request."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from chalicelib.callbacks import links, phone_numbers, rules, service
from chalicelib.callbacks.fields import AskedFields, Window, Wished, local, span_of, window_of
from chalicelib.callbacks.model import Callback, Wish
from chalicelib.callbacks.opening_hours import DAYS, by_day
from chalicelib.callbacks.service import LINK_DAYS, wordings
from chalicelib.errors import BadToken, Conflict, LimitReached, NotFound
from chalicelib.formats import Formats
from chalicelib.http import ACCEPTED, PUBLIC_READ, Body, Page, Reply, Request, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__, tag="callbacks")
_NEVER_CLOSES = timedelta(days=7)
_STATUSES: dict[str, Literal["cancelled", "rescheduled", "restored"]] = {
    "cancel": "cancelled",
    "reschedule": "rescheduled",
    "undo": "restored",
}


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
    """Of how many open days to list the windows."""

    days: Annotated[int, Field(ge=1, le=30)] = 5


class Slots(BaseModel, title="CallbackSlots"):
    """Bookable windows, none outside opening hours."""

    timezone: str
    slots: list[Window]


class CallbackRequest(AskedFields):
    """A visitor asks to be called back; without a window as soon as possible."""

    page: of.PageUrl = ""
    altcha: of.Line | None = None
    website: of.Honeypot = ""
    next: of.PageUrl | None = None


class ByVersion(Body):
    """A declaration, by its version."""

    version: of.Version


class PhoneRead(BaseModel, title="PhoneReading"):
    """How a number was understood; `extension` is empty where there is none."""

    e164: str
    extension: str
    display: str = Field(description="as people write it, with the extension")


class Received(BaseModel, title="CallbackReceipt"):
    """The same answer whatever is known of the number."""

    status: Literal["received"] = "received"
    reference: str
    expected: Window
    phone: PhoneRead


class Token(Body):
    """The token of a customer's link."""

    token: str = ""  # a missing one is a bad one, answered alike


class WishChange(Token, title="CallbackChange"):
    """What the customer wants changed; `undo` takes the last change back for ten minutes."""

    action: service.LinkAction
    window: Wished = None


class Changed(BaseModel, title="ChangedCallback"):
    """What has become of the request."""

    status: Literal["cancelled", "rescheduled", "restored"]
    reference: str
    expected: Window


@routes.get("/hotline", gives=Hotline)
def get_hotline(request: Request) -> Reply:
    """Show the telephone number and whether the line is open now."""
    settings, line, at = current(), service.line(request.now), None
    # A line that is open around the clock never closes.
    if line.changes_at and not (line.is_open and line.changes_at - request.now >= _NEVER_CLOSES):
        at = local(line.changes_at)
    answer = Hotline(
        number=settings.hotline_number,
        display=phone_numbers.display(settings.hotline_number),
        timezone=settings.time_zone,
        open=line.is_open,
        opens_at=None if line.is_open else at,
        closes_at=at if line.is_open else None,
        hours={
            day: [[_clock(at) for at in block] for block in blocks]
            for day, blocks in zip(DAYS, by_day(rules.hours().week), strict=True)
        },
    )
    return Reply(answer, headers=PUBLIC_READ)


@routes.get("/callbacks/slots", params=Days, gives=Slots)
def list_callback_slots(request: Request, asked: Days) -> Reply:
    """List the windows a callback can be wished for, on the next days on which there are any."""
    slots = [window_of(slot) for slot in service.slots(request.now, asked.days)]
    return Reply(Slots(timezone=current().time_zone, slots=slots), headers=PUBLIC_READ)


@routes.get("/callbacks/consent", params=of.InLanguage, gives=of.Declaration)
def get_callback_consent(request: Request, asked: of.InLanguage) -> Reply:
    """Show the declaration a callback form must show now."""
    wording = wordings.current(asked.language)
    return Reply(of.Declaration(**vars(wording)), headers=PUBLIC_READ)


@routes.get(
    "/callbacks/consent/{version}", params=ByVersion, gives=of.Declaration, errors=(NotFound,)
)
def get_callback_consent_by_version(request: Request, asked: ByVersion) -> Reply:
    """Show a declaration by its version, for every version ever used."""
    return Reply(of.Declaration(**vars(wordings.get(asked.version))), headers=PUBLIC_READ)


@routes.post(
    "/callbacks", takes=CallbackRequest, gives=Received, status=ACCEPTED, errors=(LimitReached,)
)
def request_callback(request: Request, asked: CallbackRequest) -> Thanks:
    """Ask for a callback.

    A second request for a number that has one open becomes a further wish of it, and is answered
    alike.
    """
    wanted = asked.wanted(page=asked.page, proof_of_work=asked.altcha)
    callback = service.submit(wanted, request.sender, request.now)
    number = phone_numbers.Number(callback.asked.phone, callback.asked.extension)
    phone = PhoneRead(
        e164=number.e164, extension=number.extension, display=number.shown(request.language)
    )
    expected = window_of(callback.expected)
    received = Received(reference=callback.reference, expected=expected, phone=phone)
    context = {
        "reference": received.reference,
        "expected": callback.expected,
        "phone": phone.display,
    }
    return Thanks(received, "received", asked.next, context)


@routes.get("/callbacks/change", params=Token, html=True)
def show_callback_change(request: Request, link: Token) -> Page:
    """Show the customer what was agreed, and buttons to cancel or move it. Changes nothing."""
    callback, wish = service.by_link(link.token, request.now)
    return Page("callback", _page_values(callback, wish, link.token, request))


@routes.post(
    "/callbacks/change",
    params=Token,
    takes=WishChange,
    gives=Changed,
    html=True,
    errors=(Conflict, LimitReached),
)
def change_callback(request: Request, link: Token, wanted: WishChange) -> Page:
    """Cancel or move the call, or take that back.

    Answers 409 while somebody is calling, and 429 after five moves or three cancellations a day. A
    repeat is answered alike.
    """
    token = wanted.token or link.token
    window = span_of(wanted.window) if wanted.action == "reschedule" else None
    after, wish = service.change_by_link(token, wanted.action, window, request.now)
    status = _STATUSES[wanted.action]
    body = Changed(status=status, reference=wish.reference, expected=window_of(wish.expected))
    values = {**_page_values(after, wish, token, request), "changed": status}
    return Page("callback", values, body)


@routes.get("/callbacks/calendar.ics", params=Token, media="text/calendar", errors=(BadToken,))
def get_callback_calendar(request: Request, link: Token) -> Reply:
    """Give the agreed time as a calendar file; after a cancellation, one that says so."""
    text = service.calendar_of(link.token, request.now)
    headers = {
        "Content-Type": "text/calendar; charset=utf-8",
        "Content-Disposition": 'attachment; filename="callback.ics"',
    }
    return Reply(text, headers={**headers, "Cache-Control": "no-store"})


def _page_values(callback: Callback, wish: Wish, token: str, request: Request) -> dict[str, Any]:
    """Return what the customer's page shows: their own wish, and nothing of the others."""
    formats, now = _formats(request), request.now
    live = callback.is_live and wish.is_open
    slots = service.slots(now, LINK_DAYS) if live else []
    return {
        "token": token,
        "reference": wish.reference,
        "told": links.reference(token, now),
        "live": live,
        "calling": callback.is_calling,
        "late": wish.expected[1] < now,
        "state": wish.end or callback.state,
        "tried": bool(callback.calls_for(wish)),
        "undo": service.may_undo(wish, now) and wish.end in ("", "cancelled"),
        "changed": "",
        "window": formats.window(*wish.expected),
        "hotline": phone_numbers.display(current().hotline_number),
        "hours": formats.week(rules.hours().week),
        "slots": [
            ("/".join(local(at).isoformat() for at in slot), formats.slot(*slot))
            for slot in slots
            if slot != wish.expected
        ],
    }


def _formats(request: Request) -> Formats:
    return Formats(request.language, current().time_zone)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
