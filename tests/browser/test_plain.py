"""The demo website without JavaScript.

Forms post by themselves, and the pages do not show what only JavaScript could know.
"""

import re

from playwright.sync_api import expect

from local.cloud import Cloud
from tests.browser.conftest import Visit, eventually


def test_newsletter(visit: Visit, cloud: Cloud, width: int, address: str) -> None:
    page = visit(width, java_script_enabled=False).go("/artikel/barren-oder-muenzen")
    form = page.locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.get_by_role("button").click()
    page.wait_for_url(f"{cloud.site}/danke")
    expect(page.get_by_role("heading", level=1)).to_have_text("Vielen Dank")
    mail = eventually(
        lambda: next((each for each in cloud.messages() if address in each["to"]), None)
    )
    link = re.search(rf"{re.escape(cloud.api)}/newsletter/confirm\?token=\S+", mail["text"])
    assert link
    page.goto(link[0])
    page.get_by_role("button").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        re.compile("angemeldet|bestätigt", re.I)
    )


def test_callback(visit: Visit, cloud: Cloud, width: int, phone: str) -> None:
    alerts = sum(each["kind"] == "alert" for each in cloud.messages())
    page = visit(width, java_script_enabled=False).go("/beratung")
    form = page.locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Erika Beispiel")
    form.get_by_label("Telefon").fill(phone)
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    page.wait_for_url(f"{cloud.site}/danke")
    eventually(lambda: sum(each["kind"] == "alert" for each in cloud.messages()) > alerts)


def test_what_cannot_be_accepted_is_told_on_a_page(visit: Visit) -> None:
    caller = visit(java_script_enabled=False)
    caller.refusals_expected = True
    page = caller.go("/beratung")
    form = page.locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Erika Beispiel")
    form.get_by_label("Telefon").fill("110")
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/callbacks")
    expect(page.locator("body")).to_contain_text(re.compile("nummer", re.I))


def test_the_pages_say_nothing_false(visit: Visit) -> None:
    page = visit(java_script_enabled=False).go("/artikel/barren-oder-muenzen")
    expect(page.locator(".count")).to_be_hidden()
    expect(page.get_by_text("Meistgelesen")).to_be_hidden()
    expect(page.locator("[data-contact=hotline]")).not_to_contain_text("erreichbar")
    expect(page.locator("select[name=window] option")).to_have_text(["So bald wie möglich"])
    for trap in page.locator("[name=website]").all():
        expect(trap).not_to_be_in_viewport()
