"""The figures agree with a count by brute force, on requests that the workflow made."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.backoffice.figures import model as figures
from chalicelib.callbacks import workflow
from chalicelib.callbacks.model import Callback, Rules
from chalicelib.callbacks.opening_hours import is_open
from chalicelib.errors import Conflict
from tests.callbacks.cases import (
    ANNA,
    ASKED,
    MONDAY,
    OWN,
    RULES,
    WINDOW,
    asap,
    at,
    calling,
    retry,
    scheduled,
)
from tests.callbacks.test_opening_hours import berlin
from tests.scale import Scale

FIRST, LAST = date(2026, 11, 23), date(2026, 11, 29)
NOW = at("Fri 16:00")
BERLIN = ZoneInfo("Europe/Berlin")
OUTCOMES = ("reached", "no_answer", "busy", "mailbox", "refused", "wrong_number", "later")


def of(*requests: Callback, now: datetime = NOW, **more: Any) -> figures.Figures:
    return figures.figures(requests, {}, {}, RULES, FIRST, LAST, now, **more)


def test_nothing_at_all() -> None:
    found = of()
    assert len(found.periods) == 7
    total = found.total
    assert (total.requested, total.share, total.wait(50), found.live) == (0, None, None, 0)
    assert [each.rate for each in found.attempts] == [None, None, None]
    assert set(found.ends.values()) == {0}


def test_in_time_to_the_minute_promised() -> None:
    for minutes, share in ((0, 1), (30, 1), (31, 0)):
        late = workflow.dial(
            workflow.claim(asap(), ANNA, RULES, MONDAY).after,
            ANNA,
            RULES,
            MONDAY + timedelta(minutes=minutes),
        )
        total = of(late.after).total
        assert (total.decided, total.share, total.waits) == (1, share, [minutes])


def test_percentiles_are_waits_that_happened() -> None:
    period = figures.Period(FIRST, waits=[40, 10, 30])
    waits = [period.wait(percent) for percent in (1, 33, 34, 50, 67, 90, 100)]
    assert waits == [10, 10, 30, 30, 40, 40, 40]


def test_what_is_not_decided_yet_counts_for_neither_side() -> None:
    assert of(asap(), now=at("Mon 10:30")).total.decided == 0
    assert of(asap(), now=at("Mon 10:31")).total.share == 0
    assert of(workflow.cancel(asap(), OWN, RULES, at("Mon 10:10")).after).total.decided == 0
    assert of(workflow.called_in(asap(), ANNA, at("Mon 10:10")).after).total.decided == 0
    assert of(workflow.cancel(asap(), OWN, RULES, at("Mon 11:10")).after).total.share == 0


def test_the_wait_is_counted_in_open_minutes() -> None:
    asked = asap(at("Mon 16:50"))
    called = workflow.dial(
        workflow.claim(asked, ANNA, RULES, at("Tue 09:05")).after, ANNA, RULES, at("Tue 09:05")
    ).after
    assert of(called).total.waits == [15]
    assert of(called).total.share == 1


def test_a_wished_window_counts_from_its_beginning() -> None:
    came_up = workflow.tick(scheduled(), RULES, at("Tue 13:00")).after
    called = workflow.dial(
        workflow.claim(came_up, ANNA, RULES, at("Tue 13:05")).after, ANNA, RULES, at("Tue 13:10")
    )
    assert of(called.after).total.waits == [10]
    later = (at("Wed 13:00"), at("Wed 15:00"))
    moved = workflow.record_outcome(
        called.after, ANNA, "later", RULES, at("Tue 13:12"), window=later
    ).after
    total = of(moved).total
    assert (total.share, total.waits) == (1, [])  # the first window's beginning is not stored
    agreed = workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=later).after
    assert of(agreed).total.waits == [0]


def test_a_call_under_way_is_no_attempt_that_failed() -> None:
    attempts = of(calling(), retry()).attempts
    assert [(each.made, each.reached) for each in attempts] == [(1, 0), (0, 0), (0, 0)]


def test_days_are_the_companys_across_the_change_of_clocks() -> None:
    rules = Rules(RULES.hours)
    for written, day in (
        ("2026-10-25 00:00", 25),
        ("2026-10-25 23:59", 25),
        ("2026-10-26 00:00", 26),
    ):
        asked = workflow.submit(ASKED, "R-1", rules, berlin(written)).after
        found = figures.figures(
            [asked], {}, {}, rules, date(2026, 10, 24), date(2026, 10, 27), berlin(written)
        )
        assert [each.begins.day for each in found.periods if each.requested] == [day]
    begins = [
        figures.begin(date(2026, 10, day), "Europe/Berlin").astimezone(UTC) for day in (25, 26)
    ]
    assert begins[1] - begins[0] == timedelta(hours=25)


def test_weeks_and_months_begin_within_the_span() -> None:
    def begins(step: figures.Step) -> list[str]:
        found = figures.figures([], {}, {}, RULES, date(2026, 11, 26), date(2026, 12, 8), NOW, step)
        return [each.begins.isoformat() for each in found.periods]

    assert begins("week") == ["2026-11-26", "2026-11-30", "2026-12-07"]
    assert begins("month") == ["2026-11-26", "2026-12-01"]


def test_growth_and_views_of_days_outside_of_the_span_do_not_count() -> None:
    growth = {
        "2026-11-22": {"signup": 9},
        "2026-11-23": {"signup": 2, "erased": 5},
        "2026-11-29": {"bounced": 1},
    }
    views = {"2026-11-22": 7, "2026-11-24": 3, "2026-11-29": 4, "2026-11-30": 8}
    found = figures.figures([], growth, views, RULES, FIRST, LAST, NOW)
    assert (dict(found.total.growth), found.total.views) == (
        {"signups": 2, "confirmations": 0, "unsubscribes": 0, "bounces": 1},
        7,
    )
    assert [each.views for each in found.periods] == [0, 3, 0, 0, 0, 0, 4]


def _lived(chance: random.Random) -> Callback:
    """Return a request of some time of the week, with what some staff did with it."""
    now = at("Mon 00:00") + timedelta(minutes=chance.randrange(7 * 24 * 60))
    wished = replace(ASKED, window=WINDOW) if chance.random() < 0.3 and now < WINDOW[0] else ASKED
    request = workflow.submit(wished, "R-1", RULES, now).after
    for _ in range(chance.randrange(60)):
        now += timedelta(minutes=chance.randrange(1, 30))
        try:
            request = _step(request, chance, now)
        except Conflict:
            continue
    return request


def _step(request: Callback, chance: random.Random, now: datetime) -> Callback:
    match chance.choice(("tick", "claim", "dial", "settle", "cancel")):
        case "tick":
            return workflow.tick(request, RULES, now).after
        case "claim":
            return workflow.claim(request, ANNA, RULES, now).after
        case "dial":
            return workflow.dial(request, ANNA, RULES, now).after
        case "cancel" if chance.random() < 0.1:
            return workflow.cancel(request, request.reference, RULES, now).after
        case "settle" if request.is_calling:
            outcome: Any = chance.choice(OUTCOMES)
            window = (
                (berlin("2026-12-01 13:00"), berlin("2026-12-01 15:00"))
                if outcome == "later"
                else None
            )
            return workflow.record_outcome(request, ANNA, outcome, RULES, now, window=window).after
    return request


def _minutes_open(since: datetime, until: datetime) -> int:
    count, now = 0, since
    while now < until:
        count += is_open(RULES.hours, now)
        now += timedelta(minutes=1)
    return count


def test_two_thousand_requests_counted_by_brute_force(scale: Scale) -> None:
    chance = random.Random(20261123)
    requests = [_lived(chance) for _ in range(scale(2000))]
    now = berlin("2026-11-28 12:00")
    found = of(*requests, now=now)
    inside = [
        each for each in requests if FIRST <= each.created_at.astimezone(BERLIN).date() <= LAST
    ]
    attempted = [each for each in inside if each.attempts]
    in_time = [each for each in attempted if each.attempts[0].at <= each.promised]
    missed = [
        each for each in inside if not each.attempts and (each.ended_at or now) > each.promised
    ]
    total = found.total
    assert (total.requested, total.in_time) == (len(inside), len(in_time))
    assert total.decided == len(attempted) + len(missed)
    assert found.ends == {end: sum(each.state == end for each in inside) for end in found.ends}
    assert found.live == sum(each.is_live for each in inside)
    for number, tries in enumerate(found.attempts):
        outcomes = Counter(
            each.attempts[number].outcome for each in inside if len(each.attempts) > number
        )
        assert tries.made == sum(outcomes[name] for name in OUTCOMES)
        assert tries.reached == outcomes["reached"] + outcomes["later"] + outcomes["refused"]
    plain = [each for each in attempted if each.asked.window is None]
    waits = sorted(_minutes_open(each.created_at, each.attempts[0].at) for each in plain[:300])
    mine = of(*plain[:300], now=now).total
    assert sorted(mine.waits) == waits
    for percent in (50, 90):
        within = mine.wait(percent)
        assert within is not None
        assert sum(wait <= within for wait in waits) * 100 >= percent * len(waits)
        assert sum(wait < within for wait in waits) * 100 < percent * len(waits)
    assert sum(each.requested for each in found.periods) == total.requested
    assert sum(each.in_time for each in found.periods) == total.in_time
    counts = f"attempted {len(attempted)} · in time {len(in_time)} · ends {found.ends}"
    print(f"\nrequests {len(inside)} · {counts}")
