"""What a view may answer with: a model as JSON, a page, a redirect, thanks for a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from chalicelib.http.inventory import NO_CONTENT, SEE_OTHER
from chalicelib.settings import current

PUBLIC_READ = {"Cache-Control": "public, max-age=30"}


@dataclass(frozen=True)
class Reply:
    """An answer with headers or a status of its own; a model goes out as JSON, text as it is."""

    body: BaseModel | str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Thanks:
    """The answer to a form: JSON to scripts; a plain form goes to a thank-you page or sees ours."""

    body: BaseModel
    page: str
    next: str | None = None  # the thank-you page the form asks for
    context: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page of ours, or the model where the caller accepts JSON."""

    page: str
    context: Mapping[str, Any] = field(default_factory=dict)
    body: BaseModel | None = None
    scripts: bool = False  # whether it has the snippet


def redirect(url: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Send the browser on to another address with 303 See Other.

    A `url` that begins with a slash is a path of this service, under the configured base URL.
    """
    target = f"{current().base_url}{url}" if url.startswith("/") else url
    sent = {"Location": target, "Content-Type": "text/plain", **(headers or {})}
    return Reply(status=SEE_OTHER, headers=sent)


def no_content() -> Reply:
    """Answer success without a body (204)."""
    return Reply(status=NO_CONTENT)


def not_modified(etag: str, headers: Mapping[str, str] | None = None) -> Reply:
    """Answer that the caller's copy is current (304)."""
    return Reply(status=304, headers={**(headers or {}), "ETag": etag})
