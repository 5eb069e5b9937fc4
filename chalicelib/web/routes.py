"""The service's own entrances: its health, its contract, the website's snippet."""

import hashlib
import json
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field

from chalicelib import __version__, challenges
from chalicelib.errors import NotFound
from chalicelib.http import NOT_MODIFIED, Body, Reply, Request, Routes, not_modified
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.openapi import document
from chalicelib.settings import current
from chalicelib.web import snippet

routes = Routes(__name__, tag="service")
_SCRIPT = "text/javascript; charset=utf-8"
_YEAR = "public, max-age=31536000, immutable"
# Pages that were built for an earlier snippet load this besides.
_NO_LONGER_NEEDED = "// The snippet does the proof of work itself.\n"


class Health(BaseModel):
    """The stage that answers, and its version."""

    status: Literal["ok"] = "ok"
    stage: str
    version: str


class ForForm(Body):
    """The form that a challenge is for."""

    form: Literal["newsletter", "callback"] = "newsletter"


class File(Body):
    """A file of the snippet, by its name."""

    file: str


class Challenge(BaseModel):
    """A proof of work to do, as ALTCHA's protocol (version 2) has it."""

    parameters: dict[str, Any]
    signature: str
    required: bool = Field(description="whether the stage's forms want it done")


@routes.get("/health", gives=Health)
def get_health(request: Request) -> Reply:
    """Tell that the API answers, and which version of it."""
    return Reply(
        Health(stage=current().stage, version=__version__), headers={"Cache-Control": "no-store"}
    )


@routes.get("/openapi.json", media="application/json", also=(NOT_MODIFIED,))
def get_contract(request: Request) -> Reply:
    """Show this contract, generated from the routes and their models."""
    return _cacheable(request, _openapi(), "application/json")


@routes.get("/embed.js", media="text/javascript", also=(NOT_MODIFIED,))
def get_embed_script(request: Request) -> Reply:
    """Send the website's snippet."""
    return _cacheable(request, snippet.current().text, _SCRIPT)


@routes.get("/embed/{file}", params=File, media="text/javascript", errors=(NotFound,))
def get_embed_file(request: Request, asked: File) -> Reply:
    """Send the snippet, or a part of it, under the name of its content, which never changes.

    A snippet that another has followed is sent for a year.
    """
    headers = {
        "Content-Type": _SCRIPT,
        "Cache-Control": _YEAR,
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Reply(snippet.file(asked.file), headers=headers)


@routes.get("/altcha", params=ForForm, gives=Challenge)
def get_challenge(request: Request, asked: ForForm) -> Reply:
    """Make a proof-of-work challenge for a form."""
    made = challenges.create(asked.form, request.now)
    required = bool(current().altcha_required)
    challenge = Challenge(**made, required=required)
    return Reply(challenge, headers={"Cache-Control": "no-store"})


@routes.get("/altcha.js", media="text/javascript", also=(NOT_MODIFIED,))
def get_challenge_script(request: Request) -> Reply:
    """Send a script that does nothing: the snippet does the proof of work itself."""
    return _cacheable(request, _NO_LONGER_NEEDED, _SCRIPT)


def _cacheable(request: Request, text: str, content_type: str) -> Reply:
    headers = {
        "Content-Type": content_type,
        "Cache-Control": "public, max-age=300",
        "ETag": f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"',
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return not_modified(headers["ETag"], headers)
    return Reply(text, headers=headers)


@cache
def _openapi() -> str:
    # Routes are imported in the order of the requests: sorting makes every process say the same.
    routes.current_app.import_all()
    declared = [route for _, methods in sorted(INVENTORY.items()) for route in methods.values()]
    return json.dumps(
        document(declared, current().base_url), ensure_ascii=False, separators=(",", ":")
    )
