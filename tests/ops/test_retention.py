"""The job that erases what is over, run by hand."""

from datetime import timedelta

import pytest
import time_machine

from tests.backend import Backend
from tests.edge.staff import ALWAYS, Agent, ask, backdate
from tests.edge.test_newsletter import sign_up
from tests.ops.commands import ops


@pytest.fixture
def line(backend: Backend) -> Backend:
    backend.configure(**ALWAYS, STAFF_TEST_KEY="key", STAGE="local")
    return backend


def test_it_shows_what_it_does_and_can_be_run_dry(line: Backend) -> None:
    anna, references = Agent(line), [ask(line, phone=f"07930 2{number:03}") for number in range(3)]
    for reference in references[:2]:
        anna.do(reference, "claim")
        anna.do(reference, "outcome", outcome="reached")
        backdate(line, reference, due_at="2026-01-01T00:00:00.000Z")
    dry = ops("retention", "--dry-run")
    assert (dry.exit_code, sorted(dry.stdout.split()[:2])) == (0, sorted(references[:2]))
    assert "contact data of 2 callbacks would be erased\n" in dry.stdout
    assert sum("Eva" in str(item) for item in line.items()) == 3
    assert "contact data of 2 callbacks erased\n" in ops("retention").stdout
    assert sum("Eva" in str(item) for item in line.items()) == 1
    assert ops("retention").stdout == (
        "contact data of 0 callbacks erased\n0 ledgers looked after\n"
    )


def test_it_deletes_what_nobody_confirmed_where_the_clock_stood(backend: Backend) -> None:
    with time_machine.travel("2027-03-10T11:00:00Z", tick=False) as moved:
        sign_up(backend, "waits@example.org")
        moved.shift(timedelta(days=7))
        dry = ops("retention", "--dry-run").stdout
        assert dry.endswith("1 ledger would be looked after\n")
        assert backend.items(prefix="SUB#")
        assert ops("retention").stdout.endswith("1 ledger looked after\n")
    assert backend.items(prefix="SUB#") == []
