"""The demo website on a stage that requires a proof of work, as dev and prod do."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from local.cloud import ROOT, Cloud
from local.site import Pages
from tests.browser.conftest import Visitor, visitor
from tests.browser.test_subscription import mail_to, open_mail, sign_up

PAGES = Pages(ROOT / "demo" / "site", {"api": "", "site": ""})
pytestmark = pytest.mark.soak  # of `make test` are test_challenge.py and the host pages
FORMS = [path for path in PAGES.paths() if b"<form data-contact" in PAGES.answer(path)[2]]


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start a stage whose forms require a quick proof."""
    with Cloud(
        tmp_path_factory.mktemp("proof"), extra_env={"ALTCHA_REQUIRED": "1", "ALTCHA_COST": "1000"}
    ) as started:
        yield started


@pytest.fixture
def reader(browser: Browser, required: Cloud, width: int) -> Iterator[Visitor]:
    """Return a visitor of the demo website. Fails if its pages had an error."""
    arrived = visitor(browser, required, width)
    yield arrived
    arrived.context.close()
    assert arrived.faults == []


def posts(page: Page) -> list[Request]:
    """Return a list that collects the page's posts to the newsletter from now on."""
    seen: list[Request] = []
    page.on(
        "request",
        lambda each: (
            seen.append(each) if each.method == "POST" and "/newsletter/" in each.url else None
        ),
    )
    return seen


def test_from_the_form_to_the_end(reader: Visitor, address: str) -> None:
    posted = posts(reader.page)
    sign_up(reader, address)
    (sent,) = posted
    assert json.loads(sent.post_data or "{}")["altcha"]
    mailbox = reader.mailbox()
    page = open_mail(reader, mailbox, address, "bestätigen", "Anmeldung bestätigen")
    page.get_by_role("button", name="Anmeldung bestätigen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("bestätigt")
    page = open_mail(reader, mailbox, address, "Willkommen", "Themen und Sprache ändern")
    page.get_by_label("Angebote").uncheck()
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Gespeichert")
    page = open_mail(reader, mailbox, address, "Willkommen", "Abbestellen")
    page.get_by_role("button", name="Newsletter abbestellen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sie sind abgemeldet")


@pytest.mark.parametrize("path", FORMS)
def test_every_form_of_the_website_proves(browser: Browser, required: Cloud, path: str) -> None:
    arrived = visitor(browser, required)
    page = arrived.go(path)
    for form in page.locator("form[data-contact]").all():
        with page.expect_response(f"**/altcha?form={form.get_attribute('data-contact')}") as made:
            form.locator("input:visible").first.focus()
        assert made.value.json()["required"]
    assert page.locator("form[data-contact]").count()
    arrived.context.close()
    assert arrived.faults == []


def test_without_javascript_it_says_why_nothing_was_taken(
    browser: Browser, required: Cloud, address: str
) -> None:
    arrived = visitor(browser, required, java_script_enabled=False)
    arrived.refusals_expected = True
    form = arrived.go("/").locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.get_by_role("button", name="Newsletter abonnieren").click()
    expect(arrived.page.locator("body")).to_contain_text("JavaScript")
    arrived.context.close()
    assert [each for each in required.messages() if address in each["to"]] == []
    assert arrived.faults == []


def test_who_asks_without_a_proof_gets_no_mail(
    reader: Visitor, required: Cloud, address: str
) -> None:
    """Check that a program without a proof gets no mail, though it sends what the form sends."""
    body = {"email": address, "consent": "newsletter-de-1"}
    answer = reader.context.request.post(f"{required.api}/newsletter/signups", data=body)
    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "altcha")
    sign_up(reader, address)
    assert mail_to(required, address, "bestätigen")
    assert len([each for each in required.messages() if address in each["to"]]) == 1
