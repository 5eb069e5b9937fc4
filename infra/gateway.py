"""The answers API Gateway gives by itself, in the error shape of the contract (RFC 9457).

They are static: the gateway cannot compare an Origin with a list, so these answers carry no CORS headers and
a page's script sees only that the call failed. Everything our own code answers does carry them.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from infra.target import GATEWAY_STAGE, Change, Target

# response type → status, code, detail. Types without an entry follow DEFAULT_4XX or DEFAULT_5XX.
ANSWERS: dict[str, tuple[int, str, str]] = {
    # The gateway's answer to an unknown path, or to a method no resource has, is this type with status 403.
    "MISSING_AUTHENTICATION_TOKEN": (404, "not_found", "There is nothing at this address."),
    "RESOURCE_NOT_FOUND": (404, "not_found", "There is nothing at this address."),
    "UNAUTHORIZED": (401, "unauthorized", "Sign in first."),
    "ACCESS_DENIED": (403, "forbidden", "This is not allowed."),
    "EXPIRED_TOKEN": (403, "forbidden", "This is not allowed."),
    "INVALID_API_KEY": (403, "forbidden", "This is not allowed."),
    "INVALID_SIGNATURE": (403, "forbidden", "This is not allowed."),
    "WAF_FILTERED": (403, "forbidden", "This is not allowed."),
    "BAD_REQUEST_BODY": (400, "malformed", "The request cannot be read."),
    "BAD_REQUEST_PARAMETERS": (400, "malformed", "The request cannot be read."),
    "DEFAULT_4XX": (400, "malformed", "The request cannot be read."),
    "REQUEST_TOO_LARGE": (413, "payload_too_large", "The body is too large."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported_media_type", "This kind of body is not accepted."),
    "THROTTLED": (429, "rate_limited", "Too many requests at once. Try again in a moment."),
    "QUOTA_EXCEEDED": (429, "rate_limited", "Too many requests at once. Try again in a moment."),
    "API_CONFIGURATION_ERROR": (503, "unavailable", "The service is away for a moment. Try again."),
    "AUTHORIZER_CONFIGURATION_ERROR": (
        503,
        "unavailable",
        "The service is away for a moment. Try again.",
    ),
    "AUTHORIZER_FAILURE": (503, "unavailable", "The service is away for a moment. Try again."),
    "INTEGRATION_FAILURE": (503, "unavailable", "The service is away for a moment. Try again."),
    "INTEGRATION_TIMEOUT": (503, "unavailable", "The service is away for a moment. Try again."),
    "DEFAULT_5XX": (503, "unavailable", "The service is away for a moment. Try again."),
}
_RETRY_AFTER = {429: "1", 503: "5"}  # seconds


def answer(kind: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of one type of answer."""
    status, code, detail = ANSWERS[kind]
    problem = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if status in _RETRY_AFTER:
        headers["Retry-After"] = _RETRY_AFTER[status]
    return status, headers, json.dumps({**problem, "detail": detail, "code": code})


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """What differs of the answers of a stage's API. Each deployment of Chalice's brings the gateway's own back."""
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
    status, headers, body = answer(kind)
    return {
        "statusCode": str(status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()
        },
        "responseTemplates": {
            "application/json": body
        },  # the only template key the gateway looks at for all types
    }


def shape(client: Any, api_id: str, stage: str) -> None:
    """Give a REST API these answers and deploy it to its stage; `client` is boto3's for API Gateway."""
    for kind in ANSWERS:
        client.put_gateway_response(restApiId=api_id, responseType=kind, **_wanted(kind))
    client.create_deployment(restApiId=api_id, stageName=stage, description="gateway answers")
