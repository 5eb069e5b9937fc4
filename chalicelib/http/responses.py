"""What goes out: models as JSON, pages, redirects, problems, and the headers every answer has."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from chalice import Response
from pydantic import BaseModel

from chalicelib import log, templates
from chalicelib.http import problems, staff_page
from chalicelib.http.problems import Problem, ProblemBody
from chalicelib.http.replies import Page, Reply, Thanks, redirect
from chalicelib.http.request import Request
from chalicelib.messages import label
from chalicelib.settings import current

_PREFLIGHT_SECONDS = "7200"  # the longest any browser keeps one
# Two years, for this host alone: what else the company serves under its domain is not ours to say.
HTTPS_ONLY = "max-age=63072000"
# The gateway compresses what is larger than 1 KB for those who accept it, and adds no `Vary`.
_VARY = "Origin, Accept-Encoding"
_VARY_ALL = f"{_VARY}, Accept, Accept-Language"
_JSON, _PROBLEM, _HTML = "application/json", "application/problem+json", "text/html; charset=utf-8"


def respond(request: Request, status: int, answer: Any) -> Response:
    """Make the response for whatever a view returned; `status` is the one its route declares."""
    match answer:
        case BaseModel():
            return _json(answer, status)
        case Reply(body=BaseModel() as body):
            return _json(body, answer.status, answer.headers)
        case Reply(body=str() as body):
            return Response(body, dict(answer.headers), answer.status)
        case Thanks() if not request.form:
            return _json(answer.body, status)
        case Thanks():
            allowed = current().thank_you_pages
            wanted = answer.next or (allowed[0] if allowed else "")
            if wanted in allowed:
                return respond(request, 303, redirect(wanted))
            return _html(request, answer.page, 200, answer.context)
        case Page() if answer.body is not None and not request.wants_html:
            return _json(answer.body, status)
        case Page():
            return _html(request, answer.page, status, answer.context, answer.scripts)
    raise TypeError(f"a view returned {type(answer).__name__}")


def respond_problem(request: Request, problem: Problem) -> Response:
    """Make the response for an error: our one shape, or a page with the same words for a person."""
    body = problem.body(request.language, request.path)
    if request.wants_page:
        wrong = [each for each in body.errors or () if each.field != "token"]
        fields = [f"{label(each.field, request.language)}: {each.message}" for each in wrong]
        lost = problems.lost_link(request.path) if problem.code == "token" else ""
        context: dict[str, Any] = {
            "detail": body.detail,
            "fields": fields,
            "lost": lost,
            "there": problems.way_back(lost, request.language) if lost else "",
            "back": request.back,
            "unknown": problem.status == 401,
        }
        if request.is_staff:
            page = staff_page.render(request, "problem", problem.status, **context)
            response = respond(request, problem.status, page)
        else:
            response = _html(request, "problem", problem.status, context)
    else:
        headers = {"Content-Type": _PROBLEM, "Cache-Control": "no-store"}
        response = _json(body, problem.status, headers)
    response.headers.update(problem.headers)
    return response


def to_sign_in(request: Request) -> Response:
    """Lead a person who opens a page of the staff's to the sign-in, and from there back to it."""
    query = urlencode({"next": request.target, "language": request.language})
    return respond(request, 303, redirect(f"/staff/sign-in?{query}"))


def preflight(request: Request, methods: Iterable[str]) -> Response:
    """Answer OPTIONS. The browser of a foreign origin finds no permission in the answer."""
    headers = {"Allow": allow(methods), "Content-Type": "text/plain"}
    if request.origin in current().site_origins and not request.is_staff:
        headers |= {
            "Access-Control-Allow-Methods": allow(methods),
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
        }
    elif request.origin:
        log.attempt("origin", path=request.path)
    return Response("", headers, 204)


def allow(methods: Iterable[str]) -> str:
    """List the methods a path answers, as the `Allow` header wants them."""
    named = set(methods) | {"OPTIONS"}
    return ", ".join(sorted(named | {"HEAD"} if "GET" in named else named))


def common_headers(request: Request, own: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of every response beside its own: CORS, no sniffing, no referrer, https.

    `Vary` names what the answer depends on. An answer that everybody may keep depends on no more
    than its own `Vary` adds; any other may be a page or JSON, in the caller's language.
    """
    varies = _VARY_ALL
    if own.get("Cache-Control", "").startswith("public"):
        varies = f"{_VARY}, {own['Vary']}" if "Vary" in own else _VARY
    headers = {
        "Vary": varies,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if current().base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = HTTPS_ONLY
    if request.is_staff:
        headers["Vary"] = f"{_VARY_ALL}, Authorization, Cookie"
        headers["Cache-Control"] = "no-store"  # and no other origin's pages
        # Under `no-referrer` a browser says `Origin: null` even when a page of ours posts to us.
        headers["Referrer-Policy"] = "same-origin"
    elif request.origin in current().site_origins:
        headers["Access-Control-Allow-Origin"] = request.origin
        headers["Access-Control-Expose-Headers"] = "Retry-After"
    return headers


def _json(body: BaseModel, status: int, headers: Mapping[str, str] | None = None) -> Response:
    text = ""
    if status != 204:
        text = body.model_dump_json(exclude_none=isinstance(body, ProblemBody))
    return Response(text, {"Content-Type": _JSON, **(headers or {})}, status)


def _html(
    request: Request, page: str, status: int, context: Mapping[str, Any], scripts: bool = False
) -> Response:
    text, policy = templates.page(page, current(), request.language, **context)
    if scripts:
        policy += f"; {templates.SNIPPET_POLICY}"
    headers = {
        "Content-Type": _HTML,
        "Cache-Control": "no-store",
        "Content-Security-Policy": policy,
    }
    return Response(text, headers, status)
