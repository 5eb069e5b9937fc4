"""The transitions of a callback request. Pure: request, rules and time go in, a change comes out.

Each raises Conflict, with the state and the reason, where the request does not allow it. An event
that comes twice, by a double click or after a lost connection, changes nothing the second time and
raises nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.callbacks import opening_hours
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
    Event,
    Outcome,
    Owed,
    Rules,
    Who,
)
from chalicelib.callbacks.opening_hours import Span
from chalicelib.errors import Conflict, FieldError, Invalid

CLOCK, CUSTOMER = "clock", "customer"


def submit(asked: Asked, reference: str, rules: Rules, now: datetime, follows: str = "") -> Change:
    """Make a new request: scheduled if it asks for a window, else open, as soon as possible.

    Raises Invalid (`window`) for a window outside opening hours or in the past, and for a line
    that never opens.
    """
    if asked.window:
        _require_bookable(asked.window, rules, now)
        expected, opens = asked.window, None
    else:
        begins = opening_hours.next_opening(rules.hours, now)
        ends = opening_hours.add_open_minutes(rules.hours, now, rules.first_attempt)
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
    """Take the next step that is due by `now`, if the line is open.

    The step takes effect at the time it was due, however late the tick. Repeating this until
    nothing changes makes up for missed ticks.
    """
    if before.due_at is None or now < before.due_at or not opening_hours.is_open(rules.hours, now):
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
        else (at, _open_minutes_later(rules, at, rules.first_attempt))
    )
    after = _next(
        before, state="open", opened_at=at, round=before.round + 1, level=0, expected=expected
    )
    return Change(before, _until_escalation(after, rules), "opened", CLOCK, _alert(after, at))


def claim(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Let one of the staff take the request, or accept its hand-over."""
    if before.state == "claimed" and before.holder == who.id:
        return Change(before, before)
    offered = before.state == "claimed" and before.offered_to in (who.id, who.name)
    if before.state == "claimed" and not offered:
        raise _held_by_another(before)
    if before.state not in ("open", "claimed"):
        raise Conflict(before.state)
    due_at = before.due_at if before.is_calling else _open_minutes_later(rules, now, LEASE)
    agents = {**before.agents, who.id: who.name}
    after = _next(
        before, state="claimed", holder=who.id, offered_to="", agents=agents, due_at=due_at
    )
    return Change(before, after, "handed over" if offered else "claimed", who.id)


def offer(before: Callback, who: Who, to: str) -> Change:
    """Offer the holder's request to a colleague, by id or name, who has it once they claim it."""
    _require_holder(before, who)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    if to in (who.id, who.name) or before.offered_to == to:
        return Change(before, before)
    return Change(before, _next(before, offered_to=to), "offered", who.id, personal={"to": to})


