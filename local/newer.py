"""`python -m local.newer`: the fast tests on each newer Python that this machine has.

With `--newest` on the newest of them alone.

So that the next runtime of Lambda's is no surprise. Each version gets an environment of its own in
.local/newer, from the lock with its hashes, which is kept until the lock changes.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.runtime import LOCK, TERMS, name
from local import environments
from local.environments import ROOT

PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
NEWEST = "--newest"
_TESTS = ("-q", "-m", "not edge", "-p", "no:cacheprovider")


def interpreters(path: str | None = None, pyenv: Path = PYENV) -> Iterator[tuple[str, str]]:
    """Yield version and file of each newer Python that Lambda has, on the PATH or of pyenv's.

    One that does not run, as a shim of pyenv's for a version that is not chosen, is none.
    """
    for version in map(name, sorted(each for each in TERMS if each > LOCK)):
        on_path = shutil.which(f"python{version}", path=path)
        of_pyenv = sorted(pyenv.glob(f"versions/{version}*/bin/python{version}"))
        for file in ([on_path] if on_path else []) + [str(each) for each in of_pyenv]:
            if _says(file) == version:
                yield version, file
                break


def _says(file: str) -> str:
    """Return the version that a Python says it has, empty if it does not run."""
    asked = "import sys; print('{}.{}'.format(*sys.version_info))"
    done = subprocess.run([file, "-c", asked], capture_output=True, text=True, check=False)
    return "" if done.returncode else done.stdout.strip()


def main() -> int:
    """Run the fast tests on each, and say where they fail; 0 if nowhere."""
    found, failed = list(interpreters()), []
    if NEWEST in sys.argv[1:]:
        found = found[-1:]
    for version, file in found:
        print(f"Python {version}:", flush=True)
        try:
            folder = ROOT / ".local" / "newer" / version
            python = environments.made(folder, file, ROOT / "requirements-dev.txt")
            command = [str(python), "-m", "pytest", *_TESTS]
            if subprocess.run(command, cwd=ROOT, check=False).returncode:
                failed.append(version)
        except subprocess.CalledProcessError as error:
            print(f"the environment cannot be made: {error}")
            failed.append(version)
    wanted = ", ".join(name(each) for each in sorted(TERMS) if each > LOCK)
    if not found:
        print(f"there is no newer Python here ({wanted}): the tests run on {name(LOCK)} alone")
    for version in failed:
        print(f"the tests fail on Python {version}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
