"""Every mail and page can be made, in every language, and says what each of them has to say."""

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from html import unescape
from itertools import islice
from pathlib import Path
from typing import get_args

import pytest

from chalicelib import company, templates
from chalicelib.callbacks.model import Event
from local import ports
from local.preview import looks, scene
from local.preview.server import Preview
from tests.quality.conftest import Collection

pytestmark = pytest.mark.soak  # each specimen is rendered

FOLDER = Path(templates.__file__).parent / "web" / "templates"
HREF = re.compile(r'href="(https?://[^"]+)"')
URL = re.compile(r"https?://\S+")


def test_every_specimen_can_be_made(collection: Collection) -> None:
    assert collection.faults == {}


def test_every_template_has_a_specimen(collection: Collection) -> None:
    files = {each.relative_to(FOLDER).as_posix() for each in FOLDER.rglob("*") if each.is_file()}
    assert files - collection.templates == set()


def test_each_language_of_the_company_has_the_same_specimens(collection: Collection) -> None:
    languages = company.current().languages
    names = [
        {path.removesuffix(f".{each}") for path in collection.pages if path.endswith(f".{each}")}
        for each in languages
    ]
    assert all(each == names[0] for each in names)
    assert len(names[0]) > 100


def test_a_mail_has_the_same_links_as_text_and_as_html(collection: Collection) -> None:
    wrong = {}
    for path, mail in collection.mails.items():
        html, text = set(map(unescape, HREF.findall(mail.html))), set(URL.findall(mail.text))
        if html != text or not html:
            wrong[path] = (html - text, text - html)
    assert wrong == {}


def test_each_mail_and_page_leads_to_imprint_and_privacy(collection: Collection) -> None:
    wrong = []
    with scene.stage():
        for path, each in collection.shown.items():
            language = path.rpartition(".")[2]
            links = [company.current().link(name, language) for name in ("imprint", "privacy")]
            parts = filter(None, (each.html, each.text))  # an alert has no HTML, a page no text
            wrong += [path for link in links for part in parts if link not in unescape(part)]
    assert wrong == []


def test_each_page_says_its_language(collection: Collection) -> None:
    wrong = {
        path
        for path, each in {**collection.mails, **collection.pages}.items()
        if f'<html lang="{path.rpartition(".")[2]}">' not in each.html
    }
    assert wrong == set()


def test_the_eventful_request_has_every_event(collection: Collection) -> None:
    page = collection.shown[f"staff/request-eventful.{company.current().language}"].html
    history = page[page.rindex('class="history"') :]
    assert history.count("<li>") >= len(get_args(Event))


def test_a_look_is_in_the_copy_alone() -> None:
    html = (
        '<head><meta content="light dark"><style>:root{color-scheme:light dark}\n'
        "@media (prefers-color-scheme:dark){p{color:#fff}}</style></head>"
        '<td style="border-radius:8px;padding:7px"><a style="padding:10px">'
    )
    assert looks.in_scheme(html, "dark") == html.replace("light dark", "dark").replace(
        "(prefers-color-scheme:dark)", "all"
    )
    assert looks.in_scheme(html, "light") == html.replace("light dark", "light").replace(
        "(prefers-color-scheme:dark)", "not all"
    )
    bare = looks.without_padding(html)
    assert "a{padding:0!important}" in bare
    assert '<td style="padding:7px">' in bare


@pytest.fixture
def preview() -> Iterator[Preview]:
    with scene.stage():
        started = Preview(ports.listen(0, "preview"))
        started.start()
        yield started
        started.stop()


def get(preview: Preview, path: str) -> tuple[int, str, str]:
    """Return the status of an answer, its policy and its text."""
    try:
        answer = urllib.request.urlopen(f"{preview.url}/{path}", timeout=10)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        policy = answer.headers.get("Content-Security-Policy", "")
        return answer.status, policy, answer.read().decode()


def test_the_preview_serves_what_its_list_names(preview: Preview) -> None:
    listed = json.loads(get(preview, "list.json")[2])
    files = [file for each in listed for file in each["files"]]
    assert len(files) == len(set(files)) > 150
    language = company.current().language
    for file in (f"mail/welcome.{language}.html", f"mail/welcome.{language}.txt"):
        assert file in files
        assert get(preview, file)[0] == 200
    status, policy, html = get(preview, f"page/confirm.{language}.html?scheme=dark")
    assert (status, "@media all" in html) == (200, True)
    assert "allow-scripts" not in policy
    assert "allow-scripts" in get(preview, f"staff/figures-30.{language}.html")[1]
    assert "allow-scripts" not in get(preview, f"staff/board-due.{language}.html")[1]
    assert [get(preview, name)[0] for name in ("", "preview.css", "preview.js")] == [200] * 3


@pytest.mark.parametrize(
    "path", ["page/none.de.html", "page/confirm.xx.html", "page/confirm.txt", "a/b/c", "server.py"]
)
def test_the_preview_serves_nothing_else(preview: Preview, path: str) -> None:
    assert get(preview, path)[0] == 404


@pytest.mark.usefixtures("slow", "interruptible")
def test_the_preview_runs_until_it_is_interrupted(root: Path) -> None:
    command = [sys.executable, "-m", "local.preview", "--port", "0"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = re.search(r"http://127\.0\.0\.1:\d+", "".join(islice(process.stdout, 2)))
        assert told
        with urllib.request.urlopen(told[0], timeout=10) as answer:
            assert b"<h1>Preview</h1>" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
