"""The snippet in somebody else's page: it is small, needs nothing and leaves nothing behind."""

import urllib.request

from local.cloud import Cloud
from tests.browser.conftest import Visit

GLOBALS = "() => Object.getOwnPropertyNames(window).filter((name) => !/^\\d+$/.test(name)).sort()"


def test_it_is_small(cloud: Cloud) -> None:
    with urllib.request.urlopen(f"{cloud.api}/embed.js", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/javascript")
        assert len(answer.read()) <= 6 * 1024


def test_it_adds_no_globals_and_stores_nothing(visit: Visit) -> None:
    without = visit()
    without.refusals_expected = True
    without.context.route("**/embed.js", lambda route: route.abort())
    bare = without.go("/artikel/gold-aufbewahren").evaluate(GLOBALS)
    reader = visit()
    page = reader.go("/artikel/gold-aufbewahren")
    assert page.evaluate(GLOBALS) == bare
    assert page.evaluate("Object.getOwnPropertyNames(history)") == []
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [
        0,
        0,
        "",
    ]
    assert reader.context.cookies() == []


def test_what_others_write_is_text(visit: Visit) -> None:
    reader = visit()
    title = "<img src=x onerror=document.body.remove()>"
    reader.context.route(
        "**/articles/popular?*",
        lambda route: route.fulfill(
            json={
                "window": "7d",
                "as_of": "",
                "articles": [{"slug": "a", "title": title, "views": 1}],
            },
            headers={"Access-Control-Allow-Origin": "*"},
        ),
    )
    page = reader.go("/")
    assert page.locator("[data-contact=popular]").inner_text().strip() == title


def test_an_english_page_speaks_english(visit: Visit, cloud: Cloud) -> None:
    reader = visit()
    reader.refusals_expected = True
    english = "() => { document.documentElement.lang = 'en-GB' }"
    reader.page.add_init_script(f"document.addEventListener('readystatechange', {english})")
    page = reader.go("/")
    wanted = reader.context.request.get(f"{cloud.api}/newsletter/consent?language=en").json()
    form = page.locator("form[data-contact=newsletter]")
    assert form.locator("[data-contact=consent]").inner_text() == wanted["text"]
    assert form.locator("[name=consent]").input_value() == wanted["version"]
