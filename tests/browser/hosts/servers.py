"""The servers around a host page: the site, a bundle's origin, and what hears its requests."""

import http.client
import re
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local import ports
from local.web import Handler, Server

PAGES = Path(__file__).parents[2] / "cases" / "pages"
EXAMPLE = "https://contact.example.com"  # the API's address as sites are written


class Site(Server):
    """A website of somebody else's; `pages` are its paths with their HTML and further headers.

    What is no page is answered by the server `behind`, if there is one. `api` is the API's address,
    which takes the place of the example's.
    """

    def __init__(self) -> None:
        super().__init__(ports.listen(0, "host"), _Page)
        self.pages: dict[str, tuple[str, dict[str, str]]] = {}
        self.behind = self.api = ""

    def put(self, path: str, text: str, headers: dict[str, str] | None = None) -> str:
        """Serve a text at a path, and return its address."""
        self.pages[path] = text, headers or {}
        return self.url + path


class _Page(Handler):
    server: Site

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path not in self.server.pages and self.server.behind:
            status, given, content = passed(self, self.server.behind, drop="")
            content = content.replace(EXAMPLE.encode(), self.server.api.encode())
            answer(self, status, given, content)
            return
        text, headers = self.server.pages.get(path, ("", {}))
        status = 200 if path in self.server.pages else 404 if path != "/favicon.ico" else 204
        kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
        self.reply(status, kind, text.replace(EXAMPLE, self.server.api).encode(), headers)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.reply(405, "text/plain", b"a form was sent to the site itself")


@dataclass
class Heard:
    """A request for the API, and the status it was answered with."""

    method: str
    path: str
    kind: str
    body: str
    status: int = 0


@dataclass
class Trouble:
    """What goes wrong at a path that matches."""

    path: str
    status: int = 0
    seconds: float = 0
    left: int = field(default=1000)  # how often


class Ear(Server):
    """The API's address as pages know it: passes requests on, and notes them.

    The site's origin is one of the stage's, so that the API's own answers allow it.
    """

    def __init__(self, required: bool) -> None:
        super().__init__(ports.listen(0, "ear"), _Ear)
        self.api, self.required = "", required
        self.heard: list[Heard] = []
        self.trouble: list[Trouble] = []

    def posts(self, path: str = "") -> list[Heard]:
        """Return the posts whose path begins so."""
        return [each for each in list(self.heard) if each.method == "POST" and path in each.path]

    def reads(self) -> list[str]:
        """Return the paths that were read, without their queries."""
        return [each.path.partition("?")[0] for each in list(self.heard) if each.method == "GET"]

    def forget(self) -> None:
        """Begin anew for the next page."""
        self.heard, self.trouble = [], []


class _Ear(Handler):
    server: Ear

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heard = Heard(self.command, self.path, self.headers.get("Content-Type", ""), body.decode())
        self.server.heard.append(heard)
        for each in self.server.trouble:
            if self.command != "OPTIONS" and re.search(each.path, self.path) and each.left:
                each.left -= 1
                time.sleep(each.seconds)
                if each.status:
                    heard.status = each.status
                    self.reply(each.status, "text/plain", b"trouble")
                    return
        heard.status, given, content = passed(self, self.server.api, body)
        answer(self, heard.status, given, content)

    do_POST = do_OPTIONS = do_HEAD = do_GET


def passed(
    asked: Handler, address: str, body: bytes = b"", drop: str = "host"
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Pass a request on to another server, without the header `drop`.

    Return its answer: status, headers, content.
    """
    to = urlsplit(address)
    there = http.client.HTTPConnection(str(to.hostname), to.port, timeout=30)
    headers = {name: value for name, value in asked.headers.items() if name.lower() != drop}
    there.request(asked.command, asked.path, body or None, headers)
    answered = there.getresponse()
    content = answered.read()
    there.close()
    return answered.status, answered.getheaders(), content


def answer(asked: Handler, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
    """Answer with what another server has answered."""
    asked.send_response_only(status)
    for name, value in headers:
        if name.lower() not in ("connection", "transfer-encoding", "content-length", "host"):
            asked.send_header(name, value)
    asked.send_header("Content-Length", str(len(content)))
    asked.end_headers()
    if asked.command != "HEAD":
        asked.wfile.write(content)


def filled(page: str, api: str, bundle: str, snippet: str) -> str:
    """Return a host page of the cases with its addresses."""
    text = (PAGES / page).read_text("utf-8")
    for mark, value in (("API", api), ("BUNDLE", bundle), ("EMBED_JS", snippet)):
        text = text.replace("{{%s}}" % mark, value)  # noqa: UP031  the braces are the page's
    return text


def settle(seconds: float = 0.5) -> None:
    """Wait for what must not come."""
    threading.Event().wait(seconds)
