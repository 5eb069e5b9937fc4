"""Every word that people read is in every language's catalogue, and no other word is."""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args

import polib
import pytest

from chalicelib import company, messages, texts
from chalicelib.articles import words as article_words
from chalicelib.articles.filters import CLASSES
from chalicelib.backoffice.figures.model import GROWTH
from chalicelib.callbacks import model as callbacks
from chalicelib.callbacks import words as callback_words
from chalicelib.newsletter import model as newsletter
from chalicelib.newsletter import words as newsletter_words
from chalicelib.outbox import model as outbox

ROOT = Path(__file__).parent.parent
CATALOGUES = sorted([*texts.FOLDER.glob("*.po"), *(company.FOLDER / "texts").glob("*.po")])
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|%%|<[^>]+>")
SOURCES = [
    file
    for pattern in ("*.py", "*.html", "*.txt", "*.js")
    for folder in ("chalicelib", "ops")
    for file in sorted((ROOT / folder).rglob(pattern))
    if not {"company", "vendor", "embed-versions"} & set(file.relative_to(ROOT).parts)
]


@cache
def collected() -> Any:
    """Return the words in code and templates, as translators' tools find them."""
    pot = ROOT / ".local" / "collected.pot"
    pot.parent.mkdir(exist_ok=True)
    command = [
        str(Path(sys.executable).parent / "pybabel"),
        "-q",
        "extract",
        "-F",
        "pyproject.toml",
    ]
    subprocess.run([*command, "-o", str(pot), "."], cwd=ROOT, check=True)
    return polib.pofile(str(pot))


def key(entry: Any) -> tuple[str | None, str, str]:
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def forms(entry: Any) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_each_language_of_the_company_has_a_catalogue() -> None:
    have = {file.stem for file in CATALOGUES} | {texts.SOURCE}
    assert set(company.current().languages) <= have


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_a_catalogue_has_every_word_and_no_other(file: Path) -> None:
    wanted, found = {key(each) for each in collected()}, {key(each) for each in polib.pofile(file)}
    assert wanted - found == set(), "missing: run `make texts` and translate"
    assert found - wanted == set(), "unused: run `make texts`"


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_word_is_translated_with_its_placeholders(file: Path) -> None:
    catalogue = polib.pofile(file)
    assert [each.msgid for each in catalogue if each.fuzzy or not all(forms(each))] == []
    wrong = {
        each.msgid: form
        for each in catalogue
        for form in forms(each)
        if each.msgctxt not in ("date", "full hour")  # a translator chooses what a date is made of
        and sorted(set(PLACEHOLDER.findall(form)))
        not in (
            sorted(set(PLACEHOLDER.findall(each.msgid))),
            sorted(set(PLACEHOLDER.findall(each.msgid_plural))),
        )
    }
    assert wrong == {}


# fmt: off
VOCABULARIES = [
    ("a tab of the board", callbacks.Tab, callback_words.TABS),
    ("an empty tab of the board", callbacks.Tab, callback_words.EMPTY),
    ("a callback's state", callbacks.State, callback_words.STATES),
    ("a call's outcome", callbacks.Outcome, callback_words.OUTCOMES),
    ("a callback's event", callbacks.Event, callback_words.EVENTS),
    ("a subscriber's state", newsletter.State, newsletter_words.STATES),
    ("a subscription's event", newsletter.Event, newsletter_words.EVENTS),
    ("a mail's state", outbox.State, newsletter_words.MAILS),
]
# fmt: on


@pytest.mark.parametrize(("what", "names", "words"), VOCABULARIES, ids=[v[0] for v in VOCABULARIES])
def test_each_name_of_a_vocabulary_has_a_word_in_every_language(
    what: str, names: Any, words: dict[str, str]
) -> None:
    missing = set(get_args(names)) - words.keys()
    assert not missing, f"{what} without a word: {', '.join(sorted(missing))}"
    unknown = words.keys() - set(get_args(names))
    assert not unknown, f"a word for no {what}: {', '.join(sorted(unknown))}"
    known = {each.msgid for each in collected()}
    assert [word for word in words.values() if word not in known] == [], "not marked by N_"


def test_each_name_of_a_figure_has_a_word() -> None:
    assert set(article_words.CLASSES) == set(CLASSES)
    assert set(newsletter_words.GROWTH) == set(GROWTH)


def lines(file: Path) -> Iterator[tuple[int, str]]:
    yield from enumerate(file.read_text(encoding="utf-8").splitlines(), 1)


def test_no_other_language_stands_in_code_or_templates() -> None:
    """The source is English: what is German stands in a catalogue, or is the company's."""
    german = re.compile(r"[äöüÄÖÜß„]|\b(?:Sie|Ihre?n?|und|nicht|bitte|Rückruf\w*)\b")
    example = re.compile(r'^\s*(#|""")|`[^`]*`')  # documentation may show how a date is written
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in SOURCES
        if file.parent.name != "texts"
        for number, line in lines(file)
        if german.search(example.sub("", line)) and not file.name.endswith(".tsv")
    ]
    assert found == []


def test_no_language_is_named_in_code() -> None:
    pair = re.compile(r"""["'](?:de|en)["']""")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in SOURCES
        for number, line in lines(file)
        if pair.search(line) and file != texts.FOLDER / "__init__.py"
    ]
    assert found == []


def test_the_companys_words_stand_nowhere_else() -> None:
    own = company.current()
    labels = {
        label
        for topics in (own.newsletter_topics, own.callback_topics)
        for named in topics.values()
        for label in named.values()
        if " " in label or label in ("Verwahrung", "Storage")
    }
    names = {own.name, own.legal_name, *labels, "Gold"}
    found = [
        f"{file.relative_to(ROOT)}:{number}: {name}"
        for file in [*SOURCES, *CATALOGUES]
        for number, line in lines(file)
        for name in names
        if re.search(rf"\b{re.escape(name)}\b", line)
    ]
    assert found == []


@pytest.mark.parametrize("code", sorted(messages.MESSAGES))
@pytest.mark.parametrize("language", company.current().languages)
def test_each_code_has_a_sentence(code: str, language: str) -> None:
    said = messages.message(code, language, fresh="https://a.example", named="R-7F3K", holder="Eva")
    assert said[0].isupper() or said.startswith(("1", "Eva"))
    assert said.endswith((".", "?", "`.", "example"))
    assert "%(" not in said
