"""The clock: every minute it moves on what is due. Repeated or late ticks change nothing more."""

from collections.abc import Callable
from datetime import datetime

from chalicelib import instants, log
from chalicelib.callbacks import changes, opening_hours, rules, workflow
from chalicelib.callbacks.model import Callback, Change
from chalicelib.callbacks.stores import requests
from chalicelib.errors import ContactError, NotFound

_MOST_STEPS = 10  # for one request in one tick: more than the workflow has in a row


def tick(time_left: Callable[[], float], now: datetime | None = None) -> dict[str, int]:
    """Open, escalate, take back and expire what is due, while the line is open.

    It stops when `time_left()` (seconds) runs short; the rest comes with the next tick. Returns
    how many events of each kind there were. A request that cannot be moved on is logged, and its
    neighbours go on.
    """
    now = now or instants.now()
    counts: dict[str, int] = {}
    if not opening_hours.is_open(rules.hours(), now):
        return counts
    for reference in requests.due(now):
        if time_left() < 5:
            break
        for event in _move_on(reference, now):
            counts[event] = counts.get(event, 0) + 1
    return counts


def _move_on(reference: str, now: datetime) -> list[str]:
    """Take a request through every step that is due; return the events."""
    events: list[str] = []

    def step(before: Callback) -> Change:
        decided = workflow.tick(before, rules.current(), now)
        if decided.changes:
            events.append(decided.event)
        return decided

    try:
        for _ in range(_MOST_STEPS):
            before = len(events)
            changes.change(reference, step, now)
            if len(events) == before:
                break
    except NotFound:
        pass  # the index is eventually consistent: the request is gone
    except ContactError as error:
        log.warning("callback.stuck", reference=reference, error=str(error))
    return events
