"""The company this product speaks for, as files that another company replaces.

`company.toml` says its name, links, brand, languages, topics and the texts it owns; `consent/` has
its declarations of consent. What differs by stage is a setting. `infra.company` refuses what is
missing or wrong, before a deployment and in `make check`. The package that starts fast has
the file as a Python module, `compiled`.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from chalicelib.settings import current as current_settings

FOLDER = Path(__file__).parent
_COMPILED = FOLDER / "compiled.py"

Words = Mapping[str, str]  # by language


# A dataclass would take half a millisecond of every start to be made.
class Company:
    """The entries of `company.toml`, which do not change. Topics are in the order they are shown.

    `infra.company` checks them by these annotations.
    """

    name: str
    legal_name: str
    languages: tuple[str, ...]  # the first is the default
    accent: str  # of buttons, marks and the badge; white text must be readable on it
    accent_dark: str  # the same on dark screens; dark text must be readable on it
    slot_minutes: int
    links: Mapping[str, Words]  # imprint, privacy, support: a path of the website, or a URL
    newsletter_topics: Mapping[str, Words]
    callback_topics: Mapping[str, Words]  # the first is the default
    texts: Mapping[str, Mapping[str, str]]  # by language, then by what they are for

    def __init__(self, entries: Mapping[str, Any]) -> None:
        """Take the entries as `read` returns them."""
        self.__dict__.update(entries, languages=tuple(entries["languages"]))

    @property
    def language(self) -> str:
        """The default language."""
        return self.languages[0]

    def link(self, name: str, language: str) -> str:
        """Return the URL of the imprint, the privacy notice or the support page."""
        url = self.links[name][language]
        return f"{current_settings().site_url}{url}" if url.startswith("/") else url

    def newsletter_topic(self, topic: str, language: str) -> str:
        """Return a topic's label; its id where the company has it no longer."""
        return self.newsletter_topics.get(topic, {}).get(language, topic)

    def callback_topic(self, topic: str, language: str) -> str:
        """Return a topic's label; its id where the company has it no longer."""
        return self.callback_topics.get(topic, {}).get(language, topic)

    def spoken(self, wanted: str) -> str:
        """Return the language to answer in: the wanted one (`en`, `en-GB`), else the default."""
        language = wanted.partition("-")[0].lower()
        return language if language in self.languages else self.language


def current() -> Company:
    """Return the company of this stage."""
    return _of(current_settings().company_folder)


def folder() -> Path:
    """Return the folder with the company's files."""
    return _folder(current_settings().company_folder)


def read(where: Path) -> dict[str, Any]:
    """Return the entries of a folder's `company.toml`, unchecked. Raises ValueError."""
    import tomllib

    return tomllib.loads((where / "company.toml").read_text(encoding="utf-8-sig"))


def precompile() -> None:
    """Write `compiled` in place of `company.toml`, for a package that starts fast. Idempotent."""
    if _COMPILED.is_file():
        return
    _COMPILED.write_text(f"ENTRIES = {read(FOLDER)!r}\n", encoding="utf-8")
    (FOLDER / "company.toml").unlink()


@cache
def _folder(elsewhere: str) -> Path:
    return Path(elsewhere) if elsewhere else FOLDER


@cache
def _of(elsewhere: str) -> Company:
    where = _folder(elsewhere)
    if where == FOLDER and _COMPILED.is_file():
        entries = import_module("chalicelib.company.compiled").ENTRIES
    else:
        entries = read(where)
    return Company(entries)
