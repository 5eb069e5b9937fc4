"""`python -m infra.destroy STAGE`: the deletion of a stage, and of its data on request.

Everything has a name that follows from the stage's. So what an interrupted run left, a failed
creation, or a deployment whose record is lost, is found and deleted as well.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import addresses
from infra import access_log, config, functions, policies, releases, resources, stack, waf
from infra.target import NotDone, Target

ROOT = Path(__file__).parent.parent
# What the resource stack retains when it is deleted; before each name is the stage's prefix.
TABLES = ("contacts", "view-counts", "view-markers")
LOG_GROUPS = ("heads",)
SECRETS = ("identity", "tokens")
_PATIENCE = 300  # seconds until something that is being deleted has to be gone


@click.command()
@click.argument("stage")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option(
    "--data",
    is_flag=True,
    help="Also what it keeps: tables, secrets, the ledgers' heads, the staff's accounts, releases.",
)
def main(stage: str, dry_run: bool, data: bool) -> None:
    """Delete what serves STAGE; with --data also what it keeps, once its name is typed.

    Without --data tables, topics, queue, secrets and releases stay, so that a later deployment
    finds every subscriber again.
    """
    run(Target(ROOT, stage), data, dry_run)


def run(target: Target, data: bool, dry_run: bool = False) -> None:
    """Delete a stage and report it on the terminal. Raises ClickException with the reason."""
    if target.stage == "local":
        raise click.ClickException("the local stage is not deployed: `make clean` deletes its data")
    try:
        kept, watching = resources.names(target.stage)
        config.environment(target.root, target.stage)  # a stage that is not there is refused
        click.echo(
            f"functions, roles, triggers and API of {target.stage}; "
            f"the stack {watching} with its logs"
        )
        if data:
            lost = [each for each, _ in _kept(target)]
            click.echo("\n  ".join([f"and for good, with the stack {kept}:", *lost]))
        if dry_run:
            click.echo("nothing was deleted")
            return
        if (
            data
            and click.prompt("This cannot be undone. Type the stage's name to delete its data")
            != target.stage
        ):
            raise click.ClickException("another name: nothing was deleted")
        waf.destroy(target)
        functions.chalice(target, "delete")
        _sweep(target)
        _delete_stack(target, watching)
        if data:
            _delete_data(target, kept)
    except (NotDone, stack.StackFailed, config.NoStage, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"deleted: {target.stage}")


def _delete_stack(target: Target, name: str) -> None:
    stack.delete(target.client("cloudformation"), name, resources.PAUSE, click.echo)


def _sweep(target: Target) -> None:
    """Delete what Chalice's record does not name: it may be lost, or older than the stage."""
    lambdas, events = target.client("lambda"), target.client("events")
    for function in policies.RIGHTS:
        name = config.function_name(target.stage, function)
        rule = f"{config.prefix(target.stage)}-{function}-event"
        with suppress(lambdas.exceptions.ResourceNotFoundException):
            found = lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
            for each in found:
                lambdas.delete_event_source_mapping(UUID=each["UUID"])
        with suppress(lambdas.exceptions.ResourceNotFoundException):
            lambdas.delete_function(FunctionName=name)
        with suppress(events.exceptions.ResourceNotFoundException):
            targets = events.list_targets_by_rule(Rule=rule)["Targets"]
            if targets:
                events.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
            events.delete_rule(Name=rule)
        _delete_role(target.client("iam"), f"{config.prefix(target.stage)}-{function}")
    gateway = target.client("apigateway")
    for page in gateway.get_paginator("get_rest_apis").paginate():
        for each in page["items"]:
            if each["name"] == config.prefix(target.stage):
                gateway.delete_rest_api(restApiId=each["id"])


def _delete_role(client: Any, name: str) -> None:
    with suppress(client.exceptions.NoSuchEntityException):
        for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
            client.delete_role_policy(RoleName=name, PolicyName=policy)
        for each in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            client.detach_role_policy(RoleName=name, PolicyArn=each["PolicyArn"])
        client.delete_role(RoleName=name)


