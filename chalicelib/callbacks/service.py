"""What can be done with callback requests: load, decide, save, and again after a conflict.

No HTTP. The public routes, the clock and operators' commands call it; what the staff do besides is
in `staff.service`.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from chalicelib import challenges, company, intake, keys, limits, log
from chalicelib.aws import retried
from chalicelib.callbacks import (
    changes,
    erasure,
    intakes,
    links,
    opening_hours,
    phone_numbers,
    rules,
    workflow,
)
from chalicelib.callbacks.model import (
    CANCELLATIONS_A_DAY,
    MOVES_A_DAY,
    UNDO_WITHIN,
    Asked,
    Callback,
    Change,
    Who,
    make_reference,
)
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.stores import board, requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.consent import Wordings
from chalicelib.errors import BadToken, Conflict, FieldError, Invalid
from chalicelib.guards import Guards
from chalicelib.limits import Limit
from chalicelib.sender import Sender
from chalicelib.settings import current

wordings = Wordings("callback")
LINK_DAYS = 8  # open days that the customer's page offers

LinkAction = Literal["cancel", "reschedule", "undo"]


@dataclass(frozen=True)
class Wanted:
    """What a visitor asks for in the form; `phone` as it was typed."""

    name: str
    phone: str
    topic: str
    consent: str  # the version of the declaration the form showed
    language: str
    email: str = ""
    note: str = ""
    window: Span | None = None
    page: str = ""
    proof_of_work: str | None = None


@dataclass(frozen=True)
class Line:
    """The line at one instant. `changes_at` is when it opens or closes next, None if never."""

    is_open: bool
    changes_at: datetime | None


def line(now: datetime) -> Line:
    """Tell whether the line is open, and when that changes."""
    hours = rules.hours()
    until = opening_hours.open_until(hours, now)
    return Line(until is not None, until or opening_hours.next_opening(hours, now))


def slots(now: datetime, days: int) -> list[Span]:
    """Return the windows that can be wished for on the next open days."""
    length = timedelta(minutes=company.current().slot_minutes)
    return opening_hours.slots(rules.hours(), now, days, length)


def submit(wanted: Wanted, sender: Sender, now: datetime) -> Callback:
    """Keep a visitor's request until it is taken in; return it as it will be.

    A number that has a live request, is blocked, or was asked for too often today, gets no other;
    nobody looks it up here, so that neither the answer nor its time tells. Raises Invalid,
    LimitReached, Unavailable.
    """
    settings, wording = current(), wordings.seen(wanted.consent)
    number = phone_numbers.read(wanted.phone, settings.phone_regions, settings.hotline_number)
    asked = Asked(
        name=wanted.name,
        phone=number.e164,
        extension=number.extension,
        number_key=keys.identity("number", number.e164),
        topic=wanted.topic,
        consent=wording.version,
        language=wanted.language,
        email=wanted.email,
        note=wanted.note,
        window=wanted.window,
    )

    guards = Guards(
        (limits.per_caller("callbacks", sender.client_ip, settings.limit_callbacks_per_caller),),
        challenges.spend("callback", wanted.proof_of_work, now),
    )
    personal = {**sender.personal(), "page": wanted.page}
    proof = Proof(wording.sha256, personal)

    def attempt(number: int) -> Callback:
        # A longer reference where the shorter ones happen to be taken.
        reference = make_reference(secrets.token_bytes(4 + number // 3))
        made = workflow.submit(asked, reference, rules.current(), now).after
        intakes.keep(asked, reference, proof, guards, now)
        return made

    return retried(attempt, "callback")


def add(make: Callable[[str, Number], Change], key: str, proof: Proof, now: datetime) -> Callback:
    """Store the request that `make` builds for a reference, or return the number's live one.

    Raises Unavailable, and what `make` raises.
    """

    def attempt(number: int) -> Callback:
        known = requests.number(key)
        # A longer reference where the shorter ones happen to be taken.
        change = make(make_reference(secrets.token_bytes(4 + number // 3)), known)
        if known.live:
            return replace(change.after, reference=known.live)
        requests.add(change, proof, [requests.reserved(change.after.reference)])
        return change.after

    return retried(attempt, "callback")


def by_link(token: str, now: datetime) -> Callback:
    """Return the request that a customer's link opens. Raises BadToken."""
    callback = requests.load(links.reference(token, now))
    if callback is None or callback.erased:
        raise BadToken
    return callback


