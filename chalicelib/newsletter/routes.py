"""The newsletter's entrances: the declaration, the signup, and the links in our mails.

A link's GET shows a page and writes nothing, however often a scanner calls it; its POST acts, and
a repeat is answered alike.
"""

import json
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chalicelib import addresses, company
from chalicelib.consent import Wording
from chalicelib.errors import BadToken, LimitReached, NotFound
from chalicelib.http import ACCEPTED, PUBLIC_READ, Body, Page, Reply, Request, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.newsletter import links, service
from chalicelib.newsletter.links import CONFIRM, DATA, UNSUBSCRIBE
from chalicelib.newsletter.service import Wanted, wordings

routes = Routes(__name__, tag="newsletter")

Topics = Annotated[tuple[of.NewsletterTopic, ...], Field(min_length=1, max_length=100), of.ListOf]


class ByVersion(Body):
    """A declaration, by its version."""

    version: of.Version


class Signup(Body, title="NewsletterSignup"):
    """A visitor asks for the newsletter; `consent` is the version of the declaration shown."""

    email: of.Email
    consent: of.Version
    topics: Topics | None = Field(None, description="by default all that the declaration covers")
    language: of.Language = of.default_language()
    page: of.PageUrl = ""
    altcha: of.Line | None = None
    website: of.Honeypot = ""
    next: of.PageUrl | None = None


class Pending(BaseModel, title="SignupReceipt"):
    """The same answer whatever is known of the address."""

    status: Literal["pending"] = "pending"
    suggestion: str | None = Field(
        None,
        description="the address that was probably meant, where the domain looks mistyped; the "
        "signup was taken in as it was typed",
        examples=["eva@gmail.com"],
        exclude_if=lambda value: value is None,
    )


class Token(Body, title="LinkToken"):
    """The token of a mailed link."""

    token: str = ""  # a missing one is a bad one, answered alike


class Done(BaseModel, title="SubscriptionResult"):
    """What has become of the subscription."""

    status: Literal["confirmed", "refused", "unsubscribed", "saved", "sent", "erased"]


class Preferences(Token, title="NewsletterPreferences"):
    """The topics and the language that a subscriber chooses."""

    topics: Topics
    language: of.Language


class Access(Body, title="DataAccessRequest"):
    """Whose data: by the token of a mail's link, or by the address. A fresh link is sent there."""

    token: str = ""
    email: of.OptionalEmail = None


@routes.get("/newsletter/consent", params=of.InLanguage, gives=of.Declaration)
def get_newsletter_consent(request: Request, asked: of.InLanguage) -> Reply:
    """Show the declaration a signup form must show now."""
    return _declaration(wordings.current(asked.language))


@routes.get(
    "/newsletter/consent/{version}", params=ByVersion, gives=of.Declaration, errors=(NotFound,)
)
def get_newsletter_consent_by_version(request: Request, asked: ByVersion) -> Reply:
    """Show a declaration by its version, for every version ever used."""
    return _declaration(wordings.get(asked.version))


@routes.post(
    "/newsletter/signups", takes=Signup, gives=Pending, status=ACCEPTED, errors=(LimitReached,)
)
def sign_up_for_newsletter(request: Request, signup: Signup) -> Thanks:
    """Ask for the newsletter: the address gets a mail with a link to confirm."""
    wanted = Wanted(
        signup.email,
        signup.consent,
        signup.topics or (),
        signup.language,
        signup.page,
        signup.altcha,
    )
    service.sign_up(wanted, request.sender, request.now)
    suggestion = addresses.suggestion(signup.email)
    return Thanks(
        Pending(suggestion=suggestion), "pending", signup.next, {"suggestion": suggestion}
    )


@routes.get("/newsletter/confirm", params=Token, html=True)
def show_subscription_confirmation(request: Request, link: Token) -> Page:
    """Show the page behind the mailed link: one button.

    Changes nothing, however often it is called.
    """
    service.check_link(CONFIRM, link.token, request.now)
    return Page("confirm", {"token": link.token})


@routes.post("/newsletter/confirm", takes=Token, gives=Done, html=True)
def confirm_subscription(request: Request, pressed: Token) -> Page:
    """Confirm the subscription. A repeat answers the same."""
    service.confirm(pressed.token, request.sender, request.now)
    return Page("confirmed", body=Done(status="confirmed"))


