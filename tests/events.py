"""Lambda events as AWS makes them, for driving the app's real handlers in this process."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.http.inventory import INVENTORY


@dataclass
class Context:
    """What a Lambda function is told about its invocation."""

    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    function_name: str = "test"
    seconds: float = 20.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass(frozen=True)
class Answer:
    """What API Gateway would send."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def api_event(
    method: str,
    url: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
    client_ip: str = "192.0.2.1",
) -> dict[str, Any]:
    """Return an API Gateway proxy event (REST, payload 1.0)."""
    split = urlsplit(url)
    resource, in_path = _match(split.path)
    query = parse_qs(split.query, keep_blank_values=True)
    return {
        "resource": resource,
        "path": split.path,
        "httpMethod": method,
        "headers": {"host": "api.example", **(headers or {})},
        "multiValueHeaders": {},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": in_path or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "requestId": "request",
            "identity": {"sourceIp": client_ip, "userAgent": (headers or {}).get("user-agent", "")},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _match(path: str) -> tuple[str, dict[str, str]]:
    if path in INVENTORY:
        return path, {}
    given = path.split("/")
    for pattern in INVENTORY:
        wanted = pattern.split("/")
        if len(wanted) == len(given) and all(
            a == b or a.startswith("{") for a, b in zip(wanted, given, strict=True)
        ):
            return pattern, {
                a[1:-1]: b for a, b in zip(wanted, given, strict=True) if a.startswith("{")
            }
    raise LookupError(path)
