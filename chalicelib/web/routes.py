"""The service's own entrances: its health, its contract, the website's snippet."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from chalicelib import __version__, challenges
from chalicelib.http import Body, Call, Reply, Routes
from chalicelib.http.openapi import document
from chalicelib.http.routing import INVENTORY
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


@routes.get("/health", operation="getHealth", gives=Health)
def health(call: Call) -> Reply:
    """Whether the API answers, and which version of it."""
    return Reply(
        Health(stage=current().stage, version=__version__), headers={"Cache-Control": "no-store"}
    )


@routes.get("/openapi.json", operation="getContract", media="application/json", also=(304,))
def openapi(call: Call) -> Reply:
    """This contract, generated from the routes and their models."""
    return _cacheable(call, _openapi(), "application/json")


@routes.get("/embed.js", operation="getEmbedScript", media="text/javascript", also=(304,))
def embed(call: Call) -> Reply:
    """The website's snippet."""
    return _cacheable(call, _embed(), "text/javascript; charset=utf-8")


@routes.get("/altcha", operation="getChallenge", params=ForForm, gives=Challenge)
def challenge(call: Call, asked: ForForm) -> Reply:
    """A fresh proof-of-work challenge for a form."""
    made = Challenge.model_validate(challenges.create(asked.form, call.now))
    return Reply(made, headers={"Cache-Control": "no-store"})


@routes.get("/altcha.js", operation="getChallengeScript", media="text/javascript", also=(304,))
def widget(call: Call) -> Reply:
    """The script that does the proof of work for a page's forms."""
    return _cacheable(call, _widget(), "text/javascript; charset=utf-8")


def _cacheable(call: Call, text: str, content_type: str) -> Reply:
    headers = {
        "Content-Type": content_type,
        "Cache-Control": "public, max-age=300",
        "ETag": f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"',
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if call.headers.get("if-none-match") == headers["ETag"]:
        return Reply(status=304, headers=headers)
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
