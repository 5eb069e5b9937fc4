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
    ASKED_AGAIN,
    BEN,
    CHEF,
    FURTHER,
    LIVE_ONES,
    MINUTE,
    MONDAY,
    OTHER,
    OWN,
    RIGHT_NUMBER,
    RULES,
    STATES,
    VARIANTS,
    WINDOW,
    asap,
    at,
    busy,
    calling,
    cancelled,
    claimed,
    held,
    scheduled,
    with_further_wish,
)
from tests.callbacks.test_opening_hours import make

ANOTHER = replace(asap(), reference="R-LIVE")  # another request, which has the number


def due(before: Callback) -> Change:
    """Run the clock at the first opening after the request is due."""
    now = opening_hours.next_opening(RULES.hours, before.due_at or MONDAY)
    assert now is not None
    return workflow.tick(before, RULES, now)


def third_miss(before: Callback) -> Change:
    two = tuple(busy(MONDAY - timedelta(days=day)) for day in (2, 1))
    return workflow.record_outcome(replace(before, attempts=two), ANNA, "busy", RULES, MONDAY)


def submitted() -> Iterator[Change]:
    """Yield each way in which a request comes."""
    yield workflow.submit(ASKED, OWN, RULES, MONDAY)
    yield workflow.submit(replace(ASKED, window=WINDOW), OWN, RULES, MONDAY)
    yield workflow.submit(ASKED, OWN, RULES, MONDAY, held_for="limit")


# Every event by its name in the history, and what causes it.
EVENTS: list[tuple[str, Callable[[Callback], Change]]] = [
    ("opened", due),
    ("escalated", due),
    ("lapsed", due),
    ("expired", lambda each: due(replace(each, due_at=each.due_at and each.expires_at))),
    ("wished", lambda each: workflow.wish(each, ASKED_AGAIN, "R-NEXT", RULES, MONDAY)),
    ("admitted", lambda each: workflow.admit(each, CHEF, RULES, MONDAY)),
    ("held", lambda each: workflow.hold(each, CHEF, RULES, MONDAY)),
    ("declined", lambda each: workflow.decline(each, CHEF, MONDAY)),
    ("claimed", lambda each: workflow.claim(each, ANNA, RULES, MONDAY)),
    ("assigned", lambda each: workflow.assign(each, BEN, CHEF, RULES, MONDAY)),
    ("taken over", lambda each: workflow.take(each, CHEF, RULES, MONDAY)),
    ("offered", lambda each: workflow.offer(each, ANNA, BEN, MONDAY)),
    ("handed over", lambda each: workflow.claim(replace(each, offered_to="b"), BEN, RULES, MONDAY)),
    ("dialled", lambda each: workflow.dial(each, ANNA, RULES, at("Wed 10:00"))),
    ("released", lambda each: workflow.release(each, ANNA, RULES, MONDAY)),
    ("missed", lambda each: workflow.record_outcome(each, ANNA, "mailbox", RULES, MONDAY)),
    ("unreached", third_miss),
    (
        "agreed",
        lambda each: workflow.record_outcome(each, ANNA, "later", RULES, MONDAY, window=OTHER),
    ),
    ("done", lambda each: workflow.record_outcome(each, ANNA, "reached", RULES, MONDAY)),
    ("refused", lambda each: workflow.record_outcome(each, ANNA, "refused", RULES, MONDAY)),
    (
        "wrong number",
        lambda each: workflow.record_outcome(each, ANNA, "wrong_number", RULES, MONDAY),
    ),
    ("corrected", lambda each: workflow.correct(each, CHEF, RIGHT_NUMBER, RULES, MONDAY)),
    (
        "corrected",
        lambda each: workflow.correct(each, CHEF, RIGHT_NUMBER, RULES, MONDAY, None, "blocked"),
    ),
    ("corrected", lambda each: workflow.correct(each, CHEF, RIGHT_NUMBER, RULES, MONDAY, ANOTHER)),
    ("rescheduled", lambda each: workflow.reschedule(each, OWN, OTHER, RULES, MONDAY)),
    ("cancelled", lambda each: workflow.cancel(each, OWN, RULES, MONDAY)),
    ("withdrawn", lambda each: workflow.withdraw(each, CHEF, MONDAY)),
    (
        "withdrawn",
        lambda each: workflow.withdraw_wishes(each, (FURTHER,), CHEF, RULES, MONDAY),
    ),
    ("called in", lambda each: workflow.called_in(each, ANNA, MONDAY)),
    ("undone", lambda each: workflow.undo(each, ANNA, RULES, MONDAY)),
    ("undone", lambda each: workflow.undo(each, CHEF, RULES, MONDAY)),
    ("undone", lambda each: workflow.undo(each, ANNA, RULES, MONDAY, None, "since")),
    ("undone", lambda each: workflow.undo_by_link(each, OWN, RULES, MONDAY)),
    (
        "undone",
        lambda each: workflow.undo_by_link(each, OWN, RULES, MONDAY, None, "blocked"),
    ),
    ("merged", lambda each: workflow.undo(each, ANNA, RULES, MONDAY, ANOTHER)),
    ("followed", lambda each: workflow.follow(each, CHEF, "R-NEXT", RULES, MONDAY)),
]


