"""`python -m infra.rollback STAGE`: a deployment that was found good, once more."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError, ClientError

from infra import config, functions, releases, resources, stack
from infra.releases import Release, State
from infra.settling import served, settle
from infra.target import Change, NotDone, Part, Target, carry_out

ROOT = Path(__file__).parent.parent


@click.command()
@click.argument("stage")
@click.option("--dry-run", is_flag=True, help="Only say to which release it would go back.")
@click.option("--release", default="", help="Go back to this one: its name, or its commit.")
@click.option("--list", "lists", is_flag=True, help="Only list what is kept.")
@click.option(
    "--url", help="What to test at the end, such as the custom domain; default: the API's own."
)
def main(stage: str, dry_run: bool, release: str, lists: bool, url: str | None) -> None:
    """Deploy the last good deployment of STAGE before the present one once more.

    It takes the kept package, settings and policies, not the working tree's. Tables and the rest of
    the resources stay as they are. If it is interrupted, run it again. Exit codes: 0 done, 1 not
    done, 2 wrong usage.
    """
    target = Target(ROOT, stage)
    try:
        if lists:
            listed(target)
        else:
            run(target, release, url, dry_run)
    except (NotDone, config.NoStage, BotoCoreError, ClientError) as error:
        raise click.ClickException(str(error)) from error


def listed(target: Target) -> None:
    """List what is kept, the latest first."""
    state = releases.state(target)
    for name in reversed(releases.names(target)):
        marks = (
            (state.serving, "serves"),
            (state.withdrawn, "was taken back"),
            (state.back_to, "is gone back to"),
        )
        said = ", ".join(mark for which, mark in marks if which == name)
        click.echo(f"{name}  {said}".rstrip())


def run(target: Target, wanted: str = "", url: str | None = None, dry_run: bool = False) -> None:
    """Roll a stage back and report it on the terminal. Raises NotDone."""
    if target.stage == "local":
        raise NotDone("the local stage is not deployed: `make run` brings it up")
    state = releases.state(target)
    name = releases.aim(state, releases.names(target), wanted)
    if not name:
        click.echo(
            f"{state.serving} serves since {state.withdrawn} was taken back: nothing to do. "
            "RELEASE=… goes further back, LIST=1 says to what"
        )
        return
    if dry_run:
        click.echo(f"would go back to {name}\nnothing was changed")
        return
    go(target, state, name, url)
    click.echo(f"done: {target.stage} serves {name}")


def after_failure(target: Target, url: str | None) -> str:
    """Go back to what served before a deployment that failed; return what serves then.

    Raises NotDone where there is nothing to go back to, or that does not serve either.
    """
    state = releases.state(target)
    if not state.back_to:
        raise NotDone(
            "There is nothing to go back to: no earlier deployment of this stage was kept. "
            "What was deployed stays."
        )
    go(target, state, releases.aim(state, releases.names(target)), url)
    return state.back_to


def go(target: Target, state: State, name: str, url: str | None) -> None:
    """Deploy a release, test it, and write down that it serves. Raises NotDone."""
    releases.write(target, replace(state, back_to=name))
    with tempfile.TemporaryDirectory() as made:
        release = releases.unpack(target, name, Path(made))
        outputs = stack.outputs(target.client("cloudformation"), resources.names(target.stage)[0])
        outputs = resources.with_streams(target, outputs or {})
        releases.settings(release, target.stage, outputs)
        carry_out(parts(release, url), Target(release.folder, target.stage), click.echo)
        releases.write(target, releases.taken_back(state, name, release.digest))


def parts(release: Release, url: str | None) -> list[Part]:
    """Return the parts that deploy a release from its folder."""
    return [
        Part("the kept functions and API", lambda target: _redeploy(target, release)),
        Part("what Chalice cannot set", settle),
        Part("ask the served stage", lambda target: served(target, url)),
    ]


def _redeploy(target: Target, release: Release) -> Iterator[Change]:
    yield Change(
        f"run chalice deploy --stage {target.stage} with the package of {release.name}",
        lambda: functions.chalice(target, "deploy", "--package", str(release.package)),
    )


if __name__ == "__main__":
    main()
