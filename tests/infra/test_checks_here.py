"""What a deployment checks without AWS: the Python and its term, operations, sizes, the guide."""

import json
import re
import zipfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import policies, resources, runtime, stack
from infra.checks import CHECKS, findings, sizes
from infra.checks.operations import OPERATIONS
from infra.checks.parts import Blocks, Finding, Look, Step
from infra.checks.settings import REQUIRED
from infra.config import NoStage
from infra.runtime import LOCK, TERMS
from infra.target import NotDone
from infra.triggers import RESERVED
from tests.infra.answers import Aws, Project, Refusal


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    return Project(root, tmp_path / "project", "prod")


@pytest.fixture(scope="module")
def account() -> Aws:
    made = Aws()
    made.answers = {"sts.GetCallerIdentity": Refusal("ExpiredToken", "it has expired", 403)}
    return made


@pytest.fixture(autouse=True)
def _signed_out(account: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be nobody at AWS, whatever this machine's user is."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", account.session)


def told(project: Project, step: Step, python: tuple[int, int] = LOCK) -> list[Finding]:
    return [each for each in findings(project.target, python) if each.step == step]


def test_the_python_that_deploys_is_the_locks(project: Project) -> None:
    assert told(project, Step.TOOLS) == []
    for other in ((3, 10), (3, 12), (3, 14)):
        (found,) = told(project, Step.TOOLS, python=other)
        assert found.blocks == Blocks.EVERYTHING
        assert f"this is 3.{other[1]}: get 3.11 (`apt install python3.11-venv`" in found.text
        assert "`rm -rf .venv && make PYTHON=python3.11 setup`" in found.text


ENDS = TERMS[LOCK]


@pytest.mark.parametrize(
    ("today", "blocks"),
    [
        (ENDS.deprecated - timedelta(days=181), None),
        (ENDS.deprecated - timedelta(days=180), Blocks.NOTHING),
        (ENDS.deprecated + timedelta(days=1), Blocks.NOTHING),
        (ENDS.blocked - timedelta(days=30), Blocks.NOTHING),
        (ENDS.blocked - timedelta(days=29), Blocks.EVERYTHING),
        (ENDS.blocked + timedelta(days=900), Blocks.EVERYTHING),
    ],
)
def test_a_runtime_is_warned_of_and_then_refused(
    project: Project, today: date, blocks: Blocks | None
) -> None:
    project.today = today
    found = told(project, Step.TOOLS)
    assert [each.blocks for each in found] == ([] if blocks is None else [blocks])
    assert all("go to 3.14: set LOCK in infra/runtime.py" in each.text for each in found)
    assert all(str(ENDS.blocked) in each.text for each in found)


def test_a_runtime_is_warned_of_before_it_ends_and_ends_before_it_is_blocked() -> None:
    for version, term in TERMS.items():
        assert term.deprecated < term.blocked - runtime.REFUSED < term.blocked
        assert not runtime.warns(version, term.deprecated - timedelta(days=365))
    assert runtime.following() in TERMS


def test_there_is_one_python_in_lock_project_and_pipeline(root: Path) -> None:
    wanted = runtime.name(LOCK)
    makefile = (root / "Makefile").read_text()
    assert set(re.findall(r"--python-version (\S+)", makefile)) == {wanted}
    assert f'requires-python = ">={wanted}"' in (root / "pyproject.toml").read_text()
    pipeline = (root / "examples" / "deploy.yml").read_text()
    assert set(re.findall(r'python(?:-version: "|:)([\d.]+)', pipeline)) == {wanted}
    guide = (root / "docs" / "operations.md").read_text()
    assert f"Python {wanted}" in guide.partition("## What a deployment does")[0]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("budgt", 50, "operations has no budgt, only mail_domain, user_pool"),
        ("budget", 0, "budget must be an amount of USD above 0"),
        ("budget", "50", "budget must be an amount of USD above 0, without quotes"),
        ("budget", float("inf"), "budget must be an amount"),
        ("budget", True, "budget must be an amount"),
        ("log_days", 31, "log_days must be one of CloudWatch's terms: 1, 3, 5, 7, 14, 30"),
        ("log_days", "30", "log_days must be one of"),
        ("log_days", True, "log_days must be one of"),
        ("log_days", [30], "log_days must be one of"),
        ("alarm_mail", "it", "alarm_mail has it, which is no e-mail address"),
        ("alarm_mail", "IT <it@firma.de>", "alarm_mail takes an address without a name"),
        ("alarm_mail", "ü@firma.de", "alarm_mail has ü@firma.de, which SES cannot send to"),
        ("alarm_mail", "it@müller.de", "SNS takes ASCII only: write its domain as punycode"),
        ("alarm_mail", ["it@firma.de"], "alarm_mail must be an e-mail address"),
        ("mail_domain", "https://firma.de", "mail_domain must be a domain such as your-domain.de"),
        ("mail_domain", "post@firma.de", "mail_domain must be a domain such as"),
        ("mail_domain", 7, "mail_domain must be a domain"),
        ("user_pool", "true", "user_pool must be true or false, without quotes"),
        ("mfa", 1, "mfa must be true or false"),
        ("sandbox", "no", "sandbox must be true or false"),
    ],
)
def test_a_setting_of_the_stacks_that_is_none(
    project: Project, name: str, value: Any, said: str
) -> None:
    project.configure(operations={name: value})
    assert [said in each.text for each in told(project, Step.SETTINGS)] == [True]


