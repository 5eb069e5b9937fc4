"""An empty AWS account on this machine, and a copy of the project to deploy to it."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import botocore
import pytest

from infra import patience, resources, rollback, smoke
from infra.deploy import parts, run
from infra.functions import deployed
from infra.target import Target
from local import ports
from local.emulator import Emulator
from local.front import Front
from tests.infra.endpoint import Endpoint

STAGE = "dev"
TODAY = date(2026, 11, 26)  # while AWS takes functions of the lock's Python
PAUSE = 0.1  # seconds between two looks at something that is not ready yet
_UNNEEDED = shutil.ignore_patterns(
    ".git", ".venv", ".local", ".*_cache", "__pycache__", "deployments", "tests"
)


class Account:
    """An emulated account with a copy of the project."""

    def __init__(self, root: Path, folder: Path, emulator: Emulator, endpoint: Endpoint) -> None:
        self.root = Path(shutil.copytree(root, folder / "project", ignore=_UNNEEDED))
        self.emulator, self.endpoint = emulator, endpoint
        self.said: list[str] = []  # the output of each deployment
        self.run_here()

    def run_here(self) -> None:
        """Make the functions for this machine's processor, on which the emulator runs them."""
        path = self.root / ".chalice" / "config.json"
        whole = json.loads(path.read_text())
        del whole["stages"][STAGE]["lambda_architecture"]
        path.write_text(json.dumps(whole))

    def configure(self, **changes: Any) -> None:
        """Change parts of the stage's configuration, such as `operations`."""
        path = self.root / ".chalice" / "config.json"
        whole = json.loads(path.read_text())
        for name, values in changes.items():
            whole["stages"][STAGE].setdefault(name, {}).update(values)
        path.write_text(json.dumps(whole))

    @property
    def target(self) -> Target:
        """Return a new target, as each command makes its own."""
        return Target(self.root, STAGE, TODAY)

    def deploy(self, dry_run: bool = False, checked: bool = True) -> str:
        """Do in this process what `make deploy` does, and return what it says.

        Without `checked` it begins with the resources, as if what it meets had come after the
        checks. Raises ClickException.
        """
        wanted = slice(0 if checked else 1, None)
        return self._saying(lambda url: run(self.target, parts(url)[wanted], dry_run, url))

    def rollback(self, wanted: str = "") -> str:
        """Do in this process what `make rollback` does, and return what it says. Raises NotDone."""
        return self._saying(lambda url: rollback.run(self.target, wanted, url))

    def _saying(self, do: Callable[[str], None]) -> str:
        """Return what something says that asks the stage at the address it is given.

        The emulator's host names do not resolve, so a proxy serves the API for the smoke test.
        """
        front = _Latest(self)
        front.start()
        said = io.StringIO()
        try:
            with redirect_stdout(said):
                do(front.url)
        finally:
            front.stop()
            self.said.append(said.getvalue())
        return said.getvalue()

    def code(self) -> set[str]:
        """Return the SHA-256 of what the functions run, which is one if all of them run it."""
        found = self.client("lambda").list_functions()["Functions"]
        return {each["CodeSha256"] for each in found}

    def client(self, service: str) -> Any:
        """Return a boto3 client with every right."""
        return self.emulator.client(service)


class _Latest(Front):
    """A proxy to the API that Chalice has recorded by the time of a request."""

    def __init__(self, account: Account) -> None:
        super().__init__(ports.listen(0, "api"), account.emulator.url, trust_forwarded_for=False)
        self._account = account

    @property
    def api_id(self) -> str:
        return str(deployed(self._account.target)["rest_api"]["rest_api_id"])

    @api_id.setter
    def api_id(self, _: str) -> None:
        pass


def impatient(folder: Path) -> Path:
    """Write a folder for AWS_DATA_PATH, by which botocore's waiters look at short intervals.

    Chalice waits twice for every function. botocore would look every five seconds, while the
    emulator is done within half a second.
    """
    for service in ("lambda", "dynamodb"):
        (known,) = (Path(botocore.__file__).parent / "data" / service).glob("*/waiters-2.json")
        waiters = json.loads(known.read_text())
        for each in waiters["waiters"].values():
            each.update(delay=PAUSE, maxAttempts=1000)
        made = folder / service / known.parent.name / known.name
        made.parent.mkdir(parents=True)
        made.write_text(json.dumps(waiters))
    return folder


@contextmanager
def account(root: Path, folder: Path, *, auth: bool = False) -> Iterator[Account]:
    """Start an account while entered, with its credentials in the environment.

    `auth` has the emulator enforce policies.
    """
    emulator = Emulator(folder, ports.free(0, "emulator"), persist=False, auth=auth)
    emulator.start()
    endpoint = Endpoint(emulator)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        patch.setenv("AWS_DATA_PATH", str(impatient(folder / "botocore")))
        for waits in (patience, resources, smoke):
            patch.setattr(waits, "PAUSE", PAUSE)
        patch.setattr(smoke, "SETTLING", 2.0)
        try:
            emulator.wait()
            yield Account(root, folder, emulator, endpoint)
        finally:
            endpoint.stop()
            emulator.stop()
