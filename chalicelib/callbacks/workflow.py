"""The transitions of a callback request. Pure: request, rules and time go in, a change comes out.

Each raises Conflict, with the state and the reason, where the request does not allow it. An event
that comes twice, by a double click or after a lost connection, changes nothing the second time and
raises nothing.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from chalicelib.callbacks import calls, opening_hours
from chalicelib.callbacks.model import (
    CALL,
    EXPIRES_AFTER,
    HOURLY,
    LEASE,
    MISSES,
    MOST_ATTEMPTS,
    MOST_WISHES,
    ON_SHIFT,
    SUPERVISOR,
    UNDO_WITHIN,
    Asked,
    Attempt,
    Blocked,
    Callback,
    Change,
    Event,
    Hold,
    Kind,
    Letter,
    Moved,
    Outcome,
    Owed,
    Rules,
    State,
    Telephone,
    Who,
    Wish,
)
from chalicelib.callbacks.opening_hours import Span
from chalicelib.errors import Conflict, FieldError, Invalid

CLOCK, CUSTOMER = "clock", "customer"


# What the customer asks for


def submit(
    asked: Asked,
    reference: str,
    rules: Rules,
    now: datetime,
    follows: str = "",
    held_for: Hold = "",
    by: str = CUSTOMER,
) -> Change:
    """Make a new request: scheduled if it asks for a window, else open, as soon as possible.

    One that is `held_for` a reason waits for a supervisor's decision. Raises Invalid (`window…`)
    for a window that cannot be booked, and for a line that never opens.
    """
    wish = _wish(asked, reference, rules, now)
    made = Callback(
        reference,
        "held" if held_for else "scheduled",
        (wish,),
        now,
        wish.expected[1],
        expires_at=_expiry(rules, wish.expected),
        due_at=wish.expected[0],
        held_for=held_for,
        follows=follows,
    )
    if held_for:
        made, owes = _until_decision(made, rules), _told(made, rules, now, "held")
    elif _is_waiting(made, now):
        owes = ()
    else:
        made = _until_escalation(
            replace(made, state="open", opened_at=max(now, wish.expected[0])), rules
        )
        owes = _told(made, rules, now)
    return Change(None, made, "submitted", by, (*owes, *_letter(wish, "received", now)))


def wish(
    before: Callback, asked: Asked, reference: str, rules: Rules, now: datetime, by: str = CUSTOMER
) -> Change:
    """Keep a further wish for the number of a live request, beside those it has.

    One that is just like an open one adds its reference to it. Raises Invalid (`window…`).
    """
    _require_live(before)
    if any(each.is_told(reference) for each in before.wishes):
        return Change(before, before)
    made = _wish(asked, reference, rules, now)
    same = next((each for each in before.open_wishes if _is_same(before, each, made)), None)
    enough = len(before.open_wishes) >= MOST_WISHES and before.expected[1] <= made.expected[1]
    if not same and not enough:
        return _joined(before, (made,), rules, now, "wished", by)
    facts = {"wish": reference}
    if same is None or len(same.also) >= MOST_WISHES:
        said = {"name": asked.name, "email": asked.email, "note": asked.note}
        return Change(before, _kept(before), "wished", by, facts=facts, personal=said)
    sooner = min(same.expected, made.expected, key=lambda each: each[1])
    told = replace(same, also=(*same.also, reference), expected=sooner)
    return Change(before, _kept(before, wishes=_with(before, told)), "wished", by, facts=facts)


def cancel(before: Callback, reference: str, rules: Rules, now: datetime) -> Change:
    """End the wish of a customer who does not want to be called any more.

    The request ends with its last wish.
    """
    wish = _wish_told(before, reference)
    if wish.end == "cancelled":
        return Change(before, before)
    _require_changeable(before, wish)
    ended = _written(replace(wish, end="cancelled", moved=_moved(wish, now)))
    rest = _until_expiry(replace(before, wishes=_with(before, ended)), rules)
    after, owes = (
        _resettled(rest, rules, now)
        if rest.open_wishes
        else (_ended(rest, "cancelled", now), tuple[Owed, ...]())
    )
    letter = _letter(ended, "cancelled", now + UNDO_WITHIN)
    facts = {"wish": wish.reference}
    return Change(before, after, "cancelled", CUSTOMER, (*owes, *letter), facts)


def reschedule(
    before: Callback, reference: str, window: Span, rules: Rules, now: datetime
) -> Change:
    """Move a wish to another window, which its customer asks for. Raises Invalid (`window…`)."""
    wish = _wish_told(before, reference)
    _require_changeable(before, wish)
    if wish.expected == wish.asked.window == window:
        return Change(before, before)
    _require_bookable(window, rules, now)
    moved = replace(
        _written(wish),
        asked=replace(wish.asked, window=window),
        expected=window,
        agreed=False,
        moved=_moved(wish, now),
    )
    after, owes = _resettled(_promised(before, moved, rules), rules, now)
    letter = _letter(moved, "received", now)
    facts = {"wish": wish.reference}
    return Change(before, after, "rescheduled", CUSTOMER, (*owes, *letter), facts)


def undo_by_link(
    before: Callback,
    reference: str,
    rules: Rules,
    now: datetime,
    taken: Callback | None = None,
    held_for: Hold = "",
) -> Change:
    """Take back what a customer did last with their link, within ten minutes.

    `taken` is the live request that took the number meanwhile: the wish becomes one of its. A
    time that is over by now becomes as soon as possible. A request that lives again is held, where
    it is `held_for` a reason.
    """
    wish = _wish_told(before, reference)
    moved = wish.moved
    if moved is None or wish.end not in ("", "cancelled") or before.erased:
        raise Conflict(before.state)
    if moved.is_undone:
        return Change(before, before)
    if now >= moved.at + UNDO_WITHIN:
        raise Conflict(before.state, "too_late")
    if before.is_calling:
        raise Conflict("claimed", "calling")
    window, expected, agreed = moved.window, moved.expected, moved.agreed
    if window == expected:
        is_over = bool(opening_hours.refusal_of_window(rules.hours, window, now))
    else:
        is_over = expected[1] <= now
    if is_over:
        window, expected, agreed = None, _as_soon_as_possible(rules, now), False
    restored = replace(
        _written(wish),
        asked=replace(wish.asked, window=window),
        expected=expected,
        agreed=agreed,
        end="",
        moved=replace(moved, is_undone=True),
    )
    letter = _letter(restored, "received", now)
    facts = {"wish": wish.reference}
    if before.is_live:
        after, owes = _resettled(_promised(before, restored, rules), rules, now)
        return Change(before, after, "undone", CUSTOMER, (*owes, *letter), facts)
    if before.state in ("refused", "wrong_number", "withdrawn"):
        raise Conflict(before.state)
    if taken:
        return _merged(before, (restored,), taken, rules, now, CUSTOMER, letter)
    again = replace(_promised(before, restored, rules), ended_at=None, level=0)
    if held_for:
        after, owes = _held(again, held_for, rules, now)
    else:
        again = _next(again, state="scheduled", round=before.round + 1, due_at=again.begins_at)
        after, owes = _presented(again, rules, now)
    return Change(before, after, "undone", CUSTOMER, (*owes, *letter), facts)


# What the clock does


def tick(before: Callback, rules: Rules, now: datetime) -> Change:
    """Take the next step that is due by `now`, if the line is open.

    The step takes effect at the time it was due, however late the tick. Repeating this until
    nothing changes makes up for missed ticks.
    """
    at = before.due_at
    if at is None or now < at or not opening_hours.is_open(rules.hours, now):
        return Change(before, before)
    if before.state == "claimed":
        return _back(before, rules, at, "lapsed", CLOCK)
    if at >= before.expires_at:
        return _expired(before)
    if before.state == "open":
        return _escalated(before, rules, at)
    after = _kept(before, state="open", held_for="", opened_at=at, round=before.round + 1, level=0)
    after = _until_escalation(after, rules)
    return Change(before, after, "opened", CLOCK, _told(after, rules, at))


def _escalated(before: Callback, rules: Rules, at: datetime) -> Change:
    """Raise the level by one and alert; skip the level of those on shift where nobody is."""
    level = before.level + 1
    empty = level == ON_SHIFT and bool(rules.shifts) and not rules.on_shift(at)
    after = _kept(before, level=SUPERVISOR if empty else level)
    facts = {"level": str(after.level), **({"nobody": "on shift"} if empty else {})}
    after = _until_escalation(after, rules)
    return Change(before, after, "escalated", CLOCK, _told(after, rules, at), facts)


def _expired(before: Callback) -> Change:
    at = before.expires_at
    after, letters = _ended_with_letters(before, "expired", "missed", at, at)
    alert = Owed("expired", after.reference, after.alert, at)
    return Change(before, after, "expired", CLOCK, (alert, *letters))


# What the staff do


def claim(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Let one of the staff take the request, or accept its hand-over."""
    if before.state == "claimed" and before.holder == who.id:
        return Change(before, before)
    offered = before.state == "claimed" and before.offered_to in (who.id, who.name)
    if before.state == "claimed" and not offered:
        raise _held_by_another(before)
    if before.state == "held":
        raise Conflict("held", "undecided")
    _require_live(before)
    return _given(before, who, rules, now, "handed over" if offered else "claimed", who)


