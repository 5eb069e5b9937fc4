"""The wishes that name an e-mail address: its owner may see, cancel and erase them.

The address is not proven to be the caller's, so its owner sees no more than a mail would say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib import aws, intake, keys
from chalicelib.aws import Cancelled
from chalicelib.callbacks import changes, erasure, phone_numbers, rules, workflow
from chalicelib.callbacks.model import CANCELLATIONS_A_DAY, Callback, Change, Who, Wish
from chalicelib.callbacks.opening_hours import Span
from chalicelib.callbacks.stores import requests
from chalicelib.errors import NotFound
from chalicelib.guards import Guards
from chalicelib.limits import Limit
from chalicelib.settings import current

_DIGITS = 3  # of the number that are told


@dataclass(frozen=True)
class Told:
    """What the owner of an address is told of a wish; `digits` are the number's last ones."""

    reference: str
    state: str  # of the wish once it has ended, else of its request
    expected: Span
    digits: str
    may_cancel: bool
    is_calling: bool


def of_address(key: str) -> list[Told]:
    """Return the wishes that name the address of a key, by their references. Raises Unavailable."""
    found = {wish.reference: (callback, wish) for callback, wish in _wishes(key)}
    return [_told(*each) for _, each in sorted(found.items())]


def address(key: str) -> tuple[str, str]:
    """Return the address of a key as a wish names it, and the wish's language; empty for none."""
    for _, wish in _wishes(key):
        return wish.asked.email, wish.asked.language
    return "", ""


def cancel(key: str, reference: str, now: datetime) -> Told:
    """Cancel a wish that names the address of a key; a repeat changes nothing more.

    Raises NotFound where no wish of this address has the reference; Conflict, LimitReached.
    """
    for callback, wish in _wishes(key):
        if wish.is_told(reference):
            told, guards = wish.reference, Guards((cancellations(wish.reference),))

            def decide(before: Callback, told: str = told) -> Change:
                return workflow.cancel(before, told, rules.current(), now)

            after = changes.change(callback.reference, decide, now, guards)
            return _told(after, after.wish(told) or wish)
    raise NotFound("no_callback", reference)


def cancellations(reference: str) -> Limit:
    """Return the limit of how often a wish may be cancelled in a day by its customer."""
    hotline = phone_numbers.display(current().hotline_number)
    return Limit(
        "link-cancellations", reference, CANCELLATIONS_A_DAY, "day", "link_cancellations", hotline
    )


def references(key: str) -> list[str]:
    """Return the references of the requests that name the address of a key."""
    found: dict[str, None] = {}
    for reference, _ in requests.references_of_address(key):
        for callback in requests.chain(reference):
            if any(_is_of(each, key) for each in callback.wishes):
                found[callback.reference] = None
    return list(found)


def erase(key: str, who: Who, now: datetime) -> int:
    """Erase what is known of the owner of an address (GDPR Art. 17); return how many wishes.

    A wish that waits ends, and where it was its request's last one, that ends, too. The wishes of
    others for the same number stay. Idempotent. Raises Unavailable.
    """
    listed = requests.references_of_address(key)
    for reference, number_key in listed:
        aws.retried(lambda _, told=(reference, number_key): _not_taken(*told), "callback")  # type: ignore[misc]  # bound now
        for callback in requests.chain(reference):
            if any(_is_of(each, key) for each in callback.wishes):
                erasure.erase_address(
                    callback.reference, lambda email: _is_key_of(email, key), who, now
                )
            elif callback.wish(reference) is None:
                requests.erase_kept(callback, reference)
                requests.erase_proofs(callback, [reference])
        requests.unlist(key, [reference])
    return len(listed)


def _not_taken(reference: str, number_key: str) -> None:
    """Delete the intake with this reference that nobody has taken in."""
    for each in intake.of_key(number_key):
        if each.asked.get("reference") == reference:
            try:
                aws.write(each.taken())
            except Cancelled:
                return  # it was taken in just now, and is found as a request


def _wishes(key: str) -> Iterator[tuple[Callback, Wish]]:
    """Yield each wish that names the address, in the last of the requests it is of."""
    for reference, _ in requests.references_of_address(key):
        callback = requests.load_last(reference)
        wish = callback.wish(reference) if callback else None
        if callback and wish and _is_of(wish, key):
            yield callback, wish


def _is_of(wish: Wish, key: str) -> bool:
    return _is_key_of(wish.asked.email, key)


def _is_key_of(email: str, key: str) -> bool:
    if not email:
        return False
    try:
        return keys.of_address(email) == key
    except ValueError:  # kept since before such addresses were refused: it has no key
        return False


def _told(callback: Callback, wish: Wish) -> Told:
    return Told(
        wish.reference,
        wish.end or callback.state,
        wish.expected,
        wish.asked.phone[-_DIGITS:],
        callback.is_live and wish.is_open and not callback.is_calling,
        callback.is_calling and wish.is_open,
    )
