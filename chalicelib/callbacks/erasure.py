"""The erasure of callbacks: after its term by the clock, or at once on a person's demand."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from chalicelib import instants, log
from chalicelib.aws import Cancelled, retried
from chalicelib.callbacks import rules, workflow
from chalicelib.callbacks.model import Callback, Who, Wish
from chalicelib.callbacks.stores import requests
from chalicelib.errors import NotFound
from chalicelib.settings import current


def erase_ended(
    time_left: Callable[[], float], now: datetime | None = None, dry: bool = False
) -> list[str]:
    """Erase the contact data of requests that ended long enough ago; return their references.

    `time_left()` is in seconds; the rest comes with the next call. `dry` changes nothing.
    """
    now = now or instants.now()
    erased = []
    for reference in requests.to_erase(now):
        if time_left() < 5:
            break
        callback = requests.load(reference)
        if callback is None or callback.is_live or callback.erased:
            continue
        try:
            if not dry:
                _strip(callback, now)
                log.info("callback.erased", reference=reference)
        except Cancelled:
            continue  # somebody else changed it meanwhile; the next call takes it up again
        erased.append(reference)
    return erased


def erase_wholly(references: Iterable[str], who: Who, now: datetime) -> None:
    """Erase what is known of the person of these requests (GDPR Art. 17). Idempotent.

    A live request ends without a word. Raises NotFound, Unavailable.
    """

    def erase(reference: str) -> None:
        before = requests.load(reference)
        if before is None:
            raise NotFound("no_callback", reference)
        change = workflow.withdraw(before, who, now)
        requests.save(change, now)
        _strip(change.after, now, wholly=True)

    for reference in references:
        retried(lambda _, reference=reference: erase(reference), "callback")  # type: ignore[misc]  # bound now
        # After the restore of an older table, operators repeat the erasures in these lines.
        log.info("callback.erased_wholly", reference=reference)


def erase_address(
    reference: str, is_theirs: Callable[[str], bool], who: Who, now: datetime
) -> None:
    """Erase what is known of the person of an address in a request. Idempotent.

    Where others asked for the same number, their wishes stay. Raises NotFound, Unavailable.
    """
    _erase_wishes(reference, lambda wish: is_theirs(wish.asked.email), who, now)


def erase_wishes(reference: str, wishes: Collection[str], who: Who, now: datetime) -> None:
    """Erase what is known of a person in these wishes of a request. Idempotent.

    The request goes wholly with the last one. Raises NotFound, Unavailable.
    """
    _erase_wishes(reference, lambda wish: wish.reference in wishes, who, now)


def _erase_wishes(
    reference: str, is_theirs: Callable[[Wish], bool], who: Who, now: datetime
) -> None:
    def erase(_: int) -> bool:
        before = requests.load(reference)
        if before is None:
            raise NotFound("no_callback", reference)
        theirs = [each.reference for each in before.wishes if is_theirs(each)]
        if len(theirs) == len(before.wishes):
            return False
        change = workflow.withdraw_wishes(before, tuple(theirs), who, rules.current(), now)
        requests.save(change, now)
        told = [ref for each in before.wishes if each.reference in theirs for ref in each.also]
        requests.erase_proofs(before, [*theirs, *told])
        return True

    if retried(erase, "callback"):
        log.info("callback.wish_erased", reference=reference)
    else:
        erase_wholly([reference], who, now)


def erase_contact(reference: str, now: datetime) -> None:
    """Erase the contact data of a request that has ended; a live or an unknown one stays as it is.

    Raises Cancelled where somebody else changed it meanwhile.
    """
    callback = requests.load(reference)
    if callback is not None and not callback.is_live:
        _strip(callback, now)


def _strip(callback: Callback, now: datetime, wholly: bool = False) -> None:
    """Strip an ended request; the rest is kept for full calendar years, as the proof of consent."""
    ended = callback.ended_at or callback.created_at
    last_year = ended.year + current().callback_proof_years
    until = ended.replace(month=1, day=1, year=last_year + 1)
    requests.strip(callback, instants.epoch(until), now, wholly)
