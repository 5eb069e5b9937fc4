"""The snippet counts each page that a person sees once, and no page that nobody sees."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit

FIRST, SECOND = "barren-oder-muenzen", "gold-aufbewahren"
GO_ON = """([path, slug]) => {
  history.pushState({}, '', path);
  document.querySelector('script[src$="/embed.js"]').dataset.article = slug;
}"""

HIDDEN = """
let hidden = true;
Object.defineProperty(Document.prototype, 'hidden', { get: () => hidden });
document.addEventListener('shown', () => {
  hidden = false;
  document.dispatchEvent(new Event('visibilitychange'));
});
"""


def path(slug: str) -> str:
    return f"/articles/{slug}/views"


def settle(page: Page) -> None:
    """Wait longer than the snippet waits for a site to set its new title."""
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 400))")


def test_one_on_load(visit: Visit) -> None:
    reader = visit()
    sent = reader.views_sent()
    settle(reader.go(f"/artikel/{FIRST}"))
    assert sent == [path(FIRST)]


def test_none_where_there_is_no_article(visit: Visit) -> None:
    reader = visit()
    sent = reader.views_sent()
    reader.go("/")
    settle(reader.go("/beratung"))
    assert sent == []


def test_one_for_each_push_state_to_another_page(visit: Visit) -> None:
    reader = visit()
    sent = reader.views_sent()
    page = reader.go(f"/artikel/{FIRST}")
    with page.expect_request(f"**{path(SECOND)}"):
        page.evaluate(GO_ON, [f"/artikel/{SECOND}", SECOND])
    page.evaluate("history.pushState({}, '', '#unten')")
    page.evaluate("history.replaceState({}, '', '?seite=2')")
    settle(page)
    assert sent == [path(FIRST), path(SECOND)]
    with page.expect_request(f"**{path(FIRST)}"):
        page.evaluate(GO_ON, [f"/artikel/{FIRST}", FIRST])
    assert sent == [path(FIRST), path(SECOND), path(FIRST)]


def test_a_hidden_tab_waits_until_it_is_seen(visit: Visit) -> None:
    reader = visit()
    sent = reader.views_sent()
    reader.page.add_init_script(HIDDEN)
    page = reader.go(f"/artikel/{FIRST}")
    settle(page)
    assert sent == []
    with page.expect_request(f"**{path(FIRST)}"):
        page.evaluate("document.dispatchEvent(new Event('shown'))")
    page.evaluate("document.dispatchEvent(new Event('shown'))")
    settle(page)
    assert sent == [path(FIRST)]


@pytest.mark.parametrize(
    "wish",
    [
        "Object.defineProperty(navigator, 'globalPrivacyControl', { get: () => true })",
        "Object.defineProperty(navigator, 'webdriver', { get: () => true })",
        "document.addEventListener('readystatechange', () =>"
        " document.querySelector('script[src$=\"/embed.js\"]').dataset.optout = '')",
    ],
    ids=["global-privacy-control", "webdriver", "data-optout"],
)
def test_who_opts_out_is_not_counted(visit: Visit, wish: str) -> None:
    reader = visit()
    sent = reader.views_sent()
    reader.page.add_init_script(wish)
    page = reader.go(f"/artikel/{FIRST}")
    # The count is shown, since reading it counts nobody.
    expect(page.locator("[data-contact=views]")).to_have_text(re.compile(r"\d"))
    settle(page)
    assert sent == []
