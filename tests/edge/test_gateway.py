"""The same promises over real HTTP, through the emulated API Gateway, with streams that react."""

import http.client
import json
import os
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest

from chalicelib.http.inventory import INVENTORY
from local.cloud import Cloud
from tests.backend import BROWSER, FORM, Backend
from tests.events import Answer

JSON = {"content-type": "application/json"}
T = TypeVar("T")


def call(
    cloud: Cloud, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    split = urlsplit(cloud.api)
    # The emulator unzips a package for each process: 3 s of a processor that others may be using.
    connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=60)
    try:
        given = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        sent = headers or (JSON if body is not None else {})
        connection.request(method, path, given, {"user-agent": BROWSER, **sent})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read().decode())
    finally:
        connection.close()


def eventually(look: Callable[[], T], seconds: float = 30) -> T:
    """Call `look` until its answer is truthy, for a bounded time. Return the last answer."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if found := look():
            return found
        pause.wait(0.02)
    return look()


def mails(cloud: Cloud, address: str) -> list[Any]:
    return [each for each in cloud.messages() if address in each["to"]]


def test_newsletter_from_form_to_confirmed(cloud: Cloud) -> None:
    body = {"email": "gateway@example.org", "consent": "newsletter-de-1"}
    signup = call(cloud, "POST", "/newsletter/signups", body, {**JSON, "origin": cloud.site})
    assert (signup.status, signup.text) == (202, '{"status":"pending"}')
    assert signup.headers["access-control-allow-origin"] == cloud.site
    (mail,) = eventually(lambda: mails(cloud, "gateway@example.org"))
    link = re.search(r"token=([^\s&]+)", mail["text"])
    assert link
    assert mail["text"].count(f"{cloud.api}/newsletter/confirm?token=") == 1
    for _ in range(2):
        for method in ("GET", "HEAD"):
            assert call(cloud, method, f"/newsletter/confirm?token={link[1]}").status == 200
        confirmed = call(
            cloud,
            "POST",
            "/newsletter/confirm",
            f"token={link[1]}",
            {"content-type": FORM, "accept": "application/json"},
        )
        assert (confirmed.status, confirmed.text) == (200, '{"status":"confirmed"}')


def test_callback_alerts_the_topic_and_the_staff(cloud: Cloud) -> None:
    body = {
        "name": "Eva",
        "phone": "+49 711 1234567",
        "consent": "callback-de-1",
        "topic": "selling",
    }
    before = {each["id"] for each in cloud.messages()}
    reference = call(cloud, "POST", "/callbacks", body).json["reference"]

    def told() -> list[dict[str, Any]]:
        return [
            each
            for each in cloud.messages()
            if reference in each["subject"] and each["id"] not in before
        ]

    about = eventually(lambda: told()[1:] and told())
    assert sorted(each["kind"] for each in about) == ["alert", "mail"]
    (alert,) = [each for each in about if each["kind"] == "alert"]
    assert alert["attributes"]["event"] == "callback"
    assert alert["attributes"]["topic"] == "selling"
    assert alert["attributes"]["reference"] == reference


def test_views_are_counted_by_the_stream(cloud: Cloud) -> None:
    for visitor in range(5):
        for _ in range(2):
            answer = call(
                cloud,
                "POST",
                "/articles/gateway/views",
                "",
                {"x-forwarded-for": f"203.0.113.{visitor}"},
            )
            assert (answer.status, answer.text) == (204, "")
    counted = eventually(lambda: call(cloud, "GET", "/articles/gateway/views").json["views"] == 5)
    assert counted
    assert (
        call(cloud, "GET", "/articles/gateway/views").headers["cache-control"]
        == "public, max-age=30"
    )


XML = {"content-type": "application/xml"}
# fmt: off
ERRORS = [
    ("GET",    "/nowhere",                    None,            {},   404, "not_found"),
    ("POST",   "/newsletter",                 "{}",            JSON, 404, "not_found"),
    ("GET",    "/newsletter/signups",         None,            {},   405, "method_not_allowed"),
    ("DELETE", "/hotline",                    None,            {},   405, "method_not_allowed"),
    ("POST",   "/newsletter/signups",         "[" * 10000,     JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         "[" * 200_000,   JSON, 413, "payload_too_large"),
    ("POST",   "/newsletter/signups",         '"\\ud800"',     JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         "NaN",           JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         b"\xff\xfe",     JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         "null",          JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         "",              JSON, 400, "malformed"),
    ("POST",   "/newsletter/signups",         "<a/>",          XML,  415, "unsupported_media_type"),
    ("POST",   "/newsletter/signups",         "{}",            JSON, 422, "validation"),
    ("POST",   "/callbacks",                  "x" * 11 * 2**20, JSON, 413, "payload_too_large"),
    ("POST",   "/articles/UPPER/views",       "",              {},   422, "validation"),
    ("GET",    "/articles/popular?window=1h", None,            {},   422, "validation"),
    ("GET",    "/newsletter/confirm?token=x", None,            {},   400, "token"),
]
# fmt: on


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "code"), ERRORS)
def test_errors_have_one_shape(
    cloud: Cloud, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    answer = call(cloud, method, path, body, headers)
    assert (answer.status, answer.json["code"], answer.json["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_preflight_is_answered_for_our_pages_only(cloud: Cloud) -> None:
    asks = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    ours = call(cloud, "OPTIONS", "/newsletter/signups", None, {**asks, "origin": cloud.site})
    assert (ours.status, ours.headers["access-control-allow-origin"]) == (204, cloud.site)
    foreign = call(
        cloud, "OPTIONS", "/newsletter/signups", None, {**asks, "origin": "https://evil.example"}
    )
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.soak
def test_a_forwarded_address_is_no_way_around_the_limits(
    one_hour: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Check that headers about a forwarded address do not count, on an edge like API Gateway."""
    settings = {"LIMIT_PER_CALLER_FACTOR": "1", "LIMIT_SIGNUPS_PER_CALLER": "5"}
    with Cloud(tmp_path_factory.mktemp("edge"), extra_env=settings) as edge:
        statuses = []
        for n in range(100):
            claims = {
                "x-forwarded-for": f"203.0.113.{n}",
                "forwarded": f"for=203.0.113.{n}",
                "x-real-ip": f"10.0.0.{n}",
            }
            body = {"email": f"forged-{n}@example.org", "consent": "newsletter-de-1"}
            statuses.append(
                call(edge, "POST", "/newsletter/signups", body, {**JSON, **claims}).status
            )
    assert statuses == [202] * 5 + [429] * 95


