"""Somebody who sees the staff's pages for the first time finds the way to a finished call.

The newcomer knows only what `make run` prints, and starts there or at an alert.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, expect

from chalicelib.callbacks.stores import requests
from local.__main__ import _summary
from local.cloud import Cloud
from tests.backend import Backend
from tests.browser.conftest import Visitor, visitor
from tests.browser.staff.conftest import NO_TELEPHONE
from tests.browser.staff.scene import Scene
from tests.browser.staff.test_screens import FIRST, PHONE


@dataclass
class Newcomer:
    """Presses only what stands out, and types what a label asks for."""

    visitor: Visitor
    printed: str
    pressed: list[str] = field(default_factory=list)

    def address(self, name: str) -> str:
        """Return the address that is printed beside a word."""
        found = re.search(rf"^ +{name} +(http\S+)", self.printed, re.MULTILINE)
        assert found, self.printed
        return found[1]

    def sign_in(self) -> None:
        """Sign in as the first person that is printed, at whatever page asks for it."""
        found = re.search(r"^ +(\S+@\S+) +(\S+) +Anna Agent$", self.printed, re.MULTILINE)
        assert found, self.printed
        page = self.visitor.page
        page.bring_to_front()
        page.get_by_label("Username").fill(found[1])
        page.get_by_label("Password").fill(found[2])
        expect(page.get_by_role("button")).to_have_count(1)
        self.press(page.get_by_role("button"))

    def press(self, button: Locator) -> None:
        """Press a button, and note it."""
        self.pressed.append(button.inner_text())
        button.click()

    def press_first(self, label: str) -> None:
        """Press the one button that stands out on the screen without scrolling, with this label."""
        page = self.visitor.page
        page.wait_for_function(f"label => ({FIRST})().join() === label", arg=label)
        assert page.evaluate("scrollY") == 0
        self.press(page.locator("main :is(button, .button):not(.second)").filter(has_text=label))


@pytest.fixture
def newcomer(browser: Browser, hotline: Cloud) -> Iterator[Newcomer]:
    arrived = visitor(browser, hotline, viewport={"width": PHONE[0], "height": PHONE[1]})
    arrived.context.add_init_script(NO_TELEPHONE)
    arrived.provider = urlsplit(hotline.aws).netloc
    yield Newcomer(arrived, _summary(hotline))
    arrived.context.close()
    assert arrived.faults == []


def test_from_the_printed_address_to_a_call_that_is_done(line: Backend, newcomer: Newcomer) -> None:
    page = newcomer.visitor.page
    scene = Scene(line, page, "")
    later, urgent, sooner = scene.ask(), scene.late(), scene.ask()
    page.goto(newcomer.address("staff"))
    newcomer.sign_in()
    expect(page.locator(".card").first).to_contain_text(urgent)
    expect(page.locator(".card").first).to_contain_text("überfällig seit")
    newcomer.press_first("Übernehmen")
    newcomer.press_first("Jetzt anrufen")
    newcomer.press_first("Erreicht")
    expect(page.get_by_text("Beendet: erledigt. Hier ist nichts mehr zu tun.")).to_be_visible()
    ended = requests.load(urgent)
    assert ended
    assert (ended.state, [each.outcome for each in ended.attempts]) == ("done", ["reached"])
    newcomer.press_first("Zu den fälligen Rückrufen")
    expect(page.locator(".card h2 a")).to_have_text([later, sooner])
    print(f"\nnewcomer: {len(newcomer.pressed)} presses: {' → '.join(newcomer.pressed)}")
    assert newcomer.pressed == [
        "Sign in",
        "Übernehmen",
        "Jetzt anrufen",
        "Erreicht",
        "Zu den fälligen Rückrufen",
    ]


def test_from_the_alert_to_a_call_nobody_took(line: Backend, newcomer: Newcomer) -> None:
    page = newcomer.visitor.page
    reference = Scene(line, page, "").ask(topic="buying")
    page.goto(newcomer.address("mailbox"))
    newcomer.press(page.locator("#list a.alert").filter(has_text=reference).first)
    with page.context.expect_page() as opened:
        newcomer.press(page.locator("#detail a[href*='/staff/']").first)
    page = newcomer.visitor.page = opened.value
    newcomer.sign_in()
    expect(page.get_by_role("heading", level=1)).to_contain_text(reference)
    newcomer.press_first("Übernehmen")
    newcomer.press_first("Jetzt anrufen")
    newcomer.press(page.get_by_role("button", name="Nimmt nicht ab"))
    expect(
        page.get_by_text("Der nächste Versuch erscheint von selbst auf der Liste.")
    ).to_be_visible()
    newcomer.press_first("Zu den fälligen Rückrufen")
    expect(page.get_by_text("Gerade wartet niemand auf einen Rückruf")).to_be_visible()
    expect(page.get_by_text("Neue Rückrufe erscheinen hier von selbst")).to_be_visible()
    print(f"\nnewcomer, by the alert: {len(newcomer.pressed)} presses")
    assert len(newcomer.pressed) == 7
