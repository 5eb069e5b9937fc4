"""`python -m tools.embed`: the builder of the snippet's two files from its modules; needs npm."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "chalicelib" / "web" / "embed"
BUILT = ROOT / "chalicelib" / "web" / "built"


def build(modules: Path, target: Path) -> None:
    """Build both files and their words into `target`, with the npm packages in `modules`."""
    command = ["node", str(Path(__file__).with_name("build.mjs")), str(SOURCES), str(target)]
    subprocess.run(command, env={**os.environ, "NODE_PATH": str(modules)}, check=True)  # noqa: S603
