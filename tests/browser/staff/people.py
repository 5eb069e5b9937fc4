"""The presses of the staff, and the checks of their pages."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.backend import Backend
from tests.browser.pictures import ARTEFACTS, keep
from tests.edge.staff import Agent

WIDTHS = (360, 1280)


def colleague(line: Backend, name: str = "Ben") -> Agent:
    made = Agent(line, name, "supervisor")
    made.headers = {"authorization": f"Bearer {line.env['STAFF_TEST_KEY']}:supervisor:{name}"}
    return made


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def inspect(page: Page, state: str) -> None:
    """Check a page by axe's rules and for cut-off content at both widths, and keep pictures."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        keep(page, ARTEFACTS / f"staff_{state}_{width}px.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (state, width)
        found = Axe().run(page)
        assert found.violations_count == 0, (state, width, found.generate_report())


def press_surely(page: Page, name: str, yes: str) -> None:
    """Open what asks once before it happens, and press that."""
    page.locator("summary").filter(has_text=name).click()
    press(page, yes)
