"""The page of an address's owner. Its GET shows a button alone; its POST does what is pressed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from chalicelib import company, instants
from chalicelib.errors import Conflict, FieldError, Invalid, LimitReached, NotFound
from chalicelib.formats import Formats
from chalicelib.http import Body, Page, Reply, Request, Routes
from chalicelib.http import fields as of
from chalicelib.me import service
from chalicelib.me.service import Link, Stored
from chalicelib.newsletter import words
from chalicelib.settings import current

routes = Routes(__name__, tag="me")

Action = Literal[
    "show",
    "download",
    "preferences",
    "change_email",
    "unsubscribe",
    "undo",
    "cancel",
    "review_erasure",
    "erase",
]
Topics = Annotated[tuple[of.NewsletterTopic, ...], Field(max_length=100), of.ListOf]


class Token(Body, title="OwnDataLink"):
    """The token of the link to one's data."""

    token: of.LinkToken = ""


class Pressed(Token, title="OwnDataPress"):
    """What the owner of the address wants.

    `preferences` takes `topics` and `language`, `change_email` an `email`, `cancel` a `reference`.
    `review_erasure` says what `erase` would erase.
    """

    action: Action
    topics: Topics | None = None
    language: of.Language | None = None
    email: of.OptionalEmail = None
    reference: of.Line = ""


class OwnCallback(BaseModel, title="OwnCallback"):
    """A callback that was asked for with the address."""

    reference: str
    state: str
    begins: AwareDatetime
    ends: AwareDatetime
    digits: str = Field(description="the last ones of the number")


class OwnData(BaseModel, title="OwnData"):
    """What has happened; `show` and `download` have all that is stored, too."""

    status: Literal[
        "shown",
        "saved",
        "sent",
        "unsubscribed",
        "confirmed",
        "cancelled",
        "erased",
    ]
    email: str | None = Field(default=None, exclude_if=lambda value: value is None)
    state: str | None = Field(default=None, exclude_if=lambda value: value is None)
    newsletter: dict[str, Any] | None = Field(
        default=None,
        description="the record, what happened, the declarations and the mails",
        exclude_if=lambda value: value is None,
    )
    callbacks: list[OwnCallback] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )


@routes.get("/me", params=Token, html=True)
def show_own_data_link(request: Request, link: Token) -> Page:
    """Show the page behind the mailed link: one button, and nothing personal. Changes nothing."""
    service.read(link.token, request.now)
    return Page("me_open", {"token": link.token})


@routes.post(
    "/me",
    params=Token,
    takes=Pressed,
    gives=OwnData,
    html=True,
    errors=(NotFound, Conflict, LimitReached),
)
def change_own_data(request: Request, given: Token, pressed: Pressed) -> Page | Reply:
    """Show all that is stored of the address, change it, or erase it.

    Answers 409 where there is no subscription to change, or nothing to undo.
    """
    token = pressed.token or given.token
    link = service.read(token, request.now)
    sender, now = request.sender, request.now
    match pressed.action:
        case "show":
            found = service.look(link, request.language, now)
            return Page("me", _values(found, token, request), _data(found))
        case "download":
            return _download(service.look(link, request.language, now))
        case "preferences":
            return _prefer(request, link, token, pressed)
        case "change_email":
            if pressed.email is None:
                raise Invalid(FieldError("email", "required"))
            service.move(link, pressed.email, sender, now)
            return _after("sent", link, token, request)
        case "unsubscribe":
            service.leave(link, sender, now)
            return _after("unsubscribed", link, token, request)
        case "undo":
            service.undo(link, sender, now)
            return _after("confirmed", link, token, request)
        case "cancel":
            service.cancel(link, pressed.reference, now)
            return _after("cancelled", link, token, request)
        case "review_erasure":
            found = service.look(link, request.language, now)
            return Page("me_erase", _values(found, token, request), _data(found))
    service.erase(link, now)
    return Page("erased", body=OwnData(status="erased"))


@routes.post("/newsletter/erase", tag="newsletter", takes=Token, gives=OwnData, html=True)
def erase_own_data(request: Request, pressed: Token) -> Page:
    """Erase this person's data (GDPR Art. 17).

    An HMAC stays that keeps the address from being imported.
    """
    service.erase(service.read(pressed.token, request.now), request.now)
    return Page("erased", body=OwnData(status="erased"))


def _prefer(request: Request, link: Link, token: str, pressed: Pressed) -> Page:
    """Save topics and language; no topic ticked is an unsubscription."""
    if pressed.topics is None and not request.form:
        raise Invalid(FieldError("topics", "required"))
    language = pressed.language or request.language
    saved = service.prefer(link, pressed.topics or (), language, request.sender, request.now)
    return _after("unsubscribed" if saved.left else "saved", link, token, request)


def _after(status: Any, link: Link, token: str, request: Request) -> Page:
    """Answer what has happened, above the page as it is then."""
    body = OwnData(status=status)
    if not request.wants_html:
        return Page("me", body=body)
    found = service.stored(link, request.language, request.now)
    return Page("me", {**_values(found, token, request), "changed": status}, body)


def _data(found: Stored) -> OwnData:
    callbacks = [
        OwnCallback(
            reference=each.reference,
            state=each.state,
            begins=each.expected[0],
            ends=each.expected[1],
            digits=each.digits,
        )
        for each in found.callbacks
    ]
    return OwnData(
        status="shown",
        email=found.email or None,
        state=found.state,
        newsletter=dict(found.newsletter) if found.newsletter else None,
        callbacks=callbacks,
    )


def _download(found: Stored) -> Reply:
    text = json.dumps(_data(found).model_dump(mode="json"), ensure_ascii=False, indent=2)
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="my-data.json"',
    }
    return Reply(text, headers=headers)


def _values(found: Stored, token: str, request: Request) -> Mapping[str, Any]:
    """Return what the page shows."""
    formats = Formats(request.language, current().time_zone)
    subscriber = found.subscriber
    return {
        "token": token,
        "changed": "",
        "email": found.email,
        "state": found.state,
        "undo": found.may_undo,
        "topics": subscriber.topics if subscriber else (),
        "wished": subscriber.wished if subscriber else (),
        "chosen": company.current().spoken(subscriber.language) if subscriber else "",
        "newsletter": found.newsletter,
        "callbacks": [
            {**asdict(each), "window": formats.slot(*each.expected)} for each in found.callbacks
        ],
        "words": words,
        "instant": instants.parse,
    }
