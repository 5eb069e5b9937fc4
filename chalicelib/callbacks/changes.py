"""The loop that changes a request: load, decide, save, and once more where another was faster.

It stands apart from `service`, so that the clock's function does not import what only forms need.
"""

from collections.abc import Callable
from datetime import datetime

from chalicelib.aws import retried
from chalicelib.callbacks.model import Callback, Change
from chalicelib.callbacks.stores import requests
from chalicelib.errors import NotFound
from chalicelib.guards import NONE, Guards


def load(reference: str) -> Callback:
    """Return the request as it is now. Raises NotFound."""
    callback = requests.load(reference)
    if callback is None:
        raise NotFound("no_callback", reference)
    return callback


def change(
    reference: str, decide: Callable[[Callback], Change], now: datetime, guards: Guards = NONE
) -> Callback:
    """Decide on the request as it is and write the change; return the request as it is then.

    The guards are written with a change; where nothing changes, they count nothing. Raises
    NotFound, Unavailable, and whatever `decide` and the guards raise.
    """

    def attempt(_: int) -> Callback:
        decided = decide(load(reference))
        requests.save(decided, now, guards)
        return decided.after

    return retried(attempt, "callback")
