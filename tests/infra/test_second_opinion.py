"""What moto says, another emulator of AWS: of our template, our checks, and the code's own calls.

It is of other people than the emulator that all else runs on, and knows rules of AWS's which that
one does not, such as secrets that are being deleted. What it lacks is left out here: secrets and
three of Cognito's types in a template, CloudFormation's deletion policies, point-in-time recovery,
the accounts of SES and Lambda, and SES's suppression list.
"""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from infra import config, resources, stack
from infra.checks import findings
from infra.checks.parts import Finding, Step
from infra.target import Target
from local import deploy, environments, ports
from local.cloud import Cloud
from tests.backend import FORM, WEBSITE, Backend
from tests.infra.account import STAGE
from tests.infra.answers import Project
from tests.local.test_run import eventually

pytestmark = pytest.mark.soak
PREFIX = config.prefix(STAGE)
DOMAIN = "firma.de"


@pytest.fixture(scope="module")
def moto(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start moto's server, in an environment of its own; return its address."""
    lock = Path(__file__).parent / "moto" / "requirements.txt"
    python = environments.made(root / ".local" / "moto", sys.executable, lock)
    port = ports.free(0, "moto")
    command = [str(python), "-m", "moto.server", "-H", ports.HOST, "-p", str(port)]
    url = f"http://{ports.HOST}:{port}"
    log = tmp_path_factory.mktemp("moto") / "log"
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        assert eventually(lambda: _answers(url), 60), log.read_text()
        yield url
        server.terminate()


def _answers(url: str) -> bool:
    try:
        return bool(urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5).status == 200)
    except OSError:
        return False


@pytest.fixture
def target(
    moto: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Target]:
    """Return a stage in an empty account of moto's."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    project = Project(root, tmp_path / "project", STAGE)
    project.configure(operations={"user_pool": None})
    yield project.target
    request = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")
    urllib.request.urlopen(request, timeout=30)


def found(target: Target) -> list[Finding]:
    """Return what the checks say of the names that a stage's resources take."""
    return [each for each in findings(target) if each.step == Step.RESOURCES]


def brought(target: Target, stage: str = STAGE) -> dict[str, str]:
    """Make the stage's resources, without the user pool, and return the stack's outputs."""
    template = {"TemplateBody": resources.template(target)}
    parameters = {"Stage": stage, "MailDomain": DOMAIN, "HeadsDays": "1827"}
    client = target.client("cloudformation")
    return stack.apply(client, resources.names(stage)[0], template, parameters, 0.1)