def assign(before: Callback, to: Who, who: Who, rules: Rules, now: datetime) -> Change:
    """Let a supervisor give the request to somebody, who is told."""
    if before.state == "claimed" and before.holder == to.id:
        return Change(before, before)
    _require_decided(before)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    change = _given(before, to, rules, now, "assigned", who)
    told = Owed("handed", before.reference, change.after.version, now)
    return replace(change, owes=(told,), personal={"to": to.name, "to_id": to.id})


def take(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Let a supervisor take over what an absent colleague holds, a forgotten call included."""
    if before.state == "claimed" and before.holder == who.id:
        return Change(before, before)
    _require_decided(before)
    if before.state != "claimed":
        return claim(before, who, rules, now)
    return _given(before, who, rules, now, "taken over", who)


def offer(before: Callback, who: Who, to: Who, now: datetime) -> Change:
    """Offer the holder's request to a colleague, who is told, and has it once they claim it."""
    _require_holder(before, who)
    if before.is_calling:
        raise Conflict("claimed", "calling")
    if to.id == who.id or before.offered_to == to.id:
        return Change(before, before)
    after = _next(before, offered_to=to.id)
    told = Owed("handed", before.reference, after.version, now)
    personal = {"to": to.name, "to_id": to.id}
    return Change(before, after, "offered", who.id, (told,), personal=personal)


def release(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Give the request back; a supervisor can free what another holds."""
    if before.state in ("open", "scheduled", "retry") and who.id in before.agents:
        return Change(before, before)
    if not (who.leads and before.state == "claimed"):
        _require_holder(before, who)
    return _back(before, rules, now, "released", who.id)


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
    reason = calls.why_not(before, rules, now, outside_window)
    if reason:
        raise Conflict("claimed", reason)
    attempts = (*before.attempts, _attempt(before, who, rules, now))
    due_at = _open_minutes_later(rules, now, CALL)
    after = _next(before, attempts=attempts, offered_to="", due_at=due_at)
    return Change(before, after, "dialled", who.id, facts={"attempt": str(len(attempts))})


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
    made. Raises Invalid (`window…`) for a `later` without a window, or at a time when nobody calls.
    """
    mine = before.state == "claimed" and before.holder == who.id
    last = before.attempts[-1] if before.attempts else None
    if not mine and last and (last.by, last.outcome) == (who.id, outcome):
        return Change(before, before)
    _require_holder(before, who)
    running = last is not None and last.outcome in ("", "unknown") and last.by == who.id
    made = last if last and running else _attempt(before, who, rules, now)
    attempts = (
        *before.attempts[: -1 if running else None],
        replace(made, outcome=outcome, note=note),
    )
    spoken = replace(before, attempts=attempts, holder="", offered_to="")
    facts = {"outcome": outcome, "attempt": str(len(attempts))}
    if outcome == "later":
        return _agreed(before, spoken, who, window, rules, now, facts)
    if outcome in MISSES:
        return _missed(before, spoken, who, made, rules, now, facts)
    ends: dict[str, tuple[State, Event]] = {
        "reached": ("done", "done"),
        "refused": ("refused", "refused"),
        "wrong_number": ("wrong_number", "wrong number"),
    }
    state, event = ends[outcome]
    after = _pressed(_all_ended(spoken, state, now), before, who.id, now)
    return Change(before, after, event, who.id, facts=facts, blocks=state != "done")


def called_in(before: Callback, who: Who, now: datetime) -> Change:
    """End the request of a customer who rang by themselves and was helped."""
    if before.state == "done":
        return Change(before, before)
    _require_live(before)
    after = _pressed(_all_ended(before, "done", now), before, who.id, now)
    return Change(before, after, "called in", who.id)


def admit(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Let a supervisor decide that the number is called."""
    if before.is_live and before.state != "held" and not before.held_for:
        return Change(before, before)
    _require_held(before)
    after, owes = _admitted(before, rules, now)
    return Change(before, _pressed(after, before, who.id, now), "admitted", who.id, owes)


def hold(before: Callback, who: Who, rules: Rules, now: datetime) -> Change:
    """Let a live request wait for a decision, as its number was blocked by hand."""
    if not before.is_live or before.held_for == "blocked":
        return Change(before, before)
    after, owes = _held(before, "blocked", rules, now)
    return Change(before, after, "held", who.id, owes)


def decline(before: Callback, who: Who, now: datetime) -> Change:
    """Let a supervisor decide that the number is not called; the customer is told."""
    if before.state == "refused":
        return Change(before, before)
    _require_held(before)
    after, letters = _ended_with_letters(before, "refused", "declined", now, now + UNDO_WITHIN)
    return Change(before, _pressed(after, before, who.id, now), "declined", who.id, letters)


def withdraw(before: Callback, who: Who, now: datetime) -> Change:
    """End the request of a person who wants everything erased, without a letter."""
    if not before.is_live:
        return Change(before, before)
    return Change(before, _all_ended(before, "withdrawn", now), "withdrawn", who.id)


def withdraw_wishes(
    before: Callback, references: tuple[str, ...], who: Who, rules: Rules, now: datetime
) -> Change:
    """Erase what a person typed who asked beside others for the same number; end their wishes."""
    wishes = tuple(
        replace(each.erase(), end=each.end or "withdrawn") if each.reference in references else each
        for each in before.wishes
    )
    if wishes == before.wishes:
        return Change(before, before)
    rest = replace(before, wishes=wishes)
    facts = {"wish": " ".join(references)}
    if not before.is_live:
        return Change(before, _next(rest), "withdrawn", who.id, facts=facts)
    if not rest.open_wishes:
        return Change(before, _ended(rest, "withdrawn", now), "withdrawn", who.id, facts=facts)
    after, owes = _resettled(rest, rules, now)
    return Change(before, after, "withdrawn", who.id, owes, facts)


def correct(
    before: Callback,
    who: Who,
    number: Telephone,
    rules: Rules,
    now: datetime,
    taken: Callback | None = None,
    held_for: Hold = "",
) -> Change:
    """Replace a mistyped number, as if the request had been submitted with the right one.

    `taken` is the live request of that number: the wishes become its.
    """
    if not (who.leads and before.is_live):
        _require_holder(before, who)
    if before.asked.number_key == number.number_key:
        return Change(before, before)
    line = asdict(number)
    wishes = tuple(replace(each, asked=replace(each.asked, **line)) for each in before.wishes)
    facts = {"number": number.number_key}
    if taken:
        moving = tuple(each for each in wishes if each.is_open)
        change = _merged(before, moving, taken, rules, now, who.id, ())
        return replace(change, event="corrected", facts={**facts, **change.facts})
    right = replace(before, wishes=wishes)
    if not held_for:
        return Change(before, _next(right), "corrected", who.id, facts=facts)
    after, owes = _held(right, held_for, rules, now)
    return Change(before, after, "corrected", who.id, owes, facts)


def undo(
    before: Callback,
    who: Who,
    rules: Rules,
    now: datetime,
    taken: Callback | None = None,
    blocked: Blocked = "",
) -> Change:
    """Take back the last outcome or end, within ten minutes and by whoever pressed.

    The request is then as it was, with the wishes that came since. `taken` is the live request that
    took the number meanwhile: the wishes become its. Where the number is `blocked` since the press,
    that block stays, and an ended request waits for a supervisor's decision.
    """
    earlier = before.earlier
    if earlier is None and before.pressed_by == who.id:
        return Change(before, before)  # taken back before
    if earlier is None or before.pressed_at is None:
        raise Conflict(before.state, "nothing_to_undo")
    if before.pressed_by != who.id:
        raise Conflict(before.state, "not_yours")
    if now >= before.pressed_at + UNDO_WITHIN:
        raise Conflict(before.state, "too_late")
    known = {each.reference for each in earlier.wishes}
    since = tuple(each for each in before.wishes if each.reference not in known)
    wishes = (*(_as_it_was(each, before) for each in earlier.wishes), *since)
    blocks = before.state in ("refused", "wrong_number") and earlier.state == "claimed"
    unblocks = blocks and blocked != "since"
    restored = replace(
        earlier,
        wishes=wishes,
        version=before.version + 1,
        round=before.round + (earlier.state != "claimed"),
        pressed_by=who.id,
        pressed_at=now,
    )
    for each in since:
        restored = _promised(restored, each, rules) if each.is_open else restored
    if taken and not before.is_live:
        moving = restored.open_wishes
        change = _merged(before, moving, taken, rules, now, who.id, (), unblocks and not blocked)
        return replace(change, unblocks=unblocks)
    if restored.state == "claimed" and restored.due_at:
        restored = replace(restored, due_at=restored.due_at + (now - before.pressed_at))
    owes: tuple[Owed, ...] = ()
    if blocked == "since" and not before.is_live and restored.state != "held":
        restored, owes = _held(replace(restored, version=before.version), "blocked", rules, now)
        restored = replace(restored, pressed_by=who.id, pressed_at=now)
    elif restored.state == "held":
        restored = _until_decision(restored, rules)
        owes = _told(restored, rules, now, "held")
    elif restored.state != "claimed":
        restored, owes = _presented(restored, rules, now)
    return Change(before, restored, "undone", who.id, owes, unblocks=unblocks)


def follow(
    before: Callback,
    who: Who,
    reference: str,
    rules: Rules,
    now: datetime,
    taken: Callback | None = None,
) -> Change:
    """Let a supervisor make a request that follows an ended one, as soon as possible.

    Its wish is the last one that ended with the request, and the links of those with the same
    address lead to it; nobody else's do. `taken` is the live request of the number: the wish
    becomes its.
    """
    if before.is_live or before.erased or before.state == "withdrawn":
        raise Conflict(before.state)
    if before.followed_by:
        return Change(before, before)
    ended_with_it = [each for each in before.wishes if each.end == before.state]
    last = (ended_with_it or before.wishes)[-1]
    asked = replace(last.asked, window=None)
    if taken:
        expected = _as_soon_as_possible(rules, now)
        again = replace(_written(last), asked=asked, expected=expected, agreed=False)
        again = replace(again, end="", moved=None)
        letter = _letter(again, "received", now)
        change = _merged(before, (again,), taken, rules, now, who.id, letter)
        return replace(change, event="followed")
    also = submit(asked, reference, rules, now, before.reference, by=who.id)
    theirs = (each for each in before.wishes if each.asked.email == asked.email)
    told = tuple(ref for each in theirs for ref in (each.reference, *each.also))
    made = replace(also.after.wishes[0], also=told)
    also = replace(also, after=replace(also.after, wishes=(made,)))
    followed_by = also.after.reference
    after = _next(before, followed_by=followed_by)
    facts = {"followed_by": followed_by}
    return Change(before, after, "followed", who.id, facts=facts, also=also)


# How it is done


def _wish(asked: Asked, reference: str, rules: Rules, now: datetime) -> Wish:
    if asked.window:
        _require_bookable(asked.window, rules, now)
    expected = asked.window or _as_soon_as_possible(rules, now)
    return Wish(reference, asked, now, expected, letters=int(bool(asked.email)))


def _is_same(before: Callback, known: Wish, made: Wish) -> bool:
    """Tell whether a wish says nothing that an open one does not, and is met with it."""
    is_met = not before.calls_for(known) or known.expected[1] <= made.expected[1]
    return known.asked == made.asked and is_met


def _joined(
    before: Callback,
    wishes: tuple[Wish, ...],
    rules: Rules,
    now: datetime,
    event: Event,
    by: str,
    admit: bool = False,
) -> Change:
    """Add wishes to a live request; alert where it is due sooner now, or overdue.

    `admit` lets a held request go on.
    """
    joined = replace(before, wishes=(*before.wishes, *wishes))
    for each in wishes:
        joined = _promised(joined, each, rules)
    sooner = joined.expected[1] < before.expected[1]
    again = sooner or before.expected[1] < now
    owes: tuple[Owed, ...] = ()
    if admit and before.state == "held":
        after, owes = _admitted(joined, rules, now)
    elif before.state == "claimed":
        after = _kept(joined)
    elif before.state == "held":
        after = _kept(joined, round=before.round + again)
        after = _until_decision(after, rules)
        owes = _told(after, rules, now, "held") if again else ()
    elif before.state == "open":
        after = _kept(joined, round=before.round + again, level=0 if sooner else before.level)
        after = _until_escalation(after, rules)
        owes = _told(after, rules, now) if again else ()
    else:
        after, owes = _presented(_kept(joined, round=before.round + 1), rules, now)
    letters = tuple(owed for each in wishes for owed in _letter(each, "received", now))
    facts = {"wish": " ".join(each.reference for each in wishes)}
    return Change(before, after, event, by, (*owes, *letters), facts)


def _merged(
    before: Callback,
    wishes: tuple[Wish, ...],
    taken: Callback,
    rules: Rules,
    now: datetime,
    by: str,
    letters: tuple[Owed, ...],
    admit: bool = False,
) -> Change:
    """Let wishes of one request become wishes of the live one that has the number."""
    joined = _joined(taken, wishes, rules, now, "wished", by, admit)
    joined = replace(
        joined,
        owes=(*(each for each in joined.owes if each.kind != "received"), *letters),
        facts={**joined.facts, "from": before.reference},
    )
    after = _next(before, followed_by=taken.reference)
    if before.is_live:
        after = replace(_all_ended(before, "wrong_number", now), followed_by=taken.reference)
    facts = {"followed_by": taken.reference}
    return Change(before, after, "merged", by, facts=facts, also=joined)


def _given(before: Callback, to: Who, rules: Rules, now: datetime, event: Event, by: Who) -> Change:
    """Let somebody hold the request for the time of a lease."""
    calling = before.is_calling and event == "handed over"
    due_at = before.due_at if calling else _open_minutes_later(rules, now, LEASE)
    after = _next(
        before,
        state="claimed",
        holder=to.id,
        offered_to="",
        agents={**before.agents, to.id: to.name},
        attempts=before.attempts if calling else _without_running(before.attempts),
        due_at=due_at,
    )
    return Change(before, after, event, by.id)


def _back(before: Callback, rules: Rules, at: datetime, event: Event, by: str) -> Change:
    """Put a claimed request back among those that wait; alert again where it is due.

    The customer's waiting time keeps running.
    """
    freed = _next(
        before,
        holder="",
        offered_to="",
        round=before.round + 1,
        attempts=_without_running(before.attempts),
    )
    after, owes = _presented(freed, rules, at)
    return Change(before, after, event, by, owes)


def _agreed(
    before: Callback,
    spoken: Callback,
    who: Who,
    window: Span | None,
    rules: Rules,
    now: datetime,
    facts: dict[str, str],
) -> Change:
    """Keep the wish that was talked about for the time agreed on; the others are met."""
    if window is None:
        raise Invalid(FieldError("window", "required"))
    refusal = opening_hours.refusal_of_agreed(rules.hours, window, now)
    if refusal:
        raise Invalid(FieldError("window", refusal))
    kept = _written(
        replace(
            before.lead,
            asked=replace(before.lead.asked, window=window),
            expected=window,
            agreed=True,
            moved=None,
        )
    )
    met = tuple(
        replace(each, end="done") if each.is_open and each.reference != kept.reference else each
        for each in spoken.wishes
    )
    after = _next(
        _promised(replace(spoken, wishes=met), kept, rules),
        state="scheduled",
        preferred=who.id,
        due_at=window[0],
        opened_at=None,
        level=0,
    )
    letter = _letter(kept, "received", now + UNDO_WITHIN)
    return Change(before, _pressed(after, before, who.id, now), "agreed", who.id, letter, facts)


def _missed(
    before: Callback,
    spoken: Callback,
    who: Who,
    made: Attempt,
    rules: Rules,
    now: datetime,
    facts: dict[str, str],
) -> Change:
    """Try again for the wishes that the call was made for; the third miss of one is its end."""
    moved, letters = spoken, tuple[Owed, ...]()
    for wish in spoken.open_wishes:
        if wish.reference not in made.wishes:
            continue
        made_for = spoken.calls_for(wish)
        if len(made_for) >= MOST_ATTEMPTS:
            ended = _written(replace(wish, end="unreached"))
            letters += _letter(ended, "missed", now + UNDO_WITHIN)
        else:
            at = min(calls.retry_at(made_for, rules, now), spoken.expires_at)
            span = (at, _open_minutes_later(rules, at, rules.first_attempt))
            ended = replace(wish, expected=span, agreed=False)
        moved = replace(moved, wishes=_with(moved, ended))
    if moved.open_wishes:
        after = _next(moved, state="retry", due_at=moved.begins_at, opened_at=None, level=0)
        event: Event = "missed"
    else:
        after, event = _ended(moved, "unreached", now), "unreached"
    after = _pressed(after, before, who.id, now)
    return Change(before, after, event, who.id, _once(letters, after), facts)


def _attempt(before: Callback, who: Who, rules: Rules, now: datetime) -> Attempt:
    made_for = tuple(each.reference for each in calls.served(before, rules, now))
    return Attempt(now, who.id, wishes=made_for, agreed=calls.is_agreed(before, now))


def _admitted(held: Callback, rules: Rules, now: datetime) -> tuple[Callback, tuple[Owed, ...]]:
    return _presented(_next(held, held_for="", round=held.round + 1, level=0), rules, now)


def _held(
    request: Callback, held_for: Hold, rules: Rules, now: datetime
) -> tuple[Callback, tuple[Owed, ...]]:
    """Let a request wait for a supervisor's decision, who is told."""
    held = _next(
        request,
        state="held",
        held_for=held_for,
        holder="",
        offered_to="",
        round=request.round + 1,
        level=SUPERVISOR,
        attempts=_without_running(request.attempts),
    )
    return _until_decision(held, rules), _told(held, rules, now, "held")


def _presented(request: Callback, rules: Rules, now: datetime) -> tuple[Callback, tuple[Owed, ...]]:
    """Let a request wait for its time, or be open, with an alert, where a wish of it is due."""
    if _is_waiting(request, now):
        next_one = min(request.open_wishes, key=lambda each: each.expected[0])
        again = next_one.expected != next_one.asked.window  # as a call was missed
        state: State = "retry" if again else "scheduled"
        waiting = replace(request, state=state, opened_at=None, level=0)
        return replace(waiting, due_at=request.begins_at), ()
    opened_at = request.opened_at or max(now, request.begins_at)
    opened = replace(request, state="open", opened_at=opened_at)
    return _until_escalation(opened, rules), _told(opened, rules, now)


def _resettled(changed: Callback, rules: Rules, now: datetime) -> tuple[Callback, tuple[Owed, ...]]:
    """Return a live request in the state that its wishes call for, after one of them changed."""
    after = _next(changed)
    if changed.state == "held":
        return _until_decision(after, rules), ()
    if _is_waiting(changed, now):
        return _presented(replace(after, holder="", offered_to=""), rules, now)
    if changed.state == "claimed":
        return after, ()
    if changed.state == "open" and after.level and now < _half(after.expected, rules):
        after = replace(after, round=after.round + 1, level=0)  # the wish that was late is gone
        return _until_escalation(after, rules), _told(after, rules, now)
    if changed.state == "open":
        return _until_escalation(after, rules), ()
    return _presented(replace(after, round=changed.round + 1), rules, now)


def _is_waiting(request: Callback, now: datetime) -> bool:
    """Tell whether no wish is due: each has a window, or a further attempt, that is to come.

    A wish for as soon as possible counts as due from the start: the line may have to open first.
    """
    return not any(
        each.expected[0] <= now or not (each.asked.window or request.calls_for(each))
        for each in request.open_wishes
    )


def _promised(before: Callback, wish: Wish, rules: Rules) -> Callback:
    """Return the request with a wish as it is now, and the times that follow from it."""
    after = _until_expiry(replace(before, wishes=_with(before, wish)), rules)
    first = min(each.expected[1] for each in after.open_wishes)
    return replace(after, promised=after.promised if after.attempts else first)


def _until_expiry(request: Callback, rules: Rules) -> Callback:
    """Set when the request expires: after the last promise of its open wishes."""
    expiries = (_expiry(rules, each.expected) for each in request.open_wishes)
    return replace(request, expires_at=max(expiries, default=request.expires_at))


def _until_escalation(opened: Callback, rules: Rules) -> Callback:
    """Set when the clock looks at the open request next: at its next escalation, or its expiry."""
    promise = opened.expected
    if opened.level == 0:
        at = _half(promise, rules)
    elif opened.level == ON_SHIFT:
        at = promise[1]
    elif opened.level - SUPERVISOR < len(HOURLY):
        at = _open_minutes_later(rules, promise[1], HOURLY[opened.level - SUPERVISOR])
    else:
        at = opened.expires_at
    return replace(opened, due_at=min(at, opened.expires_at))


def _until_decision(held: Callback, rules: Rules) -> Callback:
    """Set when the clock looks at a held request next.

    Where only the day's limit holds it, it opens by itself when half of the promised time is gone.
    """
    at = _half(held.expected, rules) if held.held_for == "limit" else held.expires_at
    return replace(held, level=SUPERVISOR, due_at=min(at, held.expires_at))


def _half(promise: Span, rules: Rules) -> datetime:
    minutes = opening_hours.open_minutes(rules.hours, *promise)
    return _open_minutes_later(rules, promise[0], minutes // 2)


def _told(after: Callback, rules: Rules, at: datetime, kind: Kind = "alert") -> tuple[Owed, ...]:
    """Return the alert for the present round and level, due once the line is open."""
    level = SUPERVISOR if kind == "held" else after.level
    opens = opening_hours.next_opening(rules.hours, at) or at
    return (Owed(kind, after.reference, after.round * 10 + level, opens),)


def _ended_with_letters(
    before: Callback, state: State, letter: Letter, at: datetime, due_at: datetime
) -> tuple[Callback, tuple[Owed, ...]]:
    """End the request and its open wishes, and tell the customer of each."""
    told = tuple(_written(each) if each.is_open else each for each in before.wishes)
    letters = tuple(owed for each in told if each.is_open for owed in _letter(each, letter, due_at))
    after = _all_ended(replace(before, wishes=told), state, at)
    return after, _once(letters, after)


def _all_ended(before: Callback, state: State, at: datetime) -> Callback:
    wishes = tuple(replace(each, end=state) if each.is_open else each for each in before.wishes)
    return _ended(replace(before, wishes=wishes), state, at)


def _ended(before: Callback, state: State, at: datetime) -> Callback:
    return _next(
        before,
        state=state,
        held_for="",
        holder="",
        offered_to="",
        due_at=None,
        ended_at=at,
        attempts=_without_running(before.attempts),
    )


def _written(wish: Wish) -> Wish:
    """Count the letter that the wish's customer is owed, if they gave an address."""
    return replace(wish, letters=wish.letters + bool(wish.asked.email))


def _letter(wish: Wish, kind: Letter, due_at: datetime) -> tuple[Owed, ...]:
    return (Owed(kind, wish.reference, wish.letters, due_at),) if wish.asked.email else ()


def _once(letters: Iterable[Owed], after: Callback) -> tuple[Owed, ...]:
    """Return the letters, one for each address."""
    address = {each.reference: each.asked.email for each in after.wishes}
    by_address = {address[each.subject]: each for each in reversed([*letters])}
    return tuple(reversed(by_address.values()))


def _as_it_was(earlier: Wish, before: Callback) -> Wish:
    """Return a wish as it was earlier, for everybody who sent it by now.

    A letter that it was owed since is owed no more.
    """
    (wish,) = (each for each in before.wishes if each.reference == earlier.reference)
    letters = wish.letters + (wish.letters > earlier.letters)
    return replace(earlier, also=wish.also, letters=letters)


def _moved(wish: Wish, now: datetime) -> Moved:
    return Moved(now, wish.expected, wish.asked.window, wish.agreed)


def _pressed(after: Callback, before: Callback, by: str, now: datetime) -> Callback:
    """Let whoever pressed take it back for a while."""
    return replace(after, pressed_by=by, pressed_at=now, earlier=replace(before, earlier=None))


def _without_running(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """Return the attempts, with the outcome `unknown` for a call that has none: it still counts."""
    return tuple(each if each.outcome else replace(each, outcome="unknown") for each in attempts)


def _with(before: Callback, wish: Wish) -> tuple[Wish, ...]:
    return tuple(wish if each.reference == wish.reference else each for each in before.wishes)


def _as_soon_as_possible(rules: Rules, now: datetime) -> Span:
    """Return when the first attempt is promised. Raises Invalid (`window`) if nobody ever calls."""
    begins = opening_hours.next_opening(rules.hours, now)
    ends = opening_hours.add_open_minutes(rules.hours, now, rules.first_attempt)
    if begins is None or ends is None:
        raise Invalid(FieldError("window", "window"))
    return begins, ends


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


def _require_decided(before: Callback) -> None:
    if before.state == "held":
        raise Conflict("held", "undecided")
    _require_live(before)


def _require_held(before: Callback) -> None:
    if before.state != "held":
        raise Conflict(before.state)


def _wish_told(before: Callback, reference: str) -> Wish:
    wish = before.wish(reference)
    if wish is None:
        raise Conflict(before.state)
    return wish


def _require_changeable(before: Callback, wish: Wish) -> None:
    if not before.is_live or wish.end:
        raise Conflict(before.state)
    if before.is_calling:
        raise Conflict("claimed", "calling")


def _require_holder(before: Callback, who: Who) -> None:
    if before.state != "claimed":
        raise Conflict(before.state)
    if before.holder != who.id:
        raise _held_by_another(before)


def _held_by_another(before: Callback) -> Conflict:
    return Conflict("claimed", "held", before.agents.get(before.holder, before.holder))


def _kept(before: Callback, **changes: object) -> Callback:
    """Return the request's next version, in which the last press can still be taken back."""
    version = before.version + 1
    return replace(before, version=version, **changes)  # type: ignore[arg-type]  # named fields


def _next(before: Callback, **changes: object) -> Callback:
    """Return the request's next version."""
    bare = replace(before, pressed_by="", pressed_at=None, earlier=None)
    return _kept(bare, **changes)
