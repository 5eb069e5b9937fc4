"""Whom the gate lets in, and to what."""

from collections.abc import Iterator

import pytest

from chalicelib import instants, settings
from chalicelib.auth import gate
from chalicelib.errors import NotAllowed, NotSignedIn

NOW = instants.now()


@pytest.fixture(autouse=True)
def _local_stage() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STAGE", "local")
        environment.setenv("STAFF_TEST_KEY", "key")
        settings.current.cache_clear()
        yield
    settings.current.cache_clear()


@pytest.mark.parametrize(
    ("authorization", "name", "role"),
    [
        ("Bearer key", "Sam Supervisor", "supervisor"),
        ("Bearer key:supervisor", "Sam Supervisor", "supervisor"),
        ("Bearer key:agent", "Anna Agent", "agent"),
        ("Bearer key:agent:Bea Beispiel", "Bea Beispiel", "agent"),
    ],
)
def test_the_test_key_plays_a_person(authorization: str, name: str, role: str) -> None:
    person = gate.check("GET", {"authorization": authorization}, NOW)
    assert (person.name, person.role) == (name, role)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer ke", "Bearer key:boss", "Basic key", "key"]
)
def test_nobody_else_is_let_in(authorization: str) -> None:
    with pytest.raises(NotSignedIn):
        gate.check("GET", {"authorization": authorization}, NOW)


def test_a_supervisor_may_do_all_and_an_agent_may_not() -> None:
    agent = gate.check("GET", {"authorization": "Bearer key:agent"}, NOW)
    supervisor = gate.check("GET", {"authorization": "Bearer key:supervisor"}, NOW)
    agent.needs("agent")
    supervisor.needs("agent")
    supervisor.needs("supervisor")
    with pytest.raises(NotAllowed):
        agent.needs("supervisor")
