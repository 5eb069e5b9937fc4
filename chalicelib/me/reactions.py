"""The mail with the link to one's data, to somebody who is known for callbacks alone."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.callbacks import wishes
from chalicelib.me.intakes import KIND
from chalicelib.newsletter import letters, links
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current


def _access(message: Message, now: datetime) -> Mail | None:
    key = message.subject
    email, language = wishes.address(key)
    if not email:
        return None
    own = {"me": links.me(key, language, message.serial, message.created_at)}
    unsubscribe = links.standing_of(key, language)["unsubscribe"]
    headers = letters.unsubscribe_headers(unsubscribe, current())
    return letters.access_alone(email, language, own, headers, current())


COMPOSERS: Mapping[str, Composer] = {KIND: _access}
