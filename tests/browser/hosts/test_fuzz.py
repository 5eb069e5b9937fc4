"""Pages nobody would write: no exception, and no form or element that fails without a word.

Each page is made of a seed: attributes right and wrong, in any order and nesting, some of it
inserted late or drawn anew, with an API that answers, refuses, is slow to say no, or is away.
"""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route

from chalicelib.web import snippet
from tests.browser.conftest import eventually
from tests.scale import Scale

API, SITE = "http://api.example", "http://site.example"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}
LINE = {
    "number": "+4979302699",
    "display": "+49 7930 2699",
    "timezone": "Europe/Berlin",
    "open": True,
    "opens_at": None,
    "closes_at": "2026-11-27T17:00:00+01:00",
    "hours": {},
}
SLOT = {"from": "2026-11-27T09:00:00+01:00", "to": "2026-11-27T11:00:00+01:00"}
CONSENT = {
    "version": "newsletter-de-9",
    "language": "de",
    "text": "Ja.",
    "sha256": "",
    "topics": [],
}
NAMES = (
    *("email", "name", "phone", "consent", "topics", "window", "note", "website", "language"),
    *("action", "method", "submit", "elements", "dataset", "closest", "querySelector", "reset"),
    *("append", "setAttribute", "childNodes", "getRootNode", "constructor", "__proto__", "id", ""),
)
# What elements with such names hide of the document.
HIDDEN = (
    *("querySelector", "querySelectorAll", "addEventListener", "createElement", "currentScript"),
    *("readyState", "documentElement", "baseURI", "title", "hidden", "body", "getRootNode"),
)
CAUGHT = re.compile(r"contact: \w*Error")  # an exception that the snippet has caught
WRAPPERS = ("div", "section", "label", "fieldset", "p", "span", "table", "details open", "li", "a")
OPTIONS = {
    "data-article": ("gold", "", "../../etc", "{{slug}}", "Müller & Söhne", "a" * 600, " "),
    "data-title": ("Titel", "", "<b>x</b>"),
    "data-language": ("de", "en", "xx", "", "DE-at"),
    "data-optout": ("",),
    "data-articles": ("/", "/a /b", " "),
    "data-routes": ("query", "hash", "x"),
    "data-debug": ("",),
}


def attributes(dice: random.Random, given: dict[str, Any]) -> str:
    """Return attributes, each of them or not, in any order."""
    chosen = [name for name in given if dice.random() < 0.7]
    dice.shuffle(chosen)
    said = {name: dice.choice(given[name]) for name in chosen}
    return "".join(f' {name}="{value.replace(chr(34), "")}"' for name, value in said.items())


def field(dice: random.Random) -> str:
    name = dice.choice(NAMES)
    return dice.choice(
        (
            f'<input name="{name}" value="x">',
            f'<input type="hidden" name="{name}" value="a/b">',
            f'<input type="checkbox" name="{name}" required>',
            f'<input type="file" name="{name}">',
            f'<textarea name="{name}"></textarea>',
            f'<select name="{name}" data-contact="slots"><option value="">-</select>',
            f'<label>{name} <input name="{name}"></label>',
            f'<div aria-hidden="true"><input name="{name}" value="x"></div>',
            f'<output name="{name}"></output>',
            '<object name="data"></object>',
            '<p data-contact="consent" data-for="callback"></p>',
            '<p data-contact="consent"></p>',
        )
    )


def form(dice: random.Random, number: int) -> str:
    """Return a form of ours, with a button, an outer one, or none."""
    fields = "".join(field(dice) for _ in range(dice.randrange(6)))
    said = attributes(
        dice,
        {
            "action": (f"{API}/newsletter/signups", "", "/elsewhere", "http://[", "{{url}}"),
            "method": ("post", "get", "dialog", ""),
            "data-success": ("Danke {reference}", "", "{"),
            "target": ("_self",),
            "enctype": ("multipart/form-data",),
            "novalidate": ("",),
        },
    )
    button = dice.choice(
        (
            "<button>OK</button>",
            '<input type="submit">',
            '<input type="image" alt="ok">',
            '<button type="button">?</button><button name="submit">OK</button>',
            "",
        )
    )
    kind = dice.choice(("newsletter", "callback"))
    return f'<form data-contact="{kind}" id="f{number}"{said}>{fields}{button}</form>'


