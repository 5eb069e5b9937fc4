"""A real Chromium, and visitors whose pages must cause no errors and no foreign requests."""

import itertools
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from chalicelib.articles import browsers
from local.cloud import Cloud
from tests.browser import pictures

expect.set_options(timeout=20_000)  # a busy machine may take so long
FAILED = pytest.StashKey[bool]()
WIDTHS = (
    pytest.param(360, id="360px"),
    pytest.param(1400, id="1400px", marks=pytest.mark.soak),
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The snippet does not count automated browsers; these tests play people.
    "--disable-blink-features=AutomationControlled",
]
# Finds what is too small for a thumb. Apple demands 44 points, and so does WCAG 2.5.5.
NARROW = """() => {
  const small = each => {
    const box = each.getBoundingClientRect()
    return box.height && !each.matches(".skip") && (box.height < 43.9 || box.width < 43.9)
  }
  const pressed = [...document.querySelectorAll("a, button, input, select, summary")]
  return pressed.filter(small).map(each => each.outerHTML.slice(0, 80))
}"""
_numbers = itertools.count(1)
_SYSTEMS = ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")


@dataclass
class Visitor:
    """Somebody at a browser of their own, so that the articles count each visitor once."""

    cloud: Cloud
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)
    provider: str = ""  # host and port of the sign-in page, whose errors are not ours
    refusals_expected: bool = False  # Chromium writes each refused request to the console
    reading: set[Request] = field(default_factory=set)  # requests whose answers have not come yet

    def go(self, path: str) -> Page:
        """Open a page of the demo website, and wait until its snippet has read everything."""
        self.page.bring_to_front()  # a tab in the background draws only once a second
        self.page.goto(self.cloud.site + path)  # the snippet asks for all it needs before `load`
        until = time.monotonic() + 15
        while self.reading:
            assert time.monotonic() < until, [each.url for each in self.reading]
            self.page.wait_for_timeout(10)
        self.page.wait_for_timeout(50)  # the snippet shows what it has read
        return self.page

    def mailbox(self) -> Page:
        """Open the mailbox page in a tab of its own, and wait until it is connected."""
        page = self.context.new_page()
        page.goto(self.cloud.mailbox)
        page.locator("#live[data-on]").wait_for()
        return page

    def views_sent(self) -> list[str]:
        """Return a list that collects the path of every view that is sent from now on."""
        sent: list[str] = []
        self.context.on(
            "request",
            lambda request: (
                sent.append(urlsplit(request.url).path)
                if request.method == "POST" and request.url.endswith("/views")
                else None
            ),
        )
        return sent

    def _watch(self) -> None:
        own = {
            urlsplit(url).netloc for url in (self.cloud.site, self.cloud.api, self.cloud.mailbox)
        }

        def request(url: str) -> None:
            if url.startswith("http") and urlsplit(url).netloc not in own | {self.provider}:
                self.faults.append(f"a request to others: {url}")

        def console(kind: str, text: str, url: str) -> None:
            # The snippet says what it could not load, as the browser does.
            said = ("Failed to load resource", "Access to fetch", "Access to script", "contact: Ty")
            refused = any(each in text for each in said)
            if urlsplit(url).netloc == self.provider or (refused and self.refusals_expected):
                return
            if kind in ("error", "warning"):
                self.faults.append(f"console {kind}: {text} {url}")

        self.context.on("request", lambda each: request(each.url))
        self.context.on("request", self._asked)
        self.context.on("requestfinished", lambda each: self.reading.discard(each))
        self.context.on("requestfailed", lambda each: self.reading.discard(each))
        self.context.on("console", lambda each: console(each.type, each.text, each.location["url"]))
        self.context.on("weberror", lambda each: self.faults.append(f"uncaught: {each.error}"))

    def _asked(self, request: Request) -> None:
        if request.resource_type == "fetch" and request.method == "GET":
            self.reading.add(request)


