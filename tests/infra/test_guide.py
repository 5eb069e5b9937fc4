"""The guide of docs/operations.md, played in order from an empty account.

The account answers as AWS documents: it is new, in SES's sandbox, with ten functions at once, and
has something in the way of the first stack. Each test goes on where the one before stopped.
"""

import json
import os
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from chalicelib import instants
from chalicelib.http.inventory import METHODS
from infra import access_log, config, destroy, gateway, policies, releases, triggers
from infra.deploy import parts, run
from infra.functions import deployed, record
from infra.settling import settle
from infra.target import NotDone, Target
from infra.throttles import CALLS, DEFAULT, PAGES, RATES
from tests.infra.account import STAGE, Account, account
from tests.infra.answers import OPERATIONS, OURS
from tests.ops.commands import row, written

pytestmark = pytest.mark.soak
PREFIX = config.prefix(STAGE)
IN_PROGRESS = (
    "The operation cannot be performed at this time. An update is in progress for resource: "
    f"arn:aws:lambda:eu-central-1:000000000000:function:{PREFIX}"
)


@pytest.fixture(scope="module")
def empty(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(root, tmp_path_factory.mktemp("account")) as made:
        made.emulator.ses_account("PUT", {"ProductionAccessEnabled": False})
        made.endpoint.concurrency = 10
        yield made


@pytest.fixture(scope="module")
def served(empty: Account) -> Account:
    """Deploy, with failures on the way.

    Each run goes on where the one before stopped.
    """
    with pytest.raises(
        click.ClickException, match=r"(?s)This is missing:.*MAIL_FROM still has the example's value"
    ):
        empty.deploy()
    empty.configure(environment_variables=OURS)
    with pytest.raises(click.ClickException, match="SES has no identity firma"):
        empty.deploy()
    empty.configure(operations=OPERATIONS)
    empty.deploy(dry_run=True)
    assert everything(empty) == []
    # Another user pool has the domain that the first stack wants.
    staff = empty.client("cognito-idp")
    other = staff.create_user_pool(PoolName="other")["UserPool"]["Id"]
    taken = {"UserPoolId": other, "Domain": f"{PREFIX}-000000000000"}
    staff.create_user_pool_domain(**taken)
    with pytest.raises(click.ClickException, match=r"the sign-in page .* is there and not of"):
        empty.deploy()
    assert everything(empty) == ["pool other"]
    with pytest.raises(
        click.ClickException, match=r"(?s)StaffDomain.*already exists.*make destroy"
    ):
        empty.deploy(checked=False)
    # What the failed creation made went with it, although a stack retains it later.
    assert everything(empty) == ["pool other", f"stack {PREFIX}-resources"]
    staff.delete_user_pool_domain(**taken)
    staff.delete_user_pool(UserPoolId=other)
    # The API cannot be finished, then the first of the gateway's answers cannot be set.
    empty.endpoint.refuse("PATCH", "/restapis/")
    with pytest.raises(click.ClickException, match="chalice deploy failed"):
        empty.deploy()
    assert f"the stack {PREFIX}-resources is ROLLBACK_COMPLETE: it is deleted and" in empty.said[-1]
    assert "SES is in the sandbox" in empty.said[-1]
    # What was done is on record, and is found without it, too.
    assert {"deliver_messages", "rest_api"} <= deployed(empty.target).keys()
    record(empty.target).unlink()
    empty.endpoint.refuse("PUT", r"/restapis/\w+/gatewayresponses")
    with pytest.raises(click.ClickException, match="the test has it fail"):
        empty.deploy()
    assert "this account runs 10 functions at once" in empty.said[-1]
    assert "Lambda is busy, UpdateEventSourceMapping waits" in empty.said[-1]
    assert empty.endpoint.refused["ResourceInUseException"] == 2  # each mapping that was changed
    empty.endpoint.concurrency = 0  # AWS granted more
    empty.deploy()
    return empty


def everything(account: Account) -> list[str]:
    """Return what the account has of the project, but for what serves: its kind and name."""
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    topics = account.client("sns").list_topics()["Topics"]
    queues = account.client("sqs").list_queues().get("QueueUrls", [])
    logs = account.client("logs").describe_log_groups()["logGroups"]
    secrets = account.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)
    pools = account.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
    mail = account.client("sesv2")
    found = {
        "table": account.client("dynamodb").list_tables()["TableNames"],
        "topic": [each["TopicArn"].rpartition(":")[2] for each in topics],
        "queue": [each.rpartition("/")[2] for each in queues],
        "logs": [each["logGroupName"] for each in logs],
        "secret": [each["Name"] for each in secrets["SecretList"]],
        "pool": [each["Name"] for each in pools],
        "identity": [
            each["IdentityName"] for each in mail.list_email_identities()["EmailIdentities"]
        ],
        "configuration": mail.list_configuration_sets()["ConfigurationSets"],
        "bucket": [each["Name"] for each in account.client("s3").list_buckets()["Buckets"]],
        "alarm": [
            each["AlarmName"]
            for each in account.client("cloudwatch").describe_alarms()["MetricAlarms"]
        ],
        "stack": [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"],
    }
    return [f"{kind} {name}" for kind, names in found.items() for name in sorted(names)]


def serving(account: Account) -> list[str]:
    """Return what serves: functions, roles, mappings, rules, APIs, by kind and name."""
    lambdas, rules = account.client("lambda"), account.client("events").list_rules()["Rules"]
    found = {
        "function": [each["FunctionName"] for each in lambdas.list_functions()["Functions"]],
        "role": [each["RoleName"] for each in account.client("iam").list_roles()["Roles"]],
        "mapping": [
            each["FunctionArn"].rpartition(":")[2]
            for each in lambdas.list_event_source_mappings()["EventSourceMappings"]
        ],
        "rule": [each["Name"] for each in rules],
        "api": [each["name"] for each in account.client("apigateway").get_rest_apis()["items"]],
    }
    return [f"{kind} {name}" for kind, names in found.items() for name in sorted(names)]


def test_the_stage_is_what_it_should_be(served: Account) -> None:
    assert list(settle(served.target)) == []  # nothing is left to settle
    outputs = served.target.environment
    assert outputs["CONTACTS_TABLE"] == f"{PREFIX}-contacts"
    table = served.client("dynamodb").describe_table(TableName=outputs["CONTACTS_TABLE"])["Table"]
    assert table["DeletionProtectionEnabled"]
    pool = served.client("cognito-idp").describe_user_pool(
        UserPoolId=outputs["OIDC_ISSUER"].rpartition("/")[2]
    )
    assert pool["UserPool"]["MfaConfiguration"] == "ON"
    mapped = served.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    filters = {
        each["FunctionArn"].rpartition("-")[2]: each["FilterCriteria"]["Filters"]
        for each in mapped
        if "dynamodb" in each["EventSourceArn"]
    }
    assert {name: len(found) for name, found in filters.items()} == {
        "deliver_messages": 4,
        "count_views": 1,
    }
    for function, most in triggers.RESERVED.items():
        name = config.function_name(STAGE, function)
        found = served.client("lambda").get_function_concurrency(FunctionName=name)
        assert found["ReservedConcurrentExecutions"] == most


def test_a_failure_on_the_way_left_nothing_twice(served: Account) -> None:
    (api,) = served.client("apigateway").get_rest_apis()["items"]
    assert (api["name"], api["endpointConfiguration"]["types"]) == (PREFIX, ["REGIONAL"])
    mappings = [each for each in serving(served) if each.startswith("mapping")]
    assert len(mappings) == len(set(mappings)) == 3


def test_the_package_is_the_one_that_starts_fast(served: Account) -> None:
    made = max((served.root / ".chalice" / "deployments").glob("*.zip"), key=os.path.getmtime)
    with zipfile.ZipFile(made) as packed:
        names = packed.namelist()
    assert [each for each in names if each.startswith("chalicelib/__pycache__/aws.cpython-")]
    assert {"boto3/session.pyc", "botocore/session.pyc"} <= set(names)


def test_every_method_has_a_throttle(served: Account) -> None:
    api_id = deployed(served.target)["rest_api"]["rest_api_id"]
    client = served.client("apigateway")
    (stage,) = client.get_stages(restApiId=api_id)["item"]
    settings = stage["methodSettings"]
    # The throttle of each method that has none of its own.
    assert settings["*/*"]["throttlingRateLimit"] == DEFAULT[0]
    paths = {each["path"] for each in client.get_resources(restApiId=api_id, limit=500)["items"]}
    assert set(RATES) <= paths
    for path, (rate, burst) in RATES.items():
        found = settings[f"{path}/POST"]
        assert (found["throttlingRateLimit"], found["throttlingBurstLimit"]) == (rate, burst)
    assert "POST" in METHODS


def test_the_gateway_writes_a_line_for_each_request(served: Account) -> None:
    api_id = deployed(served.target)["rest_api"]["rest_api_id"]
    (stage,) = served.client("apigateway").get_stages(restApiId=api_id)["item"]
    assert stage["accessLogSettings"]["format"] == access_log.FORMAT
    arn = stage["accessLogSettings"]["destinationArn"]
    assert arn.endswith(f":log-group:{access_log.group(STAGE)}")
    found = served.client("logs").describe_log_groups(logGroupNamePrefix="/aws/apigateway/")
    assert [each["logGroupName"] for each in found["logGroups"]] == [access_log.group(STAGE)]


def test_each_path_has_what_pages_ask_for() -> None:
    for path, calls in CALLS.items():
        assert RATES[path][0] == PAGES * calls
    assert min(rate for rate, _ in RATES.values()) > DEFAULT[0]
    assert max(rate for rate, _ in RATES.values()) <= 10_000


def test_logs_are_kept_for_a_month_and_only_by_these_groups(served: Account) -> None:
    groups = served.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/")[
        "logGroups"
    ]
    kept = {each["logGroupName"]: each.get("retentionInDays") for each in groups}
    assert kept == {
        f"/aws/lambda/{config.function_name(STAGE, each)}": 30 for each in policies.RIGHTS
    }


