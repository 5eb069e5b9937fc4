"""Tables for spreadsheets: no cell can be taken for a formula."""

import re
import unicodedata
from collections.abc import Iterable
from typing import IO

_GUARDED = re.compile(r"'+(?:[@+\-=%]|\\?\|)")  # what a reader could take for a guarded cell


def plain(text: str) -> str:
    r"""Return a text without invisible characters, in the compatible form (NFKC), trimmed.

    In this order nothing can hide the sign a formula begins with: `\t=1` and the full-width `＝1`
    become `=1`.
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
        # Only exports need it; it ships no annotations.
        from defusedcsv import csv  # type: ignore[import-untyped]

        self._writer = csv.writer(file)
        self.add(columns)

    def add(self, cells: Iterable[str]) -> None:
        """Add a row."""
        self._writer.writerow([_guarded(plain(cell)) for cell in cells])


def unguarded(cell: str) -> str:
    """Return a cell's text without the quote that `Table` puts before what looks like a formula."""
    if not _GUARDED.match(cell):
        return cell
    return cell[1:] if cell.startswith("''") else cell[1:].replace("\\|", "|")


def _guarded(text: str) -> str:
    """Add a quote to a text of one's own that looks guarded, so that it can be told apart."""
    return f"'{text}" if _GUARDED.match(text) else text
