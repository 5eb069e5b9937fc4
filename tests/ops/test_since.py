"""The ids that a list of erased persons has, in the shapes that operators bring them in."""

from pathlib import Path

import pytest

from ops import since, tables

KEY, OTHER, REFERENCE = "HHlO93FynuBpg59dZ0m3Qw", "R-GEf2DI35a7tKVr1MIBQw", "R-6S8K"
GONE = {f"SUB#{KEY}", f"SUB#{OTHER}", f"CALLBACK#{REFERENCE}"}


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY}\n{OTHER}\n{REFERENCE}\n",
        f"{KEY}, {OTHER},{REFERENCE}",
        f"subscriber,reference\r\n{KEY},\r\n{OTHER},\r\n,{REFERENCE}\r\n",
        f'"subscriber";"reference"\n"{KEY}";""\n"{OTHER}";"{REFERENCE}"\n',
    ],
    ids=["lines", "commas", "Logs Insights", "Excel"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_everybody_in_a_list_is_found(text: str, encoding: str, tmp_path: Path) -> None:
    file = tmp_path / "erased"
    file.write_text(text, encoding, newline="")
    assert since.named(tables.text(file)) == GONE


@pytest.mark.parametrize("other", ["eva@example.org", KEY[:-1], "R-1", f"SUB#{KEY}", "\ufeff"])
def test_what_is_no_id_is_refused_and_named(other: str) -> None:
    """Check that nobody who was erased comes back since a line could not be read."""
    with pytest.raises(ValueError, match=f"^{other}$"):
        since.named(f"{KEY}\n{other}\n")