def drawn() -> Iterator[tuple[str, str, str]]:
    """Yield the arrows of the pictures in the package's docstring: from, event, to."""
    for line in (callbacks.__doc__ or "").splitlines():
        found = re.match(r"    (.+?) ── (.+?) ──→ ([a-z_ |]+?)( +\(.*)?$", line)
        if found:
            froms, events, tos = (each.split(" | ") for each in found.groups()[:3])
            yield from ((one, event, to) for one in froms for event in events for to in tos)


def played() -> Iterator[tuple[str, str, str]]:
    yield from (("–", "submitted", change.after.state) for change in submitted())
    for before in VARIANTS:
        for name, event in EVENTS:
            try:
                change = event(before)
            except Conflict:
                continue
            if change.changes and change.event == name:
                yield before.state, name, change.after.state


def test_the_picture_is_what_the_code_does() -> None:
    arrows = {(one, event, to) for one, event, to in drawn()}
    shown = {(one, event, to) for one, event, to in arrows if one not in ("released", "lapsed")}
    assert shown == set(played())
    names = {name for name, _ in EVENTS}
    print(f"callbacks: {len(STATES)} states x {len(names)} events, {len(shown)} transitions")


@pytest.mark.parametrize("name", sorted({name for name, _ in EVENTS}))
@pytest.mark.parametrize("number", range(len(VARIANTS)))
def test_every_state_and_every_event(number: int, name: str) -> None:
    """Check that an event does what is drawn.

    Where nothing is drawn it raises a conflict with the state, or changes nothing.
    """
    before = VARIANTS[number]
    for event in (each for known, each in EVENTS if known == name):
        try:
            change = event(before)
        except Conflict as conflict:
            assert conflict.state == before.state  # noqa: PT017
            continue
        if not change.changes:
            assert change.owes == ()
            continue
        after = change.after
        assert (before.state, change.event, after.state) in set(drawn())
        assert after.version == before.version + 1
        assert change.ends == (before.state in LIVE and after.state not in LIVE)
        assert change.blocks == (change.event in ("refused", "wrong number"))
        assert (after.due_at is None) == (not after.is_live) == (after.ended_at is not None)
        assert bool(after.holder) == (after.state == "claimed")
        assert bool(after.held_for) == (after.state == "held")
        assert after.is_live == bool(after.open_wishes)
        told = str(change.facts) + change.event + change.by
        assert "Muster" not in told
        assert "example" not in told


def test_an_ended_request_reopens_by_an_undo_alone() -> None:
    for before in VARIANTS:
        if before.is_live:
            continue
        for name, event in EVENTS:
            try:
                change = event(before)
            except Conflict:
                continue
            assert name == "undone" or change.after.state == before.state


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
    # Half of the promised time is over at 14:00.
    assert (opened.after.due_at, opened.after.expected) == (at("Tue 14:00"), WINDOW)


@pytest.mark.parametrize(
    "window",
    [
        ("Mon 16:00", "Mon 18:00"),  # beyond the end of the day
        ("2026-11-22 10:00", "2026-11-22 12:00"),  # Sunday
        ("Mon 08:00", "Mon 10:14"),  # less than 15 minutes are left
        ("Tue 11:00", "Tue 10:00"),  # ends before it begins
        ("Tue 10:00", "Wed 10:00"),  # over night
    ],
)
def test_a_window_outside_opening_hours_is_refused(window: tuple[str, str]) -> None:
    span = (at(window[0]), at(window[1]))
    with pytest.raises(Invalid):
        workflow.submit(replace(ASKED, window=span), "R-7F3K", RULES, MONDAY)
    with pytest.raises(Invalid):
        workflow.reschedule(asap(), OWN, span, RULES, MONDAY)
    with pytest.raises(Invalid):
        workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=span)


def test_a_line_that_never_opens_takes_no_request() -> None:
    with pytest.raises(Invalid):
        workflow.submit(ASKED, "R-7F3K", Rules(make(week="Mon-Sun closed")), MONDAY)


def alerts_of(callback: Callback) -> list[tuple[datetime, int]]:
    """Play three days and return when each level was reached."""
    told = []
    for minute in range(3 * 24 * 60):
        now = MONDAY + timedelta(minutes=minute)
        while (change := workflow.tick(callback, RULES, now)).changes:
            callback = change.after
            told.append((now, callback.level))
    return told


