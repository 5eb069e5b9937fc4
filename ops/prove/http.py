"""Requests to the stage's API, as a visitor's browser or mail program makes them."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 40.0  # seconds: the gateway gives up after 29
FORM = "application/x-www-form-urlencoded"
_AGENT = "customer-contact prove"


@dataclass(frozen=True)
class Answer:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: dict[str, str]
    text: str
    seconds: float

    @property
    def json(self) -> Any:
        """Its body as JSON. Raises ValueError."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of a problem (RFC 9457); empty where the answer is none."""
        if self.headers.get("content-type", "").partition(";")[0] != "application/problem+json":
            return ""
        try:
            return str(self.json.get("code", ""))
        except (ValueError, AttributeError):
            return ""

    def __str__(self) -> str:
        """Return the status and the beginning of the body."""
        return f"{self.status} {' '.join(self.text[:200].split())}".strip()


def ask(
    url: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send one request and return its answer, whatever its status. Follows no redirect.

    A server may refuse a body before all of it has come: then its answer counts. Raises OSError and
    HTTPException.
    """
    split = urlsplit(url)
    kind = http.client.HTTPSConnection if split.scheme == "https" else http.client.HTTPConnection
    connection = kind(split.hostname or "", split.port, timeout=TIMEOUT)
    began = time.monotonic()
    try:
        try:
            connection.request(
                method,
                f"{split.path or '/'}{f'?{split.query}' if split.query else ''}",
                body,
                {"User-Agent": _AGENT, "Accept": "application/json", **(headers or {})},
            )
        except (BrokenPipeError, ConnectionResetError):
            if connection.sock is None:
                raise
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, text, time.monotonic() - began)
    finally:
        connection.close()
