"""The demo website's pages on a telephone and a screen, in both languages, checked by axe."""

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from local.cloud import ROOT, Cloud
from local.site import Pages
from tests.browser.conftest import Visit
from tests.scale import some

COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PATHS = Pages(ROOT / "demo" / "site", {"api": "", "site": ""}).paths()


@pytest.mark.parametrize(
    "width", [390, pytest.param(1400, marks=pytest.mark.soak)], ids=["390px", "1400px"]
)
@pytest.mark.parametrize("path", some(PATHS, PATHS[::3]))
def test_a_page_fits_and_axe_has_nothing_to_say(visit: Visit, path: str, width: int) -> None:
    page = visit(width).go(path)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for scheme in COLOURS:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.response["violations"] == [], found.generate_report()


def test_to_the_other_language_and_back(visit: Visit) -> None:
    page = visit().go("/datenschutz")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Privacy")
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Datenschutz")


def test_an_english_newsletter(visit: Visit, address: str) -> None:
    form = visit().go("/en").locator("form[data-contact=newsletter]")
    form.get_by_label("E-mail address").fill(address)
    form.get_by_role("button", name="Subscribe to the newsletter").click()
    expect(form.get_by_role("status")).to_contain_text("Thank you")


def test_an_english_callback(visit: Visit, phone: str) -> None:
    form = visit(390).go("/en/advice").locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Erika Beispiel")
    form.get_by_label("Phone").fill(phone)
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name="Request a callback").click()
    expect(form.get_by_role("status")).to_contain_text("Thank you")


def test_an_english_form_without_javascript(visit: Visit, cloud: Cloud, address: str) -> None:
    page = visit(java_script_enabled=False).go("/en")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_role("button", name="Subscribe to the newsletter").click()
    page.wait_for_url(f"{cloud.site}/en/thanks")
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