def change_by_link(
    token: str, action: LinkAction, window: Span | None, sender: Sender, now: datetime
) -> Callback:
    """Cancel or move the call, or take a cancellation back; a repeat changes nothing more.

    An undo returns the new request that follows. Raises BadToken, Conflict, Invalid (`window`),
    LimitReached.
    """
    callback = by_link(token, now)
    if action == "undo":
        return _restore(callback, sender, now)

    def decide(before: Callback) -> Change:
        if action == "cancel":
            return workflow.cancel(before, now)
        if window is None:
            raise Invalid(FieldError("window", "required"))
        return workflow.reschedule(before, window, rules.current(), now)

    guards = Guards((_limit_of_link(callback, action),))
    return changes.change(callback.reference, decide, now, guards)


def _limit_of_link(callback: Callback, action: LinkAction) -> Limit:
    """Return the limit of what a customer's link may change in a day.

    It counts by the first request, so that taking a cancellation back does not begin anew. It does
    not count by number, which is a whole office's. An undo counts with its cancellation: without
    a further one there is nothing to take back.
    """
    hotline, origin = phone_numbers.display(current().hotline_number), callback.link_origin
    if action == "cancel":
        return Limit(
            "link-cancellations", origin, CANCELLATIONS_A_DAY, "day", "link_cancellations", hotline
        )
    return Limit("link-moves", origin, MOVES_A_DAY, "day", "link_moves", hotline)


def may_undo(callback: Callback, now: datetime) -> bool:
    """Tell whether a customer may still take their cancellation back."""
    ended = callback.ended_at
    return callback.state == "cancelled" and ended is not None and now < ended + UNDO_WITHIN


def requests_since(first: datetime) -> list[Callback]:
    """Return the requests made from an instant on, in any order."""
    return board.since(first)


def references_of_number(phone: str) -> list[str]:
    """Return the references of a number's requests. Raises Invalid (`phone…`)."""
    return requests.references(number_key(phone))


def load_many(references: list[str]) -> list[Callback]:
    """Return those of the requests that exist, in this order."""
    return requests.load_many(references)


def pages_of_addresses() -> Iterator[list[tuple[str, str]]]:
    """Yield the requests that name an e-mail address, page by page of the whole table.

    Each is a reference and the address. No index has them, as only an erasure asks for them.
    """
    return requests.pages_of_addresses()


def number_key(phone: str) -> str:
    """Return the key of a number as it was typed. Raises Invalid (`phone…`)."""
    settings = current()
    number = phone_numbers.read(phone, settings.phone_regions, settings.hotline_number)
    return keys.identity("number", number.e164)


def erase_person(key: str, who: Who, now: datetime) -> int:
    """Erase what is known of the person of a number, on record; return how many requests.

    A live request ends. A block stays, as a key: the person is not to be called.
    """
    intake.erase(key)
    references = requests.references(key)
    erase_requests(references, who, now)
    log.info("callback.person_erased", requests=len(references), by=who.id)
    return len(references)


def erase_requests(references: list[str], who: Who, now: datetime) -> None:
    """Erase what is known of the person of these requests. Raises NotFound, Unavailable."""
    erasure.erase_wholly(references, who, now)


def _restore(cancelled: Callback, sender: Sender, now: datetime) -> Callback:
    """Add a request that follows the cancelled one, or find the one that already does."""

    def make(reference: str, known: Number) -> Change:
        if known.blocked_until and now < known.blocked_until:
            raise Conflict("cancelled", "too_late")
        return workflow.undo(cancelled, reference, rules.current(), now)

    proof = Proof(wordings.get(cancelled.asked.consent).sha256, sender.personal())
    after = add(make, cancelled.asked.number_key, proof, now)
    return requests.load(after.reference) or after
