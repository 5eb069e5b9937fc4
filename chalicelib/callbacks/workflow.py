"""The transitions of a callback request. Pure: a request, the rules and the time go in, a change comes out.

Each raises Conflict, naming the state and what is in the way, where the request does not allow it. What comes a second
time, by a double click or after a lost connection, changes nothing and is answered as before.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.callbacks import hotline
from chalicelib.callbacks.hotline import Span
from chalicelib.callbacks.model import (
    ATTEMPTS_A_DAY,
    CALL,
    ESCALATED_AFTER,
    EXPIRES_AFTER,
    LEASE,
    MISSES,
    MOST_ATTEMPTS,
    ON_SHIFT,
    PAUSE,
    RETRY_AFTER,
    SUPERVISOR,
    UNDO_WITHIN,
    Asked,
    Attempt,
    Callback,
    Change,
    Outcome,
    Owed,
    Rules,
    Who,
)
from chalicelib.errors import Conflict, FieldError, Invalid

CLOCK, CUSTOMER = "clock", "customer"


def submit(asked: Asked, reference: str, rules: Rules, now: datetime, follows: str = "") -> Change:
    """A new request: open if it is for as soon as possible, scheduled if a window was wished.

    Raises Invalid (`window`) for a window outside opening hours or in the past, and for a line that never opens.
    """
    if asked.window:
        _check(asked.window, rules, now)
        expected, opens = asked.window, None
    else:
        begins = hotline.next_opening(rules.hours, now)
        ends = hotline.add_open_minutes(rules.hours, now, rules.first_attempt)
        if begins is None or ends is None:
            raise Invalid(FieldError("window", "window"))
        expected, opens = (begins, ends), begins
    made = Callback(
        reference,
        "open" if opens else "scheduled",
        asked,
        now,
        expected,
        expected[1],
        expires_at=_expiry(rules, expected),
        due_at=expected[0],
        opened_at=opens,
        follows=follows,
        letters=int(bool(asked.email)),
    )
    owes = (*_alert(made, opens), *_letter(made, "received", now))
    return Change(
        None, _until_escalation(made, rules) if opens else made, "submitted", CUSTOMER, owes
    )


def tick(before: Callback, rules: Rules, now: datetime) -> Change:
    """The next thing the clock has to do by now, if the line is open: at the time it was due, however late that is.

    Calling it until nothing changes makes up for every tick that was missed.
    """
    if before.due_at is None or now < before.due_at or not hotline.is_open(rules.hours, now):
        return Change(before, before)
    if before.state == "claimed":
        return _reopened(before, rules, before.due_at, "lapsed", CLOCK)
    if before.due_at >= before.expires_at:
        return _expired(before)
    if before.state == "open":
        return _escalated(before, rules, before.due_at)
    at = before.due_at
    expected = (
        before.expected
        if before.state == "scheduled"
        else (at, _later(rules, at, rules.first_attempt))
    )
    after = _next(
        before, state="open", opened_at=at, round=before.round + 1, level=0, expected=expected
    )
    return Change(before, _until_escalation(after, rules), "opened", CLOCK, _alert(after, at))


def claim(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """One of the staff takes it, or accepts its hand-over."""
    if before.state == "claimed" and before.holder == who.id:
        return Change(before, before)
    offered = before.state == "claimed" and before.offered_to in (who.id, who.name)
    if before.state == "claimed" and not offered:
        raise _held_by_another(before)
    if before.state not in ("open", "claimed"):
        raise Conflict(before.state)
    due_at = before.due_at if before.is_calling else _later(rules, now, LEASE)
    agents = {**before.agents, who.id: who.name}
    after = _next(
        before, state="claimed", holder=who.id, offered_to="", agents=agents, due_at=due_at
    )
    return Change(before, after, "handed over" if offered else "claimed", who.id)


def offer(before: Callback, who: Who, to: str) -> Change:
    """The holder offers it to a colleague, by id or name, who has it once they claim it."""
    _held(before, who)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    if to in (who.id, who.name) or before.offered_to == to:
        return Change(before, before)
    return Change(before, _next(before, offered_to=to), "offered", who.id, personal={"to": to})


def release(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """The holder gives it back; whoever else is there learns of it."""
    if before.state == "open" and who.id in before.agents:
        return Change(before, before)
    _held(before, who)
    return _reopened(before, rules, now, "released", who.id)


def dial(
    before: Callback, who: Who, rules: Rules, now: datetime, outside_window: bool = False
) -> Change:
    """An attempt begins. `outside_window` is the holder's word that the customer agrees to another than their time."""
    _held(before, who)
    if before.is_calling:
        return Change(before, before)
    reason = _no_call(before, rules, now, outside_window)
    if reason:
        raise Conflict("claimed", reason)
    attempts = (*before.attempts, Attempt(now, who.id))
    after = _next(before, attempts=attempts, offered_to="", due_at=_later(rules, now, CALL))
    return Change(before, after, "dialled", who.id, facts={"attempt": str(len(attempts))})


