"""The contract as an OpenAPI 3.1 document, made from the routes' declarations and their models."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from chalicelib import __version__
from chalicelib.http.bodies import FORM, JSON, TEXT
from chalicelib.http.inventory import Route
from chalicelib.http.problems import ProblemBody, status_of

_HTML, _PROBLEM = "text/html", "application/problem+json"
_SCHEMAS = "#/components/schemas/"
_ABOUT = (
    "The contact backend behind a company's website: newsletter signups, callback requests, "
    "article views.\n\n"
    "A body is JSON, a plain form, or JSON sent as `text/plain`, which a page's script can send to "
    "another origin without a preflight. Errors are problems (RFC 9457) with a stable `code`; who "
    "accepts `text/html` only gets a page with the same words. A HEAD is answered like a GET. "
    "The links in our mails carry a signed `token`, which is all the permission they need."
)
# No licence comes with the project, and this says so in the form of an SPDX expression.
_LICENCE = {"name": "All rights reserved", "identifier": "LicenseRef-All-Rights-Reserved"}
# What an operation can be listed under, in this order.
TAGS = {
    "newsletter": "Signing up with double opt-in, and everything behind the links of our mails.",
    "callbacks": "The hotline's hours, and asking for a callback, moving or cancelling it.",
    "me": "What is stored of an address, for its owner: to see, change and erase.",
    "articles": "Counting views, and what was counted.",
    "service": "The service itself: health, this contract, a website's scripts and challenges, and "
    "what one of its pages shows.",
    "staff-session": "The staff's sign-in at a browser, and its end.",
    "staff-callbacks": "The board of callback requests, and a call from claim to outcome.",
    "staff-numbers": "A person by their telephone number: looking up, blocking, erasing.",
    "staff-subscribers": "A subscriber by their address: proof of consent, erasure, the export.",
    "staff-articles": "Articles by period, and what the staff decide about them.",
    "staff-figures": "Figures of a span.",
}
_SIGNED_IN = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-staff",
        "description": "a signed-in browser's session; a change has to come from a page of ours",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "a token of the OpenID provider's, for programs",
    },
}
_DONE = {
    200: "done",
    201: "made",
    202: "accepted; the rest follows by itself",
    204: "done, and nothing to say",
    303: "goes on to the address in Location",
}
_ALSO = {
    200: "a page that there is something to say on",
    303: "a browser goes on to the address in Location",
    304: "what the caller has is still so",
}
_TEXT = {"schema": {"type": "string"}}
_LOCATION = {"Location": {"description": "where to go on", "schema": {"type": "string"}}}
_RETRY_AFTER = {
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}}
}
# Each kind of problem: its component's name, and what it means.
_PROBLEMS = {
    400: ("Malformed", "malformed body, or a link that is not valid"),
    401: ("NotSignedIn", "not signed in"),
    403: ("NotAllowed", "signed in, but not allowed: the role, or the page that asks"),
    404: ("NotFound", "there is no such thing"),
    409: ("Conflict", "conflict with the state, which is named"),
    413: ("TooLarge", "body over 16 KiB"),
    415: ("UnsupportedType", "content type not accepted"),
    422: ("Invalid", "well-formed, but a field cannot be accepted"),
    429: ("TooMany", "too many; see Retry-After"),
    503: ("Unavailable", "the service is away for a moment; see Retry-After"),
}
_EVERYWHERE = {413, 429, 503}  # a throttled or oversized request is refused whatever it asks for
_OTHERWISE = ("Unexpected", "any other problem, such as an error of ours")


class _Generator(GenerateJsonSchema):
    """Leaves out titles that repeat a field's name; knows which fields an answer always has."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Say no, whatever the field."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Say yes for an answer's field with a default, too: only None is left out, by problems."""
        if self.mode == "serialization":
            return not (field["schema"]["type"] == "default" and field["schema"]["default"] is None)
        return super().field_is_required(field, total)


def document(routes: Iterable[Route], base_url: str) -> dict[str, Any]:
    """Return the OpenAPI document of these routes, as plain JSON values.

    Raises ValueError for a name that two operations or two schemas have.
    """
    listed = list(routes)
    inputs = {model for route in listed for model in (route.takes, route.params) if model}
    outputs = {route.gives for route in listed if route.gives} | {ProblemBody}
    wanted: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in inputs]
    wanted += [(model, "serialization") for model in outputs]
    wanted.sort(key=lambda each: each[0].__module__ + each[0].__qualname__)
    names, definitions = models_json_schema(
        wanted, ref_template=_SCHEMAS + "{model}", schema_generator=_Generator
    )
    schemas: dict[str, Any] = definitions.get("$defs", {})
    paths: dict[str, Any] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names, schemas)
    _unique(route.operation_id for route in listed)
    spoken = {
        "paths": paths,
        "responses": dict(_problem(status, names) for status in (*_PROBLEMS, None)),
    }
    public = _public(spoken, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "customer-contact",
            "version": __version__,
            "description": _ABOUT,
            "license": _LICENCE,
        },
        "servers": [{"url": base_url}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": _renamed(spoken["paths"], public),
        "components": {
            "schemas": {
                public[name]: _renamed(_untitled(schemas[name]), public)
                for name in sorted(public, key=public.__getitem__)
            },
            "responses": _renamed(spoken["responses"], public),
            "securitySchemes": _SIGNED_IN,
        },
    }


def _operation(route: Route, names: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    summary, _, description = (route.view.__doc__ or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": route.operation_id,
        "tags": [route.tag],
        "summary": summary.strip(),
    }
    if description.strip():
        operation["description"] = " ".join(description.split())
    if route.params:
        schema = schemas[names[(route.params, "validation")]["$ref"].removeprefix(_SCHEMAS)]
        operation["parameters"] = list(_parameters(route, schema))
    if route.takes:
        schema = names[(route.takes, "validation")]
        required = any(each.is_required() for each in route.takes.model_fields.values())
        content = {kind: {"schema": schema} for kind in (JSON, FORM, TEXT)}
        operation["requestBody"] = {"required": required, "content": content}
    # Each scheme names the least role.
    operation["security"] = [{name: [route.role]} for name in _SIGNED_IN] if route.closed else []
    operation["responses"] = _responses(route, names)
    return operation


def _parameters(route: Route, schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, described in schema["properties"].items():
        in_path = "{" + name + "}" in route.path
        given = _without_null(described)
        parameter: dict[str, Any] = {
            "name": name,
            "in": "path" if in_path else "query",
            "required": in_path or name in schema.get("required", ()),
        }
        if "description" in given:
            parameter["description"] = given.pop("description")
        if given.get("type") == "array":
            parameter["explode"] = False  # separated by commas
        yield {**parameter, "schema": given}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make the schema of a parameter, which can be left out and cannot be null."""
    found = dict(schema)
    if "default" in found and found["default"] is None:
        del found["default"]
    choices = [each for each in found.pop("anyOf", ()) if each != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **found}
    return {**found, "anyOf": choices} if choices else found


