"""One request, as a view sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlencode

from pydantic import BaseModel

from chalicelib import company, instants, keys, log
from chalicelib.auth import gate
from chalicelib.auth.person import Person
from chalicelib.errors import NotSignedIn
from chalicelib.http import bodies
from chalicelib.http.problems import Problem
from chalicelib.sender import Sender
from chalicelib.settings import current

_AROUND = " .,:;!?)>]}\"'"  # what mail programs take for a part of a link that ends with a language


@dataclass
class Request:
    """What a view may know of a request; reading the body sets `language` and `form`."""

    method: str
    path: str  # as it is declared, with its parameters' names
    target: str  # path and query as they were asked for
    params: dict[str, str]  # query, trimmed, and path, the path winning
    headers: Mapping[str, str]  # by names in lower case
    client_ip: str  # the address API Gateway saw; never taken from a header
    now: datetime
    language: str  # one of the company's
    form: bool = False  # a plain form's post, which wants a page or a redirect
    back: str = ""  # the page with the plain form that was posted, where we know it
    signed_in: Person | None = None  # on the staff's paths, once the gate let them in

    @classmethod
    def of(cls, chalice_request: Any, in_path: Mapping[str, str]) -> "Request":
        """Read a Chalice request; `in_path` are the path's parameters.

        It comes from API Gateway, or from Chalice's own server or test client.
        """
        event = chalice_request.to_original_event()
        headers = {
            name.lower(): given if type(given) is str else _last(given)
            for name, given in (event["headers"] or {}).items()
        }
        repeated = event["multiValueQueryStringParameters"] or {}
        # Some mail programs send the `&` of a link as it stands in HTML.
        query = {
            name.removeprefix("amp;"): bodies.trimmed(_last(given))
            for name, given in repeated.items()
        }
        if "path" not in event:  # Chalice's own gateway leaves it out, and decodes nothing
            in_path = {name: unquote(value) for name, value in in_path.items()}
        wanted = query.get("language") or headers.get("accept-language", "")
        return cls(
            method=chalice_request.method,
            path=chalice_request.path,
            target=_target(event),
            params={**query, **in_path},
            headers=headers,
            client_ip=(chalice_request.context.get("identity") or {}).get("sourceIp") or "",
            now=instants.now(),
            language=_preferred(wanted) or company.current().language,
        )

    @property
    def is_staff(self) -> bool:
        """Whether the path belongs to the staff's side."""
        return gate.is_staff(self.path)

    @property
    def person(self) -> Person:
        """The person of the staff who asks. Raises NotSignedIn where none is signed in."""
        if self.signed_in is None:
            raise NotSignedIn
        return self.signed_in

    @property
    def sender(self) -> Sender:
        """Where the request came from: by the proxy's headers where its secret proves them.

        The user agent is cut to 512 characters. Raises Unavailable.
        """
        settings, address = current(), self.client_ip
        agent = self.headers.get("user-agent", "")
        if settings.origin_secret_arn:
            from chalicelib.http import proxy  # most stages have none

            if proxy.vouches(self.headers, keys.origin_secrets()):
                told = self.headers.get(settings.trusted_address_header.lower(), "")
                address = proxy.address(told) or address
                agent = self.headers.get(settings.trusted_agent_header.lower(), "") or agent
            elif proxy.HEADER in self.headers:
                log.attempt("proxy", path=self.path)
        return Sender(address, agent[:512])

    @property
    def origin(self) -> str:
        """The origin of the page that calls; empty unless a browser calls across origins."""
        return self.headers.get("origin", "")

    def accepts(self, media_type: str) -> bool:
        """Tell whether the caller names this media type in its `Accept` header.

        A navigation names text/html; a script names application/json, or nothing.
        """
        return media_type in self.headers.get("accept", "")

    @property
    def wants_page(self) -> bool:
        """Whether an error is shown as a page: the caller takes HTML and does not name JSON."""
        return self.accepts("text/html") and not self.accepts(bodies.JSON)

    @property
    def wants_html(self) -> bool:
        """Whether what was done is shown as a page: the caller takes HTML or names no JSON."""
        return self.accepts("text/html") or not self.accepts(bodies.JSON)

    @property
    def navigates(self) -> bool:
        """Whether a person opens a page in a browser.

        A script that asks for part of a page says so by its `Sec-Fetch-Mode`.
        """
        opens = self.headers.get("sec-fetch-mode", "navigate") == "navigate"
        return opens and self.method == "GET" and self.accepts("text/html")

    def read(self, event: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
        """Return the body's fields for this model. Raises Problem (400, 413, 415).

        An empty body has no fields where the model demands none, or where a form sends nothing.
        """
        body, kind = event["body"], bodies.media_type(self.headers)
        self.form = kind == bodies.FORM
        if not body and (
            self.form or not any(each.is_required() for each in model.model_fields.values())
        ):
            return {}
        if not body:
            raise Problem(400, "malformed")
        mended = model.model_fields if getattr(model, "mends", False) else ()
        fields = bodies.read(body, event.get("isBase64Encoded", False), kind, mended)
        self.back = self._page_of(fields)
        if fields.get("language") in company.current().languages:
            self.language = fields["language"]
        return fields

    def _page_of(self, fields: Mapping[str, Any]) -> str:
        """Return the page of the form that was posted, of the website or of ours; else nothing."""
        page, token = str(fields.get("page", "")), str(fields.get("token", ""))
        known = (current().site_url, *current().site_origins)
        if page.startswith(tuple(f"{each}/" for each in known)):
            return page
        return f"{current().base_url}{self.path}?{urlencode({'token': token})}" if token else ""


def _preferred(accepted: str) -> str:
    """Return the first language of an `Accept-Language` header that the company speaks."""
    spoken = company.current().languages
    for each in accepted.lower().split(","):
        language = each.partition(";")[0].partition("-")[0].strip(_AROUND)
        if language in spoken:
            return language
    return ""


def _target(event: Mapping[str, Any]) -> str:
    query = urlencode(event["multiValueQueryStringParameters"] or {}, doseq=True)
    path = quote(event["path"]) if "path" in event else event["requestContext"].get("path", "/")
    return path + (f"?{query}" if query else "")


def _last(given: Any) -> str:
    value = given[-1] if isinstance(given, list) and given else given
    return value if isinstance(value, str) else ""
