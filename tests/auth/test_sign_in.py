"""What a browser gets when it begins to sign in, and which settings are refused."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import settings
from chalicelib.auth import cookies, provider, sign_in
from tests.auth.issuer import Issuer

SECURE = {"STAGE": "prod", "BASE_URL": "https://a.example", "SITE_URL": "https://b.example"}


def test_state_nonce_and_verifier_tell_nothing_of_each_other() -> None:
    one, other = sign_in.begin("/staff"), sign_in.begin("/staff")
    parts = {
        each
        for attempt in (one, other)
        for each in (attempt.state, attempt.nonce, attempt.verifier)
    }
    assert len(parts | {one.secret, other.secret}) == 8
    # These are 256 bits, and as long as RFC 7636 demands of a verifier.
    assert {len(each) for each in parts} == {43}


def test_the_challenge_is_the_verifiers_s256() -> None:
    attempt = sign_in.begin("/staff")
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert attempt.challenge + "=" == base64.urlsafe_b64encode(digest).decode()


@pytest.mark.parametrize(
    "then", ["/staff", "/staff/callbacks/R-7F3K", "/staff?state=due", "/staff/a?b=c&d=%20"]
)
def test_a_page_of_the_staffs_is_gone_on_to(then: str) -> None:
    assert sign_in.begin(then).then == then


@pytest.mark.parametrize(
    "then",
    [
        "",
        "/",
        "//evil.example",
        "https://evil.example",
        "/staffel",
        "/staff.evil.example",
        "/staff@evil.example",
        "\\\\evil.example",
        "/staff/\r\nSet-Cookie: a=b",
        "/staff/\n",
        "/staff\n",
        "/staff/ä",
        "/staff/ x",
        "/staff/" + "x" * 500,
    ],
)
def test_nothing_else_is(then: str) -> None:
    assert sign_in.begin(then).then == "/staff"


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://a.example", "__Host-staff=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure"),
        ("http://127.0.0.1:8300", "staff=x; Path=/; Max-Age=60; HttpOnly; SameSite=Lax"),
    ],
)
def test_cookies_are_this_hosts_alone(
    monkeypatch: pytest.MonkeyPatch, base_url: str, expected: str
) -> None:
    monkeypatch.setenv("BASE_URL", base_url)
    settings.current.cache_clear()
    assert cookies.put("staff", "x", 60) == expected
    name = expected.partition("=")[0]
    assert cookies.read({"cookie": f"a=1; {name}=x; {name}-sign-in=y"}, "staff") == "x"
    assert cookies.read({"cookie": f"other{name}=x"}, "staff") == ""
    assert cookies.read({}, "staff") == ""
    settings.current.cache_clear()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "pool.localhost",
        "127.0.0.1",
        "127.1.2.3",
        "[::1]",
        "0.0.0.0",  # noqa: S104  # nothing listens there
        "[::]",
        "[::ffff:127.0.0.1]",
    ],
)
@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_DISCOVERY"])
def test_no_stage_but_the_local_one_trusts_its_own_machine(name: str, host: str) -> None:
    with pytest.raises(settings.BadSetting, match="prod"):
        settings.parse({**SECURE, name: f"https://{host}/pool"})


@pytest.mark.parametrize("name", ["OIDC_ISSUER", "OIDC_DISCOVERY"])
def test_no_stage_but_the_local_one_trusts_an_open_line(name: str) -> None:
    with pytest.raises(settings.BadSetting, match="https"):
        settings.parse({**SECURE, name: "http://issuer.example"})
    settings.parse({**SECURE, name: "https://issuer.example"})
    settings.parse({"STAGE": "local", name: "http://127.0.0.1:1"})


def test_a_sign_in_asks_for_exactly_what_it_needs(configured: Issuer) -> None:
    attempt = sign_in.begin("/staff")
    url = urlsplit(provider.sign_in_url(attempt, "de"))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{configured.url}/authorize"
    assert {name: value for name, (value,) in parse_qs(url.query).items()} == {
        "response_type": "code",
        "client_id": "our-client",
        "redirect_uri": f"{settings.current().base_url}/staff/signed-in",
        "scope": "openid profile email",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
        "ui_locales": "de",
        "lang": "de",
    }
    assert attempt.verifier not in url.query
