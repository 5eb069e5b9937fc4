"""The commands as an operator calls them: in a process of its own, on a running stage."""

import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner

from local.cloud import Cloud
from ops.__main__ import main
from tests.edge.test_gateway import eventually
from tests.ops.commands import row, table, written


class Operator:
    """Somebody at a terminal, with the file that the local cloud wrote about itself."""

    def __init__(self, root: Path, folder: Path, cloud: Cloud) -> None:
        self.root, self.run = root, folder / "run.json"
        self.run.write_text(json.dumps({"aws": cloud.aws, "api": cloud.api, "site": cloud.site}))

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "ops", "--run", str(self.run), *map(str, arguments)]

    def __call__(self, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env={**kept, **env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def operator(root: Path, tmp_path: Path, cloud: Cloud) -> Operator:
    return Operator(root, tmp_path, cloud)


@pytest.mark.soak
def test_import_export_proof_growth(operator: Operator, tmp_path: Path) -> None:
    address = f"operator-{uuid.uuid4().hex[:8]}@example.org"
    file = written(tmp_path / "old.csv", row(address), row("bad"))
    # The operator's own AWS account must not be used as the local cloud's.
    imported = operator("import", file, AWS_PROFILE="mine", AWS_SESSION_TOKEN="token")
    assert (imported.returncode, json.loads(imported.stderr)["event"]) == (0, "newsletter.imported")
    assert imported.stdout.splitlines()[-1] == "1 imported, 0 done before, 1 refused"
    exported = operator("export", tmp_path / "out.csv")
    assert (exported.returncode, json.loads(exported.stderr)["event"]) == (0, "newsletter.exported")
    assert address in [each["email"] for each in table(tmp_path / "out.csv")]
    proven = operator("proof", address)
    assert (proven.returncode, proven.stderr) == (0, "")
    assert "INTACT" in proven.stdout
    growth = operator("growth", "--days", "7")
    assert (growth.returncode, growth.stderr) == (0, "")
    assert "In all" in growth.stdout


@pytest.mark.soak
def test_ctrl_c_in_the_middle_and_the_next_run_goes_on(
    operator: Operator, interruptible: None, cloud: Cloud, tmp_path: Path
) -> None:
    rows, lot = 400, uuid.uuid4().hex[:8]
    file = written(
        tmp_path / "old.csv", *(row(f"{lot}-{number}@example.org") for number in range(rows))
    )

    def taken() -> int:
        asked = {
            "TableName": cloud.env["CONTACTS_TABLE"],
            "FilterExpression": "begins_with(email, :lot)",
        }
        pages = (
            cloud.client("dynamodb")
            .get_paginator("scan")
            .paginate(**asked, ExpressionAttributeValues={":lot": {"S": lot}})
        )
        return sum(page["Count"] for page in pages)

    begun = subprocess.Popen(
        operator.command("import", file),
        cwd=operator.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: taken() > rows // 10)
    begun.send_signal(signal.SIGINT)
    _, said = begun.communicate(timeout=60)
    done = taken()
    assert (begun.returncode, said.strip().endswith("Aborted!")) == (1, True)
    assert rows // 10 < done < rows
    again = operator("import", file)
    assert again.stdout.splitlines()[-1] == f"{rows - done} imported, {done} done before, 0 refused"
    assert taken() == rows
    print(
        f"\nimport of {rows}: interrupted after {done}, {rows - done} by the next run, none twice"
    )


@pytest.mark.soak
def test_another_stage_by_the_callers_credentials(
    operator: Operator, cloud: Cloud, tmp_path: Path
) -> None:
    account = {
        "AWS_ENDPOINT_URL": cloud.aws,
        "AWS_ACCESS_KEY_ID": "own",
        "AWS_SECRET_ACCESS_KEY": "own",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    missing = operator("--stage", "prod", "growth", **account)
    assert (missing.returncode, missing.stderr.count("\n")) == (3, 1)
    assert (
        "there is no finished stack customer-contact-prod-resources in eu-central-1"
        in missing.stderr
    )
    cloud.resources("dev")
    file = written(tmp_path / "old.csv", row("dev@example.org"))
    assert operator("--stage", "dev", "import", file, **account).returncode == 0
    proven = operator("--stage", "dev", "proof", "dev@example.org", **account)
    assert proven.returncode == 0
    assert proven.stdout.startswith("Tauberwerk GmbH: proof of consent")


@pytest.mark.parametrize(
    ("options", "env", "told"),
    [
        (["--stage", "nowhere"], {}, "there is no stage nowhere in .chalice/config.json"),
        (["--run", "/none/run.json"], {}, "the local cloud is not running: start it by `make run`"),
        (["--stage", "dev"], {"AWS_EC2_METADATA_DISABLED": "true"}, "You must specify a region."),
    ],
)
def test_what_can_be_foreseen_is_one_line(
    operator: Operator, options: list[str], env: dict[str, str], told: str
) -> None:
    done = operator(
        *options,
        "growth",
        **env,
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert told in done.stderr


@pytest.mark.soak
def test_a_local_cloud_that_was_killed(operator: Operator) -> None:
    addresses = json.loads(operator.run.read_text())
    operator.run.write_text(json.dumps({**addresses, "aws": "http://127.0.0.1:9"}))
    done = operator("growth")
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert "the local cloud does not answer" in done.stderr


def test_help_needs_no_stage(operator: Operator) -> None:
    operator.run.unlink()
    done = operator("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in main.commands.items():
        assert f"  {name} " in done.stdout
        told = CliRunner().invoke(main, ["--run", str(operator.run), name, "--help"])
        assert (told.exit_code, told.output.startswith("Usage: main")) == (0, True)
        assert str(command.help).split()[:5] == told.output.split("\n\n")[1].split()[:5]
