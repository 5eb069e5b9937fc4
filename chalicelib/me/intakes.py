"""Requests for one's data, taken in by the stream: the address gets the link, if it is known."""

from collections.abc import Mapping

from chalicelib import aws, instants, mailings
from chalicelib.aws import Cancelled, retried
from chalicelib.callbacks import wishes
from chalicelib.intake import Intake, Taker
from chalicelib.newsletter import intakes as newsletter
from chalicelib.newsletter import model, service
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store
from chalicelib.outbox.model import Message

KIND = "me-access"


def _take(taken: Intake) -> list[Message]:
    """Owe a subscriber the link, or somebody who is known for callbacks alone."""
    subscriber = service.known(taken.key)
    if model.may_have_access(subscriber, taken.at):
        return newsletter.ask_access(taken)
    email = "" if model.takes_no_mail(subscriber) else wishes.address(taken.key)[0]
    return _owe(taken, email) if email else newsletter.ask_access(taken)


def _owe(taken: Intake, email: str) -> list[Message]:
    """Owe the link to an address without a subscriber, and count its mail."""

    def attempt(_: int) -> list[Message]:
        mailing = mailings.load("access" if taken.asked["email"] else "access by link", email)
        serial = instants.epoch(taken.at)
        message = outbox.owe(KIND, taken.key, serial, taken.at)
        owed = [store.owed(message), mailing.counted(message.id, taken.at)]
        try:
            aws.write(taken.taken(), *(owed if mailing.allows(taken.at) else ()))
        except Cancelled as cancelled:
            if 0 in cancelled.failed:
                return []  # taken in before
            raise
        return [message] if mailing.allows(taken.at) else []

    return retried(attempt, "me")


TAKERS: Mapping[str, Taker] = {newsletter.ACCESS: _take}
