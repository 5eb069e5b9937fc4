"""The articles' entrances: the beacon, the count, the most-read lists."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from chalicelib import instants
from chalicelib.articles import filters, model, store
from chalicelib.errors import FieldError, Invalid
from chalicelib.http import PUBLIC_READ, Body, Call, Reply, Routes
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__)
LONGEST_SPAN = 366  # days
LONGEST_PAGE = 300  # characters of an address; a longer one is not kept
BADGE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{text}">'
    '<rect width="100%" height="100%" rx="4" fill="{colour}"/>'
    '<text x="{middle}" y="14" fill="#fff" text-anchor="middle" font-family="Verdana,sans-serif" font-size="11">{text}'
    "</text></svg>"
)


def _by_commas(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


class Article(Body):
    slug: of.Slug


class View(Body):
    """What a page may say about its article; believed from the configured origins only."""

    title: Annotated[of.Line, Field(max_length=200)] = ""
    page: of.Page = ""


class Views(BaseModel):
    slug: str
    views: int


class Several(Body):
    slugs: Annotated[
        tuple[of.Slug, ...], BeforeValidator(_by_commas), Field(min_length=1, max_length=100)
    ]


class ManyViews(BaseModel):
    views: dict[str, int]


class Span(Article):
    model_config = ConfigDict(populate_by_name=False)
    first: Annotated[date | None, Field(alias="from")] = None
    to: date | None = None


class Day(BaseModel):
    day: str
    views: int


class Series(BaseModel):
    """One entry for every day of the span, in order; days in the company's time zone."""

    slug: str
    days: list[Day]


class Popular(Body):
    window: Literal["24h", "7d", "30d", "all"] = "24h"
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class Ranked(BaseModel):
    """`title` is the slug where no page has told one, `page` is then empty."""

    slug: str
    title: str
    views: int
    page: str


class Ranking(BaseModel):
    """The most-read articles of a window, most views first."""

    window: str
    as_of: AwareDatetime
    articles: list[Ranked]


@routes.post("/articles/{slug}/views", params=Article, takes=View, status=204)
def view(call: Call, article: Article, said: View) -> Reply:
    """Somebody reads an article. Answers 204 whether it is counted, repeated or filtered."""
    local = call.now.astimezone(ZoneInfo(current().time_zone))
    day = local.date().isoformat()
    kind = filters.classify(call.headers)
    if kind:
        store.tally(kind, day)
        return Reply(status=204)
    salt = store.salt(day, call.now)
    ours = call.origin in current().site_origins
    page = (
        said.page
        if said.page.startswith(f"{call.origin}/") and len(said.page) <= LONGEST_PAGE
        else ""
    )
    store.mark(
        model.Marker(
            slug=article.slug,
            day=day,
            visitor=model.visitor(salt, article.slug, call.caller, call.agent),
            hour=local.hour,
            title=said.title if ours else "",
            page=page if ours else "",
        ),
        call.now,
    )
    return Reply(status=204)


@routes.get("/articles/{slug}/views", params=Article, gives=Views)
def views(call: Call, article: Article) -> Reply:
    """How often an article was read; 0 for one nobody has."""
    return Reply(Views(slug=article.slug, views=store.total(article.slug)), headers=PUBLIC_READ)


@routes.get("/articles/views", params=Several, gives=ManyViews)
def many(call: Call, asked: Several) -> Reply:
    """How often each of up to 100 articles was read."""
    return Reply(ManyViews(views=store.totals(asked.slugs)), headers=PUBLIC_READ)


@routes.get("/articles/{slug}/views/daily", params=Span, gives=Series)
def daily(call: Call, asked: Span) -> Reply:
    """The views of each day of a span, without gaps; the last 30 days unless told."""
    last = asked.to or instants.day(call.now, current().time_zone)
    first = asked.first or last - timedelta(days=29)
    length = (last - first).days + 1
    if not 1 <= length <= LONGEST_SPAN:
        raise Invalid(FieldError("from", "range"))
    views = store.daily(asked.slug, first.isoformat(), last.isoformat())
    days = [(first + timedelta(days=ago)).isoformat() for ago in range(length)]
    series = Series(slug=asked.slug, days=[Day(day=day, views=views.get(day, 0)) for day in days])
    return Reply(series, headers=PUBLIC_READ)


@routes.get("/articles/{slug}/badge.svg", params=Article)
def badge(call: Call, article: Article) -> Reply:
    """The count as a picture, for places that take no script."""
    views = f"{store.total(article.slug):,}".replace(",", "." if call.language == "de" else ",")
    text = f"{views} mal gelesen" if call.language == "de" else f"read {views} times"
    headers = {
        **PUBLIC_READ,
        "Content-Type": "image/svg+xml",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Reply(
        BADGE.format(
            width=16 + 7 * len(text),
            middle=8 + 3.5 * len(text),
            text=text,
            colour=current().accent,
        ),
        headers=headers,
    )


@routes.get("/articles/popular", params=Popular, gives=Ranking)
def popular(call: Call, asked: Popular) -> Reply:
    """The most-read articles of a window."""
    found = store.load_list(asked.window) or {"as_of": instants.text(call.now), "articles": []}
    as_of = datetime.fromisoformat(found["as_of"]).astimezone(ZoneInfo(current().time_zone))
    return Reply(
        Ranking(window=asked.window, as_of=as_of, articles=found["articles"][: asked.limit]),
        headers=PUBLIC_READ,
    )
