"""`python -m infra.deploy STAGE`: a deployment in steps that can each be repeated."""

from collections.abc import Iterator
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra import (
    access_log,
    checks,
    config,
    functions,
    gateway,
    resources,
    smoke,
    throttles,
    triggers,
    waf,
)
from infra.target import Change, NotDone, Step, Target, carry_out

ROOT = Path(__file__).parent.parent


def settle(target: Target) -> Iterator[Change]:
    """Yield the changes to triggers, throttles and gateway responses, which Chalice cannot set.

    They differ after a first deployment, or where somebody changed them by hand. Before the first
    deployment there is only a note.
    """
    if not triggers.standing(target):
        yield Change(
            "set filters, retries, limits and the gateway's answers, once the functions are there"
        )
        return
    yield from triggers.changes(target)
    api_id = _api(target)["rest_api_id"]
    yield from throttles.changes(target, api_id)
    yield from access_log.changes(target, api_id)
    yield from gateway.changes(target, api_id)
    yield from waf.changes(target, api_id)
    yield from resources.watched(target)


def served(target: Target, url: str | None) -> Iterator[Change]:
    """Yield the requests of the smoke test, to `url` or to the address that Chalice recorded."""
    if url is None and not functions.deployed(target):
        yield Change("ask the served stage, once there is one")
        return
    yield from smoke.changes(target, (url or _api(target)["rest_api_url"]).rstrip("/"))


def _api(target: Target) -> dict[str, str]:
    try:
        return functions.deployed(target)["rest_api"]
    except KeyError:
        raise NotDone(
            "there are functions, but no record of their deployment in "
            f".chalice/deployed/{target.stage}.json: get the file from whoever deployed last"
        ) from None


CHECK = Step("check account, settings and mail", checks.check)
RESOURCES = Step("resources", resources.changes)


def steps(url: str | None = None) -> list[Step]:
    """Return all steps in order; `url` is what the smoke test asks instead of Chalice's address."""
    return [
        CHECK,
        RESOURCES,
        Step("functions and API", functions.changes),
        Step("what Chalice cannot set", settle),
        Step("ask the served stage", lambda target: served(target, url)),
    ]


@click.command()
@click.argument("stage")
@click.option("--dry-run", is_flag=True, help="Only say what would be done; nothing is changed.")
@click.option(
    "--only",
    type=click.Choice(["resources"]),
    help="Stop after the resources; `chalice deploy` may follow.",
)
@click.option(
    "--url",
    help="What to test at the end, such as the custom domain; default: the API's own address.",
)
def main(stage: str, dry_run: bool, only: str | None, url: str | None) -> None:
    """Deploy STAGE, a stage of .chalice/config.json, with your AWS credentials.

    If it fails, run it again: each step does what is not done yet. Exit codes: 0 done, 1 not done,
    2 wrong usage.
    """
    run(Target(ROOT, stage), [CHECK, RESOURCES] if only else steps(url), dry_run)


def run(target: Target, wanted: list[Step], dry_run: bool = False) -> None:
    """Carry out steps and report them on the terminal. Raises ClickException with the reason."""
    if target.stage == "local":
        raise click.ClickException("the local stage is not deployed: `make run` brings it up")
    try:
        carry_out(wanted, target, click.echo, dry_run)
    except (NotDone, config.NoStage, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("nothing was changed" if dry_run else f"done: {target.stage}")


if __name__ == "__main__":
    main()
