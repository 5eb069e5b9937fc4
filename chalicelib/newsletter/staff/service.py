"""The staff's use cases: find an address, list subscribers, and act on a record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib import log
from chalicelib.errors import ContactError, NotFound
from chalicelib.newsletter import model, service
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import listed, recent, subscribers
from chalicelib.newsletter.stores.listed import STATES, Counts, Places
from chalicelib.newsletter.stores.recent import Entry

__all__ = ["STATES", "Places"]

Action = Literal["unsubscribe", "release", "resend"]
Way = Literal["mail", "telephone", "letter", "shop"]  # in which a withdrawal reached us
PAGE = 50  # subscribers


@dataclass(frozen=True)
class Who:
    """Who of the staff asks."""

    id: str
    supervises: bool


@dataclass(frozen=True)
class Record:
    """What is known of an address: a subscriber, or that the data was erased."""

    key: str
    state: str  # as `model.state_of` says, or `erased`
    subscriber: Subscriber | None
    entries: tuple[Entry, ...]  # the last events, the latest first
    erased_at: datetime | None = None
    silent_until: datetime | None = None  # until when a refused address gets no confirmation mail
    actions: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Pressed:
    """What a press led to: the record as it is now, and why the press was refused, if it was."""

    record: Record
    refused: ContactError | None = None


@dataclass(frozen=True)
class Found:
    """A page of the list; `counts` belongs to the first one."""

    subscribers: tuple[Subscriber, ...]
    after: Places | None
    counts: Counts | None


def search(
    wanted: Filter,
    at: datetime,
    after: Places | None,
    who: Who,
    clock: Callable[[], float],
    seconds: float = 3,
) -> Found:
    """Return a page of the subscribers who are meant, as of `at`, and how many there are by state.

    `after` is that of the page before. The page and the counts take so many `seconds` each by the
    `clock`, and a read more. Raises Unavailable.
    """

    def in_time() -> Callable[[], bool]:
        end = clock() + seconds
        return lambda: clock() < end

    page = listed.page(wanted, at, after, PAGE, in_time())
    counts = None if after else listed.count(wanted, at, in_time())
    log.info(
        "newsletter.listed",
        by=who.id,
        subscribers=len(page.subscribers),
        state=wanted.state,
        topic=wanted.topic,
    )
    return Found(page.subscribers, page.after, counts)


def find(email: str, who: Who, now: datetime) -> Record:
    """Return the record of an address. Raises NotFound where nothing is stored for it."""
    return look(key_of(email), who, now)


def look(key: str, who: Who, now: datetime) -> Record:
    """Return a record; the look is on record. Raises NotFound."""
    record = _record(key, who, now)
    log.info("newsletter.looked_up", subscriber=key, by=who.id)
    return record


def unsubscribe(key: str, way: Way, note: str, who: Who, now: datetime) -> Pressed:
    """Record a withdrawal that reached us in this way; repeated, it changes nothing."""
    return _press(lambda: service.withdraw_for(key, way, note, who.id, now), key, who, now)


def release(key: str, who: Who, now: datetime) -> Pressed:
    """Release an address that bounced or refused, for supervisors after a complaint, too."""
    return _press(lambda: service.release(key, who.id, now, who.supervises), key, who, now)


def resend(key: str, who: Who, now: datetime) -> Pressed:
    """Send the confirmation mail again, within the limits of its mailbox."""
    return _press(lambda: service.resend(key, who.id, now), key, who, now)


def actions(subscriber: Subscriber | None, who: Who, now: datetime) -> tuple[Action, ...]:
    """Return what can be done about a subscriber; any other press changes nothing."""
    possible: Mapping[str, tuple[Action, ...]] = {
        "pending": ("resend", "unsubscribe"),
        "confirmed": ("unsubscribe",),
        "refused": ("release",),
        "bounced": ("release",),
        "complained": ("release",) if who.supervises else (),
    }
    return possible.get(model.state_of(subscriber, now), ())


def _press(action: Callable[[], object], key: str, who: Who, now: datetime) -> Pressed:
    """Do what was pressed; return the record in any case. Raises NotFound, Unavailable."""
    try:
        action()
    except NotFound:
        # Erased by somebody else in the meantime: the record says so.
        return Pressed(_record(key, who, now), NotFound("no_subscriber"))
    except ContactError as refused:
        return Pressed(_record(key, who, now), refused)
    return Pressed(_record(key, who, now))


def _record(key: str, who: Who, now: datetime) -> Record:
    known, entries = subscribers.load(key), tuple(recent.entries(key))
    if known.subscriber is None:
        return _erased(key, known.suppressed, entries)
    state = model.state_of(known.subscriber, now)
    refused_at = known.subscriber.refused_at
    return Record(
        key,
        state,
        known.subscriber,
        entries,
        silent_until=refused_at + model.REFUSED_FOR if refused_at else None,
        actions=actions(known.subscriber, who, now),
    )


def _erased(key: str, suppressed: bool, entries: tuple[Entry, ...]) -> Record:
    """Return the record of an address that was erased. Raises NotFound where it was not."""
    at = next((each.at for each in entries[:1] if each.event == "erased"), None)
    if at is None and not suppressed:
        raise NotFound("no_subscriber")
    return Record(key, "erased", None, entries, at)
