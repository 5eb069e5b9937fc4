"""The workflow: every state and every event, and each guard at its edge."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from chalicelib import callbacks
from chalicelib.callbacks import opening_hours, workflow
from chalicelib.callbacks.model import LIVE, Attempt, Callback, Change, Outcome, Rules
from chalicelib.errors import Conflict, Invalid
from tests.callbacks.cases import (
    ANNA,
    ASKED,
    BEN,
    MONDAY,
    RULES,
    STATES,
    WINDOW,
    asap,
    at,
    calling,
    claimed,
    retry,
    scheduled,
)
from tests.callbacks.test_opening_hours import make

OTHER = (at("Wed 09:00"), at("Wed 11:00"))


def due(before: Callback) -> Change:
    """Run the clock at the first opening after the request is due."""
    now = opening_hours.next_opening(RULES.hours, before.due_at or MONDAY)
    assert now is not None
    return workflow.tick(before, RULES, now)


def third_miss(before: Callback) -> Change:
    two = tuple(Attempt(MONDAY - timedelta(days=day), "a", "busy") for day in (2, 1))
    return workflow.record_outcome(replace(before, attempts=two), ANNA, "busy", RULES, MONDAY)


# Every event by its name in the history, and what causes it.
EVENTS: dict[str, Callable[[Callback], Change]] = {
    "opened": due,
    "escalated": due,
    "lapsed": due,
    "expired": lambda before: due(replace(before, due_at=before.due_at and before.expires_at)),
    "claimed": lambda before: workflow.claim(before, ANNA, RULES, MONDAY),
    "offered": lambda before: workflow.offer(before, ANNA, "Ben"),
    "handed over": lambda before: workflow.claim(
        replace(before, offered_to="Ben"), BEN, RULES, MONDAY
    ),
    "dialled": lambda before: workflow.dial(before, ANNA, RULES, at("Wed 10:00")),
    "released": lambda before: workflow.release(before, ANNA, RULES, MONDAY),
    "missed": lambda before: workflow.record_outcome(before, ANNA, "mailbox", RULES, MONDAY),
    "unreached": third_miss,
    "agreed": lambda before: workflow.record_outcome(
        before, ANNA, "later", RULES, MONDAY, window=OTHER
    ),
    "done": lambda before: workflow.record_outcome(before, ANNA, "reached", RULES, MONDAY),
    "refused": lambda before: workflow.record_outcome(before, ANNA, "wrong_number", RULES, MONDAY),
    "rescheduled": lambda before: workflow.reschedule(before, OTHER, RULES, MONDAY),
    "cancelled": lambda before: workflow.cancel(before, MONDAY),
    "withdrawn": lambda before: workflow.withdraw(before, ANNA, MONDAY),
    "called in": lambda before: workflow.called_in(before, ANNA, MONDAY),
}


def drawn() -> Iterator[tuple[str, str, str]]:
    """Yield the arrows of the picture in the package's docstring: from, event, to."""
    for line in (callbacks.__doc__ or "").splitlines():
        found = re.match(r"    (.+?) ── (.+?) ──→ ([a-z |]+?)( +\(.*)?$", line)
        if found:
            froms, events, tos = (each.split(" | ") for each in found.groups()[:3])
            yield from ((one, event, to) for one in froms for event in events for to in tos)


def played() -> Iterator[tuple[str, str, str]]:
    yield from (("–", "submitted", state) for state in ("open", "scheduled"))
    for state, before in STATES.items():
        for name, event in EVENTS.items():
            try:
                change = event(before)
            except Conflict:
                continue
            if change.changes and change.event == name:
                yield state, name, change.after.state


