"""Newsletter, callback and article views as a person meets them.

They go across origins, on wide and narrow screens.
"""

import re
from datetime import datetime

from playwright.sync_api import expect

from chalicelib.formats import Formats
from local.cloud import Cloud
from tests.browser.conftest import Visit, eventually

ARTICLE, TITLE = "feingehalt-verstehen", "Was die Zahl 999,9 bedeutet"
SCHEDULE = {
    "version": "0",
    "id": "1",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "000000000000",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-central-1",
    "resources": [],
    "detail": {},
}


def test_newsletter(visit: Visit, width: int, address: str) -> None:
    reader = visit(width)
    mailbox = reader.mailbox()
    page = reader.go("/")
    form = page.locator("form[data-contact=newsletter]")
    form.get_by_label("E-Mail-Adresse").fill(address)
    form.get_by_role("button", name="Newsletter abonnieren").click()
    expect(form.get_by_role("status")).to_contain_text("Vielen Dank")
    expect(form.get_by_role("status")).to_be_focused()
    expect(form.get_by_role("button")).to_have_count(0)

    mailbox.bring_to_front()
    mailbox.get_by_role("link", name=address).click()
    with mailbox.expect_popup() as opened:
        mailbox.frame_locator("iframe").get_by_role("link").first.click()
    ours = opened.value
    assert ours.url.startswith(reader.cloud.api + "/newsletter/confirm?token=")
    ours.get_by_role("button").first.click()
    expect(ours.get_by_role("heading", level=1)).to_contain_text(
        re.compile("angemeldet|bestätigt", re.I)
    )
    reader.page = ours


def test_callback(visit: Visit, width: int, phone: str) -> None:
    caller = visit(width)
    mailbox = caller.mailbox()
    form = caller.go("/artikel/gold-aufbewahren").locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Erika Beispiel")
    form.get_by_label("Telefon").fill(phone)
    form.get_by_label("Worum geht es?").select_option("Verwahrung")
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name="Rückruf anfordern").click()
    thanks = form.get_by_role("status")
    expect(thanks).to_contain_text(re.compile(r"R-\w+"))
    expect(thanks).to_be_focused()
    found = re.search(r"R-\w+", thanks.inner_text())
    assert found

    mailbox.bring_to_front()
    mailbox.get_by_text("Alerts", exact=True).click()
    mailbox.locator("#list a", has_text=found[0]).click()
    detail = mailbox.locator("#detail")
    expect(detail.locator("dt", has_text="event")).to_be_visible()
    expect(detail).not_to_contain_text("Beispiel")  # alerts contain no names
    expect(mailbox.locator("#list a.mail", has_text=found[0])).to_have_count(0)
    mailbox.get_by_text("All", exact=True).click()
    if width < 700:
        mailbox.get_by_role("link", name="All messages").click()
    # The staff got the alert as a mail, too.
    expect(mailbox.locator("#list a.mail", has_text=found[0])).to_be_visible()
    caller.page = mailbox


def test_a_callback_in_the_wished_window(visit: Visit, width: int, phone: str) -> None:
    form = visit(width).go("/beratung").locator("form[data-contact=callback]")
    form.get_by_label("Name").fill("Erika Beispiel")
    form.get_by_label("Telefon").fill(phone)
    form.get_by_label("Wann dürfen wir anrufen?").select_option(index=2)
    value = form.get_by_label("Wann dürfen wir anrufen?").input_value()
    wished = Formats("de", "Europe/Berlin").window(*map(datetime.fromisoformat, value.split("/")))
    form.get_by_role("checkbox").check()
    form.get_by_role("button", name="Rückruf anfordern").click()
    expect(form.get_by_role("status")).to_contain_text(f"Wir rufen Sie {wished} an.")


def test_views_rise_and_the_article_is_among_the_most_read(
    visit: Visit, cloud: Cloud, width: int
) -> None:
    # A browser that no other test has: the article has not counted it today.
    version = 139 if width < 1000 else 140
    agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    reader = visit(width, user_agent=agent)
    before = int(
        reader.context.request.get(f"{cloud.api}/articles/{ARTICLE}/views").json()["views"]
    )
    counts = f"{cloud.api}/articles/{ARTICLE}/views"
    reader.go(f"/artikel/{ARTICLE}")
    eventually(lambda: reader.context.request.get(counts).json()["views"] == before + 1)
    page = visit(width).go(f"/artikel/{ARTICLE}")
    expect(page.locator("[data-contact=views]")).to_have_text(str(before + 1))

    assert cloud.invoke("read_feed", SCHEDULE) is True
    cloud.invoke("rank_articles", SCHEDULE)
    page = visit(width).go("/")
    expect(page.locator("[data-contact=popular] a", has_text=TITLE)).to_have_attribute(
        "href", f"/artikel/{ARTICLE}"
    )
