"""The values that the templates of the staff's callback pages are filled with."""

import hashlib
import json
from typing import Any

from chalicelib import company
from chalicelib.auth import session
from chalicelib.callbacks import words
from chalicelib.callbacks.service import Line, wordings
from chalicelib.callbacks.staff import api, service
from chalicelib.callbacks.staff.service import Card, Shown
from chalicelib.http import Request
from chalicelib.http.problems import Problem
from chalicelib.http.staff_page import script
from chalicelib.messages import message

_RUNNING = ("waiting_minutes", "left")  # counted on in the browser, so that they are no news


def shared(line: Line, request: Request) -> dict[str, Any]:
    """Return what both pages need: the words, the line's clock, the script."""
    changes_at = line.changes_at
    return {
        "words": words,
        "opened": line.is_open,
        "opens": None if line.is_open else changes_at,
        "change": int((changes_at - request.now).total_seconds()) if changes_at else -1,
        "script": script("staff"),
    }


def cards(found: list[Card], request: Request) -> list[dict[str, Any]]:
    """Return the cards of a tab, for the one who asks."""
    offered = any(each.callback.offered_to for each in found)
    names = session.colleagues(request.now) if offered else {}
    return [_card(each, names, request) for each in found]


def request_page(shown: Shown, request: Request) -> dict[str, Any]:
    """Return the values of one request's page, as the one who asks may see it."""
    callback, detail = shown.card.callback, api.detail(shown, request)
    leads = request.person.may("supervisor")
    gives = detail.mine or (leads and callback.is_live and callback.state != "held")
    colleagues = session.colleagues(request.now) if gives else {}
    names = {**callback.agents, **colleagues}
    own, reason, until = request.person.id, shown.why_no_call, detail.undo_until
    wording = wordings.all.get(callback.asked.consent)
    return {
        "card": cards([shown.card], request)[0],
        "shown": detail,
        "erased": callback.erased,
        "told": any(each.asked.email for each in callback.open_wishes),
        "cannot_call": reason,
        "why": message(reason, request.language) if reason else "",
        "slots": shown.slots,
        "last": detail.history[-1].event if detail.history else "",
        "undo_seconds": int((until - request.now).total_seconds()) if until else 0,
        "colleagues": sorted((name, id) for id, name in colleagues.items() if id != own),
        "offered_to": names.get(callback.offered_to, callback.offered_to),
        "consent": wording.text if wording else callback.asked.consent,
        "version": f'"{callback.version}-{len(shown.comments)}-{request.language}"',
        **shared(shown.line, request),
    }


def form(request: Request) -> dict[str, Any]:
    """Return the values of the form to take down a request."""
    offered = service.form(request.language, request.now)
    return {
        "topics": company.current().callback_topics,
        "slots": offered.slots,
        "wording": offered.wording,
        "words": words,
    }


def has_comment(shown: Shown, text: str, request: Request) -> bool:
    """Tell whether the one who asks has written this comment."""
    own = [each for each in shown.comments if each["by"] == request.person.id]
    return any(each.get("personal", {}).get("text") == text for each in own)


def sentences(problem: Problem, request: Request) -> dict[str, str]:
    """Return what is wrong with the fields of a form, by their names."""
    return {each.field: each.message for each in problem.body(request.language).errors or ()}


def board_version(values: dict[str, Any], request: Request) -> str:
    """Return the entity tag of what the board shows; the running minutes do not count."""
    still = [
        {name: value for name, value in card.items() if name not in _RUNNING}
        for card in values["cards"]
    ]
    seen = [still, values["counts"], values["due"], values["opened"]]
    seen += [request.language, request.person.id]
    return f'"{hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()[:16]}"'


def _card(shown: Card, names: dict[str, str], request: Request) -> dict[str, Any]:
    callback = shown.callback
    offered = callback.offered_to in (request.person.id, request.person.name)
    return {
        **api.card(shown, request),
        "left": shown.left,
        "outcome": callback.attempts[-1].outcome if callback.attempts else "",
        "offered_me": offered,
        "claimable": callback.state == "open" or offered,
        "early": callback.state in ("scheduled", "retry"),
        "offered_to": names.get(callback.offered_to, callback.offered_to),
    }
