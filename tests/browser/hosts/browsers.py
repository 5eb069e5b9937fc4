"""A browser that is driven by puppeteer, so that one test runs in Chromium and in Firefox."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import npm
from tests.browser.conftest import SHELL, chromium

PACKAGES = Path(__file__).parents[1] / "npm"
FIREFOX = ("firefox-esr", "firefox")
# They name a person's browser, since a headless one is not counted.
AGENTS = {
    "chromium": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 Safari/537.36",
    "firefox": None,
}


def firefox() -> str:
    """Return the path of Firefox. Fails with the way to install it where there is none."""
    for name in FIREFOX:
        if path := shutil.which(name):
            return path
    pytest.fail("these tests need Firefox: apt-get install firefox-esr", pytrace=False)


class Failed(AssertionError):
    """The browser could not do what it was told."""


class Driven:
    """A browser with one tab, which each visitor opens anew."""

    def __init__(self, kind: str, root: Path) -> None:
        self.kind = kind
        path = chromium(SHELL) if kind == "chromium" else firefox()
        self._process = subprocess.Popen(
            ["node", str(Path(__file__).with_name("drive.mjs")), kind, path],
            env={**os.environ, "NODE_PATH": str(npm.installed(PACKAGES, root))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, command: str, **given: Any) -> Any:
        """Have the browser do something. Raises Failed."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"command": command, **given}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the driver ended"}')
        if "error" in answer:
            raise Failed(answer["error"])
        return answer["value"]

    def visit(self, url: str, before: str = "") -> None:
        """Open a page as somebody who was never here; `before` runs before its own scripts."""
        self.call("visit", agent=AGENTS[self.kind], before=before)
        self.call("goto", url=url)

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.call("evaluate", script=script)

    def until(self, script: str) -> None:
        """Wait until an expression in the page is true."""
        self.call("until", script=script)

    def click(self, selector: str) -> None:
        """Click on an element, once it is there."""
        self.call("click", selector=selector)

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, once it is there."""
        self.call("fill", selector=selector, text=text)

    @property
    def console(self) -> list[tuple[str, str]]:
        """What the page wrote to the console, and its uncaught errors: a kind and a text each."""
        return [(kind, text) for kind, text in self.call("told")]

    def close(self) -> None:
        """End the browser."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