def test_settings_of_the_stacks_that_are_right(project: Project) -> None:
    for days in resources.LOG_DAYS:
        project.configure(
            operations={"mail_domain": "müller.de", "budget": 0.5, "log_days": days, "mfa": False}
        )
        assert told(project, Step.SETTINGS) == []


def test_each_setting_of_the_stacks_is_in_the_guide(root: Path) -> None:
    guide = (root / "docs" / "operations.md").read_text()
    assert [name for name in OPERATIONS if f"`{name}`" not in guide] == []


def test_proofs_that_are_kept_longer_than_cloudwatch_keeps_logs(project: Project) -> None:
    project.configure(environment_variables={"PROOF_YEARS": "8"})
    assert told(project, Step.SETTINGS) == []
    project.configure(environment_variables={"PROOF_YEARS": "9"})
    (found,) = told(project, Step.SETTINGS)
    assert found.text.startswith("PROOF_YEARS is 9: CloudWatch keeps the heads")


def test_settings_are_texts(project: Project) -> None:
    project.configure(environment_variables={"MAILS_A_DAY": 500})
    (found,) = told(project, Step.SETTINGS)
    assert found.text.startswith('MAILS_A_DAY must be a text: "500", with quotes')


@pytest.mark.parametrize(
    ("stage", "pool", "said"),
    [
        ("prod", True, ""),
        ("Prod", False, "must be of a-z, 0-9 and -"),
        ("a-stage-with-long", False, "have 16 characters at most"),
        ("aws-test", True, "has the word aws, which Cognito allows in no address"),
        ("aws-test", False, ""),
    ],
)
def test_the_stages_name(project: Project, stage: str, pool: bool, said: str) -> None:
    path = project.root / ".chalice" / "config.json"
    whole = json.loads(path.read_text())
    whole["stages"][stage] = whole["stages"].pop("prod")
    path.write_text(json.dumps(whole))
    project.stage = stage
    project.configure(environment_variables={"STAGE": stage}, operations={"user_pool": pool})
    assert [said in each.text for each in told(project, Step.SETTINGS)] == [True] * bool(said)


@pytest.mark.parametrize(
    ("issuer", "pool", "notes"),
    [("", False, 1), ("", True, 0), ("https://sign-in.firma.de", False, 0)],
)
def test_without_a_pool_or_a_provider_it_says_so(
    project: Project, issuer: str, pool: bool, notes: int
) -> None:
    project.configure(environment_variables={"OIDC_ISSUER": issuer}, operations={"user_pool": pool})
    found = told(project, Step.STAFF)
    assert ["nobody can sign in" in each.text for each in found] == [True] * notes
    assert {each.blocks for each in found} <= {Blocks.NOTHING}


def size(environment: dict[str, str]) -> int:
    return len(json.dumps(environment, ensure_ascii=False, separators=(",", ":")).encode())


