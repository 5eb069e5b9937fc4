"""The staff's calls about articles: the views that no person made."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

from chalicelib.articles import service
from chalicelib.http import Body, Request, Routes

routes = Routes(__name__, tag="staff-figures")


class Week(Body):
    """How many days to list."""

    days: Annotated[int, Field(ge=1, le=31, description="how far back, today included")] = 7


class FilteredDay(BaseModel, title="DayOfFilteredViews"):
    """Views of a day that no person made, by class."""

    day: date
    views: dict[str, int] = Field(
        description="`bot`, `ai`, `prefetch` and so on; none of them is in any count"
    )


class Filtered(BaseModel, title="FilteredViews"):
    """The views that no person made, today first."""

    days: list[FilteredDay]


@routes.get("/staff/views/filtered", params=Week, gives=Filtered, role="supervisor")
def list_filtered_views(request: Request, asked: Week) -> Filtered:
    """List how many views were not counted in the last days, and why. One read a day."""
    days = service.filtered(asked.days, request.now).items()
    return Filtered(days=[FilteredDay(day=day, views=views) for day, views in days])
