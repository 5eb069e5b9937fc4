"""The values that the board's templates are filled with."""

import hashlib
import json
from datetime import datetime
from typing import Any

from chalicelib.callbacks import desk, hotline, letters, opening, store, workflow
from chalicelib.callbacks.model import Callback, Who
from chalicelib.callbacks.routes import local, wordings
from chalicelib.errors import Conflict
from chalicelib.http import Call
from chalicelib.messages import message
from chalicelib.staff import session
from chalicelib.staff.board import words
from chalicelib.staff.pages import script

_SLOTS = 5  # days ahead that an agent can agree on


def shared(call: Call) -> dict[str, Any]:
    """What both pages need: the words, the times, the line's clock, the script."""
    hours, english = opening.hours(), call.language == "en"
    closes, opens = hotline.open_until(hours, call.now), hotline.next_opening(hours, call.now)
    change = closes or opens
    return {
        "words": words,
        "say": lambda pair: pair[english],
        "when": lambda at: _when(at, english),
        "span": lambda begins, ends: _span(begins, ends, english),
        "minutes": minutes,
        "opened": closes is not None,
        "opens": opens,
        "change": int((change - call.now).total_seconds()) if change else -1,
        "script": script("staff"),
    }


def cards(found: list[Callback], call: Call) -> list[dict[str, Any]]:
    """The cards of a tab, each with the open minutes left to what was promised; below zero it is late."""
    names = session.colleagues(call.now) if any(each.offered_to for each in found) else {}
    made = []
    for callback in found:
        card = desk.card(callback, call)
        offered = callback.offered_to in (call.person.id, call.person.name)
        claimable = callback.state == "open" or offered
        made.append(
            {
                **card,
                "left": _left(callback, call.now),
                "offered_me": offered,
                "claimable": claimable,
                "offered_to": names.get(callback.offered_to, callback.offered_to),
            }
        )
    return made


def request(callback: Callback, call: Call) -> dict[str, Any]:
    """The page of one request, as the one who asks may see it."""
    who = Who(call.person.id, call.person.name)
    shown = desk.detail(callback, call)
    mine = shown.mine
    offered = any(each.event == "offered" for each in shown.history)
    colleagues = session.colleagues(call.now) if mine or offered else {}
    names = {**callback.agents, **colleagues}
    wording = wordings.all.get(callback.asked.consent)
    return {
        "card": cards([callback], call)[0],
        "shown": shown,
        "cannot_call": _cannot_call(callback, who, call) if mine else "",
        "slots": hotline.slots(opening.hours(), call.now, _SLOTS) if mine else [],
        "names": names,
        "last": shown.history[-1].event if shown.history else "",
        "colleagues": sorted((name, id) for id, name in colleagues.items() if id != who.id),
        "offered_to": names.get(callback.offered_to, callback.offered_to),
        "consent": wording.text if wording else callback.asked.consent,
        "version": f'"{callback.version}-{call.language}"',
    }


def version(seen: Any) -> str:
    """The entity tag of what a page shows; the clocks' minutes do not count, as they run in the browser."""
    return f'"{hashlib.sha256(json.dumps(seen, default=str).encode()).hexdigest()[:16]}"'


def minutes(count: int) -> str:
    """A span such as `5 min` or `2 h 05 min`; `web/staff.js` writes it likewise."""
    return f"{count} min" if count < 60 else f"{count // 60} h {count % 60:02} min"


def tabs(call: Call) -> dict[store.Tab, list[Callback]]:
    """The live requests by tab, for the one who asks."""
    return store.live((call.person.id, call.person.name), call.now)


def _cannot_call(callback: Callback, who: Who, call: Call) -> str:
    """The reason for which the workflow takes no call now: its own code, or nothing."""
    try:
        workflow.dial(callback, who, opening.rules(), call.now)
    except Conflict as conflict:
        return conflict.reason
    return ""


def _left(callback: Callback, now: datetime) -> int:
    promised, hours = callback.expected[1], opening.hours()
    if promised >= now:
        return hotline.open_minutes(hours, now, promised)
    return -hotline.open_minutes(hours, promised, now)


def _span(begins: datetime, ends: datetime, english: bool) -> str:
    closes = letters.until(local(begins), local(ends))
    return f"{_when(begins, english)}–{closes or _when(ends, english)}"


def _when(at: datetime, english: bool) -> str:
    at = local(at)
    day = words.DAYS[at.weekday()][english]
    return f"{day} {at.day} {at:%b, %H:%M}" if english else f"{day} {at:%d.%m., %H:%M}"


def why(reason: str, call: Call) -> str:
    """A reason of the workflow's in words."""
    return message(reason, call.language)
