"""Declarations of consent: each wording ever used stays, as a file that never changes.

The files are the company's, in `consent/`. A file is named by its version,
`<what>-<language>-<number>.txt`; the highest number of a language is the current one. It begins
with the topics that the declaration covers, where there are any: `topics: products, news` and an
empty line. `make declaration` writes them.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chalicelib import company
from chalicelib.errors import FieldError, Invalid, NotFound

_TOPICS = "topics:"


@dataclass(frozen=True)
class Wording:
    """One declaration as a person saw it; `sha256` is over the UTF-8 text, as hex."""

    version: str
    language: str
    text: str
    sha256: str
    topics: tuple[str, ...] = ()  # that it covers


class Wordings:
    """The declarations on one thing: `newsletter` or `callback`."""

    def __init__(self, what: str) -> None:
        self._what = what

    @property
    def all(self) -> dict[str, Wording]:
        """Every wording by its version, in the order of the versions' numbers."""
        return _all(self._what, company.folder() / "consent")

    def current(self, language: str) -> Wording:
        """Return the wording that a form in this language must show now."""
        return [each for each in self.all.values() if each.language == language][-1]

    def get(self, version: str) -> Wording:
        """Return the wording of a version. Raises NotFound."""
        if version not in self.all:
            raise NotFound("no_declaration")
        return self.all[version]

    def seen(self, version: str) -> Wording:
        """Return the wording that a form says it showed. Raises Invalid (`consent`)."""
        if version not in self.all:
            raise Invalid(FieldError("consent", "consent"))
        return self.all[version]


@cache
def _all(what: str, folder: Path) -> dict[str, Wording]:
    files = sorted(
        folder.glob(f"{what}-*-[0-9]*.txt"), key=lambda file: int(file.stem.rpartition("-")[2])
    )
    return {file.stem: read(file) for file in files}


def read(file: Path) -> Wording:
    """Read a declaration from its file."""
    topics, text = "", file.read_text(encoding="utf-8-sig").strip()
    if text.startswith(_TOPICS):
        topics, _, text = text.removeprefix(_TOPICS).partition("\n\n")
    return Wording(
        file.stem,
        file.stem.split("-")[1],
        text,
        hashlib.sha256(text.encode()).hexdigest(),
        tuple(topic.strip() for topic in topics.split(",") if topic.strip()),
    )


def written(topics: tuple[str, ...], text: str) -> str:
    """Return the content of a declaration's file."""
    return f"{_TOPICS} {', '.join(topics)}\n\n{text}\n" if topics else f"{text}\n"
