"""The documents are true: the targets, files, settings and attributes that they name exist."""

import json
import os
import re
import subprocess
from pathlib import Path

import botocore.session
import yaml  # type: ignore[import-untyped]  # comes with cfn-lint, without stubs
from botocore import xform_name
from botocore.validate import ParamValidator

from chalicelib import addresses
from chalicelib.http.inventory import INVENTORY
from infra import config
from ops.__main__ import main as operators
from tools import dashboard, settings_table

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
PIPELINE = (ROOT / "examples" / "deploy.yml").read_text()
README = (ROOT / "README.md").read_text()
SHOWN = ("demo", "staff", "mail")  # as in tests/browser/readme.py, which needs a browser
DOCS = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_the_settings_page_is_current() -> None:
    assert settings_table.PAGE.read_text() == settings_table.page(), "run `make generated`"


def test_the_dashboards_picture_is_current() -> None:
    """Check that the picture is the tool's drawing of infra/dashboard.json.

    It has each widget, and the hour's figures have each of its metrics.
    """
    drawn, hour = dashboard.PICTURE.read_text(), json.loads(dashboard.HOUR.read_text())
    assert drawn == dashboard.picture(), "run `make generated`"
    widgets = json.loads((ROOT / "infra" / "dashboard.json").read_text())["widgets"]
    assert [
        each["properties"]["title"] for each in widgets if each["properties"]["title"] not in drawn
    ] == []
    shown = {name for widget in widgets for name, *_ in dashboard.series(widget["properties"])}
    assert shown == hour.keys(), "run `python -m tests.infra.hour`"
    assert drawn.count("<polyline") == sum(len(each["properties"]["metrics"]) for each in widgets)


def test_links_lead_somewhere() -> None:
    broken = [
        f"{doc.name}: {link}"
        for doc in DOCS
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", doc.read_text())
        if not (doc.parent / link).exists()
    ]
    assert broken == []


def test_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    named = {
        target
        for doc in DOCS
        for target in re.findall(r"(?:^ {4}|`)make ([a-z-]+)(?=[`\s])", doc.read_text(), re.M)
    }
    assert {"run", "test", "check"} <= named
    assert named - targets == set()


def test_the_help_has_every_target_under_a_heading() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    headings, groups = [], []
    for line in listed.splitlines():
        if line and not line.startswith(" "):
            headings.append(line)
            groups.append(list[str]())
        elif line:
            groups[-1].append(line.split()[1])
    assert headings == ["Every day", "Quality", "Package and deploy", "Operations"]
    assert [each for each in groups if len(each) < 4] == []
    documented = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.M)
    assert [target for group in groups for target in group] == documented


def test_targets_take_what_they_are_given() -> None:
    """Check that a target's recipe reads each variable that is given to it.

    Looks at each `make target NAME=…` in the documents and the pipeline.
    """
    recipes = dict(
        re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", MAKEFILE.replace("$(OPS)", "$(STAGE)"), re.M)
    )
    given = [
        (target, name)
        for text in (*(doc.read_text() for doc in DOCS), PIPELINE)
        for target, variables in re.findall(r"\bmake ([a-z-]+)((?: [A-Z]+=[^\s`]+)+)", text)
        for name in re.findall(r"([A-Z]+)=", variables)
    ]
    assert {"deploy", "erase", "ops", "rotate-keys"} <= {target for target, _ in given}
    assert [
        f"{target} {name}" for target, name in given if f"$({name})" not in recipes[target]
    ] == []


def test_the_operators_commands_exist() -> None:
    """Check each command and its options in `python -m ops …` and `make ops ARGS="…"`."""
    spoken = r"`(?:python -m ops|make ops ARGS=\")((?: ?--stage [\w…]+)?)\s*([a-z-]+)([^`]*)`"
    found = [each for doc in DOCS for each in re.findall(spoken, doc.read_text())]
    assert {"restore-check", "retention", "redrive"} <= {name for _, name, _ in found}
    for _, name, rest in found:
        options = {option for each in operators.commands[name].params for option in each.opts} | {
            "--help"
        }
        assert set(re.findall(r"--[a-z-]+", rest)) <= options


# The options that AWS's command line calls by another name than the API.
_RENAMED = {"notification-endpoint": "endpoint"}
_SERVICES = {"s3api": "s3"}
# Commands of the command line's own.
_OWN = {("configure", "sso"), ("sso", "login"), ("s3", "mv")}


def test_commands_of_awss_own_exist() -> None:
    """Check that botocore knows the operation and the options of each `aws …` command."""
    texts = (re.sub(r"\\\n\s*", "", doc.read_text()) for doc in DOCS)
    found = [
        each
        for text in texts
        for each in re.findall(r"(?:^ {4,}|`)aws ([a-z-]+) ([a-z-]+)((?: --[^`\n]*)?)", text, re.M)
    ]
    own = [each for each in found if (each[0], each[1]) not in _OWN]
    assert len(own) >= 4
    for service, operation, rest in own:
        model = botocore.session.get_session().get_service_model(_SERVICES.get(service, service))
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(operations[operation]).input_shape
        assert shape
        options = {_RENAMED.get(each, each) for each in re.findall(r" --([a-z-]+)", rest)}
        assert options <= {xform_name(name, "-") for name in shape.members}