def test_escalation_by_the_promise() -> None:
    """Check the alerts of a request of 10:00: the shift at half of the promised time.

    The supervisors hear as the promise breaks, then hourly three times, then nobody until the
    request expires.
    """
    times = ("10:15", "10:30", "11:30", "12:30", "13:30")
    assert alerts_of(asap()) == [(at(f"Mon {time}"), n) for n, time in enumerate(times, 1)]
    # The line is closed at 17:00: the fourth alert goes out as it opens.
    window = ("Tue 13:00", "Tue 14:00", "Tue 15:00", "Tue 16:00", "Wed 09:00", "Wed 10:00")
    assert alerts_of(scheduled()) == [(at(time), n) for n, time in enumerate(window)]


def test_a_request_that_nobody_takes_expires() -> None:
    callback = asap()
    assert callback.expires_at == at("2026-11-30 17:00")
    kinds = []
    while (change := workflow.tick(callback, RULES, at("2026-12-01 09:00"))).changes:
        callback = change.after
        kinds = [owed.kind for owed in change.owes]
    assert (callback.state, kinds) == ("expired", ["expired", "missed"])


def test_nobody_on_shift_and_the_supervisor_is_told_at_once() -> None:
    rules = replace(RULES, shifts={"a@example.org": make("Mon 11:00-12:00")})
    early = workflow.tick(asap(), rules, at("Mon 10:15"))
    assert (early.after.level, early.facts) == (2, {"level": "2", "nobody": "on shift"})
    staffed = workflow.tick(asap(at("Mon 10:45")), rules, at("Mon 11:00"))
    assert (staffed.after.level, rules.on_shift(at("Mon 11:00"))) == (1, ("a@example.org",))


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
    back = workflow.release(claimed(at("Mon 10:10")), ANNA, RULES, at("Mon 10:12"))
    assert back.after.alert > asap().alert
    assert (back.after.due_at, back.after.opened_at) == (at("Mon 10:15"), MONDAY)
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
    made = tuple(busy(at(each)) for each in attempts)
    before = replace(claimed(), attempts=made)
    if not reason:
        assert workflow.dial(before, ANNA, RULES, at(now)).after.is_calling
        return
    with pytest.raises(Conflict) as conflict:
        workflow.dial(before, ANNA, RULES, at(now))
    assert conflict.value.reason == reason


def test_outside_the_wished_window_only_on_the_agents_word() -> None:
    before = workflow.claim(scheduled(), ANNA, RULES, MONDAY).after
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


def test_a_supervisor_frees_and_takes_what_another_holds() -> None:
    assert workflow.release(claimed(), CHEF, RULES, MONDAY).after.state == "open"
    with pytest.raises(Conflict, match="held"):
        workflow.release(claimed(), BEN, RULES, MONDAY)
    taken = workflow.take(calling(), CHEF, RULES, MONDAY + 5 * MINUTE)
    assert (taken.after.holder, taken.after.attempts[-1].outcome) == ("c", "unknown")
    assert taken.after.due_at == at("Mon 10:20")
    given = workflow.assign(asap(), BEN, CHEF, RULES, MONDAY)
    assert (given.after.holder, given.personal) == ("b", {"to": "Ben", "to_id": "b"})
    assert [owed.kind for owed in given.owes] == ["handed"]
    assert not workflow.assign(given.after, BEN, CHEF, RULES, MONDAY).changes
    with pytest.raises(Conflict, match="undecided"):
        workflow.claim(held(), ANNA, RULES, MONDAY)


def test_an_early_claim_that_comes_to_nothing_waits_again() -> None:
    early = workflow.claim(scheduled(), ANNA, RULES, MONDAY).after
    back = workflow.release(early, ANNA, RULES, MONDAY)
    assert (back.after.state, back.after.due_at, back.owes) == ("scheduled", WINDOW[0], ())


def test_an_offer_tells_the_history_to_whom() -> None:
    change = workflow.offer(claimed(), ANNA, BEN, MONDAY)
    assert change.personal == {"to": "Ben", "to_id": "b"}
    assert [owed.kind for owed in change.owes] == ["handed"]


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
    before = replace(claimed(), attempts=tuple(map(busy, earlier)))
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
    assert change.owes[0].due_at == MONDAY + 10 * MINUTE  # as long as it can be undone
    silent = workflow.submit(replace(ASKED, email=""), OWN, RULES, MONDAY).after
    assert third_miss(workflow.claim(silent, ANNA, RULES, MONDAY).after).owes == ()


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
    offered = workflow.offer(claimed(), ANNA, BEN, MONDAY).after
    assert (offered.holder, offered.offered_to) == ("a", "b")
    assert not workflow.offer(offered, ANNA, BEN, MONDAY).changes
    taken = workflow.claim(offered, BEN, RULES, MONDAY).after
    assert (taken.holder, taken.offered_to) == ("b", "")
    with pytest.raises(Conflict, match="held"):
        workflow.dial(taken, ANNA, RULES, MONDAY)
    with pytest.raises(Conflict, match="calling"):
        workflow.offer(calling(), ANNA, BEN, MONDAY)


