"""The one check before every path under `/staff`: denied, unless the caller is known and may."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from chalicelib.errors import NotAllowed, NotSignedIn
from chalicelib.settings import current

Role = Literal["agent", "supervisor"]

OPEN = frozenset({"/staff/sign-in", "/staff/signed-in"})  # what nobody needs to be signed in for
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
_NAMES: dict[Role, str] = {"agent": "Anna Agent", "supervisor": "Sam Supervisor"}


def closes(path: str) -> bool:
    """Whether nobody unknown gets past the gate on this path."""
    return (path == "/staff" or path.startswith("/staff/")) and path not in OPEN


@dataclass(frozen=True)
class Person:
    """Who of the staff asks; `id` is opaque, and the same at every sign-in."""

    id: str
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the role is this person's; a supervisor may do all that an agent may."""
        return self.role in (role, "supervisor")

    def needs(self, role: Role) -> None:
        """Raises NotAllowed where the role is not this person's."""
        if not self.may(role):
            raise NotAllowed("role")


def check(method: str, headers: Mapping[str, str], now: datetime) -> Person:
    """Who sent a request with these headers. Raises NotSignedIn, NotAllowed.

    A browser sends its cookie along for whatever page makes it ask; so a change must come from a page of ours.
    """
    from chalicelib.staff import (
        provider,
        session,
    )  # the provider's keys and the session know a Person

    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotSignedIn
        return _tester(token) or provider.bearer(token)
    given = session.given(headers)
    if given and method not in _CHANGES_NOTHING and headers.get("origin") != _origin():
        raise NotAllowed("origin")
    # What a page asks for by itself must not keep alive the session of somebody who has left.
    person = session.find(given, now, touch="x-poll" not in headers) if given else None
    if person is None:
        raise NotSignedIn
    return person


def _origin() -> str:
    ours = urlsplit(current().base_url)
    return f"{ours.scheme}://{ours.netloc}"


def _tester(token: str) -> Person | None:
    """Whom the local stage's test key stands for: `KEY`, `KEY:agent` or `KEY:agent:Bea Beispiel`."""
    key = current().staff_test_key
    given, _, who = token.partition(":")
    if not key or not hmac.compare_digest(given.encode("utf-8", "replace"), key.encode()):
        return None
    role, _, name = who.partition(":")
    if (role or "supervisor") not in get_args(Role):
        return None
    known = cast(Role, role or "supervisor")
    return Person(f"test-{name or known}", name or _NAMES[known], known)
