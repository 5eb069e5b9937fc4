"""People at work on a line that is open around the clock, in a real Chromium."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from chalicelib import instants
from chalicelib.callbacks import changes, workflow
from chalicelib.callbacks.model import Who
from chalicelib.callbacks.stores import requests
from local.cloud import Cloud
from tests.backend import Backend
from tests.browser.conftest import Visitor, visitor
from tests.browser.test_sign_in import sign_in
from tests.edge.staff import ALWAYS

# Chromium has no telephone; what it would dial is noted.
NO_TELEPHONE = """window.dialled = []
document.addEventListener("click", event => {
  const link = event.target.closest("a[href^='tel:']")
  if (!link) return
  event.preventDefault()
  window.dialled.push(link.getAttribute("href"))
})"""


@pytest.fixture(scope="package")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start a cloud whose line is open around the clock, since the tests run at any hour."""
    settings = {**ALWAYS, "LIMIT_CALLBACKS_PER_CALLER": "1000", "LIMIT_CALLBACKS_PER_NUMBER": "100"}
    with Cloud(
        tmp_path_factory.mktemp("hotline"), trust_forwarded_for=True, extra_env=settings
    ) as started:
        yield started


@pytest.fixture
def line(hotline: Cloud) -> Iterator[Backend]:
    """Enter the same stage in this process, and clear its board afterwards for the next test."""
    with Backend(hotline, hotline.env) as ready:
        yield ready
        clear = Who("test", "Test")
        now = instants.now()
        for reference in list(requests.due(now + timedelta(days=365))):
            changes.change(reference, lambda before: workflow.withdraw(before, clear, now), now)


@pytest.fixture
def staff(browser: Browser, hotline: Cloud) -> Iterator[Any]:
    """Make people who are signed in, each at a browser of their own.

    Fails if a page had an error, a warning or a request to others.
    """
    made: list[Visitor] = []

    def make(
        role: str = "agent", width: int = 1400, path: str = "/staff", **options: Any
    ) -> Visitor:
        arrived = visitor(browser, hotline, width, **options)
        # Chromium finds no telephone for a `tel:` link, and then reacts to no further press.
        arrived.context.add_init_script(NO_TELEPHONE)
        arrived.provider = urlsplit(hotline.aws).netloc
        made.append(arrived)
        sign_in(arrived.page, hotline, role, path)
        expect(arrived.page.get_by_role("heading", level=1)).to_be_visible()
        return arrived

    yield make
    faults = [fault for each in made for fault in each.faults]
    for each in made:
        each.context.close()
    assert faults == []
