"""The staff's pages of callbacks: the board, one request, and the form to take one down."""

from typing import Annotated

from pydantic import StringConstraints, ValidationError

from chalicelib.callbacks.fields import Wished, span_of
from chalicelib.callbacks.model import Outcome
from chalicelib.callbacks.staff import api, service, view
from chalicelib.callbacks.staff.api import Board, ById, Detail, TakenDown
from chalicelib.callbacks.staff.service import Press, Shown
from chalicelib.errors import Conflict, Invalid, NotFound
from chalicelib.http import (
    NOT_MODIFIED,
    OK,
    SEE_OTHER,
    Body,
    Reply,
    Request,
    Routes,
    not_modified,
    problems,
    redirect,
)
from chalicelib.http import fields as of
from chalicelib.http.problems import Problem
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


class Typed(Body, title="CallbackForm"):
    """What stands in the form for a request that is taken down, as it was typed."""

    name: str = ""
    phone: str = ""
    topic: str = ""
    window: str = ""
    email: str = ""
    note: str = ""
    consent: str = ""
    consent_by: str = ""
    source: str = ""
    language: of.Language = of.default_language()


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


@routes.get("/staff/new", html=True)
def show_callback_form(request: Request) -> Reply:
    """Show the form to take down a request, with the declaration to read out."""
    return _form(request, Typed(language=request.language))


@routes.post("/staff/new", takes=Typed, html=True, status=SEE_OTHER)
def take_down_callback_by_form(request: Request, typed: Typed) -> Reply:
    """Store what was typed into the form, and go to the request.

    Where a field cannot be accepted, the form is shown again with what was typed.
    """
    try:
        asked = TakenDown.model_validate({k: v for k, v in typed.model_dump().items() if v})
        taken = api.take_down(asked, request)
    except ValidationError as error:
        problem = problems.of_validation(error)
        wrong = service.what_is_wrong_with(typed.phone) if typed.phone else ()
        return _form(
            request, typed, Problem(problem.status, problem.code, (*wrong, *problem.fields))
        )
    except Invalid as refused:
        return _form(request, typed, problems.of(refused))
    return redirect(f"/staff/callbacks/{taken.card.callback.reference}")


def _page(request: Request, shown: Shown, typed: Button | None = None) -> Reply:
    values = view.request_page(shown, request)
    refused = shown.refused
    if not refused and request.headers.get("if-none-match") == values["version"]:
        return not_modified(values["version"])
    return render(
        request,
        "request",
        refused=refused,
        typed=typed,
        wrong=view.sentences(problems.of(refused), request) if refused else {},
        kept=typed is not None and view.has_comment(shown, typed.note, request),
        **values,
    )


def _form(request: Request, typed: Typed, problem: Problem | None = None) -> Reply:
    return render(
        request,
        "new",
        problem.status if problem else OK,
        typed=typed,
        wrong=view.sentences(problem, request) if problem else {},
        **view.form(request),
    )
