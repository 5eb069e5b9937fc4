"""The responses that API Gateway gives by itself, in the contract's error shape (RFC 9457).

They are static: the gateway cannot compare an Origin with a list. So they carry no CORS headers,
and a page's script sees only that the call failed. The responses of our own code carry them.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from chalicelib.http.responses import HTTPS_ONLY
from infra.target import GATEWAY_STAGE, Change, Target

# Status, code and detail.
_NOT_FOUND = (404, "not_found", "There is nothing at this address.")
_FORBIDDEN = (403, "forbidden", "This is not allowed.")
_MALFORMED = (400, "malformed", "The request cannot be read.")
_RATE_LIMITED = (429, "rate_limited", "Too many requests at once. Try again in a moment.")
_UNAVAILABLE = (503, "unavailable", "The service is away for a moment. Try again.")

# By response type. Types without an entry follow DEFAULT_4XX or DEFAULT_5XX.
ANSWERS: dict[str, tuple[int, str, str]] = {
    # API Gateway gives this type for an unknown path, or a method no resource has, with status 403.
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "UNAUTHORIZED": (401, "unauthorized", "Sign in first."),
    "ACCESS_DENIED": _FORBIDDEN,
    "EXPIRED_TOKEN": _FORBIDDEN,
    "INVALID_API_KEY": _FORBIDDEN,
    "INVALID_SIGNATURE": _FORBIDDEN,
    "WAF_FILTERED": _FORBIDDEN,
    "BAD_REQUEST_BODY": _MALFORMED,
    "BAD_REQUEST_PARAMETERS": _MALFORMED,
    "DEFAULT_4XX": _MALFORMED,
    "REQUEST_TOO_LARGE": (413, "payload_too_large", "The body is too large."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "This kind of body is not accepted."),
    "THROTTLED": _RATE_LIMITED,
    "QUOTA_EXCEEDED": _RATE_LIMITED,
    "API_CONFIGURATION_ERROR": _UNAVAILABLE,
    "AUTHORIZER_CONFIGURATION_ERROR": _UNAVAILABLE,
    "AUTHORIZER_FAILURE": _UNAVAILABLE,
    "INTEGRATION_FAILURE": _UNAVAILABLE,
    "INTEGRATION_TIMEOUT": _UNAVAILABLE,
    "DEFAULT_5XX": _UNAVAILABLE,
}
_RETRY_AFTER = {429: "1", 503: "5"}  # seconds


def answer(kind: str, https: bool = False) -> tuple[int, dict[str, str], str]:
    """Return status, headers and body of one response type, as a stage with https or without."""
    status, code, detail = ANSWERS[kind]
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if https:
        headers["Strict-Transport-Security"] = HTTPS_ONLY
    if status in _RETRY_AFTER:
        headers["Retry-After"] = _RETRY_AFTER[status]
    return status, headers, json.dumps({**problem, "detail": detail, "code": code})


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """Yield one change if any gateway response is not ours. Every `chalice deploy` resets them."""
    client = target.client("apigateway")
    found = {
        each["responseType"]: each
        for each in client.get_gateway_responses(restApiId=api_id, limit=500)["items"]
    }
    if any(_differs(found.get(kind, {}), _wanted(kind)) for kind in ANSWERS):
        yield Change(
            f"give the gateway's own {len(ANSWERS)} answers our error shape",
            lambda: shape(client, api_id, GATEWAY_STAGE),
        )


def _differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return any(found.get(key) != value for key, value in wanted.items())


def _wanted(kind: str) -> dict[str, Any]:
    status, headers, body = answer(kind, https=True)
    return {
        "statusCode": str(status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()
        },
        # The only content type whose template the gateway uses for all response types.
        "responseTemplates": {"application/json": body},
    }


def shape(client: Any, api_id: str, stage: str) -> None:
    """Set these responses on a REST API and deploy it to `stage`, with API Gateway's `client`."""
    for kind in ANSWERS:
        client.put_gateway_response(restApiId=api_id, responseType=kind, **_wanted(kind))
    client.create_deployment(restApiId=api_id, stageName=stage, description="gateway answers")
