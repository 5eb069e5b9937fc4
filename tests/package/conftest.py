"""The real package, made once: run by the emulator itself, and unzipped."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.cloud import Cloud


@dataclass(frozen=True)
class Package:
    """What `chalice package` made, and the folder Lambda would unzip it to."""

    archive: Path
    unzipped: Path

    @property
    def files(self) -> list[str]:
        """The names of all files in it, sorted."""
        with zipfile.ZipFile(self.archive) as archive:
            return sorted(archive.namelist())


@pytest.fixture(scope="package")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The package in the emulator, which runs it itself and enforces the policies of the functions' roles."""
    with Cloud(tmp_path_factory.mktemp("packaged"), packaged=True, auth=True) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def package(packaged: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The very package that `packaged` runs."""
    made = Package(
        packaged.folder / "package" / "deployment.zip", tmp_path_factory.mktemp("unzipped")
    )
    with zipfile.ZipFile(made.archive) as archive:
        archive.extractall(made.unzipped)
    return made
