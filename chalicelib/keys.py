"""The secrets of a stage.

One makes keys that hide addresses and numbers, and keys the ledgers' hashes; one signs tokens; by
one a proxy is known.
"""

import base64
import hashlib
import hmac
import time

from chalicelib import addresses, aws
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


def ledger_secret() -> bytes:
    """Return the secret that keys the hashes of ledgers, made of the one that never changes.

    Raises Unavailable.
    """
    secret = _secret(current().identity_secret_arn, None)["1"]
    return hmac.digest(secret.encode(), b"secret\0ledger", hashlib.sha256)


def origin_secrets() -> list[str]:
    """Return the secrets by which a proxy in front of the API is known. Raises Unavailable."""
    return list(_secret(current().origin_secret_arn, _REFRESH_AFTER).values())


def of_address(email: str) -> str:
    """Return the key of a person's e-mail address: every spelling of it has the same.

    Raises ValueError for an address that SES cannot reach; Unavailable.
    """
    return identity("email", addresses.identity(email.strip()))


def token_keys() -> list[str]:
    """Return the live signing keys, oldest first: the last signs, all verify.

    Raises Unavailable.
    """
    keys = _secret(current().token_secret_arn, _REFRESH_AFTER)
    return [keys[number] for number in sorted(keys, key=int)]