@pytest.mark.parametrize("state", LIVE_ONES)
def test_the_customer_cancels_and_takes_it_back(state: str) -> None:
    before = STATES[state]
    change = workflow.cancel(before, OWN, RULES, MONDAY)
    assert (change.after.state, [owed.kind for owed in change.owes]) == ("cancelled", ["cancelled"])
    assert change.owes[0].due_at == MONDAY + 10 * MINUTE
    assert not workflow.cancel(change.after, OWN, RULES, MONDAY).changes
    back = workflow.undo_by_link(change.after, OWN, RULES, MONDAY + 9 * MINUTE).after
    assert back.state == {"claimed": "open", "retry": "retry", "held": "open"}.get(state, state)
    assert (back.expected, back.asked) == (before.expected, before.asked)
    assert not workflow.undo_by_link(back, OWN, RULES, MONDAY + 10 * MINUTE).changes
    with pytest.raises(Conflict, match="too_late"):
        workflow.undo_by_link(change.after, OWN, RULES, MONDAY + 10 * MINUTE)
    with pytest.raises(Conflict):
        workflow.undo_by_link(change.after.erase(), OWN, RULES, MONDAY)


def test_nothing_is_changed_by_the_customer_while_somebody_calls() -> None:
    with pytest.raises(Conflict, match="calling"):
        workflow.cancel(calling(), OWN, RULES, MONDAY)
    with pytest.raises(Conflict, match="calling"):
        workflow.reschedule(calling(), OWN, OTHER, RULES, MONDAY)


def test_moved_twice_to_the_same_time_is_moved_once() -> None:
    moved = workflow.reschedule(claimed(), OWN, OTHER, RULES, MONDAY).after
    assert (moved.state, moved.holder, moved.promised) == ("scheduled", "", OTHER[1])
    assert not workflow.reschedule(moved, OWN, OTHER, RULES, MONDAY).changes
    back = workflow.undo_by_link(moved, OWN, RULES, MONDAY + MINUTE)
    assert (back.after.state, back.after.expected, back.after.asked.window) == (
        "open",
        asap().expected,
        None,
    )
    assert [owed.kind for owed in back.owes] == ["alert", "received"]


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
    made = workflow.submit(replace(ASKED, window=window), OWN, RULES, MONDAY).after
    assert (made.state, made.due_at) == ("open", MONDAY + 30 * MINUTE)


def test_an_undo_keeps_a_window_that_is_still_to_come() -> None:
    change = workflow.cancel(scheduled(), OWN, RULES, MONDAY)
    kept = workflow.undo_by_link(change.after, OWN, RULES, MONDAY)
    assert (kept.after.state, kept.after.expected) == ("scheduled", WINDOW)
    soon = workflow.submit(
        replace(ASKED, window=(MONDAY, MONDAY + 20 * MINUTE)), OWN, RULES, MONDAY
    ).after
    gone = workflow.cancel(soon, OWN, RULES, MONDAY).after
    late = workflow.undo_by_link(gone, OWN, RULES, MONDAY + 6 * MINUTE)
    assert (late.after.state, late.after.asked.window) == ("open", None)
    assert late.after.expected == (MONDAY + 6 * MINUTE, MONDAY + 36 * MINUTE)


def test_alerts_and_letters_are_numbered() -> None:
    """Check that a serial number names one message for good.

    The same message is never owed twice, and no other message gets its number.
    """
    assert (asap().alert, asap().lead.letters) == (10, 1)
    released = workflow.release(claimed(), ANNA, RULES, MONDAY)
    assert [(owed.kind, owed.serial) for owed in released.owes] == [("alert", 20)]
    opened = workflow.tick(scheduled(), RULES, WINDOW[0])
    assert [(owed.kind, owed.serial) for owed in opened.owes] == [("alert", 20)]
    moved = workflow.reschedule(asap(), OWN, OTHER, RULES, MONDAY)
    assert [(owed.kind, owed.serial) for owed in moved.owes] == [("received", 2)]


