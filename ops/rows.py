"""The rows of an import's file: how they are read and checked, and why a row is refused."""

import csv
import hashlib
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from chalicelib import company, instants
from chalicelib.http import fields as of
from chalicelib.texts import N_
from ops.words import _, ngettext, refusal

REQUIRED = ("email", "language", "topics", "consent_version", "confirmed_at", "source_address")
OPTIONAL = ("consent_text", "consent_sha256", "page", "proof_note")
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class BadFile(ValueError):
    """The file as a whole cannot be read; the text says why."""


@dataclass(frozen=True)
class Cells:
    """One row as it stands in the file; `wrong` says if its cells do not fit the header."""

    line: int
    named: dict[str, str]
    wrong: str = ""


def _instant(written: str) -> datetime:
    if not _RFC_3339.fullmatch(written):
        raise ValueError
    return instants.parse(written.upper())


def _ip_address(written: str) -> str:
    return str(ipaddress.ip_address(written))


def _by_comma(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[,;\s]+", written.strip(" ,;"))))


class Row(of.Body):
    """A valid row. Who agreed to what, when, and from where is required: it is the proof."""

    email: of.Email
    language: of.Language
    topics: Annotated[tuple[of.NewsletterTopic, ...], BeforeValidator(_by_comma)]
    consent_version: of.Version
    consent_text: str = Field("", max_length=20_000)
    consent_sha256: str = Field("", pattern=r"^([0-9a-fA-F]{64})?$")
    confirmed_at: Annotated[datetime, BeforeValidator(_instant)]
    source_address: Annotated[str, AfterValidator(_ip_address)]
    page: of.PageUrl = ""
    proof_note: of.Note = ""

    @property
    def wording(self) -> str:
        """The SHA-256 of the declaration agreed to, as hex."""
        return self.consent_sha256.lower() or hashlib.sha256(self.consent_text.encode()).hexdigest()


_EXPECTED = {
    "language": N_("language is none of %(languages)s"),
    "topics": N_("topics are not of %(topics)s"),
    "consent_sha256": N_("consent_sha256 is no SHA-256 in hex"),
    "confirmed_at": N_("confirmed_at is no RFC 3339 time such as 2024-05-31T12:00:00+02:00"),
    "source_address": N_("source_address is no IP address"),
}


def check(cells: Cells, now: datetime) -> Row | str:
    """Return the row, or the reason why it is refused."""
    missing = [name for name in REQUIRED if not cells.named.get(name, "").strip()]
    if cells.wrong or missing:
        return cells.wrong or _("missing: %(columns)s", columns=", ".join(missing))
    if not cells.named.get("consent_text") and not cells.named.get("consent_sha256"):
        return _("missing: %(columns)s", columns=_("consent_text or consent_sha256"))
    try:
        row = Row.model_validate(cells.named)
    except ValidationError as error:
        found = error.errors(include_input=False)
        return "; ".join(
            dict.fromkeys(_reason(str(each["loc"][0]), each["type"]) for each in found)
        )
    if row.consent_text and row.wording != hashlib.sha256(row.consent_text.encode()).hexdigest():
        return _("consent_sha256 is not that of consent_text")
    return row if row.confirmed_at <= now else _("confirmed_at is in the future")


def _reason(field: str, kind: str) -> str:
    if field not in _EXPECTED:
        return f"{field}: {refusal(kind).rstrip('.')}"  # others may follow it
    own = company.current()
    known = {"languages": ", ".join(own.languages), "topics": ", ".join(own.newsletter_topics)}
    return _(_EXPECTED[field], **known)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file as hex; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, passed: Callable[[int], object]) -> Iterator[Cells]:
    """Yield the rows of a CSV file one at a time. Raises BadFile.

    The file is in UTF-8, with commas or semicolons as its header has them. `passed` is called with
    the number of bytes of each line that has been read.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            yield from _rows(_lines(file, passed))
        except UnicodeDecodeError:
            raise BadFile(_("%(file)s is not in UTF-8", file=path)) from None


def _lines(file: Iterator[str], passed: Callable[[int], object]) -> Iterator[str]:
    for line in file:
        passed(len(line.encode()))
        yield line.replace("\0", "\N{REPLACEMENT CHARACTER}")  # csv would refuse the whole file


def _rows(lines: Iterator[str]) -> Iterator[Cells]:
    first = next(lines, "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    header = [name.strip().lower() for name in next(csv.reader([first], delimiter=delimiter), [])]
    _check_header(header)
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        line = (
            reader.line_num + 2
        )  # of the row's first line, as a cell may have several lines; the header is line 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            told = _("line %(line)s cannot be read as CSV: %(error)s", line=line, error=error)
            raise BadFile(told) from None
        if cells is None:
            return
        if cells:
            yield _named(line, header, cells)


def _named(line: int, header: Sequence[str], cells: Sequence[str]) -> Cells:
    named = dict(zip(header, cells, strict=False))
    if len(cells) == len(header):
        return Cells(line, named)
    wrong = ngettext(
        "%(num)s cell, the header has %(header)s",
        "%(num)s cells, the header has %(header)s",
        len(cells),
        header=len(header),
    )
    return Cells(line, named, wrong)


def _check_header(header: Sequence[str]) -> None:
    missing = [name for name in REQUIRED if name not in header]
    if not {"consent_text", "consent_sha256"} & set(header):
        missing.append(_("consent_text or consent_sha256"))
    unknown = [name for name in header if name not in REQUIRED + OPTIONAL]
    if missing:
        columns = ", ".join(missing)
        raise BadFile(_("the first line lacks the columns %(columns)s", columns=columns))
    if unknown:
        columns = ", ".join(unknown)
        raise BadFile(_("the first line has unknown columns: %(columns)s", columns=columns))
    if len(set(header)) < len(header):
        columns = ", ".join(name for name, count in Counter(header).items() if count > 1)
        raise BadFile(_("the first line has columns twice: %(columns)s", columns=columns))
