"""SES's events about sent mails, as they change messages. SNS brings them at least once, unordered.

`notices` reads an event. Whatever it tells of a message, SES took the message; but SES may still
reject it. What bounces and complaints mean is the listener's to decide.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib import aws, instants, log
from chalicelib.errors import Unavailable
from chalicelib.outbox import model, notices, store
from chalicelib.outbox.delivery import quarantine
from chalicelib.outbox.model import Message
from chalicelib.outbox.notices import Kind, Notice, Unreadable
from chalicelib.settings import current


@dataclass(frozen=True)
class Feedback:
    """A mail to one recipient came back, or that recipient complained."""

    kind: Kind
    id: str  # the same when the event comes again
    recipient: str  # the address alone, in whatever case the other server wrote it
    mail: str  # our message's id; SES's for a mail of another tool
    mailed_at: datetime
    at: datetime


# The reaction of whoever knows the recipients. Another tool's mails over the same account count.
Listener = Callable[[Feedback], None]


def receive(event: Mapping[str, Any], listen: Listener) -> None:
    """Record an SNS event's news on our messages; tell the listener of bounces and complaints.

    Events of a foreign topic are logged and change nothing. One that nobody can read goes to the
    dead-letter queue, and its neighbours are handled. Raises Unavailable where the table does not
    answer, so that the event comes again.
    """
    for record in event["Records"]:
        try:
            if record["Sns"]["TopicArn"] != current().mail_events_topic_arn:
                log.attempt("topic")
                continue
            _take(notices.read(record["Sns"]["Message"], instants.now()), listen)
        except Unavailable:
            raise
        except Unreadable as error:
            log.warning("feedback.unreadable", part=str(error))
            quarantine(record)
        except Exception:
            log.exception("feedback.quarantined")
            quarantine(record)


def _take(notice: Notice, listen: Listener) -> None:
    message = _message(notice)
    if message is not None:
        _resolve(message, notice)
    if notice.line:
        write = log.warning if notice.line.level == "warning" else log.info
        named = {"message": message.id} if message else {}
        write(notice.line.event, **notice.line.details, **named)
    elif message is None:
        log.info("feedback.unknown_message")
    mail = message.id if message else notice.service_id
    for recipient, kind in notice.counts:
        listen(Feedback(kind, notice.id, recipient, mail, notice.mailed_at, notice.at))


def _message(notice: Notice) -> Message | None:
    """Return the message of an event: by the tag we gave it, else by SES's id."""
    found = next(filter(None, map(store.load, notice.tagged)), None)
    if found is None and notice.service_id:
        found = store.by_service_id(notice.service_id)
    return found


def _resolve(message: Message, notice: Notice) -> None:
    """Mark the message as sent, or as failed where SES rejected it. Raises Unavailable."""

    def attempt(number: int) -> None:
        before, now = message if number == 0 else store.load(message.id) or message, instants.now()
        if notice.failure:
            after = model.reported_failed(before, notice.service_id, notice.failure, now)
        else:
            after = model.reported_sent(before, notice.service_id, now)
        if after is before:
            return
        store.replace(before, after)
        if after.state == "failed":
            log.warning("message.failed", message=after.id, error=after.error)

    aws.retried(attempt, "feedback")
