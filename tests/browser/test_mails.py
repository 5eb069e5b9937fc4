"""The newsletter's mails as programs show them that ignore how links are laid out."""

import re

import pytest
from playwright.sync_api import Browser

from local.preview import scene
from tests.newsletter.test_mails import MAILS, composed


@pytest.mark.parametrize("name", MAILS)
def test_a_button_is_large_without_the_padding_of_its_link(browser: Browser, name: str) -> None:
    with scene.stage():
        html = composed(MAILS[name], "de").html
    bare = re.sub(r'(<a [^>]*style=")display:block;padding:[^;]+;', r"\1", html)
    page = browser.new_page(viewport={"width": 320, "height": 600})
    page.set_content(bare)
    for button in page.locator("td.button, td.plain").all():
        box = button.bounding_box()
        assert box
        assert (box["height"] >= 38, box["width"] >= 200) == (True, True)
    assert ("display:block" in html) is (page.locator("td.button").count() > 0)
    assert "display:block" not in bare
    page.close()
