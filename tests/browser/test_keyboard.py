"""The demo website by keyboard alone."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

OUTLINE = "() => getComputedStyle(document.activeElement).outlineStyle"
NAME = "() => document.activeElement.name || document.activeElement.textContent.trim()"


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the wanted field or link has the focus. Each focus must be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate(OUTLINE) != "none", page.evaluate(NAME)
        if page.evaluate(NAME) == wanted:
            return
    raise AssertionError(f"{wanted} cannot be reached")


def test_the_first_stop_skips_to_the_content(visit: Visit) -> None:
    page = visit().go("/artikel/barren-oder-muenzen")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Zum Inhalt")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.wait_for_url("**#inhalt")
    tab_to(page, "Was die Zahl 999,9 bedeutet")


def test_newsletter(visit: Visit, width: int, address: str) -> None:
    page = visit(width).go("/artikel/gold-aufbewahren")
    tab_to(page, "name")  # the callback form comes first
    form = page.locator("form[data-contact=newsletter]")
    form.locator("[name=email]").wait_for()
    # The other form has such a field, too, and comes first.
    for _ in range(3):
        tab_to(page, "email")
        if form.locator("[name=email]").evaluate("field => field === document.activeElement"):
            break
    page.keyboard.type(address)
    tab_to(page, "topics")
    page.keyboard.press("Space")
    expect(form.get_by_label("Produkte")).not_to_be_checked()
    tab_to(page, "Newsletter abonnieren")
    page.keyboard.press("Enter")
    expect(form.get_by_role("status")).to_be_focused()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


def test_callback(visit: Visit, width: int, phone: str) -> None:
    page = visit(width).go("/beratung")
    tab_to(page, "name")
    page.keyboard.type("Erika Beispiel")
    tab_to(page, "phone")
    page.keyboard.type(phone)
    tab_to(page, "topic")
    page.keyboard.press("ArrowDown")
    tab_to(page, "consent")
    page.keyboard.press("Space")
    tab_to(page, "Rückruf anfordern")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("Vielen Dank")
