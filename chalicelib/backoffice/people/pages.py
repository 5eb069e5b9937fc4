"""The search by number or reference, and the page of a person by their number.

A number is sent once, in a form. URLs hold its key instead.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from chalicelib.backoffice.people import service as people
from chalicelib.backoffice.people.service import Found, Kind
from chalicelib.callbacks import words
from chalicelib.callbacks.staff import api, service
from chalicelib.callbacks.staff.service import Search
from chalicelib.errors import NotFound
from chalicelib.http import SEE_OTHER, Body, Reply, Request, Routes, redirect
from chalicelib.http import fields as of
from chalicelib.http.staff_page import render

routes = Routes(__name__, tag="staff-numbers")
_PATHS: Mapping[Kind, str] = {
    "callback": "/staff/callbacks/",
    "number": "/staff/search/",
    "subscriber": "/staff/subscribers/",
}
Action = Literal["block", "lift", "restore", "erase"]
Key = Annotated[str, StringConstraints(pattern=r"^[\w-]{22}(\.[\w-]{22})?$")]


class Wanted(Body, title="StaffSearch"):
    """What somebody typed: a reference, a number, a whole mail address, a name."""

    text: Annotated[of.Line, StringConstraints(max_length=254)] = ""


class FoundItem(BaseModel, title="StaffSearchHit"):
    """Something that was found; `label` holds nothing personal."""

    kind: Kind
    id: str
    label: str


class SearchResult(BaseModel, title="StaffSearchResult"):
    """What a text stands for: nothing, one thing, or several."""

    found: list[FoundItem]


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


@routes.post(
    "/staff/search",
    takes=Wanted,
    gives=SearchResult,
    html=True,
    errors=(NotFound,),
    also=(SEE_OTHER,),
)
def find_people(request: Request, given: Wanted) -> SearchResult | Reply:
    """Find a request by its reference, a number, a whole mail address, or a name of a live one.

    A browser goes on to the only thing that is found.
    """
    found, seen = people.search(given.text, request.person, request.now)
    if not request.wants_page:
        return SearchResult(found=[FoundItem(**vars(each)) for each in found])
    if len(found) == 1:
        return redirect(_PATHS[found[0].kind] + found[0].id)
    return _search_page(request, seen, given.text.strip(), found)


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
            service.restore_block(asked.key, who, now)
        case "erase":
            service.erase_by_key(asked.key, who, now)
    return redirect(f"/staff/search/{asked.key}?done={asked.action}")


def _search_page(
    request: Request, seen: Search, typed: str = "", found: Sequence[Found] = ()
) -> Reply:
    return render(
        request,
        "search",
        refused=None if found else seen.refused,
        typed=typed,
        found=found,
        paths=_PATHS,
        blocked=seen.blocked,
        words=words,
    )
