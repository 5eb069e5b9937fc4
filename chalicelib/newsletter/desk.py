"""The staff's entrances: a subscriber by address, the proof of their consent, erasure, the export.

Programs get JSON, supervisors at a browser get pages. An address that was typed in there is sent once, and then stands
in no address line: its key does.
"""

import json
import time
from typing import Annotated
from urllib.parse import urlencode

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from chalicelib import log, tokens
from chalicelib.errors import FieldError, Invalid, NotFound
from chalicelib.http import Body, Call, Reply, Routes
from chalicelib.http import fields as of
from chalicelib.messages import message
from chalicelib.newsletter import exports, proof, store
from chalicelib.newsletter.model import TOPICS, Subscriber, Topic
from chalicelib.newsletter.routes import Done, erase_wholly, wordings
from chalicelib.settings import current
from chalicelib.staff.lead.words import Words
from chalicelib.staff.pages import page, script

routes = Routes(__name__, tag="staff-subscribers")
_PATH = "/staff/subscribers"
_EXPORT = "newsletter.export"  # the purpose of a cursor
_EXPORT_SECONDS = 8  # to a part: with one read's longest wait still well inside the function's 20


class Wanted(Body):
    """Whom to look up. A browser that names nobody yet is shown the form."""

    email: str = Field("", description="the address; a program has to give it")
    done: str = Field("", description="what a page of ours has just done, for it to say so")


class ByEmail(Body):
    email: of.Email


class Typed(Body, title="SubscriberSearch"):
    email: Annotated[of.Line, StringConstraints(max_length=254)] = ""


class ById(Body):
    id: Annotated[of.Line, StringConstraints(min_length=1, max_length=64)]
    language: of.Language = "de"


class Record(BaseModel, title="Subscriber"):
    """One subscriber, as the staff see it; `id` stands for the address in the other calls."""

    id: str
    email: str
    state: str
    language: str
    topics: list[str]
    consent: str
    asked_at: AwareDatetime
    confirmed_at: AwareDatetime | None
    ended_at: AwareDatetime | None


@routes.get(
    "/staff/subscribers",
    operation="lookUpSubscriber",
    params=Wanted,
    gives=Record,
    html=True,
    errors=(404,),
    role="supervisor",
)
def look_up(call: Call, asked: Wanted) -> Record | Reply:
    """The subscriber of an address; at a browser the form for one, and the export."""
    if call.accepts("text/html"):
        return _found(call, asked.email) if asked.email else _form(call, done=asked.done)
    key = proof.key_of(ByEmail.model_validate(call.params).email)
    return _record(call, key, _load(key))


@routes.post(
    "/staff/subscribers",
    operation="findSubscriber",
    takes=Typed,
    html=True,
    status=303,
    errors=(404,),
    role="supervisor",
)
def find(call: Call, typed: Typed) -> Reply:
    """Goes to the page of an address's subscriber."""
    return _found(call, typed.email)


@routes.get(
    "/staff/subscribers/{id}",
    operation="getSubscriber",
    params=ById,
    gives=Record,
    html=True,
    errors=(404,),
    role="supervisor",
)
def show(call: Call, asked: ById) -> Record | Reply:
    """A subscriber by the key of their address."""
    subscriber = _load(asked.id)
    record = _record(call, asked.id, subscriber)
    if not call.accepts("text/html"):
        return record
    expired = subscriber.is_expired(call.now)
    return page(
        call,
        "subscriber",
        subscriber=subscriber,
        expired=expired,
        words=Words(call.language, current().time_zone),
    )


