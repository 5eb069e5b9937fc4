"""Host pages from another origin, on stages with a proof of work and without one."""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from chalicelib.web import snippet
from local.cloud import ROOT, Cloud
from tests.browser.conftest import eventually
from tests.browser.hosts.browsers import Driven
from tests.browser.hosts.servers import Ear, Heard, Site, filled, settle

BUNDLED = "/* minified by an optimiser */(()=>{window.bundled=1})();"


@dataclass
class Host:
    """Somebody else's website, its visitor, and what the API hears of them."""

    browser: Driven
    site: Site
    bundle: Site
    ear: Ear

    @property
    def required(self) -> bool:
        """Whether the stage requires a proof of work."""
        return self.ear.required

    def show(self, page: str, before: str = "", path: str = "/seite") -> None:
        """Open a page of the cases."""
        self.open(filled(page, self.ear.url, self.bundle.url, snippet.current().text), before, path)

    def open(
        self,
        text: str,
        before: str = "",
        path: str = "/seite",
        headers: dict[str, str] | None = None,
    ) -> None:
        """Open a page with this text; `API` stands for the API's address."""
        self.ear.forget()
        url = self.site.put(path, text.replace("{{API}}", self.ear.url), headers)
        self.browser.visit(url, before)

    def see(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.browser.evaluate(script)

    def until(self, script: str) -> None:
        """Wait until an expression in the page is true."""
        self.browser.until(script)

    def heard(self, path: str) -> Heard:
        """Return the one post to a path, once it is answered."""
        eventually(lambda: self.ear.posts(path) and self.ear.posts(path)[0].status)
        settle(0.2)
        (post,) = self.ear.posts(path)
        return post

    def no_errors(self) -> None:
        """Check that neither the page nor the snippet has complained."""
        # A browser writes each request that fails to the console by itself.
        own = re.compile("Failed to load resource|Cross-Origin Request Blocked|favicon")
        kinds = [each for each in self.browser.console if each[0] in ("error", "uncaught")]
        assert [each for each in kinds if not own.search(each[1])] == []


@pytest.fixture(scope="session")
def browsers() -> Iterator[Callable[[str], Driven]]:
    """Start a browser of each kind that is asked for, once."""
    with ExitStack() as ends:

        @cache
        def started(kind: str) -> Driven:
            return ends.enter_context(closing(Driven(kind, ROOT)))

        yield started


@pytest.fixture
def driven(request: pytest.FixtureRequest, browsers: Callable[[str], Driven]) -> Driven:
    """Return the browser of the test's parameter."""
    return browsers(request.param)


@pytest.fixture(scope="session")
def sites() -> Iterator[tuple[Site, Site]]:
    """Start a website and the origin of a bundle."""
    servers = Site(), Site()
    for each in servers:
        each.start()
    servers[1].put("/all.min.js", BUNDLED + snippet.current().text + BUNDLED)
    yield servers
    for each in servers:
        each.stop()


@pytest.fixture(scope="session")
def ears(
    sites: tuple[Site, Site], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[bool], Ear]]:
    """Start a stage with a proof of work or one without, once, and the server before it."""
    with ExitStack() as ends:

        @cache
        def started(required: bool) -> Ear:
            ear = Ear(required)
            env = {
                "ALTCHA_REQUIRED": str(int(required)),
                "ALTCHA_COST": "200",
                "BASE_URL": ear.url,
                "THANK_YOU_PAGES": "",
            }
            folder: Path = tmp_path_factory.mktemp("stage")
            cloud = ends.enter_context(Cloud(folder, origins=(sites[0].url,), extra_env=env))
            ear.api = cloud.api
            ear.start()
            ends.callback(ear.stop)
            return ear

        yield started


@pytest.fixture
def ear(request: pytest.FixtureRequest, ears: Callable[[bool], Ear]) -> Ear:
    """Return the stage of the test's parameter: whether it requires a proof of work."""
    return ears(request.param)


@pytest.fixture
def host(driven: Driven, sites: tuple[Site, Site], ear: Ear) -> Host:
    """Return a website of somebody else's in a browser."""
    sites[0].api = ear.url
    return Host(driven, *sites, ear)


def cases(pages: Iterable[str], quick: Mapping[str, Container[str]]) -> list[Any]:
    """Return a test's browsers, stages and pages: what is `quick` in a browser, else in soak."""
    return [
        pytest.param(
            kind,
            required,
            page,
            marks=[] if required and page in quick[kind] else [pytest.mark.soak],
            id=f"{page.removesuffix('.html')}-{kind}{'' if required else '-without-proof'}",
        )
        for required in (True, False)
        for kind in ("chromium", "firefox")
        for page in pages
    ]
