"""The pictures of the README: the demo's first page, the staff's board and a mail.

`make pictures` makes them anew, in Chromium, from the preview's scenes: at a time of their own, on
tables in memory. So the same code gives the same pictures.
"""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, ViewportSize, sync_playwright

import app
from chalicelib import company, instants
from chalicelib.articles import ranking
from chalicelib.articles.entries import Entry
from chalicelib.articles.model import Marker
from chalicelib.articles.stores import counts, known, markers
from chalicelib.settings import current
from local.preview import scene, specimens
from local.preview.scene import ANNA, Scene
from local.site import Pages
from tests.browser.conftest import SHELL, chromium, launch

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "pictures"
SITE, API = "https://www.company.example", "https://contact.company.example"
_LANGUAGE = company.current().languages[0]
_REFERENCES = ("7F3K", "2XQM", "W9TD", "4HVB", "M6CR", "P8JZ")
_ARTICLES = {
    "feingehalt-verstehen": "Feingehalt verstehen",
    "gold-aufbewahren": "Gold sicher aufbewahren",
    "barren-oder-muenzen": "Barren oder Münzen?",
}
_SIZE: ViewportSize = {"width": 960, "height": 720}
_QUALITY = 60  # of WebP


def _mail(page: Page) -> None:
    confirmation = specimens.every()["mail/confirmation"]
    page.set_content(specimens.show(confirmation, _LANGUAGE).html)


def _board(page: Page) -> None:
    """Open the board of an agent, with requests that are due one after the other."""
    topics = list(company.current().callback_topics)
    with scene.scene(_LANGUAGE) as at:
        at.ask(topic=topics[2])
        at.later(minutes=25)
        at.wishes()
        at.later(minutes=25)
        at.tick()
        at.act(at.ask(), "claim", "dial")
        at.ask(window=at.tomorrow())
        at.ask(topic=topics[1])
        at.later(minutes=10)
        at.ask()
        at.later(minutes=2)
        html = at.get("/staff", ANNA)
    # References are made by chance, and the script looks for news.
    for number, reference in enumerate(dict.fromkeys(re.findall(r"R-[0-9A-Z]{4}\b", html))):
        html = html.replace(reference, f"R-{_REFERENCES[number]}")
    page.set_content(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def _demo(page: Page) -> None:
    """Open the demo's first page; the scene answers what its snippet asks."""
    app.app.import_all()
    pages = Pages(ROOT / "demo" / "site", {"api": API, "site": SITE, "mailbox": SITE})
    with scene.scene(_LANGUAGE) as at:
        _read(at)
        page.route("**/*", lambda route: _answer(route, pages, at))
        page.clock.set_fixed_time(at.now)
        page.goto(SITE)
        page.wait_for_load_state("networkidle")


def _read(at: Scene) -> None:
    """Let people have read the articles of the site's feed."""
    at.configure(SITE_ORIGINS=SITE, ARTICLES_FEED=f"{SITE}/feed.xml", ARTICLES_NAMED="last")
    day = instants.day(at.now, current().time_zone).isoformat()
    for number, (name, title) in enumerate(_ARTICLES.items(), 2):
        page = f"{SITE}/artikel/{name}"
        known.learn([Entry(name, title, page, instants.text(at.now), "Gold")])
        for reader in range(7 * number):
            marker = Marker(name, day, str(reader), 9)
            markers.mark(marker, at.now)
            counts.count([marker])
    at.later(minutes=1)
    ranking.forget()
    ranking.rank(at.now)
    ranking.forget()


def _answer(route: Route, pages: Pages, at: Scene) -> None:
    url = urlsplit(route.request.url)
    if route.request.method != "GET":
        route.fulfill(status=204, headers={"Access-Control-Allow-Origin": SITE})
    elif route.request.url.startswith(SITE):
        status, kind, body = pages.answer(url.path)
        route.fulfill(status=status, content_type=kind, body=body)
    else:
        kind = "text/javascript" if url.path.endswith(".js") else "application/json"
        told = at.get(f"{url.path}?{url.query}")
        headers = {"Access-Control-Allow-Origin": SITE, "Content-Type": kind}
        route.fulfill(status=200, headers=headers, body=told)


PICTURES: Mapping[str, Callable[[Page], None]] = {
    "demo": _demo,
    "staff": _board,
    "mail": _mail,
}


def make(browser: Browser, folder: Path) -> None:
    """Make the pictures in a folder. Needs `scene.stage`."""
    for name, show in PICTURES.items():
        context = browser.new_context(viewport=_SIZE, color_scheme="light", locale="de-DE")
        page = context.new_page()
        show(page)
        taken = context.new_cdp_session(page).send(
            "Page.captureScreenshot", {"format": "webp", "quality": _QUALITY}
        )
        (folder / f"{name}.webp").write_bytes(base64.b64decode(taken["data"]))
        context.close()


if __name__ == "__main__":
    with sync_playwright() as started, scene.stage():
        FOLDER.mkdir(exist_ok=True)
        make(launch(started, chromium(SHELL)), FOLDER)
