"""`make deploy` and `make destroy` in an emulated account, with failures and repetitions."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chalicelib.http.inventory import METHODS
from infra import access_log, config, destroy, gateway, policies, triggers
from infra.checks import COMPANY, check
from infra.deploy import run, steps
from infra.functions import deployed
from infra.settling import settle
from infra.target import Target
from infra.throttles import CALLS, DEFAULT, PAGES, RATES
from local import ports
from tests.infra.account import OPERATIONS, OURS, STAGE, Account, account

pytestmark = pytest.mark.soak
PREFIX = config.prefix(STAGE)


@pytest.fixture(scope="module")
def empty(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account(root, tmp_path_factory.mktemp("account")) as made:
        yield made


@pytest.fixture(scope="module")
def served(empty: Account) -> Account:
    """Deploy, with failures on the way.

    Each run goes on where the one before stopped.
    """
    with pytest.raises(
        click.ClickException, match=r"(?s)This is missing:.*MAIL_FROM still has the example's value"
    ):
        empty.deploy(ports.listen(0, "api"))
    empty.configure(environment_variables=OURS)
    with pytest.raises(click.ClickException, match="SES has no identity firma"):
        empty.deploy(ports.listen(0, "api"))
    empty.configure(operations=OPERATIONS)
    run(empty.target, steps(), dry_run=True)
    assert empty.client("dynamodb").list_tables()["TableNames"] == []
    empty.endpoint.fail["POST", "/restapis?"] = 400
    with pytest.raises(click.ClickException, match="chalice deploy failed"):
        empty.deploy(ports.listen(0, "api"))
    # The first of the gateway's answers cannot be set.
    empty.endpoint.fail["PUT", "/restapis/"] = 400
    with pytest.raises(click.ClickException, match="the test has it fail"):
        empty.deploy(ports.listen(0, "api"))
    empty.deploy(ports.listen(0, "api"))
    return empty


def test_the_stage_is_what_it_should_be(served: Account) -> None:
    assert list(settle(served.target)) == []  # nothing is left to settle
    outputs = served.target.environment
    assert outputs["CONTACTS_TABLE"] == f"{PREFIX}-contacts"
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


def test_the_package_is_the_one_that_starts_fast(served: Account) -> None:
    (made,) = (served.root / ".chalice" / "deployments").glob("*.zip")
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


def test_destroyed_without_data_and_deployed_again_it_has_its_data(served: Account) -> None:
    client = served.client("dynamodb")
    client.put_item(
        TableName=f"{PREFIX}-contacts", Item={"pk": {"S": "SUB#kept"}, "sk": {"S": "SUB"}}
    )
    assert CliRunner().invoke(destroy.main, [STAGE, "--help"]).exit_code == 0
    destroy.run(served.target, data=False)
    assert served.client("lambda").list_functions()["Functions"] == []
    assert served.client("apigateway").get_rest_apis()["items"] == []
    served.deploy(ports.listen(0, "api"))
    assert client.scan(TableName=f"{PREFIX}-contacts")["Count"] == 1


def test_without_a_pool_or_a_provider_it_says_so(served: Account, tmp_path: Path) -> None:
    shutil.copytree(served.root / COMPANY, tmp_path / COMPANY)
    (tmp_path / ".chalice").mkdir()
    whole = json.loads((served.root / ".chalice" / "config.json").read_text())
    for issuer, pool, notes in (
        ("", False, 1),
        ("", True, 0),
        ("https://sign-in.firma.de", False, 0),
    ):
        whole["stages"][STAGE]["environment_variables"]["OIDC_ISSUER"] = issuer
        whole["stages"][STAGE]["operations"]["user_pool"] = pool
        (tmp_path / ".chalice" / "config.json").write_text(json.dumps(whole))
        said = [each.text for each in check(Target(tmp_path, STAGE))]
        assert len([each for each in said if "nobody can sign in" in each]) == notes


def test_the_local_stage_is_none_of_these_commands(empty: Account) -> None:
    with pytest.raises(click.ClickException, match="make run"):
        run(Target(empty.root, "local"), steps())
    with pytest.raises(click.ClickException, match="make clean"):
        destroy.run(Target(empty.root, "local"), data=True)


def test_data_goes_only_with_the_stages_name_typed(served: Account) -> None:
    @click.command()
    def command() -> None:
        destroy.run(served.target, data=True)

    refused = CliRunner().invoke(command, input="prod\n")
    assert (refused.exit_code, "nothing was deleted" in refused.output) == (1, True)
    assert f"{PREFIX}-contacts" in refused.output
    assert len(served.client("dynamodb").list_tables()["TableNames"]) == 3
    assert served.client("lambda").list_functions()["Functions"]
    done = CliRunner().invoke(command, input=f"{STAGE}\n")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, f"deleted: {STAGE}")
    assert served.client("dynamodb").list_tables()["TableNames"] == []
    assert served.client("secretsmanager").list_secrets()["SecretList"] == []
    assert served.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
    assert not {"CONTACTS_TABLE", "OIDC_ISSUER"} & served.target.environment.keys()
    again = CliRunner().invoke(command, input=f"{STAGE}\n")
    assert again.exit_code == 0
