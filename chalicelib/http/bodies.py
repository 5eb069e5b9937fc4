"""Reading a request's body: JSON, a plain form, or a beacon's text. Anything else is refused."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from chalicelib.http.problems import Problem

LARGEST = 16 * 1024  # bytes
_MOST_FIELDS = 100
# The escape itself, not an escaped backslash before "u0000".
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain"


def media_type(headers: Mapping[str, str]) -> str:
    """Return the content type in lower case without its parameters; empty where none is given."""
    return headers.get("content-type", "").split(";", 1)[0].strip().lower()


def read(body: str | bytes, is_base64: bool, kind: str) -> dict[str, Any]:
    """Return the fields of a body.

    A form's empty fields are left out, because a plain form sends every field it shows. Raises
    Problem: 413 over 16 KiB, 415 for other types, 400 for what is not one readable object.
    """
    raw = _raw(body, is_base64)
    if len(raw) > LARGEST:
        raise Problem(413, "payload_too_large")
    if kind not in (JSON, FORM, TEXT):
        raise Problem(415, "unsupported_media_type")
    try:
        text = raw.decode("utf-8")
        fields = _form(text) if kind == FORM else _object(text)
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


def _object(text: str) -> dict[str, Any]:
    fields = json.loads(text, parse_constant=_refuse)
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    if "\\u" in text:
        # Only an escape can make a lone surrogate or a NUL. Neither is text, and DynamoDB or a mail
        # could not take them.
        written = json.dumps(fields, ensure_ascii=False)
        written.encode("utf-8")
        if _NUL.search(written):
            raise ValueError("NUL")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _form(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(
        text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, encoding="utf-8", errors="strict"
    ):
        if "\0" in name + value:
            raise ValueError("NUL")
        if not value:
            continue
        if name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            fields[name] = value
    return fields
