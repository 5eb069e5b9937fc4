"""A provider of the test's own, and stages whose staff sign in there."""

import itertools
import os
from collections.abc import Iterator

import pytest

from chalicelib import settings
from chalicelib.auth import provider
from local.cloud import Cloud
from tests.auth.issuer import Issuer
from tests.backend import WEBSITE, Backend

_stages = itertools.count(1)


@pytest.fixture
def configured(issuer: Issuer) -> Iterator[Issuer]:
    """Configure this process as a local stage that trusts the issuer, without a cloud."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {"STAGE": "local", **issuer.settings()}.items():
            environment.setenv(name, value)
        settings.current.cache_clear()
        provider.forget()
        yield issuer
    settings.current.cache_clear()
    provider.forget()


@pytest.fixture
def staffed(cloud: Cloud, issuer: Issuer) -> Iterator[Backend]:
    """Enter a stage on tables of its own that trusts the issuer.

    It is a local stage, since no other may trust a provider on 127.0.0.1.
    """
    tables = cloud.resources(f"s{next(_stages)}-{os.getpid()}")
    ours = {"STAGE": "local", "BASE_URL": "http://contact.test", "STAFF_TEST_KEY": ""}
    with Backend(cloud, {**tables, **WEBSITE, **ours, **issuer.settings()}) as ready:
        yield ready
