"""DynamoDB in memory: conditions, transactions, tokens, conflicts, a late index and TTL."""

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from tests.expressions import Item, Names, Unknown, Values, holds, plain, updated

KEYS = {"markers": ("pk",), "counts": ("pk", "sk")}
TOKEN_KEPT = timedelta(minutes=10)
PAGE = 7  # items to a page: few, so that every reader has to turn pages
Key = tuple[str, ...]
Change = tuple[str, Key, Item | None, Item | None]  # table, key, before, after


class Refused(Exception):
    """DynamoDB answers with an error."""

    def __init__(self, code: str, reasons: list[str] | None = None) -> None:
        super().__init__(code, reasons)
        self.code, self.reasons = code, reasons


class Double:
    """DynamoDB with two tables. Calls `on_commit` with the changes of each commit, all at once."""

    def __init__(self, chance: random.Random, clock: Callable[[], datetime]) -> None:
        self.tables: dict[str, dict[Key, Item]] = {name: {} for name in KEYS}
        self.on_commit: Callable[[list[Change]], None] = lambda changes: None
        self.partial = 0.0  # share of batch reads that leave keys unprocessed
        self._chance, self._clock = chance, clock
        self._index: dict[Key, Item] = {}
        self._to_index: deque[tuple[Key, Item]] = deque()
        self._locked: set[tuple[str, Key]] = set()
        self._tokens: dict[str, tuple[datetime, Any]] = {}
        self._underway: set[str] = set()

    def operate(self, operation: str, asked: Item, in_flight: Callable[[], None]) -> Item:
        """Carry out one call. Raises Refused where DynamoDB would answer with an error.

        A transaction calls `in_flight` while it holds its items, so that other tasks go on.
        """
        match operation:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                self._write_one(operation.removesuffix("Item"), asked)
                return {}
            case "TransactWriteItems":
                self._transact(asked, in_flight)
                return {}
            case "GetItem":
                found = self.tables[asked["TableName"]].get(_key(asked["TableName"], asked["Key"]))
                return {"Item": found} if found else {}
            case "BatchGetItem":
                return self._batch_get(asked)
            case "Query":
                return self._query(asked)
            case "Scan":
                return self._scan(asked)
        raise Unknown(operation)

    def plant(self, item: Item) -> None:
        """Store an item that somebody else has written, without a call of `on_commit`."""
        self.tables["markers"][_key("markers", item)] = item

    def expire(self, keys: Iterable[Key]) -> None:
        """Remove markers, as TTL does."""
        for key in keys:
            before = self.tables["markers"].pop(key)
            self.on_commit([("markers", key, before, None)])

    def conflicts(self, operation: str, asked: Item) -> bool:
        """Tell whether a write would meet a transaction that is in flight."""
        if operation not in _WRITES:
            return False
        items = (
            asked["TransactItems"]
            if operation == "TransactWriteItems"
            else [{operation[:-4].title(): asked}]
        )
        return any((table, key) in self._locked for table, key, _, _ in map(_member, items))

    def settle_index(self) -> None:
        """Bring the index up to date."""
        self._catch_up(len(self._to_index))

    def _write_one(self, kind: str, asked: Item) -> None:
        table, key, _, _ = _member({kind: asked})
        if (table, key) in self._locked:
            raise Refused("TransactionConflictException")
        if not self._permitted(kind, asked, key):
            raise Refused("ConditionalCheckFailedException")
        self._commit([self._change(kind, asked, key)])

    def _transact(self, asked: Item, in_flight: Callable[[], None]) -> None:
        members = [_member(each) for each in asked["TransactItems"]]
        places = [(table, key) for table, key, _, _ in members]
        if len(places) > 100 or len(set(places)) != len(places):
            raise Refused("ValidationException")
        token = asked["ClientRequestToken"]
        if self._repeated(token, asked["TransactItems"]):
            return
        if any(place in self._locked for place in places):
            raise _cancelled(
                "TransactionConflict" if place in self._locked else "None" for place in places
            )
        with self._holding(token, places):
            in_flight()
            held = [self._permitted(kind, member, key) for _, key, kind, member in members]
            if not all(held):
                raise _cancelled("None" if ok else "ConditionalCheckFailed" for ok in held)
            self._tokens[token] = (self._clock(), asked["TransactItems"])
            self._commit([self._change(kind, member, key) for _, key, kind, member in members])

    def _repeated(self, token: str, items: Any) -> bool:
        if token in self._underway:
            raise Refused("TransactionInProgressException")
        at, before = self._tokens.get(token, (None, None))
        if at is None or self._clock() - at > TOKEN_KEPT:
            return False
        if before != items:
            raise Refused("IdempotentParameterMismatchException")
        return True

    @contextmanager
    def _holding(self, token: str, places: list[tuple[str, Key]]) -> Iterator[None]:
        self._locked.update(places)
        self._underway.add(token)
        try:
            yield
        finally:
            self._locked.difference_update(places)
            self._underway.discard(token)

    def _permitted(self, kind: str, member: Item, key: Key) -> bool:
        item = self.tables[member["TableName"]].get(key, {})
        condition = member.get("ConditionExpression")
        return condition is None or holds(condition, item, *_said(member))

    def _change(self, kind: str, member: Item, key: Key) -> Change:
        table = member["TableName"]
        before = self.tables[table].get(key)
        if kind == "Put":
            return table, key, before, member["Item"]
        if kind == "Delete":
            return table, key, before, None
        after = updated(member["UpdateExpression"], before or dict(member["Key"]), *_said(member))
        return table, key, before, after

    def _commit(self, changes: list[Change]) -> None:
        for table, key, _, after in changes:
            if after is None:
                self.tables[table].pop(key, None)
                continue
            self.tables[table][key] = after
            if "day_key" in after:
                self._to_index.append((key, after))
        self.on_commit([change for change in changes if change[2] or change[3]])

    def _catch_up(self, changes: int) -> None:
        for _ in range(changes):
            key, item = self._to_index.popleft()
            self._index[key] = item

    def _batch_get(self, asked: Item) -> Item:
        ((table, wanted),) = asked["RequestItems"].items()
        # Callers pass the keys in a set's order, which differs from run to run.
        keys = sorted(wanted["Keys"], key=lambda key: _key(table, key))
        served = (
            keys[: self._chance.randint(1, len(keys))]
            if self._chance.random() < self.partial
            else keys
        )
        found = [self.tables[table].get(_key(table, key)) for key in served]
        left = {table: {"Keys": keys[len(served) :]}} if len(served) < len(keys) else {}
        return {"Responses": {table: [item for item in found if item]}, "UnprocessedKeys": left}

    def _query(self, asked: Item) -> Item:
        items = self.tables[asked["TableName"]]
        if index := asked.get("IndexName"):
            if index != "days":
                raise Unknown(index)
            self._catch_up(self._chance.randint(0, len(self._to_index)))
            items = self._index
        return self._page(
            items, asked, asked["KeyConditionExpression"], ("day_key",) if index else ()
        )

    def _scan(self, asked: Item) -> Item:
        return self._page(self.tables[asked["TableName"]], asked, None, ())

    def _page(self, items: dict[Key, Item], asked: Item, condition: str | None, more: Key) -> Item:
        if unknown := asked.keys() - _KNOWN:
            raise Unknown(f"{unknown}")
        names, start = (*KEYS[asked["TableName"]], *more), asked.get("ExclusiveStartKey")
        after = _key(asked["TableName"], start) if start else ()
        keys = sorted(key for key in items if key > after)
        keys = [
            key for key in keys if condition is None or holds(condition, items[key], *_said(asked))
        ]
        read = [items[key] for key in keys[:PAGE]]
        chosen = asked.get("FilterExpression")
        answer: Item = {
            "Items": [each for each in read if not chosen or holds(chosen, each, *_said(asked))]
        }
        if len(keys) > PAGE:
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in names}
        return answer


_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
_KNOWN = {
    *("TableName", "IndexName", "KeyConditionExpression", "FilterExpression"),
    *("ExpressionAttributeValues", "ExclusiveStartKey", "ConsistentRead"),
    # Every attribute is answered, whichever are asked for.
    *("ProjectionExpression", "ExpressionAttributeNames"),
}


def _said(asked: Item) -> tuple[Values, Names]:
    return asked.get("ExpressionAttributeValues", {}), asked.get("ExpressionAttributeNames", {})


def _key(table: str, item: Item) -> Key:
    return tuple(str(plain(item[name])) for name in KEYS[table])


def _member(item: Item) -> tuple[str, Key, str, Item]:
    ((kind, member),) = item.items()
    if kind not in ("Put", "Update", "Delete"):
        raise Unknown(kind)
    return (
        member["TableName"],
        _key(member["TableName"], member.get("Key") or member["Item"]),
        kind,
        member,
    )


def _cancelled(reasons: Iterable[str]) -> Refused:
    return Refused("TransactionCanceledException", list(reasons))
