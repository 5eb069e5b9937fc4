"""The search by number or reference, and the page of a person by their number.

A number is sent once, in a form. URLs hold its key instead.
"""

from typing import Annotated, Literal

from pydantic import StringConstraints

from chalicelib.callbacks import words
from chalicelib.callbacks.staff import api, service
from chalicelib.callbacks.staff.service import Search
from chalicelib.errors import NotFound
from chalicelib.http import SEE_OTHER, Body, Reply, Request, Routes, redirect
from chalicelib.http import fields as of
from chalicelib.http.staff_page import render

routes = Routes(__name__, tag="staff-numbers")
Action = Literal["block", "lift", "restore", "erase"]
Key = Annotated[str, StringConstraints(pattern=r"^[\w-]{22}(\.[\w-]{22})?$")]


class Wanted(Body, title="StaffSearch"):
    """What somebody typed into the search."""

    wanted: Annotated[of.Line, StringConstraints(max_length=50)] = ""


class ByKey(Body):
    """A number by its key; `done` is what a page of ours has just done."""

    key: Key
    done: Action | None = None


class Decision(Body):
    """A decision about a number."""

    key: Key
    action: Action


@routes.get("/staff/search", html=True)
def show_search(request: Request) -> Reply:
    """Show the search, and to supervisors the numbers that are blocked."""
    found = service.search(None, request.now, request.person.may("supervisor"))
    return _search_page(request, found)


@routes.post("/staff/search", takes=Wanted, html=True, status=SEE_OTHER, errors=(NotFound,))
def find_callback_or_number(request: Request, given: Wanted) -> Reply:
    """Go to the request of a reference, or to the page of a number."""
    found = service.search(given.wanted, request.now, request.person.may("supervisor"))
    if found.reference:
        return redirect(f"/staff/callbacks/{found.reference}")
    if found.key:
        return redirect(f"/staff/search/{found.key}")
    return _search_page(request, found, given.wanted.strip())


@routes.get("/staff/search/{key}", params=ByKey, html=True)
def show_number(request: Request, asked: ByKey) -> Reply:
    """Show what is known of a number."""
    found = service.by_number(asked.key, request.now, with_requests=True)
    contacts = (api.contact(each, request.person) for each in found.requests)
    return render(
        request,
        "number",
        key=asked.key,
        done=asked.done,
        blocked=found.blocked_until,
        live=found.live,
        requests=found.requests,
        number=next((each.display for each in contacts if each), ""),
        words=words,
    )


@routes.get("/staff/search/{key}/{action}", params=Decision, html=True, role="supervisor")
def show_number_action(request: Request, asked: Decision) -> Reply:
    """Ask for a confirmation: one button. Changes nothing."""
    live = service.by_number(asked.key, request.now).live
    return render(request, "number_sure", key=asked.key, action=asked.action, live=live)


@routes.post(
    "/staff/search/{key}/{action}", params=Decision, html=True, status=SEE_OTHER, role="supervisor"
)
def apply_number_action(request: Request, asked: Decision) -> Reply:
    """Block a number, lift its block or put it back, or erase its person.

    A repeat changes nothing more.
    """
    who, now = api.who_of(request.person), request.now
    match asked.action:
        case "block":
            service.block(asked.key, who, now)
        case "lift":
            service.lift_block(asked.key, who, now)
        case "restore":
            service.restore_block(asked.key, who)
        case "erase":
            service.erase_by_key(asked.key, who, now)
    return redirect(f"/staff/search/{asked.key}?done={asked.action}")


def _search_page(request: Request, found: Search, wanted: str = "") -> Reply:
    return render(
        request,
        "search",
        refused=found.refused,
        wanted=wanted,
        blocked=found.blocked,
        words=words,
    )
