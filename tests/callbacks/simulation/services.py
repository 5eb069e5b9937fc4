"""DynamoDB, SES and SNS in memory.

There is one table with its indexes, conditions and transactions. Mails and alerts are noted.
"""

import itertools
import json
import random
import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib import aws
from local.aws import dynamodb, ses, sns
from local.aws.refusal import Refusal
from tests.expressions import Item, Unknown, as_given, holds, plain, updated

INDEXES = {
    "due": ("due_key", "due_at"),
    "board": ("board_key", "board_at"),
    "sent": ("service_id", "pk"),
    "listed": ("listed_key", "listed_at"),
    "days": ("day_key", "pk"),
}
PAGE = 500
Place = tuple[str, str]
_REFERENCE = re.compile(r"R-[2-9A-Z]{4,}")


@dataclass(frozen=True)
class Status:
    """The part of a response's status that the client reads."""

    status_code: int


@dataclass
class Sent:
    """A mail or an alert that was sent, and the outbox message it belongs to."""

    kind: str
    message: str
    to: str
    subject: str
    text: str

    @property
    def references(self) -> list[str]:
        """The requests that an alert tells of: its own, or those of a digest."""
        if self.kind == "alert":
            fields = json.loads(json.loads(self.text)["https"])["metadata"]["additionalContext"]
            return list(fields["reference"].split(","))
        return list(dict.fromkeys(_REFERENCE.findall(self.text)))


