"""The frame of the staff's pages: their templates, their style, their content security policy."""

import secrets
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib import templates, texts
from chalicelib.errors import ContactError
from chalicelib.http import problems
from chalicelib.http.inventory import INVENTORY
from chalicelib.http.replies import Reply
from chalicelib.http.request import Request
from chalicelib.settings import current
from chalicelib.texts import N_

_WEB = Path(__file__).parent.parent / "web"
# In this order; each entry only where its route exists and the person's role opens it.
_MENU = (
    ("/staff", N_("Callbacks")),
    ("/staff/search", N_("Find")),
    ("/staff/hours", N_("Opening hours")),
    ("/staff/subscribers", N_("Newsletter")),
    ("/staff/articles", N_("Articles")),
    ("/staff/figures", N_("Figures")),
)


def render(
    request: Request,
    name: str,
    status: int = 200,
    refused: ContactError | None = None,
    **values: Any,
) -> Reply:
    """Render `templates/staff/<name>.html` in the caller's language, with the menu where signed in.

    `refused` is the error that kept the request from being done: it decides the status, and the
    template has its sentence as `problem`.

    Besides what every template has, it has `nonce` for its scripts, `person` (or None) and
    `request`. The content security policy forbids the page to load from and
    send to other origins, and any page to frame it.
    """
    problem = problems.of(refused) if refused else None
    nonce = secrets.token_urlsafe(16)
    word = texts.of(request.language).gettext
    text = templates.render(
        f"staff/{name}.html",
        current(),
        request.language,
        css=templates.style("staff"),
        nonce=nonce,
        request=request,
        person=request.signed_in,
        menu=[(path, word(label)) for path, label in _MENU if _opens(request, path)],
        problem=problem.sentence(request.language) if problem else "",
        **values,
    )
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    headers |= problem.headers if problem else {}
    return Reply(text, problem.status if problem else status, headers)


@cache
def script(name: str, library: str = "") -> str:
    """Return the text of `web/<name>.js` for a page to carry.

    A vendored library goes before it, under its licence.
    """
    own = (_WEB / f"{name}.js").read_text(encoding="utf-8")
    if not library:
        return own
    file = _WEB / "vendor" / f"{library}.js"
    licence = (file.parent / "LICENSE").read_text(encoding="utf-8")
    return f"/*! {licence}*/\n{file.read_text(encoding='utf-8')}\n{own}"


def _opens(request: Request, path: str) -> bool:
    route = INVENTORY.get(path, {}).get("GET")
    person = request.signed_in
    return route is not None and person is not None and person.may(route.role)
