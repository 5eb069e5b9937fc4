"""A callback request as an item of the `contacts` table, and back."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from chalicelib import instants
from chalicelib.aws import Item
from chalicelib.callbacks import model
from chalicelib.callbacks.model import Asked, Attempt, Callback, Moved, Wish
from chalicelib.settings import current

V = 1  # the version of the items' format
# The partition of the index `board` in which a live request lies, by its state.
BOARD_KEYS = {
    "scheduled": "WAITING",
    "retry": "WAITING",
    "open": "ACTIVE",
    "claimed": "ACTIVE",
    "held": "ACTIVE",
}
CLOSED = "CLOSED"
# What an item has beside the request's own fields.
_MADE = ("pk", "sk", "v", "due_key", "board_key", "board_at", "expires")
_INSTANTS = (
    "created_at",
    "promised",
    "expires_at",
    "due_at",
    "opened_at",
    "ended_at",
    "pressed_at",
)


def key(reference: str) -> Item:
    """Return the primary key of a request."""
    return {"pk": f"CALLBACK#{reference}", "sk": "CALLBACK"}


def pack(callback: Callback) -> Item:
    """Return the item of a request, with the entries of the sparse indexes."""
    place = {**key(callback.reference), "v": V}
    item = {**place, **_plain(asdict(callback)), **_index_entries(callback)}
    return {name: value for name, value in item.items() if value is not None}


def unpack(item: Item) -> Callback:
    """Return the request of an item."""
    values = _known(Callback, item, _MADE)
    for name in _INSTANTS:
        values[name] = instants.parse(item[name]) if item.get(name) else None
    if item["state"] in model.ENDS:
        values["due_at"] = None  # in the item it says when the contact data is to be erased
    values["wishes"] = tuple(map(_wish, item["wishes"]))
    values["attempts"] = tuple(
        Attempt(
            **{
                **_known(Attempt, each),
                "at": instants.parse(each["at"]),
                "wishes": tuple(each.get("wishes", ())),
            }
        )
        for each in item.get("attempts", ())
    )
    values["earlier"] = unpack(item["earlier"]) if "earlier" in item else None
    return Callback(**values)


def asked_of(written: Mapping[str, Any]) -> Asked:
    """Return what a visitor asks for, from how it was written."""
    window = written.get("window")
    return Asked(**{**_known(Asked, written), "window": _span(window) if window else None})


def _wish(written: Mapping[str, Any]) -> Wish:
    moved = written.get("moved")
    return Wish(
        **{
            **_known(Wish, written),
            "asked": asked_of(written["asked"]),
            "at": instants.parse(written["at"]),
            "expected": _span(written["expected"]),
            "also": tuple(written.get("also", ())),
            "moved": _moved(moved) if moved else None,
        }
    )


def _moved(written: Mapping[str, Any]) -> Moved:
    window = written.get("window")
    return Moved(
        **{
            **_known(Moved, written),
            "at": instants.parse(written["at"]),
            "expected": _span(written["expected"]),
            "window": _span(window) if window else None,
        }
    )


def _known(kind: Any, written: Mapping[str, Any], made: Collection[str] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass that were written, and as its `rest` what else was.

    What is `made` anew with each change is neither.
    """
    names = kind.__dataclass_fields__
    rest = {name: value for name, value in written.items() if name not in names}
    rest = {name: value for name, value in rest.items() if name not in made}
    values = {name: value for name, value in written.items() if name in names}
    return {**values, "rest": {**written.get("rest", {}), **rest}}


def _index_entries(callback: Callback) -> Item:
    """Return the keys by which the clock, the board and the coming erasure find a request."""
    if callback.is_live:
        board_key = BOARD_KEYS.get(callback.state, "ACTIVE")
        urgent = callback.due_at if board_key == "WAITING" else callback.expected[1]
        board_at = instants.text(urgent or callback.created_at)
        return {"due_key": "CALLBACK", "board_key": board_key, "board_at": board_at}
    ended = callback.ended_at or callback.created_at
    board = {"board_key": CLOSED, "board_at": instants.text(ended)}
    if callback.erased:
        return board
    erase_at = ended + timedelta(days=current().callback_days)
    return {**board, "due_key": "ENDED", "due_at": instants.text(erase_at)}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return instants.text(value)
        case dict():
            told = {name: _plain(each) for name, each in value.items() if each is not None}
            rest = told.get("rest")
            if isinstance(rest, dict):  # and not the name of one of the staff
                del told["rest"]
                return {**rest, **told}
            return told
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def _span(written: list[str]) -> tuple[datetime, datetime]:
    return instants.parse(written[0]), instants.parse(written[1])
