"""The newer Pythons that a machine has are found, and what does not run is none."""

from pathlib import Path

from infra.runtime import LOCK, TERMS, name
from local import newer

LATER = sorted(each for each in TERMS if each > LOCK)


def program(file: Path, script: str) -> Path:
    """Write a program of the shell's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def test_the_newer_pythons_are_found(tmp_path: Path) -> None:
    path, pyenv = tmp_path / "bin", tmp_path / "pyenv"
    for version in (*LATER, LOCK, (3, 8), (4, 0)):
        program(path / f"python{name(version)}", f"echo {name(version)}")
    program(path / "python3", f"echo {name(LATER[0])}")
    assert list(newer.interpreters(str(path), pyenv)) == [
        (name(each), str(path / f"python{name(each)}")) for each in LATER
    ]


def test_what_does_not_run_is_none(tmp_path: Path) -> None:
    path, pyenv = tmp_path / "bin", tmp_path / "pyenv"
    assert list(newer.interpreters(str(path), pyenv)) == []
    first, other = map(name, LATER[:2])
    program(path / f"python{first}", "echo no such version >&2; exit 127")  # a shim of pyenv's
    program(path / f"python{other}", f"echo {name(LOCK)}")  # another Python by that name
    assert list(newer.interpreters(str(path), pyenv)) == []
    real = program(pyenv / "versions" / f"{first}.4" / "bin" / f"python{first}", f"echo {first}")
    assert list(newer.interpreters(str(path), pyenv)) == [(first, str(real))]