def test_a_line_that_is_closed_for_good_meanwhile_goes_by_the_wall_clock() -> None:
    closed = Rules(make(week="Mon-Sun closed", exceptions="2026-11-24 09:00-17:00"))
    assert workflow.claim(
        asap(), ANNA, Rules(make(week="Mon-Sun closed")), MONDAY
    ).after.due_at == MONDAY + timedelta(minutes=15)
    asked = workflow.submit(replace(ASKED, window=WINDOW), "R-7F3K", closed, MONDAY)
    assert asked.after.expires_at == WINDOW[1] + timedelta(days=5)
    third = (busy(at("Mon 09:00")),)
    missed = workflow.record_outcome(
        replace(claimed(), attempts=third),
        ANNA,
        "busy",
        Rules(make(week="Mon-Sun closed")),
        at("Mon 23:00"),
    )
    assert missed.after.due_at == at("Tue 01:00")
    with pytest.raises(Invalid):
        workflow.submit(
            ASKED,
            "R-7F3K",
            Rules(make(week="Mon-Sun closed", exceptions="2026-11-24 09:00-09:10")),
            MONDAY,
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


# Further wishes


def test_an_earlier_wish_makes_the_request_due() -> None:
    """Check that a stranger's late window does not keep the owner from being called in time."""
    stranger = workflow.submit(replace(ASKED_AGAIN, window=OTHER), FURTHER, RULES, MONDAY).after
    change = workflow.wish(stranger, ASKED, OWN, RULES, MONDAY)
    after = change.after
    assert (after.state, after.due_at) == ("open", at("Mon 10:15"))
    assert [(owed.kind, owed.subject) for owed in change.owes] == [
        ("alert", FURTHER),
        ("received", OWN),
    ]
    assert (after.expected, after.asked.email) == ((MONDAY, at("Mon 10:30")), ASKED.email)
    assert [each.asked.window for each in after.wishes] == [OTHER, None]


def test_a_later_wish_becomes_a_further_attempt() -> None:
    both = with_further_wish(claimed())
    missed = workflow.record_outcome(both, ANNA, "busy", RULES, MONDAY).after
    assert (missed.state, missed.due_at) == ("retry", at("Mon 10:20"))
    last = replace(both, attempts=(busy(at("Mon 09:00")), busy(at("Mon 09:20"))))
    change = workflow.record_outcome(last, ANNA, "busy", RULES, MONDAY)
    assert (change.after.state, change.after.due_at) == ("retry", OTHER[0])
    assert [each.end for each in change.after.wishes] == ["unreached", ""]
    # Only the customer whose wish has ended is written.
    assert [(owed.kind, owed.subject) for owed in change.owes] == [("missed", OWN)]


def test_reached_settles_every_wish_and_later_keeps_one() -> None:
    both = with_further_wish(calling())
    done = workflow.record_outcome(both, ANNA, "reached", RULES, MONDAY).after
    assert [each.end for each in done.wishes] == ["done", "done"]
    later = workflow.record_outcome(both, ANNA, "later", RULES, MONDAY, window=WINDOW).after
    assert [(each.end, each.agreed) for each in later.wishes] == [("", True), ("done", False)]


def test_the_same_wish_again_is_the_same_wish() -> None:
    again = workflow.wish(asap(), ASKED, FURTHER, RULES, MONDAY + MINUTE)
    assert len(again.after.wishes) == 1
    assert (again.after.wish(FURTHER), again.owes) == (again.after.lead, ())
    assert not workflow.wish(again.after, ASKED, FURTHER, RULES, MONDAY + MINUTE).changes


def test_more_wishes_than_a_request_keeps_are_in_its_history() -> None:
    callback = asap()
    for number in range(40):
        asked = replace(ASKED_AGAIN, name=f"Ina {number}")
        change = workflow.wish(callback, asked, f"R-{number}", RULES, MONDAY)
        callback = change.after
    assert len(callback.wishes) == 30
    assert callback.wish("R-39") is None  # such a link opens nobody else's wish
    assert change.personal["name"] == "Ina 39"


def test_a_link_shows_and_changes_its_own_wish_only() -> None:
    both = with_further_wish(asap())
    change = workflow.cancel(both, FURTHER, RULES, MONDAY)
    assert (change.after.state, [each.end for each in change.after.wishes]) == (
        "open",
        ["", "cancelled"],
    )
    assert change.after.expected == asap().expected
    first = workflow.cancel(both, OWN, RULES, MONDAY).after
    assert (first.state, first.due_at) == ("scheduled", OTHER[0])
    both_gone = workflow.cancel(first, FURTHER, RULES, MONDAY).after
    assert both_gone.state == "cancelled"
    with pytest.raises(Conflict):
        workflow.cancel(both, "R-NONE", RULES, MONDAY)


# Held requests


def test_a_blocked_number_waits_for_a_supervisor_until_it_expires() -> None:
    change = workflow.submit(ASKED, OWN, RULES, at("2026-11-21 10:00"), held_for="blocked")
    assert [(owed.kind, owed.due_at) for owed in change.owes] == [
        ("held", at("Mon 09:00")),
        ("received", at("2026-11-21 10:00")),
    ]
    assert change.after.due_at == change.after.expires_at
    moved = workflow.reschedule(change.after, OWN, OTHER, RULES, MONDAY).after
    assert (moved.state, moved.held_for) == ("held", "blocked")
    gone = workflow.tick(change.after, RULES, at("2026-12-02 09:00"))
    assert [owed.kind for owed in gone.owes] == ["expired", "missed"]


def test_a_request_held_by_the_days_limit_opens_by_itself() -> None:
    waiting = held("limit")
    assert waiting.due_at == at("Mon 10:15")  # half of the promised time
    opened = workflow.tick(waiting, RULES, at("Mon 10:15"))
    assert (opened.after.state, opened.after.due_at) == ("open", at("Mon 10:15"))
    assert [owed.kind for owed in opened.owes] == ["alert"]


def test_a_declined_customer_is_told_once_it_cannot_be_undone() -> None:
    change = workflow.decline(held(), CHEF, MONDAY)
    assert [(owed.kind, owed.due_at) for owed in change.owes] == [
        ("declined", MONDAY + 10 * MINUTE)
    ]
    assert not change.blocks
    assert not workflow.decline(change.after, CHEF, MONDAY).changes


# Undo

PRESSES: dict[str, Callable[[Callback], Change]] = {
    outcome: lambda each, outcome=outcome: workflow.record_outcome(
        each, ANNA, outcome, RULES, MONDAY, "Note", OTHER if outcome == "later" else None
    )
    for outcome in ("reached", "no_answer", "busy", "mailbox", "later", "refused", "wrong_number")
} | {"called in": lambda each: workflow.called_in(each, ANNA, MONDAY), "unreached": third_miss}


@pytest.mark.parametrize("press", PRESSES)
def test_every_outcome_can_be_undone(press: str) -> None:
    before = calling()
    change = PRESSES[press](before)
    pressed = change.after
    back = workflow.undo(pressed, ANNA, RULES, MONDAY + 2 * MINUTE)
    after = back.after
    earlier = pressed.earlier
    assert earlier is not None
    assert (after.state, after.holder, after.attempts) == (
        earlier.state,
        earlier.holder,
        earlier.attempts,
    )
    assert [(each.asked, each.expected, each.end) for each in after.wishes] == [
        (each.asked, each.expected, each.end) for each in earlier.wishes
    ]
    assert back.unblocks == change.blocks
    # A letter that was owed by the press is owed no more: its number is no more the last one.
    owed = {each.serial for each in change.owes}
    assert after.lead.letters not in owed
    assert not workflow.undo(after, ANNA, RULES, MONDAY + 3 * MINUTE).changes
    with pytest.raises(Conflict, match="not_yours"):
        workflow.undo(pressed, BEN, RULES, MONDAY)
    with pytest.raises(Conflict, match="too_late"):
        workflow.undo(pressed, ANNA, RULES, MONDAY + 10 * MINUTE)


def test_an_undo_keeps_the_wishes_that_came_since() -> None:
    missed = workflow.record_outcome(calling(), ANNA, "busy", RULES, MONDAY).after
    asked_again = workflow.wish(missed, ASKED_AGAIN, FURTHER, RULES, MONDAY + MINUTE).after
    after = workflow.undo(asked_again, ANNA, RULES, MONDAY + 2 * MINUTE).after
    assert (after.state, [each.reference for each in after.wishes]) == ("claimed", [OWN, FURTHER])


def test_an_undo_after_a_new_request_makes_a_wish_of_it() -> None:
    wrong = workflow.record_outcome(calling(), ANNA, "wrong_number", RULES, MONDAY).after
    new = workflow.submit(ASKED_AGAIN, FURTHER, RULES, MONDAY, held_for="blocked").after
    change = workflow.undo(wrong, ANNA, RULES, MONDAY + MINUTE, new)
    assert (change.after.state, change.after.followed_by) == ("wrong_number", FURTHER)
    assert change.unblocks
    assert change.also is not None
    assert (change.also.after.state, [each.reference for each in change.also.after.wishes]) == (
        "open",
        [FURTHER, OWN],
    )


def test_a_follower_answers_the_links_of_the_one_before() -> None:
    change = workflow.follow(cancelled(), CHEF, "R-NEXT", RULES, MONDAY)
    assert change.also is not None
    made = change.also.after
    assert (change.after.followed_by, made.follows, made.state) == ("R-NEXT", OWN, "open")
    assert made.wish(OWN) == made.lead
    assert not workflow.follow(change.after, CHEF, "R-MORE", RULES, MONDAY).changes
    joined = workflow.follow(cancelled(), CHEF, "R-NEXT", RULES, MONDAY, ANOTHER)
    assert joined.after.followed_by == "R-LIVE"


# Numbers


def test_a_corrected_number_is_treated_as_if_submitted() -> None:
    right = workflow.correct(claimed(), ANNA, RIGHT_NUMBER, RULES, MONDAY)
    assert (right.after.state, right.after.asked.phone) == ("claimed", "+4979302001")
    assert not workflow.correct(right.after, ANNA, RIGHT_NUMBER, RULES, MONDAY).changes
    with pytest.raises(Conflict):
        workflow.correct(claimed(), BEN, RIGHT_NUMBER, RULES, MONDAY)
    blocked = workflow.correct(claimed(), ANNA, RIGHT_NUMBER, RULES, MONDAY, None, "blocked")
    assert (blocked.after.state, [owed.kind for owed in blocked.owes]) == ("held", ["held"])
    merged = workflow.correct(claimed(), ANNA, RIGHT_NUMBER, RULES, MONDAY, ANOTHER)
    assert (merged.after.state, merged.after.followed_by, merged.blocks) == (
        "wrong_number",
        "R-LIVE",
        False,
    )
    assert merged.also is not None
    assert merged.also.after.wishes[-1].asked.phone == "+4979302001"


# Agreed times


def test_a_time_agreed_on_counts_towards_no_limit() -> None:
    soon = (MONDAY + 5 * MINUTE, MONDAY + 65 * MINUTE)
    later = workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=soon).after
    assert (later.state, later.preferred) == ("scheduled", "a")
    opened = workflow.tick(later, RULES, soon[0]).after
    again = workflow.claim(opened, ANNA, RULES, soon[0]).after
    dialled = workflow.dial(again, ANNA, RULES, soon[0]).after  # 5 minutes after the last call
    missed = workflow.record_outcome(dialled, ANNA, "busy", RULES, soon[0]).after
    assert (missed.state, missed.calls_for(missed.lead)) == ("retry", [])
    with pytest.raises(Invalid, match="agreed_soon"):
        workflow.record_outcome(
            calling(), ANNA, "later", RULES, MONDAY, window=(MONDAY + 4 * MINUTE, soon[1])
        )