@dataclass
class Services:
    """The services. While they are plugged in, none of this process's calls to them leaves it."""

    chance: random.Random
    shuffled: bool = False  # whether an index gives what is due in a random order
    down: bool = False  # whether SES and SNS fail
    sent: list[Sent] = field(default_factory=list)
    queue: list[str] = field(default_factory=list)  # what the clock dealt to the senders
    calls: int = 0
    on_commit: Callable[[list[Item]], None] = lambda items: None
    on_sent: Callable[[Sent], None] = lambda sent: None
    before_write: Callable[[], None] | None = None  # what somebody else does before the next write
    table: dict[str, dict[str, Item]] = field(default_factory=dict)
    # The entries of each index's key, sorted: the sort key, and where the item is.
    _index: dict[tuple[str, str], list[tuple[str, Place]]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @contextmanager
    def plugged(self) -> Iterator[None]:
        """Answer the clients' calls while entered."""
        with ExitStack() as stack:
            for service, answer in self.answers().items():
                events = aws.client(service).meta.events
                events.register(f"before-call.{service}", answer)
                stack.callback(events.unregister, f"before-call.{service}", answer)
            yield

    def answers(self) -> dict[str, Callable[..., tuple[Status, Item]]]:
        """Return what answers each service's calls."""
        return {
            "dynamodb": self._table,
            "sesv2": self._mail,
            "sns": self._publish,
            "sqs": self._deal,
            "secretsmanager": self._secret,
        }

    def items(self, prefix: str) -> Iterator[Item]:
        """Yield items as plain dicts, by the start of their partition key."""
        for key, partition in self.table.items():
            if key.startswith(prefix):
                yield from (aws.unpack_item(item) for item in partition.values())

    def next_due(self, prefix: str) -> str | None:
        """Return the earliest instant at which requests or messages are due, None if nothing is."""
        waits = [
            entries[0][0]
            for (index, key), entries in self._index.items()
            if index == "due" and key.startswith(prefix) and entries
        ]
        return min(waits, default=None)

    def _table(self, model: Any, params: Any, **_: Any) -> tuple[Status, Item]:
        self.calls += 1
        asked = json.loads(params["body"], object_hook=as_given)
        if refused := dynamodb.refusal(model.name, asked, len(params["body"])):
            return _refused(refused)
        match model.name:
            case "GetItem":
                found = self._get(asked["Key"])
                return Status(200), {"Item": found} if found else {}
            case "BatchGetItem":
                ((name, wanted),) = asked["RequestItems"].items()
                found_all = [item for key in wanted["Keys"] if (item := self._get(key))]
                return Status(200), {"Responses": {name: found_all}}
            case "Query":
                found_some = self._query(asked)
                return Status(200), {**found_some, "Count": len(found_some["Items"])}
            case "TransactWriteItems":
                return self._write(asked["TransactItems"], "TransactionCanceledException")
            case "PutItem" | "UpdateItem" | "DeleteItem":
                kind = model.name.removesuffix("Item")
                return self._write([{kind: asked}], "ConditionalCheckFailedException")
        raise Unknown(model.name)

    def _write(self, members: list[Item], refusal: str) -> tuple[Status, Item]:
        if self.before_write:
            faster, self.before_write = self.before_write, None
            faster()
        made = [next(iter(member.items())) for member in members]
        held = [self._holds(member) for _, member in made]
        if not all(held):
            reasons = [{"Code": "None" if ok else "ConditionalCheckFailed"} for ok in held]
            return Status(400), {
                "Error": {"Code": refusal, "Message": ""},
                "CancellationReasons": reasons,
            }
        after = [self._put(kind, member) for kind, member in made]
        self.on_commit([item for item in after if item])
        return Status(200), {}

    def _holds(self, member: Item) -> bool:
        condition = member.get("ConditionExpression")
        if condition is None:
            return True
        item = self._get(member.get("Key") or member["Item"]) or {}
        values, names = (
            member.get("ExpressionAttributeValues", {}),
            member.get("ExpressionAttributeNames", {}),
        )
        return any(holds(part, item, values, names) for part in condition.split(" OR "))

    def _put(self, kind: str, member: Item) -> Item | None:
        key = member.get("Key") or member["Item"]
        before = self._get(key)
        after: Item | None = None
        if kind == "Put":
            after = member["Item"]
        elif kind == "Update":
            values, names = (
                member.get("ExpressionAttributeValues", {}),
                member.get("ExpressionAttributeNames", {}),
            )
            after = updated(member["UpdateExpression"], before or dict(key), values, names)
        place = (key["pk"]["S"], _sort(key))
        for index, (name, sort) in INDEXES.items():
            if before and name in before and sort in before:
                entries = self._index[index, before[name]["S"]]
                del entries[bisect_left(entries, (before[sort]["S"], place))]
            if after and name in after and sort in after:
                entries = self._index.setdefault((index, after[name]["S"]), [])
                insort(entries, (after[sort]["S"], place))
        partition = self.table.setdefault(place[0], {})
        if after is None:
            partition.pop(place[1], None)
        else:
            partition[place[1]] = after
        return after

    def _get(self, key: Item) -> Item | None:
        return self.table.get(key["pk"]["S"], {}).get(_sort(key))

    def _query(self, asked: Item) -> Item:
        values, condition = asked["ExpressionAttributeValues"], asked["KeyConditionExpression"]
        first = plain(values[condition.split(" ", 3)[2]])
        if index := asked.get("IndexName"):
            return self._page(index, first, asked)
        partition = sorted(
            self.table.get(first, {}).items(), reverse=not asked.get("ScanIndexForward", True)
        )
        items = [item for _, item in partition if holds(condition, item, values, {})]
        return {"Items": items[: asked.get("Limit", PAGE)]}

    def _page(self, index: str, first: str, asked: Item) -> Item:
        values, condition = asked["ExpressionAttributeValues"], asked["KeyConditionExpression"]
        key, sort = INDEXES[index]
        start = asked.get("ExclusiveStartKey")
        known = self._index.get((index, first), [])
        after = (start[sort]["S"], (start["pk"]["S"], start["sk"]["S"])) if start else None
        if asked.get("ScanIndexForward", True):
            entries = known[bisect_right(known, after) :] if after else known
        else:
            entries = (known[: bisect_left(known, after)] if after else known)[::-1]
        read = [self.table[place[0]][place[1]] for _, place in entries[:PAGE]]
        found = [item for item in read if holds(condition, item, values, {})]
        answer: Item = {"Items": found}
        if len(entries) > PAGE and len(found) == PAGE:
            answer["LastEvaluatedKey"] = {name: read[-1][name] for name in ("pk", "sk", key, sort)}
        if self.shuffled:
            self.chance.shuffle(found)
        return answer

    def _deal(self, params: Any, **_: Any) -> tuple[Status, Item]:
        self.queue.append(json.loads(params["body"])["MessageBody"])
        return Status(200), {"MessageId": f"id-{next(self._numbers)}"}

    def _mail(self, model: Any, params: Any, **_: Any) -> tuple[Status, Item]:
        if model.name == "GetAccount":
            return Status(200), {"SendQuota": {"MaxSendRate": 200.0}}
        if model.name == "DeleteSuppressedDestination":
            return Status(404), {"Error": {"Code": "NotFoundException", "Message": ""}}
        asked = json.loads(params["body"])
        if refused := ses.refusal(asked):
            return _refused(refused)
        simple, tags = asked["Content"]["Simple"], asked["EmailTags"]
        to = ",".join(asked["Destination"]["ToAddresses"])
        subject, text = simple["Subject"]["Data"], simple["Body"]["Text"]["Data"]
        return self._leaves(Sent("mail", tags[0]["Value"], to, subject, text))

    def _publish(self, model: Any, params: Any, **_: Any) -> tuple[Status, Item]:
        body = params["body"]
        if refused := sns.refusal(body):
            return _refused(refused)
        (place,) = [
            name for name, value in body.items() if value == "message" and name.endswith("Name")
        ]
        message = body[place.removesuffix("Name") + "Value.StringValue"]
        return self._leaves(Sent("alert", message, "topic", body["Subject"], body["Message"]))

    def _secret(self, **_: Any) -> tuple[Status, Item]:
        return Status(200), {"SecretString": json.dumps({"1": "a secret of the simulation's own"})}

    def _leaves(self, sent: Sent) -> tuple[Status, Item]:
        if self.down:
            return Status(503), {"Error": {"Code": "ServiceUnavailable", "Message": ""}}
        self.sent.append(sent)
        self.on_sent(sent)
        return Status(200), {"MessageId": f"id-{next(self._numbers)}"}


def _sort(key: Item) -> str:
    """Return the sort key; a marker of a view has none."""
    return str(key["sk"]["S"]) if "sk" in key else ""


def _refused(refusal: Refusal) -> tuple[Status, Item]:
    return Status(refusal.status), {"Error": {"Code": refusal.code, "Message": refusal.message}}
