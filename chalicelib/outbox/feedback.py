"""What SES tells of mails that left: it comes by SNS, in either of two shapes, at least once and in any order.

Shapes: AWS's pages "Contents of event data that Amazon SES publishes to Amazon SNS" (`eventType`) and "Amazon SNS
notification contents for Amazon SES" (`notificationType`).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib import aws, instants, log
from chalicelib.outbox import model, store
from chalicelib.outbox.model import Message
from chalicelib.settings import current


@dataclass(frozen=True)
class Feedback:
    """A mail came back, or its reader complained."""

    kind: Literal["hard bounce", "soft bounce", "complaint"]
    id: str  # SES's name of the event, the same when it comes again
    mailed_at: datetime
    at: datetime


# What a kind of message does about it.
Listener = Callable[[Message, Feedback], None]


def receive(event: Mapping[str, Any], listeners: Mapping[str, Listener]) -> None:
    """Takes an SNS event: resolves the message it is about, and tells the capability that owed it.

    Foreign topics, unknown messages and unreadable bodies are logged and change nothing. Raises Unavailable where the
    table does not answer, so that SNS delivers again.
    """
    for record in event["Records"]:
        if record["Sns"]["TopicArn"] != current().mail_events_topic_arn:
            log.warning("feedback.foreign_topic")
            continue
        try:
            told = json.loads(record["Sns"]["Message"])
            service_id, tags = told["mail"]["messageId"], told["mail"].get("tags", {})
            feedback = _feedback(told)
        except (ValueError, KeyError, TypeError, AttributeError):
            log.exception("feedback.unreadable")
            continue
        message = _message(service_id, tags)
        if message is None:
            log.info("feedback.unknown_message")
            continue
        _resolve(message, service_id)
        if feedback and message.kind in listeners:
            listeners[message.kind](message, feedback)


def _feedback(told: Mapping[str, Any]) -> Feedback | None:
    kind = told.get("eventType") or told["notificationType"]
    mailed_at = instants.parse(told["mail"]["timestamp"])
    if kind == "Bounce":
        bounce = told["bounce"]
        hardness: Any = "hard bounce" if bounce["bounceType"] == "Permanent" else "soft bounce"
        return Feedback(
            hardness, bounce["feedbackId"], mailed_at, instants.parse(bounce["timestamp"])
        )
    if kind == "Complaint" and told["complaint"].get("complaintFeedbackType") != "not-spam":
        complaint = told["complaint"]
        return Feedback(
            "complaint", complaint["feedbackId"], mailed_at, instants.parse(complaint["timestamp"])
        )
    return None


def _message(service_id: str, tags: Mapping[str, list[str]]) -> Message | None:
    """The message it is about: by the tag we gave it, else by the name SES gave it."""
    tagged = store.load(tags["message"][0]) if tags.get("message") else None
    return tagged or store.by_service_id(service_id)


def _resolve(message: Message, service_id: str) -> None:
    """Mark the message as sent: whatever SES says of a message, it took it. Raises Unavailable."""

    def attempt(number: int) -> None:
        before = message if number == 0 else store.load(message.id) or message
        after = model.told_sent(before, service_id, instants.now())
        if after is not before:
            store.replace(before, after)

    aws.retried(attempt, "feedback")
