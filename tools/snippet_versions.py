"""The keeper of the snippet's files: each is served for a year after another has followed."""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

from chalicelib.web import snippet

KEPT = timedelta(days=366)
LIST = "kept.tsv"  # a file's name, and until when it is kept; empty while it is served


def read(folder: Path) -> dict[str, str]:
    """Return until when each file is kept, by its name."""
    if not (folder / LIST).is_file():
        return {}
    with (folder / LIST).open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["until"] for row in csv.DictReader(file, delimiter="\t")}


def renew(folder: Path, current: dict[str, str], today: date) -> None:
    """Write the current files into the folder; drop those whose year is over."""
    kept = {name: until or str(today + KEPT) for name, until in read(folder).items()}
    kept = {name: until for name, until in kept.items() if until >= str(today)}
    kept |= dict.fromkeys(current, "")
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.js"):
        if file.name not in kept:
            file.unlink()
    for name, text in current.items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = ["name\tuntil", *(f"{name}\t{until}" for name, until in sorted(kept.items()))]
    (folder / LIST).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    # The parts of a snippet that was never committed were never served.
    renew(snippet.VERSIONS, dict(snippet.current().files), date.today())
    sys.exit()
