"""What people type, as tables: `id`, what was typed as JSON, the right answer, and why.

`zzzzzz` stands for any six letters.
"""

import csv
import random
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class EmailCase:
    """A line of `emails.tsv` or `emails_more.tsv`; a cell ending in `json` is JSON."""

    id: str
    typed_json: str
    answer: str
    ascii: str
    shown: str
    other_json: str
    same: str
    hint: str
    why: str

    @property
    def may_be_taken(self) -> bool:
        """Whether the address may be accepted."""
        return "accept" in self.answer

    @property
    def codes(self) -> set[str]:
        """The codes by which it may be refused: `any`, `own`, or one of ours."""
        return set(re.findall(r"refuse:(\w+)", self.answer))

    def fresh(self) -> Self:
        """Return the case with six letters of its own."""
        letters = "".join(random.choices(string.ascii_lowercase[:-1], k=6))
        cells = (getattr(self, each.name) for each in fields(self))
        return type(self)(*(re.sub("zzzzzz(?!z)", letters, cell) for cell in cells))


def emails() -> Iterator[EmailCase]:
    """Yield the lines of both tables of addresses."""
    for name in ("emails.tsv", "emails_more.tsv"):
        with (_HERE / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield EmailCase(**row)
