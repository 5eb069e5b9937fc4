"""A running sign-in: what only the browser that began it knows, and what follows from it.

State, nonce and PKCE verifier (RFC 7636) are made of one random secret, which lies in the browser's own cookie,
signed and for ten minutes. So beginning a sign-in writes nothing, and nothing that others see tells the verifier.
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
from chalicelib.errors import BadToken

HOME = "/staff"
_LASTS = timedelta(minutes=10)
_COOKIE = "staff-sign-in"
_PURPOSE = "staff.sign-in"
_OURS = re.compile(r"/staff(?:[/?][!-~]*)?")  # a path of the staff's, in the characters of a URL
_LONGEST = 500


@dataclass(frozen=True)
class PendingSignIn:
    """One sign-in, from its beginning to the provider's answer; `then` is where its person wants to go."""

    secret: str
    then: str = HOME

    @property
    def state(self) -> str:
        """Ties the provider's answer to this browser."""
        return self._part("state")

    @property
    def nonce(self) -> str:
        """Ties the ID token to this sign-in."""
        return self._part("nonce")

    @property
    def verifier(self) -> str:
        """Proves to the provider that whoever redeems the code has begun the sign-in."""
        return self._part("verifier")

    @property
    def challenge(self) -> str:
        """The verifier's S256 challenge."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())

    def cookie(self, now: datetime) -> str:
        """The Set-Cookie header that has the browser remember it."""
        token = tokens.sign(_PURPOSE, f"{self.secret} {self.then}", 0, now + _LASTS)
        return cookies.put(_COOKIE, token, int(_LASTS.total_seconds()))

    def _part(self, name: str) -> str:
        return _text(hmac.digest(self.secret.encode(), name.encode(), hashlib.sha256))


def begin(then: str) -> PendingSignIn:
    """A new sign-in; what is no path of the staff's leads home."""
    return PendingSignIn(
        secrets.token_urlsafe(32), then if len(then) <= _LONGEST and _OURS.fullmatch(then) else HOME
    )


def resume(headers: Mapping[str, str], state: str, now: datetime) -> PendingSignIn:
    """The sign-in that this browser began and the provider answers. Raises BadToken."""
    subject, _ = tokens.read(_PURPOSE, cookies.read(headers, _COOKIE), now)
    secret, _, then = subject.partition(" ")
    pending = PendingSignIn(secret, then)
    if not hmac.compare_digest(pending.state.encode(), state.encode("utf-8", "replace")):
        raise BadToken
    return pending


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
