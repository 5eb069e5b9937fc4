"""`python -m infra.chalice …`: Chalice's command line with a packager and a pip runner of ours.

Its packages start fast, and pip compares every library with the lock's hashes. Chalice has no hook
for this, so this module replaces the two classes in `chalice.deploy.deployer`. A plain
`chalice deploy` works too, but its package starts slower and its libraries are not compared.
"""

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalice.cli import main
from chalice.deploy import deployer, packager

from chalicelib.company import FOLDER
from infra import company, packaging, sbom

_LOCK = Path("requirements.txt")  # in the project, where Chalice is run


class Pip(packager.PipRunner):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's pip runner, which compares also wheels for another processor with the lock."""

    def download_manylinux_wheels(
        self, abi: str, packages: list[str], directory: str, platforms: list[str]
    ) -> None:
        """Download wheels of `packages` (`name==version`) for Lambda, by the lock's hashes.

        Raises Unfit if the lock has no entry for one, or pip cannot get what the lock names.
        """
        if not packages:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
            wanted.write("".join(locked(_LOCK.read_text(), packages)))
            wanted.flush()
            where = [word for each in platforms for word in ("--platform", each)]
            code, _, said = self._execute(
                "download",
                [
                    "-r",
                    wanted.name,
                    "--require-hashes",
                    "--no-deps",
                    "--only-binary=:all:",
                    "--implementation",
                    "cp",
                    "--abi",
                    abi,
                    "--dest",
                    directory,
                    *where,
                ],
            )
        if code:
            raise packaging.Unfit(
                f"the libraries for Lambda cannot be had as the lock names them:\n{said.decode()}"
            )


def locked(lock: str, packages: Iterable[str]) -> list[str]:
    """Return a lock's entries for these `name==version`, sorted, with their hashes.

    Raises Unfit for a package that the lock does not have.
    """
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    found = {each.split()[0]: each for each in entries if each.strip()}
    try:
        return [found[each] for each in sorted(packages)]
    except KeyError as unknown:
        raise packaging.Unfit(f"requirements.txt has no {unknown}: `make lock`") from None


class Packager(deployer.LambdaDeploymentPackager):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's packager, followed by `packaging.optimise`."""

    def create_deployment_package(self, *given: Any, **named: Any) -> str:
        """Make the package of a complete company, optimise it and return its path. Raises Unfit.

        The list of what it is made of lies beside it (`sbom.beside`).

        An earlier package is deleted first: Chalice would take it as it is, and it may be plain.
        """
        if found := list(company.faults(FOLDER)):
            raise packaging.Unfit("\n".join(found))
        kept = Path(self.deployment_package_filename(*given, **named))
        kept.unlink(missing_ok=True)
        made = Path(super().create_deployment_package(*given, **named))
        before = made.stat().st_size
        try:
            packaging.optimise(made)
        except packaging.Unfit:
            made.unlink()  # else the next deployment would take the plain package as it is
            raise
        sbom.beside(made)
        print(f"Made to start fast: {before / 1e6:.1f} MB → {made.stat().st_size / 1e6:.1f} MB")
        return str(made)


if __name__ == "__main__":
    deployer.LambdaDeploymentPackager, deployer.PipRunner = Packager, Pip
    sys.exit(main())  # it returns the exit code instead of exiting with it
