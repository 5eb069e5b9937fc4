"""What a company's files lack is refused, and the refusal names the entry."""

import codecs
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib import company, consent
from infra import company as check
from infra import declaration

Edit = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of this company's files."""
    shutil.copytree(company.FOLDER, tmp_path / "company")
    return tmp_path / "company"


def edit(folder: Path, before: str, after: str, file: str = "company.toml") -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after, 1))


def test_this_company_is_complete() -> None:
    check.check()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "Tauberwerk"\n', "", "company.toml: name:"),
        ('name = "Tauberwerk"', 'name = " "', "company.toml: name: is empty"),
        ('name = "Tauberwerk"', "name = 7", "company.toml: name: input should be a valid string"),
        ('name = "Tauberwerk"', 'nam = "x"\nname = "y"', "company.toml: nam: there is no such"),
        ('name = "Tauberwerk"', "name =", "company.toml cannot be read"),
        ('["de", "en"]', '["de"]', "texts.en: is no language of the company"),
        ('["de", "en"]', '["de", "en", "fr"]', "texts.fr: is missing"),
        ('["de", "en"]', '["de", "en", "fr"]', "language fr: there is no catalogue texts/fr.po"),
        ('["de", "en"]', "[]", "languages: name one at least"),
        ('accent = "#0b5c4d"', 'accent = "green"', "accent: must be a colour"),
        ('accent_dark = "#5fd0b5"', 'accent_dark = "#12345;}"', "accent_dark: must be a colour"),
        ('accent = "#0b5c4d"', 'accent = "#9ad0c4"', "accent: #ffffff is not readable on it"),
        ('accent_dark = "#5fd0b5"', 'accent_dark = "#23453e"', "accent_dark: #08241d is not read"),
        ('["de", "en"]', '["de", "en", "en"]', "languages: 'en': name each once"),
        ('["de", "en"]', '["de", "en-GB"]', "languages: 'en-GB': name each once, by its code"),
        ('de = "Kauf"', 'de = "Kauf\\nBcc: x"', "callback_topics.buying.de: must be one line"),
        ('"Guten Tag!"', '"Guten\\tTag!"', "texts.de.greeting: must be one line"),
        ("slot_minutes = 120", "slot_minutes = 5", "slot_minutes: must be 15 to 240"),
        ("imprint = {", "imprimt = {", "links.imprint: is missing"),
        ("imprint = {", "imprimt = {", "links.imprimt: there is no such link"),
        ('privacy = { de = "/datenschutz", ', "privacy = { ", "links.privacy.de: is missing"),
        ('"/datenschutz"', '"http://a.example"', "links.privacy.de: must be a path"),
        ('news = { de = "Nachrichten aus der Finanzwelt", ', "news = { ", "topics.news.de: is mis"),
        ('de = "Kauf"', 'de = ""', "callback_topics.buying.de: is empty"),
        ("storage = {", '"Storage!" = {', "callback_topics.Storage!: an id is of"),
        ('greeting = "Guten Tag!"\n', "", "texts.de.greeting: is missing"),
        ('greeting = "Guten Tag!"', 'salute = "Hi"', "texts.de.salute: there is no such text"),
        ("{expected} an.", "{when} an.", "texts.de.callback_success: {when} is no placeholder"),
        ("{expected} an.", "{ an.", "texts.de.callback_success: {…} is no placeholder"),
        ("[newsletter_topics]", '[newsletter_topics]\nx = { de = "X", en = "X" }', "topic x: run"),
        ('legal_name = "Tauberwerk GmbH"', 'legal_name = "Other AG"', "does not name Other AG"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, before: str, after: str, said: str) -> None:
    edit(folder, before, after)
    faults = list(check.faults(folder))
    assert any(said in each for each in faults), faults
    with pytest.raises(check.BadCompany, match=r"company\.toml|consent|language"):
        check.check(folder)


def test_a_frozen_declaration_never_changes(folder: Path) -> None:
    edit(folder, "Ja,", "Ja!", "consent/newsletter-de-1.txt")
    assert list(check.faults(folder)) == [
        "consent/newsletter-de-1.txt has changed: people agreed to it as it was"
    ]
    (folder / "consent" / "newsletter-de-1.txt").unlink()
    assert "consent/newsletter-de-1.txt is missing: people agreed to it" in check.faults(folder)


def test_a_file_in_another_encoding_is_refused(folder: Path) -> None:
    entries = (folder / "company.toml").read_text()
    (folder / "company.toml").write_bytes(entries.encode("cp1252"))
    (said,) = check.faults(folder)
    assert said.startswith("company.toml cannot be read: 'utf-8' codec")


def test_a_copy_of_a_declaration_is_named_and_breaks_nothing(folder: Path) -> None:
    shutil.copy(
        folder / "consent" / "newsletter-de-1.txt", folder / "consent" / "newsletter-de-old.txt"
    )
    (said,) = check.faults(folder)
    assert "newsletter-de-old.txt is not in SHA256SUMS" in said


@pytest.mark.parametrize("file", ["company.toml", "consent/newsletter.de.txt"])
def test_what_an_editor_on_windows_saves_is_read_alike(folder: Path, file: str) -> None:
    saved = (folder / file).read_bytes().replace(b"\n", b"\r\n")
    (folder / file).write_bytes(codecs.BOM_UTF8 + saved)
    assert list(check.faults(folder)) == []
    own = company.Company(company.read(folder))
    assert not list(declaration.freeze(own, folder / "consent"))


def test_a_declaration_that_was_not_frozen_is_refused(folder: Path) -> None:
    name = (
        f"newsletter-de-{len(declaration.frozen('newsletter', 'de', folder / 'consent')) + 1}.txt"
    )
    (folder / "consent" / name).write_text("topics: news\n\nYes, {company}\n")
    faults = list(check.faults(folder))
    assert any("is not in SHA256SUMS" in each for each in faults)
    assert any(f"{name} has a placeholder, {{company}}" in each for each in faults)


def test_a_new_topic_needs_a_new_declaration_and_nothing_else(folder: Path) -> None:
    before = sorted(file.name for file in (folder / "consent").glob("*-*-*.txt"))
    edit(folder, "offers = {", 'new = { de = "Neues", en = "New things" }\noffers = {')
    assert [each.rpartition(": ")[2] for each in check.faults(folder)] == [
        "run `make declaration`",
        "run `make declaration`",
    ]
    own = company.Company(company.read(folder))
    made = [file.name for file in declaration.freeze(own, folder / "consent")]
    after = sorted(file.name for file in (folder / "consent").glob("*-*-*.txt"))
    assert sorted(made) == sorted(set(after) - set(before))
    assert [name.rpartition("-")[0] for name in made] == ["newsletter-de", "newsletter-en"]
    assert list(check.faults(folder)) == []
    wording = consent.read(folder / "consent" / made[1])
    assert wording.topics == tuple(own.newsletter_topics)
    assert "New things" in wording.text
    assert not list(declaration.freeze(own, folder / "consent"))