def test_twenty_equal_signups_at_once(cloud: Cloud) -> None:
    body = {"email": "at-once@example.org", "consent": "newsletter-de-1"}
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda _: call(cloud, "POST", "/newsletter/signups", body), range(20))
        )
    assert {(each.status, each.text) for each in answers} == {(202, '{"status":"pending"}')}
    assert eventually(lambda: mails(cloud, "at-once@example.org"))
    cloud.invoke("clock", SCHEDULED)
    assert len(mails(cloud, "at-once@example.org")) == 1


SCHEDULED = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "0",
    "time": "2026-11-23T00:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {},
}


def test_a_process_killed_between_written_and_sent_loses_nothing(cloud: Cloud) -> None:
    cloud.kill_handlers()
    try:
        # This process writes while the one that sends is dead.
        with Backend(cloud, cloud.env) as live:
            body = {"email": "killed@example.org", "consent": "newsletter-de-1"}
            assert live.call("POST", "/newsletter/signups", body).status == 202
        assert "STAGE" not in os.environ
        away = call(cloud, "GET", "/health")
        assert (away.status, away.json["code"]) == (503, "unavailable")
        assert int(away.headers["retry-after"]) > 0
        assert mails(cloud, "killed@example.org") == []
    finally:
        cloud.start_handlers()
    assert eventually(lambda: mails(cloud, "killed@example.org"))
    cloud.invoke("clock", SCHEDULED)
    assert len(mails(cloud, "killed@example.org")) == 1


def test_the_published_contract_is_what_is_served(cloud: Cloud) -> None:
    document = call(cloud, "GET", "/openapi.json").json
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": cloud.api}]
    listed = {
        (path, method.upper()) for path, methods in document["paths"].items() for method in methods
    }
    assert listed == {(path, method) for path, methods in INVENTORY.items() for method in methods}
    served = cloud.client("apigateway").get_resources(restApiId=_api_id(cloud), limit=500)["items"]
    deployed = {each["path"] for each in served if each.get("resourceMethods")}
    assert deployed == set(document["paths"])


def _api_id(cloud: Cloud) -> str:
    (api,) = cloud.client("apigateway").get_rest_apis()["items"]
    return str(api["id"])
