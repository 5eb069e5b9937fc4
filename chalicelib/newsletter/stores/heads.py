"""The heads of the ledgers, in a log group of their own, whose lines no function can change."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from chalicelib import aws, errors, instants
from chalicelib.newsletter.ledger import Head
from chalicelib.settings import current


def keep(heads: Sequence[Head], now: datetime) -> None:
    """Write a line for each of at most 1,000 heads, in the stream of the day.

    Raises Unavailable where not all of them are written for certain.
    """
    if not heads:
        return
    place = {"logGroupName": current().heads_log_group, "logStreamName": f"{now:%Y-%m-%d}"}
    at = int(now.timestamp() * 1000)
    lines = [{"timestamp": at, "message": json.dumps(_line(each))} for each in heads]
    client = aws.fresh("logs")
    try:
        try:
            client.create_log_stream(**place)
        except aws.FAILURES as error:
            if aws.code(error) != "ResourceAlreadyExistsException":
                raise
        answer = client.put_log_events(**place, logEvents=lines)
    except aws.FAILURES as error:
        raise errors.Unavailable(f"heads: {aws.code(error)}") from error
    if answer.get("rejectedLogEventsInfo"):
        raise errors.Unavailable("heads: rejected")


def read(key: str = "") -> Iterator[Head]:
    """Yield the heads of one ledger or of all, those of each ledger oldest first."""
    asked: dict[str, Any] = {"logGroupName": current().heads_log_group}
    if key:
        asked["filterPattern"] = f'"{key}"'
    while True:
        page = aws.client("logs").filter_log_events(**asked)
        for each in page["events"]:
            head = _head(json.loads(each["message"]))
            if not key or head.subscriber == key:
                yield head
        if not page.get("nextToken"):
            return
        asked["nextToken"] = page["nextToken"]


def _line(head: Head) -> dict[str, Any]:
    until = head.kept_until
    return {
        "event": "ledger.head",
        "subscriber": head.subscriber,
        "first": head.first,
        "version": head.version,
        "hash": head.hash,
        "kept_until": instants.text(until) if until else None,
        "at": instants.text(head.logged_at),
    }


def _head(line: dict[str, Any]) -> Head:
    until = line["kept_until"]
    return Head(
        line["subscriber"],
        line["first"],
        line["version"],
        line["hash"],
        instants.parse(until) if until else None,
        instants.parse(line["at"]),
    )
