"""The deployment of functions and API by Chalice, with packages that start fast."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.target import Change, NotDone, Target

_ROOT = Path(__file__).parent.parent
_CHALICE = (sys.executable, "-m", "infra.chalice")
# API Gateway takes one deployment in five seconds and one new API in thirty: five tries, as Chalice
# has by itself, would be over too early.
_RETRIES = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10"}


def changes(target: Target) -> Iterator[Change]:
    """Yield one change: `chalice deploy`, which finds out itself what differs."""
    yield Change(
        f"run chalice deploy --stage {target.stage}: functions, roles, triggers, API",
        lambda: chalice(target, "deploy"),
    )


def chalice(target: Target, *command: str) -> None:
    """Run `chalice deploy` or `chalice delete` for the stage. Raises NotDone."""
    done = subprocess.run(
        [*_CHALICE, *command, "--stage", target.stage],
        cwd=target.root,
        env={**_RETRIES, **os.environ, "PYTHONPATH": _path()},
        check=False,
    )
    if done.returncode:
        raise NotDone(
            f"chalice {command[0]} failed, see above. What it did is recorded: "
            "run the same command again."
        )


def _path() -> str:
    """Return the PYTHONPATH by which another project's folder finds this `infra`."""
    return os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))


def deployed(target: Target) -> dict[str, dict[str, Any]]:
    """Return what Chalice recorded of its last deployment of the stage, by resource name.

    The result is empty if Chalice has not deployed the stage. Raises NotDone for a record that
    cannot be read, such as one with git's marks of a conflict.
    """
    file = record(target)
    try:
        found = json.loads(file.read_text())
        return {each["name"]: each for each in found["resources"]}
    except FileNotFoundError:
        return {}
    except (ValueError, LookupError, TypeError) as error:
        name = file.relative_to(target.root)
        raise NotDone(
            f"{name} is no record of Chalice's ({error}): put back the newest "
            f"(`git log -- {name}`), or delete it, and that of the last good deployment is taken"
        ) from error


def record(target: Target) -> Path:
    """Return the file in which Chalice records what it deployed of the stage."""
    return target.root / ".chalice" / "deployed" / f"{target.stage}.json"


def present(target: Target) -> set[str]:
    """Return the functions that Chalice has deployed, by the names that `app.py` gives them."""
    return {
        name
        for name, each in deployed(target).items()
        if each["resource_type"] == "lambda_function"
    }
