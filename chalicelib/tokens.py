"""Signed links: a token proves that we made it, for one purpose, until a time.

itsdangerous signs (HMAC-SHA-256, the purpose as salt, several live keys). A token holds a subject,
such as a subscriber's key or a request's reference, and a generation; the capability decides what
it opens.
"""

import hashlib
import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from chalicelib import instants, keys
from chalicelib.errors import BadToken, Forged

# What mail programs and people put around a link; none of it can end a token of ours.
_AROUND = "<>()[]{}\"'`\u201a\u2018\u2019\u201e\u201c\u201d\u2039\u203a\u00ab\u00bb,;:!?=*~|\\/"
_BLANKS = re.compile(r"[\s\u200b\u2060\ufeff\u00ad]+")


def _serializer(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        keys.token_keys(),
        salt=purpose,
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def sign(purpose: str, subject: str, generation: int, expires: datetime | None = None) -> str:
    """Return a token for one subject and purpose; without `expires` it never expires."""
    payload = [subject, generation, instants.epoch(expires) if expires else 0]
    return str(_serializer(purpose).dumps(payload))


def _bare(token: str) -> str:
    """Return a token without what mail programs add to it: blanks, brackets, punctuation.

    A full stop at the beginning is the serializer's, for what it compressed.
    """
    # No token of ours has a percent sign: what has one was encoded twice.
    bare = _BLANKS.sub("", unquote(unquote(token))).lstrip(_AROUND).rstrip(f"{_AROUND}.")
    return bare.removeprefix("3D")  # an equals sign in quoted-printable (RFC 2045, section 6.7)


def read(purpose: str, token: str, now: datetime) -> tuple[str, int]:
    """Return subject and generation of a token of this purpose. Raises BadToken for all others.

    It is Forged where we never made it.
    """
    token = _bare(token)
    if not token:
        raise BadToken
    try:
        # The last character of a base64 signature has spare bits; only one spelling is ours.
        signature = token.rpartition(".")[2]
        if base64_encode(base64_decode(signature)).decode() != signature:
            raise Forged
        payload: Any = _serializer(purpose).loads(token)
    except (BadData, ValueError) as error:
        raise Forged from error
    match payload:
        case [str(subject), int(generation), int(expires)] if (
            not expires or instants.epoch(now) < expires
        ):
            return subject, generation
    raise BadToken
