"""The contract as an OpenAPI 3.1 document, made from the routes' declarations and their models."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from chalicelib import __version__
from chalicelib.http.bodies import FORM, JSON, TEXT
from chalicelib.http.inventory import Route
from chalicelib.http.problems import ProblemBody, status_of

_WORDS = {
    400: "malformed body, or a link that is not valid",
    401: "not signed in",
    403: "signed in, but not allowed: the role, or the page that asks",
    404: "there is no such thing",
    409: "conflict with the state, which is named",
    413: "body over 16 KiB",
    415: "content type not accepted",
    422: "well-formed, but a field cannot be accepted",
    429: "too many; see Retry-After",
    503: "the store throttles or does not answer; see Retry-After",
}
_SIGNED_IN = {
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-staff"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def document(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of these routes, as plain JSON values."""
    listed = list(routes)
    inputs = {model for route in listed for model in (route.takes, route.params) if model}
    outputs = {route.gives for route in listed if route.gives} | {ProblemBody}
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in inputs]
    wanted += [(model, "serialization") for model in outputs]
    wanted.sort(key=lambda each: each[0].__module__ + each[0].__name__)
    names, definitions = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    schemas = {**definitions.get("$defs", {})}
    paths: dict[str, Any] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "customer-contact", "version": __version__},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SIGNED_IN},
    }


def _operation(route: Route, names: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, description = (route.view.__doc__ or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}{route.path}",
        "summary": summary.strip(),
    }
    if description.strip():
        operation["description"] = " ".join(description.split())
    if route.params:
        schema = schemas[names[(route.params, "validation")]["$ref"].rpartition("/")[2]]
        operation["parameters"] = list(_parameters(route, schema))
    if route.takes:
        schema = names[(route.takes, "validation")]
        required = any(each.is_required() for each in route.takes.model_fields.values())
        content = {kind: {"schema": schema} for kind in (JSON, FORM, TEXT)}
        operation["requestBody"] = {"required": required, "content": content}
    if route.closed:
        operation["security"] = [{name: [route.role]} for name in _SIGNED_IN]  # the least role
    operation["responses"] = _responses(route, names)
    return operation


def _parameters(route: Route, schema: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for name, described in schema["properties"].items():
        in_path = "{" + name + "}" in route.path
        yield {
            "name": name,
            "in": "path" if in_path else "query",
            "required": in_path or name in schema.get("required", ()),
            "schema": described,
        }


def _responses(route: Route, names: Any) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if route.gives:
        content[JSON] = {"schema": names[(route.gives, "serialization")]}
    if route.html:
        content["text/html"] = {}
    done: dict[str, Any] = {"description": "done"}
    if content:
        done["content"] = content
    responses = {str(route.status): done}
    if route.takes and route.status == 202:
        responses["303"] = {"description": "a plain form goes on to the thank-you page"}
    statuses = {*map(status_of, route.errors), 503}
    if route.closed:
        statuses |= {401, 403}
    if route.params or route.takes:
        statuses |= {422}
    if route.html:
        statuses |= {400}
    if route.takes:
        statuses |= {400, 413, 415}
    problem = {"application/problem+json": {"schema": names[(ProblemBody, "serialization")]}}
    for status in sorted(statuses):
        responses[str(status)] = {"description": _WORDS[status], "content": problem}
    return responses