def test_what_the_recipe_for_receiving_hands_to_aws_is_taken() -> None:
    """Check the JSON of the rule and the lifecycle against AWS's own models."""
    page = (ROOT / "docs" / "operations.md").read_text()
    session = botocore.session.get_session()
    for file, service, operation, member in (
        ("rule.json", "ses", "CreateReceiptRule", "Rule"),
        ("days.json", "s3", "PutBucketLifecycleConfiguration", "LifecycleConfiguration"),
    ):
        written = re.search(rf"`{file}`:\n\n((?: {{7}}.*\n)+)", page)
        assert written
        given = json.loads(written[1])
        shape = session.get_service_model(service).operation_model(operation).input_shape
        assert shape
        assert not ParamValidator().validate(given, shape.members[member]).has_errors()
    policy = re.search(r"`policy.json`:\n\n((?: {7}.*\n)+)", page)
    assert policy
    (statement,) = json.loads(policy[1])["Statement"]
    assert statement["Condition"]["StringEquals"]["AWS:SourceAccount"]


def test_the_pipeline_is_one() -> None:
    """Check that the pipeline's jobs and commands exist and that its variables are set."""
    jobs = yaml.safe_load(PIPELINE)["jobs"]
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
    for job in jobs.values():
        assert job.get("needs", "check") in jobs
        assert re.fullmatch(r"ubuntu-[\d.]+", job["runs-on"])
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step.get("uses", f"a/b@{0:040}"))
            for line in step.get("run", "").splitlines():
                words = line.split()
                if words[:1] == ["make"]:
                    assert words[1] in targets
                elif line.startswith("."):
                    assert os.access(ROOT / words[0], os.X_OK)
            given = {"GITHUB_REPOSITORY", "PWD"}
            known = {**job.get("env", {}), **step.get("env", {})}.keys() | given
            assert set(re.findall(r"\$([A-Z_]+)", step.get("run", ""))) <= known


def test_no_check_of_the_pipeline_ends_a_deployment() -> None:
    """Check who waits for whom: a deployment is ended by nothing, a check by its own successor."""
    whole = yaml.safe_load(PIPELINE)
    check, deploy = (whole["jobs"][name] for name in ("check", "deploy"))
    assert "concurrency" not in whole  # it would hold for the deployments, too
    assert whole["permissions"] == {}
    assert deploy["concurrency"]["cancel-in-progress"] is False
    assert deploy["concurrency"]["queue"] == "max"  # else a later one drops the one that waits
    assert deploy["concurrency"]["group"].startswith("deploy-")
    assert check["concurrency"]["group"].startswith("check-${{ github.event.pull_request.number")
    assert check["permissions"] == {"contents": "read"}
    assert deploy["permissions"] == {"contents": "write", "id-token": "write"}
    assert deploy["if"] == "github.event_name == 'push'"
    assert "'prod' || 'dev'" in deploy["environment"]
    for job in (check, deploy):
        checkout = next(each for each in job["steps"] if "checkout" in each.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False
    assert [line for line in PIPELINE.splitlines() if "@" in line and "uses:" in line] == [
        line
        for line in PIPELINE.splitlines()
        if re.search(r"uses: .*@[0-9a-f]{40}  # v[\d.]+$", line)
    ]


def test_files_exist() -> None:
    named = {
        path
        for doc in DOCS
        for path in re.findall(
            r"`((?:chalicelib|infra|tests|local|demo|docs|tools|\.chalice)/[\w./-]+)`",
            doc.read_text(),
        )
    }
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_tests_that_are_named_exist() -> None:
    """Check each `tests/…/test_x.py::test_name`: what a paper states can be shown."""
    named = {
        each for doc in DOCS for each in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", doc.read_text())
    }
    assert len(named) >= 30
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if not re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.M)
    ]
    assert missing == []


def test_both_papers_on_privacy_show_the_same() -> None:
    """Check that the German paper and the English one rest on the same tests."""
    english, german = (
        set(re.findall(r"`(tests/[\w/.:]+)`", (ROOT / "docs" / name).read_text()))
        for name in ("privacy.md", "datenschutz.md")
    )
    assert english == german


def test_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 60


def test_readme_shows_the_demo_the_staffs_page_and_a_mail() -> None:
    shown = re.findall(r'<img src="(docs/pictures/[\w.]+)" .*?alt="(.+?)"', README)
    assert [path for path, _ in shown] == [f"docs/pictures/{name}.webp" for name in SHOWN]
    files = [ROOT / path for path, _ in shown]
    assert set(files) == set((ROOT / "docs" / "pictures").iterdir())
    pictures = [file.read_bytes() for file in files]
    assert all(each[:4] == b"RIFF" and each[8:12] == b"WEBP" for each in pictures)
    assert sum(map(len, pictures)) <= 150_000
    assert min(map(len, pictures)) > 5_000  # none is blank


def test_security_says_whom_to_tell_in_time() -> None:
    """Check that the address is the example company's, as the settings have it."""
    page = (ROOT / "SECURITY.md").read_text()
    assert re.findall(r"[\w.]+@[\w.]+", page) == [
        f"security@{addresses.sending_domain(config.environment(ROOT, 'prod')['MAIL_FROM'])}"
    ]
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", page))
    assert len(named) >= 7
    assert all((ROOT / each).is_file() for each in named)


def test_the_snippet_knows_what_the_embedding_page_tells() -> None:
    page = (ROOT / "docs" / "embedding.md").read_text()
    snippet = "".join(file.read_text() for file in (ROOT / "chalicelib/web/embed").glob("*.js"))
    demo = "".join(file.read_text() for file in (ROOT / "demo" / "site").rglob("*.html"))
    for kind in ("newsletter", "callback", "consent", "slots", "views", "popular", "hotline"):
        assert f'data-contact="{kind}"' in page
        assert f'data-contact="{kind}"' in demo
    options = set(re.findall(r"option\('(\w+)'\)", snippet))
    assert {"article", "articles", "api", "debug", "title", "language", "optout"} <= options
    for attribute in options:
        assert f"`data-{attribute}`" in page


def test_every_route_says_what_it_does() -> None:
    assert [
        path
        for path, methods in INVENTORY.items()
        for route in methods.values()
        if not route.view.__doc__
    ] == []
