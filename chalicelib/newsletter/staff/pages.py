"""The supervisors' pages of subscribers; their paths answer programs in JSON."""

import json
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from chalicelib import log
from chalicelib.errors import ContactError, FieldError, Invalid, NotFound
from chalicelib.http import SEE_OTHER, Body, Reply, Request, Routes, redirect
from chalicelib.http import fields as of
from chalicelib.http.staff_page import render, script
from chalicelib.newsletter import proof, service, words
from chalicelib.newsletter.staff import api
from chalicelib.newsletter.staff.api import ById, SubscriberRecord

routes = Routes(__name__, tag="staff-subscribers")
_PATH = "/staff/subscribers"


class Wanted(Body):
    """Whom to look up. A browser that names nobody yet is shown the form."""

    email: str = Field("", description="the address; a program has to give it")
    done: str = Field("", description="what a page of ours has just done, for it to say so")


class ByEmail(Body):
    """A subscriber, by a valid address."""

    email: of.Email


class Typed(Body, title="SubscriberSearch"):
    """What was typed for an address; it may be no valid one."""

    email: Annotated[of.Line, StringConstraints(max_length=254)] = ""


@routes.get(
    _PATH, params=Wanted, gives=SubscriberRecord, html=True, errors=(NotFound,), role="supervisor"
)
def look_up_subscriber(request: Request, asked: Wanted) -> SubscriberRecord | Reply:
    """Show the subscriber of an address; at a browser the form for one, and the export."""
    if request.accepts("text/html"):
        return _found(request, asked.email) if asked.email else _form(request, done=asked.done)
    known = service.find(ByEmail.model_validate(request.params).email)
    if known.subscriber is None:
        raise NotFound("no_subscriber")
    return api.record(known.key, known.subscriber, request)


@routes.post(_PATH, takes=Typed, html=True, status=SEE_OTHER, errors=(NotFound,), role="supervisor")
def find_subscriber(request: Request, typed: Typed) -> Reply:
    """Go to the page of an address's subscriber."""
    return _found(request, typed.email)


@routes.get(
    f"{_PATH}/{{id}}",
    params=ById,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound,),
    role="supervisor",
)
def get_subscriber(request: Request, asked: ById) -> SubscriberRecord | Reply:
    """Show a subscriber by the key of their address."""
    subscriber = service.get(asked.id)
    record = api.record(asked.id, subscriber, request)
    if not request.accepts("text/html"):
        return record
    expired = subscriber.is_expired(request.now)
    return render(request, "subscriber", subscriber=subscriber, expired=expired, words=words)


@routes.get(
    f"{_PATH}/{{id}}/proof",
    params=ById,
    html=True,
    errors=(NotFound,),
    role="supervisor",
    media="application/json",
)
def get_consent_proof(request: Request, asked: ById) -> Reply:
    """Show the proof of consent, verified: JSON, or a page in the subscriber's language."""
    document = service.prove(asked.id, request.now, request.language)
    log.info("newsletter.proof_shown", subscriber=asked.id, by=request.person.id)
    if not request.accepts("text/html"):
        headers = {"Content-Type": "application/json"}
        return Reply(json.dumps(document, ensure_ascii=False), headers=headers)
    own = proof.language_of(document)
    text, policy = proof.page(service.prove(asked.id, request.now, own), own)
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Reply(text, headers=headers)


@routes.post(
    f"{_PATH}/{{id}}/release",
    params=ById,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound,),
    also=(SEE_OTHER,),
    role="supervisor",
)
def release_subscriber(request: Request, asked: ById) -> SubscriberRecord | Reply:
    """Let an address that bounced, refused or complained sign up again. A repeat changes nothing.

    It gets no mail before its owner signs up and confirms.
    """
    released = service.release(asked.id, request.person.id, request.now)
    if request.wants_page:
        return redirect(f"{_PATH}/{asked.id}")
    return api.record(asked.id, released, request)


@routes.get(f"{_PATH}/{{id}}/erase", params=ById, html=True, errors=(NotFound,), role="supervisor")
def show_subscriber_erasure(request: Request, asked: ById) -> Reply:
    """Ask whether erasing is really meant: one button. Changes nothing."""
    return render(request, "subscriber_sure", subscriber=service.get(asked.id))


@routes.post(f"{_PATH}/{{id}}/erase", params=ById, html=True, status=SEE_OTHER, role="supervisor")
def confirm_subscriber_erasure(request: Request, asked: ById) -> Reply:
    """Erase a person's data on their behalf. A repeat changes nothing more."""
    service.erase_for(asked.id, "staff", request.person.id, request.now)
    return redirect(f"{_PATH}?done=erased")


def _form(
    request: Request,
    email: str = "",
    refused: ContactError | None = None,
    done: str = "",
) -> Reply:
    return render(
        request,
        "subscribers",
        refused=refused,
        email=email,
        done=done,
        script=script("export"),
    )


def _found(request: Request, email: str) -> Reply:
    try:
        known = service.find(ByEmail(email=email).email)
    except ValidationError as error:
        return _form(request, email, Invalid(FieldError("email", error.errors()[0]["type"])))
    if known.subscriber is None:
        return _form(request, email, NotFound("no_subscriber"))
    return redirect(f"{_PATH}/{known.key}")
