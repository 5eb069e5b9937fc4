"""The package of `chalice package` has everything that the functions need, and nothing else."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import app
from local import deploy
from local.cloud import Cloud
from local.emulator import inherited
from tests.auth.hosted import login, tokens
from tests.events import Answer, api_event
from tests.package import as_lambda
from tests.package.conftest import Package

LARGEST = 30 << 20  # bytes zipped, more than half of them botocore's data; Lambda takes 50 MB
TRIGGERS = sorted(each.name for each in app.app.event_sources)

pytestmark = pytest.mark.soak  # a process for each function


@dataclass(frozen=True)
class Outcome:
    """A function's answers, and the top-level modules that it imported."""

    answers: list[Any]
    modules: set[str]


class Failed(Exception):
    """The function's process ended with an error. The text is its output."""


def run(code: Path, settings: Mapping[str, str], function: str, *events: Any) -> Outcome:
    """Run a function on some events in a process of its own, with the package alone.

    Lambda's runtime has an SDK as well, of another version. The package comes before it.
    """
    job = {
        "path": [str(code)],
        "environment": {**settings, "_HANDLER": f"app.{function}"},
        "events": events,
    }
    command = [sys.executable, "-I", "-S", as_lambda.__file__]
    done = subprocess.run(
        command, input=json.dumps(job), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(done.stderr)
    said = json.loads(done.stdout.splitlines()[-1])
    return Outcome(said["answers"], set(said["modules"]))


def served(outcome: Outcome) -> list[Answer]:
    return [
        Answer(
            each["statusCode"],
            {name.lower(): value for name, value in each["headers"].items()},
            each["body"],
        )
        for each in outcome.answers
    ]


EVENTS = {
    "health": api_event("GET", "/health"),
    "signup": api_event(
        "POST",
        "/newsletter/signups",
        json.dumps({"email": "nobody@", "consent": "newsletter-de-1"}),
        {"content-type": "application/json"},
    ),
    "hotline": api_event("GET", "/hotline"),
    "page": api_event("GET", "/newsletter/confirm?token=x", headers={"accept": "text/html"}),
    "snippet": api_event("GET", "/embed.js"),
}


def test_the_api_is_served_from_the_package_alone(packaged: Cloud, package: Package) -> None:
    health, refused, hotline, page, snippet = served(
        run(package.unzipped, packaged.env, "app", *EVENTS.values())
    )
    assert (health.status, health.json["status"]) == (200, "ok")
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "email")
    assert (hotline.status, hotline.json["display"]) == (200, "+49 7930 2699")
    assert (page.status, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    bare = package.unzipped / "chalicelib" / "web" / "built" / "embed.js"
    assert '"jetzt erreichbar"' in snippet.text
    assert snippet.text.endswith(bare.read_text(encoding="utf-8")[-500:])


@pytest.mark.parametrize("function", TRIGGERS)
def test_a_trigger_does_not_pay_for_pydantic(
    packaged: Cloud, package: Package, function: str
) -> None:
    empty: list[Any] = [{"Records": []}] if function in ("deliver_messages", "count_views") else []
    assert "pydantic" not in run(package.unzipped, packaged.env, function, *empty).modules


@pytest.fixture(scope="module")
def of_an_agent(packaged: Cloud) -> dict[str, Any]:
    """Return a program's call with the token of a person who really signed in."""
    token = tokens(packaged, login(packaged, "agent"))["id_token"]
    return api_event("GET", "/staff", headers={"authorization": f"Bearer {token}"})


def test_only_the_staffs_calls_pay_for_tokens(
    packaged: Cloud, package: Package, of_an_agent: dict[str, Any]
) -> None:
    public = run(package.unzipped, packaged.env, "app", EVENTS["health"], EVENTS["page"])
    assert not {"jwt", "Crypto"} & public.modules
    staff = run(package.unzipped, packaged.env, "app", of_an_agent)
    assert [each.status for each in served(staff)] == [200]
    assert {"jwt", "Crypto"} <= staff.modules


@pytest.mark.parametrize("requirement", ["jwt", "Crypto"])
def test_no_token_is_believed_where_it_cannot_be_verified(
    packaged: Cloud,
    package: Package,
    tmp_path: Path,
    of_an_agent: dict[str, Any],
    requirement: str,
) -> None:
    outcome = run(without(requirement, package, tmp_path), packaged.env, "app", of_an_agent)
    assert [each.status for each in served(outcome)] in ([401], [500])


def without(requirement: str, package: Package, folder: Path) -> Path:
    """Link the unzipped package without one requirement."""
    for each in package.unzipped.iterdir():
        if each.name != requirement:
            (folder / each.name).symlink_to(each)
    return folder


@pytest.mark.parametrize(
    ("requirement", "event"),
    [
        ("chalice", "health"),
        ("boto3", "health"),
        ("pydantic", "health"),
        ("itsdangerous", "page"),
        ("jinja2", "page"),
        ("email_validator", "signup"),
        ("phonenumbers", "hotline"),
    ],
)
def test_a_requirement_that_is_missing_shows(
    packaged: Cloud, package: Package, tmp_path: Path, requirement: str, event: str
) -> None:
    try:
        outcome = run(without(requirement, package, tmp_path), packaged.env, "app", EVENTS[event])
    except Failed as error:
        shown = f"No module named '{requirement}'" in str(error)  # imported at the start
    else:
        shown = [each.status for each in served(outcome)] == [500]  # imported where it is needed
    assert shown


def test_what_is_in_it(package: Package, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = {name for name in package.files if name.startswith(("app.py", "chalicelib/"))}
    written = [
        root / "app.py",
        *(each for each in (root / "chalicelib").rglob("*") if each.is_file()),
    ]
    assert ours == {str(each.relative_to(root)) for each in written if each.suffix != ".pyc"}
    assert {
        "chalicelib/web/style.css",
        "chalicelib/web/built/embed.js",
        "chalicelib/callbacks/holidays.json",
    } <= ours
    for kind in ("web/templates/mail/confirmation.txt", "web/templates/page/confirm.html"):
        assert f"chalicelib/{kind}" in ours
    for kind in ("newsletter", "callback"):
        assert any(re.fullmatch(rf"chalicelib/\w+/consent/{kind}-de-1\.txt", name) for name in ours)
    assert {"boto3/session.py", "botocore/session.py", "pydantic/main.py"} <= set(package.files)
    zipped = package.archive.stat().st_size
    with zipfile.ZipFile(package.archive) as archive:
        unzipped = sum(each.file_size for each in archive.infolist())
    with capsys.disabled():
        sizes = f"{zipped / 1e6:.1f} MB, unzipped {unzipped / 1e6:.1f} MB"
        print(f"\nthe package: {len(package.files)} files, {sizes}")
    assert zipped < LARGEST


def test_what_is_in_it_besides_is_what_the_lock_names(package: Package, root: Path) -> None:
    locked = set(
        re.findall(r"^([\w.-]+)==([\w.]+)", (root / "requirements.txt").read_text(), re.MULTILINE)
    )
    found = {re.fullmatch(r"([^/]+)-([^/-]+)\.dist-info/METADATA", name) for name in package.files}
    assert {(each[1].replace("_", "-").lower(), each[2]) for each in found if each} == locked
    owned = set()
    for record in package.unzipped.glob("*.dist-info/RECORD"):
        owned |= {
            line.partition(",")[0].partition("/")[0] for line in record.read_text().splitlines()
        }
    assert {name.partition("/")[0] for name in package.files} - owned == {
        "app.py",
        "chalice",
        "chalicelib",
    }


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    """Copy the whole project, so that packaging leaves nothing behind in it."""
    unneeded = shutil.ignore_patterns(
        ".git", ".venv", ".local", ".*_cache", "__pycache__", "deployments"
    )
    return Path(shutil.copytree(root, tmp_path / "project", ignore=unneeded))


def chalice_package(project: Path, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command that a person would use. The result is in the folder `made`."""
    command = [*deploy.CHALICE, "package", "--stage", deploy.STAGE, "made"]
    return subprocess.run(
        command,
        cwd=project,
        env={**inherited(), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def test_packaging_the_whole_project_again_makes_the_same_files(
    packaged: Cloud, package: Package, project: Path
) -> None:
    done = chalice_package(project, packaged.env)
    assert done.returncode == 0, done.stderr
    assert Package(project / "made" / "deployment.zip", project).files == package.files


def test_a_changed_hash_fails_the_packaging(packaged: Cloud, project: Path) -> None:
    lock = project / "requirements.txt"
    changed, count = re.subn(
        r"--hash=sha256:[0-9a-f]{64}", f"--hash=sha256:{'0' * 64}", lock.read_text()
    )
    assert count > 10
    lock.write_text(changed)
    done = chalice_package(project, packaged.env)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout + done.stderr
    assert not (project / "made").exists()