@routes.get(
    "/staff/subscribers/{id}/proof",
    operation="getConsentProof",
    params=ById,
    html=True,
    errors=(404,),
    role="supervisor",
    media="application/json",
)
def prove(call: Call, asked: ById) -> Reply:
    """The proof of consent, verified: JSON, or a page that prints on one sheet."""
    document = proof.document(asked.id, wordings, call.now)
    if document is None:
        raise NotFound
    log.info("newsletter.proof_shown", subscriber=asked.id, by=call.person.id)
    if not call.accepts("text/html"):
        return Reply(
            json.dumps(document, ensure_ascii=False), headers={"Content-Type": "application/json"}
        )
    text, policy = proof.page(document, call.language)
    return Reply(
        text,
        headers={"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy},
    )


@routes.get(
    "/staff/subscribers/{id}/erase",
    operation="showSubscriberErasure",
    params=ById,
    html=True,
    errors=(404,),
    role="supervisor",
)
def ask_erasure(call: Call, asked: ById) -> Reply:
    """Whether erasing is really meant: one button. Changes nothing."""
    return page(call, "subscriber_sure", subscriber=_load(asked.id))


@routes.post(
    "/staff/subscribers/{id}/erase",
    operation="confirmSubscriberErasure",
    params=ById,
    html=True,
    status=303,
    role="supervisor",
)
def erase(call: Call, asked: ById) -> Reply:
    """The button: erases a person's data on their behalf. A repeat changes nothing more."""
    _erase(call, asked.id)
    return _to(f"{_PATH}?done=erased")


@routes.delete(
    "/staff/subscribers/{id}",
    operation="eraseSubscriber",
    params=ById,
    gives=Done,
    role="supervisor",
)
def erase_for(call: Call, asked: ById) -> Done:
    """Erases a person's data on their behalf. A repeat answers the same."""
    _erase(call, asked.id)
    return Done(status="erased")


class Export(Body):
    """Whom to export; `cursor` is that of the part before. Or by hand, one of so many parts."""

    topic: Topic | None = None
    cursor: str = ""
    part: Annotated[int, Field(ge=1)] = 1
    parts: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def share(self) -> tuple[int, int]:
        """What to read of the table. Raises Invalid for a part beyond the last, or of what a cursor goes on with."""
        if self.part > (self.parts or 1) or (self.parts and self.cursor):
            raise Invalid(FieldError("part", "range"))
        return self.part, self.parts or 1


@routes.get(
    "/staff/subscribers.csv",
    operation="exportSubscribers",
    params=Export,
    errors=(400,),
    role="supervisor",
    media="text/csv",
)
def export(call: Call, asked: Export) -> Reply:
    """The confirmed subscribers and nobody else as CSV, no cell of which can be taken for a formula.

    A table too large for one answer comes in parts: the Link header has the next one's address (`rel="next"`), each
    part begins with the column's names, and some may have no rows. A person who fetches the parts by hand says into how
    many the table is divided; one that does not fit an answer is refused, never cut.
    """
    began, first = time.monotonic(), None
    if asked.cursor:
        first = json.loads(tokens.read(_EXPORT, asked.cursor, call.now)[0])
    share = asked.share
    text, count, left = exports.part(
        asked.topic, first, lambda: time.monotonic() - began < _EXPORT_SECONDS, share
    )
    if left and asked.parts:
        raise Invalid(FieldError("parts", "finer"))
    log.info(
        "newsletter.exported",
        subscribers=count,
        topic=asked.topic,
        by=call.person.id,
        more=bool(left),
    )
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": 'attachment; filename="subscribers.csv"',
    }
    if left:
        wanted = {"topic": asked.topic} if asked.topic else {}
        query = urlencode({**wanted, "cursor": tokens.sign(_EXPORT, json.dumps(left), 0)})
        headers["Link"] = f'<{current().base_url}/staff/subscribers.csv?{query}>; rel="next"'
    return Reply(text, headers=headers)


def _form(call: Call, status: int = 200, email: str = "", wrong: str = "", done: str = "") -> Reply:
    return page(
        call,
        "subscribers",
        status,
        email=email,
        wrong=wrong,
        done=done,
        topics=TOPICS,
        script=script("export"),
    )


def _found(call: Call, email: str) -> Reply:
    try:
        key = proof.key_of(ByEmail(email=email).email)
    except ValidationError:
        return _form(call, 422, email, message("email", call.language))
    if store.load(key).subscriber is None:
        return _form(call, 404, email, message("not_found", call.language))
    return _to(f"{_PATH}/{key}")


def _load(key: str) -> Subscriber:
    subscriber = store.load(key).subscriber
    if subscriber is None:
        raise NotFound
    return subscriber


def _record(call: Call, key: str, subscriber: Subscriber) -> Record:
    log.info("newsletter.looked_up", subscriber=key, by=call.person.id)
    values = {
        name: value for name, value in vars(subscriber).items() if name in Record.model_fields
    }
    return Record.model_validate({"id": key, **values})


def _erase(call: Call, key: str) -> None:
    erase_wholly(call, key, "staff")
    log.info("newsletter.person_erased", subscriber=key, by=call.person.id)


def _to(path: str) -> Reply:
    return Reply(
        status=303,
        headers={"Location": f"{current().base_url}{path}", "Content-Type": "text/plain"},
    )
