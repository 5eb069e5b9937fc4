"""Fetching a feed from the site itself: conditional, and bounded in size, time and place."""

import contextlib
import http.client
import socket
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from chalicelib import __version__
from chalicelib.articles.feeds import Unread
from chalicelib.settings import current

LARGEST = 5_000_000  # bytes, as sent and as unpacked
SECONDS = 10.0  # for one address, its redirects included
_MOST_REDIRECTS = 4
_REDIRECTS = (301, 302, 303, 307, 308)
_BLOCK = 65536
_PACKED = b"\x1f\x8b"


@dataclass(frozen=True)
class Validators:
    """What the server said of its last answer, for the next request to name."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True)
class Fetched:
    """An answer; `body` is None where nothing has changed."""

    url: str
    body: bytes | None
    kind: str = ""
    validators: Validators = Validators()


def fetch(url: str, known: Validators, origins: Sequence[str], seconds: float = SECONDS) -> Fetched:
    """Fetch an address on one of the origins. Raises Unread."""
    until = time.monotonic() + seconds
    for _ in range(_MOST_REDIRECTS + 1):
        _check(url, origins)
        try:
            fetched, to = _ask(url, known, until)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= until:
                raise Unread("slow", f"{seconds:g}") from error
            raise Unread("silent") from error
        if fetched:
            return fetched
        url = urljoin(url, to)
    raise Unread("redirects")


def _check(url: str, origins: Sequence[str]) -> None:
    try:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        origin = ""
    if origin not in origins:
        raise Unread("place")


def _ask(url: str, known: Validators, until: float) -> tuple[Fetched | None, str]:
    """Ask once. Return the answer, or None and where it redirects to.

    Raises Unread, OSError.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    left = max(0.05, until - time.monotonic())
    connection = kind(parts.netloc, timeout=left)
    try:
        connection.connect()
        # A server that sends byte by byte meets no timeout of the socket's.
        end = threading.Timer(max(0.0, until - time.monotonic()), _break_off, (connection.sock,))
        end.daemon = True
        end.start()
        try:
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request("GET", path, headers=_headers(known))
            with connection.getresponse() as answer:
                return _read(url, answer, until)
        finally:
            end.cancel()
    finally:
        connection.close()


def _break_off(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _headers(known: Validators) -> dict[str, str]:
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {
        "User-Agent": f"customer-contact/{__version__} (+{current().site_url})",
        "Accept": "application/xml, application/json, */*;q=0.5",
        "Accept-Encoding": "gzip",
        **{name: value for name, value in conditions.items() if value},
    }


def _read(url: str, answer: http.client.HTTPResponse, until: float) -> tuple[Fetched | None, str]:
    if answer.status in _REDIRECTS and (to := answer.headers.get("Location")):
        return None, to
    if answer.status == 304:
        return Fetched(url, None), ""
    if answer.status != 200:
        raise Unread("status", str(answer.status))
    body = b""
    while block := answer.read1(_BLOCK):
        body += block
        if len(body) > LARGEST:
            raise Unread("large")
    if time.monotonic() >= until:
        raise TimeoutError
    if answer.length:
        raise Unread("broken")
    headers = answer.headers
    validators = Validators(headers.get("ETag", ""), headers.get("Last-Modified", ""))
    return Fetched(url, _unpacked(body), headers.get("Content-Type", ""), validators), ""


def _unpacked(body: bytes) -> bytes:
    """Unpack what is packed by gzip, whatever the headers say. Raises Unread for too much."""
    if not body.startswith(_PACKED):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, LARGEST)
    except zlib.error as error:
        raise Unread("broken") from error
    if unpacker.unconsumed_tail:
        raise Unread("large")
    if not unpacker.eof:
        raise Unread("broken")
    return text
