"""The contract as it is published, and whether an answer is one of those it describes."""

import json
import re
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # comes without stubs

import app
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.openapi import document
from tests.events import Answer


@cache
def contract() -> dict[str, Any]:
    """Make the document of all routes, read back from its JSON."""
    app.app.import_all()
    routes = [route for _, methods in sorted(INVENTORY.items()) for route in methods.values()]
    made: dict[str, Any] = json.loads(json.dumps(document(routes, "https://contact.site.example")))
    return made


def operations() -> dict[str, dict[str, Any]]:
    """List the operations by method and path, such as `get /health`."""
    return {
        f"{method} {path}": operation
        for path, methods in contract()["paths"].items()
        for method, operation in methods.items()
    }


def resolve(reference: str) -> Any:
    """Look up what a `$ref` refers to. Raises KeyError."""
    found: Any = contract()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def check(method: str, url: str, answer: Answer) -> None:
    """Raise AssertionError unless the contract describes the answer: status, type, and its JSON."""
    if wrong := _wrong(_operation(method, urlsplit(url).path), answer):
        raise AssertionError(f"the contract does not describe {method} {url}: {wrong}")


def _wrong(operation: dict[str, Any] | None, answer: Answer) -> str:
    if operation is None or answer.status in (405, 500):  # which `default` stands for
        return ""
    described = operation["responses"].get(str(answer.status))
    if described is None:
        return f"no {answer.status}"
    if not answer.text:
        return ""
    described = resolve(described["$ref"]) if "$ref" in described else described
    kind = answer.headers["content-type"].partition(";")[0]
    if kind not in described.get("content", {}):
        return f"no {kind} with {answer.status}"
    if not kind.endswith("json"):
        return ""
    validator = _validator(json.dumps(described["content"][kind]["schema"]))
    return "; ".join(
        f"{each.json_path} {each.message}" for each in validator.iter_errors(answer.json)
    )


@cache
def _patterns() -> list[tuple[re.Pattern[str], dict[str, Any]]]:
    paths = sorted(contract()["paths"].items(), key=lambda each: each[0].count("{"))
    return [
        (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), methods)
        for path, methods in paths
    ]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for pattern, methods in _patterns():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = methods.get(method.lower().replace("head", "get"))
            return found
    return None


@cache
def _validator(schema: str) -> Any:
    whole = {**json.loads(schema), "components": contract()["components"]}
    return Draft202012Validator(whole)
