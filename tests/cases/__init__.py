"""What people type, as tables: `id`, what was typed as JSON, the right answer, and why.

Alternatives in an answer are divided by ` | `. In addresses `zzzzzz` stands for any six letters.
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


@dataclass(frozen=True)
class PhoneCase:
    """A line of `phones.tsv` or `phones_more.tsv`, for the regions that are called.

    An answer is E.164, with ` x` and an extension; or a code. `phone` is any code that says what is
    wrong, but not region, kind or own number.
    """

    id: str
    typed_json: str
    regions: str
    answer: str
    need: str  # `readback`: right only if the visitor sees how the number was read
    why: str

    @property
    def typed(self) -> str:
        """What was typed."""
        return str(json.loads(self.typed_json))

    def fits(self, answer: str) -> bool:
        """Tell whether an answer is right."""
        wanted = self.answer.split(" | ")
        own = answer.startswith("phone") and answer not in (
            "phone_region",
            "phone_kind",
            "phone_own",
        )
        return answer in wanted or (own and "phone" in wanted)


@dataclass(frozen=True)
class TextCase:
    """A line of `names_notes.tsv` or `names_more.tsv`.

    An answer is what is stored, as JSON, or `refuse:` and a code, which may be `any`.
    """

    id: str
    field: str  # `name` or `note`
    typed_json: str
    answer: str
    why: str

    @property
    def typed(self) -> str:
        """What was typed."""
        return str(json.loads(self.typed_json))

    def fits(self, stored: str) -> bool:
        """Tell whether it is right to store this."""
        return any(
            not each.startswith("refuse:") and json.loads(each) == stored
            for each in self.answer.split(" | ")
        )

    def may_be_refused(self, code: str) -> bool:
        """Tell whether it is right to refuse it by this code."""
        return bool({"refuse:any", f"refuse:{code}"} & set(self.answer.split(" | ")))


@dataclass(frozen=True)
class ArticleCase:
    """A line of `slugs_titles.tsv` or `slugs_titles_more.tsv`: what a site calls an article.

    Of a `name` the answer is what it is counted under, empty for nothing, `*` for any stable name;
    of a `title` it is what is kept, as JSON.
    """

    id: str
    kind: str  # `name` or `title`
    given_json: str
    answer: str
    why: str

    @property
    def given(self) -> str:
        """What the site gives."""
        return str(json.loads(self.given_json))

    def fits(self, found: str) -> bool:
        """Tell whether this name or title is right."""
        if self.kind == "name":
            return self.answer == found or (self.answer == "*" and found != "")
        return found in map(json.loads, self.answer.split(" | "))


@dataclass(frozen=True)
class AgentCase:
    """A line of `user_agents.tsv`: a user agent and its class, or several classes."""

    id: str
    classes: str
    user_agent: str
    why: str

    def fits(self, found: str) -> bool:
        """Tell whether this class is right."""
        return found in self.classes.split(" | ")


def emails() -> Iterator[EmailCase]:
    """Yield the lines of both tables of addresses."""
    yield from (EmailCase(**row) for row in _rows("emails.tsv", "emails_more.tsv"))


def hours() -> Iterator[HoursCase]:
    """Yield the lines of both tables of the line's settings."""
    yield from (HoursCase(**row) for row in _rows("hours.tsv", "hours_more.tsv"))


def open_minutes() -> Iterator[OpenMinutesCase]:
    """Yield the lines of both tables of open minutes."""
    found = _rows("open_minutes.tsv", "open_minutes_more.tsv")
    yield from (OpenMinutesCase(**row) for row in found)


def phones() -> Iterator[PhoneCase]:
    """Yield the lines of both tables of telephone numbers."""
    yield from (PhoneCase(**row) for row in _rows("phones.tsv", "phones_more.tsv"))


def names_and_notes() -> Iterator[TextCase]:
    """Yield the lines of both tables of names and notes."""
    yield from (TextCase(**row) for row in _rows("names_notes.tsv", "names_more.tsv"))


def articles() -> Iterator[ArticleCase]:
    """Yield the lines of both tables of articles' names and titles."""
    rows = _rows("slugs_titles.tsv", "slugs_titles_more.tsv")
    yield from (ArticleCase(**row) for row in rows)


def agents() -> Iterator[AgentCase]:
    """Yield the lines of the table of user agents."""
    for row in _rows("user_agents.tsv"):
        yield AgentCase(row["id"], row["class"], row["user_agent"], row["why"])


def _rows(*names: str) -> Iterator[dict[str, str]]:
    for name in names:
        with (_HERE / name).open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
