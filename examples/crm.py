"""A receiver of events to copy: `python examples/crm.py QUEUE-URL FILE`, see docs/events.md.

It keeps who gets the newsletter in a SQLite file. An event that comes twice or late changes
nothing, a type that it does not know is left aside, and what it cannot read goes to the queue's
dead-letter queue. In place of the file stands what your CRM offers.
"""

import hashlib
import json
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3

KEPT = 30 * 24 * 3600  # seconds for which the hash of an erased id is kept: longer than SNS retries
UNCONFIRMED = 8 * 24 * 3600  # seconds after which a signup that nobody confirmed is forgotten
ENDS = ("unsubscribed", "bounced", "complained", "address_changed")
TABLES = """
CREATE TABLE IF NOT EXISTS people (id TEXT PRIMARY KEY, sequence INTEGER, state TEXT, topics TEXT,
    language TEXT, email TEXT, confirmed INTEGER, changed REAL);
CREATE TABLE IF NOT EXISTS erased (hash TEXT PRIMARY KEY, sequence INTEGER, at REAL);
"""


def open_file(path: str | Path) -> sqlite3.Connection:
    """Return the file, with its tables."""
    file = sqlite3.connect(path)
    file.row_factory = sqlite3.Row
    file.executescript(TABLES)
    return file


def take(file: sqlite3.Connection, event: Mapping[str, Any], now: float) -> None:
    """Change the file as an event demands; older ones than the last of a person change nothing."""
    kind, _, what = str(event["type"]).partition(".")
    if kind != "subscriber" or event["version"] != 1:
        return
    person, sequence, data = event["subject"], event["sequence"], event["data"]
    with file:
        if sequence <= _last(file, person):
            if what == "confirmed":  # only that event has the address
                late = "UPDATE people SET email = coalesce(email, ?), confirmed = 1 WHERE id = ?"
                file.execute(late, (data.get("email"), person))
            return
        if what == "erased":
            _erase(file, person, sequence, now)
        elif what in ("subscribed", "confirmed", "preferences_changed"):
            _keep(file, person, sequence, what, data, now)
        elif what in ENDS:
            ended = "UPDATE people SET state = ?, sequence = ?, changed = ? WHERE id = ?"
            if not file.execute(ended, (what, sequence, now, person)).rowcount:
                _keep(file, person, sequence, what, data, now)  # the first that came of the person


def tidy(file: sqlite3.Connection, now: float) -> None:
    """Forget whom nobody confirmed, and erased ids that no late event can be about any more."""
    with file:
        waited = "DELETE FROM people WHERE NOT confirmed AND changed < ?"
        file.execute(waited, (now - UNCONFIRMED,))
        file.execute("DELETE FROM erased WHERE at < ?", (now - KEPT,))


def _last(file: sqlite3.Connection, person: str) -> int:
    """Return the sequence of the last event of a person, erased or not; 0 of an unknown one."""
    known = file.execute(
        "SELECT sequence FROM people WHERE id = ? UNION SELECT sequence FROM erased WHERE hash = ?",
        (person, _hash(person)),
    )
    return max((row["sequence"] for row in known), default=0)


def _keep(
    file: sqlite3.Connection,
    person: str,
    sequence: int,
    what: str,
    data: Mapping[str, Any],
    now: float,
) -> None:
    before = file.execute("SELECT * FROM people WHERE id = ?", (person,)).fetchone()
    known = dict(before) if before else {}
    row = {
        "id": person,
        "sequence": sequence,
        "state": "confirmed" if what == "preferences_changed" else what,
        "topics": json.dumps(data["topics"]) if "topics" in data else known.get("topics"),
        "language": data.get("language", known.get("language")),
        "email": data.get("email", known.get("email")),
        "confirmed": int(what != "subscribed" or bool(known.get("confirmed"))),
        "changed": now,
    }
    file.execute(
        "REPLACE INTO people VALUES (:id, :sequence, :state, :topics, :language, :email, "
        ":confirmed, :changed)",
        row,
    )


def _erase(file: sqlite3.Connection, person: str, sequence: int, now: float) -> None:
    file.execute("DELETE FROM people WHERE id = ?", (person,))
    gone = (_hash(person), sequence, now)
    file.execute("REPLACE INTO erased (hash, sequence, at) VALUES (?, ?, ?)", gone)


def _hash(person: str) -> str:
    return hashlib.sha256(person.encode()).hexdigest()


def receive(queue: str, file: sqlite3.Connection, wait: int = 20) -> int:
    """Take in what lies in the queue; return how many messages were read.

    A message is deleted once it has been taken in. One that cannot be read comes again, until the
    queue moves it to its dead letters.
    """
    sqs = boto3.client("sqs")
    asked = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": wait}
    found = sqs.receive_message(QueueUrl=queue, **asked).get("Messages", [])
    for message in found:
        try:
            take(file, json.loads(message["Body"]), time.time())
        except (ValueError, KeyError, TypeError) as error:
            print(f"unreadable: {message['MessageId']} ({type(error).__name__})", file=sys.stderr)
            continue
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return len(found)


if __name__ == "__main__":
    _, url, path = sys.argv
    own = open_file(path)
    while True:
        receive(url, own)
        tidy(own, time.time())
