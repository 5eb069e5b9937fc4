"""A pseudo-language runs through every mail and page: nothing is left untranslated or overflows.

Each word of ours is marked and 40 % longer; what bears no mark on a page is data, or a word that
the catalogues do not have. A third language needs no code, then.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from chalicelib import texts
from chalicelib.web import snippet
from local.preview import specimens
from local.preview.scene import stage
from local.preview.specimens import Shown
from tests import pseudo

pytestmark = pytest.mark.edge
PHONE: ViewportSize = {"width": 390, "height": 844}
# Everything of a page that a person reads or hears, whether it is visible now or later.
READ = """() => {
  const skipped = "script, style, noscript, code, blockquote, details:has(> blockquote)"
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const said = [document.title]
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest(skipped)) said.push(walker.currentNode.data)
  }
  for (const each of document.querySelectorAll("[aria-label], [title], [alt], [placeholder]")) {
    for (const name of ["aria-label", "title", "alt", "placeholder"]) {
      said.push(each.getAttribute(name) ?? "")
    }
  }
  for (const each of document.querySelectorAll("*")) {
    for (const [name, value] of Object.entries(each.dataset)) {
      if (/[ %{]/.test(value) && !/^[\\d /:.TZ+-]*$/.test(value)) said.push(value)
    }
  }
  return said.join("\\n")
}"""
# The data of the specimens: people, references, addresses, versions, what was typed.
DATA = re.compile(
    r"https?://\S+|\S+@\S+|R-\w+|(?:callback|newsletter)-\w+-\d+|Mozilla\S.*"
    r"|(?:Anna|Ben) Agent|Sam Supervisor|Erika Beispiel|Bitte erst ab 15 Uhr|SHA-256"
    r"|Deutsch|English|UTC|Tauberwerk|GmbH|\b(?:anna|ben)\b|Ich bitte die .*"
    r"|Möchte weiterhin angerufen werden|example\.org|\bnobody\b"
    r"|artikel-\d+|Silber & Platin|Was ein Barren wiegt|Münzen|Gold\b|(?:Ein Titel ?)+|Markt"
)
WORD = re.compile(r"[^\W\d_]{2,}")


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Shown]]:
    """Return every specimen in the pseudo-language."""
    folder = pseudo.write(tmp_path_factory.mktemp("pseudo") / "company")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COMPANY_FOLDER", str(folder))
        with stage():
            every = specimens.every().items()
            yield {
                name: specimens.show(each, pseudo.LANGUAGE)
                for name, each in every
                if pseudo.LANGUAGE in each.languages
            }


def left(text: str) -> list[str]:
    """Return the words of a text that are neither marked nor data."""
    return WORD.findall(DATA.sub(" ", pseudo.unmarked(text)))


@pytest.mark.soak
def test_no_page_has_an_unmarked_word_or_overflows_a_phone(
    browser: Browser, spoken: dict[str, Shown]
) -> None:
    page = browser.new_page(viewport=PHONE)
    unmarked, wide = {}, {}
    for name, shown in spoken.items():
        if not shown.html:
            continue
        page.set_content(shown.html.replace('http-equiv="refresh"', ""))  # it stays there
        if words := left(page.evaluate(READ)):
            unmarked[name] = words
        if (width := page.evaluate("document.documentElement.scrollWidth")) > PHONE["width"]:
            wide[name] = width
    page.close()
    assert unmarked == {}
    assert wide == {}
    print(f"{len(spoken)} mails and pages in the pseudo-language")
    assert len(spoken) > 100


@pytest.mark.soak
def test_no_text_of_a_mail_has_an_unmarked_word(spoken: dict[str, Shown]) -> None:
    found = {
        name: words
        for name, shown in spoken.items()
        if (words := left(f"{shown.subject}\n{shown.text}"))
        and name != "mail/alert"  # its SNS subject is ASCII
    }
    assert found == {}


@pytest.mark.soak
def test_the_snippet_says_every_word_in_it(spoken: dict[str, Shown]) -> None:
    words = json.loads((snippet.BUILT / "words.json").read_text())
    for part in words.values():
        said = snippet._said(part, pseudo.LANGUAGE)
        assert len(said) == len(part)
        assert [word for word in said if left(word)] == []


@pytest.mark.soak
def test_a_word_that_is_not_in_the_catalogue_is_found(spoken: dict[str, Shown]) -> None:
    said = texts.of(pseudo.LANGUAGE).gettext
    assert left(said("Sign in")) == []
    assert left(said("Not in any catalogue")) == ["Not", "in", "any", "catalogue"]
    assert left(f"{said('Sign in')} R-7F3K, Anna Agent") == []


def test_the_pseudo_language_is_longer(tmp_path: Path) -> None:
    for text in ("Confirm subscription", "We will call you %(window)s.", "{expected}, <b>now</b>"):
        marked = pseudo.pseudo(text)
        assert len(WORD.sub("", marked)) >= len(WORD.sub("", text))
        assert sorted(pseudo._FIXED.findall(marked)) == sorted(pseudo._FIXED.findall(text))
    assert len(pseudo.pseudo("subscription")) >= 1.4 * len("subscription")
