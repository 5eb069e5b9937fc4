"""The articles known from the site's feed, and the feed's state, in the `view-counts` table.

The articles lie packed in BUCKETS items by their names, so that a hundred thousand are read in a
few calls. The feed's item has each bucket's version, so that a reader knows which ones changed.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib import aws
from chalicelib.articles.entries import Entry
from chalicelib.aws import Item
from chalicelib.settings import current

# The version of each kind's format. A format that changes gets the next one, and a migration.
FEED_V = 1
VERSIONS_V = 1
ARTICLES_V = 1
BUCKETS = 256

_ROW = 4
Rows = dict[str, list[str]]  # title, page, date and section by name


@dataclass(frozen=True)
class State:
    """How the feed does. Instants are texts; `failing_since` is empty while all is well."""

    url: str = ""
    read_at: str = ""  # the last time that the site answered
    found: int = 0  # articles in the feed then
    failing_since: str = ""
    error: str = ""  # one of `words.FEED_ERRORS`
    detail: str = ""  # what its sentence is filled with
    faults: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, str] = field(default_factory=dict)
    collisions: Mapping[str, list[str]] = field(default_factory=dict)
    validators: Mapping[str, list[str]] = field(default_factory=dict)


_STATE = {"pk": "KNOWN", "sk": "FEED"}
_VERSIONS = {"pk": "KNOWN", "sk": "VERSIONS"}


def state() -> State:
    """Return the feed's state as it was saved last."""
    item = aws.get(current().view_counts_table, _STATE) or {}
    return State(**{name: item[name] for name in State.__dataclass_fields__ if name in item})


def save_state(made: State) -> None:
    """Save the feed's state."""
    values = {name: getattr(made, name) for name in State.__dataclass_fields__}
    rest = aws.get(current().view_counts_table, _STATE) or {}
    item = {**rest, **_STATE, "v": FEED_V, **values}
    aws.write(aws.put(current().view_counts_table, item))


def versions() -> dict[str, int]:
    """Return the version of each bucket that has articles."""
    item = aws.get(current().view_counts_table, _VERSIONS) or {}
    return {bucket: version for bucket, version in item.items() if bucket.isdigit()}


def packed(buckets: Iterable[str]) -> dict[str, bytes]:
    """Return the packed rows of these buckets."""
    keys: list[Item] = [_key(each) for each in buckets]
    found = aws.batch_get(current().view_counts_table, keys, consistent=True)
    return {item["pk"].removeprefix("KNOWN#"): item["rows"] for item in found}


def rows(data: bytes) -> Rows:
    """Unpack the rows of a bucket."""
    unpacked: Rows = json.loads(zlib.decompress(data))
    return unpacked


def bucket(name: str) -> str:
    """Return the bucket of an article."""
    return f"{zlib.crc32(name.encode()) % BUCKETS:03}"


def find(names: Iterable[str]) -> dict[str, Entry]:
    """Return those of these articles that are known."""
    wanted = set(names)
    found: dict[str, Entry] = {}
    for data in packed({bucket(each) for each in wanted}).values():
        for name, row in rows(data).items():
            if name in wanted:
                found[name] = Entry(name, *row[:_ROW])
    return found


def learn(entries: Iterable[Entry]) -> tuple[int, int]:
    """Keep what a feed tells; return how many articles are new, and how many have changed."""
    by_bucket: dict[str, Rows] = defaultdict(dict)
    for each in entries:
        by_bucket[bucket(each.name)][each.name] = [each.title, each.page, each.date, each.section]
    new = changed = 0
    before = packed(by_bucket)
    for name, told in by_bucket.items():
        known = rows(before[name]) if name in before else {}
        if known | told == known:
            continue
        new += len(told.keys() - known.keys())
        changed += sum(known.get(each) not in (None, row) for each, row in told.items())
        _change(name, lambda kept, told=told: kept | told)
    return new, changed


def unlearn(name: str) -> None:
    """Forget an article; a feed that still has it brings it back."""
    _change(bucket(name), lambda kept: {each: row for each, row in kept.items() if each != name})


def _change(name: str, change: Any) -> None:
    """Rewrite a bucket and its version, once more where another was faster."""
    table = current().view_counts_table

    def attempt(_: int) -> None:
        item = aws.get(table, _key(name)) or {}
        version = item.get("version", 0)
        before = rows(item["rows"]) if item else {}
        after = change(dict(before))
        if after == before:
            return
        data = zlib.compress(json.dumps(after, ensure_ascii=False).encode())
        condition = "version = :before" if version else "attribute_not_exists(pk)"
        said = {"before": version} if version else {}
        made = {**item, **_key(name), "v": ARTICLES_V, "version": version + 1, "rows": data}
        aws.write(aws.put(table, made, condition, **said))
        _tell(name, version + 1)

    aws.retried(attempt, "known articles")


def _tell(name: str, version: int) -> None:
    """Note a bucket's version where readers look for it."""
    names = {"#bucket": name}
    change, table = "SET v = :v, #bucket = :version", current().view_counts_table
    aws.write(aws.update(table, _VERSIONS, change, names=names, version=version, v=VERSIONS_V))


def _key(name: str) -> Item:
    return {"pk": f"KNOWN#{name}", "sk": "ARTICLES"}
