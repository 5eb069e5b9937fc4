"""The supervisors' pages of articles; their paths answer programs in JSON or CSV."""

from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import Field

from chalicelib import instants
from chalicelib.articles import words
from chalicelib.articles.staff import api, service
from chalicelib.articles.staff.api import ArticleRow, ByName, Decide, Listing, OneArticle, Part
from chalicelib.articles.staff.service import Shown
from chalicelib.errors import Conflict, ContactError
from chalicelib.http import SEE_OTHER, Body, Reply, Request, Routes, redirect
from chalicelib.http.staff_page import render, script
from chalicelib.settings import current
from chalicelib.templates import style

routes = Routes(__name__, tag="staff-articles")
_PATH = "/staff/articles"
SPANS = (7, 30, 90)
_CSV = "text/csv"


class Wanted(Part):
    """A part of a period's articles."""

    done: str = Field("", description="what a page of ours has just done, for it to say so")


class Meant(ByName):
    """An article by its name."""

    done: str = Field("", description="what a page of ours has just done, for it to say so")


class Pressed(Decide, title="ArticlePress"):
    """What is decided about an article; a page of ours says where it goes on.

    A plain form leaves out an empty title, so it says that a title is meant.
    """

    back: Annotated[str, Field(pattern=r"^(list|)$")] = ""
    rename: bool = False

    @property
    def what(self) -> dict[str, Any]:
        """What is decided, by the names that the service has for it."""
        made = self.model_dump(exclude={"back", "rename"})
        return {**made, "title": made["title"] or ""} if self.rename else made


@routes.get(_PATH, params=Wanted, gives=Listing, html=True, media=_CSV, role="supervisor")
def list_articles(request: Request, asked: Wanted) -> Listing | Reply:
    """List the articles of a period, most read first, beside the period before: JSON, CSV, page."""
    if request.accepts(_CSV):
        return _table(request, asked)
    page = request.accepts("text/html")
    found = service.overview(asked.first, asked.to, request.now, details=page)
    if not page:
        return api.listing(found, asked)
    return render(
        request,
        "articles",
        found=found,
        rows=found.articles[asked.at : asked.at + api.OF_A_PAGE],
        at=asked.at,
        cursor=api.after(found, asked, api.OF_A_PAGE),
        period=_query(found.first, found.last),
        spans={days: _query(*_last(days, request)) for days in SPANS},
        done=asked.done,
        words=words,
        instant=instants.parse,
        chart_css=style("vendor/uplot/uPlot.min"),
        script=script("figures", "uplot/uPlot.iife.min"),
    )


@routes.get(f"{_PATH}.csv", params=Part, media=_CSV, role="supervisor")
def download_articles(request: Request, asked: Part) -> Reply:
    """Download the articles of a period as CSV."""
    return _table(request, asked)


@routes.get(f"{_PATH}/{{slug}}", params=Meant, gives=OneArticle, html=True, role="supervisor")
def get_article(request: Request, asked: Meant) -> OneArticle | Reply:
    """Show an article's views in a period, by day and by hour of the day."""
    shown = service.show(asked.slug, asked.first, asked.to, request.now)
    if not request.accepts("text/html"):
        return api.one(shown)
    return _page(request, shown, done=asked.done)


@routes.post(
    f"{_PATH}/{{slug}}",
    params=ByName,
    takes=Pressed,
    gives=ArticleRow,
    html=True,
    errors=(Conflict,),
    also=(SEE_OTHER,),
    role="supervisor",
)
def decide_about_article(request: Request, asked: ByName, made: Pressed) -> ArticleRow | Reply:
    """Accept, rename, hide or merge an article, or take that back. A repeat changes nothing."""
    what, by = made.what, request.person.id
    if not request.wants_page:
        return api.row(service.decide(asked.slug, by, request.now, **what))
    if refused := service.press(asked.slug, by, request.now, what):
        return _page(request, refused.shown, refused.error, typed=made)
    to = _PATH if made.back else f"{_PATH}/{asked.slug}"
    return redirect(f"{to}?done=saved")


@routes.get(f"{_PATH}/{{slug}}/delete", params=ByName, html=True, role="supervisor")
def show_article_deletion(request: Request, asked: ByName) -> Reply:
    """Ask whether deleting is really meant: one button. Changes nothing."""
    return render(request, "article_sure", article=service.get(asked.slug))


@routes.post(
    f"{_PATH}/{{slug}}/delete",
    params=ByName,
    html=True,
    status=SEE_OTHER,
    errors=(Conflict,),
    role="supervisor",
)
def confirm_article_deletion(request: Request, asked: ByName) -> Reply:
    """Delete an article's counts for good. A repeat changes nothing more."""
    service.delete(asked.slug, request.person.id, request.now)
    return redirect(f"{_PATH}?done=deleted")


def _page(
    request: Request,
    shown: Shown,
    refused: ContactError | None = None,
    typed: Body | None = None,
    done: str = "",
) -> Reply:
    return render(
        request,
        "article",
        refused=refused,
        shown=shown,
        spans={days: _query(*_last(days, request)) for days in SPANS},
        typed=typed,
        instant=instants.parse,
        done=done,
        chart_css=style("vendor/uplot/uPlot.min"),
        script=script("figures", "uplot/uPlot.iife.min"),
    )


def _table(request: Request, asked: Part) -> Reply:
    found = service.overview(asked.first, asked.to, request.now, details=False)
    link = f"{current().base_url}{_PATH}.csv?{_query(found.first, found.last)}"
    return api.table(found, asked, link)


def _query(first: date, last: date) -> str:
    return f"from={first}&to={last}"


def _last(days: int, request: Request) -> tuple[date, date]:
    today = instants.day(request.now, current().time_zone)
    return today - timedelta(days=days - 1), today
