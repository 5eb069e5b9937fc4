"""What a message says when it is due, composed from what is true at that time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from chalicelib import log, mailings
from chalicelib.callbacks import alerts, letters, links, opening_hours, rules
from chalicelib.callbacks.model import SUPERVISOR, Callback, Letter, Wish
from chalicelib.callbacks.stores import requests
from chalicelib.outbox.delivery import Composer, NotNow
from chalicelib.outbox.model import Alert, Mail, Message
from chalicelib.settings import current


def _alerted(event: str, message: Message, now: datetime) -> Callback | None:
    """Return the request that an alert is still owed for, at the alert's level.

    Returns None once the request was claimed or presented again. Raises NotNow outside opening
    hours.
    """
    callback, (turn, level) = requests.load(message.subject), divmod(message.serial, 10)
    if callback is None:
        return None
    if event == "callback" and (callback.state != "open" or callback.round != turn):
        return None
    if not opening_hours.is_open(rules.hours(), now):
        raise NotNow(opening_hours.next_opening(rules.hours(), now))
    return replace(callback, level=level)


def _alert(event: str, message: Message, now: datetime) -> Alert | None:
    callback = _alerted(event, message, now)
    return alerts.alert(callback, event, current()) if callback else None


def _alert_mail(event: str, message: Message, now: datetime) -> Mail | None:
    callback = _alerted(event, message, now)
    if callback is None:
        return None
    to = alerts.recipients(callback, event, current(), rules.current(), now)
    if not to or (callback.level >= SUPERVISOR and not current().supervisor_mail):
        log.warning(
            "callback.nobody_to_tell", reference=callback.reference, escalation=callback.level
        )
    return alerts.mail(callback, event, to, current(), now) if to else None


# Whether a letter is still owed, by the wish it is about.
_OWED: Mapping[Letter, Callable[[Wish], bool]] = {
    "received": lambda wish: wish.is_open,
    "cancelled": lambda wish: wish.end == "cancelled",
    "missed": lambda wish: wish.end in ("unreached", "expired"),
    "declined": lambda wish: wish.end == "refused",
}


def _letter(kind: Letter, message: Message, now: datetime) -> Mail | None:
    callback = requests.load_last(message.subject)
    wish = callback.wish(message.subject) if callback and not callback.erased else None
    if callback is None or wish is None or wish.letters != message.serial:
        return None
    if not _OWED[kind](wish):
        return None
    if kind in ("missed", "declined") and not mailings.count(
        "callback", wish.asked.email, message.id, now
    ):
        log.info("mailbox.full", message=message.id)
        return None
    return letters.letter(
        kind, callback, wish, links.url(message.subject), current(), rules.hours()
    )


COMPOSERS: Mapping[str, Composer] = {
    "callback-alert": partial(_alert, "callback"),
    "callback-alert-mail": partial(_alert_mail, "callback"),
    "callback-expired": partial(_alert, "expired"),
    "callback-expired-mail": partial(_alert_mail, "expired"),
    "callback-received": partial(_letter, "received"),
    "callback-cancelled": partial(_letter, "cancelled"),
    "callback-missed": partial(_letter, "missed"),
    "callback-declined": partial(_letter, "declined"),
}
