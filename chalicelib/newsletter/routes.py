"""The newsletter's entrances: the declaration, the signup, and the links in our mails.

A link's GET shows a page and writes nothing, however often a scanner calls it; its POST acts, and a repeat is
answered alike.
"""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chalicelib import challenges, limits, tokens
from chalicelib.aws import Cancelled, Item
from chalicelib.consent import Wording, Wordings
from chalicelib.errors import BadToken, Unavailable
from chalicelib.http import PUBLIC_READ, Body, Call, Page, Reply, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.limits import Limit
from chalicelib.newsletter import model, proof, store
from chalicelib.newsletter.model import TOPICS, Change, Topic
from chalicelib.newsletter.reactions import CONFIRM, DATA, PREFERENCES, UNSUBSCRIBE
from chalicelib.newsletter.store import How, Known
from chalicelib.settings import current

routes = Routes(__name__, tag="newsletter")
wordings = Wordings(Path(__file__).parent / "consent")
_TRIES = 8  # against others who write the same subscriber at the same time

Topics = Annotated[tuple[Topic, ...], Field(min_length=1, max_length=len(TOPICS)), of.ListOf]


class ByVersion(Body):
    version: of.Version


class Signup(Body, title="NewsletterSignup"):
    """A visitor asks for the newsletter; `consent` is the version of the declaration the form showed."""

    email: of.Email
    consent: of.Version
    topics: Topics = TOPICS
    language: of.Language = "de"
    page: of.Page = ""
    altcha: of.Line | None = None
    website: of.Honeypot = ""
    next: of.Page | None = None


class Pending(BaseModel, title="SignupReceipt"):
    """The same answer whatever is known of the address."""

    status: Literal["pending"] = "pending"


class Token(Body, title="LinkToken"):
    token: str = ""  # a missing one is a bad one, answered alike


class Done(BaseModel, title="SubscriptionResult"):
    """What has become of the subscription."""

    status: Literal["confirmed", "refused", "unsubscribed", "saved", "sent", "erased"]


class Preferences(Token, title="NewsletterPreferences"):
    topics: Topics
    language: of.Language


class Access(Body, title="DataAccessRequest"):
    """Whose data: by the link of a mail, or by the address, to which a fresh link is then sent."""

    token: str = ""
    email: of.OptionalEmail = None


def _declaration(wording: Wording) -> Reply:
    return Reply(of.Declaration(**vars(wording)), headers=PUBLIC_READ)


@routes.get(
    "/newsletter/consent",
    operation="getNewsletterConsent",
    params=of.InLanguage,
    gives=of.Declaration,
)
def declaration(call: Call, asked: of.InLanguage) -> Reply:
    """The declaration a signup form must show now."""
    return _declaration(wordings.current(asked.language))


@routes.get(
    "/newsletter/consent/{version}",
    operation="getNewsletterConsentByVersion",
    params=ByVersion,
    gives=of.Declaration,
    errors=(404,),
)
def declaration_by_version(call: Call, asked: ByVersion) -> Reply:
    """A declaration by its version, for every version ever used."""
    return _declaration(wordings.get(asked.version))


@routes.post(
    "/newsletter/signups",
    operation="signUpForNewsletter",
    takes=Signup,
    gives=Pending,
    status=202,
    errors=(429,),
)
def sign_up(call: Call, signup: Signup) -> Thanks:
    """Asks for the newsletter: the address gets a mail with a link to confirm."""
    thanks = Thanks(Pending(), "pending", signup.next)
    if signup.website:  # no person sees this field
        return thanks
    wording, topics = wordings.seen(signup.consent), tuple(dict.fromkeys(signup.topics))
    key = proof.key_of(signup.email)
    asked = model.Signup(key, signup.email, signup.language, topics, signup.consent)
    facts = {
        "consent": wording.version,
        "wording": wording.sha256,
        "topics": ",".join(topics),
        "language": signup.language,
    }
    how = How(facts, {**_person(call), "email": signup.email, "page": signup.page})
    limit = limits.per_caller("signups", call.caller, current().limit_signups_per_caller)
    claim = challenges.claim("newsletter", signup.altcha, call.now)
    change(
        call,
        key,
        lambda known, now: model.sign_up(known.subscriber, asked, now, known.version),
        how,
        limit,
        claim,
    )
    return thanks


@routes.get(
    "/newsletter/confirm", operation="showSubscriptionConfirmation", params=Token, html=True
)
def show_confirmation(call: Call, link: Token) -> Page:
    """The page behind the mailed link: one button. Changes nothing, however often it is called."""
    tokens.read(CONFIRM, link.token, call.now)
    return Page("confirm", {"token": link.token})


@routes.post(
    "/newsletter/confirm", operation="confirmSubscription", takes=Token, gives=Done, html=True
)
def confirm(call: Call, pressed: Token) -> Page:
    """The button: the subscription is confirmed. A repeat answers the same."""
    key, letter = tokens.read(CONFIRM, pressed.token, call.now)
    how = How({"letter": str(letter)}, _person(call))
    change(call, key, lambda known, now: model.confirm(known.subscriber, letter, now), how)
    return Page("confirmed", body=Done(status="confirmed"))


@routes.get("/newsletter/refuse", operation="showSubscriptionRefusal", params=Token, html=True)
def show_refusal(call: Call, link: Token) -> Page:
    """The page for "that was not me": one button. Changes nothing."""
    tokens.read(CONFIRM, link.token, call.now)
    return Page("refuse", {"token": link.token})


