"""Routes: a view says what it takes and gives; everything around it happens here, once."""

from collections.abc import Callable, Mapping
from typing import Any

from chalice import Blueprint, Response
from pydantic import BaseModel, ValidationError

from chalicelib import errors, log
from chalicelib.auth import gate
from chalicelib.http import bodies, problems, responses
from chalicelib.http.inventory import INVENTORY, METHODS, Route, View
from chalicelib.http.problems import Problem
from chalicelib.http.request import Request


class Routes(Blueprint):  # type: ignore[misc]  # chalice ships no annotations
    """A capability's entrances.

    Each path is declared with every method, so that we answer for all of them: a preflight, a
    wrong method and a HEAD get our headers and our error shape, not the gateway's.
    """

    def __init__(self, import_name: str, *, tag: str = "") -> None:
        """List the routes under `tag` in the contract, one of `openapi.TAGS`."""
        super().__init__(import_name)
        self._tag = tag

    def get(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declare `view(request, [params])` for GET and HEAD; keywords as in Route."""
        return self._add("GET", path, declared)

    def post(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declare `view(request, [params,] [body])` for POST; keywords as in Route."""
        return self._add("POST", path, declared)

    def delete(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declare `view(request, [params])` for DELETE; keywords as in Route."""
        return self._add("DELETE", path, declared)

    def _add(self, method: str, path: str, declared: Mapping[str, Any]) -> Callable[[View], View]:
        def declare(view: View) -> View:
            if path not in INVENTORY:
                INVENTORY[path] = {}
                self._open(path)
            INVENTORY[path][method] = Route(method, path, view, **{"tag": self._tag, **declared})
            return view

        return declare

    def _open(self, path: str) -> None:
        methods = INVENTORY[path]

        def entrance(**in_path: str) -> Response:
            return serve(methods, self.current_request, in_path)

        self.route(path, methods=METHODS, content_types=[], name=path)(entrance)


def serve(
    methods: Mapping[str, Route], chalice_request: Any, in_path: Mapping[str, str]
) -> Response:
    """Answer one request to a path; every error leaves in our shape."""
    log.identify(
        request_id=getattr(chalice_request.lambda_context, "aws_request_id", ""),
        gateway_request_id=chalice_request.context.get("requestId", ""),
    )
    request = Request.of(chalice_request, in_path)
    try:
        if type(chalice_request.lambda_context).__module__ == "chalice.local":
            _join_the_local_cloud()
        response = _call_view(methods, request, chalice_request.to_original_event())
    except errors.NotSignedIn as error:
        _note(error, request)
        if request.navigates:
            response = responses.to_sign_in(request)
        else:
            response = responses.respond_problem(request, problems.of(error))
    except Problem as problem:
        response = responses.respond_problem(request, problem)
    except errors.ContactError as error:
        if isinstance(error, errors.Unavailable):
            log.warning("http.unavailable", path=request.path, reason=str(error))
        _note(error, request)
        response = responses.respond_problem(request, problems.of(error))
    except ValidationError as error:
        refused = problems.of_validation(error)
        if any(each.field == "website" for each in refused.fields):
            log.attempt("honeypot", path=request.path)
        response = responses.respond_problem(request, refused)
    except Exception:
        log.exception("http.error", path=request.path)
        response = responses.respond_problem(request, Problem(500, "internal"))
    if request.method == "HEAD":
        response.body = ""
    response.headers.update(responses.common_headers(request, response.headers))
    return response


def _note(error: errors.ContactError, request: Request) -> None:
    """Log what was tried, where no honest caller does so."""
    if error.attempt:
        log.attempt(error.attempt, path=request.path)


def _join_the_local_cloud() -> None:
    from chalicelib import local_cloud  # never on Lambda

    local_cloud.join()


def _call_view(
    methods: Mapping[str, Route], request: Request, event: Mapping[str, Any]
) -> Response:
    """Check who asks, the method and the input; call the view and make its response.

    Raises NotSignedIn, NotAllowed, Problem, ValidationError, and what the view raises.
    """
    if gate.closes(request.path):
        request.signed_in = gate.check(request.method, request.headers, request.now)
    if request.method == "OPTIONS":
        return responses.preflight(request, methods)
    route = methods.get("GET" if request.method == "HEAD" else request.method)
    if route is None:
        raise Problem(405, "method_not_allowed", headers={"Allow": responses.allow(methods)})
    if route.closed:
        request.person.needs(route.role)
    if len(event["body"] or "") > bodies.LARGEST and not route.takes:
        raise Problem(413, "payload_too_large")
    given: list[BaseModel] = []
    fields = _fields(route, route.takes, request, event) if route.takes else {}
    if route.params:
        given.append(route.params.model_validate(request.params))
    if route.takes:
        given.append(_taken(route, route.takes, fields))
    return responses.respond(request, route.status, route.view(request, *given))


def _fields(
    route: Route, model: type[BaseModel], request: Request, event: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the body's fields. Raises Problem."""
    try:
        return request.read(event, model)
    except Problem as problem:
        if route.any_body and problem.code != "payload_too_large":
            return {}
        raise


def _taken(route: Route, model: type[BaseModel], fields: Mapping[str, Any]) -> BaseModel:
    """Return the checked body. Raises ValidationError."""
    try:
        return model.model_validate(fields)
    except ValidationError:
        if route.any_body:
            return model()
        raise
