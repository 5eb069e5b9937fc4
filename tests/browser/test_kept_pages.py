"""Pages that are prerendered and shown later, and pages that are kept and shown again."""

import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from chalicelib.web import snippet
from tests.browser.conftest import ARGUMENTS, chromium, launch

pytestmark = pytest.mark.edge
START = """<!doctype html><title>start</title>
<script type="speculationrules">
{"prerender": [{"urls": ["/article"], "eagerness": "immediate"}]}
</script>
<script>fetch('/prerendered').then(() => { location.href = '/article'; })</script>"""
ARTICLE = """<!doctype html><title>article</title><b data-contact="views"></b>
<script src="/embed.js" data-article="a"></script>
<script>
document.addEventListener('prerenderingchange', () => navigator.sendBeacon('/activated'))
</script>"""
COUNT = '{"slugs": {"views": {"a": 0}}}'


class Site(ThreadingHTTPServer):
    """Site and API in one. It notes what the pages send, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.noted: queue.Queue[str] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}"
        # It is set once the prerendered page's snippet has asked for the count.
        self.read = threading.Event()


class Pages(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path == "/prerendered":
            self.server.read.wait(20)
            self.server.noted.put("left the start page")
        reads = self.path.startswith("/page?")
        if reads:
            self.server.read.set()
        kind = "application/json" if reads else "text/html; charset=utf-8"
        text = {
            "/start": START,
            "/article": ARTICLE,
        }.get(self.path, COUNT if reads else "")
        if self.path == "/embed.js":
            kind, text = "text/javascript", snippet.current().text
        self.answer(200, kind, text)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.noted.put(self.path)
        self.answer(204, "text/plain", "")

    def answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing to the console."""


@contextmanager
def serving() -> Iterator[Site]:
    with Site() as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        try:
            yield served
        finally:
            served.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as served:
        yield served


@contextmanager
def alone(site: Site, profile: Path) -> Iterator[None]:
    """Start a Chromium at the start page without Playwright, under which nothing is prerendered."""
    command = [
        chromium(),
        "--headless",
        *ARGUMENTS,
        f"--user-data-dir={profile}",
        f"{site.url}/start",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        yield
        running.terminate()


def test_a_prerendered_page_counts_once_it_is_shown(tmp_path: Path) -> None:
    # Where the machine is busy, Chromium may give a prerendered page up: then another one is asked.
    for number in range(3):
        with serving() as site, alone(site, tmp_path / str(number)):
            try:
                told = [site.noted.get(timeout=30) for _ in range(3)]
            except queue.Empty:
                continue
        assert told[0] == "left the start page"
        assert set(told[1:]) == {"/activated", "/articles/a/views"}
        return
    pytest.fail("no prerendered page was shown and counted", pytrace=False)


@pytest.fixture
def keeping(playwright: Playwright) -> Iterator[Browser]:
    """Start a Chromium that keeps pages to go back to, which Playwright switches off by default."""
    browser = launch(playwright, chromium(), ignore_default_args=["--disable-back-forward-cache"])
    yield browser
    browser.close()


def test_a_page_gone_back_to_is_not_counted_again(site: Site, keeping: Browser) -> None:
    page = keeping.new_page()
    page.goto(f"{site.url}/article")
    assert site.noted.get(timeout=30) == "/articles/a/views"
    page.evaluate(
        "addEventListener('pageshow', (event) => { document.title = `kept: ${event.persisted}` })"
    )
    page.goto(f"{site.url}/other")
    page.evaluate("history.back()")
    expect(page).to_have_title("kept: true")
    # This is posted after anything that the snippet could have sent.
    with page.expect_response("**/activated"):
        page.evaluate("setTimeout(() => fetch('/activated', { method: 'POST', body: '' }), 400)")
    assert site.noted.get(timeout=30) == "/activated"
