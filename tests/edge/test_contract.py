"""What every route promises: one error shape, body rules, methods and CORS."""

import json

import pytest

from chalicelib import settings
from chalicelib.http.inventory import INVENTORY
from chalicelib.messages import MESSAGES, message
from tests.backend import FORM, ORIGIN, Backend
from tests.events import Answer

STAFF = sorted(path for path in INVENTORY if path.startswith("/staff"))
POSTS = sorted(
    path for path, methods in INVENTORY.items() if "POST" in methods and path not in STAFF
)
# Unsubscribing is left out: RFC 8058 has it ignore its body.
TAKING = [path for path in POSTS if INVENTORY[path]["POST"].takes]
PATHS = sorted(set(INVENTORY) - set(STAFF))
EXAMPLES = {
    "{slug}": "gold",
    "{version}": "newsletter-de-1",
    "{id}": "somebody",
    "{file}": "altcha-license.js",
}
SIGNUP = {"email": "eva@example.org", "consent": "newsletter-de-1"}
ONE_CLICK = "/newsletter/unsubscribe"  # takes a body of any type (RFC 8058, section 3.1)


def url(path: str) -> str:
    for name, value in EXAMPLES.items():
        path = path.replace(name, value)
    return path


def is_problem(answer: Answer) -> None:
    body = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == answer.status
    assert body["code"] in MESSAGES


# fmt: off
MALFORMED = [
    "[" * 8000, '{"a":' * 2000, "{", "\ufeff{}", '{"email":"a",}',
    "[]", "null", "1", '"text"',
    '"\\ud800"', '{"email":"\\ud800"}', '{"\\udfff":1}',
    '{"email":"a\\u0000b"}', '{"email":"a\0b"}',
    "NaN", '{"email":NaN}', '{"email":-Infinity}',
]
# fmt: on


@pytest.mark.parametrize("path", TAKING)
@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/json; charset=utf-8"]
)
def test_malformed_bodies(backend: Backend, path: str, kind: str) -> None:
    for body in MALFORMED:
        answer = backend.call("POST", url(path), body, {"content-type": kind})
        assert answer.status == 400, body[:30]
        is_problem(answer)
    assert backend.items() == []


@pytest.mark.parametrize("path", POSTS)
def test_bodies_of_more_than_16_kib(backend: Backend, path: str) -> None:
    for kind in ("application/json", "text/plain", FORM):
        answer = backend.call(
            "POST", url(path), json.dumps({"note": "x" * 16384}), {"content-type": kind}
        )
        assert answer.status == 413
        is_problem(answer)
    nearly = json.dumps({"x": "x" * (16384 - 9)})
    assert len(nearly) == 16384
    assert backend.call("POST", url(path), nearly).status in (204, 400, 422)


@pytest.mark.parametrize("path", [path for path in TAKING if path != ONE_CLICK])
@pytest.mark.parametrize(
    "kind", ["application/xml", "multipart/form-data; boundary=x", "text/html", "", "nonsense"]
)
def test_other_content_types(backend: Backend, path: str, kind: str) -> None:
    answer = backend.call("POST", url(path), "{}", {"content-type": kind})
    assert answer.status == 415
    is_problem(answer)


@pytest.mark.parametrize("body", ["%ff=1", "a=%00", "&".join(f"a{n}=1" for n in range(101))])
def test_malformed_forms(backend: Backend, body: str) -> None:
    answer = backend.call("POST", "/newsletter/signups", body, {"content-type": FORM})
    assert answer.status == 400
    is_problem(answer)


@pytest.mark.parametrize("path", PATHS)
def test_other_methods(backend: Backend, path: str) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - set(INVENTORY[path]):
        answer = backend.call(method, url(path))
        assert answer.status == 405
        assert method not in answer.headers["allow"].split(", ")
        is_problem(answer)


@pytest.mark.parametrize("path", [path for path in PATHS if "GET" in INVENTORY[path]])
def test_head_is_get_without_a_body(backend: Backend, path: str) -> None:
    get, head = (backend.call(method, url(path)) for method in ("GET", "HEAD"))
    assert (get.status, get.headers) == (head.status, head.headers)
    assert head.text == ""


