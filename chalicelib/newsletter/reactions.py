"""When a message of ours is due, this is what it says: composed from what is true at that time."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib import tokens
from chalicelib.newsletter import letters, model, store
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current

CONFIRM = "newsletter.confirm"  # the purpose of the link's token


def _confirmation(message: Message, now: datetime) -> Mail | None:
    subscriber = store.load(message.subject)
    if subscriber is None or not model.awaits_confirmation(subscriber, now):
        return None
    expires = subscriber.asked_at + model.CONFIRM_WITHIN
    token = tokens.sign(CONFIRM, subscriber.key, subscriber.generation, expires)
    return letters.confirmation(subscriber, f"{current().base_url}/newsletter/confirm?token={token}")


COMPOSERS: Mapping[str, Composer] = {store.CONFIRMATION: _confirmation}
