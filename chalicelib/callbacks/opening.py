"""The hotline's hours as the settings of this stage have them."""

import json
from functools import cache
from pathlib import Path

from chalicelib.callbacks import hotline
from chalicelib.callbacks.hotline import Hours
from chalicelib.settings import current


@cache
def hours() -> Hours:
    """The stage's opening hours. Raises BadHours."""
    settings = current()
    return Hours(
        zone=settings.time_zone,
        week=hotline.parse_hours(settings.hotline_hours),
        exceptions=hotline.parse_exceptions(settings.hotline_exceptions),
        holidays=_holidays(settings.hotline_holidays),
    )


def _holidays(state: str) -> frozenset[str]:
    # Made from the `holidays` package by `make generated`: importing that costs as much as a third of a cold start.
    if not state:
        return frozenset()
    table: dict[str, list[str]] = json.loads((Path(__file__).parent / "holidays.json").read_text())
    if state not in table:
        raise hotline.BadHours(f"no German state {state!r}: one of {', '.join(table)}")
    return frozenset(table[state])
