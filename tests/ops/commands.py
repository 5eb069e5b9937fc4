"""The operators' commands in this process, on the stage that a test's backend has entered."""

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from ops.__main__ import main
from ops.failures import Commands

# The group has no `--stage` here, since the backend has set the environment.
_OPS = Commands("ops", commands=main.commands)
WORDING = "Ja, ich möchte Post von Tauberwerk.\nDas kann ich jederzeit widerrufen."
COLUMNS = (
    *("email", "language", "topics", "consent_version", "consent_text"),
    *("confirmed_at", "source_address", "page", "proof_note"),
)


def ops(*arguments: str | Path, answer: str | None = None) -> Result:
    """Run a command, with an answer if it asks. Raises whatever it raises beyond an exit."""
    return CliRunner().invoke(
        _OPS, [str(each) for each in arguments], input=answer, catch_exceptions=False
    )


def row(email: str, **changes: str) -> dict[str, str]:
    """Return a row with its proof."""
    given = {
        "language": "de",
        "topics": "news",
        "consent_version": "shop-2",
        "consent_text": WORDING,
        "confirmed_at": "2024-05-31T12:00:00+02:00",
        "source_address": "192.0.2.7",
        "page": "https://alt.example/form",
        "proof_note": "Ordner 7",
    }
    return {"email": email, **given, **changes}


def written(path: Path, *rows: dict[str, str]) -> Path:
    """Write a file with these rows."""
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
