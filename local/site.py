"""The demo website's server: the files of folders, read-only, on an origin of their own."""

import mimetypes
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local.web import Handler, Server


class Site(Server):
    """A server of `folder`, and of other folders below a path.

    `{{name}}` in a page becomes the address of that name.
    """

    def __init__(
        self,
        listener: socket.socket,
        folder: Path,
        addresses: Mapping[str, str],
        below: Mapping[str, Path] | None = None,
    ) -> None:
        super().__init__(listener, _Pages)
        self.folder = folder.resolve()
        self.addresses = addresses
        self._below = {path: each.resolve() for path, each in (below or {}).items()}

    def place(self, path: str) -> tuple[Path, str]:
        """Find the folder that serves a path, and the path in it; the longest match decides."""
        for start in sorted(self._below, key=len, reverse=True):
            if f"{path}/".startswith(f"{start}/"):
                return self._below[start], path.removeprefix(start)
        return self.folder, path


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
        folder, inside = self.server.place(path)
        wanted = (folder / inside.strip("/")).resolve()
        if not wanted.is_relative_to(folder):
            return None
        choices = (wanted, wanted.with_name(f"{wanted.name}.html"), wanted / "index.html")
        return next((each for each in choices if each.is_file()), None)
