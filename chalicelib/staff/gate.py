"""The one check before every path under `/staff`: denied, unless the caller is known.

Until the sign-in stands, the local stage alone has a key to try the paths with; no other stage starts with one.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast, get_args

from chalicelib.errors import NotAllowed, NotSignedIn
from chalicelib.settings import current

Role = Literal["agent", "supervisor"]

_NAMES: dict[Role, str] = {"agent": "Anna Agent", "supervisor": "Sam Supervisor"}


@dataclass(frozen=True)
class Person:
    """Who of the staff asks; `id` is opaque, and the same at every sign-in."""

    id: str
    name: str
    role: Role

    def needs(self, role: Role) -> None:
        """Raises NotAllowed where the role is not this person's; a supervisor may do all that an agent may."""
        if role != self.role and self.role != "supervisor":
            raise NotAllowed("role")


def check(headers: Mapping[str, str]) -> Person:
    """Who sent these headers. Raises NotSignedIn."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and (tester := _tester(token)):
        return tester
    raise NotSignedIn


def _tester(token: str) -> Person | None:
    """Whom the local stage's test key stands for: `KEY`, `KEY:agent` or `KEY:agent:Bea Beispiel`."""
    key = current().staff_test_key
    given, _, who = token.partition(":")
    if not key or not hmac.compare_digest(given.encode(), key.encode()):
        return None
    role, _, name = who.partition(":")
    if (role or "supervisor") not in get_args(Role):
        return None
    known = cast(Role, role or "supervisor")
    return Person(f"test-{name or known}", name or _NAMES[known], known)
