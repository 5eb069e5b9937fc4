"""The clock tells of alerts and alarms that nobody hears: in the log, and of alarms by a mail."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ConnectTimeoutError

from chalicelib import instants
from chalicelib.outbox import subscribers
from tests.backend import Backend

Look = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def told(backend: Backend, capsys: pytest.CaptureFixture[str]) -> Look:
    """Return a function that has the clock look, and returns the lines about it."""

    def look() -> list[dict[str, Any]]:
        capsys.readouterr()
        subscribers.look()
        lines = map(json.loads, capsys.readouterr().out.splitlines())
        return [each for each in lines if each["event"].startswith(("alerts.", "operators."))]

    return look


@pytest.fixture
def alarms(backend: Backend) -> str:
    """Give the stage a topic of its operators, and somebody who hears the alerts."""
    subscribe(backend, backend.env["ALERTS_TOPIC_ARN"], "email", "staff@example.org")
    name = f"customer-contact-{backend.env['STAGE']}-operators"
    topic: str = backend.cloud.client("sns").create_topic(Name=name)["TopicArn"]
    backend.configure(OPERATORS_TOPIC_ARN=topic, SUPERVISOR_MAIL="lead@example.org")
    return topic


def subscribe(backend: Backend, topic: str, protocol: str, endpoint: str) -> str:
    client = backend.cloud.client("sns")
    made = client.subscribe(
        TopicArn=topic, Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True
    )
    return str(made["SubscriptionArn"])


def test_a_topic_without_a_confirmed_subscription_is_told_of(backend: Backend, told: Look) -> None:
    (line,) = told()
    assert (line["level"], line["event"]) == ("WARNING", "alerts.nobody_subscribed")
    assert line["pending"] == 0
    subscribers.forget()
    subscribe(
        backend, backend.env["ALERTS_TOPIC_ARN"], "http", "http://127.0.0.1:9/nobody-confirms"
    )
    assert [each["pending"] for each in told()] == [1]
    subscribers.forget()
    subscribe(backend, backend.env["ALERTS_TOPIC_ARN"], "email", "staff@example.org")
    assert told() == []


def test_the_look_comes_four_times_an_hour(backend: Backend, told: Look) -> None:
    with time_machine.travel(instants.now(), tick=False) as clock:
        found = []
        for _ in range(61):  # the clock ticks each minute
            found += told()
            clock.shift(60)
    assert len(found) == 5  # at 0, 15, 30, 45 and 60 minutes


@pytest.mark.parametrize("whose", ["alerts", "operators"])
def test_an_error_of_sns_is_no_topic_without_readers(
    backend: Backend, told: Look, alarms: str, whose: str
) -> None:
    asked = backend.env["ALERTS_TOPIC_ARN"] if whose == "alerts" else alarms
    subscribe(backend, alarms, "email", "ops@example.org")

    def refuse(request: Any, **_: Any) -> None:
        if asked.rpartition(":")[2] in request.body:
            raise ConnectTimeoutError(endpoint_url="sns")

    with backend.hooked("sns", "before-send.sns.GetTopicAttributes", refuse):
        (line,) = told()
    expected = (f"{whose}.subscribers_unknown", "ConnectTimeoutError")
    assert (line["event"], line["error"]) == expected
    assert backend.states() == {}


def test_a_stage_without_a_topic_asks_nobody(backend: Backend, told: Look) -> None:
    backend.configure(ALERTS_TOPIC_ARN="")
    assert told() == []
    assert backend.states() == {}


def test_alarms_that_nobody_hears_reach_the_supervisors_once_a_week(
    backend: Backend, told: Look, alarms: str
) -> None:
    with time_machine.travel("2026-12-28T09:00:00Z", tick=False) as clock:  # week 53
        for _ in range(3):
            (line,) = told()
            assert (line["level"], line["event"]) == ("WARNING", "operators.nobody_subscribed")
            clock.shift(900)
        backend.deliver()
        (mail,) = backend.mails("lead@example.org")
        assert mail["subject"] == "Die Alarme hört niemand (Stufe {})".format(backend.env["STAGE"])
        assert "Bitte geben Sie das an die Stelle weiter, die das System betreibt" in mail["text"]
        assert "operators-unheard" in mail["text"]
        assert "%(" not in mail["text"]
        clock.shift(7 * 86400)
        told()
        backend.deliver()
        assert list(backend.states()) == [
            "operators-unheard_operators_202653",
            "operators-unheard_operators_202701",
        ]
        assert len(backend.mails("lead@example.org")) == 2


def test_an_unsubscribe_that_a_scanner_pressed_is_noticed(
    backend: Backend, told: Look, alarms: str
) -> None:
    own = subscribe(backend, alarms, "email", "ops@example.org")
    assert told() == []
    backend.cloud.client("sns").unsubscribe(SubscriptionArn=own)
    subscribers.forget()
    assert [each["event"] for each in told()] == ["operators.nobody_subscribed"]
    assert len(backend.states()) == 1


def test_while_somebody_may_yet_confirm_there_is_no_mail(
    backend: Backend, told: Look, alarms: str
) -> None:
    subscribe(backend, alarms, "http", "http://127.0.0.1:9/nobody-confirms")
    assert [each["pending"] for each in told()] == [1]
    assert backend.states() == {}


def test_without_an_address_there_is_nobody_to_write_to(
    backend: Backend, told: Look, alarms: str
) -> None:
    backend.configure(SUPERVISOR_MAIL="", STAFF_MAIL="")
    told()
    backend.deliver()
    assert list(backend.states().values()) == ["void"]
