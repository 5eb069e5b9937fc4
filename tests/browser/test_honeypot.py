"""A person whose password manager filled the trap for robots is told, and gets through."""

import pytest
from playwright.sync_api import expect

from local.cloud import Cloud
from tests.browser.conftest import Visit

FILL = "form => { form.elements.website.value = 'https://www.example.org' }"


def test_the_snippet_says_so_and_empties_the_field(visit: Visit, address: str) -> None:
    reader = visit()
    reader.refusals_expected = True
    form = reader.go("/").locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.evaluate(FILL)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("Dieses Feld muss leer bleiben.")
    expect(form.get_by_role("status")).to_be_focused()
    expect(form.locator(".contact-error")).to_have_count(0)
    assert form.locator("[name=website]").input_value() == ""
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


@pytest.mark.parametrize("kind", ["newsletter", "callback"])
def test_our_page_says_so_without_javascript(visit: Visit, cloud: Cloud, kind: str) -> None:
    reader = visit(java_script_enabled=False)
    reader.refusals_expected = True
    page = reader.go("/beratung" if kind == "callback" else "/")
    form = page.locator(f"form[data-contact={kind}]")
    form.evaluate(FILL)
    form.evaluate("form => { form.noValidate = true; form.querySelector('button').click() }")
    expect(page.get_by_role("heading", level=1)).to_have_text("Das hat nicht geklappt")
    expect(page.get_by_text("Dieses Feld muss leer bleiben.")).to_be_visible()
