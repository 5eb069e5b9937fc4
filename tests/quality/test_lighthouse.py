"""Lighthouse gives the demo's pages and the hosted ones 95 points of 100 in each category."""

import json
import os
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from chalicelib import company
from chalicelib.consent import Wordings
from local import ports
from local.cloud import Cloud
from local.site import Site
from tests.browser.conftest import chromium, eventually
from tests.quality.conftest import NPM

pytestmark = [pytest.mark.soak, pytest.mark.edge]
GOOD = 0.95
TRIES = 3  # for the performance alone: a busy machine measures too little now and then
DEMO = (
    *("/", "/beratung", "/danke", "/impressum", "/datenschutz", "/artikel/gold-aufbewahren"),
    *("/en", "/en/advice", "/en/thanks", "/en/imprint", "/en/privacy"),
)
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
Scores = dict[str, dict[str, float]]


@pytest.fixture
def lighthouse(tools: Path, tmp_path: Path) -> Path:
    """Return a folder in which Lighthouse can be run."""
    shutil.copy(NPM / "pages.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(tools)
    return tmp_path


def judge(
    folder: Path, urls: Sequence[str], categories: Sequence[str] = CATEGORIES
) -> tuple[Scores, str]:
    """Return the scores of pages by category, and why points are missing."""
    done = subprocess.run(
        ["node", "pages.mjs", ",".join(categories), *urls],
        cwd=folder,
        env={**os.environ, "CHROME_PATH": chromium()},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    scores: Scores = json.loads(done.stdout)
    return scores, done.stderr


def send(url: str, **form: str) -> None:
    body = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(url, body, timeout=30) as answer:
        assert answer.status == 200


def link(cloud: Cloud, address: str, path: str) -> str:
    """Return the link to a page of ours from a mail to an address."""

    def look() -> Any:
        texts = (each["text"] for each in cloud.messages() if address in each["to"])
        found = (re.search(rf"{re.escape(cloud.api)}{path}\?token=\S+", text) for text in texts)
        return next(filter(None, found), None)

    return str(eventually(look, 30)[0])


def hosted(cloud: Cloud) -> Iterator[str]:
    """Yield the addresses of our own pages, as a subscriber and a caller have them."""
    address, language = "lighthouse@example.com", company.current().language
    declared = {
        kind: Wordings(kind).current(language).version for kind in ("newsletter", "callback")
    }
    asked = {"email": address, "language": language}
    send(f"{cloud.api}/newsletter/signups", **asked, consent=declared["newsletter"])
    confirm = link(cloud, address, "/newsletter/confirm")
    yield confirm
    yield confirm.replace("/confirm?", "/refuse?")
    send(confirm.partition("?")[0], token=confirm.partition("token=")[2].partition("&")[0])
    yield link(cloud, address, "/newsletter/preferences")
    yield link(cloud, address, "/newsletter/unsubscribe")
    yield f"{cloud.api}/newsletter/access"
    asked |= {"name": "Erika", "phone": "0711 2999999", "consent": declared["callback"]}
    send(f"{cloud.api}/callbacks", **asked)
    yield link(cloud, address, "/callbacks/change")


def faults(scores: Scores, no_index: Sequence[str]) -> list[str]:
    """Return what has too few points. A page that is not to be indexed is not judged as one."""
    return [
        f"{url}: {category} {score:.2f}"
        for url, each in scores.items()
        for category, score in each.items()
        if score < GOOD and not (category == "seo" and url in no_index)
    ]


def test_every_page_is_good(lighthouse: Path, cloud: Cloud) -> None:
    ours = list(hosted(cloud))
    scores, why = judge(lighthouse, [*(cloud.site + path for path in DEMO), *ours])
    for _ in range(TRIES - 1):
        slow = [url for url, each in scores.items() if each["performance"] < GOOD]
        if not slow:
            break
        for url, each in judge(lighthouse, slow, ["performance"])[0].items():
            scores[url]["performance"] = max(scores[url]["performance"], each["performance"])
    print()
    for url, each in scores.items():
        written = " · ".join(f"{category} {score * 100:.0f}" for category, score in each.items())
        print(f"lighthouse {url.partition('?')[0]}: {written}")
    assert faults(scores, ours) == [], why


def test_a_missing_label_is_found(lighthouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><head><title>A form</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        "<body><main><h1>A form</h1><form><input name=email></form></main></body></html>"
    )
    site = Site(ports.listen(0, "site"), folder, {})
    site.start()
    try:
        scores, why = judge(lighthouse, [f"{site.url}/"], ["accessibility"])
    finally:
        site.stop()
    assert scores[f"{site.url}/"]["accessibility"] < GOOD
    assert "Form elements do not have associated labels" in why
