"""A website for the reader of feeds, which answers as a test tells it to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """What a path is answered with; `pause` are seconds before each octet of the body."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0
    length: int | None = None  # said, where it is not that of the body


class Website:
    """The answers by path, and what was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def put(self, path: str, text: str | bytes, **more: Any) -> str:
        """Answer a path with a text; return its address."""
        self.answers[path] = Answer(text.encode() if isinstance(text, str) else text, **more)
        return f"{self.url}{path}"


@contextmanager
def website() -> Iterator[Website]:
    """Serve a website on this machine while entered."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append((self.path, dict(self.headers)))
            answer = site.answers.get(self.path, Answer(b"gone", 410))
            etag = answer.headers.get("ETag")
            if etag and self.headers.get("If-None-Match") == etag:
                answer = Answer(status=304)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 304:
                length = len(answer.body) if answer.length is None else answer.length
                self.send_header("Content-Length", str(length))
            self.end_headers()
            try:
                if not answer.pause:
                    self.wfile.write(answer.body)
                    return
                for at in range(len(answer.body)):
                    time.sleep(answer.pause)
                    self.wfile.write(answer.body[at : at + 1])
            except OSError:
                pass  # the reader has had enough

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site = Website(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
