"""What the streams, the queue and the clock set off, across the capabilities."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # app.py imports this module at each start: each function imports its own
    from chalicelib.intake import Taker
    from chalicelib.outbox.delivery import Composer


def composers() -> "Mapping[str, Composer]":
    """Return the functions that compose due messages, by the message's kind."""
    from chalicelib.callbacks.reactions import COMPOSERS as CALLBACKS
    from chalicelib.me.reactions import COMPOSERS as ME
    from chalicelib.newsletter.reactions import COMPOSERS as NEWSLETTER
    from chalicelib.outbox.subscribers import COMPOSERS as OPERATORS

    return {**NEWSLETTER, **CALLBACKS, **ME, **OPERATORS}


def takers() -> "Mapping[str, Taker]":
    """Return the functions that take intakes in, by the intake's kind."""
    from chalicelib.callbacks.intakes import TAKERS as CALLBACKS
    from chalicelib.me.intakes import TAKERS as ME
    from chalicelib.newsletter.intakes import TAKERS as NEWSLETTER

    return {**NEWSLETTER, **CALLBACKS, **ME}


def contacts_changed(event: Mapping[str, Any], context: Any) -> None:
    """Take in intakes, deliver new messages, put sent ones on record, set how long events stay."""
    from chalicelib.newsletter.reactions import settle
    from chalicelib.outbox import senders

    left = time_left(context)
    senders.react(event["Records"], composers(), takers, settle, left)


def messages_dealt(event: Mapping[str, Any], context: Any) -> dict[str, int]:
    """Send the messages that the clock dealt; return how many were left in which state."""
    from chalicelib.outbox import senders

    return senders.play(event, composers(), takers, time_left(context))


def minute_passed(context: Any) -> dict[str, int]:
    """Do what is due: callbacks for half of the time, then messages, erasures, ledgers."""
    from chalicelib.callbacks import clock, erasure
    from chalicelib.newsletter import clock as ledgers
    from chalicelib.outbox import senders, subscribers

    left = time_left(context)
    half = left() / 2
    counts = clock.tick(lambda: left() - half) | senders.sweep(composers(), takers, left)
    erased = len(erasure.erase_ended(left))
    subscribers.look()
    return {**counts, "erased": erased, "ledgers": ledgers.tick(left)}


def time_left(context: Any) -> Callable[[], float]:
    """Return a function that tells how many seconds the invocation has left."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000
