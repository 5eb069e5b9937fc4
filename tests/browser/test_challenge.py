"""The forms' proof of work in a browser: done without being seen, on a page with a strict CSP."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from local import ports
from local.cloud import Cloud
from local.site import Site
from tests.browser.conftest import Visitor, visitor

PAGE = """<!doctype html><html lang="de"><meta charset="utf-8"><title>Rückruf</title>
<link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:;
 script-src {api}; connect-src {api}; worker-src blob:; form-action {api} {site}">
{scripts}
<form data-contact="callback" method="post" action="{api}/callbacks"
 data-success="Danke: {{reference}}">
<label>Name <input name="name"></label> <label>Telefon <input name="phone"></label>
<label><input type="checkbox" name="consent" value="callback-de-1" required> Einverstanden</label>
<button>Senden</button></form>"""
EMBED, WIDGET = (
    '<script src="{api}/embed.js" defer></script>',
    '<script src="{api}/altcha.js" defer></script>',
)


@pytest.fixture(scope="module")
def website(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a website whose pages the tests write."""
    serving = Site(ports.listen(0, "site"), tmp_path_factory.mktemp("site"), {})
    (serving.folder / "danke.html").write_text(
        '<!doctype html><title>Danke</title><link rel="icon" href="data:,">'
    )
    serving.start()
    yield serving
    serving.stop()


@pytest.fixture(scope="module")
def required(tmp_path_factory: pytest.TempPathFactory, website: Site) -> Iterator[Cloud]:
    """Start a stage for this website, whose forms require a proof."""
    env = {
        "ALTCHA_REQUIRED": "1",
        "ALTCHA_COST": "1000",
        "SITE_ORIGINS": website.url,
        "ARTICLES_FEED": "",
        "THANK_YOU_PAGES": f"{website.url}/danke",
    }
    with Cloud(tmp_path_factory.mktemp("required"), extra_env=env) as started:
        started.site = website.url
        yield started


@pytest.fixture
def guest(browser: Browser, required: Cloud) -> Iterator[Visitor]:
    """Return a visitor of the page with the form. Fails if the page had an error."""
    arrived = visitor(browser, required)
    yield arrived
    arrived.context.close()
    assert arrived.faults == []


def open_form(guest: Visitor, website: Site, *scripts: str) -> Page:
    """Open the website's page with the form and these scripts."""
    at = {"api": guest.cloud.api, "site": website.url}
    (website.folder / "form.html").write_text(
        PAGE.format(scripts="".join(scripts).format(**at), **at)
    )
    guest.page.goto(f"{website.url}/form")
    return guest.page


def fill(page: Page, phone: str) -> None:
    page.get_by_label("Name").fill("Erika Beispiel")
    page.get_by_label("Telefon").fill(phone)
    page.get_by_role("checkbox").check()


def requests(page: Page, path: str) -> list[Request]:
    """Return a list that collects the requests for a path of the API from now on."""
    seen: list[Request] = []
    page.on("request", lambda request: seen.append(request) if path in request.url else None)
    return seen


def proven(page: Page) -> None:
    """Wait until the proof is done in the background."""
    expect(page.locator("altcha-widget [data-state]").first).to_have_attribute(
        "data-state", "verified"
    )


@pytest.mark.parametrize(
    "order", [(EMBED, WIDGET), (WIDGET, EMBED)], ids=["embed first", "widget first"]
)
def test_a_form_brings_its_proof(
    guest: Visitor, website: Site, phone: str, order: tuple[str, str]
) -> None:
    page = open_form(guest, website, *order)
    asked, posted = requests(page, "/altcha?form=callback"), requests(page, "/callbacks")
    expect(page.locator("altcha-widget")).to_be_hidden()
    assert asked == []  # a page that is only read makes no proof
    fill(page, phone)
    proven(page)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    (sent,) = [each for each in posted if each.method == "POST"]
    response = sent.response()
    assert response
    assert response.status == 202
    assert json.loads(sent.post_data or "{}")["altcha"]
    assert len(asked) == 1