# What the simulated year found


def test_an_undo_keeps_whom_a_wish_was_told_since() -> None:
    admitted = workflow.admit(held(), CHEF, RULES, MONDAY).after
    again = workflow.wish(admitted, ASKED, FURTHER, RULES, MONDAY + MINUTE).after
    after = workflow.undo(again, CHEF, RULES, MONDAY + 2 * MINUTE).after
    assert after.state == "held"
    assert after.wish(FURTHER) == after.lead


def test_an_undo_keeps_the_time_of_the_wishes_that_came_since() -> None:
    late = (at("2026-12-14 10:00"), at("2026-12-14 12:00"))
    missed = workflow.record_outcome(calling(), ANNA, "busy", RULES, MONDAY).after
    asked = replace(ASKED_AGAIN, window=late)
    again = workflow.wish(missed, asked, FURTHER, RULES, MONDAY + MINUTE).after
    after = workflow.undo(again, ANNA, RULES, MONDAY + 2 * MINUTE).after
    assert after.expires_at == again.expires_at > late[1]


def test_an_undo_leaves_a_block_that_was_made_since() -> None:
    refused = workflow.record_outcome(calling(), ANNA, "refused", RULES, MONDAY).after
    back = workflow.undo(refused, ANNA, RULES, MONDAY + MINUTE, None, "since")
    assert (back.after.state, back.after.held_for, back.unblocks) == ("held", "blocked", False)
    assert [owed.kind for owed in back.owes] == ["held"]
    assert not workflow.undo(back.after, ANNA, RULES, MONDAY + 2 * MINUTE).changes
    new = workflow.submit(ASKED_AGAIN, FURTHER, RULES, MONDAY, held_for="blocked").after
    merged = workflow.undo(refused, ANNA, RULES, MONDAY + MINUTE, new, "earlier")
    assert merged.unblocks  # the end of the earlier block comes back
    assert merged.also is not None
    assert merged.also.after.state == "held"