@pytest.mark.parametrize("path", PATHS)
def test_cors_names_exactly_our_origins(backend: Backend, path: str) -> None:
    for origin in (
        "null",
        f"{ORIGIN}.evil.example",
        "https://evil.example",
        ORIGIN.upper(),
        f"{ORIGIN}:443",
        "",
    ):
        for method in ("OPTIONS", *INVENTORY[path]):
            answer = backend.call(method, url(path), headers={"origin": origin})
            assert not [name for name in answer.headers if name.startswith("access-control-")]
            assert answer.headers["vary"].startswith("Origin")
    asked = {
        "origin": ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type",
    }
    preflight = backend.call("OPTIONS", url(path), headers=asked)
    assert (preflight.status, preflight.text) == (204, "")
    assert preflight.headers["access-control-allow-origin"] == ORIGIN
    assert set(INVENTORY[path]) <= set(
        preflight.headers["access-control-allow-methods"].split(", ")
    )
    assert preflight.headers["access-control-allow-headers"] == "Content-Type"
    assert "access-control-allow-credentials" not in preflight.headers


@pytest.mark.parametrize("path", POSTS)
def test_errors_reach_the_page_that_asked(backend: Backend, path: str) -> None:
    answer = backend.call("POST", url(path), "[", {"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_messages_follow_the_language(backend: Backend) -> None:
    def detail(body: dict[str, str], **headers: str) -> str:
        answer = backend.call("POST", "/newsletter/signups", {**body, "consent": "x"}, headers)
        return str(answer.json["detail"])

    german, english = (message("validation", language) for language in ("de", "en"))
    assert detail({"email": "x"}) == german
    assert detail({"email": "x", "language": "en"}) == english
    assert detail({"email": "x", "language": "de"}, **{"accept-language": "en-GB"}) == german
    assert detail({"email": "x"}, **{"accept-language": "en-GB,en;q=0.9"}) == english
    assert detail({"email": "x", "language": "fr"}) == german


def test_a_person_who_looks_gets_a_page(backend: Backend) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = backend.call("GET", "/newsletter/confirm?token=x", headers=browser)
    assert (answer.status, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "Dieser Link ist ungültig" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_an_error_of_ours_says_nothing_about_itself(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.configure(TIME_ZONE="Nowhere/Land")
    answer = backend.call("POST", "/articles/gold/views", client_ip="192.0.2.1")
    assert answer.status == 500
    is_problem(answer)
    assert "Nowhere" not in answer.text
    logged = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (logged["level"], logged["event"], logged["error"]) == (
        "ERROR",
        "http.error",
        "ZoneInfoNotFoundError",
    )


def test_the_service_says_how_it_is(backend: Backend) -> None:
    health = backend.call("GET", "/health")
    assert health.json == {"status": "ok", "stage": backend.env["STAGE"], "version": "0.1.0"}


def test_the_snippet_is_cacheable(backend: Backend) -> None:
    first = backend.call("GET", "/embed.js")
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    again = backend.call("GET", "/embed.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.text) == (304, "")


def test_only_the_local_stage_has_a_test_key() -> None:
    settings.parse({"STAGE": "local", "STAFF_TEST_KEY": "x"})
    secure = {"BASE_URL": "https://a.example", "SITE_URL": "https://b.example"}
    settings.parse({"STAGE": "prod", **secure})
    for bad in (
        {"STAFF_TEST_KEY": "x"},
        {"BASE_URL": "http://a.example"},
        {"SITE_ORIGINS": "http://b.example"},
    ):
        with pytest.raises(settings.BadSetting):
            settings.parse({"STAGE": "prod", **secure, **bad})


def test_settings_that_cannot_be_read_are_named() -> None:
    with pytest.raises(settings.BadSetting, match="MAILS_A_DAY"):
        settings.parse({"MAILS_A_DAY": "many"})
