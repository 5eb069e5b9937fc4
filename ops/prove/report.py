"""The report of a run, as JSON and as a page. Pure.

A report is of one stage and day. What passed stays in it, so that a later run of the day does what
is left.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

Status = Literal["PASS", "FAIL", "ONLY AWS", "NOT DONE"]
STATUSES: tuple[Status, ...] = get_args(Status)
FORMAT = 1


@dataclass(frozen=True)
class Result:
    """What became of a line: `told` is the measured figure, or why it is not proven."""

    line: str  # the line's id
    sentence: str
    status: Status
    told: str
    at: str  # when it ended
    seconds: float


@dataclass(frozen=True)
class Report:
    """The results of a stage's lines on one day, in the order of the table."""

    stage: str
    day: str
    url: str = ""
    account: str = ""
    region: str = ""
    results: Mapping[str, Result] = field(default_factory=dict)  # by the line's id

    def has(self, line: str) -> bool:
        """Tell whether a line has passed."""
        return line in self.results and self.results[line].status == "PASS"

    def with_(self, result: Result) -> "Report":
        """Return the report with a line's result in the place of an earlier one."""
        return replace(self, results={**self.results, result.line: result})

    def in_order(self, lines: list[str]) -> "Report":
        """Return the report with its results in this order; lines that are none any more go."""
        kept = {each: self.results[each] for each in lines if each in self.results}
        return replace(self, results=kept)

    def count(self, status: Status) -> int:
        """Return how many lines have a status."""
        return sum(each.status == status for each in self.results.values())

    @property
    def summary(self) -> str:
        """How many lines have each status, those that none has left out."""
        counts = {each: self.count(each) for each in STATUSES}
        return ", ".join(f"{count} {each}" for each, count in counts.items() if count)


def as_json(report: Report) -> str:
    """Return the report as JSON."""
    lines = [asdict(each) for each in report.results.values()]
    head = {name: value for name, value in vars(report).items() if name != "results"}
    whole = {"format": FORMAT, **head, "summary": report.summary, "lines": lines}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def read(text: str) -> Report | None:
    """Return the report of a JSON text; None where it is none, or of another format."""
    try:
        whole: dict[str, Any] = json.loads(text)
        if whole.pop("format") != FORMAT:
            return None
        whole.pop("summary")
        results = [Result(**each) for each in whole.pop("lines")]
        return Report(**whole, results={each.line: each for each in results})
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def as_page(report: Report, title: str, head: tuple[str, str, str, str]) -> str:
    """Return the report in Markdown: `title`, `head` over the four columns, a row for each line."""
    rows = [
        (each.status, each.sentence, each.told, f"{each.at} ({each.seconds:.0f} s)")
        for each in report.results.values()
    ]
    where = " · ".join(filter(None, (report.url, report.account, report.region)))
    table = [head, ("---",) * len(head), *rows]
    body = "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in table)
    return f"# {title}\n\n{where}\n\n{report.summary}\n\n{body}\n"


def paths(folder: Path, stage: str, day: date) -> tuple[Path, Path]:
    """Return where the report of a day is kept: the page and the JSON."""
    name = f"{stage}-{day.isoformat()}"
    return folder / f"{name}.md", folder / f"{name}.json"


def _cell(text: str) -> str:
    """Return a text that stays in its cell of a table."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
