"""Say what is missing or wrong in a company's files, naming the entry.

`make check`, `make run`, packaging and a deployment refuse a company that is not complete.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, get_type_hints

from pydantic import ValidationError, create_model

from chalicelib import company, consent, texts
from chalicelib.company import Company
from infra.declaration import CALLBACK, NEWSLETTER, SUMS, digest, frozen

LINKS = ("imprint", "privacy", "support")
# The texts a company owns, each with the placeholders it may have.
TEXTS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("frequency", "greeting", "signature", "newsletter_success"), frozenset()),
    **{
        f"subject_{mail}": frozenset()
        for mail in (
            "confirmation",
            "move",
            "welcome",
            "settings",
            "access",
            "received",
            "cancelled",
            "missed",
            "expired",
            "declined",
        )
    },
    "callback_success": frozenset({"expected", "phone", "reference"}),
}
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
READABLE = 4.5  # the contrast that WCAG 2.2 asks for (1.4.3)
_ID = re.compile(r"[a-z][a-z0-9_-]{0,29}")
_URL = re.compile(r"(https://|/)\S*|mailto:\S+")


class BadCompany(RuntimeError):
    """A company's files are not complete; the text lists every fault."""


def check(folder: Path | None = None) -> None:
    """Raise BadCompany unless the company in a folder, by default this stage's, is complete."""
    if found := list(faults(folder or company.folder())):
        raise BadCompany("\n".join(found))


def faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each thing that is missing or wrong."""
    try:
        entries = company.read(folder)
    except (OSError, ValueError) as error:  # no TOML, or not in UTF-8
        yield f"company.toml cannot be read: {error}"
        return
    types = get_type_hints(Company)
    yield from (f"company.toml: {name}: there is no such entry" for name in entries.keys() - types)
    typed: dict[str, Any] = {name: (each, ...) for name, each in types.items()}
    try:
        create_model("Company", **typed).model_validate(entries)
    except ValidationError as error:
        for each in error.errors():
            entry = ".".join(str(part) for part in each["loc"])
            yield f"company.toml: {entry}: {each['msg'].lower()}"
        return
    own = Company(entries)
    yield from (f"company.toml: {each}" for each in _entries(own))
    yield from _declarations(own, folder / "consent")
    for language in own.languages:
        if language != texts.SOURCE and not texts.catalogue(language, folder):
            yield f"language {language}: there is no catalogue texts/{language}.po"


def _entries(own: Company) -> Iterator[str]:
    if not own.languages:
        yield "languages: name one at least"
    for language in own.languages:
        if not _LANGUAGE.fullmatch(language) or own.languages.count(language) > 1:
            yield f"languages: {language!r}: name each once, by its code of two or three letters"
    for name in ("name", "legal_name"):
        if not getattr(own, name).strip():
            yield f"{name}: is empty"
        yield from _control(name, getattr(own, name))
    for name, on_it in (("accent", "#ffffff"), ("accent_dark", "#08241d")):
        colour = getattr(own, name)
        if not _COLOUR.fullmatch(colour):
            yield f"{name}: must be a colour such as #0b5c4d"
        elif (contrast := _contrast(colour, on_it)) < READABLE:
            yield f"{name}: {on_it} is not readable on it: contrast {contrast:.1f}, not {READABLE}"
    if not 15 <= own.slot_minutes <= 240:
        yield "slot_minutes: must be 15 to 240"
    yield from _labels("links", own.links, own)
    for link in sorted(own.links.keys() ^ set(LINKS)):
        yield f"links.{link}: " + ("is missing" if link in LINKS else "there is no such link")
    for link, urls in own.links.items():
        for language, url in urls.items():
            if not _URL.fullmatch(url):
                yield f"links.{link}.{language}: must be a path of the website or an https URL"
    for kind in ("newsletter_topics", "callback_topics"):
        topics = getattr(own, kind)
        if not topics:
            yield f"{kind}: name one at least"
        for topic in topics:
            if not _ID.fullmatch(topic):
                yield f"{kind}.{topic}: an id is of a-z, 0-9, - and _, 30 characters at most"
        yield from _labels(kind, topics, own)
    for language in sorted(own.texts.keys() ^ set(own.languages)):
        known = "is missing" if language in own.languages else "is no language of the company"
        yield f"texts.{language}: {known}"
    for language, own_texts in own.texts.items():
        for name in sorted(own_texts.keys() ^ TEXTS.keys()):
            known = "is missing" if name in TEXTS else "there is no such text"
            yield f"texts.{language}.{name}: {known}"
        for name, text in own_texts.items():
            if not text.strip():
                yield f"texts.{language}.{name}: is empty"
            yield from _control(f"texts.{language}.{name}", text)
            for placeholder in sorted(_placeholders(text) - TEXTS.get(name, frozenset())):
                yield f"texts.{language}.{name}: {{{placeholder}}} is no placeholder of it"


def _control(entry: str, text: str) -> Iterator[str]:
    if _CONTROL.search(text):
        yield f"{entry}: must be one line without control characters"


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, "contrast ratio")."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return a colour's relative luminance (WCAG 2.2)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _labels(kind: str, named: Mapping[str, Mapping[str, str]], own: Company) -> Iterator[str]:
    for name, labels in named.items():
        for language in sorted(labels.keys() ^ set(own.languages)):
            known = "is missing" if language in own.languages else "is no language of the company"
            yield f"{kind}.{name}.{language}: {known}"
        for language, label in labels.items():
            if not label.strip():
                yield f"{kind}.{name}.{language}: is empty"
            yield from _control(f"{kind}.{name}.{language}", label)


def _declarations(own: Company, folder: Path) -> Iterator[str]:
    sums = _sums(folder / SUMS)
    for what in (NEWSLETTER, CALLBACK):
        for language in own.languages:
            versions = frozen(what, language, folder)
            if not versions:
                yield f"consent/{what}-{language}-1.txt is missing: run `make declaration`"
                continue
            current = consent.read(versions[-1])
            where = f"consent/{versions[-1].name}"
            if own.legal_name not in current.text:
                yield f"{where} does not name {own.legal_name}: run `make declaration`"
            if what == NEWSLETTER:
                for topic in own.newsletter_topics.keys() - set(current.topics):
                    yield f"{where} does not cover the topic {topic}: run `make declaration`"
            if found := _placeholders(current.text):
                yield f"{where} has a placeholder, {{{min(found)}}}: run `make declaration`"
    for file in sorted(folder.glob("*-*-*.txt")):
        if file.name not in sums:
            yield f"consent/{file.name} is not in {SUMS}: versions are made by `make declaration`"
        elif sums.pop(file.name) != digest(file):
            yield f"consent/{file.name} has changed: people agreed to it as it was"
    for name in sums:
        yield f"consent/{name} is missing: people agreed to it"


def _sums(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}


def _placeholders(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:  # a brace alone
        return {"…"}
