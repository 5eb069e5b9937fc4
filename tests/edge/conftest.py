"""A line that is open around the clock, and a supervisor who works at it."""

import pytest

from tests.backend import Backend
from tests.edge.staff import ALWAYS, Agent


@pytest.fixture
def line(backend: Backend) -> Backend:
    """Open a line around the clock, whose staff have the test key.

    It takes any number of requests from one address.
    """
    backend.configure(
        **ALWAYS, STAFF_TEST_KEY="key", STAGE="local", LIMIT_CALLBACKS_PER_CALLER="1000"
    )
    return backend


@pytest.fixture
def sam(line: Backend) -> Agent:
    """Return a supervisor."""
    return Agent(line, "Sam", "supervisor")