def test_a_customer_takes_a_cancellation_back_as_it_was() -> None:
    """Check that it is held as before, and that a time that is over is not promised again."""
    gone = workflow.cancel(held("limit"), OWN, RULES, MONDAY).after
    again = workflow.undo_by_link(gone, OWN, RULES, MONDAY + MINUTE, None, "limit")
    assert (again.after.state, again.after.held_for) == ("held", "limit")
    assert [owed.kind for owed in again.owes] == ["held", "received"]
    gone = workflow.cancel(asap(), OWN, RULES, at("Mon 10:29")).after
    late = workflow.undo_by_link(gone, OWN, RULES, at("Mon 10:35")).after
    assert late.expected == (at("Mon 10:35"), at("Mon 11:05"))
    agreed = workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=OTHER).after
    moved = workflow.reschedule(agreed, OWN, WINDOW, RULES, MONDAY).after
    back = workflow.undo_by_link(moved, OWN, RULES, MONDAY + MINUTE).after
    assert (back.lead.agreed, back.expected) == (True, OTHER)


def test_a_wish_that_was_called_for_often_enough_is_called_for_no_more_by_another() -> None:
    unknown = [
        Attempt(at(when), "a", "unknown", wishes=(OWN,)) for when in ("Mon 09:00", "Mon 09:30")
    ]
    before = replace(claimed(), attempts=tuple(unknown))
    both = workflow.wish(before, replace(ASKED_AGAIN, window=None), FURTHER, RULES, MONDAY).after
    dialled = workflow.dial(both, ANNA, RULES, at("Mon 10:05")).after
    assert dialled.attempts[-1].wishes == (FURTHER,)
    # One wish had its two calls today, the other its three calls, the last of them today.
    days = ("2026-11-19 10:00", "2026-11-20 10:00")
    others = [Attempt(at(when), "a", "unknown", wishes=(FURTHER,)) for when in days]
    last = Attempt(at("Mon 09:30"), "a", "unknown", wishes=(OWN, FURTHER))
    full = replace(both, attempts=(*others, unknown[0], last))
    with pytest.raises(Conflict, match="attempts_today"):
        workflow.dial(full, ANNA, RULES, at("Mon 10:05"))


