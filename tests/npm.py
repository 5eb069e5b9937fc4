"""Tools from npm: locked packages, installed once for each lock and without their scripts."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path


def installed(locked: Path, root: Path) -> Path:
    """Install what the lock in a folder names, unless it is; return its `node_modules`."""
    lock = (locked / "package-lock.json").read_bytes()
    folder = root / ".local" / "npm" / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as place:
            draft = Path(place) / "draft"
            draft.mkdir()
            for name in ("package.json", "package-lock.json"):
                shutil.copy(locked / name, draft)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=draft, check=True, capture_output=True, timeout=300)
            try:
                os.rename(draft, folder)
            except OSError:
                assert folder.is_dir()  # another test run was faster
    return folder / "node_modules"
