"""The stable address of the API: a reverse proxy that behaves like API Gateway's edge.

    http://127.0.0.1:8300/health ─→ <emulator>/_aws/execute-api/<id of the API>/api/health

The emulator takes the caller's address from X-Forwarded-For; the real gateway does not. So the
proxy drops a caller's own header, and sets the peer's address in its place.
"""

import http.client
import socket
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from infra import gateway
from local.aws import payloads
from local.web import Handler, Server

LARGEST_BODY = 10 * 1024 * 1024  # API Gateway's limit
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_SET_BY_THE_EDGE = {
    "host",
    "content-length",
    "expect",
    "forwarded",
    "x-forwarded-port",
    "x-forwarded-proto",
}


class _TooLarge(Exception):
    pass


class Front(Server):
    """A proxy to the API `api_id` of the emulator, which may change while it serves."""

    def __init__(
        self, listener: socket.socket, emulator: str, *, trust_forwarded_for: bool = False
    ) -> None:
        """Make a proxy to the emulator's address.

        With `trust_forwarded_for` a test may name another caller's address. `make run` never sets
        it.
        """
        super().__init__(listener, _handler())
        self.emulator = urlsplit(emulator)
        self.trust_forwarded_for = trust_forwarded_for
        self.api_id = ""


class _Edge(Handler):
    server: Front
    _upstream: http.client.HTTPConnection | None = None

    def pass_on(self) -> None:
        """Pass one request on, whatever its method, and answer it."""
        try:
            body = self._body()
        except _TooLarge:
            self.close_connection = True  # the rest of the body is still on its way
            self._refuse("REQUEST_TOO_LARGE")
            return
        except (ValueError, OSError):
            self.close_connection = True
            self._refuse("BAD_REQUEST_BODY")
            return
        try:
            answer = self._ask(body)
            content = answer.read()
        except (OSError, http.client.HTTPException):
            self._forget()
            self._refuse("INTEGRATION_FAILURE")
            return
        # A function failed. The emulator gives an answer of its own instead of the API's gateway
        # response.
        too_large = payloads.refusal_of_answer(answer.status, dict(answer.getheaders()), content)
        if answer.status == 502 or too_large:
            self._refuse("DEFAULT_5XX")
        else:
            self._answer(answer, content)

    def _body(self) -> bytes | None:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            return self._chunks()
        length = int(self.headers.get("Content-Length") or 0)
        if length < 0:
            raise ValueError("negative length")
        if length > LARGEST_BODY:
            self._skip(length)
            raise _TooLarge
        return self.rfile.read(length) if length else None

    def _skip(self, length: int) -> None:
        # Most clients read an answer only after they have sent everything, so the body is read up
        # to a limit.
        left = min(length, 8 * LARGEST_BODY)
        while left and (part := self.rfile.read(min(left, 1 << 16))):
            left -= len(part)

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            if len(body) + size > LARGEST_BODY:
                raise _TooLarge
            body += self.rfile.read(size)
            self.rfile.readline(1024)
        while self.rfile.readline(65536).strip():
            pass  # trailers
        return body

    def _ask(self, body: bytes | None) -> http.client.HTTPResponse:
        path = f"/_aws/execute-api/{self.server.api_id}/api/{self.path.lstrip('/')}"
        reused = self._upstream is not None
        try:
            return self._send(path, body)
        except (ConnectionError, http.client.RemoteDisconnected):
            # The emulator closes connections that were idle for long. It never read this request,
            # so it is safe to send it again.
            self._forget()
            if not reused:
                raise
            return self._send(path, body)

    def _send(self, path: str, body: bytes | None) -> http.client.HTTPResponse:
        if self._upstream is None:
            address = self.server.emulator
            self._upstream = http.client.HTTPConnection(
                str(address.hostname), address.port, timeout=35
            )
        self._upstream.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
        self._upstream.putheader("Host", self.server.emulator.netloc)
        forwarded = None
        for name, value in self.headers.items():
            lower = name.lower()
            if lower == "x-forwarded-for":
                forwarded = value
            elif lower not in _HOP_BY_HOP and lower not in _SET_BY_THE_EDGE:
                self._upstream.putheader(name, value.encode("latin-1", "replace"))
        peer = str(self.client_address[0])
        caller = forwarded if forwarded and self.server.trust_forwarded_for else peer
        self._upstream.putheader("X-Forwarded-For", caller)
        self._upstream.putheader("X-Forwarded-Proto", "http")
        self._upstream.putheader("Content-Length", str(len(body or b"")))
        self._upstream.endheaders(body)
        return self._upstream.getresponse()

    def _answer(self, answer: http.client.HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _HOP_BY_HOP | {"content-length", "server"}:
                self.send_header(name, value)
        if answer.status not in (204, 304):
            length = answer.getheader("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server refuses itself, as the gateway would.

        That is an unknown method, or a request line or headers that are too long.
        """
        self.close_connection = True
        self._refuse("MISSING_AUTHENTICATION_TOKEN" if code == 501 else "BAD_REQUEST_PARAMETERS")

    def _refuse(self, kind: str) -> None:
        status, headers, body = gateway.answer(kind)
        self.reply(status, headers.pop("Content-Type"), body.encode(), headers)

    def _forget(self) -> None:
        if self._upstream:
            self._upstream.close()
        self._upstream = None

    def finish(self) -> None:
        """Close the connection to the emulator when the caller's connection ends."""
        self._forget()
        super().finish()


def _handler() -> type[BaseHTTPRequestHandler]:
    methods: dict[str, Any] = {f"do_{method}": _Edge.pass_on for method in _METHODS}
    return type("Edge", (_Edge,), methods)
