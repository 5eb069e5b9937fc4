"""The board and a request's page in a real Chromium: two people at work, every outcome, keys, lost lines, axe."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from local.cloud import Cloud
from tests.backend import Backend
from tests.browser.conftest import Visitor, visitor
from tests.browser.test_staff_signin import sign_in
from tests.edge.desk import ALWAYS, STAFF, Agent, ask

ARTEFACTS = Path(__file__).parent.parent / "artefacts"
WIDTHS = (360, 1400)


@pytest.fixture(scope="module")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud whose line is open around the clock, as the tests run at any hour."""
    settings = {**ALWAYS, "LIMIT_CALLBACKS_PER_CALLER": "1000", "LIMIT_CALLBACKS_PER_NUMBER": "100"}
    with Cloud(tmp_path_factory.mktemp("hotline"), trust_forwarded_for=True, extra_env=settings) as started:
        yield started


@pytest.fixture
def line(hotline: Cloud) -> Iterator[Backend]:
    """The same stage in this process, its board cleared afterwards, as each test expects an empty one."""
    with Backend(hotline, hotline.env) as ready:
        yield ready
        agent = at_the_desk(ready)
        for tab in ("due", "mine", "waiting", "overdue"):
            for card in agent.get(f"{STAFF}?state={tab}").json["callbacks"]:
                phone = store_phone(card["id"])
                agent.post(f"{STAFF}/called-in", phone=phone)


def store_phone(reference: str) -> str:
    from chalicelib.callbacks import store

    callback = store.load(reference)
    assert callback
    return callback.asked.phone


def at_the_desk(line: Backend, name: str = "Ben") -> Agent:
    made = Agent(line, name, "supervisor")
    made.headers = {"authorization": f"Bearer {line.env['STAFF_TEST_KEY']}:supervisor:{name}"}
    return made


@pytest.fixture
def staff(browser: Browser, hotline: Cloud) -> Iterator[Any]:
    """Makes people who are signed in, each at a browser of their own; their pages have to stay clean."""
    made: list[Visitor] = []

    def make(role: str = "agent", width: int = 1400, path: str = "/staff", **options: Any) -> Visitor:
        arrived = visitor(browser, hotline, width, **options)
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


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def inspect(page: Page, state: str) -> None:
    """No violation of axe's rules and nothing cut off, at both widths; a picture of each is kept."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=ARTEFACTS / f"staff_{state}_{width}px.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (state, width)
        found = Axe().run(page)
        assert found.violations_count == 0, (state, width, found.generate_report())


def test_from_the_alert_to_the_outcome(line: Backend, staff: Any) -> None:
    """The alert's link, the claim, the call, the end; on each page nothing for axe to say."""
    reference = ask(line, note="Krügerrand", email="eva@example.org", topic="selling")
    page = staff(path=f"{STAFF}/{reference}").page
    expect(page.get_by_role("button", name="Übernehmen")).to_be_visible()
    assert "07930" not in page.content()
    assert "Eva Muster" not in page.content()
    inspect(page, "open")
    press(page, "Übernehmen")
    expect(page.get_by_role("link", name="Anrufen +49 7930 2000")).to_have_attribute("href", "tel:+4979302000")
    inspect(page, "claimed")
    page.get_by_label("Notiz").fill("Ruft nach Feierabend")
    page.get_by_role("link", name="Anrufen +49 7930 2000").click()
    expect(page.get_by_text("im Gespräch").first).to_be_visible()
    expect(page.get_by_label("Notiz")).to_have_value("Ruft nach Feierabend")
    inspect(page, "calling")
    press(page, "Erreicht")
    expect(page.get_by_text("Hier ist nichts mehr zu tun.")).to_be_visible()
    expect(page.get_by_text("Ruft nach Feierabend")).to_be_visible()
    expect(page.get_by_text("Erreicht und erledigt")).to_be_visible()
    inspect(page, "done")
    shown = at_the_desk(line).get(f"{STAFF}/{reference}").json
    assert (shown["state"], [each["outcome"] for each in shown["calls"]]) == ("done", ["reached"])
