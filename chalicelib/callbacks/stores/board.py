"""The requests as the staff look at them, by the sparse index `board`."""

from collections.abc import Sequence
from datetime import datetime

from chalicelib import aws, instants, log
from chalicelib.callbacks.model import Callback, Tab
from chalicelib.callbacks.stores import items, requests
from chalicelib.settings import current

_TABS: dict[Tab, str] = {
    "due": "ACTIVE",
    "mine": "ACTIVE",
    "overdue": "ACTIVE",
    "waiting": "WAITING",
    "held": "ACTIVE",
    "closed": items.CLOSED,
}


def page(
    tab: Tab, who: tuple[str, ...], now: datetime, cursor: str = "", most: int = 50
) -> tuple[list[Callback], str]:
    """Return a page of the requests on a tab, most urgent first, and the next page's cursor.

    `who` are the ids and names of the one who looks. Raises ValueError for a cursor that is not
    one of ours.
    """
    found: list[Callback] = []
    start = _start(tab, cursor) if cursor else None
    while True:
        keys, start = aws.query_page(
            current().contacts_table,
            "board",
            "board_key = :tab",
            most - len(found),
            tab != "closed",
            start,
            tab=_TABS[tab],
        )
        found += [each for each in _load(keys) if _belongs(each, tab, who, now)]
        if start is None or len(found) >= most:
            return found, f"{start['board_at']}~{_reference(start)}" if start else ""


def live(who: tuple[str, ...], now: datetime, most: int = 200) -> dict[Tab, list[Callback]]:
    """Return the live requests by tab, most urgent first, of each kind the first `most`."""
    found: list[Callback] = []
    table, condition = current().contacts_table, "board_key = :key"
    for key in ("ACTIVE", "WAITING"):
        found += _load(aws.query_page(table, "board", condition, most, key=key)[0])
    tabs: list[Tab] = [tab for tab in _TABS if tab != "closed"]
    return {tab: [each for each in found if _belongs(each, tab, who, now)] for tab in tabs}


def since(first: datetime) -> list[Callback]:
    """Return the requests made from an instant on, whatever became of them; in any order.

    One that ends meanwhile is found once: the live ones are read first. It costs a read unit or
    two for each 100 live requests and those that ended in this time, and half a unit for each.
    """
    keys = [key for tab in ("ACTIVE", "WAITING") for key in _listed("board_key = :tab", tab=tab)]
    ended = "board_key = :tab AND board_at >= :first"
    keys += _listed(ended, tab=items.CLOSED, first=instants.text(first))
    found = {each.reference: each for each in _load(keys)}
    return [each for each in found.values() if each.created_at >= first]


def opened_at(instant: datetime) -> list[Callback]:
    """Return the open requests that opened at this instant; in any order, eventually consistent."""
    found = _load(_listed("board_key = :tab", tab=_TABS["due"]))
    return [each for each in found if each.state == "open" and each.opened_at == instant]


def still_open(references: Sequence[str]) -> list[Callback]:
    """Return those of the requests that are open now, in any order."""
    keys = [items.key(reference) for reference in references]
    found = map(items.unpack, aws.batch_get(current().contacts_table, keys, consistent=True))
    return [each for each in found if each.state == "open"]


def _listed(condition: str, **values: str) -> list[aws.Item]:
    """Return every entry of the index under a condition, eventually consistent."""
    return list(aws.query(current().contacts_table, condition, index="board", **values))


def _load(keys: list[aws.Item]) -> list[Callback]:
    """Return the requests of entries, without those that a newer version of the code must show."""
    found = requests.load_many(list(dict.fromkeys(map(_reference, keys))))
    for each in found:
        if not each.is_understood:
            log.warning("kind.unknown", reference=each.reference, state=each.state)
    return [each for each in found if each.is_understood]


def _reference(key: aws.Item) -> str:
    return str(key["pk"]).removeprefix("CALLBACK#")


def _belongs(callback: Callback, tab: Tab, who: tuple[str, ...], now: datetime) -> bool:
    match tab:
        case "due":
            return callback.state == "open"
        case "mine":
            held = callback.holder in who or callback.offered_to in who
            return callback.state == "claimed" and held
        case "overdue":
            return callback.is_overdue(now)
        case "waiting":
            return callback.state in ("scheduled", "retry")
        case "held":
            return callback.state == "held"
    return not callback.is_live


def _start(tab: Tab, cursor: str) -> aws.Item:
    at, _, reference = cursor.partition("~")
    instants.sent(datetime.fromisoformat(at))
    return {**items.key(reference), "board_key": _TABS[tab], "board_at": at}
