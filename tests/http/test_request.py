"""What a request is read from: API Gateway's event, and what Chalice's own gateway makes of one."""

from typing import Any

import pytest
from chalice.app import Request as ChaliceRequest
from chalice.config import Config
from chalice.local import LocalGateway

import app
from chalicelib.http import Request, bodies
from tests.events import Context, api_event


def read(event: dict[str, Any], context: Any = None) -> Request:
    return Request.of(ChaliceRequest(event, context), event["pathParameters"] or {})


def local_event(url: str, headers: dict[str, Any], body: bytes | None = None) -> dict[str, Any]:
    gateway = LocalGateway(app.app, Config())
    made: dict[str, Any] = gateway._generate_lambda_event("POST", url, headers, body)
    return made


def test_chalices_gateway_is_read_as_api_gateway() -> None:
    headers = {"Accept-Language": "en", "User-Agent": "curl", "Accept": "text/html"}
    url = "/articles/g%2Dold/views?a=1&a=2&b=x%20y"
    there = api_event("POST", "/articles/g-old/views?a=1&a=2&b=x%20y", None, headers, "127.0.0.1")
    here, real = read(local_event(url, headers)), read(there)
    assert here.params == real.params == {"a": "2", "b": "x y", "slug": "g-old"}
    assert (here.path, here.language, here.sender.user_agent) == (real.path, "en", "curl")
    assert (here.client_ip, real.client_ip) == ("127.0.0.1", "127.0.0.1")
    assert here.target == "/articles/g%2Dold/views?a=1&a=2&b=x+y"
    assert real.target == "/articles/g-old/views?a=1&a=2&b=x+y"


@pytest.mark.parametrize(
    ("headers", "agent"),
    [
        (None, ""),
        ({}, ""),
        ({"User-Agent": None}, ""),
        ({"User-Agent": ["first", "last"]}, "last"),
        ({"User-Agent": []}, ""),
        ({"USER-AGENT": "curl"}, "curl"),
    ],
)
def test_headers_may_be_missing_or_several(headers: Any, agent: str) -> None:
    assert read({**api_event("GET", "/health"), "headers": headers}).sender.user_agent == agent


@pytest.mark.parametrize("identity", [None, {}, {"sourceIp": None}])
def test_who_asks_may_be_unknown(identity: Any) -> None:
    event = api_event("GET", "/health")
    event["requestContext"]["identity"] = identity
    assert read(event).client_ip == ""


@pytest.mark.parametrize("context", [None, object(), Context()])
def test_an_invocation_needs_no_context(context: Any) -> None:
    assert app.app(api_event("GET", "/health"), context)["statusCode"] == 200


@pytest.mark.parametrize("body", ['{"a": "ä"}', '{"a": "ä"}'.encode()])
def test_a_body_may_be_text_or_bytes(body: str | bytes) -> None:
    assert bodies.read(body, False, bodies.JSON) == {"a": "ä"}
