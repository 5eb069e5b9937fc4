"""The one check before every path under `/staff`: only callers who are signed in pass."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args
from urllib.parse import urlsplit

from chalicelib.auth.person import Person
from chalicelib.auth.roles import Role
from chalicelib.errors import NotAllowed, NotSignedIn
from chalicelib.settings import current

OPEN = frozenset({"/staff/sign-in", "/staff/signed-in"})  # nobody needs to be signed in for these
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_TEST_NAMES: dict[Role, str] = {"agent": "Anna Agent", "supervisor": "Sam Supervisor"}


def is_staff(path: str) -> bool:
    """Tell whether a path belongs to the staff's side."""
    return path == "/staff" or path.startswith("/staff/")


def closes(path: str) -> bool:
    """Tell whether a path is closed to everybody who is not signed in."""
    return is_staff(path) and path not in OPEN


def check(method: str, headers: Mapping[str, str], now: datetime) -> Person:
    """Return who sent a request with these headers. Raises NotSignedIn, NotAllowed.

    A browser sends its cookie along for whatever page makes it ask, so a change must come from a
    page of ours (the `Origin` header is our own).
    """
    from chalicelib.auth import provider, session  # only the staff's requests pay for these imports

    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        return _tester(token) or provider.bearer(token)
    given = session.given(headers)
    if given and method not in _SAFE_METHODS and headers.get("origin") != _origin():
        raise NotAllowed("origin")
    # A page that polls must not keep alive the session of somebody who has left.
    person = session.find(given, now, touch="x-poll" not in headers) if given else None
    if person is None:
        raise NotSignedIn
    return person


def _origin() -> str:
    ours = urlsplit(current().base_url)
    return f"{ours.scheme}://{ours.netloc}"


def _tester(token: str) -> Person | None:
    """Return the person a local stage's test key stands for: `KEY`, `KEY:agent`, `KEY:agent:Bea`.

    Returns None for any other token.
    """
    key = current().staff_test_key
    given, _, who = token.partition(":")
    if not key or not hmac.compare_digest(given.encode("utf-8", "replace"), key.encode()):
        return None
    role, _, name = who.partition(":")
    if (role or "supervisor") not in get_args(Role):
        return None
    given_role = cast(Role, role or "supervisor")
    return Person(f"test-{name or given_role}", name or _TEST_NAMES[given_role], given_role)
