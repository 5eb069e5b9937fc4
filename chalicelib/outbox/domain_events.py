"""Events for other systems: what a fact says, the message that owes it, and its JSON. Pure.

The message is written in the transaction of the fact and has all that the event says of it, so
that an event which leaves late says what was true then. docs/events has a schema of each type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from chalicelib import instants
from chalicelib.errors import Unavailable
from chalicelib.outbox import model
from chalicelib.outbox.model import Message, Publication
from chalicelib.settings import Settings

# Versions of one subject that are told apart within a millisecond.
_VERSIONS = 1000


@dataclass(frozen=True)
class DomainEvent:
    """What other systems are told of a fact. A field left at its default is omitted.

    `TYPE` and `VERSION` name its schema. A field's metadata have its meaning as `doc`, and where
    further values may come, those that there are as `known`.
    """

    TYPE: ClassVar[str]
    VERSION: ClassVar[int] = 1


def owe(
    kind: str,
    subject: str,
    version: int,
    event: DomainEvent,
    now: datetime,
    due_at: datetime | None = None,
) -> Message:
    """Return the message of an event about a subject, which has this version since the fact."""
    content = {"type": event.TYPE, "version": event.VERSION, "data": _data(event)}
    number = sequence(now, version)
    return model.owe(kind, subject, number, now, due_at, "events", content)


def sequence(now: datetime, version: int) -> int:
    """Return a number that grows from event to event of a subject.

    A version alone would begin anew once a subscriber, and later its ledger, is gone. The number
    is below 2⁵³, as JSON's readers want it.
    """
    return int(now.timestamp() * 1000) * _VERSIONS + version % _VERSIONS


def publication(
    message: Message, settings: Settings, more: Mapping[str, str] | None = None
) -> Publication:
    """Return the event of a message as it is published; `more` is looked up when it leaves.

    Raises Unavailable where the stage has no topic yet.
    """
    if not settings.domain_events_topic_arn:
        raise Unavailable("no topic for events")
    kind, version = str(message.content["type"]), int(message.content["version"])
    event = {
        "id": message.id,
        "type": kind,
        "version": version,
        "sequence": message.serial,
        "at": instants.text(message.created_at),
        "stage": settings.stage,
        "subject": message.subject,
        "data": {**message.content["data"], **(more or {})},
    }
    attributes = {"type": kind, "version": str(version), "stage": settings.stage}
    return Publication(json.dumps(event), attributes)


def _data(event: DomainEvent) -> dict[str, Any]:
    values = {each.name: (getattr(event, each.name), each.default) for each in fields(event)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (value, default) in values.items()
        if value != default
    }
