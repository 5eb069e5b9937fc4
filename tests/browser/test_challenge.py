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
from tests.scale import some

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
EMBED = '<script src="{api}/embed.js" defer></script>'
FORMER = '<script src="{api}/altcha.js" defer></script>'  # which pages had to load before
# Nothing of ours works but what the worker is made of.
NO_WORKERS = "window.Worker = class { constructor() { throw new Error('blocked') } }"
SILENT_WORKERS = "window.Worker = class { postMessage() {} terminate() {} }"


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


def sent(posted: list[Request]) -> list[str]:
    """Return the proofs of the posts."""
    posts = [each for each in posted if each.method == "POST"]
    return [json.loads(each.post_data or "{}").get("altcha", "") for each in posts]


@pytest.mark.parametrize(
    "scripts",
    some([(EMBED,), (FORMER, EMBED), (EMBED, FORMER)], [(EMBED,), (EMBED, FORMER)]),
    ids=["embed", "former first", "former"],
)
def test_a_form_brings_its_proof(
    guest: Visitor, website: Site, phone: str, scripts: tuple[str, ...]
) -> None:
    page = open_form(guest, website, *scripts)
    asked, posted = requests(page, "/altcha?form=callback"), requests(page, "/callbacks")
    parts = requests(page, "/embed/")
    page.wait_for_timeout(200)
    assert asked == parts == []  # a page that is only read loads no more
    with page.expect_response("**/altcha?form=callback"):
        fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    (proof,) = sent(posted)
    assert proof
    assert len(asked) == len(parts) == 1


def test_whoever_is_quicker_than_the_proof_waits_for_it(
    guest: Visitor, website: Site, phone: str
) -> None:
    held: list[Route] = []
    # Playwright sets an attribute of its handlers, which `held.append` would not take.
    guest.context.route("**/altcha?**", lambda route: held.append(route))
    page = open_form(guest, website, EMBED)
    posted = requests(page, "/callbacks")
    fill(page, phone)
    page.evaluate(
        "() => { const press = document.querySelector('button'); press.click(); press.click(); }"
    )
    expect(page.locator("form")).to_have_attribute("data-state", "sending")
    assert posted == []
    held[0].continue_()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    assert len(sent(posted)) == 1


def test_a_corrected_form_brings_a_fresh_proof(guest: Visitor, website: Site, phone: str) -> None:
    guest.refusals_expected = True
    page = open_form(guest, website, EMBED)
    posted = requests(page, "/callbacks")
    fill(page, "0711 12")
    page.get_by_role("button").click()
    expect(page.locator(".contact-error")).to_contain_text(
        "Bitte eine gültige Telefonnummer angeben"
    )
    page.get_by_label("Telefon").fill(phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    first, second = sent(posted)
    assert first != second


def test_a_proof_that_the_stage_takes_no_longer_is_made_anew(
    guest: Visitor, website: Site, phone: str
) -> None:
    guest.refusals_expected = True
    page = open_form(guest, website, EMBED)
    old: list[str] = []

    def spoil(route: Route) -> None:
        if old:
            route.continue_()
        else:  # as one that has expired
            old.append(route.request.post_data or "")
            route.continue_(post_data=json.dumps({**json.loads(old[0]), "altcha": "e30="}))

    page.route(re.compile("/callbacks$"), spoil)
    posted = requests(page, "/callbacks")
    fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    assert len(set(sent(posted))) == 2


@pytest.mark.parametrize(
    "trouble", ["no worker", "no challenge", pytest.param("silence", marks=pytest.mark.soak)]
)
def test_a_proof_that_fails_says_so_and_can_be_tried_again(
    guest: Visitor, website: Site, phone: str, trouble: str
) -> None:
    guest.refusals_expected = True
    if trouble == "no challenge":
        guest.context.route("**/altcha?**", lambda route: route.abort())
    before = {"no worker": NO_WORKERS, "silence": SILENT_WORKERS}.get(trouble, "")
    guest.context.add_init_script(f"window.ours = window.Worker; {before}")
    page = open_form(guest, website, EMBED)
    posted = requests(page, "/callbacks")
    fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("form")).to_have_attribute("data-state", "error", timeout=20_000)
    unreached = "Es kam keine Verbindung zustande. Ihre Eingaben sind noch da."
    failed = "Die Sicherheitsprüfung hat nicht funktioniert."
    why = unreached if trouble == "no challenge" else failed
    expect(page.locator("output")).to_have_text(f"{why} Bitte versuchen Sie es noch einmal.")
    expect(page.get_by_label("Telefon")).to_have_value(phone)
    assert sent(posted) == []
    if trouble == "silence":  # it goes on, and is waited for again
        return
    guest.context.unroute("**/altcha?**")
    page.evaluate("() => { window.Worker = window.ours; }")
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))


def test_a_form_whose_other_part_does_not_load_says_so_and_is_then_left_to_the_browser(
    guest: Visitor, website: Site, phone: str
) -> None:
    guest.refusals_expected = True
    guest.context.route("**/embed/*.js", lambda route: route.abort())
    page = open_form(guest, website, EMBED)
    fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_contain_text("Es kam keine Verbindung zustande.")
    expect(page.get_by_label("Telefon")).to_have_value(phone)
    page.get_by_role("button").click()
    page.wait_for_url("**/callbacks")
    expect(page.locator("body")).to_contain_text("JavaScript")
    guest.faults[:] = [each for each in guest.faults if "contact:" not in each]


def test_the_other_part_is_asked_for_again(guest: Visitor, website: Site, phone: str) -> None:
    guest.refusals_expected = True
    guest.context.route("**/embed/*.js", lambda route: route.abort())
    page = open_form(guest, website, EMBED)
    page.get_by_label("Name").focus()
    page.wait_for_timeout(200)
    guest.context.unroute("**/embed/*.js")
    fill(page, phone)
    page.get_by_role("button").click()
    expect(page.locator("output")).to_have_text(re.compile(r"Danke: R-\w{4}"))
    guest.faults[:] = [each for each in guest.faults if "contact:" not in each]


@pytest.mark.soak
def test_how_long_a_proof_takes(guest: Visitor, website: Site) -> None:
    """Measure how long a proof takes, by which the cost is set."""
    page = open_form(guest, website, EMBED)
    times = page.evaluate("""async () => {
        const api = new URL('.', document.querySelector('script[src$="/embed.js"]').src).href;
        document.querySelector('input').focus();
        await new Promise((done) => setTimeout(done, 1000));
        const [loaded] = performance.getEntriesByType('resource').filter(
            (each) => each.name.includes('/embed/'));
        const [begin] = (await import(loaded.name)).default, times = [];
        for (let each = 0; each < 15; each++) {
            const began = performance.now();
            await begin({}, 'callback');
            times.push(performance.now() - began);
        }
        return times.sort((a, b) => a - b);
    }""")
    print(f"\n1000 steps at most: median {times[7]:.0f} ms, longest {times[-1]:.0f} ms")
    assert times[7] < 5000
