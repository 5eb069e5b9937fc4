"""The deployment of functions and API by Chalice, with packages that start fast."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from infra.target import Change, NotDone, Target

_CHALICE = (sys.executable, "-m", "infra.chalice")


def changes(target: Target) -> Iterator[Change]:
    """Yield one change: `chalice deploy`, which finds out itself what differs."""
    yield Change(
        f"run chalice deploy --stage {target.stage}: functions, roles, triggers, API",
        lambda: chalice(target, "deploy"),
    )


def chalice(target: Target, command: str) -> None:
    """Run `chalice deploy` or `chalice delete` for the stage. Raises NotDone."""
    done = subprocess.run(
        [*_CHALICE, command, "--stage", target.stage], cwd=target.root, env=os.environ, check=False
    )
    if done.returncode:
        raise NotDone(
            f"chalice {command} failed, see above. What it did is recorded: "
            "run the same command again."
        )


def deployed(target: Target) -> dict[str, dict[str, Any]]:
    """Return what Chalice recorded of its last deployment of the stage, by resource name.

    The result is empty if Chalice has not deployed the stage.
    """
    try:
        record = json.loads(
            (target.root / ".chalice" / "deployed" / f"{target.stage}.json").read_text()
        )
    except FileNotFoundError:
        return {}
    return {each["name"]: each for each in record["resources"]}
