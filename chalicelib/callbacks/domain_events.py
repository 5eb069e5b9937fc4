"""What other systems are told of a callback: its end, and its erasure on demand. Pure."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from chalicelib.callbacks.model import ENDS, Change
from chalicelib.outbox.domain_events import DomainEvent


def _of(doc: str, *known: str) -> Any:
    return field(metadata={"doc": doc, "known": known})


@dataclass(frozen=True)
class Ended(DomainEvent):
    """A callback has ended, ten minutes ago: an end that was undone meanwhile is no event."""

    TYPE: ClassVar[str] = "callback.ended"
    end: str = _of("how it ended", *(each for each in ENDS if each != "withdrawn"))
    topic: str = _of("the topic's name, as the company's file has it")


@dataclass(frozen=True)
class Erased(DomainEvent):
    """The caller's data were erased on demand. Erase what you have of this reference, too."""

    TYPE: ClassVar[str] = "callback.erased"


EVENTS: tuple[type[DomainEvent], ...] = (Ended, Erased)


def of(change: Change) -> DomainEvent | None:
    """Return what other systems are told of a change, None where it is nothing to them.

    A request is `withdrawn` by its erasure, which is an event of its own.
    """
    after = change.after
    if not change.ends or after.state == "withdrawn":
        return None
    return Ended(after.state, after.asked.topic)