def test_the_environment_is_measured_with_the_outputs_that_are_added(project: Project) -> None:
    look = Look(project.target, LOCK)
    whole = {**sizes.expected(look), **look.environment}
    room = sizes.ENVIRONMENT - size({**whole, "HOTLINE_HOURS": ""})
    project.configure(environment_variables={"HOTLINE_HOURS": " " * room})
    assert not [each for each in told(project, Step.SETTINGS) if "environment has" in each.text]
    project.configure(environment_variables={"HOTLINE_HOURS": " " * (room + 1)})
    (found,) = (each for each in told(project, Step.SETTINGS) if "environment has" in each.text)
    assert f"environment has {sizes.ENVIRONMENT + 1} bytes as JSON" in found.text
    assert "the longest settings, HOTLINE_HOURS, " in found.text
    assert found.blocks == Blocks.EVERYTHING


def test_letters_that_the_request_writes_longer_are_measured_too(project: Project) -> None:
    project.configure(environment_variables={"HOTLINE_HOURS": "ü" * 700})
    (found,) = (each for each in told(project, Step.SETTINGS) if "environment has" in each.text)
    assert "bytes in a request" in found.text


def test_an_environment_of_one_function_counts_for_it(project: Project) -> None:
    own = {"clock": {"environment_variables": {"X": 4000 * "x"}}}
    project.configure(lambda_functions=own)
    assert [
        each.text for each in told(project, Step.SETTINGS) if "longest settings, X" in each.text
    ]


def test_the_outputs_are_as_long_as_aws_makes_them(project: Project) -> None:
    """Compare with what CloudFormation returned, of the account and region written here."""
    expected = sizes.expected(Look(project.target, LOCK, "123456789012", "eu-central-1"))
    arn, name = "eu-central-1:123456789012", "customer-contact-prod"
    assert expected["CONTACTS_TABLE"] == f"{name}-contacts"
    assert expected["ALERTS_TOPIC_ARN"] == f"arn:aws:sns:{arn}:{name}-alerts"
    for output, real in {
        "CONTACTS_STREAM_ARN": f"arn:aws:dynamodb:{arn}:table/{name}-contacts/stream/"
        "2026-11-26T16:43:09.123",
        "IDENTITY_SECRET_ARN": f"arn:aws:secretsmanager:{arn}:secret:{name}-identity-a1B2c3",
        "OUTBOX_QUEUE_URL": f"https://sqs.eu-central-1.amazonaws.com/123456789012/{name}-outbox",
        "OIDC_ISSUER": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_aB1cD2eF3",
        "OIDC_CLIENT_ID": "1h57kf5cpq17m0eml12EXAMPLE",
        "MAIL_CONFIGURATION_SET": name,
    }.items():
        assert len(expected[output]) == len(real), output
    outputs = json.loads(resources.template(project.target))["Outputs"]
    assert expected.keys() == {stack.variable(each) for each in outputs}
    assert sizes._UNKNOWN not in expected.values()


def test_a_package_that_lambda_does_not_take(project: Project) -> None:
    folder = project.root / ".chalice" / "deployments"
    folder.mkdir()
    made = folder / "new.zip"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small", b"x")
    assert told(project, Step.DEPLOY) == []
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("large", b"x")
        archive.infolist()[0].file_size = sizes.UNZIPPED + 1  # as its directory will say
    (found,) = told(project, Step.DEPLOY)
    assert "the package new.zip unzips to 262 MB, and Lambda takes 262" in found.text
    with made.open("wb") as archive_file:
        archive_file.truncate(sizes.ARCHIVE + 1)  # no archive at all: interrupted
    (found,) = told(project, Step.DEPLOY)
    assert "has 52 MB, and Lambda takes 52" in found.text


def test_a_template_that_cloudformation_does_not_take(project: Project) -> None:
    assert told(project, Step.RESOURCES) == []
    path = project.root / "infra" / "template.json"
    path.write_text(path.read_text() + " " * sizes.TEMPLATE)
    (found,) = told(project, Step.RESOURCES)
    assert found.text.startswith("the template infra/template.json has ")


def test_a_policy_that_iam_does_not_take(project: Project) -> None:
    project.configure(environment_variables={"MAIL_FROM": f"post@{'a' * 10_000}.de"})
    found = [each for each in told(project, Step.RESOURCES) if each.text.startswith("the policy")]
    assert {each.text.split()[3] for each in found} == {
        name for name, rights in policies.RIGHTS.items() if "Mails" in rights
    }


def test_reservations_are_of_functions_that_there_are() -> None:
    assert RESERVED.keys() == policies.RIGHTS.keys()


