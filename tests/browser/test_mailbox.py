"""The mailbox page: live, filtered, by link, by keyboard and on a narrow screen."""

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from local.cloud import Cloud
from tests.browser.conftest import Visit, Visitor, eventually


def sign_up(visitor: Visitor, address: str) -> str:
    """Sign up by the API, and return the id of the confirmation mail."""
    cloud = visitor.cloud
    form = {"email": address, "consent": "newsletter-de-1"}
    assert visitor.context.request.post(f"{cloud.api}/newsletter/signups", data=form).status == 202
    mail = eventually(
        lambda: next((each for each in cloud.messages() if address in each["to"]), None)
    )
    return str(mail["id"])


def request_callback(visitor: Visitor, phone: str) -> None:
    form = {"name": "Erika Beispiel", "phone": phone, "consent": "callback-de-1"}
    assert visitor.context.request.post(f"{visitor.cloud.api}/callbacks", data=form).status == 202


def test_newest_first_and_live(visit: Visit, address: str, width: int) -> None:
    reader = visit(width)
    page = reader.page = reader.mailbox()
    sign_up(reader, address)
    expect(page.locator("#list a").first).to_contain_text(address)
    expect(page).to_have_title("(1) Mailbox")
    sign_up(reader, f"second.{address}")
    expect(page.locator("#list a").first).to_contain_text(f"second.{address}")
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_mail_rendered_as_text_and_as_source(visit: Visit, address: str, width: int) -> None:
    reader = visit(width)
    page = reader.page = reader.mailbox()
    known = sign_up(reader, address)
    page.locator("#list a", has_text=address).click()
    assert unquote(page.url).endswith(f"#{known}")
    expect(page.locator("#detail dd", has_text=address)).to_be_visible()
    expect(page.frame_locator("iframe").get_by_role("link").first).to_be_visible()
    page.get_by_role("button", name="Text").click()
    expect(page.locator("pre a").first).to_have_attribute("href", re.compile("/newsletter/confirm"))
    page.get_by_role("button", name="Source").click()
    expect(page.locator("pre")).to_contain_text(re.compile("<a .*href=", re.S))
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_link_to_a_message(visit: Visit, cloud: Cloud, address: str, width: int) -> None:
    reader = visit(width)
    known = sign_up(reader, address)
    page = reader.page
    page.goto(f"{cloud.mailbox}/#{known}")
    expect(page.locator("#detail dd", has_text=address)).to_be_visible()
    if width < 700:
        page.get_by_role("link", name="All messages").click()
    expect(page.locator("#list a", has_text=address)).to_be_visible()


def test_mails_and_alerts_apart(visit: Visit, address: str, phone: str) -> None:
    reader = visit()
    sign_up(reader, address)
    request_callback(reader, phone)
    page = reader.page = reader.mailbox()
    expect(page.locator("#list a.alert").first).to_be_visible()
    page.get_by_label("Mails").check(force=True)
    expect(page.locator("#list a.alert")).to_have_count(0)
    expect(page.locator("#list a.mail").first).to_be_visible()
    page.get_by_label("Alerts").check(force=True)
    expect(page.locator("#list a.mail")).to_have_count(0)
    page.locator("#list a.alert").first.click()
    expect(page.locator("#detail dt", has_text="event")).to_be_visible()


def test_by_keyboard(visit: Visit, address: str) -> None:
    reader = visit()
    sign_up(reader, f"older.{address}")
    sign_up(reader, address)
    page = reader.page = reader.mailbox()
    expect(page.locator("#list a", has_text=address).first).to_be_visible()
    for wanted in (address, f"older.{address}"):
        page.keyboard.press("ArrowDown")
        expect(page.locator("#detail dd", has_text=wanted).first).to_be_visible()
        expect(page.locator("#list a[aria-current]")).to_be_focused()


def test_an_empty_mailbox_says_so(visit: Visit, cloud: Cloud, width: int) -> None:
    reader = visit(width)
    reader.context.route("**/messages", lambda route: route.fulfill(json={"messages": []}))
    reader.page.goto(cloud.mailbox)
    expect(reader.page.get_by_text("Nothing here yet")).to_be_visible()


def test_what_was_not_delivered(visit: Visit, cloud: Cloud, address: str, width: int) -> None:
    sender, text = cloud.env["MAIL_FROM"], {"Data": "Nobody reads this."}
    content = {"Simple": {"Subject": {"Data": "Lost"}, "Body": {"Text": text}}}
    client = cloud.client("sesv2")

    def send(to: str) -> None:
        client.send_email(
            FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content=content
        )

    client.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
    send(address)
    client.delete_suppressed_destination(EmailAddress=address)
    refused = address.replace("@", "@müller.")
    with pytest.raises(client.exceptions.BadRequestException):
        send(refused)
    reader = visit(width)
    page = reader.page = reader.mailbox()
    page.emulate_media(color_scheme="dark")
    why = "Refused by AWS: Domain contains illegal character (BadRequestException)"
    row = page.locator("#list a.undelivered", has_text=refused)
    expect(row).to_contain_text(why)
    row.click()
    expect(page.locator("#detail .warning")).to_have_text(why)
    expect(page.locator("#detail dd", has_text=refused)).to_be_visible()
    expect(page.locator("pre")).to_have_text("Nobody reads this.")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width < 700:
        page.get_by_role("link", name="All messages").click()
    page.locator("#list a.undelivered", has_text=address).click()
    expect(page.locator("#detail .warning")).to_have_text(
        "Not delivered: on the account's suppression list"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == width
