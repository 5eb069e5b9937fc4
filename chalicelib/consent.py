"""Declarations of consent: each wording ever used stays, as a file that never changes.

A file is named by its version, `<what>-<language>-<number>.txt`; the highest number of a language
is the current one.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from chalicelib.errors import FieldError, Invalid, NotFound


@dataclass(frozen=True)
class Wording:
    """One declaration as a person saw it; `sha256` is over the UTF-8 text, as hex."""

    version: str
    language: str
    text: str
    sha256: str


class Wordings:
    """The declarations in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def all(self) -> dict[str, Wording]:
        """Every wording by its version, in the order of the versions' numbers."""
        files = sorted(
            self._folder.glob("*.txt"), key=lambda file: int(file.stem.rpartition("-")[2])
        )
        return {file.stem: _read(file) for file in files}

    def current(self, language: str) -> Wording:
        """Return the wording that a form in this language must show now."""
        return [each for each in self.all.values() if each.language == language][-1]

    def get(self, version: str) -> Wording:
        """Return the wording of a version. Raises NotFound."""
        if version not in self.all:
            raise NotFound
        return self.all[version]

    def seen(self, version: str) -> Wording:
        """Return the wording that a form says it showed. Raises Invalid (`consent`)."""
        if version not in self.all:
            raise Invalid(FieldError("consent", "consent"))
        return self.all[version]


def _read(file: Path) -> Wording:
    text = file.read_text(encoding="utf-8").strip()
    return Wording(
        file.stem, file.stem.split("-")[1], text, hashlib.sha256(text.encode()).hexdigest()
    )
