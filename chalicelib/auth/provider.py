"""The OpenID provider: its addresses, its tokens and the verification of these.

OpenID Connect Core 1.0 and Discovery 1.0. PyJWT and `rs256` are imported when a token comes.
"""

import hmac
import http.client
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from chalicelib import aws, keys
from chalicelib.auth import roles
from chalicelib.auth.person import Person
from chalicelib.auth.roles import Role
from chalicelib.auth.sign_in import PendingSignIn
from chalicelib.errors import (
    BadToken,
    Forged,
    ForgedBearer,
    NotSignedIn,
    SignInAway,
    Unavailable,
)
from chalicelib.settings import current

_MAX_AGE = 3600.0  # seconds for which a document of the provider's is used
# An unknown key may be a new one, so the keys are fetched again; but forged tokens must not make us
# fetch all the time.
_MAX_AGE_UNKNOWN_KEY = 60.0
_LEEWAY = 60  # seconds a clock may be wrong
_TIMEOUT = 5.0  # seconds that the provider has for each of its answers
# Seconds for which a provider that let us wait is not asked again: every request would wait as
# long, and take the place of one that could be answered.
SILENT = 30.0
_LARGEST = 1 << 20
_NAMES = ("name", "preferred_username", "email", "cognito:username", "username")
_cache: dict[str, tuple[float, Any]] = {}
# When the provider last let us wait, by the wall clock: others stand still while Lambda freezes it.
_silent_since: float | None = None

Claims = Mapping[str, Any]


def forget() -> None:
    """Clear what this process knows of the provider: its documents, and that it was silent."""
    global _silent_since
    _cache.clear()
    _silent_since = None


def redirect_uri() -> str:
    """Return the address the provider sends the browser back to."""
    return f"{current().base_url}/staff/signed-in"


def sign_in_url(pending: PendingSignIn, language: str) -> str:
    """Return the provider's address at which a browser signs in. Raises Unavailable."""
    settings = current()
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": redirect_uri(),
        "scope": settings.oidc_scopes,
        "state": pending.state,
        "nonce": pending.nonce,
        "code_challenge": pending.challenge,
        "code_challenge_method": "S256",
        "ui_locales": language,
        "lang": language,  # Cognito's name for it
    }
    return _with_query(_discovery()["authorization_endpoint"], asked)


def sign_out_url() -> str:
    """Return the address at which a browser signs out at the provider, too.

    It is empty where the provider has none or does not answer.
    """
    try:
        endpoint = _discovery().get("end_session_endpoint")
    except Unavailable:
        return ""
    back = f"{current().base_url}/staff/sign-in"
    # RP-Initiated Logout 1.0; Cognito calls the address `logout_uri`.
    asked = {
        "client_id": current().oidc_client_id,
        "post_logout_redirect_uri": back,
        "logout_uri": back,
    }
    return _with_query(endpoint, asked) if endpoint else ""


def redeem(code: str, pending: PendingSignIn) -> Claims:
    """Redeem a code for an ID token; return its verified claims. Raises BadToken, Unavailable."""
    settings = current()
    asked = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "client_id": settings.oidc_client_id,
        "code_verifier": pending.verifier,
    }
    if settings.oidc_client_secret_arn:
        asked["client_secret"] = aws.secret(settings.oidc_client_secret_arn)["client_secret"]
    answer = _fetch(_discovery()["token_endpoint"], urlencode(asked).encode())
    claims = verify(str(answer.get("id_token", "")))
    nonce = str(claims.get("nonce", ""))
    if not hmac.compare_digest(nonce.encode("utf-8", "replace"), pending.nonce.encode()):
        raise BadToken
    return claims


def bearer(token: str) -> Person:
    """Return the person a token belongs to.

    Raises NotSignedIn, and of it ForgedBearer for a token that is not the provider's; NotAllowed,
    Unavailable.
    """
    if not current().oidc_issuer:
        raise ForgedBearer
    try:
        return person(verify(token))
    except Forged:
        raise ForgedBearer from None
    except BadToken:
        raise NotSignedIn from None


def person(claims: Claims) -> Person:
    """Return the person of verified claims. Raises NotAllowed where none of their groups counts."""
    name = next(
        (claims[each] for each in _NAMES if isinstance(claims.get(each), str) and claims[each]), "?"
    )
    id = keys.identity("staff", f"{claims['iss']}\0{claims['sub']}")
    return Person(id, name[:100], _role(claims), _email(claims))


def _email(claims: Claims) -> str:
    """Return the person's address; empty where there is none, or the provider never checked it."""
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") in (False, "false"):
        return ""
    return email if len(email) <= 254 else ""


