"""An empty AWS account on this machine, and a copy of the project to deploy to it."""

import io
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from infra import resources
from infra.deploy import run, steps
from infra.functions import deployed
from infra.target import Target
from local import ports
from local.emulator import Emulator
from local.front import Front
from tests.infra.endpoint import Endpoint

STAGE = "dev"
# What a company writes into .chalice/config.json.
OURS = {
    "MAIL_FROM": "Firma <post@firma.de>",
    "STAFF_MAIL": "beratung@firma.de",
    "BASE_URL": "https://contact.firma.de",
    "SITE_URL": "https://www.firma.de",
    "SITE_ORIGINS": "https://www.firma.de",
}
OPERATIONS = {"mail_domain": "firma.de", "alarm_mail": "ops@firma.de", "user_pool": True}
_UNNEEDED = shutil.ignore_patterns(".git", ".venv", ".local", ".*_cache", "__pycache__", "deployments", "tests")


class Account:
    """The account; `url` is where its API is served, whichever was deployed last."""

    def __init__(self, root: Path, folder: Path, emulator: Emulator, endpoint: Endpoint) -> None:
        self.root = Path(shutil.copytree(root, folder / "project", ignore=_UNNEEDED))
        self.emulator, self.endpoint = emulator, endpoint
        self.said: list[str] = []  # by each deployment

    def configure(self, **changes: Any) -> None:
        """Change parts of the stage's configuration, such as `operations`."""
        path = self.root / ".chalice" / "config.json"
        whole = json.loads(path.read_text())
        for name, values in changes.items():
            whole["stages"][STAGE].setdefault(name, {}).update(values)
        path.write_text(json.dumps(whole))

    @property
    def target(self) -> Target:
        """What a command of its own sees."""
        return Target(self.root, STAGE)

    def deploy(self, listener: socket.socket) -> None:
        """`make deploy`, in this process. The emulator's addresses do not resolve, so the API is fronted for the test.

        Raises ClickException.
        """
        front = Front(listener, self.emulator.url, trust_forwarded_for=False)
        front.start()
        said = io.StringIO()
        try:
            given = steps(front.url)
            with redirect_stdout(said):
                run(self.target, given[:-1])
                front.api_id = deployed(self.target)["rest_api"]["rest_api_id"]
                run(self.target, given[-1:])
        finally:
            front.stop()
            self.said.append(said.getvalue())

    def client(self, service: str) -> Any:
        """A boto3 client with every right."""
        return self.emulator.client(service)


@contextmanager
def account(root: Path, folder: Path) -> Iterator[Account]:
    """An account while it is entered, with its credentials in the environment."""
    emulator = Emulator(folder, ports.free(0, "emulator"), persist=False)
    emulator.start()
    endpoint = Endpoint(emulator)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        patch.setenv("AWS_ENDPOINT_URL", endpoint.url)
        patch.setattr(resources, "PAUSE", 0.1)
        try:
            emulator.wait()
            yield Account(root, folder, emulator, endpoint)
        finally:
            endpoint.stop()
            emulator.stop()
