"""When an alert is due, this is what it says: composed from what is true at that time."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.callbacks import alerts, store
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Alert, Mail, Message
from chalicelib.settings import current


def _alert(message: Message, now: datetime) -> Alert | None:
    callback = store.load(message.subject)
    return alerts.alert(callback, current()) if callback else None


def _alert_mail(message: Message, now: datetime) -> Mail | None:
    callback = store.load(message.subject)
    return alerts.mail(callback, current()) if callback else None


COMPOSERS: Mapping[str, Composer] = {store.ALERT: _alert, store.ALERT_MAIL: _alert_mail}
