"""The generator of `chalicelib/callbacks/holidays.json`: the public holidays of German states.

They come from the package `holidays`.
"""

import json
from pathlib import Path

import holidays

TABLE = Path(__file__).parent.parent / "chalicelib" / "callbacks" / "holidays.json"
YEARS = range(2026, 2041)


def table() -> str:
    """Return the file's text, JSON of state → sorted days."""
    states = sorted(holidays.list_supported_countries()["DE"])
    days = {
        state: sorted(
            day.isoformat() for day in holidays.country_holidays("DE", subdiv=state, years=YEARS)
        )
        for state in states
    }
    return json.dumps(days, separators=(",", ":")).replace("],", "],\n") + "\n"


if __name__ == "__main__":
    TABLE.write_text(table())
