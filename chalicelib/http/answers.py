"""What goes out: models as JSON, pages, redirects, problems, and the headers every answer has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from chalice import Response
from pydantic import BaseModel

from chalicelib import pages
from chalicelib.http.call import Call
from chalicelib.http.problems import Problem, ProblemBody
from chalicelib.messages import label
from chalicelib.settings import current

PUBLIC_READ = {"Cache-Control": "public, max-age=30"}
_PREFLIGHT_SECONDS = "7200"  # the longest any browser keeps one
_JSON, _PROBLEM, _HTML = "application/json", "application/problem+json", "text/html; charset=utf-8"


@dataclass(frozen=True)
class Reply:
    """An answer with headers or a status of its own; a model goes out as JSON, text as it is."""

    body: BaseModel | str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Thanks:
    """The answer to a form: JSON to scripts; a plain form goes on to a thank-you page, or sees ours."""

    body: BaseModel
    page: str
    next: str | None = None  # the thank-you page the form asks for
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page of ours, or the model where the caller accepts JSON."""

    page: str
    context: Mapping[str, Any] = field(default_factory=dict)
    body: BaseModel | None = None


def respond(call: Call, status: int, answer: Any) -> Response:
    """The response for whatever a view returned."""
    match answer:
        case BaseModel():
            return _json(answer, status)
        case Reply(body=BaseModel() as body):
            return _json(body, answer.status, answer.headers)
        case Reply(body=str() as body):
            return Response(body, dict(answer.headers), answer.status)
        case Thanks() if not call.form:
            return _json(answer.body, status)
        case Thanks():
            allowed = current().thank_you_pages
            wanted = answer.next or (allowed[0] if allowed else "")
            if wanted in allowed:
                return Response("", {"Location": wanted, "Content-Type": "text/plain"}, 303)
            return _html(call, answer.page, 200, answer.context)
        case Page() if (
            answer.body is not None and call.accepts(_JSON) and not call.accepts("text/html")
        ):
            return _json(answer.body, status)
        case Page():
            return _html(call, answer.page, status, answer.context)
    raise TypeError(f"a view returned {type(answer).__name__}")


def respond_problem(call: Call, problem: Problem) -> Response:
    """The response for an error: our one shape, or a page with the same words where a person looks at it."""
    body = problem.body(call.language)
    if call.accepts("text/html") and not call.accepts(_JSON):
        wrong = [each for each in body.errors or () if each.field != "token"]
        fields = [f"{label(each.field, call.language)}: {each.message}" for each in wrong]
        context = {"detail": body.detail, "fields": fields, "unknown": problem.status == 401}
        response = (_staff if call.staff else _html)(call, "problem", problem.status, context)
    else:
        response = _json(
            body, problem.status, {"Content-Type": _PROBLEM, "Cache-Control": "no-store"}
        )
    response.headers.update(problem.headers)
    return response


def to_sign_in(call: Call) -> Response:
    """Leads a person who opens a page of the staff's to the sign-in, and from there back to it."""
    query = urlencode({"next": call.asked, "language": call.language})
    headers = {
        "Location": f"{current().base_url}/staff/sign-in?{query}",
        "Content-Type": "text/plain",
    }
    return Response("", headers, 303)


def preflight(call: Call, methods: Iterable[str]) -> Response:
    """The answer to OPTIONS; a browser of a foreign origin finds no permission in it."""
    headers = {"Allow": allow(methods), "Content-Type": "text/plain"}
    if call.origin in current().site_origins and not call.staff:
        headers |= {
            "Access-Control-Allow-Methods": allow(methods),
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        }
    return Response("", headers, 204)


def allow(methods: Iterable[str]) -> str:
    """The methods a path answers, as the Allow header lists them."""
    named = set(methods) | {"OPTIONS"}
    return ", ".join(sorted(named | {"HEAD"} if "GET" in named else named))


def every_answer(call: Call) -> dict[str, str]:
    """Headers of each response: exact CORS origins, no sniffing, no address passed on to other sites."""
    headers = {
        "Vary": "Origin",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if call.staff:
        headers["Cache-Control"] = "no-store"  # and no other origin's pages
        # Under `no-referrer` a browser says `Origin: null` even when a page of ours sends a form to us.
        headers["Referrer-Policy"] = "same-origin"
    elif call.origin in current().site_origins:
        headers["Access-Control-Allow-Origin"] = call.origin
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return headers


def _json(body: BaseModel, status: int, headers: Mapping[str, str] | None = None) -> Response:
    text = "" if status == 204 else body.model_dump_json(exclude_none=isinstance(body, ProblemBody))
    return Response(text, {"Content-Type": _JSON, **(headers or {})}, status)


def _staff(call: Call, name: str, status: int, context: Mapping[str, Any]) -> Response:
    from chalicelib.staff.pages import page  # which knows a Reply

    return respond(call, status, page(call, name, status, **context))


def _html(call: Call, page: str, status: int, context: Mapping[str, Any]) -> Response:
    text, policy = pages.page(f"{page}.{call.language}", call.language, **context)
    headers = {
        "Content-Type": _HTML,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
    }
    return Response(text, headers, status)