def _responses(route: Route, names: Any) -> dict[str, Any]:
    done: dict[str, Any] = {"description": _DONE[route.status]}
    content: dict[str, Any] = {}
    if route.gives:
        content[JSON] = {"schema": names[(route.gives, "serialization")]}
    for media in (route.media,) if isinstance(route.media, str) else route.media:
        if media:
            content[media] = {"schema": {"type": "object"}} if media == JSON else _TEXT
    if route.status == 303:
        done["headers"] = _LOCATION
    elif route.html:
        content[_HTML] = _TEXT
    if content:
        done["content"] = content
    responses: dict[str, Any] = {str(route.status): done}
    for status in route.also:
        more: dict[str, Any] = {"content": {_HTML: _TEXT}} if status == 200 else {}
        if status == 303:
            more = {"headers": _LOCATION}
        responses[str(status)] = {"description": _ALSO[status], **more}
    if route.takes and route.status == 202 and not route.html:
        responses["200"] = {
            "description": "a plain form sees a page of ours",
            "content": {_HTML: _TEXT},
        }
        responses["303"] = {
            "description": "a plain form goes on to the website's thank-you page",
            "headers": _LOCATION,
        }
    if route.closed and route.method == "GET":
        responses["303"] = {
            "description": "nobody is signed in: a browser goes on to the sign-in",
            "headers": _LOCATION,
        }
    statuses = {*map(status_of, route.errors), *_EVERYWHERE}
    if route.closed:
        statuses |= {401, 403}
    if route.params or route.takes:
        statuses |= {422}
    if route.html:
        statuses |= {400}
    if route.takes:
        statuses |= {400, 415}
    for status in statuses:
        responses[str(status)] = {"$ref": f"#/components/responses/{_PROBLEMS[status][0]}"}
    responses["default"] = {"$ref": f"#/components/responses/{_OTHERWISE[0]}"}
    return dict(sorted(responses.items()))


def _problem(status: int | None, names: Any) -> tuple[str, dict[str, Any]]:
    """Make the component of all responses that are this problem; without a status, of any other."""
    name, about = _PROBLEMS[status] if status else _OTHERWISE
    content = {_PROBLEM: {"schema": names[(ProblemBody, "serialization")]}, _HTML: _TEXT}
    headers = {"headers": _RETRY_AFTER} if status in (429, 503) else {}
    return name, {"description": about, **headers, "content": content}


def _public(spoken: Any, schemas: Mapping[str, Any]) -> dict[str, str]:
    """Name each schema that something refers to by its model's title; leave out all others."""
    found: dict[str, str] = {}
    waiting = [spoken]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in found:
                found[name] = schemas[name].get("title", name)
                waiting.append(schemas[name])
    _unique(found.values())
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(ref := value.get("$ref"), str) and ref.startswith(_SCHEMAS):
            yield ref.removeprefix(_SCHEMAS)
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def _renamed(value: Any, public: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(each, public) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _renamed(each, public) for key, each in value.items()}
    if isinstance(ref := value.get("$ref"), str) and ref.startswith(_SCHEMAS):
        made["$ref"] = _SCHEMAS + public[ref.removeprefix(_SCHEMAS)]
    return made


def _untitled(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key != "title"}


def _unique(names: Iterable[str]) -> None:
    listed = sorted(names)
    if twice := sorted({each for each in listed if listed.count(each) > 1}):
        raise ValueError(f"the contract has more than one {', '.join(twice)}")
