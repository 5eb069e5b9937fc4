"""The generator of `docs/dashboard.svg`: `infra/dashboard.json` as CloudWatch shows it.

The figures are those of `dashboard_hour.json`, from an hour of traffic that
`python -m tests.infra.hour` plays to the app on an emulator.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "dashboard.svg"
HOUR = Path(__file__).parent / "dashboard_hour.json"
_COLUMN, _ROW, _GAP, _TOP = 52, 34, 8, 34  # pixels
_COLOURS = ("#2a6fb0", "#d9822b", "#2b8a57", "#b8393b", "#7d57b5", "#8a5f4d", "#c2579c")
_TIMES = ("09:00", "09:30", "10:00")


def _percentile(share: float) -> Callable[[Sequence[float]], float]:
    return lambda values: sorted(values)[math.ceil(share * len(values)) - 1]


STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "SampleCount": len,
    "p50": _percentile(0.5),
    "p95": _percentile(0.95),
    "p99": _percentile(0.99),
}


def series(widget: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Yield each metric of a widget: its name with dimensions, its statistic, whether right axis.

    CloudWatch's abbreviations `.` and `...` are written out.
    """
    before: list[str] = []
    for metric in widget["metrics"]:
        given = [each for each in metric if isinstance(each, str)]
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        if given[0] == "...":
            given = [*before[: len(before) - len(given) + 1], *given[1:]]
        before = [
            old if new == "." else new
            for new, old in zip(given, [*before, *given][: len(given)], strict=True)
        ]
        name = "/".join([*before[:2], *before[3::2]])
        yield name, options.get("stat", widget["stat"]), options.get("yAxis") == "right"


def picture() -> str:
    """Return the file's text."""
    hour, widgets = (
        json.loads(HOUR.read_text()),
        json.loads((ROOT / "infra" / "dashboard.json").read_text())["widgets"],
    )
    width = 24 * _COLUMN + _GAP
    height = _TOP + _ROW * max(each["y"] + each["height"] for each in widgets) + _GAP
    drawn = "\n".join(_widget(each, hour) for each in widgets)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="11" fill="#333" role="img"'
        ' aria-label="The dashboard in CloudWatch">\n'
        '<rect width="100%" height="100%" fill="#eef0f2"/>\n'
        f'<text x="{_GAP}" y="22" font-size="15" font-weight="bold">customer-contact-prod</text>\n'
        f"{drawn}\n</svg>\n"
    )


def _widget(widget: dict[str, Any], hour: dict[str, list[list[float]]]) -> str:
    left_edge, top_edge = widget["x"] * _COLUMN + _GAP, widget["y"] * _ROW + _TOP
    wide, high = widget["width"] * _COLUMN - _GAP, widget["height"] * _ROW - _GAP
    listed = list(series(widget["properties"]))
    lines = [
        [STATISTICS[stat](slot) if slot else None for slot in hour[name]]
        for name, stat, _ in listed
    ]
    tops = {
        right: _top(
            value or 0
            for line, (*_, at) in zip(lines, listed, strict=True)
            if at is right
            for value in line
        )
        for right in (False, True)
    }
    labels = [_label(listed, number) for number in range(len(listed))]
    places = list(_flowing(labels, wide - 20))
    left, upper, lower = 44, 34, high - 36 - places[-1][1]
    title = escape(widget["properties"]["title"])
    parts = [
        f'<rect width="{wide}" height="{high}" fill="#fff" stroke="#d5d9dd"/>',
        f'<text x="10" y="19" font-size="13" font-weight="bold">{title}</text>',
    ]
    for share in (0, 0.5, 1):
        at = lower - share * (lower - upper)
        parts.append(f'<path d="M{left} {at:.1f}H{wide - 40}" stroke="#e3e6e8"/>')
        parts.append(
            f'<text x="{left - 5}" y="{at + 4:.1f}" text-anchor="end">'
            f"{_number(share * tops[False])}</text>"
        )
        if any(right for *_, right in listed):
            parts.append(
                f'<text x="{wide - 35}" y="{at + 4:.1f}">{_number(share * tops[True])}</text>'
            )
    for index, time in enumerate(_TIMES):
        at = left + index * (wide - 40 - left) / 2
        parts.append(
            f'<text x="{at:.1f}" y="{lower + 14}" text-anchor="middle" fill="#777">{time}</text>'
        )
    for number, ((*_, right), line) in enumerate(zip(listed, lines, strict=True)):
        colour, step = _COLOURS[number % len(_COLOURS)], (wide - 40 - left) / (len(line) - 1)
        points = " ".join(
            f"{left + at * step:.1f},{lower - value / tops[right] * (lower - upper):.1f}"
            for at, value in enumerate(line)
            if value is not None
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>'
        )
        seen = points.split() if len(points.split()) < 3 else ()
        parts += [
            f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>'
            for x, y in (each.split(",") for each in seen)
        ]
        at, under = 10 + places[number][0], lower + 30 + places[number][1]
        parts.append(f'<rect x="{at:.1f}" y="{under - 8}" width="9" height="9" fill="{colour}"/>')
        parts.append(
            f'<text x="{at + 12:.1f}" y="{under}" font-size="9.5">{escape(labels[number])}</text>'
        )
    return f'<g transform="translate({left_edge} {top_edge})">\n' + "\n".join(parts) + "\n</g>"


def _flowing(labels: Sequence[str], wide: float) -> Iterator[tuple[float, int]]:
    """Yield the place x, y of each legend entry, from left to right and then below, in pixels."""
    x, y = 0.0, 0
    for label in labels:
        takes = 26 + 5.4 * len(label)
        if x and x + takes > wide:
            x, y = 0.0, y + 14
        yield x, y
        x += takes


def _label(listed: Sequence[tuple[str, str, bool]], number: int) -> str:
    """Return what distinguishes a line from the others: metric, function or table, or statistic."""
    name, stat, _ = listed[number]
    if len({each for each, *_ in listed}) == 1 < len(listed):
        return stat
    parts = name.removeprefix("AWS/").removeprefix("customer-contact/").split("/")
    metrics = [
        each.removeprefix("AWS/").removeprefix("customer-contact/").split("/")[1]
        for each, *_ in listed
    ]
    label = parts[-1] if metrics.count(parts[1]) > 1 else parts[1]
    return label.removeprefix("customer-contact-STAGE").lstrip("-") or "API"


def _top(values: Iterator[float]) -> float:
    """Return an axis's top: the largest value rounded up to 1, 2, 5 or 10 times its power of 10."""
    largest = max(values, default=0) or 1
    power = 10 ** math.floor(math.log10(largest))
    return float(next(each * power for each in (1, 2, 5, 10) if each * power >= largest))


def _number(value: float) -> str:
    return f"{value:,.6g}" if value < 1000 else f"{value:,.0f}"


if __name__ == "__main__":
    PICTURE.write_text(picture())
