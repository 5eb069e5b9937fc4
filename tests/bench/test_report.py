"""The benchmark's document follows its last run, and its check fails above three percent."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import check, report
from bench.goals import goals

FIGURES = {"python": "3.11", "cold": 0.9, "warm": 0.8}


@pytest.fixture
def results(root: Path) -> dict[str, object]:
    """Return the figures of the last run that was committed."""
    found: dict[str, object] = json.loads((root / "bench" / "results" / "latest.json").read_text())
    return found


def test_the_document_has_the_last_runs_table_and_chart(
    root: Path, results: dict[str, object]
) -> None:
    document = (root / "docs" / "performance.md").read_text()
    assert report.into(document, results) == document
    assert (root / "docs" / "performance.svg").read_text() == report.chart(results)


def test_the_chart_is_xml_with_a_bar_for_each(results: dict[str, object]) -> None:
    bars = list(
        ElementTree.fromstring(report.chart(results)).iter("{http://www.w3.org/2000/svg}rect")
    )
    assert len(bars) > 15
    assert all(float(bar.get("width", "0").rstrip("%")) > 0 for bar in bars)


def test_a_document_without_marks_is_refused(results: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no marks"):
        report.into("text", results)


def test_goals_tell_what_is_missed(results: dict[str, object]) -> None:
    said = report.verdicts(results)
    missed = [what for what, reached, most in goals(results) if reached > most]
    assert said.count("MISSED") == len(missed)
    assert len(said.splitlines()) == len(goals(results))


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({}, 0),
        ({"cold": 0.926}, 0),  # 2.9 % more
        ({"cold": 0.928}, 1),  # 3.1 % more
        ({"warm": 0.825}, 1),
        ({"cold": 0.5, "warm": 0.5}, 0),
        ({"cold": 2.0, "python": "3.13"}, 0),  # another Python's figures are shown, not judged
    ],
)
def test_the_gate_closes_above_three_percent(
    found: dict[str, object], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check.judge({**FIGURES, **found}, FIGURES) == code
    assert capsys.readouterr().out.count("committed") == 2
