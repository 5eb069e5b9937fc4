"""The package for AWS is for arm64: each library of it, in the version that the lock names."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from local.emulator import inherited

AARCH64 = (183).to_bytes(2, "little")  # the field e_machine of an ELF file
pytestmark = pytest.mark.usefixtures("slow")


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """Copy the project."""
    unneeded = shutil.ignore_patterns(
        ".git", ".venv", ".local", ".*_cache", "__pycache__", "deployments", "tests"
    )
    return Path(shutil.copytree(root, tmp_path / "project", ignore=unneeded))


def package(project: Path) -> subprocess.CompletedProcess[str]:
    """Package for prod as `make deploy` does. The result is in the folder `made`."""
    command = [sys.executable, "-m", "infra.chalice", "package", "--stage", "prod", "made"]
    env = {**inherited(), "AWS_DEFAULT_REGION": "eu-central-1"}
    return subprocess.run(
        command, cwd=project, capture_output=True, text=True, check=False, env=env
    )


@pytest.mark.soak
def test_every_library_is_for_arm64(project: Path, tmp_path: Path) -> None:
    done = package(project)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(project / "made" / "deployment.zip") as packed:
        found = {name: packed.read(name)[:20] for name in packed.namelist()}
    libraries = {name: head[18:] for name, head in found.items() if head.startswith(b"\x7fELF")}
    assert any(name.startswith("pydantic_core/") for name in libraries)
    assert set(libraries.values()) == {AARCH64}
    functions = json.loads((project / "made" / "sam.json").read_text())["Resources"].values()
    built_for = [
        each["Properties"]["Architectures"]
        for each in functions
        if each["Type"] == "AWS::Serverless::Function"
    ]
    assert built_for == [["arm64"]] * 9
    stages = json.loads((project / ".chalice" / "config.json").read_text())["stages"]
    assert {
        name for name, stage in stages.items() if stage.get("lambda_architecture") == "arm64"
    } == {"dev", "prod"}


@pytest.mark.soak
def test_a_wheel_for_arm64_that_the_lock_does_not_name_is_refused(
    project: Path, tmp_path: Path
) -> None:
    """Check the hashes of the second download, which brings the wheels for arm64.

    The first download brings this machine's wheels, whose hash the lock still has.
    """
    lock = project / "requirements.txt"
    (entry,) = re.findall(
        r"^(pydantic-core==\S+ .*?\n)(?=\S)", lock.read_text(), re.MULTILINE | re.DOTALL
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--dest",
            tmp_path / "own",
            entry.split()[0],
        ],
        check=True,
        capture_output=True,
    )
    (own,) = (tmp_path / "own").iterdir()
    ours = (
        f"{entry.split()[0]} \\\n    --hash=sha256:{hashlib.sha256(own.read_bytes()).hexdigest()}\n"
    )
    lock.write_text(lock.read_text().replace(entry, ours))
    done = package(project)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout + done.stderr
    assert not (project / "made" / "deployment.zip").exists()
