"""`make prove` on a stage that `make deploy` has made in an emulated account."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import config
from infra.functions import deployed
from local import ports
from local.front import Front
from tests.edge.test_gateway import eventually
from tests.infra.account import STAGE, Account, account
from tests.infra.answers import OPERATIONS, OURS

pytestmark = pytest.mark.soak
MINUTE = 3.0  # seconds that a minute of the schedules takes here
# A line that is always open, so that an alert leaves at once; a proof of work that is soon made.
TRIED = {
    "HOTLINE_HOURS": "Mon-Sun 00:00-24:00",
    "HOTLINE_HOLIDAYS": "",
    "HOTLINE_EXCEPTIONS": "",
    "ALTCHA_COST": "20",
    "DOMAIN_EVENTS": "1",
}
# What AWS alone can answer. Everything else has to pass here.
ONLY_AWS = {"throttle", "certificate", "ses-events", "subscriptions", "clock-silent", "arm64"}


@dataclass(frozen=True)
class Stage:
    """A deployed stage, served at an address."""

    account: Account
    url: str
    folder: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ops", "--stage", STAGE, "prove", *arguments]
        given = ["--url", self.url, "--minute", str(MINUTE), "--folder", str(self.folder)]
        return subprocess.Popen(
            [*command, *given],
            cwd=self.account.root,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def schedule(self) -> str:
        """Return the state of the clock's schedule."""
        (rule,) = [
            each
            for each in self.account.client("events").list_rules()["Rules"]
            if each["Name"].startswith(config.function_name(STAGE, "clock"))
        ]
        return str(rule["State"])

    def report(self) -> dict[str, Any]:
        (kept,) = self.folder.glob(f"{STAGE}-*.json")
        found: dict[str, Any] = json.loads(kept.read_text())
        return found


@pytest.fixture(scope="module")
def stage(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with account(root, tmp_path_factory.mktemp("account")) as made:
        made.configure(environment_variables={**OURS, **TRIED}, operations=OPERATIONS)
        made.deploy()
        made.emulator.publish_dkim("firma.de")
        front = Front(ports.listen(0, "api"), made.emulator.url, trust_forwarded_for=False)
        front.api_id = deployed(made.target)["rest_api"]["rest_api_id"]
        front.start()
        made.emulator.hasten(MINUTE)  # from now on: a deployment has enough to do
        try:
            yield Stage(made, front.url, tmp_path_factory.mktemp("proofs"))
        finally:
            front.stop()


def test_every_line_passes_but_what_only_aws_can_answer(stage: Stage) -> None:
    running = stage.start()
    said, _ = running.communicate(timeout=600)
    report = stage.report()
    statuses = {each["line"]: each["status"] for each in report["lines"]}
    told = "\n".join(
        f"{each['line']} {each['status']} {each['told']} {each['seconds']}"
        for each in report["lines"]
    )
    assert {name for name, each in statuses.items() if each == "ONLY AWS"} == ONLY_AWS, told
    assert {name for name, each in statuses.items() if each != "PASS"} == ONLY_AWS, told + said
    assert running.returncode == 0


def test_after_ctrl_c_everything_is_as_before(stage: Stage, interruptible: None) -> None:
    running = stage.start("--only", "schedule", "--again")
    assert eventually(lambda: stage.schedule() == "DISABLED", 60)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 1
    assert stage.schedule() == "ENABLED"
    assert not list(stage.folder.glob("*.made.json"))


def test_after_a_kill_the_next_run_tidies_up(stage: Stage) -> None:
    running = stage.start("--only", "schedule", "--again")
    assert eventually(lambda: stage.schedule() == "DISABLED", 60)
    running.kill()
    running.communicate()
    assert stage.schedule() == "DISABLED"
    said, _ = stage.start("--only", "left").communicate(timeout=120)
    assert "ended what a run before has left: 1" in said
    assert stage.schedule() == "ENABLED"
    assert not list(stage.folder.glob("*.made.json"))
