"""The demo website's server: the files of folders, read-only, on an origin of their own.

A page or feed is a Jinja2 template. It has the addresses by their names (`api`, `site` …), its own
`path` and `language`, the `company`, its `telephone` and the current `declaration` of a kind of
consent. What begins with `_` is a part of pages and not served.
"""

import mimetypes
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from local.web import Handler, Server

_TEMPLATES = (".html", ".xml")


class Pages:
    """The files of `folder`, and of other folders below a path."""

    def __init__(
        self, folder: Path, addresses: Mapping[str, str], below: Mapping[str, Path] | None = None
    ) -> None:
        self.folder = folder.resolve()
        self._addresses = addresses
        self._below = {path: each.resolve() for path, each in (below or {}).items()}
        self._templates = {
            each: Environment(
                loader=FileSystemLoader(each),
                autoescape=True,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            for each in (self.folder, *self._below.values())
        }

    def paths(self) -> list[str]:
        """Return the paths of the pages of `folder`."""
        names = (each.relative_to(self.folder) for each in self.folder.rglob("*.html"))
        pages = [each for each in names if not each.name.startswith("_") and each.stem != "404"]
        return sorted(map(_path, pages))

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return the status, the kind and the body for a path.

        `/article` is the file `article.html` and `/` is `index.html`; what does not exist is the
        404.html of its language.
        """
        folder, inside = self._place(path)
        status, found = 200, _file(folder, inside)
        if not found:
            status, folder = 404, self.folder
            found = _file(folder, f"{_first(path)}/404") or _file(folder, "404")
        if not found:
            return 404, "text/plain; charset=utf-8", b"Not found\n"
        kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
        if kind.startswith("text/") or kind in ("application/json", "image/svg+xml"):
            kind += "; charset=utf-8"
        if found.suffix not in _TEMPLATES:
            return status, kind, found.read_bytes()
        try:
            text = self._render(folder, found.relative_to(folder))
            return status, kind, text.lstrip().encode()  # XML begins with its declaration
        except TemplateError as error:
            return 500, "text/plain; charset=utf-8", f"{found.name}: {error!r}\n".encode()

    def _place(self, path: str) -> tuple[Path, str]:
        """Find the folder that serves a path, and the path in it; the longest match decides."""
        for start in sorted(self._below, key=len, reverse=True):
            if f"{path}/".startswith(f"{start}/"):
                return self._below[start], path.removeprefix(start)
        return self.folder, path

    def _render(self, folder: Path, name: Path) -> str:
        template = self._templates[folder].get_template(name.as_posix())
        return template.render({**self._addresses, **_known(_path(name))})


def _path(name: Path) -> str:
    """Return the path of a page's file: `/article` of `article.html`, `/` of `index.html`."""
    page = name.parent if name.stem == "index" else name.with_suffix("")
    return "/" + page.as_posix().removeprefix(".")


def _first(path: str) -> str:
    return path.strip("/").partition("/")[0]


def _file(folder: Path, path: str) -> Path | None:
    if "\0" in path or any(part.startswith("_") for part in path.split("/")):
        return None
    wanted = (folder / path.strip("/")).resolve()
    if not wanted.is_relative_to(folder):
        return None
    choices = (wanted, wanted.with_name(f"{wanted.name}.html"), wanted / "index.html")
    return next((each for each in choices if each.is_file()), None)


def _known(path: str) -> dict[str, Any]:
    """Return what a page knows of itself and of the company."""
    from chalicelib import company
    from chalicelib.callbacks import phone_numbers
    from chalicelib.consent import Wordings
    from chalicelib.settings import current

    ours, number = company.current(), current().hotline_number
    language = _first(path) if _first(path) in ours.languages else ours.languages[0]
    return {
        "path": path,
        "language": language,
        "company": ours,
        "telephone": {"number": number, "display": phone_numbers.display(number)},
        "declaration": lambda kind: Wordings(kind).current(language),
    }


class Site(Server):
    """A server of `Pages`."""

    def __init__(
        self,
        listener: socket.socket,
        folder: Path,
        addresses: Mapping[str, str],
        below: Mapping[str, Path] | None = None,
    ) -> None:
        super().__init__(listener, _Handler)
        self.folder = folder
        self.pages = Pages(folder, addresses, below)


class _Handler(Handler):
    server: Site

    def do_GET(self) -> None:
        self.reply(*self.server.pages.answer(unquote(urlsplit(self.path).path)))

    do_HEAD = do_GET
