"""The demo website's server: the files of a folder, read-only, on an origin of its own."""

import mimetypes
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.web import Handler, Server


class Site(Server):
    """A server of `folder`; in its pages `{{name}}` becomes the address of that name."""

    def __init__(self, listener: socket.socket, folder: Path, addresses: Mapping[str, str]) -> None:
        super().__init__(listener, _Pages)
        self.folder = folder.resolve()
        self.addresses = addresses


class _Pages(Handler):
    server: Site

    def do_GET(self) -> None:
        """Serve a file, `/article` as `article.html`, `/` as `index.html`, else 404.html."""
        found = self._find(unquote(urlsplit(self.path).path))
        status = 200 if found else 404
        found = found or self.server.folder / "404.html"
        if not found.is_file():
            self.reply(404, "text/plain; charset=utf-8", b"Not found\n")
            return
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        body = found.read_bytes()
        if found.suffix == ".html":
            for name, address in self.server.addresses.items():
                body = body.replace(b"{{" + name.encode() + b"}}", address.encode())
        if kind.startswith("text/") or kind in ("application/json", "image/svg+xml"):
            kind += "; charset=utf-8"
        self.reply(status, kind, body)

    do_HEAD = do_GET

    def _find(self, path: str) -> Path | None:
        if "\0" in path:
            return None
        wanted = (self.server.folder / path.strip("/")).resolve()
        if not wanted.is_relative_to(self.server.folder):
            return None
        choices = (wanted, wanted.with_name(f"{wanted.name}.html"), wanted / "index.html")
        return next((each for each in choices if each.is_file()), None)
