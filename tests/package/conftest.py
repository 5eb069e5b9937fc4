"""The real package, made once for all tests: run by the emulator, and unzipped."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.cloud import Cloud


@dataclass(frozen=True)
class Package:
    """The archive that `chalice package` made, and the folder it is unzipped to."""

    archive: Path
    unzipped: Path

    @property
    def files(self) -> list[str]:
        """Return the names of all files in the archive, sorted."""
        with zipfile.ZipFile(self.archive) as archive:
            return sorted(archive.namelist())


@pytest.fixture(scope="package")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start a cloud that runs the package and enforces the policies of the functions' roles.

    It tells other systems of events.
    """
    told = {"DOMAIN_EVENTS": "1"}
    with Cloud(
        tmp_path_factory.mktemp("packaged"), packaged=True, auth=True, extra_env=told
    ) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def package(packaged: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Unzip the package that `packaged` runs."""
    made = Package(
        packaged.folder / "package" / "deployment.zip", tmp_path_factory.mktemp("unzipped")
    )
    with zipfile.ZipFile(made.archive) as archive:
        archive.extractall(made.unzipped)
    return made
