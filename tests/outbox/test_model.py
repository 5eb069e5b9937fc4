"""Every state of a message with every event that may happen to it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.outbox import model
from chalicelib.outbox.model import Message

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DUE = model.owe("kind", "subject", 1, NOW)
LATER = model.owe("kind", "subject", 1, NOW, NOW + timedelta(hours=1))
SENDING = model.claim(DUE, "attempt", NOW)
UNCLEAR = model.unanswered(SENDING, "ReadTimeoutError", NOW)
SENT = model.sent(SENDING, "ses-1", "digest", NOW)
VOID = model.void(SENDING, NOW)
FAILED = model.refused(SENDING, "BadRequestException", NOW, final=True)


@pytest.mark.parametrize(
    ("message", "after", "may_claim", "has_lapsed"),
    [
        (DUE, timedelta(0), True, False),
        (LATER, timedelta(0), False, False),
        (LATER, timedelta(hours=1), True, False),
        (SENDING, timedelta(0), False, False),
        (SENDING, model.LEASE - timedelta(seconds=1), False, False),
        (SENDING, model.LEASE, False, True),
        (UNCLEAR, model.UNCLEAR - timedelta(seconds=1), False, False),
        (UNCLEAR, model.UNCLEAR, True, False),
        (SENT, timedelta(days=9), False, False),
        (VOID, timedelta(days=9), False, False),
        (FAILED, timedelta(days=9), False, False),
    ],
)
def test_who_may_attempt_when(
    message: Message, after: timedelta, may_claim: bool, has_lapsed: bool
) -> None:
    assert model.may_claim(message, NOW + after) is may_claim
    assert model.has_lapsed(message, NOW + after) is has_lapsed


def test_the_same_fact_owes_the_same_message() -> None:
    assert DUE.id == model.owe("kind", "subject", 1, NOW + timedelta(days=1)).id == "kind_subject_1"
    assert model.owe("kind", "subject", 2, NOW).id != DUE.id


def test_each_step_is_a_version_so_that_two_writers_cannot_both_win() -> None:
    assert [each.version for each in (DUE, SENDING, SENT)] == [0, 1, 2]


def test_an_error_answer_comes_again_with_growing_pauses_of_an_hour_at_most() -> None:
    pauses = []
    for attempts in range(1, 10):
        message = model.refused(replace(SENDING, attempts=attempts), "ThrottlingException", NOW)
        assert message.state == "due"
        pauses.append(int((message.due_at - NOW).total_seconds() // 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_three_days_it_gives_up_and_says_so() -> None:
    late = model.refused(SENDING, "ThrottlingException", NOW + model.GIVE_UP)
    assert (late.state, late.error) == ("failed", "ThrottlingException")
    assert model.refused(SENDING, "x", NOW + model.GIVE_UP - timedelta(seconds=1)).state == "due"


def test_silence_waits_a_quarter_of_an_hour_from_the_attempt() -> None:
    assert UNCLEAR.due_at == NOW + timedelta(minutes=15)
    lapsed = model.unanswered(SENDING, "lease lapsed", NOW + timedelta(hours=2))
    assert lapsed.due_at == NOW + timedelta(hours=2)
