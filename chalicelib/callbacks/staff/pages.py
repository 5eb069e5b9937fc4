"""The staff's pages of callbacks: the board, one request, and what is pressed on them."""

from typing import Annotated

from pydantic import StringConstraints

from chalicelib.callbacks.fields import Wished, span_of
from chalicelib.callbacks.model import Outcome
from chalicelib.callbacks.staff import api, service, view
from chalicelib.callbacks.staff.api import Board, ById, Detail
from chalicelib.callbacks.staff.service import Press, Shown
from chalicelib.errors import Conflict, NotFound
from chalicelib.http import (
    NOT_MODIFIED,
    OK,
    SEE_OTHER,
    Body,
    Reply,
    Request,
    Routes,
    not_modified,
    redirect,
)
from chalicelib.http import fields as of
from chalicelib.http.staff_page import render

routes = Routes(__name__, tag="staff-callbacks")
_SUPERVISORS: tuple[service.Action, ...] = ("assign", "take", "admit", "decline", "follow")


class Button(Body, title="CallbackAction"):
    """A button of the request's page, with whatever stands in its form."""

    action: service.Action = "settle"
    outcome: Outcome | None = None
    note: of.Note = ""
    window: Wished = None
    to: Annotated[of.Line, StringConstraints(max_length=200)] = ""
    phone: Annotated[of.Line, StringConstraints(max_length=50)] = ""
    outside_window: bool = False


@routes.get("/staff", params=Board, html=True, also=(NOT_MODIFIED,))
def show_board(request: Request, asked: Board) -> Reply:
    """Show the board of callback requests.

    Answers 304 where a script's `If-None-Match` shows that nothing is new.
    """
    who = api.who_of(request.person)
    board = service.look_at_board(asked.state, who, request.now, asked.cursor)
    values = {
        "cards": view.cards(board.cards, request),
        "counts": {tab: len(each) for tab, each in board.live.items()},
        "due": [each.reference for each in board.live["due"]],
        **view.shared(board.line, request),
    }
    version = view.board_version(values, request)
    if request.headers.get("if-none-match") == version:
        return not_modified(version)
    return render(request, "board", tab=asked.state, cursor=board.cursor, version=version, **values)


@routes.get(
    "/staff/callbacks/{id}",
    params=ById,
    gives=Detail,
    html=True,
    errors=(NotFound,),
    also=(NOT_MODIFIED,),
)
def get_callback(request: Request, asked: ById) -> Reply | Detail:
    """Show one request with its whole history: a page for people, JSON for programs."""
    shown = service.show(asked.id, api.who_of(request.person), request.now)
    if not request.wants_page:
        return api.detail(shown, request)
    return _page(request, shown)


@routes.post(
    "/staff/callbacks/{id}",
    params=ById,
    takes=Button,
    html=True,
    status=SEE_OTHER,
    errors=(NotFound, Conflict),
    also=(OK,),
)
def act_on_callback(request: Request, asked: ById, button: Button) -> Reply:
    """Do what was pressed on the page of a request.

    A press that comes too late shows the request as it is now, and why.
    """
    if button.action in _SUPERVISORS:
        request.person.needs("supervisor")
    press = Press(
        button.action,
        button.outcome,
        button.note,
        span_of(button.window),
        api.colleague(button.to, request) if button.to else None,
        button.phone,
        button.outside_window,
    )
    shown = service.try_to_act(asked.id, press, api.who_of(request.person), request.now)
    if shown.refused:
        return _page(request, shown, typed=button)
    return redirect(f"/staff/callbacks/{shown.card.callback.reference}")


def _page(request: Request, shown: Shown, typed: Button | None = None) -> Reply:
    values = view.request_page(shown, request)
    if not shown.refused and request.headers.get("if-none-match") == values["version"]:
        return not_modified(values["version"])
    return render(request, "request", refused=shown.refused, typed=typed, **values)
