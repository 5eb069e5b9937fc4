"""When a message is due, this is what it says: composed from what is true at that time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from chalicelib import log, tokens
from chalicelib.callbacks import alerts, hotline, letters, opening, store
from chalicelib.callbacks.model import SUPERVISOR, Callback, Letter
from chalicelib.outbox.delivery import Composer, NotNow
from chalicelib.outbox.model import Alert, Mail, Message
from chalicelib.settings import current

CHANGE = "callback.change"  # the purpose of the customer's link


def _told(kind: str, message: Message, now: datetime) -> Callback | None:
    """The request an alert is still owed for, at its level: none once somebody had it since.

    Raises NotNow outside opening hours.
    """
    callback, (turn, level) = store.load(message.subject), divmod(message.serial, 10)
    if callback is None:
        return None
    if kind == "callback" and (callback.state != "open" or callback.round != turn):
        return None
    if not hotline.is_open(opening.hours(), now):
        raise NotNow(hotline.next_opening(opening.hours(), now))
    return replace(callback, level=level)


def _alert(kind: str, message: Message, now: datetime) -> Alert | None:
    callback = _told(kind, message, now)
    return alerts.alert(callback, kind, current()) if callback else None


def _alert_mail(kind: str, message: Message, now: datetime) -> Mail | None:
    callback = _told(kind, message, now)
    if callback is None:
        return None
    to = alerts.recipients(callback, kind, current(), opening.rules(), now)
    if not to or (callback.level >= SUPERVISOR and not current().supervisor_mail):
        log.warning(
            "callback.nobody_to_tell", reference=callback.reference, escalation=callback.level
        )
    return alerts.mail(callback, kind, to, current()) if to else None


# Which state a letter is about; in another one it is no longer owed.
_STATES: Mapping[Letter, Callable[[Callback], bool]] = {
    "received": lambda callback: callback.is_live,
    "cancelled": lambda callback: callback.state == "cancelled",
    "missed": lambda callback: callback.state in ("unreached", "expired"),
}


def _letter(kind: Letter, message: Message, now: datetime) -> Mail | None:
    callback = store.load(message.subject)
    if (
        callback is None
        or callback.erased
        or callback.letters != message.serial
        or not _STATES[kind](callback)
    ):
        return None
    return letters.letter(kind, callback, link(callback.reference), current())


def link(reference: str) -> str:
    """The customer's link: to see, cancel or move the call."""
    return f"{current().base_url}/callbacks/change?token={tokens.sign(CHANGE, reference, 0)}"


COMPOSERS: Mapping[str, Composer] = {
    "callback-alert": partial(_alert, "callback"),
    "callback-alert-mail": partial(_alert_mail, "callback"),
    "callback-expired": partial(_alert, "expired"),
    "callback-expired-mail": partial(_alert_mail, "expired"),
    "callback-received": partial(_letter, "received"),
    "callback-cancelled": partial(_letter, "cancelled"),
    "callback-missed": partial(_letter, "missed"),
}
