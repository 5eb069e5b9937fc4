"""The report of a run: tables for the terminal and the document, and a chart."""

from typing import Any
from xml.sax.saxutils import escape

from bench.goals import BATCH, F, cold, goals

_WIDTH, _LEFT, _ROW = 860, 190, 24
_COLOURS = {"ours": "#0b5c4d", "stream": "#5aa08f", "peer": "#a9b4b1"}


def table(results: dict[str, Any]) -> str:
    """Return a Markdown table with a line for each contestant."""
    lines = [
        "| | import, MI | first request, MI | both, of F | ms | RSS, MB | warm request, MI |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, found in results["instructions"].items():
        times = results["times"][name]
        requests = (
            ", ".join(f"{what} {count:.2f}" for what, count in found["requests"].items()) or "–"
        )
        of_floor = cold(results, name) / cold(results, F)
        lines.append(
            f"| {name} | {found['import']:,.0f} | {found['first']:,.0f} | {of_floor:.2f} |"
            f" {times['import']:.0f} + {times['first']:.0f} | {times['rss']:.0f} | {requests} |"
        )
    return "\n".join(lines)


def into(document: str, results: dict[str, Any]) -> str:
    """Return the document with this run's tables and verdicts between its marks.

    Raises ValueError if it has no marks.
    """
    before, mark, rest = document.partition("<!-- made by make bench -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not (mark and end):
        raise ValueError("the document has no marks for the table")
    zipped = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in results["zipped"].items())
    parts = [
        f"Python {results['python']}; zip: {zipped}.",
        table(results),
        f"```\n{verdicts(results)}\n```",
        "Where a start's instructions go, each import after those above it:",
        profiles(results["profiles"]),
        "Where a warm view goes:",
        profiles({"customer-contact": results["warm"]}),
        "Of a fresh process until the answer: "
        + ", ".join(f"{what} {spent:,.0f} MI" for what, spent in results["fresh"].items())
        + ".",
    ]
    made = "\n\n".join(parts) + "\n"
    return f"{before}{mark}\n{made}\n{end}{after}"


def profiles(found: dict[str, dict[str, float]]) -> str:
    """Return a Markdown table of instructions by step, with a line for each step."""
    lines = ["| | | MI | |", "|---|---|---|---|"]
    for name, steps in found.items():
        whole = sum(steps.values())
        digits = 0 if whole > 100 else 2
        lines += [
            f"| {name} | {step} | {spent:,.{digits}f} | {spent / whole:.0%} |"
            for step, spent in steps.items()
        ]
    return "\n".join(lines)


def verdicts(results: dict[str, Any]) -> str:
    """Return a line for each goal: whether it is met, the ratio reached and the highest allowed."""
    return "\n".join(
        f"{'met   ' if reached <= most else 'MISSED'} {reached:5.2f} ≤ {most:.2f}  {what}"
        for what, reached, most in goals(results)
    )


def chart(results: dict[str, Any]) -> str:
    """Return a bar chart of cold starts and of a warm view, as SVG without outside styles."""
    starts = {name: cold(results, name) for name in results["instructions"] if name != BATCH}
    views = {
        name: each["requests"]["view"]
        for name, each in results["instructions"].items()
        if "view" in each["requests"]
    }
    parts, y = _bars("Cold start until the first answer, million instructions", starts, results, 28)
    more, y = _bars("A new view, warm, over TLS, million instructions", views, results, y + 34)
    body = "\n".join([*parts, *more])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 10}"'
        ' font-family="sans-serif" font-size="13" role="img"'
        ' aria-label="Instructions of cold starts and warm requests">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _bars(
    title: str, values: dict[str, float], results: dict[str, Any], y: int
) -> tuple[list[str], int]:
    scale = (_WIDTH - _LEFT - 90) / max(values.values())
    parts = [f'<text x="10" y="{y - 8}" font-weight="bold">{title}</text>']
    for name, value in sorted(values.items(), key=lambda each: each[1]):
        width = value * scale
        parts.append(
            f'<text x="{_LEFT - 8}" y="{y + 16}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="{_LEFT}" y="{y + 3}" width="{width:.1f}" height="18"'
            f' fill="{_COLOURS[results["kinds"][name]]}"/>'
            f'<text x="{_LEFT + width + 6:.1f}" y="{y + 16}">'
            f"{value:,.{0 if value > 100 else 2}f}</text>"
        )
        y += _ROW
    return parts, y
