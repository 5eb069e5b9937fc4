"""Every mail of the newsletter in each language: what leads out of it, and what it must not say."""

import re
from collections.abc import Iterator

import pytest

import app
from chalicelib.outbox.model import Mail
from local.preview import scene, specimens
from local.preview.scene import EMAIL
from local.preview.specimens import Specimen

MAILS = {
    name: each
    for name, each in specimens.every().items()
    if each.kind == "mail" and not each.to_staff and not name.startswith("mail/callback-")
}
ASKING = ("mail/confirmation", "mail/move")
_BUTTON = re.compile(
    r'<td class="(?:button|plain)" style="([^"]*)"><a href="([^"]+)" style="([^"]*)">'
)


@pytest.fixture(scope="module", autouse=True)
def stage() -> Iterator[None]:
    """Put this process into the preview's stage, with all routes."""
    app.app.import_all()
    with scene.stage():
        yield


def composed(specimen: Specimen, language: str) -> Mail:
    with scene.scene(language) as at:
        made = specimen.make(at)
    assert isinstance(made, Mail)
    return made


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("name", MAILS)
def test_every_mail_offers_to_unsubscribe_but_those_that_ask(name: str, language: str) -> None:
    mail = composed(MAILS[name], language)
    headers = dict(mail.headers)
    if name in ASKING:
        assert headers == {}
    else:
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        offered = headers["List-Unsubscribe"]
        assert re.match(r"<https://\S+unsubscribe\?token=\S+>, <mailto:", offered)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("name", MAILS)
def test_every_link_names_the_language_and_both_parts_have_the_same(
    name: str, language: str
) -> None:
    mail = composed(MAILS[name], language)
    in_text = set(re.findall(r"https://contact\.company\.example/\S+", mail.text))
    in_html = set(re.findall(r'href="(https://contact\.company\.example/[^"]+)"', mail.html))
    assert in_text == {each.replace("&amp;", "&") for each in in_html}
    assert in_text
    assert [each for each in in_text if not each.endswith(f"&language={language}")] == []


@pytest.mark.parametrize("name", ASKING)
def test_a_mail_that_asks_says_nothing_that_was_typed(name: str) -> None:
    mail = composed(MAILS[name], "de")
    assert "Tauberwerk" in mail.text
    assert "Produkte" in mail.text
    assert [each for each in (EMAIL, "Erika", "www.company.example/?") if each in mail.text] == []


@pytest.mark.parametrize("name", MAILS)
def test_a_button_is_large_where_the_padding_of_links_is_ignored(name: str) -> None:
    """Check that the cell has padding and colour, and the link the height of a line."""
    buttons = _BUTTON.findall(composed(MAILS[name], "de").html)
    for cell, _, link in buttons:
        above, beside = re.findall(r"padding:(\d+)px (\d+)px", cell)[0]
        (line,) = re.findall(r"line-height:(\d+)px", link)
        assert (2 * int(above) + int(line) >= 38, int(beside) >= 16) == (True, True)
        assert "border:1px solid" in cell
    assert len(buttons) == (0 if name == "mail/welcome" else 1 + name.startswith("mail/settings"))
