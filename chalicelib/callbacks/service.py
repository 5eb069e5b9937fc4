"""What can be done with callback requests: load, decide, save, and again after a conflict.

No HTTP. The public routes, the clock and operators' commands call it; what the staff do besides is
in `staff.service`.
"""

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal
from urllib.parse import urlsplit

from chalicelib import challenges, company, intake, keys, limits, log, texts
from chalicelib.aws import retried
from chalicelib.callbacks import (
    calendar,
    changes,
    erasure,
    intakes,
    links,
    opening_hours,
    phone_numbers,
    rules,
    wishes,
    workflow,
)
from chalicelib.callbacks.model import (
    MOVES_A_DAY,
    UNDO_WITHIN,
    Asked,
    Callback,
    Change,
    Telephone,
    Who,
    Wish,
    make_reference,
)
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.stores import board, requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.consent import Wordings
from chalicelib.errors import BadToken, FieldError, Invalid
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
    """Keep a visitor's request until it is taken in; return it as it would be for a new number.

    Nobody looks the number up here, so that neither the answer nor its time tells what is known of
    it. Raises Invalid, LimitReached, Unavailable.
    """
    settings, wording = current(), wordings.seen(wanted.consent)
    asked = asked_of(wanted, wording.version)
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


def asked_of(wanted: Wanted, consent: str) -> Asked:
    """Return what is asked for, with the number read. Raises Invalid (`phone…`)."""
    return Asked(
        **asdict(telephone(wanted.phone)),
        name=wanted.name,
        topic=wanted.topic,
        consent=consent,
        language=wanted.language,
        email=wanted.email,
        note=wanted.note,
        window=wanted.window,
    )


def telephone(written: str) -> Telephone:
    """Return the number that was typed, and its keys. Raises Invalid (`phone…`)."""
    settings = current()
    number = phone_numbers.read(written, settings.phone_regions, settings.hotline_number)
    main_key = keys.identity("number", number.e164)
    number_key = main_key
    if number.extension:
        number_key = keys.identity("number", f"{number.e164};ext={number.extension}")
    return Telephone(number.e164, number.extension, number_key, main_key)


def by_link(token: str, now: datetime) -> tuple[Callback, Wish]:
    """Return the request that a customer's link opens, and the wish it is for.

    A request that another follows leads to that. Raises BadToken.
    """
    reference = links.reference(token, now)
    callback = requests.load_last(reference)
    wish = callback.wish(reference) if callback and not callback.erased else None
    if callback is None or wish is None:
        raise BadToken
    return callback, wish


def change_by_link(
    token: str, action: LinkAction, window: Span | None, now: datetime
) -> tuple[Callback, Wish]:
    """Cancel or move a wish, or take that back; a repeat changes nothing more.

    Raises BadToken, Conflict, Invalid (`window…`), LimitReached.
    """
    callback, wish = by_link(token, now)
    told = wish.reference
    if action == "undo":
        changes.change_knowing(callback.reference, partial(_undo_by_link, told, now), now)
        return by_link(token, now)

    def decide(before: Callback) -> Change:
        if action == "cancel":
            return workflow.cancel(before, told, rules.current(), now)
        if window is None:
            raise Invalid(FieldError("window", "required"))
        return workflow.reschedule(before, told, window, rules.current(), now)

    guards = Guards((_limit_of_link(told, action),))
    changes.change(callback.reference, decide, now, guards)
    return by_link(token, now)


def _undo_by_link(
    reference: str, now: datetime, before: Callback, known: Number, taken: Callback | None
) -> Change:
    held_for = changes.why_held(known, now, before.reference)
    return workflow.undo_by_link(before, reference, rules.current(), now, taken, held_for)


def _limit_of_link(reference: str, action: LinkAction) -> Limit:
    """Return the limit of what a wish's link may change in a day.

    An undo counts with its cancellation or move: without a further one there is nothing to undo.
    """
    if action == "cancel":
        return wishes.cancellations(reference)
    hotline = phone_numbers.display(current().hotline_number)
    return Limit("link-moves", reference, MOVES_A_DAY, "day", "link_moves", hotline)


def calendar_of(token: str, now: datetime) -> str:
    """Return the calendar file of the wish that a customer's link is for. Raises BadToken."""
    _, wish = by_link(token, now)
    own, language = company.current(), company.current().spoken(wish.asked.language)
    word = texts.of(language).gettext
    cancelled = not wish.is_open and wish.end != "done"
    return calendar.event(
        uid=f"{wish.reference}@{urlsplit(current().base_url).hostname}",
        window=wish.expected,
        summary=word("Callback from %(company)s") % {"company": own.name},
        description=word("Your reference: %(reference)s") % {"reference": wish.reference},
        url=links.url(wish.reference),
        stamp=now,
        sequence=wish.letters,
        cancelled=cancelled,
    )


def may_undo(wish: Wish, now: datetime) -> bool:
    """Tell whether a customer may still take back their last move or cancellation."""
    moved = wish.moved
    return moved is not None and not moved.is_undone and now < moved.at + UNDO_WITHIN


def requests_since(first: datetime) -> list[Callback]:
    """Return the requests made from an instant on, in any order."""
    return board.since(first)


def references_of_number(phone: str) -> list[str]:
    """Return the references of a number's requests. Raises Invalid (`phone…`)."""
    line = telephone(phone)
    return requests.references(line.number_key, line.main_key)


def load_many(references: list[str]) -> list[Callback]:
    """Return those of the requests that exist, in this order."""
    return requests.load_many(references)


def erase_person(key: str, main_key: str, who: Who, now: datetime) -> int:
    """Erase what is known of the person of a number, on record; return how many requests.

    A live request ends. A block stays, as a key: the person is not to be called.
    """
    intake.erase(key)
    references = requests.with_merged(requests.references(key, main_key))
    erase_requests(references, who, now)
    log.info("callback.person_erased", requests=len(references), by=who.id)
    return len(references)


def erase_requests(references: list[str], who: Who, now: datetime) -> None:
    """Erase what is known of the person of these requests. Raises NotFound, Unavailable."""
    erasure.erase_wholly(references, who, now)