def test_the_picture_is_what_the_code_does() -> None:
    assert set(drawn()) == set(played())
    transitions = len(set(played()))
    print(f"callbacks: {len(STATES)} states x {len(EVENTS)} events, {transitions} transitions")


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_every_state_and_every_event(state: str, name: str) -> None:
    """Check that an event does what is drawn.

    Where nothing is drawn it raises a conflict with the state, or changes nothing.
    """
    before = STATES[state]
    if (state, name) not in {(one, event) for one, event, _ in drawn()}:
        try:
            change = EVENTS[name](before)
        except Conflict as conflict:
            # It need not raise: an event that has happened already is no conflict.
            assert conflict.state == state  # noqa: PT017
            return
        if not change.changes:
            assert change.owes == ()
            return
    change = EVENTS[name](before)
    after = change.after
    assert (state, change.event, after.state) in set(drawn())
    assert after.version == before.version + 1
    assert change.ends == (after.state not in LIVE)
    assert change.blocks == (after.state == "refused")
    assert (after.due_at is None) == change.ends == (after.ended_at is not None)
    assert bool(after.holder) == (after.state == "claimed")
    assert "Muster" not in str(change.facts) + str(change.personal) + change.event + change.by


def test_an_ended_request_never_reopens() -> None:
    for state, before in STATES.items():
        if state not in LIVE:
            for event in EVENTS.values():
                try:
                    assert event(before).after.state == state
                except Conflict:
                    continue


@pytest.mark.parametrize(
    ("now", "expected", "alerted"),
    [
        ("Mon 10:00", ("Mon 10:00", "Mon 10:30"), "Mon 10:00"),
        ("2026-11-21 10:00", ("Mon 09:00", "Mon 09:30"), "Mon 09:00"),  # no alert on a Saturday
        ("Mon 16:50", ("Mon 16:50", "Tue 09:20"), "Mon 16:50"),
    ],
)
def test_as_soon_as_possible(now: str, expected: tuple[str, str], alerted: str) -> None:
    change = workflow.submit(ASKED, "R-7F3K", RULES, at(now))
    assert change.after.state == "open"
    assert change.after.expected == tuple(map(at, expected))
    assert [(owed.kind, owed.due_at) for owed in change.owes] == [
        ("alert", at(alerted)),
        ("received", at(now)),
    ]


def test_a_wished_window_is_promised_and_alerted_when_it_begins() -> None:
    change = workflow.submit(replace(ASKED, window=WINDOW, email=""), "R-7F3K", RULES, MONDAY)
    assert (change.after.state, change.after.expected, change.owes) == ("scheduled", WINDOW, ())
    assert workflow.tick(change.after, RULES, WINDOW[0] - timedelta(seconds=1)).changes is False
    opened = workflow.tick(change.after, RULES, WINDOW[0])
    assert [owed.kind for owed in opened.owes] == ["alert"]
    assert (opened.after.due_at, opened.after.expected) == (at("Tue 13:30"), WINDOW)


@pytest.mark.parametrize(
    "window",
    [
        ("Mon 16:00", "Mon 18:00"),  # beyond the end of the day
        ("2026-11-22 10:00", "2026-11-22 12:00"),  # Sunday
        ("Mon 09:00", "Mon 10:14"),  # hardly any of it is left
        ("Tue 11:00", "Tue 10:00"),  # ends before it begins
        ("Tue 10:00", "Wed 10:00"),  # over night
    ],
)
def test_a_window_outside_opening_hours_is_refused(window: tuple[str, str]) -> None:
    span = (at(window[0]), at(window[1]))
    with pytest.raises(Invalid):
        workflow.submit(replace(ASKED, window=span), "R-7F3K", RULES, MONDAY)
    with pytest.raises(Invalid):
        workflow.reschedule(asap(), span, RULES, MONDAY)
    with pytest.raises(Invalid):
        workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=span)


def test_a_line_that_never_opens_takes_no_request() -> None:
    with pytest.raises(Invalid):
        workflow.submit(ASKED, "R-7F3K", Rules(make(week="")), MONDAY)


