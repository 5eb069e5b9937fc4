"""How the lanes share a day's and a minute's messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.outbox import lanes


@pytest.mark.parametrize(
    ("a_day", "alerts", "others"), [(20_000, 4_000, 16_000), (10, 2, 8), (1, 1, 1), (0, 0, 0)]
)
def test_each_lane_has_its_share_of_the_day(a_day: int, alerts: int, others: int) -> None:
    assert (lanes.cap("alerts", a_day), lanes.cap("transactional", a_day)) == (alerts, others)


@pytest.mark.parametrize(
    ("due", "room", "given"),
    [
        ((5, 10_000), 630, (5, 625)),  # a few alerts go all, and at once
        ((500, 10_000), 630, (500, 130)),
        ((10_000, 10_000), 630, (504, 126)),  # a flood of alerts leaves the others a fifth
        ((10_000, 3), 630, (627, 3)),
        ((10_000, 0), 630, (630, 0)),
        ((0, 7), 630, (0, 7)),
        ((1, 1), 1, (1, 0)),  # SES takes one: the alert
    ],
)
def test_alerts_first_and_the_others_have_their_least(
    due: tuple[int, int], room: int, given: tuple[int, int]
) -> None:
    shared = lanes.share_out({"alerts": due[0], "transactional": due[1]}, room)
    assert (shared["alerts"], shared["transactional"]) == given


@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(1, 9999))
def test_room_is_never_exceeded_nor_left(alerts: int, others: int, room: int) -> None:
    shared = lanes.share_out({"alerts": alerts, "transactional": others}, room)
    assert sum(shared.values()) == min(room, alerts + others)
    assert 0 <= shared["alerts"] <= alerts
    assert 0 <= shared["transactional"] <= others


@given(st.lists(st.integers()), st.integers(1, 9))
def test_hands_played_at_one_pace_keep_the_order(things: list[int], hands: int) -> None:
    dealt = lanes.deal(things, hands)
    played = [hand[turn] for turn in range(len(things)) for hand in dealt if turn < len(hand)]
    assert played == things
