"""A subscription from its confirmation to its end, on our pages, on wide and narrow screens."""

import json
import re
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local.cloud import Cloud
from tests.browser import pictures
from tests.browser.conftest import Visit, Visitor, contrast


def sign_up(reader: Visitor, address: str) -> None:
    form = reader.go("/").locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.get_by_role("button", name="Newsletter abonnieren").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")


def mail_to(cloud: Cloud, address: str, subject: str) -> Any:
    """Wait for a mail to an address with such a subject, and return the newest."""
    pause = threading.Event()
    for _ in range(200):
        found = [
            each
            for each in cloud.messages()
            if address in each["to"] and subject in each["subject"]
        ]
        if found:
            return found[0]
        pause.wait(0.05)
    raise AssertionError(f"no mail {subject!r}")


def open_mail(reader: Visitor, mailbox: Page, address: str, subject: str, link: str) -> Page:
    """Open a link of the newest mail with this subject. The mail is shown in the tab `mailbox`."""
    mailbox.goto(
        f"{reader.cloud.mailbox}/messages/{mail_to(reader.cloud, address, subject)['id']}/html"
    )
    with mailbox.expect_popup() as opened:
        mailbox.get_by_role("link", name=link).click()
    page = opened.value
    page.wait_for_load_state()
    reader.page = page
    return page


def keep(page: Page, name: str) -> None:
    pictures.keep(page, pictures.SCREENSHOTS / f"{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"


def pass_a_day(cloud: Cloud) -> None:
    """Forget the mails to all mailboxes, as if a day had passed for the limit on mails."""
    client = cloud.client("dynamodb")
    for item in client.scan(TableName=cloud.env["CONTACTS_TABLE"])["Items"]:
        if item["pk"]["S"].startswith("MAILBOX#"):
            client.delete_item(
                TableName=cloud.env["CONTACTS_TABLE"],
                Key={name: item[name] for name in ("pk", "sk")},
            )


def test_from_the_confirmation_to_the_end(
    visit: Visit, cloud: Cloud, width: int, address: str
) -> None:
    reader = visit(width)
    mailbox = reader.mailbox()
    sign_up(reader, address)
    page = open_mail(reader, mailbox, address, "bestätigen", "Anmeldung bestätigen")
    keep(page, f"page_confirm_{width}px")
    expect(page.get_by_role("button")).to_have_count(1)
    page.get_by_role("button", name="Anmeldung bestätigen").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("bestätigt")

    page = open_mail(reader, mailbox, address, "Willkommen", "Themen und Sprache ändern")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(3)
    page.get_by_label("Angebote").uncheck()
    page.get_by_label("English").check()
    keep(page, f"page_preferences_{width}px")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved")

    # The page speaks the language of the mail that led there.
    page = open_mail(reader, mailbox, address, "Willkommen", "Themen und Sprache ändern")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ihre Einstellungen")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    expect(page.get_by_label("English")).to_be_checked()
    pass_a_day(cloud)
    page.get_by_role("button", name="Link zu meinen Daten senden").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Postfach")

    page = open_mail(reader, mailbox, address, "Your link to your data", "To my data")
    keep(page, f"page_me_open_{width}px")
    assert address not in page.content()
    page.get_by_role("button", name="Show my data").click()
    expect(page.get_by_text(address).first).to_be_visible()
    keep(page, f"page_me_{width}px")
    page.get_by_role("button", name="Delete my data …").click()
    keep(page, f"page_me_erase_{width}px")
    page.get_by_role("button", name="Delete all my data").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Deleted")


def test_leaving_by_a_mails_link(visit: Visit, width: int, address: str) -> None:
    reader = visit(width)
    mailbox = reader.mailbox()
    sign_up(reader, address)
    page = open_mail(reader, mailbox, address, "bestätigen", "Anmeldung bestätigen")
    page.get_by_role("button").click()
    page = open_mail(reader, mailbox, address, "Willkommen", "Abbestellen")
    keep(page, f"page_unsubscribe_{width}px")
    page.get_by_role("button", name="Newsletter abbestellen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sie sind abgemeldet")
    keep(page, f"page_unsubscribed_{width}px")
    page.get_by_role("button", name="Abmeldung zurücknehmen").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ihr Abonnement läuft weiter")


def test_not_me(visit: Visit, width: int, address: str) -> None:
    reader = visit(width, java_script_enabled=False)
    form = reader.go("/").locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.get_by_role("button", name="Newsletter abonnieren").click()
    expect(reader.page.get_by_role("heading", level=1)).to_have_text("Vielen Dank")
    owner = visit(width)
    page = open_mail(
        owner, owner.mailbox(), address, "bestätigen", "Keine Bestätigungsmails mehr senden"
    )
    keep(page, f"page_refuse_{width}px")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Danke für den Hinweis")
    keep(page, f"page_refused_{width}px")
    page.get_by_role("button", name="Zurücknehmen").click()
    expect(page.get_by_role("button", name="Anmeldung bestätigen")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mails_are_readable_at_320_pixels(
    visit: Visit, cloud: Cloud, address: str, scheme: str
) -> None:
    reader = visit(320, color_scheme=scheme)
    mailbox = reader.mailbox()
    sign_up(reader, address)
    page = open_mail(reader, mailbox, address, "bestätigen", "Anmeldung bestätigen")
    page.get_by_role("button").click()
    for subject in ("bestätigen", "Willkommen"):
        page.goto(f"{cloud.mailbox}/messages/{mail_to(cloud, address, subject)['id']}/html")
        keep(page, f"mail_{subject}_{scheme}")
        ink, paper = page.locator(".card").evaluate(
            "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
        )
        assert contrast(ink, paper) >= 7


def test_the_proof_prints_on_two_sheets(
    visit: Visit, cloud: Cloud, address: str, tmp_path: Path
) -> None:
    reader = visit(1400)
    mailbox = reader.mailbox()
    sign_up(reader, address)
    open_mail(reader, mailbox, address, "bestätigen", "Anmeldung bestätigen").get_by_role(
        "button"
    ).click()
    (found,) = _searched(cloud, address)
    page = reader.context.new_page()
    page.set_extra_http_headers({"authorization": f"Bearer {cloud.env['STAFF_TEST_KEY']}"})
    page.goto(f"{cloud.api}/staff/subscribers/{found['id']}/proof")
    expect(page.get_by_text("Vollständig und unverändert")).to_be_visible()
    keep(page, "page_proof_1400px")
    page.set_viewport_size({"width": 360, "height": 800})
    keep(page, "page_proof_360px")
    page.pdf(path=tmp_path / "proof.pdf", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "proof.pdf").read_bytes())) == 2
    reader.page = page


def _searched(cloud: Cloud, address: str) -> Any:
    headers = {
        "authorization": f"Bearer {cloud.env['STAFF_TEST_KEY']}",
        "content-type": "application/json",
    }
    asked = urllib.request.Request(
        f"{cloud.api}/staff/subscribers/search", json.dumps({"email": address}).encode(), headers
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.loads(answer.read())["subscribers"]
