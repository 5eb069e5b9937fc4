"""Lambda's request id joins the log lines of one request, the gateway's id those of the API."""

import json
from typing import Any

import pytest

import app
from tests.backend import Backend
from tests.edge.test_faults import error_answer
from tests.edge.test_gateway import SCHEDULED
from tests.events import Context, api_event

POISON: dict[str, Any] = {"eventName": "INSERT", "dynamodb": {"NewImage": {}}}
FOREIGN: dict[str, Any] = {
    "Records": [
        {"Sns": {"TopicArn": "foreign", "Message": "{}", "Subject": None, "MessageAttributes": {}}}
    ]
}
UNREADABLE: dict[str, Any] = {
    "eventName": "INSERT",
    "dynamodb": {"NewImage": {"pk": {"S": "VIEW#gold"}}},
}
REACTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "record.quarantined": ("deliver_messages", {"Records": [POISON]}),
    "attempt.topic": ("mail_feedback", FOREIGN),
    "marker.unreadable": ("count_views", {"Records": [UNREADABLE]}),
    "clock.ticked": ("clock", SCHEDULED),
}


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(each) for each in capsys.readouterr().out.splitlines()]


def test_each_line_names_the_invocation_it_belongs_to(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):  # the second invocation must not log the first one's id
        for event, (function, records) in REACTIONS.items():
            getattr(app, function)(records, Context(aws_request_id=f"{function}-{number}"))
            (line,) = [each for each in lines(capsys) if each["event"] == event]
            assert line["request_id"] == f"{function}-{number}"
            assert "gateway_request_id" not in line


def test_an_error_a_visitor_met_is_found_by_the_gateways_id(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    throttled = error_answer(400, "ThrottlingException")
    request = api_event("POST", "/articles/gold/views", headers={"user-agent": "Firefox/143.0"})
    for number in range(2):
        request["requestContext"]["requestId"] = f"gateway-{number}"
        with backend.hooked("dynamodb", "before-send.dynamodb", throttled):
            assert app.app(request, Context(aws_request_id=f"lambda-{number}"))["statusCode"] == 503
        (line,) = lines(capsys)
        found = (line["event"], line["request_id"], line["gateway_request_id"])
        assert found == ("http.unavailable", f"lambda-{number}", f"gateway-{number}")
