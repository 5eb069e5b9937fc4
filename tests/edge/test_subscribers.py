"""The clock tells of an alerts topic that nobody is subscribed to."""

import json
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ConnectTimeoutError

from chalicelib import instants
from chalicelib.outbox import subscribers
from tests.backend import Backend


@pytest.fixture
def told(backend: Backend, capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that has the clock look, and returns the lines about it."""

    def look() -> list[dict[str, Any]]:
        capsys.readouterr()
        subscribers.look()
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return [each for each in lines if each["event"].startswith("alerts.")]

    return look


def subscribe(backend: Backend, protocol: str, endpoint: str) -> None:
    topic = backend.env["ALERTS_TOPIC_ARN"]
    backend.cloud.client("sns").subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)


def test_a_topic_without_a_confirmed_subscription_is_told_of(backend: Backend, told: Any) -> None:
    (line,) = told()
    assert (line["level"], line["event"]) == ("WARNING", "alerts.nobody_subscribed")
    assert line["pending"] == 0
    subscribers.forget()
    subscribe(backend, "http", "http://127.0.0.1:9/nobody-confirms")
    assert [each["pending"] for each in told()] == [1]
    subscribers.forget()
    subscribe(backend, "email", "staff@example.org")
    assert told() == []


def test_the_look_comes_four_times_an_hour(backend: Backend, told: Any) -> None:
    with time_machine.travel(instants.now(), tick=False) as clock:
        found = []
        for _ in range(61):  # the clock ticks each minute
            found += told()
            clock.shift(60)
    assert len(found) == 5  # at 0, 15, 30, 45 and 60 minutes


def test_an_error_of_sns_is_no_topic_without_readers(backend: Backend, told: Any) -> None:
    def refuse(**_: Any) -> None:
        raise ConnectTimeoutError(endpoint_url="sns")

    with backend.hooked("sns", "before-send.sns.GetTopicAttributes", refuse):
        (line,) = told()
    assert (line["event"], line["error"]) == ("alerts.subscribers_unknown", "ConnectTimeoutError")


def test_a_stage_without_a_topic_asks_nobody(backend: Backend, told: Any) -> None:
    backend.configure(ALERTS_TOPIC_ARN="")
    assert told() == []
