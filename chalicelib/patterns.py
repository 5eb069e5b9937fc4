"""Regular expressions that are compiled when the package is made.

Python compiles the regular expressions of its libraries at every start, which takes a twentieth of
it. A package that starts fast brings them along in the module `compiled_patterns`; `load` puts them
into the cache of `re`, where `re.compile` looks first. Its data fits one version of `re`, so that
another one compiles as always.
"""

import _sre  # type: ignore[import-not-found]  # what `re` makes its patterns with
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module

COMPILED = "chalicelib/compiled_patterns.py"  # in a package

Row = tuple[str | bytes, int, int, tuple[int, ...], int, dict[str, int], tuple[str | None, ...]]


def load() -> None:
    """Put the package's patterns into the cache of `re`. Do nothing where it brings none."""
    try:
        made = import_module("chalicelib.compiled_patterns")
    except ImportError:
        return
    if _fits() == made.FITS:
        for row in made.ROWS:
            re._cache.setdefault((type(row[0]), *row[:2]), pattern(row))  # type: ignore[attr-defined]


def pattern(row: Row) -> re.Pattern[str] | re.Pattern[bytes]:
    """Make the pattern of a row."""
    text, _, flags, code, groups, index, names = row
    made: re.Pattern[str] | re.Pattern[bytes] = _sre.compile(
        text, flags, list(code), groups, index, names
    )
    return made


def precompile() -> None:
    """Write the patterns that this process has compiled as a module of the package."""
    from pathlib import Path  # its import compiles a pattern

    text = "".join(f"    {row!r},\n" for row in rows(re._cache))  # type: ignore[attr-defined]
    made = Path(__file__).parent.parent / COMPILED
    made.write_text(f"FITS = {_fits()!r}\nROWS = (\n{text})\n", encoding="utf-8")


def rows(keys: Iterable[tuple[type, str | bytes, int]]) -> Iterator[Row]:
    """Yield what `pattern` needs of each key of the cache: its type, its text and its flags."""
    for _, text, flags in sorted(keys, key=repr):
        parsed = re._parser.parse(text, flags)  # type: ignore[attr-defined]
        state, code = parsed.state, re._compiler._code(parsed, flags)  # type: ignore[attr-defined]
        names: list[str | None] = [None] * state.groups
        for name, number in state.groupdict.items():
            names[number] = name
        final, numbers, index = flags | state.flags, tuple(map(int, code)), dict(state.groupdict)
        yield text, flags, final, numbers, state.groups - 1, index, tuple(names)


def _fits() -> tuple[int | str, ...]:
    """Return what a pattern's code depends on: it is the same for all releases of a version."""
    return (*sys.version_info[:2], _sre.MAGIC, _sre.CODESIZE, sys.byteorder)
