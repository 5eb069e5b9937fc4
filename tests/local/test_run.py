"""`make run` from start to end: addresses, a taken port, an edit, Ctrl-C and a second start."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.people import Login
from tests.auth.hosted import Visitor
from tests.scale import some


class Runner:
    """A copy of the project in a folder of its own, so that the user's own state is untouched."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.port = folder, _free_base()
        for name in (
            "app.py",
            "chalicelib",
            ".chalice",
            "infra",
            "local",
            "demo",
            "requirements.txt",
        ):
            source = root / name
            copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, folder / name)
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start it, and return the seconds from the command to the first answer."""
        began = time.monotonic()
        self.process = self.command()
        answered = eventually(lambda: self.get("/health", None))
        assert answered is not None
        return time.monotonic() - began

    def command(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "local", "--port", str(self.port)],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self, sign: int = signal.SIGINT) -> tuple[int, str]:
        """End it, and return its exit code and everything that it printed."""
        assert self.process
        self.process.send_signal(sign)
        said, errors = self.process.communicate(timeout=30)
        code, self.process = self.process.returncode, None
        return code, said + errors

    def run_file(self) -> Path:
        return self.folder / ".local" / "run.json"

    def get(self, path: str, default: Any = ...) -> Any:
        """Return the JSON of a GET, or the default where the request fails."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return json.loads(answer.read())
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if default is ...:
                raise
            return default

    def post(self, path: str, body: Any) -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            json.dumps(body).encode(),
            {"content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)

    def messages(self) -> list[Any]:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port + 2}/messages", timeout=10
        ) as answer:
            found: list[Any] = json.loads(answer.read())["messages"]
            return found

    def children(self) -> list[str]:
        """Return the command lines of the processes that run in the folder."""
        found = []
        for each in Path("/proc").iterdir():
            try:
                if each.name.isdigit() and Path(os.readlink(each / "cwd")).is_relative_to(
                    self.folder
                ):
                    found.append((each / "cmdline").read_text().replace("\0", " "))
            except OSError:
                # The process has ended since, or belongs to somebody else.
                continue
        return found


def eventually(look: Callable[[], Any], seconds: float = 30) -> Any:
    """Call `look` until it finds something, for a bounded time. Return None if it finds nothing."""
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        found = look()
        if found is not None and found is not False:
            return found
        pause.wait(0.02)
    return None


def _free_base() -> int:
    """Return the first of five free ports in a row."""
    for base in range(18300, 28300, 10):
        try:
            for port in range(base, base + 5):
                with socket.socket() as tried:
                    tried.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise AssertionError("no free ports")


@pytest.fixture
def runner(tmp_path: Path, root: Path) -> Iterator[Runner]:
    made = Runner(tmp_path, root)
    yield made
    if made.process:
        made.process.kill()
        made.process.communicate()


