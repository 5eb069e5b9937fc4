"""Sign in and out in a real Chromium, at the emulated user pool's own page."""

import pytest
from playwright.sync_api import Page, expect

from local.cloud import Cloud
from tests.auth.hosted import login
from tests.browser import pictures
from tests.browser.conftest import Staff, contrast

ROLES = {"agent": "Beratung", "supervisor": "Leitung"}


def sign_in(page: Page, cloud: Cloud, role: str, path: str = "/staff") -> None:
    """Open a page of the staff's, and sign in at the provider."""
    who = login(cloud, role)
    page.goto(cloud.api + path)
    page.get_by_label("Username").fill(who.email)
    page.get_by_label("Password").fill(who.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{cloud.api}/**")
    page.bring_to_front()  # the next press needs a page that has the focus


@pytest.mark.parametrize("role", ROLES)
def test_in_and_out(staff: Staff, cloud: Cloud, role: str, width: int) -> None:
    visitor = staff(width)
    page = visitor.page
    sign_in(page, cloud, role)
    expect(page).to_have_url(cloud.staff)
    expect(page.get_by_role("heading", level=1)).to_have_text("Rückrufe")
    expect(page.get_by_text(login(cloud, role).name)).to_be_visible()
    expect(page.get_by_text(ROLES[role], exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("document.cookie") == ""  # no script can read the session
    pictures.keep(page, pictures.SCREENSHOTS / f"staff_{role}_{width}px.png")
    page.get_by_role("button", name="Abmelden").click()
    # The sign-out ends the provider's session as well, and leads back to its sign-in.
    expect(page.get_by_label("Username")).to_be_visible()
    page.goto(cloud.staff)
    expect(page.get_by_label("Username")).to_be_visible()
    assert "staff" not in {each["name"] for each in visitor.context.cookies()}


def test_by_keyboard_alone_to_the_page_that_was_wanted(staff: Staff, cloud: Cloud) -> None:
    visitor = staff(1400, locale="en-GB", color_scheme="dark")
    page, who = visitor.page, login(cloud, "supervisor")
    page.goto(f"{cloud.staff}?state=mine")
    page.bring_to_front()
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(who.email)
    page.keyboard.press("Tab")
    page.keyboard.type(who.password)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{cloud.staff}?state=mine")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    for _ in range(20):
        if page.evaluate("document.activeElement.textContent.trim()") == "Sign out":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Username")).to_be_visible()


def test_a_page_left_open_after_the_sign_out_is_told_so(staff: Staff, cloud: Cloud) -> None:
    visitor = staff(360)
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "agent")
    other = visitor.context.new_page()
    other.goto(cloud.staff)
    other.get_by_role("button", name="Abmelden").click()
    expect(other.get_by_label("Username")).to_be_visible()
    page.get_by_role("button", name="Abmelden").click()
    expect(page.get_by_text("Bitte melden Sie sich an.")).to_be_visible()
    page.get_by_role("link", name="Anmelden").click()
    expect(page.get_by_label("Username")).to_be_visible()


def test_another_sites_form_changes_nothing(staff: Staff, cloud: Cloud) -> None:
    """Check that another site's form cannot sign somebody out.

    It brings no cookie (SameSite), and its origin would be refused, too.
    """
    visitor = staff(1400)
    visitor.refusals_expected = True
    page = visitor.page
    sign_in(page, cloud, "agent")
    page.goto(cloud.site)  # another origin of the same site, where the cookie does come along
    page.evaluate(
        """action => {
            const form = Object.assign(document.createElement("form"), { method: "post", action })
            document.body.append(form)
            form.submit()
        }""",
        f"{cloud.staff}/sign-out",
    )
    expect(page.get_by_text("Das geht nur von einer unserer eigenen Seiten aus.")).to_be_visible()
    page.goto(cloud.staff)
    expect(page.get_by_role("button", name="Abmelden")).to_be_visible()


def test_the_text_can_be_read_in_light_and_dark(cloud: Cloud, staff: Staff) -> None:
    for scheme in ("light", "dark"):
        visitor = staff(360, color_scheme=scheme)
        sign_in(visitor.page, cloud, "supervisor")
        pairs = visitor.page.evaluate(
            """() => {
                const paper = e => getComputedStyle(e).backgroundColor
                const texts = [...document.querySelectorAll("a, button, small, span, h1, p")]
                return texts.filter(e => e.offsetWidth).map(e => {
                    let box = e
                    while (paper(box) === "rgba(0, 0, 0, 0)" && box.parentElement)
                        box = box.parentElement
                    return [e.textContent.trim(), getComputedStyle(e).color, paper(box)]
                })
            }"""
        )
        assert len(pairs) > 5
        assert [(text, scheme) for text, ink, paper in pairs if contrast(ink, paper) < 4.5] == []
