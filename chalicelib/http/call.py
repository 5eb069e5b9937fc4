"""One request, as a view sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from pydantic import BaseModel

from chalicelib import instants
from chalicelib.errors import NotSignedIn
from chalicelib.http import bodies
from chalicelib.http.problems import Problem
from chalicelib.messages import Language
from chalicelib.staff.gate import Person


@dataclass
class Call:
    """What a view may know of a request; `language` and `form` follow the body once it is read."""

    method: str
    path: str  # as it is declared, with its parameters' names
    asked: str  # path and query as they were asked for
    params: dict[str, str]  # query and path, the path winning
    headers: Mapping[str, str]
    caller: str  # the address API Gateway saw; never taken from a header
    now: datetime
    language: Language
    form: bool = False  # a plain form's post, which wants a page or a redirect
    known: Person | None = None  # on the staff's paths, once the gate let them in

    @classmethod
    def of(cls, request: Any, in_path: Mapping[str, str]) -> "Call":
        """The call of a request of API Gateway's, or of Chalice's own server or test client."""
        event = request.to_original_event()
        headers = {
            name.lower(): given if type(given) is str else _last(given)
            for name, given in (event["headers"] or {}).items()
        }
        repeated = event["multiValueQueryStringParameters"] or {}
        query = {name: _last(given) for name, given in repeated.items()}
        if "path" not in event:  # Chalice's own gateway leaves it out, and decodes nothing
            in_path = {name: unquote(value) for name, value in in_path.items()}
        wanted = query.get("language") or headers.get("accept-language", "")[:2].lower()
        return cls(
            method=request.method,
            path=request.path,
            asked=_asked(event),
            params={**query, **in_path},
            headers=headers,
            caller=(request.context.get("identity") or {}).get("sourceIp") or "",
            now=instants.now(),
            language="en" if wanted == "en" else "de",
        )

    @property
    def staff(self) -> bool:
        """Whether this is a path of the staff's."""
        return self.path == "/staff" or self.path.startswith("/staff/")

    @property
    def person(self) -> Person:
        """Who of the staff asks. Raises NotSignedIn where nobody was let in."""
        if self.known is None:
            raise NotSignedIn
        return self.known

    @property
    def agent(self) -> str:
        """The user agent, cut to a length worth keeping."""
        return self.headers.get("user-agent", "")[:300]

    @property
    def origin(self) -> str:
        """The origin of the page that calls; empty for anything but a browser's cross-origin request."""
        return self.headers.get("origin", "")

    def accepts(self, media_type: str) -> bool:
        """Whether the caller names this type: a navigation names text/html, a script application/json or none."""
        return media_type in self.headers.get("accept", "")

    @property
    def navigates(self) -> bool:
        """Whether a person at a browser opens a page; a script that asks for part of one says so by its fetch mode."""
        opens = self.headers.get("sec-fetch-mode", "navigate") == "navigate"
        return opens and self.method == "GET" and self.accepts("text/html")

    def read(self, event: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        """The body's fields for this model. Raises Problem (400, 413, 415).

        An empty body is no fields where the model demands none, or where a form sends nothing.
        """
        body, kind = event["body"], bodies.media_type(self.headers)
        self.form = kind == bodies.FORM
        if not body and (
            self.form or not any(each.is_required() for each in model.model_fields.values())
        ):
            return {}
        if not body:
            raise Problem(400, "malformed")
        fields = bodies.read(body, event.get("isBase64Encoded", False), kind)
        if fields.get("language") in ("de", "en"):
            self.language = fields["language"]
        return fields


def _asked(event: Mapping[str, Any]) -> str:
    query = urlencode(event["multiValueQueryStringParameters"] or {}, doseq=True)
    path = quote(event["path"]) if "path" in event else event["requestContext"].get("path", "/")
    return path + (f"?{query}" if query else "")


def _last(given: Any) -> str:
    value = given[-1] if isinstance(given, list) and given else given
    return value if isinstance(value, str) else ""
