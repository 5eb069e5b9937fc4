"""The customer's page, from the mail to a cancelled, restored and moved call.

It works on wide and narrow screens, and without JavaScript.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_subscription import keep, open_mail


@pytest.mark.parametrize("width", [pytest.param(1400, marks=pytest.mark.soak), 360])
@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_cancel_take_back_and_move(
    visit: Visit, width: int, scripts: bool, address: str, phone: str
) -> None:
    customer = visit(width=width, java_script_enabled=scripts)
    customer.page.goto(f"{customer.cloud.site}/beratung.html")
    form = customer.page.locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Eva Muster")
    form.get_by_label("Telefon").fill(phone)
    form.get_by_label("E-Mail").fill(address)
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    if scripts:
        expect(form.get_by_role("status")).to_contain_text("Dank")
    else:
        customer.page.wait_for_url("**/danke")
    reader = visit(width=width)  # the mailbox needs scripts, the page it leads to does not
    mailbox = reader.context.new_page()
    page = open_mail(reader, mailbox, address, "Ihr Rückruf (", "Rückruf verlegen oder absagen")
    keep(page, f"change-{width}-{scripts}")
    reference = page.locator(".reference").inner_text()
    page.get_by_role("button", name="Rückruf absagen").click()
    expect(page.get_by_role("status")).to_have_text("Ihr Rückruf ist abgesagt.")
    keep(page, f"change-cancelled-{width}-{scripts}")
    page.reload()  # sends the button's form a second time
    expect(page.get_by_role("status")).to_have_text("Ihr Rückruf ist abgesagt.")
    page.get_by_role("button", name="Absage zurücknehmen").click()
    expect(page.get_by_role("status")).to_have_text("Ihre Änderung ist zurückgenommen.")
    expect(page.locator(".reference")).to_have_text(reference)
    page.get_by_label("Neue Zeit").select_option(index=3)
    chosen = page.get_by_label("Neue Zeit").locator("option:checked").inner_text()
    page.get_by_role("button", name="Auf diese Zeit verlegen").click()
    expect(page.get_by_role("status")).to_have_text("Ihr Rückruf ist verlegt.")
    begins, ends = (
        re.sub(r"^0(?=\d)", "", each).removesuffix(":00")
        for each in chosen.removesuffix(" Uhr")[-11:].split("–")
    )
    expect(page.locator("main")).to_contain_text(f"zwischen {begins} und {ends} Uhr an.")
    keep(page, f"change-moved-{width}-{scripts}")
    with page.expect_download() as file:
        page.get_by_role("link", name="Termin in den Kalender eintragen").click()
    assert file.value.suggested_filename == "callback.ics"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="Verschiebung zurücknehmen").click()
    expect(page.get_by_role("status")).to_have_text("Ihre Änderung ist zurückgenommen.")
    expect(page.get_by_role("button", name="Verschiebung zurücknehmen")).to_be_hidden()
