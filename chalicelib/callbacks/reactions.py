"""What a message says when it is due, composed from what is true at that time."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from chalicelib import instants, log, mailings
from chalicelib.auth import session
from chalicelib.aws import retried
from chalicelib.callbacks import alerts, letters, links, opening_hours, rules
from chalicelib.callbacks.alerts import Event
from chalicelib.callbacks.model import SUPERVISOR, Callback, Letter, Wish
from chalicelib.callbacks.stores import board, digests, requests
from chalicelib.callbacks.stores.digests import Digest
from chalicelib.errors import Newer
from chalicelib.outbox.delivery import Composer, NotNow
from chalicelib.outbox.model import Alert, Mail, Message, Publication
from chalicelib.settings import current

# Whether an alert is still owed, by what it tells: not once the request was claimed.
_WAITS: Mapping[Event, Callable[[Callback], bool]] = {
    "callback": lambda callback: callback.state == "open",
    "held": lambda callback: callback.state == "held",
    "expired": lambda callback: True,
}


def _alerted(event: Event, message: Message, now: datetime) -> list[Callback]:
    """Return the requests that an alert tells of, at its level: one, those of a digest, or none.

    None is left once the request was claimed or presented again, or where a digest tells of it. A
    digest tells of those that still wait, whatever became of its leader's own. Raises NotNow
    outside opening hours.
    """
    callback, (turn, level) = _load(message), divmod(message.serial, 10)
    first = event == "callback" and not level
    led = digests.led_by(message.id) if first else None
    presented = callback is not None and (event == "expired" or callback.round == turn)
    if led is None and not (callback and presented and _WAITS[event](callback)):
        return []
    if not opening_hours.is_open(rules.hours(), now):
        raise NotNow(opening_hours.next_opening(rules.hours(), now))
    if led is None and callback and first and opening_hours.opens_at(rules.hours(), _due(message)):
        led = _digest(callback.reference, message)
    if led is None:
        return [replace(callback, level=level)] if callback else []
    if led.leader != message.id:
        return []
    return [replace(each, level=level) for each in board.still_open(led.references)]


def _load(message: Message) -> Callback | None:
    """Return the request that a message is about, or None. Raises Newer."""
    callback = requests.load(message.subject)
    if callback and not callback.is_understood:
        raise Newer("callback", callback.state)
    return callback


def _due(message: Message) -> datetime:
    """Return when a message fell due, however often it was tried since."""
    return message.since or message.created_at


def _digest(own: str, message: Message) -> Digest | None:
    """Return the digest that tells of a request whose alert was due at an opening, or None.

    Where more than MOST_APART such requests wait and no digest tells of them, it is made, and the
    message leads it.
    """
    opening = _due(message)

    def attempt(_: int) -> Digest | None:
        known = digests.of(message.kind, opening)
        for each in known:
            if own in each.references:
                return each
        told = {reference for each in known for reference in each.references}
        waiting = {own, *(each.reference for each in board.opened_at(opening))} - told
        if len(waiting) <= alerts.MOST_APART:
            return None
        made = Digest(message.id, tuple(sorted(waiting)))
        digests.add(message.kind, opening, len(known) + 1, made)
        log.info("callback.digest", message=message.id, requests=len(waiting))
        return made

    return retried(attempt, "digest")


def _alert(event: Event, message: Message, now: datetime) -> Alert | None:
    found = _alerted(event, message, now)
    if len(found) > 1:
        return alerts.digest(found, current(), now)
    return alerts.alert(found[0], event, current(), now) if found else None


def _alert_mail(event: Event, message: Message, now: datetime) -> Mail | None:
    found = _alerted(event, message, now)
    if not found:
        return None
    callback = found[0]
    to = alerts.recipients(callback, event, current(), rules.current(), now)
    for_supervisors = event == "held" or callback.level >= SUPERVISOR
    if not to or (for_supervisors and not current().supervisor_mail):
        log.warning(
            "callback.nobody_to_tell", reference=callback.reference, escalation=callback.level
        )
    if len(found) == 1 and event == "callback":
        agreed = session.address(callback.preferred, now) if callback.preferred else ""
        to = to if not agreed or agreed in to else (*to, agreed)
    if not to:
        return None
    if len(found) > 1:
        return alerts.digest_mail(found, to, current(), now)
    return alerts.mail(callback, event, to, current(), now)


def _handed_mail(message: Message, now: datetime) -> Mail | None:
    """Tell a colleague of a request that is offered or was assigned to them, as long as it is."""
    callback = _load(message)
    event = requests.event(message.subject, message.serial)
    if callback is None or event is None or callback.state != "claimed" or callback.is_calling:
        return None
    assigned, to = event["event"] == "assigned", event["personal"].get("to_id")
    if to != (callback.holder if assigned else callback.offered_to):
        return None
    address = session.address(to, now)
    if not address:
        log.info("callback.no_address", reference=callback.reference, to=to)
        return None
    by = event["personal"].get("by", event["by"])
    return alerts.handed_mail(callback, assigned, by, address, current(), now)


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
    own, calendar = links.url(message.subject), links.calendar(message.subject)
    return letters.letter(kind, callback, wish, own, calendar, current(), rules.hours())


def _event(message: Message, now: datetime) -> Publication | None:
    """Compose an event for other systems; an end that was undone or erased since is none."""
    if not current().domain_events:
        return None
    from chalicelib.callbacks.domain_events import Ended
    from chalicelib.outbox import domain_events

    if message.content["type"] == Ended.TYPE and not _still_ended(message):
        return None
    return domain_events.publication(message, current())


def _still_ended(message: Message) -> bool:
    callback, since = requests.load(message.subject), instants.text(message.created_at)
    if callback is None or callback.erased:
        return False
    happened = requests.events(message.subject)
    return not any(each["event"] == "undone" and each["at"] >= since for each in happened)


COMPOSERS: Mapping[str, Composer] = {
    "callback-alert": partial(_alert, "callback"),
    "callback-alert-mail": partial(_alert_mail, "callback"),
    "callback-held": partial(_alert, "held"),
    "callback-held-mail": partial(_alert_mail, "held"),
    "callback-expired": partial(_alert, "expired"),
    "callback-expired-mail": partial(_alert_mail, "expired"),
    "callback-handed-mail": _handed_mail,
    "callback-received": partial(_letter, "received"),
    "callback-cancelled": partial(_letter, "cancelled"),
    "callback-missed": partial(_letter, "missed"),
    "callback-declined": partial(_letter, "declined"),
    requests.EVENT: _event,
}
