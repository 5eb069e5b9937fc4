"""A line that is open around the clock, and whom the tests have work at it."""

import pytest

from tests.backend import Backend
from tests.edge.desk import ALWAYS, Agent


@pytest.fixture
def line(backend: Backend) -> Backend:
    """A stage of its own whose staff have the test key, and which takes any number of requests from one machine."""
    backend.configure(
        **ALWAYS, STAFF_TEST_KEY="key", STAGE="local", LIMIT_CALLBACKS_PER_CALLER="1000"
    )
    return backend


@pytest.fixture
def sam(line: Backend) -> Agent:
    """A supervisor."""
    return Agent(line, "Sam", "supervisor")
