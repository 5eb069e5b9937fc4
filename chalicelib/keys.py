"""The secrets of a stage: for keys that hide addresses and numbers, for tokens, for a proxy."""

import base64
import hashlib
import hmac
import time

from chalicelib import aws
from chalicelib.settings import current

_cache: dict[str, tuple[float, dict[str, str]]] = {}
_REFRESH_AFTER = 300.0  # seconds; a rotated key is known everywhere after this time


def _secret(arn: str, refresh_after: float | None) -> dict[str, str]:
    """Return a secret, read again after so many seconds; None keeps it for the process's life."""
    read_at, values = _cache.get(arn, (0.0, {}))
    if values and (refresh_after is None or time.monotonic() - read_at < refresh_after):
        return values
    values = aws.secret(arn)
    _cache[arn] = (time.monotonic(), values)
    return values


def identity(kind: str, value: str) -> str:
    """Return the key of a normalised address, number or caller.

    It is 128 bits of HMAC-SHA-256 in 22 URL-safe characters. The same value of another kind has
    another key, so that records of different kinds cannot be joined. Raises Unavailable.
    """
    secret = _secret(current().identity_secret_arn, None)["1"]
    digest = hmac.digest(secret.encode(), f"{kind}\0{value}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def origin_secrets() -> list[str]:
    """Return the secrets by which a proxy in front of the API is known. Raises Unavailable."""
    return list(_secret(current().origin_secret_arn, _REFRESH_AFTER).values())


def token_keys() -> list[str]:
    """Return the live signing keys, oldest first: the last signs, all verify.

    Raises Unavailable.
    """
    keys = _secret(current().token_secret_arn, _REFRESH_AFTER)
    return [keys[number] for number in sorted(keys, key=int)]
