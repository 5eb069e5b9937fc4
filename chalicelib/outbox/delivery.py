"""Delivering what is due: one claim, one attempt, one recorded outcome."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from chalicelib import aws, errors, instants, log
from chalicelib.outbox import handover, model, store
from chalicelib.outbox.model import Alert, Mail, Message
from chalicelib.settings import current


class NotNow(Exception):
    """Raised by a composer: the message is owed but must not be sent before `until`.

    `until` is None where no better time is known; the message then waits for a day.
    """

    def __init__(self, until: datetime | None) -> None:
        super().__init__("not now")
        self.until = until


# Composes a message of a kind from what is true now; returns None where it is no longer owed.
# Raises NotNow.
Composer = Callable[[Message, datetime], Mail | Alert | None]

# Errors of the request itself: no repetition can succeed.
_FINAL = {"BadRequestException", "InvalidParameter", "InvalidParameterValue"}


def deliver(message_id: str, composers: Mapping[str, Composer], now: datetime | None = None) -> str:
    """Deliver a message if it is due and nobody else delivers it; return the state it is left in.

    The state is `absent` if there is no such message, `taken` if another process claimed it. What
    SES and SNS answer is recorded, not raised. Raises Unavailable where the table does not answer.
    """
    now = now or instants.now()
    message = store.load(message_id)
    if message is None:
        return "absent"
    try:
        if model.has_lapsed(message, now):
            return _record(message, model.unanswered(message, "lease lapsed", now))
        if not model.may_claim(message, now):
            return message.state
        claimed = model.claim(message, uuid.uuid4().hex, now)
        store.replace(message, claimed)
        return _record(claimed, _attempt(claimed, composers, now))
    except aws.Cancelled:
        return "taken"  # another process changed it first and continues with it


def _record(before: Message, after: Message) -> str:
    """Store the next state, log a failure, and return the state's name. Raises Cancelled."""
    store.replace(before, after)
    if after.state in ("failed", "unclear"):
        log.warning(
            "message." + after.state, message=after.id, error=after.error, attempts=after.attempts
        )
    if after.state == "due" and after.attempts == before.attempts:
        # An attempt was made and failed; a postponed message has its attempt taken back.
        log.warning("message.refused", message=after.id, error=after.error, attempts=after.attempts)
    return after.state


def _attempt(message: Message, composers: Mapping[str, Composer], now: datetime) -> Message:
    """Compose a claimed message and hand it to SES or SNS; return its next state."""
    try:
        parcel = composers[message.kind](message, now)
    except NotNow as wait:
        return model.postponed(message, wait.until or now + timedelta(days=1), "not at this hour")
    except errors.Unavailable as error:
        return model.refused(message, f"compose: {error}", now)
    except Exception as error:
        # A message that cannot be composed fails alone; its neighbours are delivered.
        log.exception("message.uncomposable", message=message.id)
        return model.refused(message, f"compose: {type(error).__name__}", now, final=True)
    if parcel is None:
        return model.void(message, now)
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if isinstance(parcel, Mail) and not store.count_mail(
        now.date().isoformat(), current().mails_a_day, instants.epoch(tomorrow + timedelta(days=1))
    ):
        log.warning("mail.cap", message=message.id)
        return model.postponed(message, tomorrow, "daily cap")
    try:
        service_id = (
            handover.mail(message, parcel)
            if isinstance(parcel, Mail)
            else handover.alert(message, parcel)
        )
    except handover.Unsendable as error:
        return _not_sent(message, parcel, str(error), now, final=True)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return _not_sent(message, parcel, code, now, final=code in _FINAL)
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        return _not_sent(message, parcel, type(error).__name__, now)
    except BotoCoreError as error:
        return model.unanswered(message, type(error).__name__, now)
    return model.sent(message, service_id, handover.digest(parcel), now)


def _not_sent(
    message: Message, parcel: Mail | Alert, error: str, now: datetime, final: bool = False
) -> Message:
    """Record that nothing was sent.

    A mail is uncounted, so that an outage does not use up the day's mails.
    """
    if isinstance(parcel, Mail):
        try:
            store.uncount_mail(now.date().isoformat())
        except errors.Unavailable:
            log.warning("mail.miscounted", message=message.id)  # one mail less today
    return model.refused(message, error, now, final)


def react(
    records: Iterable[Mapping[str, Any]],
    composers: Mapping[str, Composer],
    settle: Callable[[Mapping[str, Any]], None],
) -> None:
    """Deliver each new message in a batch of the stream; call `settle` for every other record.

    A record that can never succeed goes to the dead-letter queue, and its neighbours are handled.
    Raises Unavailable, so that the batch comes again.
    """
    for record in records:
        try:
            key = record["dynamodb"]["Keys"]["pk"]["S"]
            image = record["dynamodb"].get("NewImage", {})
            if not key.startswith("MSG#"):
                settle(record)
            elif image.get("state") == {"S": "due"}:
                deliver(key.removeprefix("MSG#"), composers)
        except errors.Unavailable:
            raise
        except Exception:
            log.exception("record.quarantined")
            quarantine(record)


def quarantine(record: Mapping[str, Any]) -> None:
    """Send a stream's record to the dead-letter queue."""
    aws.client("sqs").send_message(
        QueueUrl=current().dead_letter_queue_url,
        MessageBody=json.dumps({"record": record}, default=str),
    )


def sweep(
    composers: Mapping[str, Composer], time_left: Callable[[], float], now: datetime | None = None
) -> dict[str, int]:
    """Deliver the messages that are due; return how many were left in which state.

    It stops when `time_left()` (seconds) runs short; the rest comes with the next tick. The line it
    logs is the clock's heartbeat: how many messages were due, and for how long (seconds) the oldest
    had been.
    """
    now = now or instants.now()
    outcomes: dict[str, int] = {}
    oldest = now
    for message_id, due_at in store.due(now):
        oldest = min(oldest, due_at)
        if time_left() < 5:
            break
        outcome = deliver(message_id, composers, now)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    log.info(
        "clock.ticked",
        due=sum(outcomes.values()),
        oldest=int((now - oldest).total_seconds()),
        outcomes=outcomes,
    )
    return outcomes