def release(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Give the holder's request back; the staff are alerted again."""
    if before.state == "open" and who.id in before.agents:
        return Change(before, before)
    _require_holder(before, who)
    return _reopened(before, rules, now, "released", who.id)


def dial(
    before: Callback, who: Who, rules: Rules, now: datetime, outside_window: bool = False
) -> Change:
    """Begin an attempt.

    `outside_window` is the holder's word that the customer agrees to a call outside their window.
    Raises Conflict, with the reason, where no call may be made now.
    """
    _require_holder(before, who)
    if before.is_calling:
        return Change(before, before)
    reason = _why_no_call(before, rules, now, outside_window)
    if reason:
        raise Conflict("claimed", reason)
    attempts = (*before.attempts, Attempt(now, who.id))
    after = _next(
        before, attempts=attempts, offered_to="", due_at=_open_minutes_later(rules, now, CALL)
    )
    return Change(before, after, "dialled", who.id, facts={"attempt": str(len(attempts))})


def _why_no_call(before: Callback, rules: Rules, now: datetime, outside_window: bool) -> str:
    """Return the code of what forbids a call now; empty where nothing does."""
    zone = ZoneInfo(rules.hours.zone)
    today = [
        each
        for each in before.attempts
        if each.at.astimezone(zone).date() == now.astimezone(zone).date()
    ]
    if len(_without_later(before.attempts)) >= MOST_ATTEMPTS:
        return "attempts"
    if before.attempts and now - before.attempts[-1].at < PAUSE:
        return "too_soon"
    if len(today) >= ATTEMPTS_A_DAY:
        return "attempts_today"
    if not opening_hours.is_open(rules.hours, now):
        return "closed"
    window = before.asked.window
    if window and not window[0] <= now < window[1] and not outside_window:
        return "outside_window"
    return ""


def record_outcome(
    before: Callback,
    who: Who,
    outcome: Outcome,
    rules: Rules,
    now: datetime,
    note: str = "",
    window: Span | None = None,
) -> Change:
    """Record how a call ended; `window` is the time agreed on, with `later`.

    Where the holder did not press dial before, the attempt is added with its outcome: the call was
    made. Raises Invalid (`window`) for a `later` without a window, or outside opening hours.
    """
    mine = before.state == "claimed" and before.holder == who.id
    last = before.attempts[-1] if before.attempts else None
    if not mine and last and (last.by, last.outcome) == (who.id, outcome):
        return Change(before, before)
    _require_holder(before, who)
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
    if outcome in MISSES and len(_without_later(attempts)) < MOST_ATTEMPTS:
        at = min(_retry_at(spoken, rules, now), spoken.expires_at)
        return Change(
            before, _next(spoken, state="retry", due_at=at), "missed", who.id, facts=facts
        )
    if outcome in MISSES:
        after = _ended(spoken, "unreached", now)
        return _with_letter(before, after, "missed", "unreached", who.id, now, facts)
    state: Literal["done", "refused"] = "done" if outcome == "reached" else "refused"
    return Change(before, _ended(spoken, state, now), state, who.id, facts=facts)


def _retry_at(missed: Callback, rules: Rules, now: datetime) -> datetime:
    """Return when to try again.

    After a second miss that is in another half of a day, and never a third time on one day.
    """
    count, hours = len(_without_later(missed.attempts)), rules.hours
    at = _open_minutes_later(rules, now, RETRY_AFTER[min(count, len(RETRY_AFTER)) - 1])
    if count > 1:
        at = opening_hours.another_half_day(hours, at, now) or at
    zone = ZoneInfo(hours.zone)
    days = [attempt.at.astimezone(zone).date() for attempt in missed.attempts]
    while days.count(at.astimezone(zone).date()) >= ATTEMPTS_A_DAY:
        tomorrow = at.astimezone(zone).replace(
            hour=0, minute=0, second=0, microsecond=0
        ) + timedelta(days=1)
        at = opening_hours.next_opening(hours, tomorrow) or tomorrow
    return opening_hours.next_opening(hours, at) or at


def called_in(before: Callback, who: Who, now: datetime) -> Change:
    """End the request of a customer who rang by themselves and was helped."""
    if before.state == "done":
        return Change(before, before)
    _require_live(before)
    return Change(before, _ended(before, "done", now), "called in", who.id)


def withdraw(before: Callback, who: Who, now: datetime) -> Change:
    """End the request of a person who wants everything erased, without a letter."""
    if not before.is_live:
        return Change(before, before)
    return Change(before, _ended(before, "cancelled", now), "withdrawn", who.id)


def cancel(before: Callback, now: datetime) -> Change:
    """End the request of a customer who does not want to be called any more."""
    if before.state == "cancelled":
        return Change(before, before)
    _require_live(before)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    return _with_letter(
        before, _ended(before, "cancelled", now), "cancelled", "cancelled", CUSTOMER, now, {}
    )


def reschedule(before: Callback, window: Span, rules: Rules, now: datetime) -> Change:
    """Move the call to another window, which the customer asks for.

    Raises Invalid (`window`) for one outside opening hours or in the past.
    """
    _require_live(before)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    if before.state == "scheduled" and before.expected == window:
        return Change(before, before)
    moved = replace(before, holder="", offered_to="")
    return _moved(before, moved, window, rules, now, "rescheduled", CUSTOMER, {})


def undo(before: Callback, reference: str, rules: Rules, now: datetime) -> Change:
    """Take a customer's cancellation back: make a new request that follows the cancelled one.

    An ended request never reopens. A window that has begun since becomes as soon as possible.
    """
    if before.state != "cancelled" or before.ended_at is None or before.erased:
        raise Conflict(before.state)
    if now >= before.ended_at + UNDO_WITHIN:
        raise Conflict("cancelled", "too_late")
    window = before.asked.window if before.asked.window and before.asked.window[0] >= now else None
    asked = replace(before.asked, window=window)
    made = submit(asked, reference, rules, now, before.reference)
    return replace(made, after=replace(made.after, origin=before.link_origin))


def _reopened(before: Callback, rules: Rules, at: datetime, event: Event, by: str) -> Change:
    """Put the request back to `open` and alert again at its present level.

    The customer's waiting time keeps running.
    """
    after = _next(
        before,
        state="open",
        holder="",
        offered_to="",
        round=before.round + 1,
        attempts=_without_running(before.attempts),
    )
    return Change(before, _until_escalation(after, rules), event, by, _alert(after, at))


def _escalated(before: Callback, rules: Rules, at: datetime) -> Change:
    """Raise the level by one and alert; skip the level of those on shift where nobody is."""
    level = before.level + 1
    empty = level == ON_SHIFT and bool(rules.shifts) and not rules.on_shift(at)
    after = _next(before, level=SUPERVISOR if empty else level)
    facts = {"level": str(after.level), **({"nobody": "on shift"} if empty else {})}
    return Change(
        before, _until_escalation(after, rules), "escalated", CLOCK, _alert(after, at), facts
    )


def _expired(before: Callback) -> Change:
    after = _ended(before, "expired", before.expires_at)
    alert = Owed("expired", after.alert, before.expires_at)
    change = _with_letter(before, after, "missed", "expired", CLOCK, before.expires_at, {})
    return replace(change, owes=(alert, *change.owes))


def _moved(
    before: Callback,
    after: Callback,
    window: Span,
    rules: Rules,
    now: datetime,
    event: Event,
    by: str,
    facts: dict[str, str],
) -> Change:
    """Schedule the request for another window, with a letter about it."""
    _require_bookable(window, rules, now)
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
    event: Event,
    by: str,
    now: datetime,
    facts: dict[str, str],
) -> Change:
    """Make a change that owes the customer a letter, if they gave an address."""
    after = replace(after, letters=after.letters + bool(after.asked.email))
    return Change(before, after, event, by, _letter(after, letter, now), facts)


