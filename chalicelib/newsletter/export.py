"""Subscribers as a table for a spreadsheet, or as JSON lines: a download, or operators' file."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Literal, Protocol

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.cells import Table
from chalicelib.newsletter import links
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import exports

Format = Literal["csv", "jsonl"]
COLUMNS = (
    *("email", "language", "topics", "consent_version", "confirmed_at"),
    *("state", "ended_at", "unsubscribe_url", "preferences_url"),
)
# Bytes of a part, as the JSON of Lambda's answer writes them. The answer may have 6 MB; a page of
# the table may come on top.
_ROOM = 3_000_000


@dataclass(frozen=True)
class Part:
    """A part of the table, how many subscribers are in it, and where the next one begins."""

    text: str
    count: int
    cursor: Item | None


class Writer(Protocol):
    """What writes subscribers to a file."""

    def add(self, subscriber: Subscriber) -> int:
        """Write a subscriber; return the bytes that its text takes as JSON."""


class _Csv:
    """A CSV file that begins with the columns' names; no cell can be taken for a formula."""

    def __init__(self, file: IO[str]) -> None:
        self._table = Table(file, COLUMNS)

    def add(self, subscriber: Subscriber) -> int:
        facts = _facts(subscriber)
        row = [",".join(each) if isinstance(each, list) else each or "" for each in facts.values()]
        self._table.add(row)
        return len(json.dumps(row))


class _JsonLines:
    """A JSON object a line, with the columns' names; what there is not is null."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, subscriber: Subscriber) -> int:
        line = json.dumps(_facts(subscriber), ensure_ascii=False)
        self._file.write(f"{line}\n")
        return len(json.dumps(line))


def writer(format: Format, file: IO[str]) -> Writer:
    """Return what writes subscribers to a file in this format."""
    return _Csv(file) if format == "csv" else _JsonLines(file)


def part(
    wanted: Filter,
    now: datetime,
    cursor: Item | None,
    in_time: Callable[[], bool],
    share: tuple[int, int] = (1, 1),
    format: Format = "csv",
) -> Part:
    """Read the next part of the table, or of a share of it. Raises Unavailable.

    It reads page by page, at least one, while there is room and `in_time()`.
    """
    text, count, size = io.StringIO(newline=""), 0, 0
    table = writer(format, text)
    while True:
        found, cursor = exports.page(wanted.state, cursor, share)
        for each in found:
            if wanted.matches(each, now):
                size += table.add(each)
                count += 1
        if cursor is None or size > _ROOM or not in_time():
            return Part(text.getvalue(), count, cursor)


def every(wanted: Filter, now: datetime) -> Iterator[Subscriber]:
    """Yield every subscriber that is meant, page by page. Raises Unavailable."""
    cursor: Item | None = None
    while True:
        found, cursor = exports.page(wanted.state, cursor)
        yield from (each for each in found if wanted.matches(each, now))
        if not cursor:
            return


def _facts(subscriber: Subscriber) -> dict[str, str | list[str] | None]:
    """Return a subscriber's facts by the columns' names."""
    standing = links.standing(subscriber)
    facts = (
        subscriber.email,
        subscriber.language,
        list(subscriber.topics),
        subscriber.consent,
        _instant(subscriber.confirmed_at),
        subscriber.state,
        _instant(subscriber.ended_at),
        standing["unsubscribe"],
        standing["preferences"],
    )
    return dict(zip(COLUMNS, facts, strict=True))


def _instant(at: datetime | None) -> str | None:
    return instants.text(at) if at else None
