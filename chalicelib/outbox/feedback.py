"""SES's events about sent mails. SNS brings them at least once and in any order.

They have one of two shapes, by AWS's pages "Contents of event data that Amazon SES publishes to
Amazon SNS" (`eventType`) and "Amazon SNS notification contents for Amazon SES"
(`notificationType`).
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
    id: str  # SES's id of the event, the same when it comes again
    mailed_at: datetime
    at: datetime


# The reaction of the capability that owed the message.
Listener = Callable[[Message, Feedback], None]


def receive(event: Mapping[str, Any], listeners: Mapping[str, Listener]) -> None:
    """Mark the messages of an SNS event as sent; pass bounces and complaints to the listeners.

    `listeners` are by the kind of message. Foreign topics, unknown messages and unreadable bodies
    are logged and change nothing. Raises Unavailable where the table does not answer, so that SNS
    delivers again.
    """
    for record in event["Records"]:
        if record["Sns"]["TopicArn"] != current().mail_events_topic_arn:
            log.warning("feedback.foreign_topic")
            continue
        try:
            notice = json.loads(record["Sns"]["Message"])
            service_id, tags = notice["mail"]["messageId"], notice["mail"].get("tags", {})
            feedback = _feedback(notice)
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


def _feedback(notice: Mapping[str, Any]) -> Feedback | None:
    """Read a bounce or a complaint; return None for any other event."""
    kind = notice.get("eventType") or notice["notificationType"]
    mailed_at = instants.parse(notice["mail"]["timestamp"])
    if kind == "Bounce":
        bounce = notice["bounce"]
        hardness: Any = "hard bounce" if bounce["bounceType"] == "Permanent" else "soft bounce"
        return Feedback(
            hardness, bounce["feedbackId"], mailed_at, instants.parse(bounce["timestamp"])
        )
    if kind == "Complaint" and notice["complaint"].get("complaintFeedbackType") != "not-spam":
        complaint = notice["complaint"]
        return Feedback(
            "complaint", complaint["feedbackId"], mailed_at, instants.parse(complaint["timestamp"])
        )
    return None


def _message(service_id: str, tags: Mapping[str, list[str]]) -> Message | None:
    """Return the message of an event: by the tag we gave it, else by SES's id."""
    tagged = store.load(tags["message"][0]) if tags.get("message") else None
    return tagged or store.by_service_id(service_id)


def _resolve(message: Message, service_id: str) -> None:
    """Mark the message as sent: any event of SES's shows that SES took it. Raises Unavailable."""

    def attempt(number: int) -> None:
        before = message if number == 0 else store.load(message.id) or message
        after = model.reported_sent(before, service_id, instants.now())
        if after is not before:
            store.replace(before, after)

    aws.retried(attempt, "feedback")