def test_again_it_changes_only_what_chalice_undoes(served: Account) -> None:
    # The run before had set everything but the gateway's answers.
    again = served.said[-1]
    assert "run chalice deploy --stage dev" in again
    assert f"give the gateway's own {len(gateway.ANSWERS)} answers our error shape" in again
    assert "throttle" not in again
    assert "bisection" not in again
    assert "    ask http" in again


def test_the_local_stage_is_none_of_these_commands(empty: Account) -> None:
    with pytest.raises(click.ClickException, match="make run"):
        run(Target(empty.root, "local"), parts())
    with pytest.raises(click.ClickException, match="make clean"):
        destroy.run(Target(empty.root, "local"), data=True)


def kept(account: Account) -> releases.State:
    return releases.state(account.target)


def test_the_good_deployment_is_kept_whole(served: Account, tmp_path: Path) -> None:
    (name,) = releases.names(served.target)
    assert kept(served).serving == name
    assert kept(served).back_to == ""
    release = releases.unpack(served.target, name, tmp_path)
    assert (tmp_path / "app.py").read_text() == (served.root / "app.py").read_text()
    policy = tmp_path / ".chalice" / f"policy-{STAGE}-clock.json"
    assert policy.read_text() == (served.root / ".chalice" / policy.name).read_text()
    assert served.code() == {b64encode(sha256(release.package.read_bytes()).digest()).decode()}
    whole = json.loads((tmp_path / ".chalice" / "config.json").read_text())
    assert list(whole["stages"]) == [STAGE]
    bucket = releases.bucket(served.target)
    client = served.client("s3")
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    closed = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert list(closed.values()) == [True] * 4