def element(dice: random.Random) -> str:
    """Return an element that shows something, in a way that is right or wrong."""
    tag = dice.choice(("b", "p", "ol", "ul", "div", "a", "select", "h2", "td"))
    said = attributes(
        dice,
        {
            "data-article": ("gold", "a,b", "..", "Ä Ö", "x" * 300),
            "data-window": ("7d", "24h", "1y", ""),
            "data-limit": ("5", "0", "999", "viele"),
            "data-section": ("Markt", "", ":", "a,b&c=d"),
            "data-href": ("/a/{slug}", "javascript:alert(1)", "{page}", "http://["),
            "data-for": ("newsletter", "callbacks", "callback", "x"),
            "data-form": ("newsletter", "callback", "kontakt"),
        },
    )
    kinds = ("views", "popular", "hotline", "slots", "consent", "form", "unbekannt", "")
    return f'<{tag} data-contact="{dice.choice(kinds)}"{said}></{tag}>'


def hiding(dice: random.Random) -> str:
    """Return an element that hides something of the document or of its form."""
    name = dice.choice(HIDDEN)
    return dice.choice(
        (
            f'<form name="{name}"></form>',
            f'<img name="{name}" alt="">',
            f'<object name="{name}"></object>',
            f'<form data-contact="newsletter"><input name="{name}"><button>OK</button></form>',
        )
    )


def page(dice: random.Random) -> str:
    """Return a page of a seed."""
    hidden = "".join(hiding(dice) for _ in range(dice.choice((0, 0, 1, 3))))
    parts = [form(dice, number) for number in range(dice.randrange(1, 3))]
    parts += [element(dice) for _ in range(dice.randrange(5))]
    dice.shuffle(parts)
    body, late = "", ""
    for number, part in enumerate(parts):
        for _ in range(dice.randrange(3)):
            tag = dice.choice(WRAPPERS)
            part = f"<{tag}>{part}</{tag.split()[0]}>"
        if dice.random() < 0.25:
            body += f'<div id="late{number}"></div>'
            put = f"document.getElementById('late{number}').innerHTML = {json.dumps(part)}"
            late += f"setTimeout(() => {{ {put} }}, {dice.choice((0, 5, 20))});"
        elif dice.random() < 0.1:
            body += f'<div id="shadow{number}"></div>'
            root = f"document.getElementById('shadow{number}').attachShadow({{mode: 'open'}})"
            late += f"{root}.innerHTML = {json.dumps(part)};"
        else:
            body += part
    late = late.replace("</", "<\\/")
    how = dice.choice(("defer", "async", 'type="module"', ""))
    script = f'<script src="{API}/embed.js" {how}{attributes(dice, OPTIONS)}></script>'
    head, foot = (script, "") if dice.random() < 0.7 else ("", script)
    if dice.random() < 0.2:
        head += script
    if dice.random() < 0.1:
        head += "<script>var contact = 1</script>"
    if dice.random() < 0.3:
        head += '<meta property="og:type" content="article"><link rel="canonical" href="/x?p=1">'
    return (
        f'<!doctype html><html lang="{dice.choice(("de", "en", "", "fr"))}"><meta charset="utf-8">'
        f'<title>x</title><link rel="icon" href="data:,">{head}<body>{hidden}{body}'
        f"<script>{late}</script>{foot}</html>"
    )


