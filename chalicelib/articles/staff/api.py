"""The staff's calls about articles for programs: figures, decisions, views no person made."""

import io
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from chalicelib.articles import service
from chalicelib.articles.staff import service as staff
from chalicelib.articles.staff.service import Overview
from chalicelib.cells import Table
from chalicelib.errors import Conflict
from chalicelib.http import NO_CONTENT, Body, Reply, Request, Routes, no_content
from chalicelib.http import fields as of

routes = Routes(__name__, tag="staff-articles")
OF_A_PAGE, OF_A_FILE = 100, 10_000
_COLUMNS = ("article", "title", "address", "section", "views", "views_before")


class Period(Body):
    """A period by its first and last day; by default the last 30 days."""

    model_config = ConfigDict(populate_by_name=False)
    first: Annotated[of.Day | None, Field(alias="from")] = None
    to: of.Day | None = None


class ByName(Period):
    """An article by the name it is counted under, and a period."""

    slug: of.Slug


class Part(Period):
    """A period, and where a part of its articles begins: the cursor of the part before."""

    cursor: Annotated[str, StringConstraints(pattern=r"^\d{0,6}$")] = ""

    @property
    def at(self) -> int:
        """The number of articles before this part."""
        return int(self.cursor or 0)


class Decide(Body, title="ArticleDecision"):
    """What is decided about an article; what is left out stays as it is."""

    accept: bool | None = Field(None, description="whether lists show it, though no feed has it")
    title: Annotated[of.Line, StringConstraints(max_length=200)] | None = Field(
        None, description="in place of the feed's; empty: the feed's again"
    )
    hidden: bool | None = Field(None, description="whether lists leave it out")
    merge_into: of.Slug | None = Field(None, description="the article that its views count for")
    unmerge: bool = Field(False, description="its views count for itself again")


class ArticleRow(BaseModel, title="StaffArticle"):
    """An article as the staff see it; `before` are the views of the period before."""

    slug: str
    title: str
    page: str
    section: str
    views: int
    before: int
    change: float | None
    known: bool = Field(description="whether the site's feed has it, or had it")
    accepted: bool
    hidden: bool
    merged_into: str


class Listing(BaseModel, title="StaffArticles"):
    """The articles of a period, most read first; `cursor` leads to the next part, if any."""

    first: date
    last: date
    articles: list[ArticleRow]
    cursor: str | None


class DayOfArticle(BaseModel, title="DayOfArticle"):
    """An article's views on a day."""

    day: date
    views: int


class OneArticle(ArticleRow, title="StaffArticleInDetail"):
    """An article with its views by day and by hour of the day; `aliases` are merged into it."""

    total: int
    days: list[DayOfArticle]
    hours: list[int] = Field(description="of all these days together, from 0 to 23 o'clock")
    aliases: list[str]


def row(article: staff.Article) -> ArticleRow:
    """Return an article as the contract has it."""
    decided = article.decided
    return ArticleRow(
        slug=article.name,
        title=article.title,
        page=article.page,
        section=article.section,
        views=article.views,
        before=article.before,
        change=article.views / article.before - 1 if article.before else None,
        known=article.known,
        accepted=decided.accepted,
        hidden=decided.hidden,
        merged_into=decided.merged_into,
    )


def one(shown: staff.Shown) -> OneArticle:
    """Return an article in detail as the contract has it."""
    days = [DayOfArticle(day=day, views=views) for day, views in shown.by_day.items()]
    return OneArticle(
        **row(shown.article).model_dump(),
        total=shown.total,
        days=days,
        hours=list(shown.by_hour.values()),
        aliases=shown.aliases,
    )


def listing(found: Overview, part: Part) -> Listing:
    """Return a part of a period's articles."""
    rows = [row(each) for each in found.articles[part.at : part.at + OF_A_PAGE]]
    return Listing(
        first=found.first, last=found.last, articles=rows, cursor=after(found, part, OF_A_PAGE)
    )


def after(found: Overview, part: Part, most: int) -> str | None:
    """Return the cursor of the next part, or None."""
    return str(part.at + most) if len(found.articles) > part.at + most else None


def table(found: Overview, part: Part, link: str) -> Reply:
    """Return a part of a period's articles as CSV, no cell of which can be taken for a formula.

    `link` is the address of the next part, without its cursor.
    """
    text = io.StringIO(newline="")
    made = Table(text, _COLUMNS)
    for each in found.articles[part.at : part.at + OF_A_FILE]:
        figures = (str(each.views), str(each.before))
        made.add((each.name, each.title, each.page, each.section, *figures))
    name = f"articles-{found.first}-{found.last}.csv"
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if cursor := after(found, part, OF_A_FILE):
        headers["Link"] = f'<{link}&cursor={cursor}>; rel="next"'
    return Reply(text.getvalue(), headers=headers)


@routes.delete(
    "/staff/articles/{slug}",
    params=ByName,
    status=NO_CONTENT,
    errors=(Conflict,),
    role="supervisor",
)
def delete_article(request: Request, asked: ByName) -> Reply:
    """Delete an article's counts for good. A repeat answers the same."""
    staff.delete(asked.slug, request.person.id, request.now)
    return no_content()


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


@routes.get(
    "/staff/views/filtered", params=Week, gives=Filtered, role="supervisor", tag="staff-figures"
)
def list_filtered_views(request: Request, asked: Week) -> Filtered:
    """List how many views were not counted in the last days, and why. One read a day."""
    days = service.filtered(asked.days, request.now).items()
    return Filtered(days=[FilteredDay(day=day, views=views) for day, views in days])
