"""Signing in, step by step, at a provider that may say anything."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import keys
from tests.auth.issuer import Issuer, key
from tests.backend import Backend
from tests.events import Answer

LARGEST_COOKIE = 4096


class Browser:
    """A browser with the cookies of one sign-in."""

    def __init__(self, backend: Backend) -> None:
        self.backend, self.cookies = backend, dict[str, str]()

    def get(self, path: str) -> Answer:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.backend.call("GET", path, headers={"accept": "text/html", "cookie": cookie})
        if "set-cookie" in answer.headers:
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            assert len(answer.headers["set-cookie"]) < LARGEST_COOKIE
            self.cookies[name] = value
        return answer

    def begin(self, path: str = "/staff/sign-in") -> dict[str, str]:
        """Begin a sign-in, and return what the provider is asked."""
        answer = self.get(path)
        assert answer.status == 303
        return {
            name: value
            for name, (value,) in parse_qs(urlsplit(answer.headers["location"]).query).items()
        }

    def answered(self, code: str, state: str) -> Answer:
        return self.get(f"/staff/signed-in?code={code}&state={state}")

    def sign_in(self, issuer: Issuer, **claims: Any) -> Answer:
        asked = self.begin()
        issuer.codes["code"] = issuer.token(**{"nonce": asked["nonce"]} | claims)
        return self.answered("code", asked["state"])


def nobody_signed_in(backend: Backend) -> bool:
    return backend.items(prefix="SESSION#") == []


def test_beginning_writes_nothing(staffed: Backend) -> None:
    before = staffed.items()
    for _ in range(20):
        Browser(staffed).begin()
    assert staffed.items() == before


def test_a_sign_in_leads_to_the_page_that_was_wanted(staffed: Backend, issuer: Issuer) -> None:
    browser = Browser(staffed)
    led = browser.get("/staff/subscribers?domain=b.example&x=a%40b")
    asked = browser.begin(led.headers["location"].removeprefix("http://contact.test"))
    issuer.codes["code"] = issuer.token(nonce=asked["nonce"], groups=["supervisor"])
    answer = browser.answered("code", asked["state"])
    assert (answer.status, answer.headers["location"]) == (
        303,
        "http://contact.test/staff/subscribers?domain=b.example&x=a%40b",
    )
    (form,) = issuer.forms
    assert (form["grant_type"], form["redirect_uri"]) == (
        "authorization_code",
        "http://contact.test/staff/signed-in",
    )
    assert "client_secret" not in form
    page = browser.get("/staff")
    assert page.status == 200
    assert "Anna" in page.text
    assert "Leitung" in page.text


def test_a_client_with_a_secret_shows_it(staffed: Backend, issuer: Issuer) -> None:
    made = staffed.cloud.client("secretsmanager").create_secret(
        Name=f"{staffed.env['CONTACTS_TABLE']}-oidc", SecretString='{"client_secret": "s3cret"}'
    )
    staffed.configure(OIDC_CLIENT_SECRET_ARN=made["ARN"])
    assert Browser(staffed).sign_in(issuer).status == 303
    assert issuer.forms[0]["client_secret"] == "s3cret"


BROKEN = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another"},
    "an access token": {"aud": None, "client_id": "our-client", "nonce": None},
}


@pytest.mark.parametrize("claims", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_claim_signs_nobody_in(
    staffed: Backend, issuer: Issuer, claims: dict[str, object]
) -> None:
    browser = Browser(staffed)
    answer = browser.sign_in(issuer, **claims)
    assert answer.status == 400
    assert "Die Anmeldung hat nicht geklappt" in answer.text
    assert nobody_signed_in(staffed)
    assert browser.sign_in(issuer).status == 303  # a new sign-in works


def test_another_key_signs_nobody_in(staffed: Backend, issuer: Issuer) -> None:
    browser = Browser(staffed)
    asked = browser.begin()
    issuer.codes["code"] = issuer.token(nonce=asked["nonce"], signed_by=key())
    assert browser.answered("code", asked["state"]).status == 400
    assert nobody_signed_in(staffed)


def test_the_answer_has_to_belong_to_this_browsers_sign_in(
    staffed: Backend, issuer: Issuer
) -> None:
    mine, other = Browser(staffed), Browser(staffed)
    asked, others = mine.begin(), other.begin()
    issuer.codes["code"] = issuer.token(nonce=others["nonce"])
    for browser, state in (
        (mine, others["state"]),  # somebody else's sign-in
        (Browser(staffed), others["state"]),  # a browser that began no sign-in
        (other, asked["state"]),
        (other, ""),
        (other, "%ED%A0%80"),
    ):
        assert browser.answered("code", state).status == 400
    assert issuer.forms == []  # the provider was not asked
    assert nobody_signed_in(staffed)


def test_a_cookie_of_the_sign_in_that_was_changed_or_made_up(
    staffed: Backend, issuer: Issuer
) -> None:
    browser = Browser(staffed)
    asked = browser.begin()
    issuer.codes["code"] = issuer.token(nonce=asked["nonce"])
    good = browser.cookies["staff-sign-in"]
    for bad in ("", "x", good[:-1], "A" + good, good.replace(".", "")):
        browser.cookies["staff-sign-in"] = bad
        assert browser.answered("code", asked["state"]).status == 400
    browser.cookies["staff-sign-in"] = good
    assert browser.answered("code", asked["state"]).status == 303


def test_an_answer_is_good_once(staffed: Backend, issuer: Issuer) -> None:
    """Check that an answer is good once, though this provider takes its code again."""
    browser = Browser(staffed)
    asked = browser.begin()
    issuer.codes["code"] = issuer.token(nonce=asked["nonce"])
    assert [browser.answered("code", asked["state"]).status for _ in range(3)] == [303, 400, 400]
    assert len(staffed.items(prefix="SESSION#")) == 1


def test_a_session_that_somebody_planted_is_not_taken_over(
    staffed: Backend, issuer: Issuer
) -> None:
    browser = Browser(staffed)
    browser.cookies["staff"] = "planted"
    browser.sign_in(issuer)
    first = browser.cookies["staff"]
    assert first != "planted"
    browser.sign_in(issuer)
    assert browser.cookies["staff"] != first
    assert len(staffed.items(prefix="SESSION#")) == 1  # the session before has ended
    planted = Browser(staffed)
    for old in ("planted", first):
        planted.cookies["staff"] = old
        assert planted.get("/staff").status == 303


@pytest.mark.parametrize(
    "query", ["error=access_denied", "error=login_required&error_description=%3Cb%3E", "code="]
)
def test_whoever_cancels_may_begin_anew(staffed: Backend, issuer: Issuer, query: str) -> None:
    browser = Browser(staffed)
    answer = browser.get(f"/staff/signed-in?{query}&state={browser.begin()['state']}")
    assert answer.status == 400
    assert 'href="http://contact.test/staff/sign-in"' in answer.text
    assert "<b>" not in answer.text
    assert issuer.forms == []


@pytest.mark.parametrize(
    "groups", [None, [], ["Agent"], ["agents"], "supervisors", {"agent": 1}, [["agent"]], 7]
)
def test_an_account_without_a_role_is_told_so(
    staffed: Backend, issuer: Issuer, groups: object
) -> None:
    answer = Browser(staffed).sign_in(issuer, groups=groups)
    assert answer.status == 403
    assert "hat hier aber keinen Zugang" in answer.text
    assert nobody_signed_in(staffed)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["agent"], "agent"),
        ("supervisor", "supervisor"),
        (["x", "agent", "supervisor"], "supervisor"),
    ],
)
def test_roles_come_from_the_groups(
    staffed: Backend, issuer: Issuer, groups: object, role: str
) -> None:
    assert Browser(staffed).sign_in(issuer, groups=groups).status == 303
    assert [each["role"] for each in staffed.items(prefix="SESSION#")] == [role]


def test_a_person_is_the_same_at_every_sign_in_and_no_address(
    staffed: Backend, issuer: Issuer
) -> None:
    for _ in range(2):
        Browser(staffed).sign_in(issuer)
    Browser(staffed).sign_in(issuer, sub="bea")
    ids = [each["id"] for each in staffed.items(prefix="SESSION#")]
    assert len(ids) == 3
    assert set(ids) == {keys.identity("staff", f"{issuer.url}\0{sub}") for sub in ("anna", "bea")}


def test_a_program_brings_the_providers_token(staffed: Backend, issuer: Issuer) -> None:
    kinds: list[dict[str, Any]] = [{}, {"aud": None, "client_id": "our-client"}]
    for claims in kinds:
        authorization = f"Bearer {issuer.token(**claims)}"
        # A browser sends no such header by itself, so no origin is needed.
        assert (
            staffed.call("POST", "/staff/sign-out", headers={"authorization": authorization}).status
            == 200
        )
    assert nobody_signed_in(staffed)
    refused = staffed.call(
        "GET", "/staff", headers={"authorization": f"Bearer {issuer.token(groups=[])}"}
    )
    assert (refused.status, refused.json["code"]) == (403, "no_role")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
def test_a_provider_that_is_ill_is_said_to_be(staffed: Backend, issuer: Issuer, path: str) -> None:
    asked = Browser(staffed)
    browser_began = asked.begin()
    issuer.codes["code"] = issuer.token(nonce=browser_began["nonce"])
    issuer.answers[path] = (500, "")
    staffed.forget()
    answer = asked.answered("code", browser_began["state"])
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    issuer.answers.clear()
    assert asked.answered("code", browser_began["state"]).status == 303


def test_without_a_provider_nobody_gets_in(backend: Backend) -> None:
    assert backend.call("GET", "/staff/sign-in").status == 503
    assert backend.call("GET", "/staff", headers={"authorization": "Bearer a.b.c"}).status == 401
