"""`python -m ops prove`: the report, the journal, how a line ends; and some lines on a stage.

`tests/infra/test_prove.py` runs the whole command on a deployed stage.
"""

import json
import signal
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from click.testing import CliRunner

from chalicelib.newsletter import service
from chalicelib.settings import current
from infra.target import Target
from local.cloud import Cloud
from ops.prove import command, outcomes, report, run
from ops.prove.journal import Journal, uninterrupted
from ops.prove.lines import LINES, Line
from ops.prove.report import Report, Result
from ops.prove.visitor import address
from ops.stage import ROOT
from tests.backend import Backend
from tests.ops.commands import ops

DAY = date(2026, 11, 26)
SENTENCE = "The stage answers."


def result(line: str, status: report.Status, told: str = "") -> Result:
    return Result(line, SENTENCE, status, told, "10:00:00", 1.5)


def test_a_report_is_read_as_it_was_written() -> None:
    made = Report("dev", "2026-11-26", "https://a.example", "123456789012", "eu-central-1")
    made = made.with_(result("health", "PASS", "12 ms")).with_(result("cors", "FAIL", "ä | ö"))
    assert report.read(report.as_json(made)) == made
    assert made.summary == "1 PASS, 1 FAIL"
    assert made.has("health")
    assert not made.has("cors")
    assert not made.has("alert")


def test_a_later_result_takes_the_place_of_an_earlier_one_and_the_order_is_the_tables() -> None:
    made = Report("dev", "2026-11-26").with_(result("b", "FAIL")).with_(result("gone", "PASS"))
    made = made.with_(result("a", "PASS")).with_(result("b", "PASS")).in_order(["a", "b"])
    assert list(made.results) == ["a", "b"]
    assert made.has("b")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"format": 2}', '{"format": 1, "summary": "", "lines": [1]}']
)
def test_what_is_no_report_is_begun_anew(text: str) -> None:
    assert report.read(text) is None


def test_the_page_has_a_row_for_each_line_whatever_is_told() -> None:
    made = Report("dev", "2026-11-26", "https://a.example")
    made = made.with_(result("health", "FAIL", "one | two\nthree \\| four"))
    page = report.as_page(made, "Proof of dev", ("Result", "What", "Measured", "When"))
    rows = [each for each in page.splitlines() if each.startswith("|")]
    assert len(rows) == 3
    assert rows[-1].replace("\\\\", "").replace("\\|", "").count("|") == 5
    assert report.paths(Path("x"), "dev", DAY)[0] == Path("x/dev-2026-11-26.md")


def test_each_line_has_an_id_of_its_own_and_six_are_only_awss() -> None:
    assert len({each.id for each in LINES}) == len(LINES)
    assert {each.id for each in LINES if each.only_aws} == {
        *("throttle", "certificate", "ses-events", "subscriptions", "clock-silent", "arm64")
    }
    assert LINES[-1].id == "left"
    page = (ROOT / "docs" / "operations.md").read_text()
    assert [each.id for each in LINES if f"`{each.id}`" not in page] == []


def test_what_was_made_is_ended_after_a_failure(tmp_path: Path) -> None:
    ended: list[Any] = []
    journal = Journal(tmp_path / "made.json", {"queue": ended.append})

    def made_and_interrupted() -> None:
        with journal.made_here("queue", name="a"):
            written = json.loads((tmp_path / "made.json").read_text())
            assert written == [{"kind": "queue", "name": "a"}]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_and_interrupted()
    assert ended == [{"kind": "queue", "name": "a"}]
    assert not (tmp_path / "made.json").exists()


def test_what_could_not_be_ended_is_ended_by_the_next_run_the_latest_first(tmp_path: Path) -> None:
    def refuse(_made: object) -> None:
        raise OSError("the network is gone")

    journal = Journal(tmp_path / "made.json", {"queue": refuse})
    both = (journal.made_here("queue", name=each) for each in ("a", "b"))
    with pytest.raises(OSError, match="gone"), next(both), next(both):
        pass
    ended: list[Any] = []
    again = Journal(tmp_path / "made.json", {"queue": ended.append})
    assert again.end_all() == 2
    assert [each["name"] for each in ended] == ["b", "a"]
    assert Journal(tmp_path / "made.json", {}).end_all() == 0


def test_ctrl_c_waits_for_the_end_of_what_is_tidied_up(interruptible: None) -> None:
    done = []

    def interrupted() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("all of it")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "DisableRule")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> run.Run:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers credentials
    journal = Journal(tmp_path / "made.json", {})
    return run.Run("http://127.0.0.1:1", Target(tmp_path, "dev"), journal, click.echo)


