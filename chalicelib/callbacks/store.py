"""Callback requests, the lock that keeps one live request a number, and their events, in `contacts`."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

from chalicelib import aws, challenges, instants
from chalicelib.aws import Cancelled, Item
from chalicelib.callbacks import model
from chalicelib.callbacks.model import Asked, Callback
from chalicelib.errors import Invalid, Unavailable
from chalicelib.limits import Limit
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from chalicelib.settings import current

ALERT, ALERT_MAIL = "callback-alert", "callback-alert-mail"
_TRIES = 8


def load(reference: str) -> Callback | None:
    """The request as it is now."""
    item = aws.get(current().contacts_table, _key(reference))
    if item is None:
        return None
    asked = Asked(**{**item["asked"], "window": _span(item["asked"].get("window"))})
    return Callback(item["reference"], item["state"], asked, instants.parse(item["created_at"]),
                    _some_span(item["expected"]), instants.parse(item["alert_at"]), item["version"])  # fmt: skip


def submit(make: Callable[[str], Callback], how: Item, limit: Limit, now: datetime,
           claim: Item | None = None) -> Callback:  # fmt: skip
    """Stores a new request, or finds the live one of the same number, which it then returns.

    `make` builds the request for a reference; `how` is how it reached us, for the proof of consent; `claim` is the
    member that uses up the form's proof of work. Raises LimitReached, Invalid where that was used before.
    """
    guards = [limit.counted(now), *([claim] if claim else [])]
    for tried in range(_TRIES):
        callback = make(model.make_reference(secrets.token_bytes(4 + tried // 3)))
        lock = {"pk": f"NUMBER#{callback.asked.number_key}", "sk": "LOCK"}
        live = aws.get(current().contacts_table, lock)
        members = guards if live else [
            *guards,
            aws.put(current().contacts_table, {**lock, "reference": callback.reference}, "attribute_not_exists(pk)"),
            aws.put(current().contacts_table, _item(callback), "attribute_not_exists(pk)"),
            _event(callback, "submitted", how),
            *(messages.owed(outbox.owe(kind, callback.reference, 1, now, callback.alert_at))
              for kind in (ALERT, ALERT_MAIL)),
        ]  # fmt: skip
        try:
            aws.write(*members)
        except Cancelled as cancelled:
            if 0 in cancelled.failed:
                raise limit.reached(now) from None
            if claim and 1 in cancelled.failed:
                raise Invalid(challenges.REFUSED) from None
            continue  # somebody else has this number, or this reference, since we looked
        return replace(callback, reference=live["reference"]) if live else callback
    raise Unavailable("callback: too many at once")


def _key(reference: str) -> Item:
    return {"pk": f"CALLBACK#{reference}", "sk": "CALLBACK"}


def _item(callback: Callback) -> Item:
    asked = {name: value for name, value in asdict(callback.asked).items() if value is not None}
    if callback.asked.window:
        asked["window"] = [instants.text(at) for at in callback.asked.window]
    return {
        **_key(callback.reference),
        "reference": callback.reference,
        "state": callback.state,
        "asked": asked,
        "created_at": instants.text(callback.created_at),
        "expected": [instants.text(at) for at in callback.expected],
        "alert_at": instants.text(callback.alert_at),
        "version": callback.version,
    }


def _some_span(written: list[str]) -> tuple[datetime, datetime]:
    return instants.parse(written[0]), instants.parse(written[1])


def _span(written: list[str] | None) -> tuple[datetime, datetime] | None:
    return _some_span(written) if written else None


def _event(callback: Callback, event: str, how: Item) -> Item:
    item = {"pk": f"CALLBACK#{callback.reference}", "sk": f"EVENT#{callback.version:08}", "event": event,
            "at": instants.text(callback.created_at), **how}  # fmt: skip
    return aws.put(current().contacts_table, item, "attribute_not_exists(pk)")