def test_an_upgrade_is_kept_beside_it(served: Account) -> None:
    """Upgrade to a version that lacks a function, while an update of another is in progress."""
    app = served.root / "app.py"
    whole = app.read_text()
    app.write_text(whole[: whole.index("@app.schedule(Rate(10, unit=Rate.MINUTES))")])
    code = f"/2015-03-31/functions/{PREFIX}/code"
    served.endpoint.refuse("PUT", code, 409, "ResourceConflictException", IN_PROGRESS)
    first, refused = kept(served).serving, served.endpoint.refused["ResourceConflictException"]
    record(served.target).unlink()  # as in another checkout
    served.deploy()
    app.write_text(whole)
    assert len(served.client("apigateway").get_rest_apis()["items"]) == 1
    assert served.endpoint.refused["ResourceConflictException"] == refused + 1
    assert f"function {PREFIX}-read_feed" not in serving(served)
    assert releases.names(served.target) == [first, kept(served).serving]
    assert kept(served).before == first


def test_an_upgrade_that_does_not_serve_is_taken_back_by_itself(served: Account) -> None:
    """Go back past a function that is new, which the older version lacks."""
    code, state = served.code(), kept(served)
    routes = served.root / "chalicelib" / "web" / "routes.py"
    whole = routes.read_text()
    routes.write_text(whole.replace("stage=current().stage", 'stage="another"'))
    assert routes.read_text() != whole
    with pytest.raises(
        click.ClickException,
        match=rf"(?s)/health does not answer as it should: 200.*serves {state.serving} again",
    ):
        served.deploy()
    routes.write_text(whole)
    assert served.code() == code
    assert kept(served) == state
    assert f"function {PREFIX}-read_feed" not in serving(served)
    assert list(settle(served.target)) == []


