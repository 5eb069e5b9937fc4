"""`python -m infra.deploy STAGE`: a deployment in parts that can each be repeated."""

from collections.abc import Iterator
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra import checks, config, functions, releases, resources, rollback
from infra.settling import served, settle
from infra.smoke import Unserved
from infra.target import Change, NotDone, Part, Target, carry_out

ROOT = Path(__file__).parent.parent


def _functions(target: Target) -> Iterator[Change]:
    yield from releases.begin(target)
    yield from functions.changes(target)


CHECK = Part("check what could stop it", checks.check)
RESOURCES = Part("resources", resources.changes)
READY = Part("check what the functions wait for", checks.ready)


def parts(url: str | None = None) -> list[Part]:
    """Return all parts in order; `url` is what the smoke test asks instead of Chalice's address."""
    return [
        CHECK,
        RESOURCES,
        READY,
        Part("functions and API", _functions),
        Part("what Chalice cannot set", settle),
        Part("ask the served stage", lambda target: served(target, url)),
        Part("keep what serves", releases.keep),
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

    If it fails, run it again: each part does what is not done yet. A deployment that does not
    answer as it should is taken back. Exit codes: 0 done, 1 not done, 2 wrong usage.
    """
    run(Target(ROOT, stage), [CHECK, RESOURCES] if only else parts(url), dry_run, url)


def run(target: Target, wanted: list[Part], dry_run: bool = False, url: str | None = None) -> None:
    """Carry out parts and report them on the terminal. Raises ClickException with the reason.

    Where the stage does not serve as it should afterwards, it goes back to what served before.
    """
    if target.stage == "local":
        raise click.ClickException("the local stage is not deployed: `make run` brings it up")
    try:
        carry_out(wanted, target, click.echo, dry_run)
    except Unserved as error:
        raise click.ClickException(_taken_back(target, url, str(error))) from error
    except (NotDone, config.NoStage, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("nothing was changed" if dry_run else f"done: {target.stage}")


def _taken_back(target: Target, url: str | None, failed: str) -> str:
    """Go back to what served before and return what there is to say of it."""
    click.echo(f"{failed}\nIt is taken back.")
    try:
        serves = rollback.after_failure(target, url)
    except (NotDone, BotoCoreError, ClientError) as error:
        return f"{failed}\n{error}"
    return f"{failed}\nIt was taken back: {target.stage} serves {serves} again."


if __name__ == "__main__":
    main()
