"""Every answer of every route, and each of the gateway's own, bears the headers it has to."""

import re

import pytest
import time_machine

from chalicelib import instants
from chalicelib.auth import session
from chalicelib.auth.gate import is_staff
from chalicelib.auth.person import Person
from chalicelib.http.inventory import INVENTORY, METHODS
from infra import gateway
from tests.backend import ORIGIN, WEBSITE, Backend
from tests.edge import test_contract
from tests.events import Answer

HTTPS = "strict-transport-security"
PATHS = sorted(INVENTORY)
# What a caller may send that an answer may depend on, in two ways.
SENDS = {
    "origin": (ORIGIN, "https://evil.example"),
    "accept": ("text/html", "application/json"),
    "accept-language": ("de", "en"),
    "cookie": ("__Host-staff=nobody", ""),
    "authorization": ("Bearer nobody", "Basic nobody"),
    "user-agent": ("Mozilla/5.0 Firefox/143.0", "curl/8"),
    "x-forwarded-for": ("192.0.2.1", "198.51.100.1"),
}


def url(path: str) -> str:
    return re.sub(r"\{\w+\}", "x", test_contract.url(path))


def varies(answer: Answer) -> set[str]:
    return {each.strip().lower() for each in answer.headers["vary"].split(",")}


def test_each_route_says_https_only_and_what_its_answer_depends_on(backend: Backend) -> None:
    asked = 0
    for path in PATHS:
        for method in METHODS:
            answer = backend.call(method, url(path), headers={"accept": "text/html"})
            assert answer.headers[HTTPS] == "max-age=63072000", (method, path)
            needed = {"origin", "accept-encoding"}
            if is_staff(path):
                needed |= {"authorization", "cookie"}
            assert needed <= varies(answer), (method, path)
            if not answer.headers.get("cache-control", "").startswith("public"):
                assert {"accept", "accept-language"} <= varies(answer), (method, path)
            asked += 1
    print(f"\nanswers with both headers {asked}")


@time_machine.travel("2026-11-26T09:00:00Z", tick=False)
@pytest.mark.parametrize("header", SENDS)
def test_no_answer_to_a_reader_depends_on_what_it_does_not_name(
    backend: Backend, header: str
) -> None:
    for path in PATHS:
        if "GET" not in INVENTORY[path] or path == "/altcha":  # a challenge is random
            continue
        one, other = (
            backend.call("GET", url(path), headers={header: value}) for value in SENDS[header]
        )
        said = [(each.status, each.text, sorted(each.headers.items())) for each in (one, other)]
        if said[0] != said[1] and header not in varies(one):
            kept = [each.headers.get("cache-control", "") for each in (one, other)]
            assert kept == ["no-store", "no-store"], (path, header)


def test_what_everybody_may_keep_is_kept_once_for_all(backend: Backend) -> None:
    answer = backend.call("GET", "/articles/gold/views", headers={"accept-language": "de"})
    assert answer.headers["vary"] == "Origin, Accept-Encoding"
    badge = backend.call("GET", "/articles/gold/badge.svg")
    assert badge.headers["vary"] == "Origin, Accept-Encoding, Accept-Language"


def test_a_stage_without_https_does_not_speak_of_it(backend: Backend) -> None:
    backend.configure(STAGE="local", BASE_URL="http://127.0.0.1:8300")
    for path in ("/health", "/staff", "/newsletter/signups", "/articles/gold/views"):
        assert HTTPS not in backend.call("GET", path).headers


def test_a_redirect_says_https_only(backend: Backend) -> None:
    answer = backend.call("GET", "/staff/callbacks", headers={"accept": "text/html"})
    assert (answer.status, HTTPS in answer.headers) == (303, True)


@pytest.mark.parametrize("kind", gateway.ANSWERS)
def test_the_gateways_own_answers_say_https_only_where_it_is_served(kind: str) -> None:
    name = "gatewayresponse.header.Strict-Transport-Security"
    assert gateway._wanted(kind)["responseParameters"][name] == "'max-age=63072000'"
    assert "Strict-Transport-Security" not in gateway.answer(kind)[1]


def test_a_sign_out_clears_what_the_browser_kept_of_this_host_alone(backend: Backend) -> None:
    begun = session.begin(Person("anna", "Anna", "agent"), "cause", instants.now())
    sent = {"cookie": f"__Host-staff={begun}", "origin": WEBSITE["BASE_URL"]}
    answer = backend.call("POST", "/staff/sign-out", headers=sent)
    assert answer.status == 200
    assert answer.headers["clear-site-data"] == '"storage"'
    assert "Max-Age=0" in answer.headers["set-cookie"]
    others = [backend.call("GET", url(path)) for path in PATHS if "GET" in INVENTORY[path]]
    assert not [each for each in others if "clear-site-data" in each.headers]
