"""A subscription from its beginning to its end, by each of its ways, as a person walks them."""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from local.cloud import Cloud
from tests.browser.conftest import Visit, Visitor
from tests.browser.test_subscription import keep, mail_to, pass_a_day


@dataclass(frozen=True)
class Words:
    """What the pages and mails say in a language."""

    language: str
    site: str  # the website's page with the form
    email: str
    subscribe: str
    confirm_subject: str
    confirm: str
    access_subject: str
    move_subject: str
    welcome_subject: str
    show: str
    topic: str
    save: str
    new_address: str
    change_address: str
    unsubscribe: str
    undo: str
    review: str
    erase: str
    erased: str


DE = Words(
    "de",
    "/",
    "E-Mail-Adresse",
    "Newsletter abonnieren",
    "Bitte bestätigen Sie Ihre Anmeldung",
    "Anmeldung bestätigen",
    "Ihr Link zu Ihren Daten",
    "Bitte bestätigen Sie Ihre neue Adresse",
    "Willkommen",
    "Meine Daten anzeigen",
    "Angebote",
    "Speichern",
    "Neue E-Mail-Adresse",
    "Adresse ändern",
    "Newsletter abbestellen",
    "Abmeldung zurücknehmen",
    "Meine Daten löschen …",
    "Alle meine Daten löschen",
    "Gelöscht",
)
EN = Words(
    "en",
    "/en/",
    "E-mail address",
    "Subscribe to the newsletter",
    "Please confirm your subscription",
    "Confirm subscription",
    "Your link to your data",
    "Please confirm your new address",
    "Welcome",
    "Show my data",
    "Offers",
    "Save",
    "New e-mail address",
    "Change the address",
    "Unsubscribe from the newsletter",
    "Undo the unsubscription",
    "Delete my data …",
    "Delete all my data",
    "Deleted",
)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("said", [DE, EN], ids=["de", "en"])
@pytest.mark.parametrize("screen", [360, 1400])
def test_a_life(
    visit: Visit, cloud: Cloud, address: str, said: Words, screen: int, script: bool
) -> None:
    reader = visit(screen, java_script_enabled=script, locale="de-DE" if said is DE else "en-GB")
    page = reader.page
    new = f"new.{address}"

    def shot(name: str) -> None:
        if script:  # the picture's check for scrolling runs a script
            keep(page, f"life_{said.language}_{screen}px_{name}")

    _sign_up(reader, address, said)
    page.goto(_link(cloud, address, said.confirm_subject, "newsletter/confirm"))
    shot("1_confirm")
    page.get_by_role("button", name=said.confirm).click()
    page.goto(_link(cloud, address, said.welcome_subject, "newsletter/unsubscribe"))
    shot("2_unsubscribe")
    page.get_by_role("button", name=said.unsubscribe).click()
    shot("3_unsubscribed")
    page.get_by_role("button", name=said.undo).click()
    shot("4_resumed")

    pass_a_day(cloud)
    _open_data(reader, cloud, address, said)
    assert address not in page.content()
    shot("5_me_open")
    page.get_by_role("button", name=said.show).click()
    shot("6_me")
    page.get_by_label(said.topic).uncheck()
    page.get_by_role("button", name=said.save).click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_label(said.new_address).fill(new)
    page.get_by_role("button", name=said.change_address).click()
    expect(page.get_by_role("status")).to_be_visible()
    shot("7_me_sent")

    page.goto(_link(cloud, new, said.move_subject, "newsletter/confirm"))
    page.get_by_role("button", name=said.confirm).click()
    pass_a_day(cloud)
    _open_data(reader, cloud, new, said)
    page.get_by_role("button", name=said.show).click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_role("button", name=said.unsubscribe).click()
    shot("8_me_unsubscribed")
    page.get_by_role("button", name=said.undo).click()
    expect(page.get_by_role("button", name=said.unsubscribe)).to_be_visible()
    for box in page.get_by_role("checkbox").all():
        box.uncheck()
    page.get_by_role("button", name=said.save).click()
    page.get_by_role("button", name=said.undo).click()
    page.get_by_role("button", name=said.review).click()
    shot("9_me_erase")
    page.get_by_role("button", name=said.erase).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(said.erased)
    shot("10_erased")
    assert page.locator("html").get_attribute("lang") == said.language
    stored = str(cloud.client("dynamodb").scan(TableName=cloud.env["CONTACTS_TABLE"])["Items"])
    assert [each for each in (address, new) if each in stored] == []


def _sign_up(reader: Visitor, address: str, said: Words) -> None:
    form = reader.go(said.site).locator("form[data-contact=newsletter]")
    form.locator("input[type=email]").fill(address)
    form.get_by_role("button", name=said.subscribe).click()


def _link(cloud: Cloud, address: str, subject: str, path: str) -> str:
    """Return the link to this path in the newest mail with such a subject."""
    text = mail_to(cloud, address, subject)["text"]
    (found,) = set(re.findall(rf"{re.escape(cloud.api)}/{path}\?\S+", text))
    return str(found)


def _open_data(reader: Visitor, cloud: Cloud, address: str, said: Words) -> None:
    page: Page = reader.page
    page.goto(f"{cloud.api}/newsletter/access?language={said.language}")
    page.get_by_label(said.email).fill(address)
    page.get_by_role("button").click()
    page.goto(_link(cloud, address, said.access_subject, "me"))
