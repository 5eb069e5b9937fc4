"""The operators' list of messages, and sending again what failed."""

from datetime import timedelta

from chalicelib import instants
from tests.backend import Backend
from tests.edge.test_faults import error_answer, sign_up
from tests.ops.commands import ops
from tests.scale import Scale

SEND = "before-send.sesv2.SendEmail"


def fail(backend: Backend, number: int) -> None:
    """Sign people up whose mails SES refuses for good."""
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    for each in range(number):
        assert sign_up(backend, f"failed-{each}@example.org").status == 202
    with backend.hooked("sesv2", SEND, error_answer(400, "BadRequestException")):
        backend.deliver()
    assert set(backend.states().values()) == {"failed"}


def test_a_hundred_that_failed_are_sent_once_each(backend: Backend, scale: Scale) -> None:
    many = scale(100)
    fail(backend, many)
    shown = ops("outbox", "--retry", "--dry-run")
    assert shown.exit_code == 0
    assert shown.output.count("BadRequestException") == many
    assert set(backend.states().values()) == {"failed"}
    told = ops("outbox", "--retry")
    assert f"{many} due now, 0 left as they were" in told.output
    assert "0 due now" in ops("outbox", "--retry").output  # a second run finds nothing
    for minutes in (1, 2, 3):
        backend.tick(instants.now() + timedelta(minutes=minutes))
    sent = [len(backend.mails(f"failed-{number}@example.org")) for number in range(many)]
    print(f"\nfailed {many} · sent once each {sent.count(1)}")
    assert sent == [1] * many


def test_by_kind_state_and_time(backend: Backend) -> None:
    fail(backend, 2)
    now = instants.now()
    before, after = (instants.text(now + timedelta(hours=hours)) for hours in (-1, 1))

    def listed(*options: str) -> int:
        return ops("outbox", "--state", "failed", *options).output.count("newsletter-confirmation")

    assert listed() == 2
    assert listed("--kind", "newsletter-confirmation") == 2
    assert listed("--kind", "newsletter-welcome") == 0
    assert listed("--since", before, "--until", after) == 2
    assert listed("--since", after) == 0
    assert listed("--until", before) == 0


def test_what_waits_for_its_next_attempt_is_tried_at_once(backend: Backend) -> None:
    sign_up(backend, "waits@example.org")
    with backend.hooked("sesv2", SEND, error_answer(503, "ServiceUnavailable")):
        backend.deliver()
    now = instants.now()
    backend.tick(now)
    assert backend.mails("waits@example.org") == []
    assert "1 due now" in ops("outbox", "--retry", "--state", "due").output
    backend.tick(instants.now())
    assert len(backend.mails("waits@example.org")) == 1


def test_what_is_no_longer_owed_is_dropped(backend: Backend) -> None:
    fail(backend, 1)
    ops("outbox", "--retry")
    backend.tick(instants.now() + timedelta(days=8))  # nobody can confirm any more
    assert list(backend.states().values()) == ["void"]


def test_what_may_have_left_is_not_sent_again(backend: Backend) -> None:
    for state in ("sending", "unclear"):
        refused = ops("outbox", "--retry", "--state", state)
        assert refused.exit_code == 2
    wrong = ops("outbox", "--since", "yesterday")
    assert wrong.exit_code == 2
    assert "yesterday" in wrong.output