def test_escalation_by_the_open_clock() -> None:
    """Check the alerts of a request of 10:00: the shift at 10:30, the supervisor at 11:00.

    Then the supervisor is told hourly three times, and nobody until the request expires.
    """
    callback, told = asap(), []
    for minute in range(3 * 24 * 60):
        now = MONDAY + timedelta(minutes=minute)
        while (change := workflow.tick(callback, RULES, now)).changes:
            callback = change.after
            told.append((now, callback.level))
    assert told == [
        (at(f"Mon {time}"), n)
        for n, time in enumerate(("10:30", "11:00", "12:00", "13:00", "14:00"), 1)
    ]
    assert callback.due_at == callback.expires_at == at("2026-11-30 17:00")
    ended = workflow.tick(callback, RULES, at("2026-12-01 09:00"))
    assert ended.event == "expired"
    assert [owed.kind for owed in ended.owes] == ["expired", "missed"]


def test_nobody_on_shift_and_the_supervisor_is_told_at_once() -> None:
    rules = replace(RULES, shifts={"a@example.org": make("Mon 11:00-12:00")})
    early = workflow.tick(asap(), rules, at("Mon 10:30"))
    assert (early.after.level, early.facts) == (2, {"level": "2", "nobody": "on shift"})
    staffed = workflow.tick(asap(at("Mon 10:45")), rules, at("Mon 11:15"))
    assert (staffed.after.level, rules.on_shift(at("Mon 11:15"))) == (1, ("a@example.org",))


@pytest.mark.parametrize("late", [0, 1, 60, 60 * 24, 60 * 24 * 20])
def test_a_clock_that_is_late_does_the_same(late: int) -> None:
    """Check that a late clock owes the same messages as a punctual one."""

    def owed(lateness: int) -> list[tuple[str, int]]:
        callback, messages = scheduled(), list[tuple[str, int]]()
        for hour in range(24 * 30):
            now = MONDAY + timedelta(hours=hour, minutes=lateness)
            while (change := workflow.tick(callback, RULES, now)).changes:
                callback = change.after
                messages += [(each.kind, each.serial) for each in change.owes]
        return messages

    assert owed(late) == owed(0)
    assert [kind for kind, _ in owed(0)] == ["alert"] * 6 + ["expired", "missed"]


def test_one_winner_and_the_others_learn_who() -> None:
    with pytest.raises(Conflict) as conflict:
        workflow.claim(claimed(), BEN, RULES, MONDAY)
    assert (conflict.value.state, conflict.value.reason, conflict.value.holder) == (
        "claimed",
        "held",
        "Anna",
    )
    assert not workflow.claim(claimed(), ANNA, RULES, MONDAY).changes


def test_a_lease_of_fifteen_open_minutes() -> None:
    held = claimed(at("Mon 16:50"))
    assert held.due_at == at("Tue 09:05")
    assert not workflow.tick(held, RULES, at("Tue 09:04")).changes
    lapsed = workflow.tick(held, RULES, at("Tue 09:05"))
    assert (lapsed.after.state, lapsed.event, lapsed.after.attempts) == ("open", "lapsed", ())
    assert [owed.kind for owed in lapsed.owes] == ["alert"]


def test_the_waiting_time_runs_on_through_a_claim_that_came_to_nothing() -> None:
    back = workflow.release(claimed(at("Mon 10:20")), ANNA, RULES, at("Mon 10:25"))
    assert back.after.alert > asap().alert
    assert back.after.due_at == at("Mon 10:30")
    late = workflow.release(claimed(at("Mon 10:20")), ANNA, RULES, at("Mon 11:30")).after
    assert workflow.tick(late, RULES, at("Mon 11:30")).after.level == 1


def test_a_call_is_not_interrupted_by_the_lease() -> None:
    assert calling().due_at == at("Mon 11:00")
    lapsed = workflow.tick(calling(), RULES, at("Mon 11:00"))
    assert lapsed.after.attempts[0].outcome == "unknown"
    said = workflow.record_outcome(
        claim_again(lapsed.after), ANNA, "reached", RULES, at("Mon 11:02")
    )
    assert [attempt.outcome for attempt in said.after.attempts] == ["reached"]


def claim_again(before: Callback, now: datetime = MONDAY) -> Callback:
    return workflow.claim(before, ANNA, RULES, now).after


