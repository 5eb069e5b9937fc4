"""The ledger shows every change of an event, and stays whole after an erasure."""

from dataclasses import replace

import pytest

from chalicelib.newsletter import ledger
from chalicelib.newsletter.ledger import Event, Keyed

EVA = Keyed("eva", b"secret of the stage")


def make(count: int = 4) -> list[Event]:
    events: list[Event] = []
    for version in range(1, count + 1):
        head = events[-1].hash if events else ledger.FIRST
        personal = {"caller": f"192.0.2.{version}", "email": "eva@example.org"}
        at = f"2026-11-23T09:00:0{version}.000Z"
        events.append(
            ledger.append(
                EVA,
                head,
                version,
                "signup",
                at,
                {"consent": "newsletter-de-1"},
                personal,
                str(version),
            )
        )
    return events


def test_a_whole_ledger_has_no_faults() -> None:
    events = make()
    assert ledger.faults(EVA, events, events[-1].hash) == []
    assert ledger.faults(EVA, [], None) == []


def test_it_survives_an_erasure() -> None:
    events = [replace(event, personal=None) for event in make()]
    assert ledger.faults(EVA, events, events[-1].hash) == []


def test_it_may_begin_later_once_old_events_have_gone() -> None:
    events = make()[2:]
    assert ledger.faults(EVA, events, events[-1].hash) == []


@pytest.mark.parametrize("position", range(4))
@pytest.mark.parametrize(
    "change",
    [
        {"event": "confirmed"},
        {"at": "2026-11-23T09:00:09.000Z"},
        {"facts": {"consent": "newsletter-de-2"}},
        {"personal": {"caller": "192.0.2.99", "email": "eva@example.org", "salt": "1"}},
        {"personal_digest": "0" * 64},
        {"previous": "1" * 64},
        {"hash": "2" * 64},
        {"version": 9},
    ],
    ids=lambda change: next(iter(change)),
)
def test_any_change_of_any_event_shows(position: int, change: dict[str, object]) -> None:
    events = make()
    # Each change has its field's own type.
    events[position] = replace(events[position], **change)  # type: ignore[arg-type]
    assert ledger.faults(EVA, events, make()[-1].hash)


@pytest.mark.parametrize("position", range(1, 4))
def test_a_missing_event_shows(position: int) -> None:
    events = make()
    del events[position]
    assert ledger.faults(EVA, events, make()[-1].hash)


def test_events_in_another_order_show() -> None:
    events = make()
    events[1], events[2] = events[2], events[1]
    assert ledger.faults(EVA, events, events[-1].hash)


def test_a_forged_event_at_the_end_shows() -> None:
    events = make()
    forged = ledger.append(
        EVA, events[-1].hash, 5, "confirmed", "2026-11-24T09:00:00.000Z", {}, {}, "salt"
    )
    assert ledger.faults(EVA, [*events, forged], events[-1].hash)
