"""`python -m infra.chalice …`: Chalice's own command, whose packages start fast and are what the lock names.

Chalice has no hook for it: its deployer names the classes that make the package and call pip, and here they are ours.
A plain `chalice deploy` works as well, with a package that starts slower and with libraries nobody compared.
"""

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chalice.cli import main
from chalice.deploy import deployer, packager

from infra import packaging

_LOCK = Path("requirements.txt")  # in the project, where Chalice is run


class Pip(packager.PipRunner):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's pip, which compares with the lock what it fetches for another processor than this machine's, too."""

    def download_manylinux_wheels(
        self, abi: str, packages: list[str], directory: str, platforms: list[str]
    ) -> None:
        """Wheels of these `name==version` for Lambda; the lock has the hashes of all of them. Raises Unfit."""
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
    """The entries of a lock for these `name==version`, with their hashes. Raises Unfit for one it does not have."""
    entries = re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)
    found = {each.split()[0]: each for each in entries if each.strip()}
    try:
        return [found[each] for each in sorted(packages)]
    except KeyError as unknown:
        raise packaging.Unfit(f"requirements.txt has no {unknown}: `make lock`") from None


class Packager(deployer.LambdaDeploymentPackager):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's packager, and after it our own step."""

    def create_deployment_package(self, *given: Any, **named: Any) -> str:
        """The path of the package, always made anew: one that Chalice has kept may be a plain one. Raises Unfit."""
        kept = Path(self.deployment_package_filename(*given, **named))
        kept.unlink(missing_ok=True)
        made = Path(super().create_deployment_package(*given, **named))
        before = made.stat().st_size
        try:
            packaging.optimise(made)
        except packaging.Unfit:
            made.unlink()  # a plain deployment must not take it for one of its own that is ready
            raise
        print(f"Made to start fast: {before / 1e6:.1f} MB → {made.stat().st_size / 1e6:.1f} MB")
        return str(made)


if __name__ == "__main__":
    deployer.LambdaDeploymentPackager, deployer.PipRunner = Packager, Pip
    sys.exit(main())  # it returns the exit code instead of exiting with it
