"""The parent's side of the process that runs our functions (`local.lambdas`)."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import ports
from local.emulator import inherited, tail


class HandlersFailed(RuntimeError):
    """The functions did not come up; the text has the end of their log."""


@dataclass(frozen=True)
class Loaded:
    """The report of a generation, a process that has loaded one version of the code."""

    generation: int  # counted from 1
    seconds: float  # from the fork to the report
    broken: str | None  # the traceback, if the code cannot be loaded
    surface: tuple[str, ...]  # routes and triggers


class Handlers:
    """The functions' process and the socket it answers on."""

    def __init__(
        self, root: Path, log: Path, port: int, *, watch: bool, on_load: Callable[[Loaded], None]
    ) -> None:
        self.root, self.log, self.watch = root, log, watch
        self._on_load = on_load
        self._listener = ports.listen(port, "handler process")
        self.port = int(self._listener.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None
        self._environment: Mapping[str, str] = {}
        self._first: threading.Event = threading.Event()
        self._latest: Loaded | None = None

    def prepare(self) -> None:
        """Start the process; it loads third-party packages and waits for `serve`."""
        receive, send = os.pipe()
        spec = {
            "root": str(self.root),
            "listener": self._listener.fileno(),
            "reports": send,
            "watch": self.watch,
            "workers": 4,
        }
        mode = "ab" if self._environment else "wb"  # only a first start empties the log
        with self.log.open(mode) as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.lambdas", json.dumps(spec)],
                cwd=Path(__file__).parent.parent,
                env={**inherited(), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,  # carries environments; when it ends, so does the process
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._listener.fileno(), send),
                start_new_session=True,
            )
        os.close(send)
        self._first = threading.Event()
        threading.Thread(target=self._listen, args=(receive, self._first), daemon=True).start()

    def serve(self, environment: Mapping[str, str]) -> None:
        """Run the functions with an environment, in place of an earlier one."""
        self._environment = environment
        if self.process and self.process.stdin:
            self.process.stdin.write(json.dumps(dict(environment)).encode() + b"\n")
            self.process.stdin.flush()

    def wait(self, seconds: float = 60) -> Loaded:
        """Wait for the first report and return the latest one. Raises HandlersFailed."""
        if not self._first.wait(seconds) or not self._latest:
            raise HandlersFailed(
                f"the functions did not start; the end of {self.log}:\n{tail(self.log)}"
            )
        return self._latest

    def kill(self) -> None:
        """Kill the process and its workers (SIGKILL), as a crash would; refuse invocations."""
        process, self.process = self.process, None  # first: an end without it counts as a failure
        if process:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdin:
                process.stdin.close()
        self._listener.close()

    def revive(self) -> None:
        """Start again after `kill`, on the same port and with the same environment."""
        self._listener = ports.listen(self.port, "handler process")
        self.prepare()
        self.serve(self._environment)
        self.wait()

    def stop(self) -> None:
        """End the process; its workers finish their current invocations."""
        if self.process and self.process.stdin:
            self.process.stdin.close()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
        self._listener.close()

    def _listen(self, receive: int, first: threading.Event) -> None:
        with os.fdopen(receive, "rb") as reports:
            for line in reports:
                report: dict[str, Any] = json.loads(line)
                self._latest = Loaded(
                    report["generation"],
                    report["seconds"],
                    report["broken"],
                    tuple(report["surface"]),
                )
                first.set()
                self._on_load(self._latest)
        first.set()  # the process has ended: `wait` must not wait longer
