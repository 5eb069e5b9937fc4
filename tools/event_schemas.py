"""The generator of `docs/events`: a JSON Schema of each event for other systems.

They come from the dataclasses in the modules `domain_events`. A file of an older version stays.
"""

import inspect
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from chalicelib.callbacks import domain_events as callbacks
from chalicelib.newsletter import domain_events as newsletter
from chalicelib.outbox.domain_events import DomainEvent

FOLDER = Path(__file__).parent.parent / "docs" / "events"
EVENTS = (*newsletter.EVENTS, *callbacks.EVENTS)
_TYPES: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    tuple[str, ...]: {"type": "array", "items": {"type": "string"}},
}
_SUBJECTS = {
    "subscriber": "the subscriber's id: the same for the same address, and no address",
    "callback": "the callback's reference, such as `R-7F3K`",
}


def files() -> Iterator[tuple[Path, str]]:
    """Yield path and text of each schema."""
    for event in EVENTS:
        name = f"{event.TYPE}.v{event.VERSION}.json"
        yield FOLDER / name, json.dumps(schema(event), indent=2, ensure_ascii=False) + "\n"


def schema(event: type[DomainEvent]) -> dict[str, Any]:
    """Return the JSON Schema of an event, as a receiver reads it."""
    texts = {name: {"type": "string", "description": doc} for name, doc in _head(event).items()}
    properties = {
        **texts,
        "type": {"const": event.TYPE},
        "version": {"const": event.VERSION},
        "sequence": {
            "type": "integer",
            "description": "grows from event to event of a subject: an event with a smaller "
            "number than the last one seen is older",
        },
        "at": {**texts["at"], "format": "date-time"},
        "data": _data(event),
    }
    order = ("id", "type", "version", "sequence", "at", "stage", "subject", "data")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event.TYPE,
        "description": " ".join(inspect.cleandoc(event.__doc__ or "").split()),
        "type": "object",
        "properties": {name: properties[name] for name in order},
        "required": list(order),
    }


def _head(event: type[DomainEvent]) -> dict[str, str]:
    return {
        "id": "the same where the event comes twice",
        "at": "when it happened, in UTC",
        "stage": "the stage it happened on, such as `prod`",
        "subject": _SUBJECTS[event.TYPE.partition(".")[0]],
    }


def _data(event: type[DomainEvent]) -> dict[str, Any]:
    hints, properties = get_type_hints(event), {}
    for each in fields(event):
        properties[each.name] = {**_TYPES[hints[each.name]], "description": each.metadata["doc"]}
        if known := each.metadata["known"]:
            properties[each.name]["examples"] = list(known)
    required = [each.name for each in fields(event) if each.default is MISSING]
    return {"type": "object", "properties": properties, "required": required}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for path, text in files():
        path.write_text(text)
