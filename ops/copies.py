"""The contacts of a stage and a copy of them: what is in each row, as far as a restore asks."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from chalicelib import aws, settings
from chalicelib.aws import Item
from ops.words import _

Place = tuple[str, str]  # a row's keys
Rows = dict[Place, str]  # with a digest of the row


@dataclass
class Read:
    """What was read of a table: a digest of each row, and the facts that a restore decides by."""

    rows: Rows = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)  # partition keys of erased persons
    marks: dict[str, str] = field(default_factory=dict)  # of these, when they were erased
    left: dict[str, str] = field(default_factory=dict)  # of those who left: when
    states: dict[str, str] = field(default_factory=dict)  # of subscribers and requests
    versions: dict[str, int] = field(default_factory=dict)  # likewise
    ends: dict[str, dict[str, str]] = field(default_factory=dict)  # of requests' wishes that ended
    locks: dict[str, str] = field(default_factory=dict)  # of numbers: the live request
    expires: dict[Place, int] = field(default_factory=dict)

    def see(self, item: Item) -> None:
        """Record an item. An erased subscriber has an item that keeps them from being imported."""
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        self.rows[pk, sk] = digest(item)
        if "expires" in item:
            self.expires[pk, sk] = int(item["expires"]["N"])
        if sk == "SUPPRESSED" or item.get("erased") == {"BOOL": True}:
            self.erased.add(pk)
            self.marks[pk] = str(item.get("at", {}).get("S", ""))
        if sk == "WITHDRAWN":
            self.left[pk] = str(item.get("at", {}).get("S", ""))
        if sk in ("SUB", "CALLBACK"):
            self.states[pk] = item["state"]["S"]
            self.versions[pk] = int(item["version"]["N"])
        if sk == "CALLBACK":
            wishes = [each["M"] for each in item["wishes"]["L"]]
            ends = {each["reference"]["S"]: _end(each) for each in wishes}
            self.ends[pk] = {reference: end for reference, end in ends.items() if end}
        if sk == "LOCK":
            self.locks[pk] = item["live"]["S"]

    @property
    def findable(self) -> set[str]:
        """The partition keys of the callbacks that their number still leads to.

        If one of these is erased, its term was over: the erasure of a person removes that lead.
        """
        return {
            f"CALLBACK#{sk.rpartition('#')[2]}" for pk, sk in self.rows if pk.startswith("NUMBER#")
        }


def digest(item: Item) -> str:
    """Return a digest of a row, the same for the same attributes."""
    return hashlib.sha256(json.dumps(_plain(item)).encode()).hexdigest()


def _end(wish: Item) -> str:
    """Return how a wish ended: `withdrawn` where what its customer typed was erased."""
    is_bare = not wish["asked"]["M"].get("phone", {}).get("S")
    return "withdrawn" if is_bare else str(wish.get("end", {}).get("S", ""))


def _plain(value: Any) -> Any:
    """Return an attribute with its names and its sets in order, and bytes as hex."""
    if isinstance(value, dict):
        return {
            name: sorted(map(str, each)) if name in ("SS", "NS", "BS") else _plain(each)
            for name, each in sorted(value.items())
        }
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.hex() if isinstance(value, bytes) else value


def read(table: str) -> Read:
    """Read a whole table, consistently."""
    found, more = Read(), dict[str, Any]()
    desc, unit = _("reading %(table)s", table=table), " " + _("pages")
    with tqdm(desc=desc, unit=unit, disable=None, leave=False) as progress:
        while True:
            page = aws.call("scan", TableName=table, ConsistentRead=True, **more)
            for item in page["Items"]:
                found.see(item)
            progress.update()
            if "LastEvaluatedKey" not in page:
                return found
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def rows(table: str, places: list[Place]) -> Iterator[tuple[Place, Item]]:
    """Yield those of the rows that there are, in any order."""
    for at in range(0, len(places), 100):
        keys = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in places[at : at + 100]]
        asked = {table: {"Keys": keys, "ConsistentRead": True}}
        while asked:
            answer = aws.call("batch_get_item", RequestItems=asked)
            for item in answer["Responses"].get(table, ()):
                yield (item["pk"]["S"], item["sk"]["S"]), item
            asked = answer.get("UnprocessedKeys") or {}


@contextmanager
def on(table: str) -> Iterator[None]:
    """Have the stores of newsletter and callbacks work on this table meanwhile.

    Other systems have been told of what is done again before.
    """
    before = dict(os.environ)
    os.environ.update(CONTACTS_TABLE=table, DOMAIN_EVENTS="0")
    settings.current.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.current.cache_clear()
