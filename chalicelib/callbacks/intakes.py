"""Requests from the website: kept by the form, taken in by the stream's function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from chalicelib import instants, intake, log, mailings
from chalicelib.aws import Cancelled, Item, retried
from chalicelib.callbacks import changes, rules, workflow
from chalicelib.callbacks.model import Asked, Change
from chalicelib.callbacks.stores import items, requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.callbacks.workflow import CUSTOMER
from chalicelib.errors import Invalid
from chalicelib.guards import NONE, Guards
from chalicelib.intake import Intake, Taker
from chalicelib.outbox.model import Message

REQUEST = "callback-request"


def keep(asked: Asked, reference: str, proof: Proof, guards: Guards, now: datetime) -> None:
    """Keep a request under its reference, which no other request gets from now on.

    Raises Cancelled where the reference is taken; LimitReached, Invalid (`altcha`), Unavailable.
    """
    window = [instants.text(at) for at in asked.window] if asked.window else None
    written = {
        "reference": reference,
        "request": {**_typed(asked), "window": window},
        "wording": proof.wording,
        "personal": dict(proof.personal),
    }
    kept = intake.new(REQUEST, asked.number_key, written, now)
    listed = requests.listed(asked.email, reference, asked.number_key, now)
    intake.keep(kept, guards, requests.reserved(reference), *listed)


def _typed(asked: Asked) -> dict[str, str]:
    """Return what was typed, without the window."""
    return {name: value for name, value in asdict(asked).items() if name not in ("window", "rest")}


def place(
    asked: Asked,
    reference: str,
    proof: Proof,
    now: datetime,
    by: str = CUSTOMER,
    taken: Item | None = None,
) -> Change:
    """Store a new request, or a further wish of the number's live one; return the change.

    A number that is blocked, or was asked for too often today, waits for a supervisor's decision.
    `taken` is the member that takes an intake in, whose reference is reserved. Raises Cancelled,
    Invalid (`window…`), Unavailable.
    """
    known = requests.number(asked.number_key, asked.main_key)
    listed = requests.listed(asked.email, reference, asked.number_key, now)
    first = [taken] if taken else listed  # the intake's reference is listed since it was kept
    if known.live:
        live = requests.load(known.live)
        if live is None or not live.is_live:
            raise Cancelled(())  # it ended just now
        changes.understand(live)
        change = _valid(
            lambda asked: workflow.wish(live, asked, reference, rules.current(), now, by), asked
        )
        change, counted = _within_limits(change, asked.email, now)
        led = requests.led(reference, live.reference, now, is_reserved=taken is not None)
        proved = requests.proved(live.reference, reference, asked, proof, now)
        requests.save(change, now, NONE, [*first, led, proved, *counted])
        return change
    change = _valid(lambda asked: _submitted(asked, reference, known, now, by), asked)
    change, counted = _within_limits(change, asked.email, now)
    reserved = [] if taken else [requests.reserved(reference)]
    requests.add(change, proof, [*first, *reserved, *counted])
    return change


def _take(taken: Intake) -> list[Message]:
    """Store what an intake asks for, once."""
    asked, reference = items.asked_of(taken.asked["request"]), taken.asked["reference"]
    proof = Proof(taken.asked["wording"], taken.asked["personal"])

    def attempt(_: int) -> list[Message]:
        try:
            change = place(asked, reference, proof, taken.at, taken=taken.taken())
        except Cancelled as cancelled:
            if 0 in cancelled.failed:
                return []  # taken in before
            raise
        return list(requests.messages(change, taken.at))

    return retried(attempt, "callback")


def _submitted(asked: Asked, reference: str, known: Number, now: datetime, by: str) -> Change:
    follows = known.references[0] if known.references else ""
    held_for = changes.why_held(known, now)
    return workflow.submit(asked, reference, rules.current(), now, follows, held_for, by)


def _valid(decide: Callable[[Asked], Change], asked: Asked) -> Change:
    """Decide; without the window where the opening hours were changed since the form's answer."""
    try:
        return decide(asked)
    except Invalid:
        log.warning("callback.window_lost", number=asked.number_key)
        return decide(replace(asked, window=None))


def _within_limits(change: Change, email: str, now: datetime) -> tuple[Change, Sequence[Item]]:
    """Return the change without its letter where the mailbox had enough, and what counts it."""
    letters = [each for each in requests.messages(change, now) if each.kind == "callback-received"]
    if not letters:
        return change, []
    mailing = mailings.load("callback", email)
    if not mailing.allows(now):
        owes = tuple(each for each in change.owes if each.kind != "received")
        return replace(change, owes=owes), []
    return change, [mailing.counted(each.id, now) for each in letters]


TAKERS: Mapping[str, Taker] = {REQUEST: _take}
