"""Every specimen of the preview, made once, and the tools that judge them."""

import traceback
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chalicelib import company, templates
from local.preview import specimens
from local.preview.scene import stage
from local.preview.specimens import Shown
from tests import npm

NPM = Path(__file__).parent / "npm"


@dataclass
class Collection:
    """The specimens by the start of their path, such as `mail/welcome.de`."""

    shown: dict[str, Shown] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)  # those that could not be made, and why
    templates: set[str] = field(default_factory=set)  # that were read for them

    @property
    def mails(self) -> dict[str, Shown]:
        """The mails to customers; those to the staff are text only."""
        return {
            path: each
            for path, each in self.shown.items()
            if path.startswith("mail/") and each.html
        }

    @property
    def pages(self) -> dict[str, Shown]:
        return {path: each for path, each in self.shown.items() if not each.text}

    def write(self, folder: Path, start: str = "") -> list[Path]:
        """Write the HTML of those whose path begins so, and return the files."""
        files = []
        for path, each in self.shown.items():
            if path.startswith(start) and each.html:
                files.append(folder / f"{path}.html")
                files[-1].parent.mkdir(parents=True, exist_ok=True)
                files[-1].write_text(each.html, "utf-8")
        return files


@pytest.fixture(scope="session")
def collection() -> Collection:
    made = Collection()
    with stage():
        read = templates._environment(company.folder()).cache
        assert read is not None
        read.clear()
        for name, each in specimens.every().items():
            for language in each.languages:
                try:
                    made.shown[f"{name}.{language}"] = specimens.show(each, language)
                except Exception:
                    made.faults[f"{name}.{language}"] = traceback.format_exc()
        made.templates = {name for _, name in read.keys()}  # noqa: SIM118  # Jinja's, no dict
    return made


@pytest.fixture(scope="session")
def tools(root: Path) -> Path:
    """Install the locked npm packages."""
    return npm.installed(NPM, root)
