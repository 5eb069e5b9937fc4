"""No cell of a CSV file is read as a formula by a spreadsheet."""

import csv
import io

import pytest

from chalicelib.cells import Table, plain, unguarded

# fmt: off
DANGEROUS = [
    "=1+1", "+49 7930 2699", "@x", "-x", "%x", "|x",
    "＝1", "＋1+1", "＠SUM(A1)", "－x",
    " =1", "\t=1", "\r=1", "\n=1", "\0=1", "\u200b=1", "\ufeff=1", "\u00a0=1", "\u202e=1",
]
# fmt: on


@pytest.mark.parametrize("dangerous", DANGEROUS)
def test_no_cell_begins_a_formula(dangerous: str) -> None:
    file = io.StringIO()
    Table(file, ["email"]).add([dangerous])
    header, (cell,) = csv.reader(file.getvalue().splitlines())
    assert header == ["email"]
    assert cell.startswith("'")


@pytest.mark.parametrize(
    "harmless", ["eva@example.org", "news,offers", "Grüße, Eva", "2024-05-31T12:00:00Z", ""]
)
def test_other_cells_stay(harmless: str) -> None:
    assert plain(harmless) == harmless


@pytest.mark.parametrize("quotes", ["", "'", "''"])
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "|", "%", "\\|", "\\", "", "x"])
@pytest.mark.parametrize("rest", ["", "1", "x", "a|b", "a\\|b", "'"])
def test_a_guarded_cell_is_read_back(quotes: str, sign: str, rest: str) -> None:
    text, file = f"{quotes}{sign}{rest}", io.StringIO(newline="")
    Table(file, ["name"]).add([text])
    written = list(csv.reader(io.StringIO(file.getvalue(), newline="")))[1:]
    assert [unguarded(cell) for row in written for cell in row or [""]] == [text]