def verify(token: str) -> Claims:
    """Return the claims of a token that the provider signed for us and that has not expired.

    An ID token names us as its audience, an access token as its audience or its client. Raises
    BadToken for one that has expired, Forged for any other, Unavailable.
    """
    import jwt  # costly to import

    settings = current()
    try:
        claims: Claims = jwt.decode(
            token,
            _key(jwt.get_unverified_header(token).get("kid")),
            algorithms=["RS256"],
            issuer=settings.oidc_issuer,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "exp", "iat"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise BadToken from None
    except (jwt.PyJWTError, ValueError):
        raise Forged from None
    meant = claims.get("aud", claims.get("client_id"))
    if meant not in (settings.oidc_client_id, [settings.oidc_client_id]):
        raise Forged
    # Cognito says which kind a token is; no other kind signs in.
    if claims.get("token_use", "id") not in ("id", "access"):
        raise Forged
    return claims


def _role(claims: Claims) -> Role:
    settings = current()
    groups = claims.get(settings.oidc_groups_claim)
    return roles.of_groups(groups, settings.oidc_agent_group, settings.oidc_supervisor_group)


def _key(kid: Any) -> Any:
    """Return the provider's public key of this id. Raises Forged, Unavailable.

    Where the id is unknown, the keys are fetched again, at most once a minute.
    """
    from chalicelib.auth.rs256 import PublicKey

    for max_age in (_MAX_AGE, _MAX_AGE_UNKNOWN_KEY):
        for each in _document(_discovery()["jwks_uri"], max_age).get("keys", ()):
            signs = each.get("kty") == "RSA" and each.get("use", "sig") == "sig"
            if signs and each.get("kid") == kid:
                return PublicKey(each)
    raise Forged


def _discovery() -> Mapping[str, Any]:
    """Return the provider's discovery document. Raises Unavailable for none or another issuer's."""
    settings = current()
    if not settings.oidc_issuer:
        raise Unavailable("no OIDC_ISSUER", retry_after=3600)
    issuer = settings.oidc_issuer
    document = _document(
        settings.oidc_discovery or f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        _MAX_AGE,
    )
    if document.get("issuer") != issuer:  # Discovery 1.0, 4.3
        raise Unavailable("the discovery document is another issuer's")
    return document


def _document(url: str, max_age: float) -> Mapping[str, Any]:
    """Return a document of the provider's, fetched again if the cached one is older (seconds)."""
    read_at, document = _cache.get(url, (0.0, None))
    if document is None or time.monotonic() - read_at >= max_age:
        document = _fetch(url)
        _cache[url] = (time.monotonic(), document)
    return document  # type: ignore[no-any-return]  # the cache holds what _fetch returned


def _fetch(url: str, form: bytes | None = None) -> Mapping[str, Any]:
    """Fetch a JSON object from the provider; a `form` is posted.

    Raises BadToken where the provider refuses the form (400, 401, 403), Unavailable otherwise, and
    SignInAway at once for SILENT seconds after it let us wait.
    """
    global _silent_since
    if not url.startswith("https://") and current().stage != "local":
        raise Unavailable("the provider names an address that is not https")
    began = time.time()
    if _silent_since is not None and 0 <= (passed := began - _silent_since) < SILENT:
        raise SignInAway("the provider did not answer lately", math.ceil(SILENT - passed))
    request = urllib.request.Request(url, form, {"Accept": "application/json"})  # noqa: S310  # http(s): see above
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
            document = json.loads(_read(answer, time.monotonic() + _TIMEOUT))
    except TimeoutError as error:
        raise _silent(began, error) from None
    except urllib.error.HTTPError as error:
        error.close()
        if form is not None and error.code in (400, 401, 403):
            raise BadToken from None
        raise Unavailable(f"the provider answers {error.code}") from None
    except urllib.error.URLError as error:
        raise _silent(began, error.reason) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unavailable(f"the provider does not answer: {type(error).__name__}") from None
    if not isinstance(document, dict):
        raise Unavailable("the provider's answer is no object")
    return document


def _read(answer: Any, until: float) -> bytes:
    """Read an answer. Raises TimeoutError where it is not there in time, however it trickles."""
    found = b""
    while len(found) < _LARGEST and (part := answer.read1(_LARGEST - len(found))):
        found += part
        if time.monotonic() >= until:
            raise TimeoutError
    return found


def _silent(began: float, reason: object) -> Unavailable:
    """Return the error of a call without an answer; remember it where it let us wait."""
    global _silent_since
    now = time.time()
    told = f"the provider does not answer: {type(reason).__name__}"
    if now - began < _TIMEOUT / 2:
        return Unavailable(told)
    _silent_since = now
    return SignInAway(told, math.ceil(SILENT))


def _with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
