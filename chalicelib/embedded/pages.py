"""Ready forms: a page of ours each, and the form alone, for the snippet to put into a page."""

from collections.abc import Mapping
from typing import Any, Literal
from zoneinfo import ZoneInfo

from chalicelib import templates
from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks import service as callbacks
from chalicelib.formats import Formats
from chalicelib.http import PUBLIC_READ, Body, Page, Reply, Request, Routes
from chalicelib.http import fields as of
from chalicelib.newsletter import service as newsletter
from chalicelib.settings import current

routes = Routes(__name__, tag="service")
DAYS = 5  # on which a callback can be wished for


class Asked(Body):
    """The language of a form, and whether it is wanted alone."""

    language: of.Language | None = None
    part: Literal["1"] | None = None


@routes.get("/forms/newsletter", params=Asked, html=True)
def show_ready_newsletter_form(request: Request, asked: Asked) -> Page | Reply:
    """Show the newsletter's form as a page; with `part` the form alone, for a page of others."""
    language = asked.language or request.language
    declaration = newsletter.wordings.current(language)
    return _form(request, "newsletter", asked, {"declaration": declaration})


@routes.get("/forms/callback", params=Asked, html=True)
def show_ready_callback_form(request: Request, asked: Asked) -> Page | Reply:
    """Show the callback's form as a page; with `part` the form alone, for a page of others."""
    language, zone = asked.language or request.language, ZoneInfo(current().time_zone)
    formats = Formats(language, current().time_zone)
    slots = [
        ("/".join(at.astimezone(zone).isoformat() for at in slot), formats.slot(*slot))
        for slot in callbacks.slots(request.now, DAYS)
    ]
    declaration = callbacks.wordings.current(language)
    return _form(request, "callback", asked, {"declaration": declaration, "slots": slots})


def _form(request: Request, form: str, asked: Asked, shown: Mapping[str, Any]) -> Page | Reply:
    settings = current()
    values = {**shown, "form": form}
    if asked.part:
        language = asked.language or request.language
        text = templates.render(f"form/{form}.html", settings, language, **values)
        # The snippet takes the style from here, as a page's policy may forbid one of its own.
        text += f"<template>{templates.style('form')}</template>\n"
        kept = PUBLIC_READ if asked.language else {"Cache-Control": "no-store"}
        return Reply(text, headers={"Content-Type": "text/html; charset=utf-8", **kept})
    request.language = asked.language or request.language
    values["required"] = bool(settings.altcha_required)
    values["hotline"] = phone_numbers.display(settings.hotline_number)
    return Page("form", values, scripts=True)
