r"""The rows of a file as other programs write it: CSV, Excel's "Unicode text", JSON lines.

Encoding and separator are found out. Lines are counted as an editor counts them.
"""

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from chalicelib.http.bodies import trimmed
from ops.words import _, ngettext

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_BARE = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}  # the same without the mark
_SEPARATORS = (",", ";", "\t")
_SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.I)  # Excel's first line, which names the separator
_AS_TEXT = re.compile(r'="(.*)"', re.S)  # Excel's cell that must not become a number
# A quote that is not closed makes a cell of all that follows; no cell of anybody's is as long.
_LONGEST = 5_000_000
# A line after the last one shows whether a quote is open still. No file of anybody's has it.
_END = "\ue000end of file\ue000"
csv.field_size_limit(2 * _LONGEST)


class BadFile(ValueError):
    """The file as a whole cannot be read; the text says why."""


@dataclass(frozen=True)
class Cells:
    """One row as it stands in the file, by the names of its header.

    `wrong` says if its cells do not fit the header; `has` is how many there are.
    """

    line: int
    named: dict[str, str]
    wrong: str = ""
    has: int = 0


@dataclass(frozen=True)
class Table:
    """A file's header, and how to read its rows."""

    path: Path
    encoding: str
    header: tuple[str, ...]
    separator: str = ","  # empty: JSON lines
    first: int = 1  # line of the header, none where it is 0

    def rows(self, passed: Callable[[int], object] = lambda size: None) -> Iterator[Cells]:
        """Yield the rows one at a time. Raises BadFile.

        `passed` is called with the number of bytes of each line that has been read. Rows without
        any content are left out.
        """
        lines = _lines(self.path, self.encoding, passed)
        if not self.separator:
            yield from _objects(lines)
            return
        reader = csv.reader(chain(lines, (_END,)), delimiter=self.separator)
        _skip(reader, self.first)
        while True:
            line = reader.line_num + 1  # the row's first, as a cell may have several
            try:
                cells = next(reader)
            except csv.Error as error:
                told = _("line %(line)s cannot be read as CSV: %(error)s", line=line, error=error)
                raise BadFile(told) from None
            if cells == [_END]:
                return
            if (cells and _END in cells[-1]) or sum(map(len, cells)) > _LONGEST:
                raise BadFile(_("line %(line)s: a quote is never closed", line=line))
            cells = [_unwrapped(cell) for cell in cells]
            if any(map(trimmed, cells)):
                yield self._named(line, cells)

    def _named(self, line: int, cells: Sequence[str]) -> Cells:
        named = dict(zip(self.header, cells, strict=False))
        while len(cells) > len(self.header) and not trimmed(cells[-1]):
            cells = cells[:-1]  # separators at the end of the line
        if len(cells) == len(self.header):
            return Cells(line, named, has=len(cells))
        wrong = ngettext(
            "%(num)s cell, the header has %(header)s",
            "%(num)s cells, the header has %(header)s",
            len(cells),
            header=len(self.header),
        )
        return Cells(line, named, wrong, len(cells))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hex; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text(path: Path) -> str:
    """Return a file's text, whatever its encoding. Raises BadFile."""
    return path.read_text(_encoding(path))


def opened(path: Path, encoding: str = "") -> Table:
    """Return a file with its header. Raises BadFile.

    Without an `encoding` it is found out: by the bytes at the beginning, else UTF-8, else
    Windows-1252, which German Excel writes.
    """
    encoding = encoding or _encoding(path)
    lines = enumerate(_lines(path, encoding), 1)
    number, first = next(((at, line) for at, line in lines if line.strip()), (0, ""))
    if first.lstrip().startswith("{"):
        return Table(path, encoding, _keys(first), "", 0)
    separator = ""
    if found := _SEP_LINE.fullmatch(first):
        separator = found[1]
        number, first = next(lines, (number + 1, ""))
    lines_of_header = [first]
    while "".join(lines_of_header).count('"') % 2 and len(lines_of_header) < 50:
        lines_of_header.append(next(lines, (0, ""))[1])
    unquoted = re.sub('"[^"]*"', "", "".join(lines_of_header))
    separator = separator or max(_SEPARATORS, key=unquoted.count)
    header = tuple(trimmed(_unwrapped(name)) for name in _cells(lines_of_header, separator))
    while header and not header[-1]:
        header = header[:-1]
    return Table(path, encoding, header, separator, number + len(lines_of_header) - 1)


def bare(table: Table) -> Table:
    """Return a file that turned out to have no header: what was read as one is its first row."""
    return replace(table, first=table.first - 1 if table.separator else 0)


def _cells(lines: Sequence[str], separator: str) -> list[str]:
    return next(csv.reader(lines, delimiter=separator), [])


def _skip(reader: "csv._reader", line: int) -> None:  # type: ignore[name-defined]
    """Read on until the header has been read, whose last line is this one."""
    while reader.line_num < line and next(reader, None) is not None:
        pass


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4)
        for bom, name in _BOMS:
            if head.startswith(bom):
                return name
        if len(head) > 1 and 0 in head[:2]:
            return "utf-16-be" if head[0] == 0 else "utf-16-le"
        file.seek(0)
        utf_8, other = 0, 0  # the first lines with letters beyond ASCII, of either kind
        for number, line in enumerate(file, 1):
            if line.isascii():
                continue
            try:
                line.decode()
                utf_8 = utf_8 or number
            except UnicodeDecodeError:
                other = other or number
    if utf_8 and other:
        told = _("line %(utf_8)s is in UTF-8, line %(other)s is not", utf_8=utf_8, other=other)
        raise BadFile(told)
    return "cp1252" if other else "utf-8"


def _lines(
    path: Path, encoding: str, passed: Callable[[int], object] = lambda size: None
) -> Iterator[str]:
    r"""Yield the lines with their ends: `\n`, `\r\n` or `\r`. Raises BadFile."""
    try:
        with path.open(encoding=encoding, newline="") as file:
            for line in file:
                passed(len(line.encode(_BARE.get(encoding, encoding), "replace")))
                yield line.replace("\0", "\N{REPLACEMENT CHARACTER}")
    except (UnicodeError, LookupError):
        told = _("%(file)s cannot be read in the encoding %(name)s", file=path, name=encoding)
        raise BadFile(told) from None


def _unwrapped(cell: str) -> str:
    found = _AS_TEXT.fullmatch(cell.strip()) if cell[:1] in "= " else None
    return found[1] if found else cell


def _keys(line: str) -> tuple[str, ...]:
    named = _object(line)
    if named is None:
        raise BadFile(_("line %(line)s cannot be read as JSON", line=1))
    return tuple(named)


def _objects(lines: Iterable[str]) -> Iterator[Cells]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            named = _object(line)
            wrong = "" if named else _("it cannot be read as JSON")
            yield Cells(number, named or {}, wrong, len(named or {}))


def _object(line: str) -> dict[str, str] | None:
    """Return the texts of a JSON object, lists with commas; None for anything else."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return {name: _text(value) for name, value in found.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode(errors="replace").decode()  # a lone surrogate is no text
