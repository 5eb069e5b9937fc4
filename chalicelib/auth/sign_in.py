"""A running sign-in: a secret that only the browser knows, and what is derived from it.

State, nonce and PKCE verifier (RFC 7636) are derived from one random secret. The browser keeps it
in a signed cookie for ten minutes, so that beginning a sign-in writes nothing, and nothing that
others see reveals the verifier.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib import tokens
from chalicelib.auth import cookies
from chalicelib.errors import Forged

HOME = "/staff"
_LASTS = timedelta(minutes=10)
_COOKIE = "staff-sign-in"
_PURPOSE = "staff.sign-in"
_STAFF_PATH = re.compile(r"/staff(?:[/?][!-~]*)?")  # in the characters of a URL
_LONGEST = 500  # characters of a path


@dataclass(frozen=True)
class PendingSignIn:
    """One sign-in until the provider answers; `then` is the path its person wants to go to."""

    secret: str
    then: str = HOME

    @property
    def state(self) -> str:
        """The state, which ties the provider's answer to this browser."""
        return self._part("state")

    @property
    def nonce(self) -> str:
        """The nonce, which ties the ID token to this sign-in."""
        return self._part("nonce")

    @property
    def verifier(self) -> str:
        """The PKCE verifier, which proves that whoever redeems the code began the sign-in."""
        return self._part("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's S256 challenge."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def cookie(self, now: datetime) -> str:
        """Return the Set-Cookie header by which the browser remembers the sign-in."""
        token = tokens.sign(_PURPOSE, f"{self.secret} {self.then}", 0, now + _LASTS)
        return cookies.put(_COOKIE, token, int(_LASTS.total_seconds()))

    def _part(self, name: str) -> str:
        return _base64url(hmac.digest(self.secret.encode(), name.encode(), hashlib.sha256))


def begin(then: str) -> PendingSignIn:
    """Begin a sign-in that leads to `then`, or to HOME if that is no path of the staff's."""
    ours = len(then) <= _LONGEST and _STAFF_PATH.fullmatch(then)
    return PendingSignIn(secrets.token_urlsafe(32), then if ours else HOME)


def resume(headers: Mapping[str, str], state: str, now: datetime) -> PendingSignIn:
    """Return the sign-in that this browser began and the provider answers.

    Raises BadToken, and of it Forged for the answer to another browser's.
    """
    subject, _ = tokens.read(_PURPOSE, cookies.read(headers, _COOKIE), now)
    secret, _, then = subject.partition(" ")
    pending = PendingSignIn(secret, then)
    if not hmac.compare_digest(pending.state.encode(), state.encode("utf-8", "replace")):
        raise Forged
    return pending


def _base64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
