"""The loop that changes a request: load, decide, save, and once more where another was faster.

It stands apart from `service`, so that the clock's function does not import what only forms need.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from chalicelib import instants, log
from chalicelib.aws import Cancelled, Item, retried
from chalicelib.callbacks.model import Callback, Change, Hold, Telephone
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.errors import Newer, NotFound
from chalicelib.guards import NONE, Guards
from chalicelib.settings import current

# Decides on a request with what is known of a number, and the other live request that has it.
Knowing = Callable[[Callback, Number, Callback | None], Change]


def load(reference: str) -> Callback:
    """Return the request as it is now. Raises NotFound, Newer."""
    callback = requests.load(reference)
    if callback is None:
        raise NotFound("no_callback", reference)
    understand(callback)
    return callback


def understand(callback: Callback) -> None:
    """Raise Newer where a newer version of the code has left a request in a state of its own.

    It waits for that version as it is. Only an erasure does not.
    """
    if not callback.is_understood:
        log.warning("kind.unknown", reference=callback.reference, state=callback.state)
        raise Newer("callback", callback.state)


def change(
    reference: str,
    decide: Callable[[Callback], Change],
    now: datetime,
    guards: Guards = NONE,
    also: Sequence[Item] = (),
) -> Callback:
    """Decide on the request as it is and write the change; return the request as it is then.

    The guards are written with a change; where nothing changes, they count nothing. `also` are
    further members of the transaction. Raises NotFound, Unavailable, and whatever `decide` and the
    guards raise.
    """

    def attempt(_: int) -> Callback:
        decided = decide(load(reference))
        requests.save(decided, now, guards, also)
        return decided.after

    return retried(attempt, "callback")


def change_knowing(
    reference: str,
    decide: Knowing,
    now: datetime,
    number: Telephone | None = None,
    proof: Proof | None = None,
    also: Sequence[Item] = (),
) -> Change:
    """Do as `change` does, with what is known of the request's number, or of another `number`."""

    def attempt(_: int) -> Change:
        before = load(reference)
        line = number or before.asked
        known = requests.number(line.number_key, line.main_key)
        taken = None
        if known.live and known.live != before.reference:
            taken = requests.load(known.live)
            if taken is None or not taken.is_live:
                raise Cancelled(())  # it ended just now
            understand(taken)
        decided = decide(before, known, taken)
        requests.save(decided, now, NONE, also, known.earlier_block, proof)
        return decided

    return retried(attempt, "callback")


def why_held(known: Number, now: datetime, own: str = "") -> Hold:
    """Return why a request for this number waits for a supervisor's decision; empty if it need not.

    The number is blocked, or it was asked for too often today, besides the request's `own` time.
    """
    if known.blocked_until and now < known.blocked_until:
        return "blocked"
    zone = current().time_zone
    others = [at for at, reference in known.asked_at if reference != own]
    today = [at for at in others if instants.day(at, zone) == instants.day(now, zone)]
    return "limit" if len(today) >= current().limit_callbacks_per_number else ""
