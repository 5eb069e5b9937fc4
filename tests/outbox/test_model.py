"""Every state of a message with every event that may happen to it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from chalicelib.outbox import model
from chalicelib.outbox.model import Message

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DUE = model.owe("kind", "subject", 1, NOW)
LATER = model.owe("kind", "subject", 1, NOW, NOW + timedelta(hours=1))
SENDING = model.claim(DUE, "attempt", NOW)
UNCLEAR = model.unanswered(SENDING, "ReadTimeoutError", NOW)
SENT = model.sent(SENDING, "ses-1", NOW)
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
        message = model.refused(replace(SENDING, attempts=attempts), "ServiceUnavailable", NOW)
        assert message.state == "due"
        pauses.append(int((message.due_at - NOW).total_seconds() // 60))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_three_days_it_gives_up_and_says_so() -> None:
    pauses = timedelta(0)
    message = SENDING
    while (refused := model.refused(message, "ServiceUnavailable", NOW)).state == "due":
        pauses += refused.due_at - NOW
        message = replace(message, attempts=message.attempts + 1)
    assert (refused.state, refused.error) == ("failed", "ServiceUnavailable")
    assert timedelta(days=3) <= pauses < timedelta(days=3, hours=1)


def test_a_message_that_is_held_back_keeps_its_place_and_its_attempts() -> None:
    later = model.claim(LATER, "attempt", NOW + timedelta(hours=2))
    held = model.held_back(later, "TooManyRequestsException")
    assert (held.state, held.attempts, held.due_at) == ("due", 0, LATER.due_at)
    assert held.error == "TooManyRequestsException"


def test_a_postponed_message_falls_due_anew() -> None:
    until = NOW + timedelta(hours=8)
    postponed = model.postponed(SENDING, until, "not at this hour")
    assert (postponed.state, postponed.attempts) == ("due", 0)
    assert postponed.due_at == postponed.since == until


def test_a_failed_message_may_be_tried_again_as_often_as_a_new_one() -> None:
    at = NOW + timedelta(days=9)
    again = model.retried(replace(FAILED, attempts=model.MOST_ATTEMPTS), at)
    assert (again.state, again.attempts, again.due_at, again.ended_at) == ("due", 0, at, None)
    assert model.refused(model.claim(again, "x", at), "ServiceUnavailable", at).state == "due"


@pytest.mark.parametrize("message", [SENDING, SENT, VOID, UNCLEAR])
def test_nothing_else_is_tried_again(message: Message) -> None:
    with pytest.raises(ValueError, match=message.state):
        model.retried(message, NOW)


def test_silence_waits_a_quarter_of_an_hour_from_the_attempt() -> None:
    assert UNCLEAR.due_at == NOW + timedelta(minutes=15)
    lapsed = model.unanswered(SENDING, "lease lapsed", NOW + timedelta(hours=2))
    assert lapsed.due_at == NOW + timedelta(hours=2)


REPORTS: dict[str, Callable[[Message], Message]] = {
    "sent": lambda message: model.reported_sent(message, "ses-1", NOW),
    "failed": lambda message: model.reported_failed(message, "ses-1", "Reject: Bad content", NOW),
}
# For each state, the state after a report that it was sent, and after one that it never was.
# fmt: off
TABLE = {
    # state           sent     failed
    "due":     (DUE,     "sent",   "failed"),
    "sending": (SENDING, "sent",   "failed"),
    "unclear": (UNCLEAR, "sent",   "failed"),
    "sent":    (SENT,    "=",      "failed"),
    "void":    (VOID,    "=",      "="),
    "failed":  (FAILED,  "=",      "="),
}
# fmt: on


@pytest.mark.parametrize("state", TABLE)
def test_what_the_service_reports_of_each_state(state: str) -> None:
    before, *expected = TABLE[state]
    for report, wanted in zip(REPORTS, expected, strict=True):
        after = REPORTS[report](before)
        if wanted == "=":
            assert after is before
        else:
            assert (after.state, after.service_id, after.ended_at) == (wanted, "ses-1", NOW)
            assert after.error == ("Reject: Bad content" if wanted == "failed" else "")
            assert after.version == before.version + 1


@pytest.mark.parametrize("before", [SENDING, UNCLEAR, SENT], ids=lambda each: str(each.state))
@pytest.mark.parametrize("order", list(permutations(["sent", "sent", "failed", "failed"])))
def test_reports_in_any_order_end_in_one_state(before: Message, order: tuple[str, ...]) -> None:
    message = before
    for report in order:
        message = REPORTS[report](message)
    assert (message.state, message.service_id) == ("failed", "ses-1")
    assert message.error == "Reject: Bad content"


def test_an_attempt_that_ends_after_the_report_cannot_undo_it() -> None:
    """Check that both write the same version, of which the table takes one."""
    reported = REPORTS["failed"](SENDING)
    assert model.sent(SENDING, "ses-1", NOW).version == reported.version
