"""The search, by number or reference. A number is sent once, and then stands in no address: its key does."""

import re
from typing import Annotated, Literal

from pydantic import StringConstraints

from chalicelib.callbacks import desk, store
from chalicelib.callbacks.model import ALPHABET
from chalicelib.errors import Invalid
from chalicelib.http import Body, Call, Reply, Routes
from chalicelib.http import fields as of
from chalicelib.messages import message
from chalicelib.settings import current
from chalicelib.staff.lead.words import Words
from chalicelib.staff.pages import page

routes = Routes(__name__, tag="staff-numbers")
_REFERENCE = re.compile(rf"R-?([{ALPHABET}]{{4,12}})", re.IGNORECASE)
Action = Literal["block", "lift", "restore", "erase"]


class Wanted(Body, title="StaffSearch"):
    wanted: Annotated[of.Line, StringConstraints(max_length=50)] = ""


class ByKey(Body):
    key: Annotated[str, StringConstraints(pattern=r"^[\w-]{22}$")]
    done: Action | None = None


class Decision(Body):
    key: Annotated[str, StringConstraints(pattern=r"^[\w-]{22}$")]
    action: Action


@routes.get("/staff/search", operation="showSearch", html=True)
def search(call: Call) -> Reply:
    """The search, and for supervisors the numbers that are blocked."""
    return _search(call)


@routes.post(
    "/staff/search",
    operation="findCallbackOrNumber",
    takes=Wanted,
    html=True,
    status=303,
    errors=(404,),
)
def find(call: Call, given: Wanted) -> Reply:
    """Goes to the request of a reference, or to the page of a number."""
    written = given.wanted.strip()
    if found := _REFERENCE.fullmatch(written):
        reference = f"R-{found[1].upper()}"
        if store.load(reference) is None:
            return _search(call, 404, written, message("not_found", call.language))
        return _to(f"/staff/callbacks/{reference}")
    try:
        return _to(f"/staff/search/{desk.key_of(written)}")
    except Invalid as error:
        return _search(call, 422, written, message(error.fields[0].code, call.language))


@routes.get("/staff/search/{key}", operation="showNumber", params=ByKey, html=True)
def show(call: Call, asked: ByKey) -> Reply:
    """What is known of a number."""
    known = store.number(asked.key)
    blocked = (
        known.blocked_until if known.blocked_until and call.now < known.blocked_until else None
    )
    requests = store.load_many([reference for _, reference in known.requests])
    shown = next(
        (each.display for each in (desk.contact(request, call) for request in requests) if each), ""
    )
    return page(
        call,
        "number",
        key=asked.key,
        done=asked.done,
        blocked=blocked,
        live=known.live,
        requests=requests,
        number=shown,
        words=_words(call),
    )


@routes.get(
    "/staff/search/{key}/{action}",
    operation="showNumberAction",
    params=Decision,
    html=True,
    role="supervisor",
)
def ask(call: Call, asked: Decision) -> Reply:
    """Whether that is really meant: one button. Changes nothing."""
    return page(
        call, "number_sure", key=asked.key, action=asked.action, live=store.number(asked.key).live
    )


@routes.post(
    "/staff/search/{key}/{action}",
    operation="applyNumberAction",
    params=Decision,
    html=True,
    status=303,
    role="supervisor",
)
def decide(call: Call, asked: Decision) -> Reply:
    """Blocks a number, lifts its block or puts it back, or erases its person. A repeat changes nothing more."""
    if asked.action == "erase":
        desk.erase_person(asked.key, call)
    else:
        desk.set_block(asked.key, asked.action, call)
    return _to(f"/staff/search/{asked.key}?done={asked.action}")


def _search(call: Call, status: int = 200, wanted: str = "", wrong: str = "") -> Reply:
    blocked = store.blocked(call.now) if call.person.may("supervisor") else []
    return page(
        call, "search", status, wanted=wanted, wrong=wrong, blocked=blocked, words=_words(call)
    )


def _words(call: Call) -> Words:
    return Words(call.language, current().time_zone)


def _to(path: str) -> Reply:
    return Reply(
        status=303,
        headers={"Location": f"{current().base_url}{path}", "Content-Type": "text/plain"},
    )
