"""The metrics that CloudWatch reads off log lines by a metric filter.

Source: CloudWatch Logs' user guide, "Filter pattern syntax for metric filters". Known is what the
stages use: one property of a JSON line that equals a text, and a value that is a number or a
property.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_PATTERN = re.compile(r'\{ \$\.(\w+) = "([^"]*)" \}')


def of(line: str, filters: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, float]]:
    """Yield namespace, name and value of each metric that a log line is counted for."""
    try:
        told = json.loads(line)
    except ValueError:
        return
    if not isinstance(told, dict):
        return
    for each in filters:
        pattern = _PATTERN.fullmatch(each["filterPattern"])
        if pattern is None or told.get(pattern[1]) != pattern[2]:
            continue
        for wanted in each["metricTransformations"]:
            written = wanted["metricValue"]
            value = str(told.get(written[2:])) if written.startswith("$.") else written
            try:
                yield wanted["metricNamespace"], wanted["metricName"], float(value)
            except ValueError:
                continue  # CloudWatch counts no line whose value is no number