@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        (outcomes.Fails("it is red"), "FAIL", "it is red"),
        (outcomes.NotDone("nobody is there"), "NOT DONE", "nobody is there"),
        (refused("AccessDeniedException"), "NOT DONE", "AccessDeniedException"),
        (refused("ThrottlingException"), "FAIL", "ThrottlingException"),
        (ConnectionRefusedError("nobody listens"), "FAIL", "nobody listens"),
        (ValueError("no JSON"), "FAIL", "no JSON"),
    ],
)
def test_how_a_line_ends(here: run.Run, raised: Exception, status: str, told: str) -> None:
    def line(_run: run.Run) -> str:
        raise raised

    found = command.outcome(here, Line("x", SENTENCE, line))
    assert (found[0], told in found[1]) == (status, True)


@pytest.mark.parametrize("over", [refused("ExpiredToken"), NoCredentialsError()])
def test_credentials_that_are_over_end_the_run(here: run.Run, over: Exception) -> None:
    def line(_run: run.Run) -> str:
        raise over

    with pytest.raises(type(over)):
        command.outcome(here, Line("x", SENTENCE, line))
    with pytest.raises(click.ClickException, match="credentials"), command.signed_in():
        raise over


def test_who_asks_aws_alone_is_told_so_elsewhere(
    here: run.Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    line = Line("x", SENTENCE, lambda _run: "seen", "no arm64 machine runs the package here")
    assert here.on_aws
    assert command.outcome(here, line) == ("PASS", "seen")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    elsewhere = replace(here, target=Target(tmp_path, "dev"))
    assert command.outcome(elsewhere, line)[0] == "ONLY AWS"


def test_a_second_run_on_a_stage_is_refused(tmp_path: Path) -> None:
    with command.alone(tmp_path, "dev"), command.alone(tmp_path, "prod"):
        second = command.alone(tmp_path, "dev")
        with pytest.raises(click.ClickException, match="under way"):
            second.__enter__()
    with command.alone(tmp_path, "dev"):
        pass


def test_a_wait_ends_with_what_was_seen(here: run.Run) -> None:
    looks = iter([0, 0, 7])
    here._looks = 0.01
    assert here.wait("x", lambda: next(looks), 5) == 7
    assert here.wait("x", lambda: 0, 0.05) == 0


def test_nothing_is_done_with_prod_without_the_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE", "prod")
    current.cache_clear()
    for typed, code in (("", 1), ("yes\n", 1), ("confirm\n", 1)):
        done = CliRunner().invoke(command.prove, ["--folder", str(tmp_path)], input=typed, obj=None)
        assert done.exit_code == code
    current.cache_clear()
    assert list(tmp_path.iterdir()) == []


def test_lines_on_the_local_cloud(cloud: Cloud, tmp_path: Path) -> None:
    wanted = (
        *("health", "functions", "unknown-path", "wrong-method", "closed", "too-large", "cors"),
        *("hsts", "dkim", "one-click", "bounce", "throttle", "mappings", "left"),
    )
    with Backend(cloud, cloud.env):
        given = ("--folder", tmp_path, "--url", cloud.api, "--only", ",".join(wanted))
        done = ops("prove", *given)
        (kept,) = tmp_path.glob("local-*.json")
        found = {each["line"]: each for each in json.loads(kept.read_text())["lines"]}
        others = {name: each["status"] for name, each in found.items() if each["status"] != "PASS"}
        assert others == {"throttle": "ONLY AWS", "mappings": "NOT DONE"}, done.output
        assert list(found) == [each.id for each in LINES if each.id in wanted]
        assert done.exit_code == 0
        assert service.find(address("bounce", "ends")).suppressed
        assert not list(tmp_path.glob("*.made.json"))
        # What passed today is not done again.
        again = ops("prove", *given)
        assert again.output.count("PASS") == done.output.count("PASS")
        after = json.loads(kept.read_text())["lines"]
        assert [each["at"] for each in after if each["line"] == "bounce"] == [found["bounce"]["at"]]


def test_a_line_that_fails_is_told_and_the_exit_code_says_so(cloud: Cloud, tmp_path: Path) -> None:
    with Backend(cloud, cloud.env):
        nobody = ("--url", f"{cloud.site}/nowhere")
        done = ops("prove", "--folder", tmp_path, *nobody, "--only", "health,unknown-path")
    assert done.exit_code == 1
    assert done.output.count("FAIL") == 3  # each line, and the summary


def test_an_unknown_line_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    with Backend(cloud, cloud.env):
        assert ops("prove", "--only", "health,nothing").exit_code == 2
        assert "certificate" in ops("prove", "--list").output
