"""The README's pictures can be made anew, and show what they should."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from local.preview import scene
from tests.browser import readme

SHOWN = {
    "demo": ("Kostenlose Beratung", "jetzt erreichbar bis 17 Uhr", "28-mal gelesen"),
    "staff": ("Rückruf aufnehmen", "2 Wünsche", "Übernehmen"),
    "mail": ("Bitte bestätigen Sie Ihre Anmeldung", "Anmeldung bestätigen"),
}


@pytest.mark.soak
def test_the_pictures_are_made_anew_and_are_the_same_each_time(
    browser: Browser, tmp_path: Path
) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    with scene.stage():
        for folder in (once, again):
            folder.mkdir()
            readme.make(browser, folder)
    for name in readme.PICTURES:
        assert (once / f"{name}.webp").read_bytes() == (again / f"{name}.webp").read_bytes()


@pytest.mark.soak
@pytest.mark.parametrize("name", readme.PICTURES)
def test_a_picture_shows_what_it_should(page_of: Page, name: str) -> None:
    with scene.stage():
        readme.PICTURES[name](page_of)
        for words in SHOWN[name]:
            assert page_of.get_by_text(words).first.is_visible(), words


@pytest.fixture
def page_of(browser: Browser) -> Page:
    return browser.new_context(locale="de-DE").new_page()