def _no_call(before: Callback, rules: Rules, now: datetime, outside_window: bool) -> str:
    zone = ZoneInfo(rules.hours.zone)
    today = [
        each
        for each in before.attempts
        if each.at.astimezone(zone).date() == now.astimezone(zone).date()
    ]
    if len(_tried(before.attempts)) >= MOST_ATTEMPTS:
        return "attempts"
    if before.attempts and now - before.attempts[-1].at < PAUSE:
        return "too_soon"
    if len(today) >= ATTEMPTS_A_DAY:
        return "attempts_today"
    if not hotline.is_open(rules.hours, now):
        return "closed"
    window = before.asked.window
    if window and not window[0] <= now < window[1] and not outside_window:
        return "outside_window"
    return ""


def settle(
    before: Callback,
    who: Who,
    outcome: Outcome,
    rules: Rules,
    now: datetime,
    note: str = "",
    window: Span | None = None,
) -> Change:
    """The call is over. Raises Invalid (`window`) for a `later` without a time, or at none of ours.

    Where nobody pressed dial before, the attempt is recorded with its outcome: what happened, happened.
    """
    mine = before.state == "claimed" and before.holder == who.id
    last = before.attempts[-1] if before.attempts else None
    if not mine and last and (last.by, last.outcome) == (who.id, outcome):
        return Change(before, before)
    _held(before, who)
    open_ended = last is not None and last.outcome in ("", "unknown") and last.by == who.id
    began = last.at if last and open_ended else now
    attempts = (
        *before.attempts[: -1 if open_ended else None],
        Attempt(began, who.id, outcome, note),
    )
    spoken = replace(before, attempts=attempts, holder="", offered_to="")
    facts = {"outcome": outcome, "attempt": str(len(attempts))}
    if outcome == "later":
        if window is None:
            raise Invalid(FieldError("window", "required"))
        return _moved(
            before, replace(spoken, preferred=who.id), window, rules, now, "agreed", who.id, facts
        )
    if outcome in MISSES and len(_tried(attempts)) < MOST_ATTEMPTS:
        at = min(_retry_at(spoken, rules, now), spoken.expires_at)
        return Change(
            before, _next(spoken, state="retry", due_at=at), "missed", who.id, facts=facts
        )
    if outcome in MISSES:
        after = _ended(spoken, "unreached", now)
        return _with_letter(before, after, "missed", "unreached", who.id, now, facts)
    state = "done" if outcome == "reached" else "refused"
    return Change(before, _ended(spoken, state, now), state, who.id, facts=facts)


