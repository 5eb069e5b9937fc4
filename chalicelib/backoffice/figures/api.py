"""The figures for programs."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, Field

from chalicelib.backoffice.figures import service
from chalicelib.backoffice.figures.model import GROWTH, Period
from chalicelib.http import Body, Request, Routes
from chalicelib.settings import current

routes = Routes(__name__, tag="staff-figures")


class Span(Body):
    """How many days the figures are of."""

    days: Annotated[int, Field(ge=1, le=366, description="how far back, today included")] = 30


class Amounts(BaseModel, title="Figures"):
    """What happened in some time; a request belongs to the day it was made, whatever came of it."""

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
    """What happened on a day."""

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


@routes.get("/staff/stats", params=Span, gives=Stats, role="supervisor")
def get_statistics(request: Request, asked: Span) -> Stats:
    """Show the figures of a span, by day."""
    shown = service.figures(asked.days, request.now, "day")
    found = shown.figures
    return Stats(
        first=shown.first,
        last=shown.last,
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
