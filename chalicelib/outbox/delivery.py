"""Deliver one message that is due: one claim, one attempt, one recorded outcome."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

from chalicelib import aws, errors, instants, log
from chalicelib.outbox import counters, handover, model, store
from chalicelib.outbox.model import Alert, Mail, Message, Publication
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
Composer = Callable[[Message, datetime], Mail | Alert | Publication | None]

# Errors of the request itself: no repetition can succeed.
_FINAL = {"BadRequestException", "InvalidParameter", "ParameterValueInvalid"}
# SES or SNS takes nothing more at present: the rate, the day's quota, or a stop of all mail. It is
# no fault of the message (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
_SLOWED = {
    "TooManyRequestsException",
    "LimitExceededException",
    "SendingPausedException",
    "AccountSuspendedException",
    "ThrottlingException",
    "Throttling",
    "Throttled",
    "ThrottledException",
}


def deliver(message_id: str, composers: Mapping[str, Composer], now: datetime | None = None) -> str:
    """Deliver a message if it is due and nobody else delivers it; return the state it is left in.

    The state is `absent` if there is no such message, `taken` if another process claimed it,
    `slowed` where SES takes no more at present, `capped` where the lane's mails of the day are used
    up. What SES and SNS answer is recorded, not raised. Raises Unavailable where the table does not
    answer.
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
        try:
            after = _attempt(claimed, composers, now)
        except _HeldBack as held:
            store.replace(claimed, model.held_back(claimed, held.why))
            return held.outcome
        return _record(claimed, after)
    except aws.Cancelled:
        return "taken"  # another process changed it first and continues with it


class _HeldBack(Exception):
    """The attempt is taken back; the message keeps its place."""

    def __init__(self, outcome: str, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


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
    compose = composers.get(message.kind)
    if compose is None:
        # A newer version owed it, and this one was deployed in its place.
        log.warning("kind.unknown", message=message.id)
        return model.postponed(message, now + model.UNKNOWN, "unknown kind")
    try:
        parcel = compose(message, now)
    except NotNow as wait:
        return model.postponed(message, wait.until or now + timedelta(days=1), "not at this hour")
    except errors.Newer as newer:
        log.warning("kind.unknown", message=message.id, what=newer.what, state=newer.state)
        return model.postponed(message, now + model.UNKNOWN, "unknown state")
    except errors.Unavailable as error:
        return model.refused(message, f"compose: {error}", now)
    except Exception as error:
        # A message that cannot be composed fails alone; its neighbours are delivered.
        log.exception("message.uncomposable", message=message.id)
        return model.refused(message, f"compose: {type(error).__name__}", now, final=True)
    if parcel is None:
        return model.void(message, now)
    if not isinstance(parcel, Mail):
        return _hand_over(message, parcel, now)
    counted = counters.count(message.lane, now)
    if counted is None:
        log.warning("mail.cap", message=message.id, lane=message.lane)
        raise _HeldBack("capped", "daily cap")
    try:
        after = _hand_over(message, parcel, now)
    except _HeldBack:
        _take_back(message, counted)
        raise
    if after.state in ("due", "failed"):  # not sent: an outage does not use up the day's mails
        _take_back(message, counted)
    return after


def _hand_over(message: Message, parcel: Mail | Alert | Publication, now: datetime) -> Message:
    """Make the one attempt; return the message's next state."""
    before, wording = message, parcel.wording if isinstance(parcel, Mail) else ""
    # Known before the attempt: an event of the service's may be all that tells of its success.
    message = replace(before, digest=handover.digest(parcel), wording=wording)
    try:
        if isinstance(parcel, Publication):
            service_id = handover.publication(parcel)
        elif isinstance(parcel, Alert):
            service_id = handover.alert(message, parcel)
        else:
            service_id = handover.mail(message, parcel)
    except handover.Unsendable as error:
        return model.refused(before, str(error), now, final=True)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _SLOWED:
            log.warning("mail.slowed", message=message.id, lane=message.lane, error=code)
            raise _HeldBack("slowed", code) from None
        return model.refused(before, code, now, final=code in _FINAL)
    except (ConnectTimeoutError, EndpointConnectionError) as error:
        return model.refused(before, type(error).__name__, now)
    except BotoCoreError as error:
        return model.unanswered(message, type(error).__name__, now)
    return model.sent(message, service_id, now)


def _take_back(message: Message, counted: counters.Counted) -> None:
    try:
        counters.take_back(counted)
    except errors.Unavailable:
        log.warning("mail.miscounted", message=message.id)  # one mail less today


def quarantine(record: Mapping[str, Any]) -> None:
    """Send a record of a stream or of SNS to the dead-letter queue."""
    aws.client("sqs").send_message(
        QueueUrl=current().dead_letter_queue_url,
        MessageBody=json.dumps({"record": record}, default=str),
    )