def test_it_makes_what_the_template_says(target: Target) -> None:
    outputs = brought(target)
    tables = {name: outputs[name] for name in outputs if name.endswith("_TABLE")}
    assert set(tables.values()) == {
        f"{PREFIX}-{each}" for each in ("contacts", "view-counts", "view-markers")
    }
    client: Any = boto3.client("dynamodb")
    for name, table in tables.items():
        made = client.describe_table(TableName=table)["Table"]
        assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        if stream := outputs.get(name.replace("_TABLE", "_STREAM_ARN")):
            assert made["LatestStreamArn"] == stream
            assert made["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"


def test_an_empty_account_and_the_stacks_own_are_in_nobodys_way(target: Target) -> None:
    assert [each.text for each in found(target)] == []
    brought(target)
    assert [each.text for each in found(target)] == []


def test_what_somebody_left_is_named(target: Target) -> None:
    keys = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
    target.client("dynamodb").create_table(
        TableName=f"{PREFIX}-contacts", BillingMode="PAY_PER_REQUEST", **keys
    )
    secrets = target.client("secretsmanager")
    for name in ("identity", "tokens"):
        secrets.create_secret(Name=f"{PREFIX}-{name}", SecretString="x")
    secrets.delete_secret(SecretId=f"{PREFIX}-tokens", RecoveryWindowInDays=7)
    target.client("sesv2").create_email_identity(EmailIdentity=DOMAIN)
    target.client("logs").create_log_group(logGroupName=f"{PREFIX}-heads")
    target.client("sns").create_topic(Name=f"{PREFIX}-alerts")
    account = target.client("sts").get_caller_identity()["Account"]
    where = {"CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}}
    target.client("s3").create_bucket(Bucket=f"{PREFIX}-releases-{account}", **where)
    told = sorted(each.text.partition(" is ")[0].partition(", not of")[0] for each in found(target))
    assert told == [
        f"SES has the identity {DOMAIN} already",
        f"the bucket {PREFIX}-releases-{account}",
        f"the log group {PREFIX}-heads",
        f"the secret {PREFIX}-identity",
        f"the secret {PREFIX}-tokens",
        f"the table {PREFIX}-contacts",
        f"the topic {PREFIX}-alerts",
    ]


class Mails:
    """What moto has sent, as Backend asks its cloud."""

    def __init__(self, url: str) -> None:
        self._url = url

    def forget_mails(self) -> None:
        """Do nothing: the account is new."""

    def messages(self) -> list[dict[str, Any]]:
        """Return the mails that were sent, newest first."""
        with urllib.request.urlopen(f"{self._url}/moto-api/data.json", timeout=30) as answer:
            sent = json.load(answer)["ses"]["Message"]
        return [
            {
                "kind": "mail",
                "id": each["id"],
                "to": each["destinations"]["ToAddresses"],
                "html": each["body"],
            }
            for each in reversed(sent)
        ]


def test_it_takes_what_the_code_asks(moto: str, target: Target, root: Path) -> None:
    outputs = brought(target, deploy.STAGE)
    for name in ("IDENTITY_SECRET", "TOKEN_SECRET"):  # it makes none of a template
        secret = {"Name": name, "SecretString": '{"1": "key"}'}
        made = target.client("secretsmanager").create_secret(**secret)
        outputs[f"{name}_ARN"] = made["ARN"]
    settings = {**deploy.environment(root), **outputs, **WEBSITE, "STAFF_TEST_KEY": "key"}
    sender = parseaddr(settings["MAIL_FROM"])[1].rpartition("@")[2]
    target.client("sesv2").create_email_identity(EmailIdentity=sender)
    staff = {"authorization": "Bearer key"}
    with Backend(cast(Cloud, Mails(moto)), settings) as backend:  # it asks for no more
        asked = {"email": "eva@example.org", "consent": "newsletter-de-1"}
        assert backend.call("POST", "/newsletter/signups", asked).status == 202
        backend.settle()
        (mail,) = backend.mails("eva@example.org")
        token = re.search(r"token=([\w.-]+)", mail["html"])
        assert token
        form = {"content-type": FORM, "accept": "application/json"}
        confirmed = backend.call("POST", "/newsletter/confirm", f"token={token[1]}", form)
        assert confirmed.json == {"status": "confirmed"}

        asked = {"name": "Eva", "phone": "+49 7930 2000", "consent": "callback-de-1"}
        reference = backend.call("POST", "/callbacks", asked).json["reference"]
        backend.settle()
        path = f"/staff/callbacks/{reference}"
        for _again in range(2):  # the second one changes nothing
            assert backend.call("POST", f"{path}/claim", {}, staff).status == 200
        (mine,) = backend.call("GET", "/staff/callbacks?state=mine", headers=staff).json[
            "callbacks"
        ]
        assert mine["reference"] == reference

        for number in range(3):
            viewed = f"192.0.2.{number % 2}"  # the third is the first again
            assert backend.call("POST", "/articles/gold/views", "", {}, viewed).status == 204
        backend.count()
        backend.count()
        assert backend.call("GET", "/articles/gold/views").json["views"] == 2
        backend.tick(datetime.now(UTC))
        backend.settle()
        assert set(backend.states().values()) == {"sent"}
