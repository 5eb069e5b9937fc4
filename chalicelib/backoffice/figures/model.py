"""The figures of a span, by day, week or month. Pure: requests, growth and views go in.

A request belongs to the day it was made, in the company's calendar, whatever has become of it
since. Callbacks have no counters of their own: their figures come from the requests, so that the
two cannot differ.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from chalicelib.callbacks import opening_hours
from chalicelib.callbacks.model import ENDS, MOST_ATTEMPTS, Callback, Rules

Step = Literal["day", "week", "month"]
GROWTH = {
    "signups": "signup",
    "confirmations": "confirmed",
    "unsubscribes": "unsubscribed",
    "bounces": "bounced",
}
_REACHED = ("reached", "later", "refused")  # the customer was on the line
_WITHOUT_OUTCOME = ("", "unknown")  # under way, or nobody recorded how the call ended


@dataclass
class Period:
    """A day of the span, or the week or month of it that begins then."""

    begins: date
    requested: int = 0
    decided: int = 0  # of these: attempted, or not attempted in the time that was promised
    in_time: int = 0  # of these: attempted in time
    waits: list[int] = field(default_factory=list)  # open minutes to the first attempt
    growth: Counter[str] = field(default_factory=Counter)
    views: int = 0

    @property
    def share(self) -> float | None:
        """The share within the service level; None where nothing is decided yet."""
        return self.in_time / self.decided if self.decided else None

    def wait(self, percent: int) -> int | None:
        """Return the open minutes within which `percent` of them had their first attempt.

        It is the nearest rank; None where there was no attempt.
        """
        ranked = sorted(self.waits)
        return ranked[-(-len(ranked) * percent // 100) - 1] if ranked else None


@dataclass(frozen=True)
class Tries:
    """All first attempts whose outcome is known, or all second ones, and so on."""

    made: int
    reached: int

    @property
    def rate(self) -> float | None:
        """How many of them reached the customer; None where there were none."""
        return self.reached / self.made if self.made else None


@dataclass(frozen=True)
class Figures:
    """A span's figures: `ends` by kind, `live` the requests that have not ended."""

    periods: list[Period]
    total: Period
    attempts: list[Tries]
    ends: dict[str, int]
    live: int


def first_day(last: date, days: int) -> date:
    """Return the first of so many days up to the last one."""
    return last - timedelta(days=days - 1)


def begin(day: date, zone: str) -> datetime:
    """Return the instant at which a calendar day begins in a time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def figures(
    requests: Iterable[Callback],
    growth: Mapping[str, Mapping[str, int]],
    views: Mapping[str, int],
    rules: Rules,
    first: date,
    last: date,
    now: datetime,
    step: Step = "day",
) -> Figures:
    """Return the figures from `first` to `last`; `growth` and `views` are by ISO day."""
    zone = ZoneInfo(rules.hours.zone)
    total, periods = Period(first), _periods(first, last, step)
    kept = [each for each in requests if first <= each.created_at.astimezone(zone).date() <= last]
    for each in kept:
        period = periods[_begins(each.created_at.astimezone(zone).date(), first, step)]
        for into in (period, total):
            _count(into, each, rules, now)
    for day in _days(first, last):
        for into in (periods[_begins(day, first, step)], total):
            happened = growth.get(day.isoformat(), {})
            into.growth.update({name: happened.get(event, 0) for name, event in GROWTH.items()})
            into.views += views.get(day.isoformat(), 0)
    ends = Counter(each.state for each in kept if not each.is_live)
    return Figures(
        list(periods.values()),
        total,
        _attempts(kept),
        {end: ends[end] for end in ENDS},
        sum(each.is_live for each in kept),
    )


def _count(period: Period, request: Callback, rules: Rules, now: datetime) -> None:
    """Count a request into a period: whether it is decided, in time, and how long it waited."""
    period.requested += 1
    first = request.attempts[0].at if request.attempts else None
    if first is None and (request.ended_at or now) <= request.promised:
        return  # there is still time for it, or it ended before the time was over
    period.decided += 1
    period.in_time += first is not None and first <= request.promised
    since = _since(request, rules)
    if first and since:
        period.waits.append(
            opening_hours.open_minutes(rules.hours, since, first) if since < first else 0
        )


def _since(request: Callback, rules: Rules) -> datetime | None:
    """Return when the customer began to wait: at once, or as the window they wished for began.

    Returns None where a call in such a window led to another time: the first window is not kept.
    """
    for wish in request.wishes:
        window = wish.asked.window
        if window and window[1] == request.promised:
            return window[0]
    as_soon_as_possible = opening_hours.open_minutes(
        rules.hours, request.created_at, request.promised
    )
    return request.created_at if as_soon_as_possible <= rules.first_attempt else None


def _attempts(requests: list[Callback]) -> list[Tries]:
    most = max((len(each.attempts) for each in requests), default=0)
    outcomes: list[Counter[str]] = [Counter() for _ in range(max(most, MOST_ATTEMPTS))]
    for request in requests:
        for number, attempt in enumerate(request.attempts):
            outcomes[number][attempt.outcome] += 1
    return [
        Tries(
            sum(each.values()) - sum(each[name] for name in _WITHOUT_OUTCOME),
            sum(each[name] for name in _REACHED),
        )
        for each in outcomes
    ]


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=after) for after in range((last - first).days + 1))


def _periods(first: date, last: date, step: Step) -> dict[date, Period]:
    return {
        begins: Period(begins)
        for begins in dict.fromkeys(_begins(day, first, step) for day in _days(first, last))
    }


def _begins(day: date, first: date, step: Step) -> date:
    match step:
        case "week":
            day -= timedelta(days=day.weekday())
        case "month":
            day = day.replace(day=1)
    return max(day, first)
