"""Requests from the website: kept by the form, taken in by the stream's function."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from chalicelib import instants, intake, log, mailings
from chalicelib.aws import Cancelled, retried
from chalicelib.callbacks import rules, workflow
from chalicelib.callbacks.model import Asked, Change
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Number, Proof
from chalicelib.errors import Invalid
from chalicelib.guards import Guards
from chalicelib.intake import Intake, Taker
from chalicelib.outbox.model import Message
from chalicelib.settings import current

REQUEST = "callback-request"


def keep(asked: Asked, reference: str, proof: Proof, guards: Guards, now: datetime) -> None:
    """Keep a request under its reference, which no other request gets from now on.

    Raises Cancelled where the reference is taken; LimitReached, Invalid (`altcha`), Unavailable.
    """
    window = [instants.text(at) for at in asked.window] if asked.window else None
    written = {
        "reference": reference,
        "request": {**asdict(asked), "window": window},
        "wording": proof.wording,
        "personal": dict(proof.personal),
    }
    kept = intake.new(REQUEST, asked.number_key, written, now)
    intake.keep(kept, guards, requests.reserved(reference))


def _is_unwelcome(known: Number, now: datetime) -> bool:
    """Tell whether a number is blocked, or was asked for too often today."""
    today = instants.day(now, current().time_zone)
    asked = [at for at, _ in known.requests if instants.day(at, current().time_zone) == today]
    blocked = known.blocked_until is not None and now < known.blocked_until
    return blocked or len(asked) >= current().limit_callbacks_per_number


def _take(taken: Intake) -> list[Message]:
    """Store the request, unless the number has a live one or is unwelcome."""
    asked, reference = _asked(taken.asked["request"]), taken.asked["reference"]
    proof = Proof(taken.asked["wording"], taken.asked["personal"])

    def attempt(_: int) -> list[Message]:
        known = requests.number(taken.key)
        kept = not known.live and not _is_unwelcome(known, taken.at)
        change = _submitted(asked, reference, known, taken.at) if kept else None
        also = [taken.taken()]
        if change is None:
            also.append(requests.unused(reference, known.live, taken.at))
        elif asked.email:
            change, counted = _within_limits(change, asked.email, taken.at)
            also += counted
        try:
            requests.add(change, proof, also)
        except Cancelled as cancelled:
            if 0 in cancelled.failed:
                return []  # taken in before
            raise
        return list(requests.messages(change, taken.at)) if change else []

    return retried(attempt, "callback")


def _submitted(asked: Asked, reference: str, known: Number, now: datetime) -> Change:
    follows = known.requests[0][1] if known.requests else ""
    try:
        return workflow.submit(asked, reference, rules.current(), now, follows)
    except Invalid:
        # The opening hours were changed since the form was answered.
        log.warning("callback.window_lost", reference=reference)
        return workflow.submit(
            replace(asked, window=None), reference, rules.current(), now, follows
        )


def _within_limits(change: Change, email: str, now: datetime) -> tuple[Change, list[Any]]:
    """Return the change without its letter where the mailbox had enough, and what counts it."""
    mailing = mailings.load("callback", email)
    if not mailing.allows(now):
        owes = tuple(each for each in change.owes if each.kind != "received")
        return replace(change, owes=owes), []
    letters = [each for each in requests.messages(change, now) if each.kind == "callback-received"]
    return change, [mailing.counted(each.id, now) for each in letters]


def _asked(written: Mapping[str, Any]) -> Asked:
    window = written["window"]
    span = (instants.parse(window[0]), instants.parse(window[1])) if window else None
    return Asked(**{**written, "window": span})


TAKERS: Mapping[str, Taker] = {REQUEST: _take}
