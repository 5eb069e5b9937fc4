"""A form's messages: while it sends, for wrong fields, too many requests and a failed service."""

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from local.cloud import Cloud
from tests.browser.conftest import Visit


def newsletter(page: Page) -> Locator:
    return page.locator("form[data-contact=newsletter]")


def callback(page: Page) -> Locator:
    return page.locator("form[data-contact=callback]")


def expect_error(form: Locator, name: str) -> None:
    """Check that a field is marked, and described by a text right below it."""
    field = form.locator(f"[name={name}]").first
    expect(field).to_have_attribute("aria-invalid", "true")
    note = form.locator(f"#{field.get_attribute('aria-describedby')}")
    expect(note).to_be_visible()
    expect(note).not_to_be_empty()
    above, below = field.bounding_box(), note.bounding_box()
    assert above
    assert below
    assert below["y"] >= above["y"]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "Gewinn http://evil.tk"),
        ("phone", ""),
        ("phone", "+49 900 1234567"),
        ("email", "erika@"),
    ],
)
def test_a_callback_field_that_cannot_be_accepted(
    visit: Visit, width: int, field: str, text: str
) -> None:
    caller = visit(width)
    caller.refusals_expected = True
    form = callback(caller.go("/beratung"))
    for name, value in {"name": "Erika Beispiel", "phone": "0711 2345678", field: text}.items():
        form.locator(f"[name={name}]").fill(value)
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    expect_error(form, field)
    expect(form.locator(f"[name={field}]")).to_be_focused()
    expect(form.locator("[aria-invalid=true]")).to_have_count(1)
    expect(form.get_by_role("button")).to_be_enabled()


def test_all_errors_at_once_and_gone_once_mended(visit: Visit, phone: str) -> None:
    caller = visit()
    caller.refusals_expected = True
    form = callback(caller.go("/artikel/gold-aufbewahren"))
    form.get_by_role("button").click()
    for name in ("name", "phone", "consent"):
        expect_error(form, name)
    expect(form.locator("[name=name]")).to_be_focused()
    form.locator("[name=name]").fill("Erika Beispiel")
    form.locator("[name=phone]").fill(phone)
    form.get_by_role("checkbox").check()
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


def test_a_newsletter_address_that_cannot_be_accepted(visit: Visit, width: int) -> None:
    reader = visit(width)
    reader.refusals_expected = True
    form = newsletter(reader.go("/"))
    form.locator("[name=email]").fill("erika@")
    form.get_by_role("button").click()
    expect_error(form, "email")
    expect(form.locator("[name=email]")).to_have_value("erika@")


def test_it_cannot_be_sent_twice(visit: Visit, address: str) -> None:
    page = visit().go("/")
    held: list[Route] = []
    page.route("**/newsletter/signups", lambda route: held.append(route))
    form = newsletter(page)
    form.locator("[name=email]").fill(address)
    with page.expect_request("**/newsletter/signups"):
        form.get_by_role("button").dblclick()
    expect(form).to_have_attribute("aria-busy", "true")
    expect(form.get_by_role("button")).to_be_disabled()
    expect(form.get_by_role("status")).to_have_text("Wird gesendet …")
    form.locator("[name=email]").press("Enter")
    assert len(held) == 1
    held[0].continue_()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")
    assert len(held) == 1


def test_too_many_requests_says_when_to_try_again(visit: Visit, address: str) -> None:
    reader = visit()
    reader.refusals_expected = True
    page = reader.go("/")
    headers = {
        "Retry-After": "7200",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Retry-After",
    }
    body = json.dumps({"status": 429, "detail": "Zu viele Anfragen."})
    page.route(
        "**/newsletter/signups", lambda route: route.fulfill(status=429, headers=headers, body=body)
    )
    form = newsletter(page)
    form.locator("[name=email]").fill(address)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_have_text(
        re.compile(r"Zu viele Anfragen\. Bitte versuchen Sie es \w+ ab [\d:]+ Uhr noch einmal\.")
    )
    expect(form.get_by_role("button")).to_be_enabled()


def test_the_service_is_away(visit: Visit, cloud: Cloud, width: int, address: str) -> None:
    reader = visit(width)
    reader.refusals_expected = True
    form = newsletter(reader.go("/"))
    form.locator("[name=email]").fill(address)
    cloud.kill_handlers()
    try:
        form.get_by_role("button").click()
        expect(form.get_by_role("status")).to_contain_text("rufen Sie uns an: +49 7930 2699.")
    finally:
        cloud.start_handlers()
    expect(form.locator("[name=email]")).to_have_value(address)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


def test_no_network(visit: Visit, phone: str) -> None:
    caller = visit()
    caller.refusals_expected = True
    form = callback(caller.go("/beratung"))
    form.locator("[name=name]").fill("Erika Beispiel")
    form.locator("[name=phone]").fill(phone)
    form.get_by_role("checkbox").check()
    caller.context.set_offline(True)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("rufen Sie uns an: +49 7930 2699.")
    expect(form.locator("[name=phone]")).to_have_value(phone)
    caller.context.set_offline(False)
    form.get_by_role("button").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


def test_a_page_whose_snippet_does_not_load_is_complete(visit: Visit) -> None:
    reader = visit()
    reader.refusals_expected = True
    reader.context.route("**/embed.js", lambda route: route.abort())
    page = reader.go("/artikel/barren-oder-muenzen")
    expect(page.locator("[data-contact=hotline]")).to_contain_text("Wir rufen auch gern zurück")
    expect(newsletter(page).get_by_role("button")).to_be_enabled()
    expect(page.get_by_text("Meistgelesen")).to_be_hidden()