@routes.post(
    "/newsletter/refuse", operation="refuseSubscription", takes=Token, gives=Done, html=True
)
def refuse(call: Call, pressed: Token) -> Page:
    """ "That was not me": the address gets no confirmation mail for 12 months."""
    key, letter = tokens.read(CONFIRM, pressed.token, call.now)
    change(call, key, lambda known, now: model.refuse(known.subscriber, letter, now), How())
    return Page("refused", body=Done(status="refused"))


@routes.get("/newsletter/unsubscribe", operation="showUnsubscription", params=Token, html=True)
def show_unsubscribe(call: Call, link: Token) -> Page:
    """The page behind a mail's unsubscribe link: one button. Changes nothing."""
    tokens.read(UNSUBSCRIBE, link.token, call.now)
    return Page("unsubscribe", {"token": link.token})


@routes.post(
    "/newsletter/unsubscribe", operation="unsubscribe", params=Token, gives=Done, html=True
)
def unsubscribe(call: Call, link: Token) -> Page:
    """Unsubscribes with one click (RFC 8058), without a login; its body may be of any type. The link never expires."""
    key, _ = tokens.read(UNSUBSCRIBE, link.token, call.now)
    change(
        call,
        key,
        lambda known, now: model.unsubscribe(known.subscriber, now),
        How({}, _person(call)),
    )
    return Page("unsubscribed", body=Done(status="unsubscribed"))


@routes.get("/newsletter/preferences", operation="showPreferences", params=Token, html=True)
def show_preferences(call: Call, link: Token) -> Page:
    """Topics and language, to be changed; and the way to one's data."""
    key, _ = tokens.read(PREFERENCES, link.token, call.now)
    subscriber = store.load(key).subscriber
    if subscriber is None or subscriber.state != "confirmed":
        raise BadToken
    call.language = "en" if subscriber.language == "en" else "de"
    return Page(
        "preferences",
        {"token": link.token, "topics": subscriber.topics, "chosen": subscriber.language},
    )


@routes.post(
    "/newsletter/preferences", operation="savePreferences", takes=Preferences, gives=Done, html=True
)
def prefer(call: Call, chosen: Preferences) -> Page:
    """Saves topics and language."""
    key, _ = tokens.read(PREFERENCES, chosen.token, call.now)
    topics = tuple(topic for topic in TOPICS if topic in chosen.topics)
    how = How({"topics": ",".join(topics), "language": chosen.language}, _person(call))
    change(
        call, key, lambda known, now: model.prefer(known.subscriber, topics, chosen.language), how
    )
    return Page("saved", body=Done(status="saved"))


@routes.get("/newsletter/access", operation="showDataAccess", params=of.InLanguage, html=True)
def show_access(call: Call, asked: of.InLanguage) -> Page:
    """A form for one's address: the way to one's data for whoever has no mail of ours at hand."""
    return Page("access")


@routes.post(
    "/newsletter/access",
    operation="requestDataAccess",
    takes=Access,
    gives=Done,
    html=True,
    status=202,
    errors=(429,),
)
def access(call: Call, asked: Access) -> Page:
    """Sends a fresh link to the address: a forwarded newsletter's link must not open somebody's data."""
    if asked.token:
        key, _ = tokens.read(PREFERENCES, asked.token, call.now)
    elif asked.email:
        key = proof.key_of(asked.email)
    else:
        raise BadToken
    limit = limits.per_caller("access", call.caller, current().limit_access_per_caller)
    change(
        call,
        key,
        lambda known, now: model.ask_access(known.subscriber, now),
        How({}, _person(call)),
        limit,
    )
    return Page("sent", body=Done(status="sent"))


@routes.get(
    "/newsletter/mydata",
    operation="downloadOwnData",
    params=Token,
    media="application/json",
    errors=(400,),
)
def mydata(call: Call, link: Token) -> Reply:
    """Everything stored on this person, as a JSON download (GDPR Art. 15 and 20)."""
    key, _ = tokens.read(DATA, link.token, call.now)
    kept = proof.document(key, wordings, call.now)
    if kept is None:
        raise BadToken
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Content-Disposition": 'attachment; filename="newsletter.json"',
    }
    return Reply(json.dumps(kept, ensure_ascii=False, indent=2), headers=headers)


@routes.get("/newsletter/erase", operation="showOwnErasure", params=Token, html=True)
def show_erasure(call: Call, link: Token) -> Page:
    """The page before erasing: one button. Changes nothing."""
    tokens.read(DATA, link.token, call.now)
    return Page("erase", {"token": link.token})


@routes.post("/newsletter/erase", operation="eraseOwnData", takes=Token, gives=Done, html=True)
def erase(call: Call, pressed: Token) -> Page:
    """Erases this person's data (GDPR Art. 17); what stays is an HMAC that keeps the address from being imported."""
    key, _ = tokens.read(DATA, pressed.token, call.now)
    erase_wholly(call, key, "person")
    return Page("erased", body=Done(status="erased"))


def erase_wholly(call: Call, key: str, by: str) -> None:
    """Erases a person's data, on the word of `by`, before anybody is told so."""
    change(call, key, lambda known, now: model.erase(known.subscriber), How({"by": by}))
    store.tidy(
        store.load(key), call.now
    )  # at once: who is told "erased" need not rely on the stream to come


def _person(call: Call) -> dict[str, str]:
    return {"caller": call.caller, "agent": call.agent}


def change(
    call: Call,
    key: str,
    decide: Callable[[Known, datetime], Change],
    how: How,
    limit: Limit | None = None,
    claim: Item | None = None,
) -> None:
    """Decides on what is known and writes it, again where somebody else was faster. Raises Unavailable."""
    for _ in range(_TRIES):
        known = store.load(key)
        try:
            store.save(known, decide(known, call.now), call.now, how, limit, claim)
            return
        except Cancelled:
            continue
    raise Unavailable("newsletter: too many at once")
