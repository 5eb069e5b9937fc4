"""Signups, requests for one's data, new addresses: kept by the form, taken in by the stream."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from chalicelib import intake, mailings
from chalicelib.aws import Cancelled, retried
from chalicelib.guards import Guards
from chalicelib.intake import Intake, Taker
from chalicelib.mailings import Purpose
from chalicelib.newsletter import model
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Change, Signup
from chalicelib.newsletter.stores import subscribers
from chalicelib.newsletter.stores.subscribers import Known
from chalicelib.outbox.model import Message

SIGNUP, ACCESS, MOVE = "newsletter-signup", "newsletter-access", "newsletter-move"


def keep(kind: str, key: str, asked: Mapping[str, Any], guards: Guards, now: datetime) -> None:
    """Keep what was asked for. Raises LimitReached, Invalid (`altcha`), Unavailable."""
    intake.keep(intake.new(kind, key, asked, now), guards)


def _sign_up(taken: Intake) -> list[Message]:
    """Take in a signup; `asked` has the signup, `facts` and `personal` for the proof."""
    asked = taken.asked
    signup = Signup(
        taken.key, asked["email"], asked["language"], tuple(asked["topics"]), asked["consent"]
    )

    def decide(known: Known, may_mail: bool) -> Change:
        return model.sign_up(known.subscriber, signup, taken.at, known.version, may_mail)

    return _take(taken, decide, How(asked["facts"], asked["personal"]), "confirmation")


def ask_access(taken: Intake) -> list[Message]:
    """Take in a request for one's data; its `email` is empty where a mailed link asked for it."""

    def decide(known: Known, may_mail: bool) -> Change:
        return model.ask_access(known.subscriber, taken.at, may_mail)

    purpose: Purpose = "access" if taken.asked["email"] else "access by link"
    return _take(taken, decide, How({}, taken.asked["personal"]), purpose)


def _ask_move(taken: Intake) -> list[Message]:
    """Take in the wish that this address replaces another one's, whose key is `from`."""
    asked = taken.asked

    def decide(known: Known, may_mail: bool) -> Change:
        old = subscribers.load(asked["from"]).subscriber
        if old is None:
            return Change(known.subscriber, known.subscriber)
        wanted = Signup(taken.key, asked["email"], old.language, old.topics, old.consent)
        return model.ask_move(known.subscriber, old, wanted, taken.at, known.version, may_mail)

    return _take(
        taken, decide, How({"moved_from": asked["from"]}, asked["personal"]), "confirmation"
    )


def _take(
    taken: Intake,
    decide: Callable[[Known, bool], Change],
    how: How,
    purpose: Purpose,
) -> list[Message]:
    """Store what follows from an intake, and count the mail it owes for its mailbox."""

    def attempt(_: int) -> list[Message]:
        known = subscribers.load(taken.key)
        email = taken.asked["email"] or (known.subscriber.email if known.subscriber else "")
        mailing = mailings.load(purpose, email) if email else None
        change = decide(known, mailing is None or mailing.allows(taken.at))
        message = subscribers.owed(change, taken.at)
        counted = [mailing.counted(message.id, taken.at)] if mailing and message else []
        try:
            subscribers.save(known, change, taken.at, how, also=[taken.taken(), *counted])
        except Cancelled as cancelled:
            if 0 in cancelled.failed:
                return []  # taken in before
            raise
        return [message] if message else []

    return retried(attempt, "newsletter")


# `me.intakes` takes in ACCESS, since an address may be known for its callbacks alone.
TAKERS: Mapping[str, Taker] = {SIGNUP: _sign_up, MOVE: _ask_move}
