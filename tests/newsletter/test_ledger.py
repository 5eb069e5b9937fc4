"""The ledger shows every change of an event, and stays whole after an erasure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.newsletter import ledger
from chalicelib.newsletter.ledger import Event, Head, Keyed

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


def test_a_chain_under_another_secret_or_of_another_person_shows() -> None:
    events = make()
    for other in (Keyed("eva", b"another secret"), Keyed("ann", EVA.secret)):
        assert len(ledger.faults(other, events, events[-1].hash)) == len(events)


def test_a_hash_of_another_algorithm_shows() -> None:
    events = make()
    events[0] = replace(events[0], algorithm="sha256")
    assert ledger.faults(EVA, events, events[-1].hash)


NOW = datetime(2027, 3, 10, tzinfo=UTC)


def head(version: int, day: int = 0, kept_days: int | None = None, **changes: object) -> Head:
    """Return the head of that version of the ledger, as it was kept on a day."""
    at = NOW + timedelta(days=day)
    until = None if kept_days is None else NOW + timedelta(days=kept_days)
    kept = Head("eva", 1, version, make()[version - 1].hash, until, at)
    return replace(kept, **changes)  # type: ignore[arg-type]  # each has its field's own type


def told(heads: list[Head], versions: range, day: int = 20) -> list[str]:
    hashes = {each.version: each.hash for each in make() if each.version in versions}
    found = ledger.faults_by_heads(heads, hashes, NOW + timedelta(days=day))
    return [each.sentence % each.values for each in found]


def test_a_ledger_agrees_with_its_heads() -> None:
    assert told([head(2), head(4, 1)], range(1, 5)) == []
    assert told([head(4), head(4, 365)], range(1, 9)) == []  # what came since is no fault
    assert told([], range(1, 5)) == []


def test_heads_show_what_was_rewritten_cut_or_removed() -> None:
    kept = [head(2), head(4, 1)]
    other = [head(2, hash="0" * 64), head(4, 1)]
    rewritten = "Event 2 is not the one whose check value was kept."
    assert told(other, range(1, 5)) == [rewritten]
    assert told(kept, range(1, 4)) == ["Event 4 is missing, whose check value was kept."]
    assert told(kept, range(2, 5)) == ["The events before number 2 are missing, from number 1 on."]
    assert told(kept, range(0)) == ["The events are gone, though their term is not over."]
    assert told([*kept, *kept], range(1, 4)) == told(kept, range(1, 4))


def test_heads_of_a_proof_whose_term_is_over_say_nothing() -> None:
    ended = [head(2), head(3, 1, kept_days=10)]
    assert told(ended, range(0), day=9) != []
    assert told(ended, range(0), day=10) == []
    anew = [*ended, head(1, 11, hash="1" * 64)]  # the same address begins anew after the term
    hashes = {1: "1" * 64}
    assert ledger.faults_by_heads(anew, hashes, NOW + timedelta(days=12)) == []
    back = [*ended, head(4, 5)]  # the person came back within it: nothing has gone
    assert told(back, range(4, 5), day=12) != []


def test_a_forged_event_at_the_end_shows() -> None:
    events = make()
    forged = ledger.append(
        EVA, events[-1].hash, 5, "confirmed", "2026-11-24T09:00:00.000Z", {}, {}, "salt"
    )
    assert ledger.faults(EVA, [*events, forged], events[-1].hash)