def test_a_wish_for_an_overdue_request_is_alerted() -> None:
    for before, kind in ((asap(), "alert"), (held(), "held")):
        late = workflow.wish(before, ASKED_AGAIN, FURTHER, RULES, at("Mon 11:00"))
        assert [owed.kind for owed in late.owes] == [kind, "received"]
        early = workflow.wish(before, ASKED_AGAIN, FURTHER, RULES, at("Mon 10:01"))
        assert [owed.kind for owed in early.owes] == ["received"]


def test_the_promise_that_is_left_escalates_anew() -> None:
    both = workflow.wish(asap(), ASKED_AGAIN, FURTHER, RULES, MONDAY).after
    both = workflow.reschedule(both, FURTHER, OTHER, RULES, MONDAY).after
    late = replace(both, level=5)
    soon = (at("Mon 14:00"), at("Mon 15:00"))
    change = workflow.reschedule(late, FURTHER, soon, RULES, at("Mon 13:59"))
    assert (change.after.level, change.owes[:-1]) == (5, ())  # the first promise is still broken
    left = workflow.cancel(change.after, OWN, RULES, at("Mon 14:01"))
    assert (left.after.state, left.after.level, left.after.due_at) == ("open", 0, at("Mon 14:30"))
    assert [owed.kind for owed in left.owes] == ["alert", "cancelled"]


def test_a_request_expires_after_the_promise_that_is_left() -> None:
    both = with_further_wish(asap())
    assert both.expires_at > asap().expires_at
    assert workflow.cancel(both, FURTHER, RULES, MONDAY).after.expires_at == asap().expires_at


def test_a_follower_is_of_the_wish_that_was_not_met_and_answers_its_customer_alone() -> None:
    both = with_further_wish(asap())
    left = workflow.cancel(both, FURTHER, RULES, MONDAY).after
    ended = workflow.called_in(left, ANNA, MONDAY).after
    change = workflow.follow(ended, CHEF, "R-NEXT", RULES, MONDAY)
    assert change.also is not None
    assert change.also.after.asked == replace(ASKED, window=None)
    assert (change.also.after.wish(OWN), change.also.after.wish(FURTHER)) == (
        change.also.after.lead,
        None,
    )
    joined = workflow.follow(ended, CHEF, "R-NEXT", RULES, MONDAY, ANOTHER)
    assert joined.also is not None
    again = joined.also.after.wishes[-1]
    assert (again.reference, again.is_open, again.expected[0]) == (OWN, True, MONDAY)
    assert [(owed.kind, owed.subject) for owed in joined.also.owes] == [("received", OWN)]


def test_an_agreed_time_that_was_missed_is_a_retry_again_after_an_undo() -> None:
    soon = (MONDAY + 5 * MINUTE, MONDAY + 65 * MINUTE)
    later = workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=soon).after
    again = workflow.dial(
        workflow.claim(later, ANNA, RULES, soon[0]).after, ANNA, RULES, soon[0]
    ).after
    missed = workflow.record_outcome(again, ANNA, "busy", RULES, soon[0]).after
    rung = workflow.called_in(missed, ANNA, soon[0] + MINUTE).after
    assert workflow.undo(rung, ANNA, RULES, soon[0] + 2 * MINUTE).after.state == "retry"
