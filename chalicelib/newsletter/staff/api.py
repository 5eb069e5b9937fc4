"""The staff's calls about subscribers for programs: erasure and the export."""

import json
import time
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BeforeValidator, Field, StringConstraints

from chalicelib import log, tokens
from chalicelib.errors import BadToken, FieldError, Invalid
from chalicelib.http import Body, Reply, Request, Routes
from chalicelib.http import fields as of
from chalicelib.newsletter import export, service
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.model import State
from chalicelib.newsletter.routes import Done
from chalicelib.settings import current

routes = Routes(__name__, tag="staff-subscribers")
_CURSOR = "newsletter.export"  # the purpose of a cursor
# For one part: with one read's longest wait still well inside the function's 20 seconds.
_SECONDS = 8
_CSV, _JSON_LINES = "text/csv", "application/jsonl"


def _none_if_empty(value: object) -> object:
    """Return what a plain form's empty field stands for: nothing."""
    return value or None


_EMPTY = BeforeValidator(_none_if_empty)


class ById(Body):
    """A subscriber, by the key of the address."""

    id: Annotated[of.Line, StringConstraints(min_length=1, max_length=64)]
    language: of.Language = of.default_language()


class Export(Body):
    """Whom to export; `cursor` is that of the part before. Or by hand, one of so many parts."""

    state: State | Literal["all"] = "confirmed"
    topic: Annotated[of.NewsletterTopic | None, _EMPTY] = None
    language: Annotated[of.Language | None, _EMPTY] = None
    domain: Annotated[
        Annotated[of.Line, StringConstraints(max_length=254)] | None,
        _EMPTY,
        Field(description="of the address, such as example.org"),
    ] = None
    first: Annotated[
        of.Day | None,
        _EMPTY,
        Field(alias="from", description="the first day on which somebody came into the state"),
    ] = None
    to: Annotated[of.Day | None, _EMPTY] = None
    format: Literal["csv", "jsonl"] | None = Field(
        None, description="`jsonl`: JSON lines, as under `Accept: application/jsonl`"
    )
    cursor: str = ""
    part: Annotated[int, Field(ge=1)] = 1
    parts: Annotated[int, Field(ge=1, le=1000)] | None = None

    @property
    def share(self) -> tuple[int, int]:
        """The share of the table to read.

        Raises Invalid for a part beyond the last, or for parts together with a cursor.
        """
        if self.part > (self.parts or 1) or (self.parts and self.cursor):
            raise Invalid(FieldError("part", "range"))
        return self.part, self.parts or 1

    @property
    def wanted(self) -> Filter:
        """Whom to export."""
        return Filter(
            current().time_zone,
            self.state,
            self.topic,
            self.language,
            self.domain,
            self.first,
            self.to,
        )

    def following(self, cursor: str) -> str:
        """Return the query of the next part."""
        asked = self.model_dump(
            mode="json", by_alias=True, exclude_none=True, exclude_defaults=True, exclude={"cursor"}
        )
        return urlencode({**asked, "cursor": cursor})


@routes.delete("/staff/subscribers/{id}", params=ById, gives=Done, role="supervisor")
def erase_subscriber(request: Request, asked: ById) -> Done:
    """Erase a person's data on their behalf. A repeat answers the same."""
    service.erase_for(asked.id, "staff", request.person.id, request.now)
    return Done(status="erased")


@routes.get(
    "/staff/subscribers.csv",
    params=Export,
    errors=(BadToken,),
    role="supervisor",
    media=(_CSV, _JSON_LINES),
)
def export_subscribers(request: Request, asked: Export) -> Reply:
    """Export subscribers, the confirmed ones unless another state is asked for.

    It is CSV, no cell of which can be taken for a formula, or JSON lines. Each has the links to
    unsubscribe and to the preferences. Days are those on which somebody came into the state.
    A table too large for one answer comes in parts: the Link header has the next one's address
    (`rel="next"`), each part begins with the columns' names, and some may have no rows. A person
    who fetches the parts by hand says into how many the table is divided; one that does not fit
    an answer is refused, never cut.
    """
    began, first = time.monotonic(), None
    if asked.cursor:
        first = json.loads(tokens.read(_CURSOR, asked.cursor, request.now)[0])
    lines = asked.format == "jsonl" or (asked.format is None and request.accepts(_JSON_LINES))
    part = export.part(
        asked.wanted,
        request.now,
        first,
        lambda: time.monotonic() - began < _SECONDS,
        asked.share,
        "jsonl" if lines else "csv",
    )
    if part.cursor and asked.parts:
        raise Invalid(FieldError("parts", "finer"))
    log.info(
        "newsletter.exported",
        subscribers=part.count,
        state=asked.state,
        topic=asked.topic,
        by=request.person.id,
        more=bool(part.cursor),
    )
    headers = {
        "Content-Type": f"{_JSON_LINES}; charset=utf-8"
        if lines
        else f"{_CSV}; charset=utf-8; header=present",
        "Content-Disposition": f'attachment; filename="subscribers.{"jsonl" if lines else "csv"}"',
    }
    if part.cursor:
        cursor = tokens.sign(_CURSOR, json.dumps(part.cursor), 0)
        query = asked.following(cursor)
        url = f"{current().base_url}/staff/subscribers.csv?{query}"
        headers["Link"] = f'<{url}>; rel="next"'
    return Reply(part.text, headers=headers)
