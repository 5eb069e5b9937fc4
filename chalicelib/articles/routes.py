"""The articles' entrances: the beacon, the count, the most-read lists."""

from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, Field

from chalicelib import instants
from chalicelib.articles import model, store
from chalicelib.http import PUBLIC_READ, Body, Call, Reply, Routes
from chalicelib.http import fields as of
from chalicelib.settings import current

routes = Routes(__name__)


class Article(Body):
    slug: of.Slug


class View(Body):
    """What a page may say about its article; believed from the configured origins only."""

    title: Annotated[of.Line, Field(max_length=200)] = ""
    page: of.Page = ""


class Views(BaseModel):
    slug: str
    views: int


class Popular(Body):
    window: Literal["24h", "7d", "30d", "all"] = "24h"
    limit: Annotated[int, Field(ge=1, le=50)] = 10


class Ranked(BaseModel):
    slug: str
    title: str
    views: int


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
    salt = store.salt(day, call.now)
    known = call.origin in current().site_origins
    store.mark(
        model.Marker(
            slug=article.slug,
            day=day,
            visitor=model.visitor(salt, article.slug, call.caller, call.agent),
            hour=local.hour,
            title=said.title if known else "",
            page=said.page if known else "",
        ),
        call.now,
    )
    return Reply(status=204)


@routes.get("/articles/{slug}/views", params=Article, gives=Views)
def views(call: Call, article: Article) -> Reply:
    """How often an article was read; 0 for one nobody has."""
    return Reply(Views(slug=article.slug, views=store.total(article.slug)), headers=PUBLIC_READ)


@routes.get("/articles/popular", params=Popular, gives=Ranking)
def popular(call: Call, asked: Popular) -> Reply:
    """The most-read articles of a window."""
    found = store.load_list(asked.window) or {"as_of": instants.text(call.now), "articles": []}
    as_of = datetime.fromisoformat(found["as_of"]).astimezone(ZoneInfo(current().time_zone))
    return Reply(
        Ranking(window=asked.window, as_of=as_of, articles=found["articles"][: asked.limit]), headers=PUBLIC_READ
    )
