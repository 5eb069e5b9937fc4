"""Tools that others use on a contract: a linter has no complaint, a generated client compiles."""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import npm
from tests.contract.published import contract

pytestmark = [pytest.mark.soak, pytest.mark.edge]
NPM = Path(__file__).parent / "npm"
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
STRICT = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]


@pytest.fixture(scope="session")
def tools(root: Path) -> Path:
    """Install the locked npm packages."""
    return npm.installed(NPM, root)


def lint(tools: Path, folder: Path, document: Any) -> dict[str, Any]:
    """Return what Redocly's recommended rules, all of them, find in a document."""
    (folder / "contract.json").write_text(json.dumps(document))
    command = [str(tools / ".bin" / "redocly"), "lint", "contract.json"]
    done = subprocess.run(
        [*command, "--extends", "recommended", "--format", "json"],
        cwd=folder,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_linter_has_no_complaint(tools: Path, tmp_path: Path) -> None:
    found = lint(tools, tmp_path, contract())
    assert found["problems"] == []
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}


def test_the_linter_finds_what_is_wrong(tools: Path, tmp_path: Path) -> None:
    wrong = copy.deepcopy(contract())
    health = wrong["paths"]["/health"]["get"]
    health["operationId"] = wrong["paths"]["/hotline"]["get"]["operationId"]
    del health["security"]
    wrong["components"]["schemas"]["Unused"] = {"type": "object"}
    found = lint(tools, tmp_path, wrong)
    assert {each["ruleId"] for each in found["problems"]} == {
        "no-unused-components",
        "operation-operationId-unique",
        "security-defined",
    }


def test_a_generated_client_compiles(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(json.dumps(contract()))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(tools)
    shutil.copy(NPM / "use.ts", tmp_path)
    generate = ["openapi-typescript", "contract.json", "--output", "contract.ts"]
    # A field with a default need not be sent.
    for command in ([*generate, "--default-non-nullable", "false"], ["tsc", *STRICT, "use.ts"]):
        done = subprocess.run(
            [tools / ".bin" / command[0], *command[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    types = (tmp_path / "contract.ts").read_text()
    assert "signUpForNewsletter: {" in types
