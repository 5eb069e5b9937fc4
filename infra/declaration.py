"""Fill the drafts of the declarations and freeze them as new versions: `make declaration`.

A draft, `consent/<what>.<language>.txt`, has placeholders: `{company}` (the legal name),
`{frequency}` (how often the newsletter comes) and `{topics}`. A newsletter's declaration covers all
the company's topics. A frozen file never changes; `SHA256SUMS` has their hashes.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.lists import format_list

from chalicelib import company, consent
from chalicelib.company import Company

NEWSLETTER, CALLBACK = "newsletter", "callback"
SUMS = "SHA256SUMS"


def filled(what: str, language: str, own: Company, folder: Path) -> tuple[tuple[str, ...], str]:
    """Return the topics that a draft covers, and its text. Raises KeyError for a placeholder."""
    topics = tuple(own.newsletter_topics) if what == NEWSLETTER else ()
    labels = [own.newsletter_topics[topic][language] for topic in topics]
    draft = (folder / f"{what}.{language}.txt").read_text(encoding="utf-8-sig").strip()
    values = {
        "company": own.legal_name,
        "frequency": own.texts[language]["frequency"],
        "topics": format_list(labels, locale=_locale(language)) if labels else "",
    }
    return topics, draft.format_map(values)


def _locale(language: str) -> Locale:
    """Return how a language writes a list; as English does where Babel does not know it."""
    try:
        return Locale.parse(language)
    except UnknownLocaleError:
        return Locale.parse("en")


def freeze(own: Company, folder: Path) -> Iterator[Path]:
    """Write a new version of each declaration that differs from its current one; yield its file."""
    for what in (NEWSLETTER, CALLBACK):
        for language in own.languages:
            topics, text = filled(what, language, own, folder)
            found = frozen(what, language, folder)
            last = consent.read(found[-1]) if found else None
            if last and (last.topics, last.text) == (topics, text):
                continue
            file = folder / f"{what}-{language}-{len(found) + 1}.txt"
            file.write_text(consent.written(topics, text), encoding="utf-8")
            with (folder / SUMS).open("a", encoding="utf-8") as sums:
                sums.write(f"{digest(file)}  {file.name}\n")
            yield file


def frozen(what: str, language: str, folder: Path) -> list[Path]:
    """Return the frozen files of a declaration in a language, in the order of their versions."""
    files = folder.glob(f"{what}-{language}-[0-9]*.txt")
    return sorted(files, key=lambda file: int(file.stem.rpartition("-")[2]))


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, as `sha256sum` writes it."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> None:
    """Freeze what has changed, and say what."""
    made = list(freeze(company.current(), company.folder() / "consent"))
    for file in made:
        print(f"frozen: {file.name}")
    if not made:
        print("nothing has changed: the current declarations stay")


if __name__ == "__main__":
    main()
