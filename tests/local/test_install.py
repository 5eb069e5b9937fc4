"""The first `make run` installs what is locked, and says how far it is."""

import base64
import hashlib
import os
import pty
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

COUNT = 8


class Fresh:
    """A virtual environment, packages to install into it, and the lock that names them."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.lock = folder, folder / "requirements.txt"
        (folder / "local").mkdir()
        for name in ("__init__.py", "install.py"):
            shutil.copy(root / "local" / name, folder / "local")
        venv.create(folder / "venv", with_pip=True)
        self.python = folder / "venv" / "bin" / "python"
        pins = [
            f"{each.name.partition('-')[0]}==1.0 --hash=sha256:{_sha256(each)}"
            for each in (_wheel(folder, f"tiny{number}") for number in range(COUNT))
        ]
        elsewhere = f"other==1.0 ; sys_platform == 'cp/m' --hash=sha256:{'0' * 64}"
        self.lock.write_text("\n".join([*pins, elsewhere]) + "\n")

    def environment(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        return {
            **given,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
            "PIP_CONFIG_FILE": os.devnull,
        }

    def install(self, lock: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-m", "local.install", str(lock or self.lock)],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def install_at_a_terminal(self) -> str:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [self.python, "-m", "local.install", str(self.lock)],
            cwd=self.folder,
            env=self.environment(),
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        said = b""
        try:
            while part := os.read(ours, 4096):
                said += part
        except OSError:
            pass  # its end, on Linux
        os.close(ours)
        assert process.wait(timeout=30) == 0
        return said.decode()


def _wheel(folder: Path, name: str) -> Path:
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    made = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as packed:
        for path, text in files.items():
            packed.writestr(path, text)
    return made


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


pytestmark = pytest.mark.soak  # an environment is set up anew


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Fresh:
    return Fresh(tmp_path_factory.mktemp("install"), root)


@pytest.fixture
def fresh(made: Fresh, slow: None) -> Fresh:
    """Nothing of the lock is installed."""
    for each in made.folder.glob("venv/lib/python*/site-packages/tiny*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return made


def test_a_log_gets_a_few_lines(fresh: Fresh) -> None:
    done = fresh.install()
    assert done.returncode == 0, done.stderr
    fetched = [f"  fetched {each} of {COUNT} packages" for each in (2, 4, 6, 8)]
    lines = done.stdout.splitlines()
    assert lines[:4] == fetched
    assert f"  installed {COUNT} of {COUNT} packages" in lines
    assert lines[-1].startswith("  ready after ")
    assert len(lines) <= 9
    subprocess.run([fresh.python, "-c", "import tiny0, tiny7"], check=True)
    assert fresh.install().returncode == 0  # again: all is there


def test_a_terminal_gets_one_line(fresh: Fresh) -> None:
    said = fresh.install_at_a_terminal()
    shown = re.sub(r"[^\n]*\r\x1b\[K", "", said.replace("\r\n", "\n")).splitlines()
    assert [re.sub(r"\d+ s$", "… s", line) for line in shown] == [
        f"  installed {COUNT} of {COUNT} packages",
        "  ready after … s",
    ]
    assert all(f"fetched {each} of {COUNT}" in said for each in range(1, COUNT + 1))


def test_what_pip_refuses_is_told(fresh: Fresh) -> None:
    wrong = fresh.folder / "wrong.txt"
    wrong.write_text(re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", fresh.lock.read_text()))
    done = fresh.install(wrong)
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert "ready" not in done.stdout
    assert len(done.stderr.splitlines()) <= 15


def test_python_runs_it_without_a_package() -> None:
    bare = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('local/install.py')"],
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert bare.returncode == 0, bare.stderr
