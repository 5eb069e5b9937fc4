"""Only the provider's own tokens for us are accepted, and each broken one is refused."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from chalicelib.auth import provider
from chalicelib.errors import BadToken, Unavailable
from tests.auth.issuer import CLIENT, Issuer, key

# The tests give these claims in seconds from now, since a run takes long.
TIMES = ("exp", "nbf", "iat")
CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": -120},
    "not yet": {"nbf": 600},
    "issued in the future": {"iat": 600},
    "without an end": {"exp": None},
    "an end that is no number": {"exp": "soon"},
    "without a subject": {"sub": None},
    "a subject that is no text": {"sub": 7},
    "without an issuer": {"iss": None},
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "another-client"},
    "no audience": {"aud": None},
    "an audience besides us": {"aud": [CLIENT, "another-client"]},
    "an empty audience": {"aud": []},
    "another client's access token": {"aud": None, "client_id": "another-client"},
    "another's audience, our client": {"aud": "another-client", "client_id": CLIENT},
    "a refresh token": {"token_use": "refresh"},
}


def timed(changed: dict[str, Any]) -> dict[str, Any]:
    """Return the claims with their times counted from now."""
    now = int(time.time())
    return {
        name: now + value if name in TIMES and isinstance(value, int) else value
        for name, value in changed.items()
    }


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: str = "") -> str:
    return f"{part(header)}.{part(claims)}.{signature}"


def hs256(secret: bytes, claims: dict[str, Any]) -> str:
    signed = f"{part({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{part(claims)}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def forgeries(issuer: Issuer) -> dict[str, str]:
    """Return tokens with good claims that the issuer did not sign."""
    good, claims, own = issuer.token(), issuer.claims(), key()
    public = (
        issuer.keys["first"]
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    ours = jwt.algorithms.RSAAlgorithm.to_jwk(own.public_key(), as_dict=True)
    head, body, signature = good.split(".")
    boss = issuer.claims(groups=["supervisor"])
    return {
        "nothing": "",
        "no token": "x",
        "only dots": "..",
        "signed by another key": issuer.token(signed_by=own),
        "a key nobody knows": jwt.encode(claims, own, "RS256", headers={"kid": "mine"}),
        "no key id": jwt.encode(claims, own, "RS256"),
        "a key id that is no text": unsigned({"alg": "RS256", "kid": ["first"]}, claims, signature),
        "its own key in the header": jwt.encode(
            claims, own, "RS256", headers={"kid": "first", "jwk": ours}
        ),
        "keys elsewhere": jwt.encode(
            claims, own, "RS256", headers={"kid": "first", "jku": "http://127.0.0.1:1/keys"}
        ),
        "alg none": unsigned({"alg": "none", "kid": "first"}, claims),
        "alg None, signed": unsigned({"alg": "None", "kid": "first"}, claims, signature),
        "no alg": unsigned({"kid": "first"}, claims, signature),
        "HS256 with the public key": hs256(public, claims),
        "HS256 with an empty key": hs256(b"", claims),
        "RS512": jwt.encode(claims, issuer.keys["first"], "RS512", headers={"kid": "first"}),
        "PS256": jwt.encode(claims, issuer.keys["first"], "PS256", headers={"kid": "first"}),
        "critical header": jwt.encode(
            claims, issuer.keys["first"], "RS256", headers={"kid": "first", "crit": ["x"]}
        ),
        "no signature": f"{head}.{body}.",
        "another's claims under the signature": f"{head}.{part(boss)}.{signature}",
        "cut": good[:-8],
        "not ASCII": f"{head}.{body}.ä",
        "half a character": f"{head}.{body}.\ud800",
    }


def refused(token: str) -> bool:
    try:
        provider.verify(token)
    except BadToken:
        return True
    return False


def test_each_broken_token_is_refused(configured: Issuer) -> None:
    broken = {name: configured.token(**timed(changed)) for name, changed in CLAIMS.items()}
    broken["the issuer with a slash"] = configured.token(iss=f"{configured.url}/")
    broken |= forgeries(configured)
    accepted = [name for name, token in broken.items() if not refused(token)]
    print(f"\nbroken tokens {len(broken)} · accepted {len(accepted)}")
    assert accepted == []


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": None, "client_id": CLIENT, "token_use": "access"},
        {"exp": -30},  # within the leeway
        {"token_use": "id"},
    ],
)
def test_good_tokens_are_accepted(configured: Issuer, changed: dict[str, Any]) -> None:
    assert provider.verify(configured.token(**timed(changed)))["sub"] == "anna"


@given(
    token=st.one_of(
        st.text(max_size=80), st.lists(st.text("Ae0-_=", max_size=9), min_size=3).map(".".join)
    )
)
@runs(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_is_sent_is_refused_and_no_error(configured: Issuer, token: str) -> None:
    assert refused(token)


def older(seconds: float) -> None:
    """Make everything that was read from the provider so many seconds older."""
    for url, (read_at, document) in provider._cache.items():
        provider._cache[url] = (read_at - seconds, document)


def test_a_new_key_is_found_within_a_minute(configured: Issuer) -> None:
    assert not refused(configured.token())
    configured.keys["second"] = key()
    assert refused(configured.token(kid="second"))
    older(61)
    assert not refused(configured.token(kid="second"))
    del configured.keys["first"]
    assert not refused(configured.token(kid="second"))


def test_forged_tokens_do_not_make_us_ask_the_provider(configured: Issuer) -> None:
    for number in range(100):
        assert refused(
            jwt.encode(
                configured.claims(), configured.keys["first"], "RS256", headers={"kid": str(number)}
            )
        )
    assert dict(configured.asked) == {"/.well-known/openid-configuration": 1, "/keys": 1}


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
@pytest.mark.parametrize(
    "answer", [(500, "{}"), (404, "{}"), (200, "<html>"), (200, "[]"), (200, "")]
)
def test_an_ill_provider_is_no_fault_of_the_token(
    configured: Issuer, path: str, answer: tuple[int, str]
) -> None:
    configured.answers[path] = answer
    with pytest.raises(Unavailable):
        provider.verify(configured.token())
    del configured.answers[path]
    assert not refused(configured.token())  # no bad answer was kept


def test_a_provider_that_is_gone(configured: Issuer) -> None:
    token = configured.token()
    configured.stop()
    with pytest.raises(Unavailable):
        provider.verify(token)


def test_the_discovery_document_has_to_be_the_issuers(configured: Issuer) -> None:
    path = "/.well-known/openid-configuration"
    _, said = configured.say(path)
    configured.answers[path] = (
        200,
        json.dumps({**json.loads(said), "issuer": "https://evil.example"}),
    )
    with pytest.raises(Unavailable):
        provider.verify(configured.token())
