"""When a customer may be called, and when again after a call that reached nobody. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chalicelib.callbacks import opening_hours
from chalicelib.callbacks.model import (
    ATTEMPTS_A_DAY,
    MOST_ATTEMPTS,
    PAUSE,
    RETRY_AFTER,
    Attempt,
    Callback,
    Rules,
    Wish,
)


def served(request: Callback, rules: Rules, now: datetime) -> tuple[Wish, ...]:
    """Return the wishes that a call now is made for: those that are due, or else the leading one.

    A call missed at a wish's time is no miss of another wish, whose time is still to come, nor of
    one that was called for often enough.
    """
    due = tuple(each for each in request.open_wishes if each.expected[0] <= now)
    left = tuple(each for each in due if not _used_up(request.calls_for(each), rules, now))
    return left or due or (request.lead,)


def is_agreed(request: Callback, now: datetime) -> bool:
    """Tell whether the customer agreed on this time by telephone."""
    return any(each.agreed and _includes(each, now) for each in request.open_wishes)


def why_not(request: Callback, rules: Rules, now: datetime, outside_window: bool = False) -> str:
    """Return the code of what forbids a call now; empty where nothing does.

    `outside_window` is the holder's word that the customer agrees to a call outside their window.
    A time that was agreed on by telephone counts towards no limit.
    """
    if not is_agreed(request, now):
        calls = [request.calls_for(each) for each in served(request, rules, now)]
        if all(len(each) >= MOST_ATTEMPTS for each in calls):
            return "attempts"
        made = [each for each in request.attempts if not each.agreed and each.outcome != "later"]
        if made and now - made[-1].at < PAUSE:
            return "too_soon"
        if all(_used_up(each, rules, now) for each in calls):
            return "attempts_today"
    if not opening_hours.is_open(rules.hours, now):
        return "closed"
    if not outside_window and not any(_includes(each, now) for each in request.open_wishes):
        return "outside_window"
    return ""


def retry_at(calls: list[Attempt], rules: Rules, now: datetime) -> datetime:
    """Return when to try again after the calls that were made for a wish.

    After a second miss that is in another half of a day, and never a third time on one day.
    """
    hours = rules.hours
    pause = RETRY_AFTER[min(max(len(calls), 1), len(RETRY_AFTER)) - 1]
    at = opening_hours.add_open_minutes(hours, now, pause) or now + timedelta(minutes=pause)
    if len(calls) > 1:
        at = opening_hours.another_half_day(hours, at, now) or at
    zone = ZoneInfo(hours.zone)
    while len(_on_day(calls, rules, at)) >= ATTEMPTS_A_DAY:
        midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        tomorrow = midnight + timedelta(days=1)
        at = opening_hours.next_opening(hours, tomorrow) or tomorrow
    return opening_hours.next_opening(hours, at) or at


def _used_up(calls: list[Attempt], rules: Rules, now: datetime) -> bool:
    return len(calls) >= MOST_ATTEMPTS or len(_on_day(calls, rules, now)) >= ATTEMPTS_A_DAY


def _includes(wish: Wish, now: datetime) -> bool:
    window = wish.asked.window
    return window is None or window[0] <= now < window[1]


def _on_day(calls: list[Attempt], rules: Rules, now: datetime) -> list[Attempt]:
    zone = ZoneInfo(rules.hours.zone)
    today = now.astimezone(zone).date()
    return [each for each in calls if each.at.astimezone(zone).date() == today]