def test_whoever_is_quicker_than_the_proof_waits_for_it(
    guest: Visitor, website: Site, phone: str
) -> None:
    held: list[Route] = []
    # Playwright sets an attribute of its handlers, which `held.append` would not take.
    guest.context.route("**/altcha?**", lambda route: held.append(route))
    page = open_form(guest, website, EMBED, WIDGET)
    posted = requests(page, "/callbacks")
    fill(page, phone)
    page.evaluate(
        "() => { const press = document.querySelector('button'); press.click(); press.click(); }"
    )
    expect(page.locator("form")).to_have_attribute("data-state", "sending")
    assert posted == []
    held[0].continue_()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    assert [each.method for each in posted].count("POST") == 1


def test_a_corrected_form_brings_a_fresh_proof(guest: Visitor, website: Site, phone: str) -> None:
    guest.refusals_expected = True
    page = open_form(guest, website, EMBED, WIDGET)
    posted = requests(page, "/callbacks")
    fill(page, "0711 12")
    page.get_by_role("button").click()
    expect(page.locator(".contact-error")).to_contain_text(
        "Bitte eine gültige Telefonnummer angeben"
    )
    page.get_by_label("Telefon").fill(phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    first, second = [
        json.loads(each.post_data or "{}")["altcha"] for each in posted if each.method == "POST"
    ]
    assert first != second


@pytest.mark.parametrize("state", ["expired", "error", "unverified"])
def test_a_proof_that_was_lost_is_made_anew(
    guest: Visitor, website: Site, phone: str, state: str
) -> None:
    page = open_form(guest, website, EMBED, WIDGET)
    asked = requests(page, "/altcha?form=callback")
    fill(page, phone)
    proven(page)
    page.evaluate("state => document.querySelector('altcha-widget').setState(state)", state)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    assert len(asked) == 2


def test_a_form_without_the_snippet_posts_by_itself(
    guest: Visitor, website: Site, phone: str
) -> None:
    page = open_form(guest, website, WIDGET)
    fill(page, phone)
    page.get_by_role("button").click()
    page.wait_for_url("**/danke")


@pytest.mark.parametrize("sabotage", ["no widget", "no challenge", "no https"])
def test_without_a_proof_the_form_says_so(
    guest: Visitor, website: Site, phone: str, sabotage: str
) -> None:
    guest.refusals_expected = True
    if sabotage == "no challenge":
        guest.context.route("**/altcha?**", lambda route: route.abort())
    if sabotage == "no https":
        guest.context.add_init_script(
            "Object.defineProperty(window, 'isSecureContext', { value: false })"
        )
    page = open_form(guest, website, EMBED, *([] if sabotage == "no widget" else [WIDGET]))
    fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("form")).to_have_attribute("data-state", "error")
    expect(page.locator("output")).to_have_text("Bitte prüfen Sie Ihre Angaben.")
    if sabotage != "no widget":
        expect(page.locator(".contact-error")).to_contain_text(
            "Die Sicherheitsprüfung fehlt oder ist abgelaufen."
        )
    # The widget writes its reason to the console.
    guest.faults[:] = [each for each in guest.faults if "ALTCHA" not in each]


@pytest.mark.soak
def test_how_long_a_proof_takes(guest: Visitor, website: Site) -> None:
    """Measure how long a proof takes, by which the cost is set."""
    page = open_form(guest, website, WIDGET)
    times = page.evaluate("""async () => {
        const widget = document.querySelector('altcha-widget'), times = [];
        for (let each = 0; each < 15; each++) {
            const began = performance.now();
            await widget.verify();
            times.push(performance.now() - began);
        }
        return times.sort((a, b) => a - b);
    }""")
    print(f"\n1000 steps at most: median {times[7]:.0f} ms, longest {times[-1]:.0f} ms")
    assert times[7] < 5000