def answer(dice: random.Random, route: Route) -> None:
    """Answer as the API may, or not at all."""
    request = route.request
    path = request.url.removeprefix(API).partition("?")[0]
    parts = {
        "hotline": LINE,
        "slots": {"timezone": "Europe/Berlin", "slots": [SLOT]},
        "consent": {"newsletter": CONSENT, "callbacks": CONSENT},
        "slugs": {"views": {"gold": 1234}},
        "article": {"slug": "x", "views": 5},
        "popular": {"articles": [{"slug": "a", "title": "<b>A", "views": 1, "page": "/a"}]},
    }
    if request.method == "OPTIONS":
        route.fulfill(status=204, headers=CORS)
    elif path == "/embed.js":
        route.fulfill(body=snippet.current().text, content_type="text/javascript", headers=CORS)
    elif path.startswith("/embed/"):
        text = snippet.current().files[path.removeprefix("/embed/")]
        route.fulfill(body=text, content_type="text/javascript", headers=CORS)
    elif path == "/altcha":
        route.fulfill(json={"required": False, "parameters": {}, "signature": ""}, headers=CORS)
    elif path == "/page" and dice.random() < 0.8:
        asked = {each.partition("=")[0] for each in request.url.partition("?")[2].split("&")}
        route.fulfill(json={key: parts[key] for key in asked & parts.keys()}, headers=CORS)
    elif request.method == "POST" and path in ("/newsletter/signups", "/callbacks"):
        errors = [{"field": dice.choice(NAMES), "code": "x", "message": "Falsch."}]
        receipt = {"reference": "R-2M24", "expected": SLOT, "phone": {"display": "+49 7 1"}}
        outcomes: tuple[dict[str, Any], ...] = (
            {"status": 202, "json": {"status": "pending"}},
            {"status": 202, "json": receipt},
            {"status": 422, "json": {"detail": "Bitte prüfen.", "errors": errors}},
            {"status": 429, "json": {"detail": "Zu viel."}, "retry": "60"},
            {"status": 500, "body": "<h1>"},
            {},
        )
        chosen = dict(dice.choice(outcomes))
        retry = {"Retry-After": chosen.pop("retry")} if "retry" in chosen else {}
        expose = {"Access-Control-Expose-Headers": "Retry-After"}
        if chosen:
            route.fulfill(**chosen, headers={**CORS, **expose, **retry})
        else:
            route.abort()
    else:
        route.fulfill(status=dice.choice((200, 404, 422, 500)), json={}, headers=CORS)


FORMS = "[...Document.prototype.querySelectorAll.call(document, 'form[data-contact]')]"
SEND = (
    f"() => {FORMS}"
    """.map(form => {
    const field = Element.prototype.querySelector.call(form, 'input, textarea, button')
    field?.dispatchEvent(new FocusEvent('focusin', { bubbles: true, composed: true }))
    HTMLFormElement.prototype.requestSubmit.call(form)
    return Element.prototype.getAttribute.call(form, 'data-contact')
})"""
)
SAID = (
    f"() => {FORMS}"
    """.every(form => {
    const state = Element.prototype.getAttribute.call(form, 'data-state')
    const said = Element.prototype.querySelector.call(form, 'output')
    return /success|error/.test(state) && said?.textContent.trim()
})"""
)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="de-DE")
    yield context.new_page()
    context.close()


def fuzz(tab: Page, seed: int) -> None:
    dice = random.Random(seed)
    text, faults, gone = page(dice), [], []
    tab.unroute_all()
    tab.route(f"{SITE}/**", lambda route: route.fulfill(body=text, content_type="text/html"))
    tab.route(f"{API}/**", lambda route: answer(dice, route))

    def wrote(line: ConsoleMessage) -> None:
        if line.type == "warning" and CAUGHT.match(line.text):
            faults.append(line.text)

    told = lambda error: faults.append(str(error))  # noqa: E731  to be taken away again
    left = lambda frame: gone.append(frame.url)  # noqa: E731
    tab.on("pageerror", told)
    tab.on("console", wrote)
    tab.goto(f"{SITE}/seite?seed={seed}")
    tab.wait_for_timeout(45)
    tab.on("framenavigated", left)
    try:
        tab.evaluate(SEND)
        eventually(lambda: gone or tab.evaluate(SAID), 5)
    except AssertionError:
        faults.append("a form says nothing")
    except Error as error:
        faults.append(f"the page was left: {error}")
    finally:
        tab.remove_listener("pageerror", told)
        tab.remove_listener("console", wrote)
        tab.remove_listener("framenavigated", left)
    assert not gone, (seed, gone, text)
    assert faults == [], (seed, faults, text)


def test_a_page_nobody_would_write_works_or_says_so(tab: Page, scale: Scale) -> None:
    for seed in range(scale(500, 25)):
        fuzz(tab, seed)
