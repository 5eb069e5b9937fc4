"""The service's own entrances: its health, its contract, the website's snippet."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from chalicelib import __version__
from chalicelib.http import Call, Reply, Routes
from chalicelib.http.openapi import document
from chalicelib.http.routing import INVENTORY
from chalicelib.settings import current

routes = Routes(__name__)


class Health(BaseModel):
    status: Literal["ok"] = "ok"
    stage: str
    version: str


@routes.get("/health", gives=Health)
def health(call: Call) -> Reply:
    """Whether the API answers, and which version of it."""
    return Reply(Health(stage=current().stage, version=__version__), headers={"Cache-Control": "no-store"})


@routes.get("/openapi.json")
def openapi(call: Call) -> Reply:
    """This contract, generated from the routes and their models."""
    return _cacheable(call, _openapi(), "application/json")


@routes.get("/embed.js")
def embed(call: Call) -> Reply:
    """The website's snippet."""
    return _cacheable(call, _embed(), "text/javascript; charset=utf-8")


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
    return (Path(__file__).parent / "embed.js").read_text(encoding="utf-8")


@cache
def _openapi() -> str:
    routes = [route for methods in INVENTORY.values() for route in methods.values()]
    return json.dumps(document(routes, current().base_url), ensure_ascii=False, separators=(",", ":"))
