"""`python -m infra.chalice …`: Chalice's own command, whose packages start fast.

Chalice has no hook for it: its deployer names the class that makes the package, and here that is one of ours. A plain
`chalice deploy` works as well, with a package that starts slower.
"""

import sys
from pathlib import Path
from typing import Any

from chalice.cli import main
from chalice.deploy import deployer

from infra import packaging


class Packager(deployer.LambdaDeploymentPackager):  # type: ignore[misc]  # chalice ships no annotations
    """Chalice's packager, and after it our own step."""

    def create_deployment_package(self, *given: Any, **named: Any) -> str:
        """The path of the package, always made anew: one that Chalice has kept may be a plain one. Raises Unfit."""
        kept = Path(self.deployment_package_filename(*given, **named))
        kept.unlink(missing_ok=True)
        made = Path(super().create_deployment_package(*given, **named))
        try:
            return str(packaging.optimise(made))
        except packaging.Unfit:
            made.unlink()  # a plain deployment must not take it for one of its own that is ready
            raise


if __name__ == "__main__":
    deployer.LambdaDeploymentPackager = Packager
    sys.exit(main())  # it returns the exit code instead of exiting with it
