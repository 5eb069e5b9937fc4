"""The words of ours that people read: one catalogue per language, in gettext's format.

The source language is English: code and templates hold the English words, a catalogue
`<language>.po` their translation. `make texts` collects the words (Babel). A company may bring a
catalogue of its own, `texts/<language>.po` in its folder, which comes first. The package that
starts fast has the catalogues as Python modules in `compiled`.

Words that are looked up later, such as those of a table, are marked where they stand with `N_`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from chalicelib import company

SOURCE = "en"
FOLDER = Path(__file__).parent
_COMPILED = FOLDER / "compiled"
_PLURAL = "n != 1"  # of English, and of German

Entries = Mapping[str, str | tuple[str, ...]]  # a context goes before its word, with _GLUE
_GLUE = "\x04"  # as in gettext's binary catalogues


def N_(word: str) -> str:
    """Mark a word for the catalogues; it is looked up where the reader's language is known."""
    return word


class Words:
    """The words in one language. What a catalogue lacks is said in English; a test finds it."""

    def __init__(self, language: str, entries: Entries, plural: str = _PLURAL) -> None:
        self.language = language
        self._entries = entries
        self._plural = plural

    def gettext(self, word: str) -> str:
        """Return a word or sentence."""
        found = self._entries.get(word, word)
        return found if isinstance(found, str) else found[0]

    def pgettext(self, context: str, word: str) -> str:
        """Return a word that has another translation elsewhere; `context` says which is meant."""
        found = self._entries.get(f"{context}{_GLUE}{word}", word)
        return found if isinstance(found, str) else found[0]

    def ngettext(self, one: str, many: str, number: int) -> str:
        """Return the form for a number of things."""
        found = self._entries.get(one)
        if not isinstance(found, tuple):
            return one if number == 1 else many
        return found[int(_form(self._plural)(number))]


def of(language: str) -> Words:
    """Return the words in a language."""
    return _of(language, company.folder())


@cache
def _of(language: str, where: Path) -> Words:
    if where == company.FOLDER and (_COMPILED / f"{language}.py").is_file():
        made = import_module(f"chalicelib.texts.compiled.{language}")
        return Words(language, made.ENTRIES, made.PLURAL)
    found = catalogue(language, where)
    return Words(language, *_parse(found)) if found else Words(language, {})


def catalogue(language: str, where: Path) -> Path | None:
    """Return the `.po` file of a language: the company's own, or ours; None where there is none."""
    own = (where / "texts" / f"{language}.po", FOLDER / f"{language}.po")
    return next((file for file in own if file.is_file()), None)


def precompile() -> None:
    """Write each catalogue as a Python module, for a package that starts fast.

    The words of operators' commands are left out: no function says them.
    """
    _COMPILED.mkdir(exist_ok=True)
    found = {file.stem: file for file in FOLDER.glob("*.po")}
    found |= {file.stem: file for file in (company.FOLDER / "texts").glob("*.po")}
    for language, file in sorted(found.items()):
        entries, plural = _parse(file, without="ops/")
        text = f"ENTRIES = {entries!r}\nPLURAL = {plural!r}\n"
        (_COMPILED / f"{language}.py").write_text(text, encoding="utf-8")
        file.unlink()


def _parse(file: Path, without: str = "") -> tuple[dict[str, str | tuple[str, ...]], str]:
    """Return the entries and the plural's form; without those that only this folder says."""
    # Only a package that starts slowly, and a checkout, have catalogues to parse.
    import polib

    catalogue: Any = polib.pofile(str(file))
    entries: dict[str, str | tuple[str, ...]] = {}
    for each in catalogue.translated_entries():
        if without and all(place.startswith(without) for place, _ in each.occurrences):
            continue
        key = f"{each.msgctxt}{_GLUE}{each.msgid}" if each.msgctxt else each.msgid
        forms = each.msgstr_plural
        entries[key] = tuple(forms[at] for at in sorted(forms)) if forms else each.msgstr
    plural = catalogue.metadata.get("Plural-Forms", "").rpartition("plural=")[2].rstrip("; ")
    return entries, plural or _PLURAL


@cache
def _form(plural: str) -> Callable[[int], int]:
    from gettext import c2py

    chosen: Callable[[int], int] = c2py(plural)
    return chosen
