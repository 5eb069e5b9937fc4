"""Every minute: what has fallen due. Once, twice, shuffled or an hour late, the outcome is the same."""

from collections.abc import Callable, Iterable
from datetime import datetime

from chalicelib import instants, log
from chalicelib.aws import Cancelled
from chalicelib.callbacks import hotline, opening, store, workflow
from chalicelib.callbacks.model import Callback, Change, Who
from chalicelib.errors import ContactError, NotFound
from chalicelib.settings import current

_STEPS = 10  # of one request in one tick: more than the workflow has in a row


def tick(time_left: Callable[[], float], now: datetime | None = None) -> dict[str, int]:
    """Opens, escalates, takes back and expires what is due, while the line is open, until `time_left()` (seconds) runs
    short; the rest comes with the next tick. Returns how many events of each kind there were.

    A request that cannot be moved on is logged, and its neighbours go on.
    """
    now = now or instants.now()
    told: dict[str, int] = {}
    if not hotline.is_open(opening.hours(), now):
        return told
    for reference in store.due(now):
        if time_left() < 5:
            break
        for event in _moved_on(reference, now):
            told[event] = told.get(event, 0) + 1
    return told


def _moved_on(reference: str, now: datetime) -> list[str]:
    events: list[str] = []

    def step(before: Callback) -> Change:
        decided = workflow.tick(before, opening.rules(), now)
        if decided.changes:
            events.append(decided.event)
        return decided

    try:
        for _ in range(_STEPS):
            known = len(events)
            store.change(reference, step, now)
            if len(events) == known:
                break
    except NotFound:
        pass  # the index was behind
    except ContactError as error:
        log.warning("callback.stuck", reference=reference, error=str(error))
    return events


def erase(
    time_left: Callable[[], float], now: datetime | None = None, dry: bool = False
) -> list[str]:
    """Takes the contact data out of requests that ended long enough ago; their references. `dry` only tells."""
    now = now or instants.now()
    erased = []
    for reference in store.to_erase(now):
        if time_left() < 5:
            break
        callback = store.load(reference)
        if callback is None or callback.is_live or callback.erased:
            continue
        try:
            if not dry:
                strip(callback)
                log.info("callback.erased", reference=reference)
        except Cancelled:
            continue  # somebody else is at it
        erased.append(reference)
    return erased


def erase_wholly(references: Iterable[str], who: Who, now: datetime) -> None:
    """Erases what is known of the person of these requests (GDPR Art. 17); a live one ends without a word.

    Raises Cancelled where somebody else changed one meanwhile; to do it again is safe.
    """
    for reference in references:
        ended = store.change(reference, lambda before: workflow.withdraw(before, who, now), now)
        strip(ended, wholly=True)
        log.info(
            "callback.erased_wholly", reference=reference
        )  # who restores an older table erases again by these


def strip(callback: Callback, wholly: bool = False) -> None:
    """Takes what is personal out of an ended request; its figures and the proof of consent stay for the proof's term.

    Raises Cancelled where somebody else changed it meanwhile.
    """
    ended = callback.ended_at or callback.created_at
    until = ended.replace(month=1, day=1, year=ended.year + 1 + current().callback_proof_years)
    store.strip(callback, instants.epoch(until), wholly)
