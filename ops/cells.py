"""Tables that are opened in a spreadsheet: no cell can be taken for a formula, and no file is ever half-written."""

import os
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from defusedcsv import csv  # type: ignore[import-untyped]  # it ships no annotations


def plain(text: str) -> str:
    """A text without control and other invisible characters, in the compatible form (NFKC), trimmed.

    In this order nothing can hide a sign that a formula begins with: `\\t=1` and the full-width `＝1` become `=1`.
    """
    visible = "".join(" " if character in "\r\n\t" else character for character in text
                      if character in "\r\n\t" or unicodedata.category(character) not in ("Cc", "Cf"))  # fmt: skip
    return unicodedata.normalize("NFKC", visible).strip()


class Table:
    """Rows of a CSV file, each cell safe against formula injection."""

    def __init__(self, file: IO[str], columns: Iterable[str]) -> None:
        self._writer = csv.writer(file)
        self.add(columns)

    def add(self, cells: Iterable[str]) -> None:
        """Adds a row."""
        self._writer.writerow([plain(cell) for cell in cells])


@contextmanager
def whole(path: Path) -> Iterator[IO[str]]:
    """A file to write that appears under its name once it is complete, and not at all after an error or Ctrl-C.

    Only its owner may read it, as it holds personal data.
    """
    place = path.resolve()  # behind a link, for the link to stay
    handle, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, place)
    except BaseException:
        os.unlink(draft)
        raise
