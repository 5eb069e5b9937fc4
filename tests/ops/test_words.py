"""The commands speak the language of the terminal, English where it names none of the company's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops import words


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de"}, "de"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "de_AT"}, "de"),
        ({"LC_ALL": "en_GB.UTF-8", "LC_MESSAGES": "de_AT"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LANGUAGE": "fr:de:en"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "en:de"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fr"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "C", "LANGUAGE": "de"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "POSIX"}, "en"),
    ],
)
def test_the_language_of_a_terminal(
    environment: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, environment.get(name, ""))
    assert words.language() == language


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("de_DE.UTF-8", "Error: Die lokale Cloud läuft nicht: Starten Sie sie mit `make run`"),
        ("C.UTF-8", "Error: the local cloud is not running: start it by `make run`"),
    ],
)
def test_a_command_speaks_it(root: Path, tmp_path: Path, locale: str, told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "--run", tmp_path / "run.json", "growth"],
        cwd=root,
        env={**os.environ, "LANGUAGE": "", "LC_ALL": "", "LC_MESSAGES": "", "LANG": locale},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(told)
