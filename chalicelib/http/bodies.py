"""Reading a request's body: JSON, a plain form, or a beacon's text. Anything else is refused."""

import base64
import binascii
import json
import re
from collections.abc import Container, Mapping
from functools import cache
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from chalicelib.http.problems import Problem

LARGEST = 16 * 1024  # bytes
_MOST_FIELDS = 100
# The escape itself, not an escaped backslash before "u0000".
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"


# What shows nothing: Unicode's categories Cc and Cf, its property White_Space, and the letters and
# the sign that are drawn as a blank (BLANK).
# fmt: off
_INVISIBLE = (
    (0x00, 0x20), (0x7F, 0xA0), (0xAD, 0xAD), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD),
    (0x70F, 0x70F), (0x890, 0x891), (0x8E2, 0x8E2), (0x1680, 0x1680), (0x180E, 0x180E),
    (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x2064), (0x2066, 0x206F), (0x3000, 0x3000),
    (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD),
    (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0001, 0xE0001),
    (0xE0020, 0xE007F),
)
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# fmt: on


def is_plain(text: str) -> bool:
    """Tell whether a text is of visible ASCII characters and blanks alone."""
    return text.isascii() and text.isprintable()


def trimmed(text: str) -> str:
    """Remove white space and invisible characters at the ends."""
    if text.isalnum() or (is_plain(text) and " " not in (text[:1], text[-1:])):
        return text
    return text.strip(_ends())


@cache
def _ends() -> str:
    found = (chr(at) for first, last in _INVISIBLE for at in range(first, last + 1))
    return "".join(found) + BLANK


def _trimmed(value: Any) -> Any:
    if isinstance(value, str):
        return trimmed(value)
    if isinstance(value, list):
        return [_trimmed(each) for each in value]
    if isinstance(value, dict):
        return {name: _trimmed(each) for name, each in value.items()}
    return value


def media_type(headers: Mapping[str, str]) -> str:
    """Return the content type in lower case without its parameters; empty where none is given."""
    return headers.get("content-type", "").split(";", 1)[0].strip().lower()


def read(
    body: str | bytes, is_base64: bool, kind: str, mended: Container[str] = ()
) -> dict[str, Any]:
    """Return the fields of a body, every text of them trimmed.

    A form's empty fields are left out, because a plain form sends every field it shows. In the
    `mended` fields, bytes and halves of characters that are no text become U+FFFD, and a NUL stays.
    Raises Problem: 413 over 16 KiB, 415 for other types, 400 for what is not one readable object.
    """
    raw = _raw(body, is_base64)
    if len(raw) > LARGEST:
        raise Problem(413, "payload_too_large")
    if kind not in (JSON, FORM, TEXT):
        raise Problem(415, "unsupported_media_type")
    try:
        text = raw.decode("utf-8", "replace" if mended else "strict")
        fields = _form(text, mended) if kind == FORM else _object(text, mended)
    except (ValueError, RecursionError) as error:  # json's and unicode's errors are ValueErrors
        raise Problem(400, "malformed") from error
    return fields


def _raw(body: str | bytes, is_base64: bool) -> bytes:
    if isinstance(body, bytes) and not is_base64:  # as Chalice's own server has it
        return body
    try:
        return base64.b64decode(body, validate=True) if is_base64 else str(body).encode("utf-8")
    except (binascii.Error, UnicodeEncodeError) as error:
        raise Problem(400, "malformed") from error


def _object(text: str, mended: Container[str]) -> dict[str, Any]:
    fields = json.loads(text, parse_constant=_refuse)
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        # Only an escape can make a lone surrogate or a NUL. Neither is text, and DynamoDB or a mail
        # could not take them.
        fields = {n: _mended(each) if n in mended else each for n, each in fields.items()}
        others = {name: each for name, each in fields.items() if name not in mended}
        written = json.dumps(others, ensure_ascii=False)
        written.encode("utf-8")
        if _NUL.search(written):
            raise ValueError("NUL")
    return {name: _trimmed(each) for name, each in fields.items()}


def _mended(value: Any) -> Any:
    """Return a text without halves of characters; nothing for what is no text."""
    if not isinstance(value, str):
        return None
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _form(text: str, mended: Container[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, given in parse_qsl(
        text,
        keep_blank_values=True,
        max_num_fields=_MOST_FIELDS,
        encoding="utf-8",
        errors="replace" if mended else "strict",
    ):
        if "\0" in name + given and name not in mended:
            raise ValueError("NUL")
        value = trimmed(given)
        if not value:
            continue
        if name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            fields[name] = value
    return fields
