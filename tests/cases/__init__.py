"""What people type, as tables: `id`, what was typed as JSON, the right answer, and why.

`zzzzzz` stands for any six letters.
"""

import csv
import json
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


@dataclass(frozen=True)
class HoursCase:
    """A line of `hours.tsv` or `hours_more.tsv`: a setting's text, and what it may mean."""

    id: str
    setting: str
    text_json: str
    answer: str
    why: str

    @property
    def text(self) -> str:
        """The setting as it was typed."""
        return str(json.loads(self.text_json))

    @property
    def answers(self) -> set[str]:
        """The right meanings, and `refuse` where it may be refused."""
        return set(self.answer.split(" | "))


@dataclass(frozen=True)
class OpenMinutesCase:
    """A line of `open_minutes.tsv` or `open_minutes_more.tsv`; `holidays` is a state's code."""

    id: str
    start: str
    hours: str
    exceptions: str
    holidays: str
    minutes: str
    answer: str
    why: str


def emails() -> Iterator[EmailCase]:
    """Yield the lines of both tables of addresses."""
    yield from (EmailCase(**row) for row in _rows("emails"))


def hours() -> Iterator[HoursCase]:
    """Yield the lines of both tables of the line's settings."""
    yield from (HoursCase(**row) for row in _rows("hours"))


def open_minutes() -> Iterator[OpenMinutesCase]:
    """Yield the lines of both tables of open minutes."""
    yield from (OpenMinutesCase(**row) for row in _rows("open_minutes"))


def _rows(table: str) -> Iterator[dict[str, str]]:
    for name in (f"{table}.tsv", f"{table}_more.tsv"):
        with (_HERE / name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
