"""Every screen of the workflow, in German by day and in English by night.

Each has one button to press first, room for a thumb, nothing cut off at any width and no violation
of axe's rules. Two pictures of each are kept.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from botocore.exceptions import EndpointConnectionError
from playwright.sync_api import Page, Route, expect

from chalicelib import aws, templates
from local.cloud import Cloud
from tests.auth.hosted import login
from tests.backend import Backend
from tests.browser.conftest import NARROW
from tests.browser.pictures import ARTEFACTS, keep
from tests.browser.staff.people import press, press_surely
from tests.browser.staff.scene import SCREENS, Scene
from tests.browser.test_sign_in import sign_in
from tests.edge.staff import STAFF
from tests.scale import SOAK

PHONE = (360, 740)
# Language, colour scheme and widths. The picture is taken at the last width. The widths are the
# narrowest that WCAG demands (1.4.10) and a telephone; a screen at 200 % and at 100 %.
Scheme = Literal["light", "dark"]
SIGHTS: tuple[tuple[str, Scheme, tuple[int, int]], ...] = (
    ("de", "light", (320, 360)),
    ("en", "dark", (640, 1280)),
)
_turns = itertools.cycle(SIGHTS)
FIRST = """() => {
  const first = each => {
    const box = each.getBoundingClientRect(), shown = box.top >= 0 && box.bottom <= innerHeight
    return box.height && shown && !each.matches(".second, .danger")
  }
  const buttons = [...document.querySelectorAll("main button, main .button")]
  return buttons.filter(first).map(each => each.textContent.trim())
}"""


def held_against(page: Page, name: str, path: str, first: int = 1) -> str:
    """Check a page in both languages, in light and dark, and return what is to be pressed first.

    In `make soak` axe looks at both of them, else at one in turn.
    """
    said, turn = "", next(_turns)
    for language, scheme, widths in SIGHTS:
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{path}{'&' if '?' in path else '?'}language={language}")
        expect(page.locator("main h1")).to_be_visible()
        pressed = page.evaluate(FIRST)
        assert len(pressed) == first, (name, language, pressed)
        assert page.evaluate(NARROW) == [], (name, language)
        for width in widths:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                name,
                language,
                width,
            )
        keep(page, ARTEFACTS / f"screen_{name}_{language}_{scheme}_{widths[-1]}px.png")
        if SOAK or (language, scheme, widths) == turn:
            found = Axe().run(page)
            assert found.violations_count == 0, (name, language, found.generate_report())
        said = said or " | ".join(pressed)
    return said


@pytest.mark.soak
def test_every_state_has_its_screen(line: Backend, staff: Any) -> None:
    page = staff(width=360).page
    scene = Scene(line, page, login(line.cloud, "agent").name)
    print()
    for name, screen in SCREENS.items():
        reference = screen.make(scene)
        path = f"{line.cloud.api}{STAFF}/{reference}"
        print(f"screen {name}: first {held_against(page, name, path)}")
        expect(page.locator("main")).to_contain_text(screen.english)
        page.goto(path)
        expect(page.locator("main")).to_contain_text(screen.german)
        number(page, name, screen.number)
    for tab in ("due", "mine", "waiting", "overdue", "held", "closed"):
        held_against(
            page,
            f"board_{tab}",
            f"{line.cloud.api}/staff?state={tab}",
            tab in ("due", "mine", "overdue"),
        )


def number(page: Page, name: str, shown: bool) -> None:
    """Check that only whoever holds the request sees its number, and dials it once it is agreed."""
    links = page.locator("a[href^='tel:']")
    if not shown:
        assert re.search(r"tel:|0711|49 ?711|3000\d\d\d", page.content()) is None, name
        return
    text = page.locator(".number").inner_text()
    assert re.fullmatch(r"\+49 711 \d{7}", text), name
    page.locator(".number").click()  # a press selects all of it
    assert page.evaluate("getSelection().toString()") == text
    calls = name == "mine_calling"
    assert [each.get_attribute("href") for each in links.all()] == calls * [
        f"tel:{text.replace(' ', '')}"
    ]
    assert re.fullmatch(r"\+[1-9]\d{6,14}", text.replace(" ", ""))  # E.164


def test_an_outcome_that_comes_too_late_keeps_its_note(line: Backend, staff: Any) -> None:
    agent = staff(width=360)
    agent.refusals_expected = True
    page = agent.page
    scene = Scene(line, page, login(line.cloud, "agent").name)
    reference = scene.mine("dial")
    page.goto(f"{line.cloud.api}{STAFF}/{reference}")
    page.get_by_label("Notiz").fill("Will am Freitag kommen")
    scene.press(reference, "release")  # the agent does this in another window
    press(page, "Erreicht")
    expect(page.get_by_role("alert").filter(has_text="inzwischen geändert")).to_be_visible()
    expect(page.get_by_text("Ihre Notiz ist als Kommentar gespeichert.")).to_be_visible()
    expect(page.get_by_label("Neuer Kommentar")).to_have_value("")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    keep(page, ARTEFACTS / "screen_too_late_de_light_360px.png")
    press(page, "Übernehmen")
    expect(page.get_by_text("Will am Freitag kommen")).to_be_visible()
    press(page, "Erreicht")
    expect(page.get_by_text("Will am Freitag kommen")).to_be_visible()


def test_without_a_script_the_same_screens_lead_to_the_end(line: Backend, staff: Any) -> None:
    page = staff(width=360, java_script_enabled=False).page
    reference = Scene(line, page, "").ask()
    page.goto(f"{line.cloud.api}/staff")
    page.get_by_role("button", name=f"Übernehmen {reference}").click()
    page.get_by_label("Notiz").fill("Mittags")
    press(page, "Jetzt anrufen")
    expect(page.get_by_text("Der Anruf ist vermerkt.")).to_be_visible()
    expect(page.get_by_text("Mittags")).to_be_visible()
    expect(page.get_by_role("link", name="Nummer wählen")).to_have_attribute(
        "href", re.compile(r"tel:\+49711\d{7}")
    )
    press_surely(page, "Möchte keinen Anruf", "Ja, kein Anruf erwünscht")
    expect(page.get_by_text("Beendet: kein Anruf erwünscht.")).to_be_visible()
    press(page, "Rückgängig machen")
    press(page, "Erreicht")
    expect(page.get_by_text("Beendet: erledigt.")).to_be_visible()
    expect(page.get_by_text("Mittags")).to_be_visible()


@contextmanager
def failing(line: Backend, error: Exception) -> Iterator[None]:
    def fail(**_: object) -> None:
        raise error

    with line.hooked("dynamodb", "before-send.dynamodb", fail):
        yield


@pytest.mark.usefixtures("scale")
def test_errors_and_the_way_in_and_out(line: Backend, staff: Any, hotline: Cloud) -> None:
    agent = staff(width=360)
    agent.refusals_expected = True
    page, api = agent.page, hotline.api
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in agent.context.cookies(api))
    held_against(page, "error_403", f"{api}/staff/figures")
    held_against(page, "error_404", f"{api}{STAFF}/R-NONE")
    held_against(page, "error_422", f"{api}/staff?state=elsewhere")
    mine = Scene(line, page, "").mine()

    def answered(how: Callable[[], Any], path: str) -> None:
        """Let this process answer for the stage, in a state that the test makes."""

        def fulfil(route: Route) -> None:
            asked = route.request.url.removeprefix(api)
            with how():
                answer = line.call("GET", asked, headers={"cookie": cookie, "accept": "text/html"})
            route.fulfill(status=answer.status, headers=answer.headers, body=answer.text)

        page.unroute_all()
        page.route(f"{api}{path}*", fulfil)

    for status, error in (
        (503, EndpointConnectionError(endpoint_url="dynamodb")),
        (500, ZeroDivisionError()),
    ):
        answered(partial(failing, line, error), "/staff")
        held_against(page, f"error_{status}", f"{api}/staff")
    answered(
        lambda: Backend(hotline, {**hotline.env, "HOTLINE_HOURS": "Mon-Sun 23:58-23:59"}),
        f"{STAFF}/{mine}",
    )
    held_against(page, "mine_closed", f"{api}{STAFF}/{mine}")
    expect(page.get_by_text("Nobody is called outside opening hours.")).to_be_visible()
    page.unroute_all()
    held_against(page, "sign_in_again", f"{api}/staff/signed-in?state=forged")
    # The provider leaves the page as it is.
    page.route(f"{hotline.aws}/**", lambda route: route.fulfill(status=204))
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.emulate_media(color_scheme="light")
    page.goto(f"{api}/staff")
    press(page, "Abmelden")
    expect(page.get_by_role("heading", name="Sie sind abgemeldet")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    keep(page, ARTEFACTS / "screen_signed_out_de_light_360px.png")


def test_an_account_without_a_role_is_told_so(line: Backend, hotline: Cloud, staff: Any) -> None:
    newcomer = staff(width=360)
    newcomer.refusals_expected = True
    page, pool = newcomer.page, hotline.env["OIDC_ISSUER"].rpartition("/")[2]
    group = {"UserPoolId": pool, "Username": login(hotline, "agent").email, "GroupName": "agent"}
    page.context.clear_cookies()
    aws.client("cognito-idp").admin_remove_user_from_group(**group)
    try:
        sign_in(page, hotline, "agent")
    finally:
        aws.client("cognito-idp").admin_add_user_to_group(**group)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kein Zugang")
    assert page.evaluate(FIRST) == ["Mit einem anderen Konto anmelden"]
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    keep(page, ARTEFACTS / "screen_no_role_de_light_360px.png")


def test_nothing_moves() -> None:
    """Check that nothing moves, so that `prefers-reduced-motion` has nothing to stop."""
    web = templates._FOLDER
    styles = [*web.glob("*.css"), *web.rglob("templates/staff/*.css")]
    assert len(styles) >= 3
    for style in styles:
        assert (
            re.search(r"transition|animation|@keyframes|scroll-behavior", style.read_text()) is None
        ), style
