"""Virtual environments beside the project's own, each from a lock with hashes."""

import hashlib
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def made(folder: Path, python: str, lock: Path) -> Path:
    """Return the Python of an environment in `folder`, made anew if its lock has changed.

    `python` is the interpreter it is made with. Raises CalledProcessError.
    """
    of, digest = folder / "lock", hashlib.sha256(lock.read_bytes()).hexdigest()
    own = folder / "bin" / "python"
    if not of.is_file() or of.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(own), "-m", "local.install", str(lock)], cwd=ROOT, check=True)
        of.write_text(digest)
    return own
