"""The board's entrances: its pages, and what is pressed on them."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, StringConstraints

from chalicelib.callbacks import desk, store, workflow
from chalicelib.callbacks.desk import Board, ById, Detail, Dial, Handover, Settled
from chalicelib.callbacks.model import Outcome, Who
from chalicelib.callbacks.routes import Window, wished
from chalicelib.errors import Conflict, FieldError, Invalid, NotFound
from chalicelib.http import Body, Call, Reply, Routes, problems
from chalicelib.http import fields as of
from chalicelib.settings import current
from chalicelib.staff.board import view
from chalicelib.staff.pages import page

routes = Routes(__name__, tag="staff-callbacks")
Action = Literal["claim", "release", "handover", "dial", "settle", "called_in"]


class Press(Body, title="CallbackAction"):
    """A button of the request's page, with whatever stands in its form."""

    action: Action = "settle"
    outcome: Outcome | None = None
    note: of.Note = ""
    window: Annotated[Window | None, BeforeValidator(wished)] = None
    to: Annotated[of.Line, StringConstraints(max_length=200)] = ""
    outside_window: bool = False


@routes.get("/staff", operation="showBoard", params=Board, html=True, also=(304,))
def board(call: Call, asked: Board) -> Reply:
    """The board of callback requests. 304 where a script's `If-None-Match` shows that nothing is new."""
    live = view.tabs(call)
    found, cursor = live.get(asked.state, []), ""
    if asked.state == "closed":
        try:
            found, cursor = store.board("closed", (call.person.id,), call.now, asked.cursor)
        except ValueError:
            raise Invalid(FieldError("cursor", "type")) from None
    cards, values = view.cards(found, call), view.shared(call)
    still = [
        {name: value for name, value in card.items() if name not in ("waiting_minutes", "left")}
        for card in cards
    ]
    counts = {tab: len(each) for tab, each in live.items()}
    due = [each.reference for each in live["due"]]
    version = view.version([still, counts, due, values["opened"], call.language, call.person.id])
    if call.headers.get("if-none-match") == version:
        return Reply(status=304, headers={"ETag": version})
    return page(
        call,
        "board",
        tab=asked.state,
        cards=cards,
        counts=counts,
        due=due,
        cursor=cursor,
        version=version,
        **values,
    )


@routes.get(
    "/staff/callbacks/{id}",
    operation="getCallback",
    params=ById,
    gives=Detail,
    html=True,
    errors=(404,),
    also=(304,),
)
def request(call: Call, asked: ById) -> Reply | Detail:
    """One request with its whole history: a page for people, JSON for programs."""
    if not call.accepts("text/html") or call.accepts("application/json"):
        return desk.show(call, asked)
    return _page(call, asked.id)


@routes.post(
    "/staff/callbacks/{id}",
    operation="actOnCallback",
    also=(200,),
    params=ById,
    takes=Press,
    html=True,
    status=303,
    errors=(404, 409),
)
def press(call: Call, asked: ById, pressed: Press) -> Reply:
    """What is pressed on the page; one that comes too late is shown the request as it is now, and why."""
    try:
        _do(call, asked, pressed)
    except (Conflict, Invalid) as error:
        problem = problems.of(error)
        said = problem.body(call.language)
        return _page(
            call,
            asked.id,
            problem.status,
            said.errors[0].message if said.errors else said.detail,
            pressed,
        )
    if pressed.note and pressed.action != "settle":
        return _page(
            call, asked.id, typed=pressed
        )  # the note is kept with the outcome: until then the page has it
    to = f"{current().base_url}/staff/callbacks/{asked.id}"
    return Reply(status=303, headers={"Location": to, "Content-Type": "text/plain"})


def _do(call: Call, asked: ById, pressed: Press) -> None:
    match pressed.action:
        case "claim":
            desk.claim(call, asked)
        case "release":
            desk.release(call, asked)
        case "handover" if pressed.to:
            desk.hand_over(call, asked, Handover(to=pressed.to))
        case "handover":
            raise Invalid(FieldError("to", "required"))
        case "dial":
            desk.dial(call, asked, Dial(outside_window=pressed.outside_window))
        case "settle" if pressed.outcome:
            desk.settle(
                call,
                asked,
                Settled(outcome=pressed.outcome, note=pressed.note, window=pressed.window),
            )
        case "settle":
            raise Invalid(FieldError("outcome", "required"))
        case "called_in":
            who = Who(call.person.id, call.person.name)
            store.change(
                asked.id, lambda before: workflow.called_in(before, who, call.now), call.now
            )


def _page(
    call: Call, reference: str, status: int = 200, problem: str = "", typed: Press | None = None
) -> Reply:
    callback = store.load(reference)
    if callback is None:
        raise NotFound
    values = view.request(callback, call)
    if status == 200 and call.headers.get("if-none-match") == values["version"]:
        return Reply(status=304, headers={"ETag": values["version"]})
    cannot = view.why(values["cannot_call"], call) if values["cannot_call"] else ""
    return page(
        call,
        "request",
        status,
        problem=problem,
        typed=typed,
        why=cannot,
        **values,
        **view.shared(call),
    )