@pytest.mark.soak
def test_a_day_with_make_run(runner: Runner) -> None:
    first = runner.start()
    addresses = eventually(
        lambda: json.loads(runner.run_file().read_text()) if runner.run_file().exists() else None
    )
    base = runner.port
    environment = addresses.pop("environment")
    assert environment["AWS_ENDPOINT_URL"] == addresses["aws"]
    assert environment["STAGE"] == "local"
    assert addresses == {
        "site": f"http://127.0.0.1:{base + 1}",
        "mailbox": f"http://127.0.0.1:{base + 2}",
        "api": f"http://127.0.0.1:{base}",
        "contract": f"http://127.0.0.1:{base + 1}/contract",
        "staff": f"http://127.0.0.1:{base}/staff",
        "aws": f"http://127.0.0.1:{base + 3}",
    }
    for page in (addresses["site"], addresses["mailbox"], addresses["contract"]):
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert "text/html" in answer.headers["content-type"]

    # A second start finds the port taken, names it and does no harm.
    second_run = runner.command()
    _, complaint = second_run.communicate(timeout=30)
    assert second_run.returncode == 1
    assert str(base) in complaint
    assert "Traceback" not in complaint
    assert runner.run_file().exists()

    assert (
        runner.post(
            "/newsletter/signups", {"email": "kept@example.org", "consent": "newsletter-de-1"}
        )
        == 202
    )
    assert eventually(
        lambda: [each for each in runner.messages() if "kept@example.org" in each["to"]] or None
    )

    # An edit is served without a restart, and no data is lost.
    package = runner.folder / "chalicelib" / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "edited-'))
    edited = time.monotonic()
    assert eventually(lambda: runner.get("/health", {}).get("version", "").startswith("edited-"))
    served = time.monotonic() - edited

    # After a mistake nothing is served; the next edit mends it.
    text = package.read_text()
    package.write_text(text + "\nthis is no Python\n")
    assert eventually(lambda: runner.get("/health", None) is None)
    package.write_text(text)
    assert eventually(lambda: runner.get("/health", None))

    code, said = runner.end()
    assert code == 0
    for address in (addresses[name] for name in ("site", "mailbox", "api", "contract")):
        assert address in said
    people = [
        Login(**each) for each in json.loads((runner.folder / ".local" / "people.json").read_text())
    ]
    assert [each.role for each in people] == ["agent", "supervisor"]
    for person in people:
        assert f"{person.email} " in said
        assert f" {person.password} " in said
    assert not runner.run_file().exists()
    assert runner.children() == []

    again = runner.start()
    # The passwords of the first start are still valid.
    for person in people:
        assert person.name in Visitor().open(addresses["staff"]).sign_in(person).text
    assert [each for each in runner.messages() if "kept@example.org" in each["to"]]
    # The signup is still pending, so a second one within ten minutes brings no mail.
    assert (
        runner.post(
            "/newsletter/signups", {"email": "kept@example.org", "consent": "newsletter-de-1"}
        )
        == 202
    )
    assert (
        runner.post(
            "/newsletter/signups", {"email": "new@example.org", "consent": "newsletter-de-1"}
        )
        == 202
    )
    assert eventually(
        lambda: [each for each in runner.messages() if "new@example.org" in each["to"]] or None
    )
    assert len([each for each in runner.messages() if "kept@example.org" in each["to"]]) == 1
    assert runner.end(signal.SIGTERM)[0] == 0
    starts = f"first start {first:.1f} s · second start {again:.1f} s"
    print(f"\n{starts} · edit served after {served:.2f} s")


@pytest.mark.soak
def test_killed_it_leaves_no_process_behind(runner: Runner) -> None:
    runner.start()
    assert runner.process
    runner.process.kill()
    runner.process.communicate(timeout=30)
    runner.process = None
    assert eventually(lambda: runner.children() == [])
    runner.start()
    assert runner.end()[0] == 0


def test_a_setting_of_the_line_that_cannot_be_read_is_named_and_nothing_starts(
    runner: Runner,
) -> None:
    config = runner.folder / ".chalice" / "config.json"
    whole = json.loads(config.read_text())
    whole["stages"]["local"]["environment_variables"] |= {
        "TIME_ZONE": "Berlin",
        "HOTLINE_HOURS": "Mon-Fri 09:00",
    }
    config.write_text(json.dumps(whole))
    process = runner.command()
    said, errors = process.communicate(timeout=30)
    assert (process.returncode, said) == (1, "")
    assert errors.splitlines() == [
        "",
        "TIME_ZONE: 'Berlin' is no time zone such as Europe/Berlin",
        "HOTLINE_HOURS: 'Mon-Fri 09:00': '09:00' is no span such as 09:00-17:00, and not `closed`",
    ]


def test_a_taken_port_is_named_with_the_part_that_wanted_it(runner: Runner) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", runner.port + 1))
        other.listen()
        refused = runner.command()
        _, complaint = refused.communicate(timeout=30)
    assert refused.returncode == 1
    (line,) = filter(None, complaint.splitlines())
    assert str(runner.port + 1) in line
    assert "site" in line
    assert runner.children() == []


@pytest.mark.parametrize(
    "port", some(["70000", "65532", "0", "-1", "abc", "8300 8400", "9" * 5000], ["65532", "abc"])
)
def test_what_is_no_port_is_told_in_one_line(runner: Runner, port: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "local", f"--port={port}"],
        cwd=runner.folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 2
    assert refused.stdout == ""
    (line,) = refused.stderr.splitlines()
    assert "from 1 to 65531" in line
    assert not (runner.folder / ".local").exists()
