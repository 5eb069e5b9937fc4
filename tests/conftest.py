"""One embedded cloud for the whole test run, on free ports.

For driving the handlers in process, each test gets copies of its resources.
"""

import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from local.cloud import Cloud
from tests import scale as sizes
from tests.auth.issuer import Issuer
from tests.backend import Backend
from tests.browser import pictures

# A deadline would measure how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
_stages = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        action="store_true",
        help="keep a picture of each page that a test looks at",
    )


def pytest_configure(config: pytest.Config) -> None:
    pictures.wanted = config.getoption("--screenshots")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is too slow for every save as `edge`, and what `make soak` runs as `soak`.

    What needs the emulator, a package or a browser is `edge`. A test that takes `scale` belongs to
    `make soak`, too, which runs all of it.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if sizes.SOAK and "scale" in fixtures:
            item.add_marker(pytest.mark.soak)
        slow = {"cloud", "backend", "browser", "packaged", "runner", "slow"} & fixtures
        if slow or item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.edge)


@pytest.fixture(scope="session")
def scale() -> sizes.Scale:
    """Tell the sizes of a long test; see `tests/scale.py`."""
    return sizes.scale


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start everything that `make run` starts, on free ports and with a state of its own."""
    folder = tmp_path_factory.mktemp("cloud")
    with Cloud(folder, trust_forwarded_for=True) as started:
        yield started


@pytest.fixture
def backend(cloud: Cloud) -> Iterator[Backend]:
    """Enter a stage on tables of its own that no stream reacts to."""
    stage = f"t{next(_stages)}-{os.getpid()}"
    with Backend.of_its_own(cloud, stage) as ready:
        yield ready


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """Start an OpenID provider for one test."""
    started = Issuer()
    yield started
    started.stop()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Have Ctrl-C end the processes that the test starts.

    A suite in the background of a shell without job control ignores SIGINT, and so would its
    children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def one_hour() -> None:
    """Wait for the next hour where it is near, so that no hour begins while the test runs.

    The windows of the limits end on the hour.
    """
    left = 3600 - time.time() % 3600
    if left < 30:
        time.sleep(left)


@pytest.fixture
def slow() -> None:
    """Mark a test that takes long, so that `make check` leaves it out."""


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the project's folder."""
    return Path(__file__).parent.parent
