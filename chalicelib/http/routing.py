"""Routes: a view says what it takes and gives; everything around it happens here, once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice import Blueprint, Response
from pydantic import BaseModel, ValidationError

from chalicelib import errors, log
from chalicelib.http import answers, bodies, problems
from chalicelib.http.call import Call
from chalicelib.http.problems import Problem
from chalicelib.staff import gate

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
View = Callable[..., Any]


@dataclass(frozen=True)
class Route:
    """One method of one path, as `openapi` and the tests read it."""

    method: str
    path: str
    view: View
    takes: type[BaseModel] | None = None  # the body
    params: type[BaseModel] | None = None  # query and path
    gives: type[BaseModel] | None = None  # the JSON answer
    html: bool = False  # whether people are shown a page
    status: int = 200
    errors: tuple[int, ...] = ()  # beyond those that every route has
    role: gate.Role = "agent"  # under `/staff`: who may call it at least

    @property
    def closed(self) -> bool:
        """Whether one has to be signed in for it."""
        return gate.closes(self.path)


# Every entrance by path and method: what `openapi` publishes and the tests walk.
INVENTORY: dict[str, dict[str, Route]] = {}


class Routes(Blueprint):  # type: ignore[misc]  # chalice ships no annotations
    """A capability's entrances. Each path is declared with every method, so that we answer for all of them:
    a preflight, a wrong method and a HEAD get our headers and our error shape, not the gateway's."""

    def get(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declares `view(call, [params])` for GET and HEAD; keywords as in Route."""
        return self._add("GET", path, declared)

    def post(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declares `view(call, [params,] [body])` for POST; keywords as in Route."""
        return self._add("POST", path, declared)

    def delete(self, path: str, **declared: Any) -> Callable[[View], View]:
        """Declares `view(call, [params])` for DELETE; keywords as in Route."""
        return self._add("DELETE", path, declared)

    def _add(self, method: str, path: str, declared: Mapping[str, Any]) -> Callable[[View], View]:
        def declare(view: View) -> View:
            if path not in INVENTORY:
                INVENTORY[path] = {}
                self._open(path)
            INVENTORY[path][method] = Route(method, path, view, **declared)
            return view

        return declare

    def _open(self, path: str) -> None:
        methods = INVENTORY[path]

        def entrance(**in_path: str) -> Response:
            return serve(methods, self.current_request, in_path)

        self.route(path, methods=METHODS, content_types=[], name=path)(entrance)


def serve(methods: Mapping[str, Route], request: Any, in_path: Mapping[str, str]) -> Response:
    """Answers one request to a path; every error leaves in our shape."""
    log.identify(
        request_id=getattr(request.lambda_context, "aws_request_id", ""),
        gateway_request_id=request.context.get("requestId", ""),
    )
    call = Call.of(request, in_path)
    try:
        if type(request.lambda_context).__module__ == "chalice.local":
            _join_the_local_cloud()
        response = _view(methods, call, request.to_original_event())
    except errors.NotSignedIn as error:
        response = (
            answers.to_sign_in(call)
            if call.navigates
            else answers.respond_problem(call, problems.of(error))
        )
    except Problem as problem:
        response = answers.respond_problem(call, problem)
    except errors.ContactError as error:
        if isinstance(error, errors.Unavailable):
            log.warning("http.unavailable", path=request.path, reason=str(error))
        response = answers.respond_problem(call, problems.of(error))
    except ValidationError as error:
        response = answers.respond_problem(call, problems.of_validation(error))
    except Exception:
        log.exception("http.error", path=request.path)
        response = answers.respond_problem(call, Problem(500, "internal"))
    if call.method == "HEAD":
        response.body = ""
    response.headers.update(answers.every_answer(call))
    return response


def _join_the_local_cloud() -> None:
    from chalicelib import local_cloud  # never on Lambda

    local_cloud.join()


def _view(methods: Mapping[str, Route], call: Call, event: Mapping[str, Any]) -> Response:
    if gate.closes(call.path):
        call.known = gate.check(call.method, call.headers, call.now)
    if call.method == "OPTIONS":
        return answers.preflight(call, methods)
    route = methods.get("GET" if call.method == "HEAD" else call.method)
    if route is None:
        raise Problem(405, "method_not_allowed", headers={"Allow": answers.allow(methods)})
    if route.closed:
        call.person.needs(route.role)
    if len(event["body"] or "") > bodies.LARGEST and not route.takes:
        raise Problem(413, "payload_too_large")
    given: list[BaseModel] = []
    fields = call.read(event, route.takes) if route.takes else {}
    if route.params:
        given.append(route.params.model_validate(call.params))
    if route.takes:
        given.append(route.takes.model_validate(fields))
    return answers.respond(call, route.status, route.view(call, *given))
