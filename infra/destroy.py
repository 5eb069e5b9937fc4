"""`python -m infra.destroy STAGE`: the deletion of a stage, and of its data on request."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra import config, functions, resources, stack, waf
from infra.target import NotDone, Target

ROOT = Path(__file__).parent.parent
# Outputs of the resource stack that name what it retains when it is deleted.
TABLES = ("CONTACTS_TABLE", "VIEW_COUNTS_TABLE")
LOG_GROUPS = ("HEADS_LOG_GROUP",)
SECRETS = ("IDENTITY_SECRET_ARN", "TOKEN_SECRET_ARN")


@click.command()
@click.argument("stage")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option(
    "--data",
    is_flag=True,
    help="Also what it keeps: tables, secrets, the ledgers' heads, the staff's accounts.",
)
def main(stage: str, dry_run: bool, data: bool) -> None:
    """Delete what serves STAGE; with --data also what it keeps, once its name is typed.

    Without --data tables, topics, queue and secrets stay, so that a later deployment finds every
    subscriber again.
    """
    run(Target(ROOT, stage), data, dry_run)


def run(target: Target, data: bool, dry_run: bool = False) -> None:
    """Delete a stage and report it on the terminal. Raises ClickException with the reason."""
    if target.stage == "local":
        raise click.ClickException("the local stage is not deployed: `make clean` deletes its data")
    try:
        environment, (kept, watching) = target.environment, resources.names(target.stage)
        click.echo(
            f"functions, roles, triggers and API of {target.stage}; "
            f"the stack {watching} with its logs"
        )
        if data:
            names = (*TABLES, *LOG_GROUPS, *SECRETS)
            lost = [environment[name] for name in names if environment.get(name)]
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
        stack.delete(target.client("cloudformation"), watching, resources.PAUSE)
        if data:
            _delete_data(target, environment, kept)
    except (NotDone, stack.StackFailed, config.NoStage, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"deleted: {target.stage}")


def _delete_data(target: Target, environment: dict[str, str], kept: str) -> None:
    """Delete the resource stack, then the tables, log group, secrets and user pool it retains.

    What is gone already is skipped. At last the stack's outputs leave the stage's configuration.
    """
    stack.delete(target.client("cloudformation"), kept, resources.PAUSE)
    for name in (each for each in TABLES if each in environment):
        _delete_table(target.client("dynamodb"), environment[name])
    logs = target.client("logs")
    for name in (each for each in LOG_GROUPS if each in environment):
        with suppress(logs.exceptions.ResourceNotFoundException):
            logs.delete_log_group(logGroupName=environment[name])
    secrets = target.client("secretsmanager")
    for name in (each for each in SECRETS if each in environment):
        with suppress(secrets.exceptions.ResourceNotFoundException):
            secrets.delete_secret(SecretId=environment[name], ForceDeleteWithoutRecovery=True)
    if target.operations.get("user_pool") and environment.get("OIDC_ISSUER"):
        _delete_pool(target.client("cognito-idp"), environment["OIDC_ISSUER"].rpartition("/")[2])
    made = {stack.variable(each) for each in json.loads(resources.template(target))["Outputs"]}
    made.add("OPERATORS_TOPIC_ARN")  # the watching stack's
    stays = {key: value for key, value in environment.items() if key not in made}
    config.change(target.root, target.stage, "environment_variables", stays)


def _delete_table(client: Any, name: str) -> None:
    with suppress(client.exceptions.ResourceNotFoundException):
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.get_waiter("table_exists").wait(TableName=name)  # until the change is through
        client.delete_table(TableName=name)


def _delete_pool(client: Any, pool: str) -> None:
    with suppress(client.exceptions.ResourceNotFoundException):
        client.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
        client.delete_user_pool(UserPoolId=pool)


if __name__ == "__main__":
    main()