def test_a_rollback_goes_back_once_and_may_be_interrupted(served: Account) -> None:
    first, second = releases.names(served.target)
    newer = served.code()
    code = f"/2015-03-31/functions/{PREFIX}-clock/code"
    served.endpoint.refuse("PUT", code, 400, "InvalidParameterValueException")
    with pytest.raises(NotDone, match="chalice deploy failed"):
        served.rollback()
    assert kept(served).back_to == first
    served.rollback()
    assert served.code() != newer
    assert f"function {PREFIX}-read_feed" in serving(served)
    assert kept(served) == releases.State(
        serving=first, withdrawn=second, digest=kept(served).digest
    )
    assert list(settle(served.target)) == []
    assert "nothing to do" in served.rollback()


def operated(account: Account, *arguments: str, typed: str = "") -> str:
    """Run an operators' command on the stage and return what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "ops", "--stage", STAGE, *arguments],
        cwd=account.root,
        input=typed,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_a_hand_deleted_is_restored(served: Account, tmp_path: Path) -> None:
    client, table = served.client("dynamodb"), f"{PREFIX}-contacts"

    def rows() -> list[Any]:
        found: list[Any] = client.scan(TableName=table, ConsistentRead=True)["Items"]
        return sorted(
            (each for each in found if each["pk"]["S"].startswith("SUB#")), key=lambda e: str(e)
        )

    file = written(tmp_path / "old.csv", row("eva@example.org"))
    assert "1 imported" in operated(served, "import", str(file))
    at, whole = instants.text(instants.now()), rows()
    assert len(whole) > 1
    # The emulator restores what is there now, so the copy is made before the loss.
    assert "nothing was written" in operated(served, "restore", "--at", at, "--dry-run")
    for each in whole:
        client.delete_item(TableName=table, Key={"pk": each["pk"], "sk": each["sk"]})
    said = operated(served, "restore", "--at", at, typed=f"{STAGE}\n")
    assert f"{len(whole)} rows created, 0 changed, 0 deleted" in said
    assert rows() == whole
    operated(served, "erase", "eva@example.org", "--yes")


def test_destroyed_without_data_it_has_its_data(served: Account) -> None:
    client = served.client("dynamodb")
    client.put_item(
        TableName=f"{PREFIX}-contacts", Item={"pk": {"S": "SUB#kept"}, "sk": {"S": "SUB"}}
    )
    assert CliRunner().invoke(destroy.main, [STAGE, "--help"]).exit_code == 0
    kept = releases.names(served.target)
    record(served.target).unlink()  # everything is found by its name
    destroy.run(served.target, data=False)
    (role,) = serving(served)  # the account's, for the logs of all its APIs
    assert role.startswith(f"role {PREFIX}-watching-GatewayWrites-")
    assert "SUB#kept" in str(client.scan(TableName=f"{PREFIX}-contacts")["Items"])
    assert releases.names(served.target) == kept


def test_data_goes_only_with_the_stages_name_typed(served: Account) -> None:
    @click.command()
    def command() -> None:
        destroy.run(served.target, data=True)

    refused = CliRunner().invoke(command, input="prod\n")
    assert (refused.exit_code, "nothing was deleted" in refused.output) == (1, True)
    assert f"{PREFIX}-contacts" in refused.output
    assert len(served.client("dynamodb").list_tables()["TableNames"]) == 3
    done = CliRunner().invoke(command, input=f"{STAGE}\n")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"deleted: {STAGE}")
    assert everything(served) == serving(served) == []
    assert not {"CONTACTS_TABLE", "OIDC_ISSUER"} & served.target.environment.keys()
    assert not record(served.target).exists()
    again = CliRunner().invoke(command, input=f"{STAGE}\n")
    assert again.exit_code == 0


def test_deployed_once_more_it_serves_and_has_nothing_to_go_back_to(served: Account) -> None:
    served.deploy()
    assert list(settle(served.target)) == []
    with pytest.raises(NotDone, match="there is nothing to go back to"):
        served.rollback()
