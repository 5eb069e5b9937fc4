"""What people have decided since a point in time, and doing it again in a copy of that time.

Whoever was erased, left or cancelled a call since does not come back by a restore.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tqdm import tqdm

from chalicelib import instants
from chalicelib.callbacks import changes, erasure, rules, workflow
from chalicelib.callbacks import service as callbacks
from chalicelib.callbacks.model import ALPHABET, Callback, Change, Who
from chalicelib.errors import Conflict, NotFound
from chalicelib.newsletter import model
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.stores.subscribers import Known
from ops import copies
from ops.copies import Read
from ops.words import _

_KEY = 22  # characters of a subscriber's key; a callback's reference is shorter
_ID = re.compile(rf"[\w-]{{{_KEY}}}|R-[{ALPHABET}]{{4,12}}", re.ASCII)
_RESTORE = Who("restore", "restore")
_WAITING = ("pending", "confirmed")
# The ends of a wish by which its customer wants no call any more.
_UNWANTED = ("cancelled", "refused", "wrong_number", "withdrawn")


@dataclass(frozen=True)
class Since:
    """What has happened since, by partition key."""

    erased: frozenset[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict)  # with the subscriber's state now
    ended: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # wishes with their ends

    @property
    def settled(self) -> frozenset[str]:
        """The partition keys of what stays as it is now, whatever it was."""
        return self.erased | frozenset(self.left) | frozenset(self.ended)


def between(was: Read, now: Read, told: frozenset[str] = frozenset()) -> Since:
    """Return what has happened between two states of a table.

    `told` are further persons who were erased, from the log.
    """
    erased = told | {
        pk for pk in now.erased if pk not in was.erased or now.marks.get(pk) != was.marks.get(pk)
    }
    left = {
        pk: now.states.get(pk, "unsubscribed")
        for pk, at in now.left.items()
        if was.left.get(pk) != at
    }
    # A refusal ("not me") keeps its address from being written to by its state alone.
    left |= {
        pk: state
        for pk, state in now.states.items()
        if state == "refused" and was.states.get(pk) in _WAITING
    }
    ended = {}
    for pk, ends in now.ends.items():
        before = was.ends.get(pk)
        if before is not None:
            new = {
                wish: end
                for wish, end in ends.items()
                if end in _UNWANTED and before.get(wish, "") != end
            }
            if new:
                ended[pk] = new
    return Since(
        frozenset(erased),
        {pk: state for pk, state in left.items() if pk not in erased},
        {pk: ends for pk, ends in ended.items() if pk not in erased},
    )


def named(text: str) -> frozenset[str]:
    """Return the partition keys of the subscribers and callbacks that a text names by their ids.

    The text is a list, or what Logs Insights exports as CSV. Raises ValueError with what is no id.
    """
    ids = {*re.split(r'[\s,;"]+', text)} - {"", "subscriber", "reference"}
    if others := sorted(each for each in ids if not _ID.fullmatch(each)):
        raise ValueError(others[0])
    return frozenset(
        f"CALLBACK#{each}" if each.startswith("R-") and len(each) < _KEY else f"SUB#{each}"
        for each in ids
    )


def again(table: str, since: Since, old: set[str]) -> None:
    """Do again in a copy what happened since, by the code that does it in the live table.

    `old` are the callbacks whose term was over: they are not erased wholly. Idempotent.
    """
    with copies.on(table):
        desc, unit = _("done again"), " " + _("decisions")
        todo = sorted(since.settled)
        for pk in tqdm(todo, desc=desc, unit=unit, disable=None, leave=False):
            kind, _hash, key = pk.partition("#")
            if pk in since.left:
                _leave(key, since.left[pk])
            elif pk in since.ended:
                for wish, end in since.ended[pk].items():
                    _end(key, wish, end)
            elif kind == "SUB":
                newsletter.erase(key, "restore", instants.now())
            elif pk in old:
                erasure.erase_contact(key, instants.now())
            elif callbacks.load_many([key]):
                erasure.erase_wholly([key], _RESTORE, instants.now())


def _leave(key: str, state: str) -> None:
    """End a subscription as it has ended since."""
    now = instants.now()

    def decide(known: Known) -> model.Change:
        before = known.subscriber
        if state == "complained":
            return model.complain(before, now, now)
        if state == "bounced":
            return model.bounce(before, True, "restore", now, now)
        if state == "refused" and before and before.state in _WAITING:
            if before.is_expired(now):
                return model.Change(before, before)
            return model.refuse(before, before.letters, now)
        left = known.suppressed or known.withdrawn
        return model.withdraw(before, known.key, now, known.version, left)

    newsletter.change(key, decide, How({"by": "restore"}), now)


def _end(reference: str, wish: str, end: str) -> None:
    """End a wish that its customer does not want any more; one that was erased goes."""
    now = instants.now()

    def cancel(before: Callback) -> Change:
        return workflow.cancel(before, wish, rules.current(), now)

    try:
        if end != "withdrawn":
            changes.change(reference, cancel, now)
            return
    except NotFound:
        return
    except Conflict:
        pass  # such as a call that was under way
    erasure.erase_wishes(reference, [wish], _RESTORE, now)