# fmt: off
CALLS = [
    # now        attempts before                           refused for
    ("Wed 10:00", (),                                      ""),
    ("Wed 08:59", (),                                      "closed"),
    ("Wed 17:00", (),                                      "closed"),
    ("Wed 10:19", ("Wed 10:00",),                          "too_soon"),
    ("Wed 10:20", ("Wed 10:00",),                          ""),
    ("Wed 16:00", ("Wed 10:00", "Wed 11:00"),              "attempts_today"),
    ("Thu 09:00", ("Wed 10:00", "Wed 11:00"),              ""),
    ("Fri 09:00", ("Wed 10:00", "Wed 11:00", "Thu 09:00"), "attempts"),
]
# fmt: on


@pytest.mark.parametrize(("now", "attempts", "reason"), CALLS)
def test_when_a_call_may_be_made(now: str, attempts: tuple[str, ...], reason: str) -> None:
    made = tuple(Attempt(at(each), "a", "busy") for each in attempts)
    before = replace(claimed(), attempts=made)
    if not reason:
        assert workflow.dial(before, ANNA, RULES, at(now)).after.is_calling
        return
    with pytest.raises(Conflict) as conflict:
        workflow.dial(before, ANNA, RULES, at(now))
    assert conflict.value.reason == reason


def test_outside_the_wished_window_only_on_the_agents_word() -> None:
    before = replace(claimed(), asked=replace(ASKED, window=WINDOW))
    with pytest.raises(Conflict, match="outside_window"):
        workflow.dial(before, ANNA, RULES, MONDAY)
    assert workflow.dial(before, ANNA, RULES, MONDAY, outside_window=True).after.is_calling
    assert workflow.dial(before, ANNA, RULES, WINDOW[0]).after.is_calling


def test_a_second_press_of_give_back_changes_nothing_and_a_strangers_is_refused() -> None:
    open_again = workflow.release(claimed(), ANNA, RULES, MONDAY).after
    assert not workflow.release(open_again, ANNA, RULES, MONDAY).changes
    with pytest.raises(Conflict, match="open"):
        workflow.release(open_again, BEN, RULES, MONDAY)
    with pytest.raises(Conflict, match="held"):
        workflow.release(workflow.claim(open_again, BEN, RULES, MONDAY).after, ANNA, RULES, MONDAY)


def test_an_offer_tells_the_history_to_whom() -> None:
    assert workflow.offer(claimed(), ANNA, "b").personal == {"to": "b"}


def test_only_the_holder_dials_and_a_second_press_is_the_same_call() -> None:
    with pytest.raises(Conflict, match="held"):
        workflow.dial(claimed(), BEN, RULES, MONDAY)
    assert not workflow.dial(calling(), ANNA, RULES, MONDAY + timedelta(minutes=1)).changes


# fmt: off
RETRIES = [
    # missed at                   tried again at
    (("Mon 10:00",),             "Mon 10:20"),
    (("Mon 16:50",),             "Tue 09:10"),
    (("Mon 16:40",),             "Tue 09:00"),  # the line closes in this moment
    (("Fri 16:55",),             "2026-11-30 09:15"),
    (("Mon 09:00", "Mon 09:30"), "Tue 09:00"),  # a call in the afternoon would be the day's third
    (("Mon 16:00", "Tue 09:00"), "Tue 12:00"),  # another half of a day
    (("Mon 16:00", "Tue 11:30"), "Tue 13:30"),
    (("Mon 10:00", "Tue 14:00"), "Wed 09:00"),
]
# fmt: on


@pytest.mark.parametrize(("missed_at", "again_at"), RETRIES)
def test_when_it_is_tried_again(missed_at: tuple[str, ...], again_at: str) -> None:
    *earlier, last = (at(each) for each in missed_at)
    before = replace(claimed(), attempts=tuple(Attempt(each, "a", "busy") for each in earlier))
    after = workflow.record_outcome(before, ANNA, "no_answer", RULES, last).after
    assert (after.state, after.due_at) == ("retry", at(again_at))
    opened = workflow.tick(after, RULES, at(again_at))
    assert (opened.after.state, opened.after.level, opened.after.expected[0]) == (
        "open",
        0,
        at(again_at),
    )
    assert [attempt.at for attempt in after.attempts] == [at(each) for each in missed_at]