@routes.get("/newsletter/refuse", params=Token, html=True)
def show_subscription_refusal(request: Request, link: Token) -> Page:
    """Show the page for "that was not me": one button. Changes nothing."""
    service.check_link(CONFIRM, link.token, request.now)
    return Page("refuse", {"token": link.token})


@routes.post("/newsletter/refuse", takes=Token, gives=Done, html=True)
def refuse_subscription(request: Request, pressed: Token) -> Page:
    """Take "that was not me": the address gets no confirmation mail for 12 months."""
    service.refuse(pressed.token, request.now)
    return Page("refused", body=Done(status="refused"))


@routes.get("/newsletter/unsubscribe", params=Token, html=True)
def show_unsubscription(request: Request, link: Token) -> Page:
    """Show the page behind a mail's unsubscribe link: one button. Changes nothing."""
    service.check_link(UNSUBSCRIBE, link.token, request.now)
    return Page("unsubscribe", {"token": link.token})


@routes.post("/newsletter/unsubscribe", params=Token, gives=Done, html=True)
def unsubscribe(request: Request, link: Token) -> Page:
    """Unsubscribe with one click (RFC 8058), without a login; the body may be of any type.

    The link never expires.
    """
    service.unsubscribe(link.token, request.sender, request.now)
    return Page("unsubscribed", body=Done(status="unsubscribed"))


@routes.get("/newsletter/preferences", params=Token, html=True)
def show_preferences(request: Request, link: Token) -> Page:
    """Show topics and language, to be changed, and the way to one's data."""
    subscriber = service.by_preferences_link(link.token, request.now)
    request.language = company.current().spoken(subscriber.language)
    values = {
        "topics": subscriber.topics,
        "chosen": request.language,  # its own, or the default where the company left it
        "unsubscribe": links.standing(subscriber)["unsubscribe"],
    }
    return Page("preferences", {"token": link.token, **values})


@routes.post(
    "/newsletter/preferences", takes=Preferences, gives=Done, html=True, errors=(LimitReached,)
)
def save_preferences(request: Request, chosen: Preferences) -> Page:
    """Save topics and language."""
    service.prefer(chosen.token, chosen.topics, chosen.language, request.sender, request.now)
    return Page("saved", body=Done(status="saved"))


@routes.get("/newsletter/access", params=of.InLanguage, html=True)
def show_data_access(request: Request, asked: of.InLanguage) -> Page:
    """Show a form for one's address: the way to one's data without a mail of ours at hand."""
    return Page("access")


@routes.post(
    "/newsletter/access",
    takes=Access,
    gives=Done,
    html=True,
    status=ACCEPTED,
    errors=(LimitReached,),
)
def request_data_access(request: Request, asked: Access) -> Page:
    """Send a fresh link to the address.

    A forwarded newsletter's link must not open somebody's data.
    """
    service.ask_access(asked.token, asked.email, request.sender, request.now)
    return Page("sent", body=Done(status="sent"))


@routes.get("/newsletter/mydata", params=Token, errors=(BadToken,), media="application/json")
def download_own_data(request: Request, link: Token) -> Reply:
    """Return everything stored on this person, as a JSON download (GDPR Art. 15 and 20)."""
    document = service.data_by_link(link.token, request.now)
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="newsletter.json"',
    }
    return Reply(json.dumps(document, ensure_ascii=False, indent=2), headers=headers)


@routes.get("/newsletter/erase", params=Token, html=True)
def show_own_erasure(request: Request, link: Token) -> Page:
    """Show the page before erasing: one button. Changes nothing."""
    service.check_link(DATA, link.token, request.now)
    return Page("erase", {"token": link.token})


@routes.post("/newsletter/erase", takes=Token, gives=Done, html=True)
def erase_own_data(request: Request, pressed: Token) -> Page:
    """Erase this person's data (GDPR Art. 17).

    An HMAC stays that keeps the address from being imported.
    """
    service.erase_by_link(pressed.token, request.now)
    return Page("erased", body=Done(status="erased"))


def _declaration(wording: Wording) -> Reply:
    return Reply(of.Declaration(**vars(wording)), headers=PUBLIC_READ)
