"""The one read of a page: every part of it is what the part's own call answers."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from chalicelib import log
from chalicelib.articles import names
from chalicelib.articles import routes as articles
from chalicelib.articles import service as article_service
from chalicelib.callbacks import routes as callbacks
from chalicelib.errors import Unavailable
from chalicelib.http import PUBLIC_READ, Body, Reply, Request, Routes
from chalicelib.http import fields as of
from chalicelib.newsletter import routes as newsletter

routes = Routes(__name__, tag="service")
_LISTED = r"(24h|7d|30d|all)(?::([1-9]|[1-4][0-9]|50)(?::(.{1,60}))?)?"


def _named(written: str) -> str:
    """Return the slug that a name comes to."""
    if not (slug := names.name(written).slug):
        raise of.refusal("slug")
    return slug


def _listed(written: Any) -> Any:
    """Read a list, its length and its section, such as `24h:5:Markt`."""
    if not isinstance(written, str):
        raise of.refusal("type")
    if not (found := re.fullmatch(_LISTED, written)):
        raise of.refusal("choice")
    limit = {"limit": int(found[2])} if found[2] else {}
    return {"window": found[1], "section": found[3] or "", **limit}


def _shown(about: str) -> Any:
    return Field(None, description=about, exclude_if=lambda value: value is None)


class Parts(Body):
    """What a page shows; a part that is left out is not answered."""

    article: Annotated[
        str | None,
        Field(max_length=500, description="the views of one article, by any name of it"),
        AfterValidator(lambda written: written and _named(written)),
    ] = None
    slugs: Annotated[articles.Slugs | None, Field(description="the views of many articles")] = None
    popular: Annotated[
        articles.Popular | None,
        BeforeValidator(_listed),
        WithJsonSchema(
            {"type": "string", "pattern": f"^{_LISTED}$", "examples": ["24h:5", "7d:5:Markt"]}
        ),
        Field(description="a most-read list, its length, and a section of the site, by colons"),
    ] = None
    hotline: Annotated[Literal["1"] | None, Field(description="the number and its hours")] = None
    slots: Annotated[
        int | None, Field(ge=1, le=30, description="of how many days the bookable windows")
    ] = None
    consent: Annotated[
        tuple[Literal["newsletter", "callbacks"], ...] | None,
        BeforeValidator(articles.by_commas),
        Field(description="the declarations of these forms"),
    ] = None
    language: of.Language = of.default_language()


class Declarations(BaseModel, title="ConsentDeclarations"):
    """The declarations of the forms on a page."""

    newsletter: of.Declaration | None = _shown("of the newsletter's form")
    callbacks: of.Declaration | None = _shown("of the callback's form")


class Shown(BaseModel, title="PageParts"):
    """The parts that were asked for, each as its own call answers it."""

    article: articles.Views | None = _shown("as of `/articles/{slug}/views`")
    slugs: articles.ManyViews | None = _shown("as of `/articles/views`")
    popular: articles.Ranking | None = _shown("as of `/articles/popular`")
    hotline: callbacks.Hotline | None = _shown("as of `/hotline`")
    slots: callbacks.Slots | None = _shown("as of `/callbacks/slots`")
    consent: Declarations | None = _shown("as of `/newsletter/consent` and `/callbacks/consent`")


@routes.get("/page", params=Parts, gives=Shown)
def get_page(request: Request, asked: Parts) -> Reply:
    """Show everything that one page of the website shows, by one batch of reads.

    Where the views cannot be read for a moment, the parts about articles are left out.
    """
    try:
        parts, kept = _of_articles(request, asked), ""
    except Unavailable as error:
        if not (asked.hotline or asked.slots or asked.consent):
            raise
        log.warning("page.without_views", reason=str(error))
        parts, kept = {}, "no-store"
    if asked.hotline:
        parts["hotline"] = callbacks.get_hotline(request)
    if asked.slots:
        parts["slots"] = callbacks.list_callback_slots(request, callbacks.Days(days=asked.slots))
    language = of.InLanguage(language=asked.language)
    declared = {
        form: _DECLARATIONS[form](request, language) for form in dict.fromkeys(asked.consent or ())
    }
    shown: dict[str, Any] = {name: reply.body for name, reply in parts.items()}
    if declared:
        shown["consent"] = Declarations(**{form: each.body for form, each in declared.items()})
    headers = {"Cache-Control": kept or _shortest([*parts.values(), *declared.values()])}
    return Reply(Shown(**shown), headers=headers)


_DECLARATIONS = {
    "newsletter": newsletter.get_newsletter_consent,
    "callbacks": callbacks.get_callback_consent,
}


def _of_articles(request: Request, asked: Parts) -> dict[str, Reply]:
    slugs, parts = asked.slugs or (), {}
    one = (asked.article,) if asked.article else ()
    listed = (asked.popular.window, asked.popular.section) if asked.popular else None
    views, ranked = article_service.of_a_page((*one, *slugs), listed, request.now)
    if asked.article:
        body = articles.Views(slug=asked.article, views=views[asked.article])
        parts["article"] = Reply(body, headers=PUBLIC_READ)
    if slugs:
        many = articles.ManyViews(views={slug: views[slug] for slug in slugs})
        parts["slugs"] = Reply(many, headers=PUBLIC_READ)
    if asked.popular:
        parts["popular"] = articles.ranking(asked.popular, ranked)
    return parts


def _shortest(parts: list[Reply]) -> str:
    """Return how long an answer may be kept: as long as each of its parts may."""
    ages = [re.findall(r"max-age=(\d+)", each.headers["Cache-Control"]) for each in parts]
    return f"public, max-age={min((int(age) for each in ages for age in each), default=30)}"