def test_the_steps_of_the_checks_are_those_of_the_guide(root: Path) -> None:
    """Check that the guide numbers its steps in this order, and names each by its id."""
    page = (root / "docs" / "operations.md").read_text()
    guide = page.partition("## The first deployment")[2].partition("\n## ")[0]
    steps = re.findall(r"^(\d+)\. \*\*[^*]+\*\* \(`([a-z-]+)`\)", guide, re.M)
    assert steps == [(str(number), each) for number, each in enumerate(Step, 1)]
    assert {each.step for each in CHECKS} >= set(Step) - {Step.SIGN_IN, Step.LOOK, Step.TRY}


def test_without_credentials_the_account_is_not_looked_at(project: Project) -> None:
    found = findings(project.target, LOCK)
    assert [each.step for each in found] == [Step.SIGN_IN]
    assert "ExpiredToken" in found[0].text
    assert "What is in the account was not looked at" in found[0].text


WRONG: tuple[Any, ...] = ("https://[x", "a..b", f"a@{'b' * 70}.de", "\ud800", 5, None, [], {})


@pytest.mark.parametrize(
    ("part", "name"),
    [
        *(("environment_variables", each) for each in (*REQUIRED, "OIDC_ISSUER", "STAFF_SHIFTS")),
        ("environment_variables", "ALERTS_TOPIC_ARN"),
        *(("operations", each) for each in OPERATIONS),
        ("api_gateway_custom_domain", "domain_name"),
        ("lambda_functions", "clock"),
    ],
)
def test_whatever_a_setting_is_the_list_goes_on(project: Project, part: str, name: str) -> None:
    path = project.root / ".chalice" / "config.json"
    before = path.read_text()
    for value in WRONG:
        whole = json.loads(before)
        whole["stages"]["prod"].setdefault(part, {})[name] = value
        path.write_text(json.dumps(whole))
        assert Step.SIGN_IN in {each.step for each in findings(project.target, LOCK)}


@pytest.mark.parametrize("written", ["[]", '{"stages": []}', '{"stages": {"prod": 1}}'])
def test_a_configuration_of_another_shape(project: Project, written: str) -> None:
    (project.root / ".chalice" / "config.json").write_text(written)
    with pytest.raises(NoStage, match="must have an object stages"):
        findings(project.target, LOCK)


@pytest.mark.parametrize("part", ["environment_variables", "operations", "lambda_functions"])
def test_a_part_of_another_shape(project: Project, part: str) -> None:
    path = project.root / ".chalice" / "config.json"
    whole = json.loads(path.read_text())
    whole["stages"]["prod"][part] = ["x"]
    path.write_text(json.dumps(whole))
    with pytest.raises(NoStage, match=f"{part} in .chalice/config.json, stage prod, must be an ob"):
        findings(project.target, LOCK)


def test_each_setting_that_cannot_be_read_is_named_not_the_first_alone(project: Project) -> None:
    project.configure(
        environment_variables={
            "MAILS_A_DAY": "many",
            "CALLBACK_DAYS": "-1",
            "SITE_URL": "http://www.firma.de",
            "OIDC_ISSUER": "https://[x",
            "ALTCHA_MINUTES": "11",
            "ARTICLES_FEED": "https://andere.de/feed",
        }
    )
    said = [each.text for each in told(project, Step.SETTINGS)]
    for wanted in (
        "MAILS_A_DAY must be a whole number",
        "CALLBACK_DAYS must be a whole number",
        "SITE_URL: stage prod must not use http://www.firma.de",
        "OIDC_ISSUER: Invalid IPv6 URL",
        "ALTCHA_MINUTES must be 1 to 10",
        "ARTICLES_FEED https://andere.de/feed is on none of SITE_ORIGINS",
    ):
        assert [each for each in said if each.startswith(wanted)], wanted
    assert len(said) == 6


@pytest.mark.parametrize(
    "written", ['<<<<<<< HEAD\n{"resources": []}\n=======', "", "[]", '{"resources": [{}]}', "{}"]
)
def test_a_record_that_cannot_be_read_is_named(project: Project, written: str) -> None:
    """Check that git's marks of a conflict in Chalice's record end in a sentence."""
    project.recorded()
    (project.root / ".chalice" / "deployed" / "prod.json").write_text(written)
    with pytest.raises(NotDone, match=r"^\.chalice/deployed/prod\.json is no record of Chalice's"):
        list(findings(project.target, LOCK))
