"""Sums of days that are over, packed into few items of the `view-counts` table.

A set of sums is a head and its chunks. The head is written last and names its chunks, so that a
reader finds the whole set or the one before.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import aws, instants
from chalicelib.aws import Item
from chalicelib.settings import current

# The version of each kind's format. A format that changes gets the next one, and a migration.
HEAD_V = 1
CHUNK_V = 1
_CHUNK = 350_000  # characters, so that a chunk fits an item even where it cannot be packed


@dataclass(frozen=True)
class Head:
    """A set of sums: when it was made, in how many chunks, and what else was noted of it."""

    what: str
    as_of: datetime
    chunks: int
    notes: Any


def head(what: str) -> Head | None:
    """Return the head of a set of sums, or None."""
    return next(iter(heads([what]).values()), None)


def heads(whats: Iterable[str]) -> dict[str, Head]:
    """Return the heads of those sets of sums that exist."""
    keys: list[Item] = [{"pk": "SUMS", "sk": what} for what in whats]
    found = aws.batch_get(current().view_counts_table, keys, consistent=True)
    return {
        item["sk"]: Head(item["sk"], instants.parse(item["as_of"]), item["chunks"], item["notes"])
        for item in found
    }


def lines(of: Head) -> Iterator[str]:
    """Yield the lines of a set of sums."""
    keys = [_chunk(of, at) for at in range(of.chunks)]
    for item in aws.batch_get(current().view_counts_table, keys, consistent=True):
        yield from zlib.decompress(item["lines"]).decode().split("\n")


def save(what: str, rows: Iterable[str], now: datetime, notes: Item, before: Head | None) -> Head:
    """Save a set of sums in the place of the one before; a row is one line."""
    table = current().view_counts_table
    chunks = list(_cut(rows))
    made = Head(what, now, len(chunks), notes)
    for at, text in enumerate(chunks):
        item = {**_chunk(made, at), "v": CHUNK_V, "lines": zlib.compress(text.encode())}
        aws.write(aws.put(table, item))
    written = {"v": HEAD_V, "as_of": instants.text(now), "chunks": len(chunks), "notes": notes}
    aws.write(aws.put(table, {"pk": "SUMS", "sk": what, **written}))
    if before and instants.text(before.as_of) != instants.text(now):
        for at in range(before.chunks):
            aws.write(aws.delete(table, _chunk(before, at)))
    return made


def drop(of: Head) -> None:
    """Delete a set of sums."""
    table = current().view_counts_table
    aws.write(aws.delete(table, {"pk": "SUMS", "sk": of.what}))
    for at in range(of.chunks):
        aws.write(aws.delete(table, _chunk(of, at)))


def _cut(rows: Iterable[str]) -> Iterator[str]:
    kept: list[str] = []
    size = 0
    for row in rows:
        kept.append(row)
        size += len(row) + 1
        if size >= _CHUNK:
            yield "\n".join(kept)
            kept, size = [], 0
    if kept:
        yield "\n".join(kept)


def _chunk(of: Head, at: int) -> Item:
    return {"pk": f"SUMS#{of.what}", "sk": f"{instants.text(of.as_of)}#{at:03}"}
