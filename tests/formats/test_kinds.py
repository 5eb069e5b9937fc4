"""Whatever the stores call their keys is a kind in `ops/kinds.py`."""

import re
from pathlib import Path

from ops.kinds import KINDS

# Keys of indexes, which are no items of their own.
OF_INDEXES = {"SENT#"}


def test_every_key_in_the_code_is_of_a_kind(root: Path) -> None:
    found = set[str]()
    for file in (root / "chalicelib").rglob("*.py"):
        code = file.read_text()
        found |= set(re.findall(r'f?"([A-Z][A-Z-]*#)', code))
        found |= set(re.findall(r'"pk": "([A-Z-]+)[#"]', code))
        found |= set(re.findall(r'pk="([A-Z-]+)"', code))
    known = tuple(filter(None, (key for each in KINDS for key in (each.pk, each.sk))))
    assert {"SUB#", "GROWTH", "COMMENT#", "SWEEP"} <= found
    new = {each for each in found - OF_INDEXES if not each.startswith(known)}
    assert new == set(), "give these kinds a row in ops/kinds.py"
