"""`python -m local.install FILE`: pip with its progress in a few lines, on a terminal in one.

It runs before anything is installed, so it needs the standard library only.
"""

import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path
from typing import TextIO

_PINNED = re.compile(r"^[\w.\[\]-]+==", re.M)
_FETCHED = ("Collecting ", "Processing ", "Requirement already satisfied: ")
_LOOK = 0.2  # seconds between two looks at what is installed
_TOLD = 4  # lines for each phase where nobody watches


class Progress:
    """One line that is written again and again on a terminal, a line for each quarter elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._live = out, out.isatty()
        self._said = ""

    def show(self, verb: str, done: int, total: int) -> None:
        """Say how many packages are done."""
        if not self._live:
            quarter = done * _TOLD // max(total, 1)
            done = -(-quarter * total // _TOLD)  # the number with which the quarter is reached
        text = f"  {verb} {done} of {total} packages"
        if text != self._said and (self._live or done):
            self._said = text
            self._out.write(f"\r\033[K{text}" if self._live else f"{text}\n")
            self._out.flush()

    def end(self) -> None:
        """Leave the line to what follows."""
        if self._live and self._said:
            self._out.write("\n")
            self._out.flush()


def main(file: str) -> int:
    """Install what the file pins, with hashes; pip's own exit code."""
    began = time.monotonic()
    total = len(_PINNED.findall(Path(file).read_text()))
    progress = Progress(sys.stdout)
    before = _installed()
    pip = _pip(file)
    assert pip.stdout  # noqa: S101  # mypy does not know that a pipe is there
    said, fetched, watcher, over = [], 0, None, threading.Event()
    for line in pip.stdout:
        said.append(line)
        if line.startswith("Ignoring "):  # it is for another system
            total -= 1
        elif line.startswith(_FETCHED):
            fetched += 1
            progress.show("fetched", fetched, total)
        elif line.startswith("Installing collected packages: "):
            names = line.partition(": ")[2].split(",")
            watcher = threading.Thread(target=_watch, args=(before, len(names), progress, over))
            watcher.start()
    code = pip.wait()
    over.set()
    if watcher:
        watcher.join()
    progress.end()
    if code:
        print("".join(said[-15:]), file=sys.stderr, end="")
    else:
        print(f"  ready after {time.monotonic() - began:.0f} s")
    return code


def _pip(file: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pip", "install", "--require-hashes", "-r", file]
    return subprocess.Popen(
        [*command, "--disable-pip-version-check", "--no-input", "--progress-bar", "off"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        text=True,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _watch(before: set[str], total: int, progress: Progress, over: threading.Event) -> None:
    """Tell how many packages are installed: pip says it only when all of them are."""
    while not over.wait(_LOOK):
        progress.show("installed", min(len(_installed() - before), total), total)
    progress.show("installed", min(len(_installed() - before), total), total)


def _installed() -> set[str]:
    return {each.name for each in Path(sysconfig.get_path("purelib")).glob("*.dist-info")}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
