"""Figures of a span for supervisors; hours and shifts for everybody of the staff."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from chalicelib import instants
from chalicelib.articles import store as articles
from chalicelib.callbacks import model, opening
from chalicelib.callbacks import store as callbacks
from chalicelib.http import Body, Call, Reply, Routes
from chalicelib.newsletter import store as newsletter
from chalicelib.pages import style
from chalicelib.settings import current
from chalicelib.staff.lead import schedule
from chalicelib.staff.lead.figures import GROWTH, Figures, Period, Step, begin, figures, first_day
from chalicelib.staff.lead.words import Words
from chalicelib.staff.pages import page, script

routes = Routes(__name__, tag="staff-figures")
SPANS = (7, 30, 90, 365)
_WEEKS = 6
_FILTERED_DAYS = 7


class Span(Body):
    days: Annotated[int, Field(ge=1, le=366, description="how far back, today included")] = 30


class Week(Body):
    days: Annotated[int, Field(ge=1, le=31, description="how far back, today included")] = 7


class Amounts(BaseModel, title="Figures"):
    """What happened in some time; a request belongs to the day it was made, whatever has become of it since."""

    signups: int
    confirmations: int
    unsubscribes: int
    bounces: int
    requested: int = Field(description="callbacks asked for")
    decided: int = Field(
        description="of these: attempted, or not attempted in the time that was promised"
    )
    in_time: int = Field(description="of these: attempted in time")
    share_in_time: float | None
    minutes_p50: int | None = Field(
        description="open minutes to the first attempt, for half of them at most"
    )
    minutes_p90: int | None
    views: int = Field(description="of all articles together, as of the last minute")


class Day(Amounts, title="DayOfFigures"):
    day: date


class Tries(BaseModel, title="AttemptFigures"):
    """All first attempts whose outcome is known, or all second ones, and so on."""

    attempt: int
    made: int
    reached: int
    rate: float | None


class Stats(BaseModel, title="Statistics"):
    """The figures of a span, made from the requests themselves."""

    first: date
    last: date
    timezone: str
    days: list[Day]
    total: Amounts
    attempts: list[Tries]
    ends: dict[str, int] = Field(description="requests of the span that have ended, by kind")
    live: int = Field(description="those that have not")


class FilteredDay(BaseModel, title="DayOfFilteredViews"):
    """Views of a day that nobody read, by class."""

    day: date
    views: dict[str, int] = Field(
        description="`bot`, `ai`, `prefetch` and so on; none of them is in any count"
    )


class Filtered(BaseModel, title="FilteredViews"):
    days: list[FilteredDay]


@routes.get(
    "/staff/views/filtered",
    operation="listFilteredViews",
    params=Week,
    gives=Filtered,
    role="supervisor",
)
def show_filtered(call: Call, asked: Week) -> Filtered:
    """How many views were not counted in the last days, and why. One read a day."""
    return Filtered(days=_filtered(call, asked.days))


@routes.get("/staff/stats", operation="getStatistics", params=Span, gives=Stats, role="supervisor")
def stats(call: Call, asked: Span) -> Stats:
    """The figures of a span, by day."""
    first, last = _days(call, asked)
    found = _figures(call, first, last, "day")
    return Stats(
        first=first,
        last=last,
        timezone=current().time_zone,
        days=[Day(day=each.begins, **_amounts(each)) for each in found.periods],
        total=Amounts(**_amounts(found.total)),
        attempts=[
            Tries(attempt=number, made=each.made, reached=each.reached, rate=each.rate)
            for number, each in enumerate(found.attempts, 1)
        ],
        ends=found.ends,
        live=found.live,
    )


@routes.get("/staff/figures", operation="showFigures", params=Span, html=True, role="supervisor")
def show_figures(call: Call, asked: Span) -> Reply:
    """The figures of a span as charts, each with its table."""
    first, last = _days(call, asked)
    step: Step = "day" if asked.days <= 31 else "week" if asked.days <= 120 else "month"
    found = _figures(call, first, last, step)
    return page(
        call,
        "figures",
        first=first,
        last=last,
        days=asked.days,
        spans=SPANS,
        step=step,
        found=found,
        words=_words(call),
        promised=opening.rules().first_attempt,
        filtered=_filtered(call, _FILTERED_DAYS),
        chart_css=style("vendor/uplot/uPlot.min"),
        script=script("figures", "uplot/uPlot.iife.min"),
    )


@routes.get("/staff/hours", operation="showHours", html=True, tag="staff-callbacks")
def hours(call: Call) -> Reply:
    """Opening hours, holidays, exceptions and shifts as the machine understands them, and the rules in words."""
    rules, today = opening.rules(), instants.day(call.now, current().time_zone)
    listed = schedule.days(rules.hours, today, _WEEKS * 7 - today.weekday())
    weeks: dict[date, list[schedule.Day]] = {}
    for each in listed:
        weeks.setdefault(first_day(each.day, each.day.weekday() + 1), []).append(each)
    return page(
        call,
        "hours",
        weeks=weeks,
        today=today,
        shifts=schedule.shifts(rules, call.now),
        rules=rules,
        model=model,
        kept=current().callback_days,
        words=_words(call),
    )


def _days(call: Call, asked: Span) -> tuple[date, date]:
    last = instants.day(call.now, current().time_zone)
    return first_day(last, asked.days), last


def _filtered(call: Call, days: int) -> list[FilteredDay]:
    today = instants.day(call.now, current().time_zone)
    wanted = [first_day(today, 1 + ago) for ago in range(days)]
    return [
        FilteredDay(day=day, views=dict(sorted(articles.filtered(day.isoformat()).items())))
        for day in wanted
    ]


def _figures(call: Call, first: date, last: date, step: Step) -> Figures:
    span = (first.isoformat(), last.isoformat())
    requests = callbacks.since(begin(first, current().time_zone))
    return figures(
        requests,
        newsletter.growth(*span),
        articles.views(*span),
        opening.rules(),
        first,
        last,
        call.now,
        step,
    )


def _amounts(period: Period) -> dict[str, Any]:
    return {
        **{name: period.growth[name] for name in GROWTH},
        "requested": period.requested,
        "decided": period.decided,
        "in_time": period.in_time,
        "share_in_time": period.share,
        "minutes_p50": period.wait(50),
        "minutes_p90": period.wait(90),
        "views": period.views,
    }


def _words(call: Call) -> Words:
    return Words(call.language, current().time_zone)
