"""The staff's pages of subscribers; their paths answer programs in JSON.

Supervisors see the list. Agents come to a record by the search for a whole address, and do there
what they are asked for on the telephone.
"""

import json
import time
from datetime import datetime

from pydantic import ValidationError

from chalicelib import log
from chalicelib.errors import (
    BadToken,
    Conflict,
    ContactError,
    Invalid,
    LimitReached,
    NotAllowed,
    NotFound,
)
from chalicelib.http import SEE_OTHER, Reply, Request, Routes, problems, redirect
from chalicelib.http.staff_page import render, script
from chalicelib.newsletter import proof, words
from chalicelib.newsletter import service as newsletter
from chalicelib.newsletter.filters import came_at
from chalicelib.newsletter.staff import service, view
from chalicelib.newsletter.staff.api import ById
from chalicelib.newsletter.staff.service import Found, Pressed, Record
from chalicelib.newsletter.staff.view import (
    Listing,
    Look,
    PageOfList,
    Search,
    SubscriberList,
    SubscriberRecord,
    Withdrawal,
    who_of,
)

routes = Routes(__name__, tag="staff-subscribers")
_PATH = "/staff/subscribers"


@routes.get(_PATH, params=PageOfList, html=True, errors=(BadToken,), role="supervisor")
def list_subscribers(request: Request, asked: PageOfList) -> Reply:
    """Show the subscribers, the latest first, with filters, the search, and the download."""
    at, after = asked.place(request.now)
    try:
        wanted = asked.wanted
    except Invalid as refused:
        return _page(request, asked, refused=refused)
    found = service.search(wanted, at, after, who_of(request.person), time.monotonic)
    return _page(request, asked, found, at)


@routes.get(f"{_PATH}/search", html=True, also=(SEE_OTHER,), role="supervisor")
def show_subscriber_search(request: Request) -> Reply:
    """Lead a browser back from the address of a search, such as by reloading, to the list."""
    return redirect(_PATH)


@routes.post(
    f"{_PATH}/search",
    takes=Search,
    gives=SubscriberList,
    html=True,
    also=(SEE_OTHER,),
    errors=(BadToken, NotFound),
    role="supervisor",
)
def find_subscribers(request: Request, asked: Search) -> SubscriberList | Reply:
    """Find the subscriber of a whole address, or list those whom the filters describe.

    A browser goes on to the record, or to the list.
    """
    if request.wants_page:
        return _found(request, asked)
    at, after = asked.place(request.now)
    who = who_of(request.person)
    if not asked.email:
        found = service.search(asked.wanted, at, after, who, time.monotonic)
        return view.listing(found, asked, at)
    try:
        record = service.find(asked.address, who, request.now)
    except NotFound:
        return view.only([], request.now)
    meant = record.subscriber is None or asked.wanted.describes(record.subscriber)
    return view.only([view.record(record, request.now)] if meant else [], request.now)


@routes.get(
    f"{_PATH}/{{id}}",
    params=Look,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound,),
)
def get_subscriber(request: Request, asked: Look) -> SubscriberRecord | Reply:
    """Show a subscriber by the key of their address, or when their data was erased."""
    record = service.look(asked.id, who_of(request.person), request.now)
    if not request.accepts("text/html"):
        return view.record(record, request.now)
    return _record(request, record, done=asked.done)


@routes.get(f"{_PATH}/{{id}}/unsubscribe", params=ById, html=True, errors=(NotFound,))
def show_withdrawal(request: Request, asked: ById) -> Reply:
    """Ask how a withdrawal reached us: one button. Changes nothing."""
    record = service.look(asked.id, who_of(request.person), request.now)
    if "unsubscribe" not in record.actions:
        return redirect(f"{_PATH}/{asked.id}")
    return render(request, "subscriber_unsubscribe", record=record, ways=words.WAYS)


@routes.post(
    f"{_PATH}/{{id}}/unsubscribe",
    params=ById,
    takes=Withdrawal,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound,),
    also=(SEE_OTHER,),
)
def unsubscribe_subscriber(
    request: Request, asked: ById, told: Withdrawal
) -> SubscriberRecord | Reply:
    """Record a withdrawal that reached us by another way than our links. A repeat changes nothing.

    Where there is no subscription, nothing is sent to the address anyway, and its state stays.
    """
    who = who_of(request.person)
    pressed = service.unsubscribe(asked.id, told.how, told.note, who, request.now)
    return _pressed(request, pressed, "unsubscribed")


@routes.post(
    f"{_PATH}/{{id}}/release",
    params=ById,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound, NotAllowed),
    also=(SEE_OTHER,),
)
def release_subscriber(request: Request, asked: ById) -> SubscriberRecord | Reply:
    """Let an address that bounced, refused or complained sign up again. A repeat changes nothing.

    It gets no mail before its owner signs up and confirms. After a complaint only supervisors may.
    """
    pressed = service.release(asked.id, who_of(request.person), request.now)
    return _pressed(request, pressed, "released")