def _letter(after: Callback, letter: str, now: datetime) -> tuple[Owed, ...]:
    if not after.asked.email:
        return ()
    return (Owed(letter, after.letters, now),)  # type: ignore[arg-type]  # callers name a kind


def _alert(after: Callback, at: datetime | None) -> tuple[Owed, ...]:
    return (Owed("alert", after.alert, at),) if at else ()


def _until_escalation(opened: Callback, rules: Rules) -> Callback:
    """Set when the clock looks at the open request next: at its next escalation, or its expiry."""
    if opened.level >= len(ESCALATED_AFTER) or opened.opened_at is None:
        return replace(opened, due_at=opened.expires_at)
    at = _open_minutes_later(rules, opened.opened_at, ESCALATED_AFTER[opened.level])
    return replace(opened, due_at=min(at, opened.expires_at))


def _ended(before: Callback, state: str, at: datetime) -> Callback:
    return _next(
        before,
        state=state,
        holder="",
        offered_to="",
        due_at=None,
        ended_at=at,
        attempts=_without_running(before.attempts),
    )


def _without_running(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts, with the outcome `unknown` for a call that has none: it still counts."""
    return tuple(each if each.outcome else replace(each, outcome="unknown") for each in attempts)


def _without_later(attempts: tuple[Attempt, ...]) -> list[Attempt]:
    """Return the attempts that count; `later` does not, because the customer was reached."""
    return [each for each in attempts if each.outcome != "later"]


def _expiry(rules: Rules, expected: Span) -> datetime:
    """Return when a request expires: so many open days after the promised time.

    They are calendar days for a line that was closed for good since.
    """
    open_days_later = opening_hours.add_open_days(rules.hours, expected[1], EXPIRES_AFTER)
    return open_days_later or expected[1] + timedelta(days=EXPIRES_AFTER)


def _open_minutes_later(rules: Rules, at: datetime, minutes: int) -> datetime:
    """Return the instant so many open minutes later.

    They are minutes of the wall clock for a line that was closed for good since.
    """
    later = opening_hours.add_open_minutes(rules.hours, at, minutes)
    return later or at + timedelta(minutes=minutes)


def _require_bookable(window: Span, rules: Rules, now: datetime) -> None:
    if code := opening_hours.refusal_of_window(rules.hours, window, now):
        raise Invalid(FieldError("window", code))


def _require_live(before: Callback) -> None:
    if not before.is_live:
        raise Conflict(before.state)


def _require_holder(before: Callback, who: Who) -> None:
    if before.state != "claimed":
        raise Conflict(before.state)
    if before.holder != who.id:
        raise _held_by_another(before)


def _held_by_another(before: Callback) -> Conflict:
    return Conflict("claimed", "held", before.agents.get(before.holder, before.holder))


def _next(before: Callback, **changes: object) -> Callback:
    version = before.version + 1
    return replace(before, version=version, **changes)  # type: ignore[arg-type]  # named fields
