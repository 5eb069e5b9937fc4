"""Reading mails and alerts from the emulator, where they stay."""

import json
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from local.emulator import Emulator

_TWO_WEEKS = str(14 * 24 * 3600)  # seconds; the longest a queue keeps a message
Message = dict[str, Any]


def subscribe(emulator: Emulator, stage: str, topic: str) -> None:
    """Subscribe the mailbox's queue to the topic of the alerts; it may be subscribed already."""
    sqs = emulator.client("sqs")
    queue = sqs.create_queue(
        QueueName=_queue(stage), Attributes={"MessageRetentionPeriod": _TWO_WEEKS}
    )["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    emulator.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def read(emulator: Emulator, stage: str) -> list[Message]:
    """Return all messages, newest first: id, kind, at, from, to, subject, text, html, attributes.

    `kind` is `mail` or `alert`, `at` an ISO 8601 time in UTC. An alert also has `bodies`, what
    subscribers of one protocol got instead of the text; of an old one they are no longer known.
    """
    found = [*_mails(emulator), *_alerts(emulator, stage)]
    return newest_first(found)


def undelivered(emulator: Emulator) -> list[Message]:
    """Return the last messages that AWS would refuse or swallow, in the same form.

    Each has `undelivered`, AWS's `code` and `message`; a swallowed mail has no code.
    """
    messages: list[Message] = _ask(emulator, "/_local/undelivered")
    return messages


def newest_first(found: Iterable[Message]) -> list[Message]:
    """Sort messages as the mailbox shows them; of equal ids keep the first."""
    once = {message["id"]: message for message in reversed(list(found))}
    return sorted(once.values(), key=lambda message: str(message["at"]), reverse=True)


def _mails(emulator: Emulator) -> Iterator[Message]:
    for account in _ask(emulator, "/_ministack/ses/messages").values():
        for mail in account:
            yield {
                "id": mail["MessageId"],
                "kind": "mail",
                "at": _instant(float(mail["Timestamp"])),
                "from": mail["Source"],
                "to": [*mail["To"], *mail["CC"], *mail["BCC"]],
                "subject": mail["Subject"],
                "text": mail["BodyText"] or "",
                "html": mail["BodyHtml"] or None,
                "attributes": None,
            }


def _alerts(emulator: Emulator, stage: str) -> Iterator[Message]:
    known = _ask(emulator, "/_local/bodies")
    for regions in _ask(
        emulator, f"/_ministack/sqs/messages?QueueUrl={quote('/' + _queue(stage))}"
    ).values():
        for queues in regions.values():
            for message in (each for queue in queues.values() for each in queue):
                notice = json.loads(message["Body"])
                sent = message["Attributes"].get("SentTimestamp") or message["SentTimestamp"] * 1000
                yield {
                    "id": notice["MessageId"],
                    "kind": "alert",
                    "at": _instant(int(sent) / 1000),
                    "from": notice["TopicArn"].rpartition(":")[2],
                    "to": [notice["TopicArn"]],
                    "subject": notice.get("Subject") or "",
                    "text": notice["Message"],
                    "html": None,
                    "bodies": {
                        protocol: body
                        for protocol, body in known.get(notice["MessageId"], {}).items()
                        if protocol != "default"
                    },
                    "attributes": {
                        name: value["Value"]
                        for name, value in (notice.get("MessageAttributes") or {}).items()
                    },
                }


def _ask(emulator: Emulator, path: str) -> Any:
    with urllib.request.urlopen(emulator.url + path, timeout=10) as answer:
        return json.load(answer)["messages"]


def _queue(stage: str) -> str:
    return f"customer-contact-{stage}-mailbox"


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