def _retry_at(missed: Callback, rules: Rules, now: datetime) -> datetime:
    """When to try again: not a third time on one day, and a second miss not in the same half of a day."""
    count, hours = len(_tried(missed.attempts)), rules.hours
    at = _later(rules, now, RETRY_AFTER[min(count, len(RETRY_AFTER)) - 1])
    if count > 1:
        at = hotline.another_half_day(hours, at, now) or at
    zone = ZoneInfo(hours.zone)
    days = [attempt.at.astimezone(zone).date() for attempt in missed.attempts]
    while days.count(at.astimezone(zone).date()) >= ATTEMPTS_A_DAY:
        tomorrow = at.astimezone(zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + timedelta(days=1)
        at = hotline.next_opening(hours, tomorrow) or tomorrow
    return hotline.next_opening(hours, at) or at


def called_in(before: Callback, who: Who, now: datetime) -> Change:
    """The customer rang by themselves, and was helped."""
    if before.state == "done":
        return Change(before, before)
    _live(before)
    return Change(before, _ended(before, "done", now), "called in", who.id)


def withdraw(before: Callback, who: Who, now: datetime) -> Change:
    """The request of a person who wants everything erased: it ends without a word."""
    if not before.is_live:
        return Change(before, before)
    return Change(before, _ended(before, "cancelled", now), "withdrawn", who.id)


def cancel(before: Callback, now: datetime) -> Change:
    """The customer does not want to be called any more."""
    if before.state == "cancelled":
        return Change(before, before)
    _live(before)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    return _with_letter(
        before, _ended(before, "cancelled", now), "cancelled", "cancelled", CUSTOMER, now, {}
    )


def reschedule(before: Callback, window: Span, rules: Rules, now: datetime) -> Change:
    """The customer wishes another time. Raises Invalid (`window`) for one outside opening hours or in the past."""
    _live(before)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    if before.state == "scheduled" and before.expected == window:
        return Change(before, before)
    moved = replace(before, holder="", offered_to="")
    return _moved(before, moved, window, rules, now, "rescheduled", CUSTOMER, {})


def undo(before: Callback, reference: str, rules: Rules, now: datetime) -> Change:
    """The customer wants the cancelled call after all: a new request that follows, as an ended one never reopens."""
    if before.state != "cancelled" or before.ended_at is None or before.erased:
        raise Conflict(before.state)
    if now >= before.ended_at + UNDO_WITHIN:
        raise Conflict("cancelled", "too_late")
    window = before.asked.window if before.asked.window and before.asked.window[0] >= now else None
    return submit(replace(before.asked, window=window), reference, rules, now, before.reference)


def _reopened(before: Callback, rules: Rules, at: datetime, event: str, by: str) -> Change:
    """Nobody has it any more: told of again at the level it had. The customer's waiting time runs on."""
    after = _next(
        before,
        state="open",
        holder="",
        offered_to="",
        round=before.round + 1,
        attempts=_hung_up(before.attempts),
    )
    return Change(before, _until_escalation(after, rules), event, by, _alert(after, at))


def _escalated(before: Callback, rules: Rules, at: datetime) -> Change:
    level = before.level + 1
    empty = level == ON_SHIFT and bool(rules.shifts) and not rules.on_shift(at)
    after = _next(before, level=SUPERVISOR if empty else level)
    facts = {"level": str(after.level), **({"nobody": "on shift"} if empty else {})}
    return Change(
        before, _until_escalation(after, rules), "escalated", CLOCK, _alert(after, at), facts
    )


def _expired(before: Callback) -> Change:
    after = _ended(before, "expired", before.expires_at)
    told = Owed("expired", after.alert, before.expires_at)
    change = _with_letter(before, after, "missed", "expired", CLOCK, before.expires_at, {})
    return replace(change, owes=(told, *change.owes))


def _moved(
    before: Callback,
    after: Callback,
    window: Span,
    rules: Rules,
    now: datetime,
    event: str,
    by: str,
    facts: dict[str, str],
) -> Change:
    _check(window, rules, now)
    moved = _next(
        after,
        state="scheduled",
        asked=replace(after.asked, window=window),
        expected=window,
        promised=after.promised if after.attempts else window[1],
        due_at=window[0],
        expires_at=_expiry(rules, window),
    )
    return _with_letter(before, moved, "received", event, by, now, facts)


def _with_letter(
    before: Callback,
    after: Callback,
    letter: str,
    event: str,
    by: str,
    now: datetime,
    facts: dict[str, str],
) -> Change:
    after = replace(after, letters=after.letters + bool(after.asked.email))
    return Change(before, after, event, by, _letter(after, letter, now), facts)


def _letter(after: Callback, letter: str, now: datetime) -> tuple[Owed, ...]:
    return (Owed(letter, after.letters, now),) if after.asked.email else ()  # type: ignore[arg-type]  # of our callers


def _alert(after: Callback, at: datetime | None) -> tuple[Owed, ...]:
    return (Owed("alert", after.alert, at),) if at else ()


def _until_escalation(opened: Callback, rules: Rules) -> Callback:
    """The open request, looked at again when its next escalation is due, or at last when it expires."""
    if opened.level >= len(ESCALATED_AFTER) or opened.opened_at is None:
        return replace(opened, due_at=opened.expires_at)
    at = _later(rules, opened.opened_at, ESCALATED_AFTER[opened.level])
    return replace(opened, due_at=min(at, opened.expires_at))


def _ended(before: Callback, state: str, at: datetime) -> Callback:
    return _next(
        before,
        state=state,
        holder="",
        offered_to="",
        due_at=None,
        ended_at=at,
        attempts=_hung_up(before.attempts),
    )


def _hung_up(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts, with a call that nobody said the outcome of as `unknown`: it was one all the same."""
    return tuple(each if each.outcome else replace(each, outcome="unknown") for each in attempts)


def _tried(attempts: tuple[Attempt, ...]) -> list[Attempt]:
    """The attempts that count: a customer who asked for another time was reached."""
    return [each for each in attempts if each.outcome != "later"]


def _expiry(rules: Rules, expected: Span) -> datetime:
    return hotline.add_open_days(rules.hours, expected[1], EXPIRES_AFTER) or expected[
        1
    ] + timedelta(days=EXPIRES_AFTER)


def _later(rules: Rules, at: datetime, minutes: int) -> datetime:
    """So many open minutes later; by the wall clock for a line that was closed for good since."""
    return hotline.add_open_minutes(rules.hours, at, minutes) or at + timedelta(minutes=minutes)


def _check(window: Span, rules: Rules, now: datetime) -> None:
    if window[0] < now or not hotline.is_within(rules.hours, window):
        raise Invalid(FieldError("window", "window"))


def _live(before: Callback) -> None:
    if not before.is_live:
        raise Conflict(before.state)


def _held(before: Callback, who: Who) -> None:
    if before.state != "claimed":
        raise Conflict(before.state)
    if before.holder != who.id:
        raise _held_by_another(before)


def _held_by_another(before: Callback) -> Conflict:
    return Conflict("claimed", "held", before.agents.get(before.holder, before.holder))


def _next(before: Callback, **changes: object) -> Callback:
    return replace(before, version=before.version + 1, **changes)  # type: ignore[arg-type]  # as the callers say