Visit = Callable[..., Visitor]
Staff = Callable[..., Visitor]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


CHROMIUM = ("chromium", "google-chrome")
# The same engine without a window system: where it is installed, a new page costs a third.
SHELL = "chromium-headless-shell"


def chromium(*preferred: str) -> str:
    """Return the path of Chromium. Fails with the way to install it where there is none."""
    for name in (*preferred, *CHROMIUM):
        if path := shutil.which(name):
            return path
    pytest.fail("the browser tests need Chromium: apt-get install chromium", pytrace=False)


def launch(playwright: Playwright, path: str, **options: Any) -> Browser:
    """Start a headless Chromium under Playwright's control."""
    return playwright.chromium.launch(executable_path=path, args=ARGUMENTS, **options)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    started = launch(playwright, chromium(SHELL))
    yield started
    started.close()


def _agents() -> Iterator[str]:
    """Yield browsers' user agents; of twelve in a row each is a visitor of its own.

    It names a person's browser, since a headless one is not counted.
    """
    versions = itertools.count(1)
    for system, digit in itertools.cycle(itertools.product(_SYSTEMS, range(browsers.DIGITS))):
        made = (
            f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/140.0.{version}.0 Safari/537.36"
            for version in versions
        )
        yield next(agent for agent in made if browsers.kind(agent).endswith(str(digit)))


_AGENTS = _agents()


def visitor(browser: Browser, cloud: Cloud, width: int = 1400, **options: Any) -> Visitor:
    """Return a new visitor. `options` are the browser context's."""
    options = {
        "viewport": {"width": width, "height": 900},
        "user_agent": next(_AGENTS),
        "locale": "de-DE",
        **options,
    }
    context = browser.new_context(**options)
    context.set_default_timeout(30_000)  # as long as a busy machine may take
    arrived = Visitor(cloud, context, context.new_page())
    arrived._watch()
    return arrived


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note whether a test failed, for the fixtures that end after it."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def visit(browser: Browser, cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Make visitors. Afterwards fail if a page had an error, a warning or a request to others.

    A failure leaves a picture of each visitor's page.
    """
    made: list[Visitor] = []

    def make(width: int = 1400, **options: Any) -> Visitor:
        made.append(visitor(browser, cloud, width, **options))
        return made[-1]

    yield make
    for each in made:
        each.page.wait_for_timeout(20)  # what the page has told until now has arrived then
    faults = [fault for each in made for fault in each.faults]
    name = re.sub(r"[^\w-]+", "_", request.node.name).strip("_")
    for number, each in enumerate(made):
        if pictures.wanted or faults or request.node.stash.get(FAILED, False):
            file = pictures.SCREENSHOTS / f"{name}{f'_{number}' if number else ''}.png"
            each.page.screenshot(path=file, full_page=True)
        each.context.close()
    assert faults == []


@pytest.fixture
def staff(visit: Visit, cloud: Cloud) -> Staff:
    """Make visitors who may go to the sign-in page."""

    def make(width: int = 1400, **options: Any) -> Visitor:
        made = visit(width, **options)
        made.provider = urlsplit(cloud.aws).netloc
        return made

    return make


@pytest.fixture
def address() -> str:
    """Return a mail address that nobody has used, since limits count by address."""
    return f"erika.{next(_numbers)}@example.com"


@pytest.fixture
def phone() -> str:
    """Return a valid telephone number that nobody has used."""
    return f"0711 {2_000_000 + next(_numbers)}"


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    """Return a telephone's width; in `make soak` a screen's, too.

    Tests that take no width have a screen's.
    """
    return int(request.param)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two computed colours, 1 to 21 (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        channels = [int(each) / 255 for each in re.findall(r"\d+", colour)[:3]]
        linear = [
            each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4
            for each in channels
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def eventually(look: Callable[[], Any], seconds: float = 30) -> Any:
    """Call `look` until it finds something, for events outside the browser."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return found