@routes.post(
    f"{_PATH}/{{id}}/resend",
    params=ById,
    gives=SubscriberRecord,
    html=True,
    errors=(NotFound, Conflict, LimitReached),
    also=(SEE_OTHER,),
)
def resend_confirmation(request: Request, asked: ById) -> SubscriberRecord | Reply:
    """Send the confirmation mail again, one in ten minutes and three a day for a mailbox."""
    pressed = service.resend(asked.id, who_of(request.person), request.now)
    return _pressed(request, pressed, "resent")


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
    html = request.accepts("text/html")
    document = newsletter.prove(asked.id, request.now, "" if html else request.language)
    log.info("newsletter.proof_shown", subscriber=asked.id, by=request.person.id)
    if not html:
        headers = {"Content-Type": "application/json"}
        return Reply(json.dumps(document, ensure_ascii=False), headers=headers)
    text, policy = proof.page(document, proof.language_of(document))
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
    return Reply(text, headers=headers)


@routes.get(
    f"{_PATH}/{{id}}/data",
    params=ById,
    errors=(NotFound,),
    role="supervisor",
    media="application/json",
)
def download_subscriber_data(request: Request, asked: ById) -> Reply:
    """Download everything that is stored of a person as a JSON file (GDPR Art. 15 and 20)."""
    document = newsletter.prove(asked.id, request.now, request.language)
    log.info("newsletter.data_downloaded", subscriber=asked.id, by=request.person.id)
    headers = {
        "Content-Type": "application/json",
        "Content-Disposition": 'attachment; filename="subscriber.json"',
    }
    return Reply(json.dumps(document, ensure_ascii=False, indent=2), headers=headers)


@routes.get(f"{_PATH}/{{id}}/erase", params=ById, html=True, errors=(NotFound,), role="supervisor")
def show_subscriber_erasure(request: Request, asked: ById) -> Reply:
    """Ask whether erasing is really meant: one button. Changes nothing."""
    record = service.look(asked.id, who_of(request.person), request.now)
    if record.subscriber is None:
        return redirect(f"{_PATH}/{asked.id}")
    return render(request, "subscriber_sure", subscriber=record.subscriber)


@routes.post(f"{_PATH}/{{id}}/erase", params=ById, html=True, status=SEE_OTHER, role="supervisor")
def confirm_subscriber_erasure(request: Request, asked: ById) -> Reply:
    """Erase a person's data on their behalf. A repeat changes nothing more."""
    newsletter.erase_for(asked.id, "staff", request.person.id, request.now)
    return redirect(f"{_PATH}/{asked.id}?done=erased")


def _page(
    request: Request,
    asked: Listing,
    found: Found | None = None,
    at: datetime | None = None,
    refused: ContactError | None = None,
    typed: str = "",
) -> Reply:
    """Render the forms, with a page of the list as of `at` where there is one."""
    wrong = refused.fields[0].field if isinstance(refused, Invalid) else "email"
    following = asked.following(found, at) if found and at else None
    return render(
        request,
        "subscribers",
        refused=refused,
        wrong=wrong if refused else "",
        typed=typed,
        asked=asked,
        found=found,
        at=at,
        following=asked.page(cursor=following) if following else "",
        came_at=came_at,
        words=words,
        script=script("export"),
    )


def _found(request: Request, asked: Search) -> Reply:
    """Lead a browser to the record that was searched for, or to the list."""
    if not asked.email:
        return redirect(f"{_PATH}?{asked.page()}")
    try:
        record = service.find(asked.address, who_of(request.person), request.now)
    except ValidationError as error:
        wrong = Invalid(*problems.of_validation(error).fields)
        return _page(request, asked, refused=wrong, typed=asked.email)
    except NotFound as unknown:
        return _page(request, asked, refused=unknown, typed=asked.email)
    return redirect(f"{_PATH}/{record.key}")


def _record(
    request: Request, record: Record, refused: ContactError | None = None, done: str | None = None
) -> Reply:
    return render(
        request,
        "subscriber",
        refused=refused,
        again=refused.retry_after if isinstance(refused, LimitReached) else None,
        record=record,
        subscriber=record.subscriber,
        done=done,
        words=words,
    )


def _pressed(request: Request, pressed: Pressed, done: str) -> SubscriberRecord | Reply:
    """Answer a press: the record, or to a browser the way to its page; raise why it was refused."""
    if not request.wants_page:
        if pressed.refused:
            raise pressed.refused
        return view.record(pressed.record, request.now)
    if pressed.refused:
        return _record(request, pressed.record, pressed.refused)
    return redirect(f"{_PATH}/{pressed.record.key}?done={done}")