def test_the_third_miss_ends_it_and_the_customer_is_written() -> None:
    change = third_miss(claimed())
    assert (change.after.state, [owed.kind for owed in change.owes]) == ("unreached", ["missed"])
    assert third_miss(replace(claimed(), asked=replace(ASKED, email=""))).owes == ()


@pytest.mark.parametrize(
    "outcome", ["reached", "no_answer", "busy", "mailbox", "refused", "wrong_number"]
)
def test_the_second_click_on_an_outcome_changes_nothing(outcome: Outcome) -> None:
    once = workflow.record_outcome(calling(), ANNA, outcome, RULES, MONDAY).after
    assert not workflow.record_outcome(once, ANNA, outcome, RULES, MONDAY).changes
    with pytest.raises(Conflict):
        workflow.record_outcome(once, BEN, outcome, RULES, MONDAY)


def test_later_is_agreed_and_kept_by_the_same_agent() -> None:
    with pytest.raises(Invalid, match="window"):
        workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY)
    change = workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=OTHER)
    after = change.after
    assert (after.state, after.expected, after.preferred, after.holder) == (
        "scheduled",
        OTHER,
        "a",
        "",
    )
    assert [owed.kind for owed in change.owes] == ["received"]
    # A call that ended in an agreement is none of the three misses after which a request ends.
    assert (
        workflow.record_outcome(
            claim_again(workflow.tick(after, RULES, OTHER[0]).after), ANNA, "busy", RULES, OTHER[0]
        ).after.state
        == "retry"
    )


def test_hand_over_holds_until_the_other_accepts() -> None:
    offered = workflow.offer(claimed(), ANNA, "Ben").after
    assert (offered.holder, offered.offered_to) == ("a", "Ben")
    assert not workflow.offer(offered, ANNA, "Ben").changes
    taken = workflow.claim(offered, BEN, RULES, MONDAY).after
    assert (taken.holder, taken.offered_to) == ("b", "")
    with pytest.raises(Conflict, match="held"):
        workflow.dial(taken, ANNA, RULES, MONDAY)
    with pytest.raises(Conflict, match="calling"):
        workflow.offer(calling(), ANNA, "Ben")


@pytest.mark.parametrize(
    "before", [asap(), scheduled(), retry(), claimed()], ids=lambda each: each.state
)
def test_the_customer_cancels_and_takes_it_back(before: Callback) -> None:
    change = workflow.cancel(before, MONDAY)
    assert (change.after.state, [owed.kind for owed in change.owes]) == ("cancelled", ["cancelled"])
    assert not workflow.cancel(change.after, MONDAY).changes
    back = workflow.undo(change.after, "R-NEXT", RULES, MONDAY + timedelta(minutes=9, seconds=59))
    assert (back.after.follows, back.after.reference, back.before) == ("R-7F3K", "R-NEXT", None)
    with pytest.raises(Conflict, match="too_late"):
        workflow.undo(change.after, "R-NEXT", RULES, MONDAY + timedelta(minutes=10))
    with pytest.raises(Conflict):
        workflow.undo(change.after.erase(), "R-NEXT", RULES, MONDAY)


def test_nothing_is_changed_by_the_customer_while_somebody_calls() -> None:
    with pytest.raises(Conflict, match="calling"):
        workflow.cancel(calling(), MONDAY)
    with pytest.raises(Conflict, match="calling"):
        workflow.reschedule(calling(), OTHER, RULES, MONDAY)


def test_moved_twice_to_the_same_time_is_moved_once() -> None:
    moved = workflow.reschedule(claimed(), OTHER, RULES, MONDAY).after
    assert (moved.state, moved.holder, moved.promised) == ("scheduled", "", OTHER[1])
    assert not workflow.reschedule(moved, OTHER, RULES, MONDAY).changes


