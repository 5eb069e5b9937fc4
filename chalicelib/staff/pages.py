"""The frame of the staff's pages: their templates, their style, and what such a page may do."""

import secrets
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.http import Call, Reply
from chalicelib.http.routing import INVENTORY
from chalicelib.pages import render, style

_WEB = Path(__file__).parent.parent / "web"
# In this order, and each only where its route stands and the person's role opens it.
_MENU = (
    ("/staff", "Rückrufe", "Callbacks"),
    ("/staff/search", "Suche", "Search"),
    ("/staff/hours", "Zeiten", "Hours"),
    ("/staff/subscribers", "Newsletter", "Newsletter"),
    ("/staff/figures", "Zahlen", "Figures"),
)


def page(call: Call, name: str, status: int = 200, **values: Any) -> Reply:
    """`templates/staff/<name>.html` in the caller's language; with the menu where somebody is signed in.

    A template has `t("deutsch", "english")`, `nonce` for its scripts, `person` (or none) and `call`. It may load,
    send to and be framed by nobody else.
    """
    nonce = secrets.token_urlsafe(16)
    english = call.language == "en"
    text = render(
        f"staff/{name}.html",
        css=_css(),
        nonce=nonce,
        call=call,
        language=call.language,
        person=call.known,
        menu=[(path, en if english else de) for path, de, en in _MENU if _opens(call, path)],
        t=lambda de, en: en if english else de,
        **values,
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return Reply(
        text,
        status,
        {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},
    )


@cache
def script(name: str, library: str = "") -> str:
    """The text of `web/<name>.js`, for a page to carry; before it that of a vendored library, under its licence."""
    own = (_WEB / f"{name}.js").read_text(encoding="utf-8")
    if not library:
        return own
    file = _WEB / "vendor" / f"{library}.js"
    licence = (file.parent / "LICENSE").read_text(encoding="utf-8")
    return f"/*! {licence}*/\n{file.read_text(encoding='utf-8')}\n{own}"


def _opens(call: Call, path: str) -> bool:
    route = INVENTORY.get(path, {}).get("GET")
    return route is not None and call.known is not None and call.known.may(route.role)


@cache
def _css() -> str:
    return style("staff")
