"""Tables that are opened in a spreadsheet: no cell can be taken for a formula."""

import unicodedata
from collections.abc import Iterable
from typing import IO


def plain(text: str) -> str:
    """A text without control and other invisible characters, in the compatible form (NFKC), trimmed.

    In this order nothing can hide a sign that a formula begins with: `\\t=1` and the full-width `＝1` become `=1`.
    """
    visible = "".join(
        " " if character in "\r\n\t" else character
        for character in text
        if character in "\r\n\t" or unicodedata.category(character) not in ("Cc", "Cf")
    )
    return unicodedata.normalize("NFKC", visible).strip()


class Table:
    """Rows of a CSV file, each cell safe against formula injection."""

    def __init__(self, file: IO[str], columns: Iterable[str]) -> None:
        from defusedcsv import csv  # type: ignore[import-untyped]  # it ships no annotations; only exports need it

        self._writer = csv.writer(file)
        self.add(columns)

    def add(self, cells: Iterable[str]) -> None:
        """Adds a row."""
        self._writer.writerow([plain(cell) for cell in cells])