def test_a_request_that_nobody_works_ends_after_five_open_days() -> None:
    # The call is promised until Tuesday 9:20.
    assert asap(at("Mon 16:50")).expires_at == at("2026-12-01 17:00")
    assert asap(at("Fri 10:00")).expires_at == at("2026-12-04 17:00")
    callback, now, events = (
        replace(claimed(), due_at=at("2026-12-01 10:00")),
        at("2026-12-01 10:00"),
        [],
    )
    while (change := workflow.tick(callback, RULES, now)).changes:
        callback = change.after
        events.append(change.event)
    assert events == ["lapsed", *["escalated"] * 5, "expired"]


def test_a_window_may_begin_this_very_moment() -> None:
    window = (MONDAY, MONDAY + timedelta(hours=1))
    assert (
        workflow.submit(replace(ASKED, window=window), "R-7F3K", RULES, MONDAY).after.due_at
        == MONDAY
    )


def test_an_undo_keeps_a_window_that_is_still_to_come() -> None:
    change = workflow.cancel(scheduled(), MONDAY)
    kept = workflow.undo(change.after, "R-NEXT", RULES, MONDAY)
    assert (kept.after.state, kept.after.expected) == ("scheduled", WINDOW)
    gone = replace(
        change.after, asked=replace(ASKED, window=(MONDAY, MONDAY + timedelta(minutes=30)))
    )
    late = workflow.undo(gone, "R-NEXT", RULES, MONDAY + timedelta(minutes=5))
    assert (late.after.state, late.after.asked.window) == ("open", None)
    assert workflow.undo(gone, "R-NEXT", RULES, MONDAY).after.state == "scheduled"


def test_alerts_and_letters_are_numbered() -> None:
    """Check that a serial number names one message for good.

    The same message is never owed twice, and no other message gets its number.
    """
    assert (asap().alert, asap().letters) == (10, 1)
    released = workflow.release(claimed(), ANNA, RULES, MONDAY)
    assert [(owed.kind, owed.serial) for owed in released.owes] == [("alert", 20)]
    opened = workflow.tick(scheduled(), RULES, WINDOW[0])
    assert [(owed.kind, owed.serial) for owed in opened.owes] == [("alert", 20)]
    moved = workflow.reschedule(asap(), OTHER, RULES, MONDAY)
    assert [(owed.kind, owed.serial) for owed in moved.owes] == [("received", 2)]


def test_a_line_that_is_closed_for_good_meanwhile_goes_by_the_wall_clock() -> None:
    closed = Rules(make(week="", exceptions="2026-11-24 09:00-17:00"))
    assert workflow.claim(
        asap(), ANNA, Rules(make(week="")), MONDAY
    ).after.due_at == MONDAY + timedelta(minutes=15)
    asked = workflow.submit(replace(ASKED, window=WINDOW), "R-7F3K", closed, MONDAY)
    assert asked.after.expires_at == WINDOW[1] + timedelta(days=5)
    third = (Attempt(at("Mon 09:00"), "a", "busy"),)
    missed = workflow.record_outcome(
        replace(claimed(), attempts=third), ANNA, "busy", Rules(make(week="")), at("Mon 23:00")
    )
    assert missed.after.due_at == at("Tue 01:00")
    with pytest.raises(Invalid):
        workflow.submit(
            ASKED, "R-7F3K", Rules(make(week="", exceptions="2026-11-24 09:00-09:10")), MONDAY
        )


def test_an_outcome_replaces_only_the_call_it_is_of() -> None:
    earlier = Attempt(at("Mon 09:00"), "a", "busy")
    before = replace(calling(), attempts=(earlier, Attempt(at("Mon 10:00"), "a")))
    assert [
        each.outcome
        for each in workflow.record_outcome(before, ANNA, "reached", RULES, MONDAY).after.attempts
    ] == [
        "busy",
        "reached",
    ]
    unsaid = replace(claimed(), attempts=(earlier,))
    implied = workflow.record_outcome(
        unsaid, ANNA, "reached", RULES, at("Mon 12:00")
    ).after.attempts
    assert [(each.at, each.outcome) for each in implied] == [
        (earlier.at, "busy"),
        (at("Mon 12:00"), "reached"),
    ]
