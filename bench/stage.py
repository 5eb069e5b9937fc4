"""The preparation of a run: packages, the peers' libraries, and the stub with its certificate.

Everything lies in `.local/bench`.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

from chalicelib import aws, instants
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import items as subscribers
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from infra import packaging
from local.deploy import CHALICE

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".local" / "bench"
# The libraries that Lambda's runtime for Python brings along, and those of its runtime client.
SDK = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py")
CLIENT = ("awslambdaric", "simplejson", "snapshot_restore_py.py")
_ENTRY = {
    "slug": "gold-als-kapitalanlage",
    "title": "Gold als Kapitalanlage: was Anleger wissen sollten",
    "views": 9,
    "page": "https://www.site.example/ratgeber/gold-als-kapitalanlage",
}


@dataclass(frozen=True)
class Stage:
    """The folders of what a run needs."""

    shipped: Path  # the package as Chalice ships it, unzipped
    optimised: Path  # the package after `packaging.optimise`, unzipped
    zipped: dict[str, int]  # bytes of both archives
    site: Path  # the peers' libraries
    client: Path  # Lambda's runtime client
    sdk: Path  # the SDK of Lambda's runtime
    certificates: Path  # of the stub; `client.pem` is the authority's


def build(say: Callable[[str], None]) -> Stage:
    """Build everything anew, the peers' libraries only when their lock has changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    say("the peers' libraries …")
    site = _installed()
    say("the package …")
    archives = {"shipped": _packaged()}
    archives["optimised"] = packaging.optimise(
        Path(shutil.copy(archives["shipped"], FOLDER / "optimised.zip"))
    )
    for name, archive in archives.items():
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(FOLDER / name)
    packages = Path(str(metadata.distribution("botocore").locate_file("")))
    return Stage(
        shipped=FOLDER / "shipped",
        optimised=FOLDER / "optimised",
        zipped={name: archive.stat().st_size for name, archive in archives.items()},
        site=site,
        client=_linked(
            FOLDER / "client",
            site,
            (*CLIENT, *(each.name for each in site.glob("runtime_client*.so"))),
        ),
        sdk=_linked(FOLDER / "sdk", packages, SDK),
        certificates=_certificates(site),
    )


def bundle(stage: Stage, package: Path, name: str) -> Path:
    """Write the file of certificates that a contestant trusts, and return its path.

    They are those of its own package, or else of the runtime, and the stub's.
    """
    own = package / "botocore" / "cacert.pem"
    trusted = own if own.is_file() else stage.sdk / "botocore" / "cacert.pem"
    made = stage.certificates / f"{name}.pem"
    made.write_text(trusted.read_text() + (stage.certificates / "client.pem").read_text())
    return made


@contextmanager
def stub(stage: Stage) -> Iterator[str]:
    """Run the stub meanwhile; the value is its address."""
    (stage.certificates / "items.json").write_text(json.dumps(_items()))
    command = [sys.executable, "-m", "bench.stub", str(stage.certificates)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout  # noqa: S101  by PIPE
        yield f"https://localhost:{process.stdout.readline().strip()}"
        process.terminate()


def _items() -> dict[str, Any]:
    """Return the stub's items by partition key, in wire format.

    They are a mail that is due, the subscriber it is for, and a list of most-read articles.
    """
    now = instants.now() - timedelta(minutes=1)
    message = outbox.owe("newsletter-confirmation", "subscriber", 1, now)
    subscriber = Subscriber(
        "subscriber", "eva@example.org", "pending", "de", ("products",), "newsletter-de-1", now, now
    )
    popular = {"pk": "LIST", "sk": "24h", "as_of": instants.text(now), "articles": [_ENTRY] * 50}
    items = [messages.to_item(message), subscribers.pack(subscriber, "0" * 64, now), popular]
    return {item["pk"]: aws.pack_item(item) for item in items}


def _installed() -> Path:
    """Install the libraries of requirements-bench.txt, by its hashes, and return their folder."""
    site, lock = FOLDER / "site", (ROOT / "requirements-bench.txt").read_text()
    done = FOLDER / "site.lock"
    if not done.is_file() or done.read_text() != lock:
        shutil.rmtree(site, ignore_errors=True)
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-qq",
            "--disable-pip-version-check",
            "--require-hashes",
            "--target",
            str(site),
            "-r",
            str(ROOT / "requirements-bench.txt"),
        ]
        subprocess.run(command, check=True)
        done.write_text(lock)
    return site


def _packaged() -> Path:
    """Run `chalice package` on a clean copy of the project and return the archive's path."""
    project = FOLDER / "project"
    shutil.rmtree(project, ignore_errors=True)
    project.mkdir()
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, project)
    for name in ("chalicelib", ".chalice"):
        unneeded = shutil.ignore_patterns("__pycache__", "deployments", "deployed")
        shutil.copytree(ROOT / name, project / name, ignore=unneeded)
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"}
    command = [*CHALICE, "package", "--stage", "local", "made"]
    subprocess.run(command, cwd=project, env=environment, capture_output=True, check=True)
    return project / "made" / "deployment.zip"


def _linked(folder: Path, source: Path, names: tuple[str, ...]) -> Path:
    """Make `folder` anew with symbolic links to these entries of `source`, and return it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(source / name)
    return folder


def _certificates(site: Path) -> Path:
    """Make a certificate for localhost, unless there is one, and return its folder.

    The certificate of the authority that signed it is `client.pem`.
    """
    folder = FOLDER / "certificates"
    folder.mkdir(exist_ok=True)
    if not (folder / "client.pem").is_file():
        command = [
            sys.executable,
            "-m",
            "trustme",
            "-q",
            "-d",
            str(folder),
            "-i",
            "localhost",
            "127.0.0.1",
        ]
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(site)}, check=True)
    return folder
