"""The watching stack waits for the functions, and its alarms do not stay switched off."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import config, resources
from infra.target import Target
from tests.backend import Backend


@pytest.fixture
def target(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    stage = backend.env["STAGE"]
    whole = {"stages": {stage: {"environment_variables": {"STAGE": stage}}}}
    (tmp_path / ".chalice").mkdir()
    (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(resources, "PAUSE", 0.05)
    return Target(tmp_path, stage)


def alarms(target: Target) -> dict[str, dict[str, Any]]:
    prefix = f"{config.prefix(target.stage)}-"
    pages = (
        target.client("cloudwatch")
        .get_paginator("describe_alarms")
        .paginate(AlarmNamePrefix=prefix)
    )
    return {
        each["AlarmName"].removeprefix(prefix): each
        for page in pages
        for each in page["MetricAlarms"]
    }


def serve(target: Target) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("app.py", "app = None")
    target.client("lambda").create_function(
        FunctionName=config.prefix(target.stage),
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/none",
        Handler="app.app",
        Code={"ZipFile": packed.getvalue()},
    )


def carry_out(target: Target) -> list[str]:
    said = []
    for change in resources.watched(target):
        said.append(change.text)
        if change.do:
            change.do()
    return said


def test_what_has_to_happen_is_watched_once_something_can_do_it(target: Target) -> None:
    resources._watch(target)
    before = alarms(target)
    assert "messages-failed" in before
    assert "clock-silent" not in before
    topic = target.environment["OPERATORS_TOPIC_ARN"]
    assert topic.endswith(f":{config.prefix(target.stage)}-operators")
    serve(target)
    (said,) = carry_out(target)
    assert said.endswith("clock-silent")
    after = alarms(target)
    assert after.keys() - before.keys() == {"clock-silent"}
    assert carry_out(target) == []
    target.client("cloudwatch").disable_alarm_actions(
        AlarmNames=[after["clock-silent"]["AlarmName"], after["exceptions"]["AlarmName"]]
    )
    (said,) = carry_out(target)
    assert "switched off" in said
    assert [name for name, each in alarms(target).items() if not each["ActionsEnabled"]] == []
    assert carry_out(target) == []
