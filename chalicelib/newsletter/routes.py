"""The newsletter's entrances: the declaration, the signup, the confirmation."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from chalicelib import keys, limits, tokens
from chalicelib.aws import Cancelled
from chalicelib.consent import Wording, Wordings
from chalicelib.errors import Unavailable
from chalicelib.http import PUBLIC_READ, Body, Call, Page, Reply, Routes, Thanks
from chalicelib.http import fields as of
from chalicelib.newsletter import model, store
from chalicelib.newsletter.model import TOPICS, Topic
from chalicelib.newsletter.reactions import CONFIRM
from chalicelib.newsletter.store import Circumstances
from chalicelib.settings import current

routes = Routes(__name__)
wordings = Wordings(Path(__file__).parent / "consent")
_TRIES = 8  # against others who write the same subscriber at the same time


class ByVersion(Body):
    version: of.Version


class Signup(Body):
    """A visitor asks for the newsletter; `consent` is the version of the declaration the form showed."""

    email: of.Email
    consent: of.Version
    topics: Annotated[tuple[Topic, ...], of.ListOf, Field(min_length=1, max_length=len(TOPICS))] = TOPICS
    language: of.Language = "de"
    page: of.Page = ""
    altcha: of.Line = ""
    website: of.Honeypot = ""
    next: of.Page | None = None


class Pending(BaseModel):
    """The same answer whatever is known of the address."""

    status: Literal["pending"] = "pending"


class Token(Body):
    token: str = ""  # a missing one is a bad one, answered alike


class Confirmed(BaseModel):
    status: Literal["confirmed"] = "confirmed"


def _declaration(wording: Wording) -> Reply:
    return Reply(of.Declaration(**vars(wording)), headers=PUBLIC_READ)


@routes.get("/newsletter/consent", params=of.InLanguage, gives=of.Declaration)
def declaration(call: Call, asked: of.InLanguage) -> Reply:
    """The declaration a signup form must show now."""
    return _declaration(wordings.current(asked.language))


@routes.get("/newsletter/consent/{version}", params=ByVersion, gives=of.Declaration, errors=(404,))
def declaration_by_version(call: Call, asked: ByVersion) -> Reply:
    """A declaration by its version, for every version ever used."""
    return _declaration(wordings.get(asked.version))


@routes.post("/newsletter/signups", takes=Signup, gives=Pending, status=202, errors=(429,))
def sign_up(call: Call, signup: Signup) -> Thanks:
    """Asks for the newsletter: the address gets a mail with a link to confirm."""
    thanks = Thanks(Pending(), "pending", signup.next)
    if signup.website:  # no person sees this field
        return thanks
    how = Circumstances(call.caller, call.agent, signup.page, wordings.seen(signup.consent).sha256)
    limit = limits.per_caller("signups", call.caller, current().limit_signups_per_caller)
    key = keys.identity("email", signup.email.casefold())
    asked = model.Signup(key, signup.email, signup.language, signup.topics, signup.consent)
    for _ in range(_TRIES):
        change = model.sign_up(store.load(key), asked, call.now)
        try:
            store.save(change, call.now, how, limit)
        except Cancelled:
            continue
        return thanks
    raise Unavailable("signup: too many at once")


@routes.get("/newsletter/confirm", params=Token, html=True)
def show_confirmation(call: Call, link: Token) -> Page:
    """The page behind the mailed link: one button. Changes nothing, however often it is called."""
    tokens.read(CONFIRM, link.token, call.now)
    return Page("confirm", {"token": link.token})


@routes.post("/newsletter/confirm", takes=Token, gives=Confirmed, html=True)
def confirm(call: Call, pressed: Token) -> Page:
    """The button: the subscription is confirmed. A repeat answers the same."""
    key, generation = tokens.read(CONFIRM, pressed.token, call.now)
    how = Circumstances(call.caller, call.agent)
    for _ in range(_TRIES):
        change = model.confirm(store.load(key), generation, call.now)
        try:
            store.save(change, call.now, how)
        except Cancelled:
            continue
        return Page("confirmed", body=Confirmed())
    raise Unavailable("confirm: too many at once")
