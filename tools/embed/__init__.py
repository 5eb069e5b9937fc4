"""`python -m tools.embed`: builds the snippet's one file from its modules. It needs npm."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SOURCES = ROOT / "chalicelib" / "web" / "embed"
BUILT = ROOT / "chalicelib" / "web" / "built"


def build(modules: Path, target: Path) -> None:
    """Build `embed.js` and `words.json` into a folder, with the npm packages in `modules`."""
    command = ["node", str(Path(__file__).with_name("build.mjs")), str(SOURCES), str(target)]
    subprocess.run(command, env={**os.environ, "NODE_PATH": str(modules)}, check=True)  # noqa: S603
