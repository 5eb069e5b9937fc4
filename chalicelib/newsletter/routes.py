"""The newsletter's entrances: the declaration, the signup, and the links in our mails.

A link's GET shows a page and writes nothing, however often a scanner calls it; its POST acts, and
a repeat is answered alike.
"""

from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, Field

from chalicelib import addresses, company
from chalicelib.consent import Wording
from chalicelib.errors import BadToken, Conflict, FieldError, Invalid, LimitReached, NotFound
from chalicelib.http import (
    ACCEPTED,
    PUBLIC_READ,
    SEE_OTHER,
    Body,
    Page,
    Reply,
    Request,
    Routes,
    Thanks,
    redirect,
)
from chalicelib.http import fields as of
from chalicelib.newsletter import links, service
from chalicelib.newsletter.links import CONFIRM, DATA, PREFERENCES, UNSUBSCRIBE
from chalicelib.newsletter.service import Wanted, wordings

routes = Routes(__name__, tag="newsletter")

NoTopics = Annotated[tuple[of.NewsletterTopic, ...], Field(max_length=100), of.ListOf]
Topics = Annotated[NoTopics, Field(min_length=1)]


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

    token: of.LinkToken = ""


class Done(BaseModel, title="SubscriptionResult"):
    """What has become of the subscription."""

    status: Literal["confirmed", "pending", "refused", "unsubscribed", "saved", "sent", "erased"]


class Refusal(Token, title="SubscriptionRefusal"):
    """That somebody else signed up; `undo` takes that back for ten minutes."""

    action: Literal["refuse", "undo"] = "refuse"


class Leaving(Token, title="Unsubscription"):
    """What is pressed on our page; a mail program's one click has nothing of it.

    `undo` takes an unsubscription back for ten minutes, by the same `visit` to the page.
    """

    action: Literal["unsubscribe", "undo"] = "unsubscribe"
    visit: of.Visit = ""


class Preferences(Token, title="NewsletterPreferences"):
    """The topics and the language that a subscriber chooses; no topic ends the subscription.

    `undo` takes that back for ten minutes, by the same `visit` to the page.
    """

    action: Literal["save", "undo"] = "save"
    topics: NoTopics | None = Field(None, description="JSON has to name them, if only as `[]`")
    language: of.Language | None = None
    visit: of.Visit = ""


class Access(Body, title="DataAccessRequest"):
    """Whose data: by the token of a mail's link, or by the address. A fresh link is sent there."""

    token: of.LinkToken = ""
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


@routes.post("/newsletter/refuse", takes=Refusal, gives=Done, html=True, errors=(Conflict,))
def refuse_subscription(request: Request, pressed: Refusal) -> Page:
    """Take "that was not me": the address gets no confirmation mail for 12 months.

    It ends a subscription, too. `undo` takes it back for ten minutes; 409 later.
    """
    if pressed.action == "undo":
        subscriber = service.undo_refusal(pressed.token, request.now)
        status: Literal["confirmed", "pending"] = (
            "confirmed" if subscriber.state == "confirmed" else "pending"
        )
        page = "resumed" if status == "confirmed" else "confirm"
        return Page(page, {"token": pressed.token}, Done(status=status))
    refused = service.refuse(pressed.token, request.now)
    values = {"token": pressed.token, "undo": refused.may_undo, "ended": refused.ended}
    return Page("refused", values, Done(status="refused"))


@routes.get("/newsletter/unsubscribe", params=Token, html=True)
def show_unsubscription(request: Request, link: Token) -> Page:
    """Show the page behind a mail's unsubscribe link: one button. Changes nothing."""
    service.check_link(UNSUBSCRIBE, link.token, request.now)
    return Page("unsubscribe", {"token": link.token, "visit": service.new_visit()})


@routes.post(
    "/newsletter/unsubscribe",
    params=Token,
    takes=Leaving,
    any_body=True,
    gives=Done,
    html=True,
    errors=(Conflict, LimitReached),
)
def unsubscribe(request: Request, link: Token, pressed: Leaving) -> Page:
    """Unsubscribe with one click (RFC 8058), without a login; the body may be of any type.

    The link never expires. On our page it can be undone for ten minutes.
    """
    token = link.token or pressed.token
    if pressed.action == "undo":
        service.undo_unsubscription(UNSUBSCRIBE, token, pressed.visit, request.sender, request.now)
        return Page("resumed", body=Done(status="confirmed"))
    undo = service.unsubscribe(token, request.sender, request.now, pressed.visit)
    return _left("unsubscribe", token, pressed.visit, undo)


@routes.get("/newsletter/preferences", params=Token, html=True)
def show_preferences(request: Request, link: Token) -> Page:
    """Show topics and language, to be changed, and the way to one's data.

    Where the subscription has ended, the page says so.
    """
    subscriber = service.by_preferences_link(link.token, request.now)
    if subscriber is None:
        return Page("ended")
    spoken = company.current().spoken(subscriber.language)
    if "language" not in request.params:
        request.language = spoken
    values = {
        "topics": subscriber.topics,
        "wished": subscriber.wished,
        "chosen": spoken,  # its own, or the default where the company left it
        "unsubscribe": links.standing_of(subscriber.key, request.language)["unsubscribe"],
        "visit": service.new_visit(),
    }
    return Page("preferences", {"token": link.token, **values})


@routes.post(
    "/newsletter/preferences",
    takes=Preferences,
    gives=Done,
    html=True,
    errors=(Conflict, LimitReached),
)
def save_preferences(request: Request, chosen: Preferences) -> Page:
    """Save topics and language.

    No topic left is an unsubscription, which our page can undo for ten minutes.
    """
    if chosen.action == "undo":
        service.undo_unsubscription(
            PREFERENCES, chosen.token, chosen.visit, request.sender, request.now
        )
        return Page("resumed", body=Done(status="confirmed"))
    if request.wants_page and service.by_preferences_link(chosen.token, request.now) is None:
        return Page("ended")
    topics = chosen.topics
    if topics is None and not request.form:
        raise Invalid(FieldError("topics", "required"))
    if topics and chosen.language is None:
        raise Invalid(FieldError("language", "required"))
    saved = service.prefer(
        chosen.token,
        topics or (),
        chosen.language or request.language,
        request.sender,
        request.now,
        chosen.visit,
    )
    if saved.left:
        return _left("preferences", chosen.token, chosen.visit, saved.may_undo)
    return Page("saved", {"token": chosen.token}, Done(status="saved"))


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


@routes.get("/newsletter/mydata", params=Token, status=SEE_OTHER, errors=(BadToken,))
def show_own_data(request: Request, link: Token) -> Reply:
    """Lead from the link of an older mail to the page of one's data."""
    return _to_me(request, link)


@routes.get("/newsletter/erase", params=Token, status=SEE_OTHER, errors=(BadToken,))
def show_own_erasure(request: Request, link: Token) -> Reply:
    """Lead from the link of an older mail to the page where one's data can be erased."""
    return _to_me(request, link)


def _to_me(request: Request, link: Token) -> Reply:
    service.check_link(DATA, link.token, request.now)
    query = urlencode({"token": link.token, "language": request.language})
    return redirect(f"/me?{query}")


def _left(page: str, token: str, visit: str, undo: bool) -> Page:
    """Answer that the subscription has ended; `undo` shows the button on our page."""
    values = {"undo": undo, "page": page, "token": token, "visit": visit}
    return Page("unsubscribed", values, Done(status="unsubscribed"))


def _declaration(wording: Wording) -> Reply:
    return Reply(of.Declaration(**vars(wording)), headers=PUBLIC_READ)
