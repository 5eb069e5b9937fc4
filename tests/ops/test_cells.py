"""Spreadsheets: nothing in a cell is taken for a formula, and no file is half-written."""

import csv
import io
import stat
from pathlib import Path

import pytest

from ops.cells import Table, plain, whole


@pytest.mark.parametrize(
    "dangerous",
    ["=1+1", "+49 7930 2699", "@x", "-x", "\t=1", "\r=1", "\n=1", "＝1", "＋1+1", "＠SUM(A1)", "－x", " =1",
     "\u200b=1", "\ufeff=1", "\u00a0=1", "\0=1", "%x", "|x", "\u202e=1"],
)  # fmt: skip
def test_no_cell_begins_a_formula(dangerous: str) -> None:
    file = io.StringIO()
    Table(file, ["email"]).add([dangerous])
    header, (cell,) = csv.reader(file.getvalue().splitlines())
    assert header == ["email"]
    assert cell.startswith("'")


@pytest.mark.parametrize("harmless", ["eva@example.org", "news,offers", "Grüße, Eva", "2024-05-31T12:00:00Z", ""])
def test_other_cells_stay(harmless: str) -> None:
    assert plain(harmless) == harmless


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, SystemExit])
def test_a_file_is_whole_or_not_there(tmp_path: Path, stop: type[BaseException]) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")
    with pytest.raises(stop):
        _write_half(path, stop)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("out.csv", "before")]
    with whole(path) as file:
        file.write("all")
    assert path.read_text() == "all"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _write_half(path: Path, stop: type[BaseException]) -> None:
    with whole(path) as file:
        file.write("half")
        raise stop
