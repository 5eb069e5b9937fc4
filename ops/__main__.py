"""`python -m ops [--stage STAGE] COMMAND …`: the operators' commands."""

import os
import signal
from functools import partial
from pathlib import Path

import click

from ops import stage
from ops.erasing import erase
from ops.exporting import export
from ops.failures import Commands
from ops.growth import growth
from ops.importing import import_
from ops.messages import outbox
from ops.migrating import migrate
from ops.prove.command import prove
from ops.proving import proof, verify_heads
from ops.redriving import redrive
from ops.restoring import restore, restore_check
from ops.retention import retention
from ops.rotating import rotate_keys
from ops.unsubscribing import unsubscribe
from ops.watching import status

COMMANDS = (
    proof,
    verify_heads,
    export,
    import_,
    unsubscribe,
    growth,
    retention,
    status,
    outbox,
    redrive,
    erase,
    rotate_keys,
    migrate,
    restore,
    restore_check,
    prove,
)


@click.group(cls=Commands, commands=COMMANDS)
@click.option(
    "--stage",
    "name",
    default="local",
    show_default=True,
    metavar="NAME",
    help="local: the cloud that `make run` runs; others: of .chalice/config.json, "
    "with your AWS credentials.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    default=stage.RUN,
    metavar="FILE",
    help="Where the running local cloud wrote its addresses.",
)
@click.pass_context
def main(context: click.Context, name: str, run: Path) -> None:
    """Run an operator's command on a stage.

    Exit codes: 0 done, 1 a proof is broken, something wants attention, or Ctrl-C, 2 wrong usage or
    nothing known of an address, 3 it failed.
    """
    context.obj = partial(stage.enter, name, run, os.environ)


def _end(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)  # so that half-written files are removed
    main(prog_name="python -m ops")
