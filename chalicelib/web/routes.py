"""The service's own entrances: its health, its contract, the website's snippet."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from chalicelib import __version__, challenges
from chalicelib.http import NOT_MODIFIED, Body, Reply, Request, Routes, not_modified
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.openapi import document
from chalicelib.settings import current

routes = Routes(__name__, tag="service")
_HERE = Path(__file__).parent


class Health(BaseModel):
    status: Literal["ok"] = "ok"
    stage: str
    version: str


class ForForm(Body):
    form: Literal["newsletter", "callback"] = "newsletter"


class Challenge(BaseModel):
    """A proof of work to do, as ALTCHA's protocol (version 2) has it."""

    parameters: dict[str, Any]
    signature: str


@routes.get("/health", gives=Health)
def get_health(request: Request) -> Reply:
    """Whether the API answers, and which version of it."""
    return Reply(
        Health(stage=current().stage, version=__version__), headers={"Cache-Control": "no-store"}
    )


@routes.get("/openapi.json", media="application/json", also=(NOT_MODIFIED,))
def get_contract(request: Request) -> Reply:
    """This contract, generated from the routes and their models."""
    return _cacheable(request, _openapi(), "application/json")


@routes.get("/embed.js", media="text/javascript", also=(NOT_MODIFIED,))
def get_embed_script(request: Request) -> Reply:
    """The website's snippet."""
    return _cacheable(request, _embed(), "text/javascript; charset=utf-8")


@routes.get("/altcha", params=ForForm, gives=Challenge)
def get_challenge(request: Request, asked: ForForm) -> Reply:
    """A fresh proof-of-work challenge for a form."""
    made = Challenge.model_validate(challenges.create(asked.form, request.now))
    return Reply(made, headers={"Cache-Control": "no-store"})


@routes.get("/altcha.js", media="text/javascript", also=(NOT_MODIFIED,))
def get_challenge_script(request: Request) -> Reply:
    """The script that does the proof of work for a page's forms."""
    return _cacheable(request, _widget(), "text/javascript; charset=utf-8")


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
def _embed() -> str:
    return (_HERE / "embed.js").read_text(encoding="utf-8")


@cache
def _widget() -> str:
    """The vendored widget and its worker, each in a scope of its own, and what joins them to the page's forms."""
    vendor = _HERE / "vendor" / "altcha"
    licence, library, worker = (
        (vendor / name).read_text(encoding="utf-8")
        for name in ("LICENSE", "altcha.min.js", "pbkdf2.js")
    )
    ours = (_HERE / "challenge.js").read_text(encoding="utf-8")
    return f"/*! ALTCHA\n{licence}*/\n(() => {{\n{library}\n}})();\n((worker) => {{\n{ours}}})({json.dumps(worker)});\n"


@cache
def _openapi() -> str:
    routes.current_app.open_all()  # in the order of whatever was asked before: sorted, every process says the same
    declared = [route for _, methods in sorted(INVENTORY.items()) for route in methods.values()]
    return json.dumps(
        document(declared, current().base_url), ensure_ascii=False, separators=(",", ":")
    )
