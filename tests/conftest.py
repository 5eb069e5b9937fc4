"""One embedded cloud a session, on free ports; and copies of its resources, for driving the handlers in process."""

import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.cloud import Cloud
from tests.backend import Backend
from tests.staff.issuer import Issuer

settings.register_profile("untimed", deadline=None)  # how busy the machine is proves nothing
settings.load_profile("untimed")
_stages = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the emulator, a package or a browser is `edge`; the rest is quick enough for every save."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if {"cloud", "backend", "browser", "packaged", "runner", "slow"} & set(fixtures):
            item.add_marker(pytest.mark.edge)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Everything `make run` starts, on free ports and with a state of its own."""
    folder = tmp_path_factory.mktemp("cloud")
    with Cloud(folder, trust_forwarded_for=True) as started:
        yield started


@pytest.fixture
def backend(cloud: Cloud) -> Iterator[Backend]:
    """The app's handlers in this process, on tables of their own that no stream reacts to."""
    stage = f"t{next(_stages)}-{os.getpid()}"
    with Backend.of_its_own(cloud, stage) as ready:
        yield ready


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An OpenID provider of the test's own."""
    started = Issuer()
    yield started
    started.stop()


@pytest.fixture
def one_hour() -> None:
    """No hour begins while the test runs: a limit's window ends on the hour. Waits for the next where it is near."""
    left = 3600 - time.time() % 3600
    if left < 30:
        time.sleep(left)


@pytest.fixture
def slow() -> None:
    """Takes more than a moment: not for every save."""


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parent.parent
