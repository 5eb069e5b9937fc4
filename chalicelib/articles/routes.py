"""The articles' entrances: the beacon, the count, the most-read lists."""

from html import escape
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from chalicelib import company, texts
from chalicelib.articles import names, service
from chalicelib.formats import Formats
from chalicelib.http import NO_CONTENT, PUBLIC_READ, Body, Reply, Request, Routes, no_content
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__, tag="articles")
BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
    ' aria-label="{text}"><rect width="100%" height="100%" rx="4" fill="{colour}"/>'
    '<text x="{middle}" y="14" fill="#fff" text-anchor="middle" font-family="Verdana,sans-serif"'
    ' font-size="11">{text}</text></svg>'
)


def by_commas(value: Any) -> Any:
    """Divide a text at its commas."""
    return value.split(",") if isinstance(value, str) else value


Slugs = Annotated[
    tuple[of.Slug, ...], Field(min_length=1, max_length=100), BeforeValidator(by_commas)
]


class Article(Body):
    """An article, by its slug."""

    slug: of.Slug


class View(of.Beacon, title="ArticleView"):
    """What a page says about its article. It is read and not kept: lists have the feed's words."""

    title: of.Title = ""
    page: of.PageOrNothing = ""


class ViewByName(View, title="NamedArticleView"):
    """A view of an article by whatever name the site has for it."""

    article: Annotated[
        str,
        Field(
            max_length=500,
            description="a slug, a path, an address or any words; what is counted is the name that "
            "the path and the rest of the query come to",
            examples=["/ratgeber/gold-kaufen/?utm_source=mail"],
        ),
    ]


class Views(BaseModel, title="ArticleViews"):
    """How often an article was read."""

    slug: str
    views: int


class Several(Body):
    """Articles by their slugs, separated by commas."""

    slugs: Slugs


class ManyViews(BaseModel, title="ViewsByArticle"):
    """How often each article was read, by slug."""

    views: dict[str, int]


class Span(Article):
    """An article, and the first and last day of a span."""

    model_config = ConfigDict(populate_by_name=False)
    first: Annotated[of.Day | None, Field(alias="from")] = None
    to: of.Day | None = None


class Day(BaseModel, title="DayOfViews"):
    """How often an article was read on a day."""

    day: str
    views: int


class Series(BaseModel, title="DailyViews"):
    """One entry for every day of the span, in order; days in the company's time zone."""

    slug: str
    days: list[Day]


class Popular(Body):
    """Which list of most-read articles, and how many of them."""

    window: Literal["24h", "7d", "30d", "all"] = "24h"
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    section: Annotated[
        of.Line,
        Field(max_length=60, description="a section of the site, as its feed names it"),
    ] = ""


class Ranked(BaseModel, title="RankedArticle"):
    """One article of a list, as the site's feed names it.

    Where only the staff know it, `page` is empty, and `title` is theirs or the slug.
    """

    slug: str
    title: str
    views: int
    page: str


class Ranking(BaseModel):
    """The most-read articles of a window, most views first."""

    window: str
    as_of: AwareDatetime
    articles: list[Ranked]


@routes.post("/articles/{slug}/views", params=Article, takes=View, status=NO_CONTENT)
def count_article_view(request: Request, article: Article, view: View) -> Reply:
    """Note that somebody reads an article; 204 whether the view is new, a repeat or filtered."""
    return _note(request, names.name(article.slug))


@routes.post("/views", takes=ViewByName, status=NO_CONTENT)
def count_view(request: Request, view: ViewByName) -> Reply:
    """Note that somebody reads an article, by any name; 204, also where the name is none.

    A template that was not filled in, such as `{{slug}}` or `undefined`, counts nothing.
    """
    return _note(request, names.name(view.article))


def _note(request: Request, article: names.Name) -> Reply:
    service.note_view(article, request.sender, request.headers, request.now)
    return no_content()


@routes.get("/articles/{slug}/views", params=Article, gives=Views)
def get_article_views(request: Request, article: Article) -> Reply:
    """Show how often an article was read; 0 for one that nobody has read."""
    views = Views(slug=article.slug, views=service.total(article.slug))
    return Reply(views, headers=PUBLIC_READ)


@routes.get("/articles/views", params=Several, gives=ManyViews)
def list_article_views(request: Request, asked: Several) -> Reply:
    """Show how often each of up to 100 articles was read."""
    return Reply(ManyViews(views=service.totals(asked.slugs)), headers=PUBLIC_READ)


@routes.get("/articles/{slug}/views/daily", params=Span, gives=Series)
def get_daily_article_views(request: Request, asked: Span) -> Reply:
    """Show the views of each day of a span, without gaps; by default the last 30 days."""
    days = service.daily(asked.slug, asked.first, asked.to, request.now)
    listed = [Day(day=day.isoformat(), views=views) for day, views in days]
    return Reply(Series(slug=asked.slug, days=listed), headers=PUBLIC_READ)


@routes.get("/articles/{slug}/badge.svg", params=Article, media="image/svg+xml")
def get_article_badge(request: Request, article: Article) -> Reply:
    """Draw the count as a picture, for places that take no script."""
    total, words = service.total(article.slug), texts.of(request.language)
    views = Formats(request.language, current().time_zone).number(total)
    said = words.ngettext("read %(views)s time", "read %(views)s times", total)
    text = said % {"views": views}
    headers = {
        **PUBLIC_READ,
        "Vary": "Accept-Language",
        "Content-Type": "image/svg+xml",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    width, colour = 16 + 7 * len(text), company.current().accent
    badge = BADGE.format(width=width, middle=width / 2, text=escape(text), colour=colour)
    return Reply(badge, headers=headers)


@routes.get("/articles/popular", params=Popular, gives=Ranking)
def list_popular_articles(request: Request, asked: Popular) -> Reply:
    """List the most-read articles of a window."""
    return ranking(asked, service.popular(asked.window, request.now, asked.section))


def ranking(asked: Popular, found: service.List) -> Reply:
    """Answer with as many articles of a list as are asked for."""
    as_of, listed = found
    local = as_of.astimezone(ZoneInfo(current().time_zone))
    ranked = Ranking(window=asked.window, as_of=local, articles=listed[: asked.limit])
    return Reply(ranked, headers=PUBLIC_READ)
