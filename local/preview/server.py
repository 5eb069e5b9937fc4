"""The preview's server: its page, the list of specimens, and each of them as a file."""

import json
import mimetypes
import socket
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib import company, templates
from local.preview import looks, specimens
from local.preview.specimens import Specimen
from local.web import Handler, Server

_FOLDER = Path(__file__).parent
_FILES = {".html", ".css", ".js"}
# A page that looks for news or leads to the sign-in would leave what the preview shows.
_RESTLESS = ("data-version=", 'http-equiv="refresh"')
_LOOK = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Preview(Server):
    """A server of all specimens. They are made when they are asked for: needs `scene.stage`."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(listener, _Handler)
        self.specimens = specimens.every()


def listed(every: dict[str, Specimen]) -> list[dict[str, Any]]:
    """Return what `/list.json` says: each specimen in each language, and its files."""
    return [
        {
            "kind": each.kind,
            "name": each.name,
            "language": language,
            "files": list(specimens.files(each, language)),
        }
        for each in every.values()
        for language in each.languages
    ]


class _Handler(Handler):
    server: Preview

    def do_GET(self) -> None:
        """Serve the page, `/list.json` and the specimens, such as `/mail/welcome.de.html`."""
        url = urlsplit(self.path)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        match url.path.strip("/").split("/"):
            case ["list.json"]:
                body = json.dumps(listed(self.server.specimens)).encode()
                self.reply(200, "application/json", body)
            case [name]:
                self._file(name or "index.html")
            case [kind, name]:
                self._specimen(f"{kind}/{name}", asked)
            case _:
                self._nothing()

    do_HEAD = do_GET

    def _specimen(self, path: str, asked: dict[str, str]) -> None:
        name, _, rest = path.partition(".")
        language, _, part = rest.partition(".")
        specimen = self.server.specimens.get(name)
        if (
            specimen is None
            or path not in specimens.files(specimen, language)
            or language not in company.current().languages
        ):
            self._nothing()
            return
        templates._style.cache_clear()  # an edit of a stylesheet is seen, as one of a template is
        try:
            shown = specimens.show(specimen, language)
        except Exception:  # a fault in a template is what somebody came to look for
            self._text(500, traceback.format_exc())
            return
        if part == "txt":
            self._text(200, f"{shown.subject}\n\n{shown.text}")
            return
        html = shown.html
        match asked.get("scheme"):
            case "light" | "dark" as scheme:
                html = looks.in_scheme(html, scheme)
        if asked.get("padding") == "none":
            html = looks.without_padding(html)
        headers = {"Content-Security-Policy": _policy(html)}
        self.reply(200, "text/html; charset=utf-8", html.encode(), headers)

    def _file(self, name: str) -> None:
        path = _FOLDER / name
        if path.suffix not in _FILES or not path.is_file():
            self._nothing()
            return
        kind = mimetypes.guess_type(name)[0]
        self.reply(200, f"{kind}; charset=utf-8", path.read_bytes())

    def _text(self, status: int, text: str) -> None:
        self.reply(status, "text/plain; charset=utf-8", text.encode())

    def _nothing(self) -> None:
        self._text(404, "Not found\n")


def _policy(html: str) -> str:
    """Return the policy of a specimen: the preview may look into it, and it can do nothing.

    Only scripts that draw run, as those of the figures.
    """
    if "<script" not in html or any(each in html for each in _RESTLESS):
        return f"sandbox allow-same-origin; {_LOOK}"
    return f"sandbox allow-same-origin allow-scripts; script-src 'unsafe-inline'; {_LOOK}"
