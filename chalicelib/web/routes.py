"""The service's own entrances: its health, its contract, the website's snippet."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from chalicelib import __version__, challenges, company, texts
from chalicelib.http import NOT_MODIFIED, Body, Reply, Request, Routes, not_modified
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.openapi import document
from chalicelib.settings import current

routes = Routes(__name__, tag="service")
_HERE = Path(__file__).parent
_TEXTS = "const texts = {};"  # where the snippet wants what it says
_SAID = re.compile(r'\b(?:_|pgettext)\((?:"([^"]+)", )?"([^"]+)"\)')


class Health(BaseModel):
    """The stage that answers, and its version."""

    status: Literal["ok"] = "ok"
    stage: str
    version: str


class ForForm(Body):
    """The form that a challenge is for."""

    form: Literal["newsletter", "callback"] = "newsletter"


class Challenge(BaseModel):
    """A proof of work to do, as ALTCHA's protocol (version 2) has it."""

    parameters: dict[str, Any]
    signature: str


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
    return _cacheable(request, _embed(company.folder()), "text/javascript; charset=utf-8")


@routes.get("/altcha", params=ForForm, gives=Challenge)
def get_challenge(request: Request, asked: ForForm) -> Reply:
    """Make a proof-of-work challenge for a form."""
    made = Challenge.model_validate(challenges.create(asked.form, request.now))
    return Reply(made, headers={"Cache-Control": "no-store"})


@routes.get("/altcha.js", media="text/javascript", also=(NOT_MODIFIED,))
def get_challenge_script(request: Request) -> Reply:
    """Send the script that does the proof of work for a page's forms."""
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


def words(script: str) -> list[tuple[str, str]]:
    """Return the words a script says, as the catalogues have them: a context, or none, before."""
    return _SAID.findall(script)


@cache
def _embed(where: Path) -> str:
    """Return the snippet with its words, in every language of the company in this folder."""
    script = (_HERE / "embed.js").read_text(encoding="utf-8")
    said = {language: _said(script, language) for language in company.current().languages}
    written = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    # These would end a script in a page, or a line of JavaScript.
    for each in "<\u2028\u2029":
        written = written.replace(each, f"\\u{ord(each):04x}")
    return script.replace(_TEXTS, _TEXTS.replace("{}", written), 1)


def _said(script: str, language: str) -> dict[str, str]:
    """Return a script's words that are not said in English, and the company's thanks."""
    catalogue, own = texts.of(language), company.current().texts[language]
    said = {name: own[name] for name in ("newsletter_success", "callback_success")}
    for context, word in words(script):
        there = catalogue.pgettext(context, word) if context else catalogue.gettext(word)
        if there != word:
            said[f"{context}\x04{word}" if context else word] = there
    return said


@cache
def _widget() -> str:
    """Return the vendored widget and the script that joins it to the page's forms, in one text.

    Each has a scope of its own; the script gets the source of the widget's worker.
    """
    vendor = _HERE / "vendor" / "altcha"
    licence, library, worker = (
        (vendor / name).read_text(encoding="utf-8")
        for name in ("LICENSE", "altcha.min.js", "pbkdf2.js")
    )
    ours = (_HERE / "challenge.js").read_text(encoding="utf-8")
    widget = f"(() => {{\n{library}\n}})();"
    wiring = f"((worker) => {{\n{ours}}})({json.dumps(worker)});"
    return f"/*! ALTCHA\n{licence}*/\n{widget}\n{wiring}\n"


@cache
def _openapi() -> str:
    # Routes are imported in the order of the requests: sorting makes every process say the same.
    routes.current_app.import_all()
    declared = [route for _, methods in sorted(INVENTORY.items()) for route in methods.values()]
    return json.dumps(
        document(declared, current().base_url), ensure_ascii=False, separators=(",", ":")
    )