def _delete_gateways_roles(target: Target) -> None:
    """Delete the role by which the gateway writes its log, which is one for all APIs of an account.

    It stays while the account has another API.
    """
    iam, gateway = target.client("iam"), target.client("apigateway")
    prefix = f"{resources.names(target.stage)[1]}-GatewayWrites-"
    for page in iam.get_paginator("list_roles").paginate():
        for role in (each for each in page["Roles"] if each["RoleName"].startswith(prefix)):
            if gateway.get_account().get("cloudwatchRoleArn") == role["Arn"]:
                if gateway.get_rest_apis()["items"]:
                    click.echo(f"{role['RoleName']} stays: other APIs write their logs with it")
                    continue
                unset = {"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}
                gateway.update_account(patchOperations=[unset])
            _delete_role(iam, role["RoleName"])


def _kept(target: Target) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what outlives the resource stack, each with what deletes it if it is there."""
    prefix = config.prefix(target.stage)
    for table in (f"{prefix}-{each}" for each in TABLES):
        yield f"table {table}", partial(_delete_table, target.client("dynamodb"), table)
    lambdas = [config.function_name(target.stage, each) for each in policies.RIGHTS]
    groups = [*(f"{prefix}-{each}" for each in LOG_GROUPS), access_log.group(target.stage)]
    for group in (*groups, *(f"/aws/lambda/{each}" for each in lambdas)):
        yield f"log group {group}", partial(_delete_logs, target.client("logs"), group)
    for secret in (f"{prefix}-{each}" for each in SECRETS):
        yield f"secret {secret}", partial(_delete_secret, target.client("secretsmanager"), secret)
    yield f"user pool {prefix}", partial(_delete_pools, target.client("cognito-idp"), prefix)
    bucket = releases.bucket(target)
    yield f"bucket {bucket}", partial(releases.empty, target.client("s3"), bucket)
    if domain := addresses.ascii_domain(target.operations.get("mail_domain", "")):
        yield f"identity {domain}", partial(_delete_identity, target.client("sesv2"), domain)


def _delete_data(target: Target, kept: str) -> None:
    """Delete the resource stack, then what it retains, each if it is there.

    At last the stack's outputs leave the stage's configuration, and Chalice's record is deleted.
    """
    things = list(_kept(target))
    _delete_stack(target, kept)
    for _, delete in things:
        delete()
    _delete_gateways_roles(target)
    made = {stack.variable(each) for each in json.loads(resources.template(target))["Outputs"]}
    made.add("OPERATORS_TOPIC_ARN")  # the watching stack's
    stays = {key: value for key, value in target.environment.items() if key not in made}
    config.change(target.root, target.stage, "environment_variables", stays)
    functions.record(target).unlink(missing_ok=True)


def _delete_table(client: Any, name: str) -> None:
    gone = client.exceptions.ResourceNotFoundException
    with suppress(gone):
        if client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled"):
            client.update_table(TableName=name, DeletionProtectionEnabled=False)
            client.get_waiter("table_exists").wait(TableName=name)  # until the change is through
        client.delete_table(TableName=name)
    client.get_waiter("table_not_exists").wait(TableName=name)


def _delete_logs(client: Any, name: str) -> None:
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_log_group(logGroupName=name)


def _delete_secret(client: Any, name: str) -> None:
    """Delete a secret at once, one that waits for its deletion as well, and free its name."""
    with suppress(client.exceptions.ResourceNotFoundException):
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        _until_gone(lambda: client.describe_secret(SecretId=name), f"the secret {name}")


def _until_gone(look: Callable[[], object], what: str) -> None:
    """Look until that raises that a thing is not found. Raises NotDone where it stays."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        look()
        time.sleep(resources.PAUSE)
    raise NotDone(f"{what} is still being deleted: run the same command again")


def _delete_pools(client: Any, name: str) -> None:
    for page in client.get_paginator("list_user_pools").paginate(MaxResults=60):
        for pool in (each["Id"] for each in page["UserPools"] if each["Name"] == name):
            found = client.describe_user_pool(UserPoolId=pool)["UserPool"]
            if found.get("Domain"):
                client.delete_user_pool_domain(UserPoolId=pool, Domain=found["Domain"])
            client.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
            client.delete_user_pool(UserPoolId=pool)


def _delete_identity(client: Any, domain: str) -> None:
    with suppress(client.exceptions.NotFoundException):
        client.delete_email_identity(EmailIdentity=domain)


if __name__ == "__main__":
    main()
