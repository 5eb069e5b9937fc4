"""The staff's calls about subscribers for programs: erasure and the export."""

import json
import time
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, StringConstraints

from chalicelib import log, tokens
from chalicelib.errors import BadToken, FieldError, Invalid
from chalicelib.http import Body, Reply, Request, Routes
from chalicelib.http import fields as of
from chalicelib.newsletter import export, service
from chalicelib.newsletter.routes import Done
from chalicelib.settings import current

routes = Routes(__name__, tag="staff-subscribers")
_CURSOR = "newsletter.export"  # the purpose of a cursor
# For one part: with one read's longest wait still well inside the function's 20 seconds.
_SECONDS = 8


class ById(Body):
    """A subscriber, by the key of the address."""

    id: Annotated[of.Line, StringConstraints(min_length=1, max_length=64)]
    language: of.Language = of.default_language()


class Export(Body):
    """Whom to export; `cursor` is that of the part before. Or by hand, one of so many parts."""

    topic: of.NewsletterTopic | None = None
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


@routes.delete("/staff/subscribers/{id}", params=ById, gives=Done, role="supervisor")
def erase_subscriber(request: Request, asked: ById) -> Done:
    """Erase a person's data on their behalf. A repeat answers the same."""
    service.erase_for(asked.id, "staff", request.person.id, request.now)
    return Done(status="erased")


@routes.get(
    "/staff/subscribers.csv", params=Export, errors=(BadToken,), role="supervisor", media="text/csv"
)
def export_subscribers(request: Request, asked: Export) -> Reply:
    """Export the confirmed subscribers as CSV, no cell of which can be taken for a formula.

    A table too large for one answer comes in parts: the Link header has the next one's address
    (`rel="next"`), each part begins with the columns' names, and some may have no rows. A person
    who fetches the parts by hand says into how many the table is divided; one that does not fit
    an answer is refused, never cut.
    """
    began, first = time.monotonic(), None
    if asked.cursor:
        first = json.loads(tokens.read(_CURSOR, asked.cursor, request.now)[0])
    part = export.part(asked.topic, first, lambda: time.monotonic() - began < _SECONDS, asked.share)
    if part.cursor and asked.parts:
        raise Invalid(FieldError("parts", "finer"))
    log.info(
        "newsletter.exported",
        subscribers=part.count,
        topic=asked.topic,
        by=request.person.id,
        more=bool(part.cursor),
    )
    headers = {
        "Content-Type": "text/csv; charset=utf-8; header=present",
        "Content-Disposition": 'attachment; filename="subscribers.csv"',
    }
    if part.cursor:
        wanted = {"topic": asked.topic} if asked.topic else {}
        cursor = tokens.sign(_CURSOR, json.dumps(part.cursor), 0)
        query = urlencode({**wanted, "cursor": cursor})
        url = f"{current().base_url}/staff/subscribers.csv?{query}"
        headers["Link"] = f'<{url}>; rel="next"'
    return Reply(part.text, headers=headers)
