"""The generator of `docs/settings.md`: every setting with its default and meaning.

They come from `chalicelib/settings.py`.
"""

from dataclasses import fields
from pathlib import Path

from chalicelib.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Environment variables of the functions, set per stage in `.chalice/config.json`. \
Lists are separated by commas.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the file's text."""
    rows = []
    for each in fields(Settings):
        default = ",".join(each.default) if isinstance(each.default, tuple) else str(each.default)
        cells = [f"`{each.name.upper()}`", f"`{default}`" if default else "–", each.metadata["doc"]]
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
