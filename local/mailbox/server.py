"""The mailbox's server: its page, its JSON, and an event stream of changes."""

import json
import mimetypes
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.mailbox.messages import Message
from local.web import Handler, Server

_FOLDER = Path(__file__).parent
_FILES = {".html", ".css", ".js", ".svg"}
_INTERVAL = 0.5  # seconds between two checks for new messages, while somebody listens
# A mail is shown as it came, but it can run nothing, load nothing and not reach the page around it.
# Its links may open in a tab of their own.
_MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
)


class Mailbox(Server):
    """A server that shows the messages returned by `read`."""

    def __init__(self, listener: socket.socket, read: Callable[[], list[Message]]) -> None:
        super().__init__(listener, _Pages)
        self.read = read
        self.ended = threading.Event()

    def stop(self) -> None:
        """Stop answering, and end the event streams."""
        self.ended.set()
        super().stop()


class _Pages(Handler):
    server: Mailbox

    def do_GET(self) -> None:
        """Serve the page, `/messages`, `/messages/<id>`, `/messages/<id>/html` and `/events`."""
        path = unquote(urlsplit(self.path).path)
        try:
            match path.strip("/").split("/"):
                case ["messages"]:
                    self._json({"messages": self.server.read()})
                case ["messages", wanted]:
                    found = self._message(wanted)
                    self._json(found) if found else self._nothing()
                case ["messages", wanted, "html"]:
                    self._html(self._message(wanted))
                case ["events"]:
                    self._events()
                case [name]:
                    self._file(name or "index.html")
                case _:
                    self._nothing()
        except OSError as error:
            if isinstance(error, (BrokenPipeError, ConnectionResetError)):
                raise
            self.reply(
                503, "text/plain; charset=utf-8", b"The emulator is away.\n", {"Retry-After": "1"}
            )

    do_HEAD = do_GET

    def _message(self, wanted: str) -> Message | None:
        return next((each for each in self.server.read() if each["id"] == wanted), None)

    def _json(self, value: object) -> None:
        self.reply(200, "application/json", json.dumps(value, ensure_ascii=False).encode())

    def _html(self, message: Message | None) -> None:
        if message and message["html"]:
            headers = {"Content-Security-Policy": _MAIL_POLICY, "Referrer-Policy": "no-referrer"}
            # Links must open in a tab of their own, not inside the frame that shows the mail.
            page = str(message["html"]).replace("<head>", '<head><base target="_blank">', 1)
            self.reply(200, "text/html; charset=utf-8", page.encode(), headers)
        else:
            self._nothing()

    def _events(self) -> None:
        self.close_connection = True  # the length is unknown: the connection's end is the stream's
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command == "HEAD":
            return
        seen: list[str] | None = None
        quiet = 0
        while not self.server.ended.is_set():
            try:
                now: list[str] | None = [each["id"] for each in self.server.read()]
            except OSError:
                now = seen  # the emulator is away; the page keeps its messages
            quiet += 1
            if seen is not None and now != seen:
                self._event("event: changed\ndata: {}\n\n")
                quiet = 0
            elif seen is None or quiet * _INTERVAL >= 15:
                self._event(": here\n\n")  # a comment; writing it fails if the listener has left
                quiet = 0
            seen = now
            self.server.ended.wait(_INTERVAL)

    def _event(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def _file(self, name: str) -> None:
        path = _FOLDER / name
        if path.suffix not in _FILES or not path.is_file():
            self._nothing()
            return
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.reply(200, f"{kind}; charset=utf-8", path.read_bytes())

    def _nothing(self) -> None:
        self.reply(404, "text/plain; charset=utf-8", b"Not found\n")
