"""`python -m local.lambdas SPEC`: the process that runs our functions, as Lambda would.

    this process     loads third-party packages, but no project code; forks the generations
    └─ generation    imports app.py, one version of the code; forks workers, replaces one that dies
       └─ worker     answers one invocation after the other from the socket that all share

`local.handlers` starts it. An edit costs one fork and the import of our own files. Invocations that
come meanwhile go to the old generation or wait in the socket's queue: none is refused. A generation
has a lifeline, a pipe whose other end this process holds. When it is closed, or this process ends,
each of the generation's workers ends after its current invocation.
"""

import importlib
import json
import os
import select
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import worker

# Loaded once for all generations; what is not installed is left out.
_PACKAGES = ("boto3", "chalice", "pydantic", "jinja2", "phonenumbers", "itsdangerous", "jwt")
_WATCHED = {".py", ".html", ".txt", ".js", ".json", ".css"}
_INTERVAL = 0.2  # seconds between two checks of the files


@dataclass
class _Generation:
    number: int
    lifeline: int  # our end of the pipe; closing it ends the generation
    report: int  # the pipe with its one report; -1 once that is read
    begun: float  # by the monotonic clock


class _Runner:
    def __init__(
        self, root: Path, listener: socket.socket, reports: int, watch: bool, workers: int
    ) -> None:
        self.root, self.listener, self.reports = root, listener, reports
        self.watch, self.workers = watch, workers
        self.environment: dict[str, str] = {}
        self.generations: list[_Generation] = []
        self.count = 0

    def run(self) -> None:
        """Serve until stdin ends; each line of it is an environment to start a generation with."""
        seen = self._files() if self.watch else {}
        while True:
            waiting = [0, *(each.report for each in self.generations if each.report >= 0)]
            for ready in select.select(waiting, (), (), _INTERVAL if self.watch else None)[0]:
                if ready == 0:
                    line = sys.stdin.buffer.readline()
                    if not line:
                        return
                    self.environment = json.loads(line)
                    self._begin()
                else:
                    self._report(next(each for each in self.generations if each.report == ready))
            if self.watch and self.environment and (files := self._files()) != seen:
                seen = files
                self._begin()
            while _reaped():
                pass

    def _begin(self) -> None:
        self.count += 1
        begun = time.monotonic()
        lifeline, our_lifeline = os.pipe()
        our_report, report = os.pipe()
        if os.fork():
            os.close(lifeline)
            os.close(report)
            self.generations.append(_Generation(self.count, our_lifeline, our_report, begun))
            return
        # A copy of the parent's ends would keep a generation alive after the parent has ended.
        lifelines = (each.lifeline for each in self.generations)
        for end in (0, our_lifeline, our_report, self.reports, *lifelines):
            os.close(end)
        _run_generation(self, lifeline, report)

    def _report(self, generation: _Generation) -> None:
        with os.fdopen(generation.report, "rb") as pipe:
            text = pipe.read()
        generation.report = -1
        report = (
            json.loads(text)
            if text
            else {"broken": "the process ended while it loaded app.py", "surface": []}
        )
        report["seconds"] = time.monotonic() - generation.begun
        report["generation"] = generation.number
        for old in [each for each in self.generations if each.number < generation.number]:
            os.close(old.lifeline)
            if old.report >= 0:
                os.close(old.report)
            self.generations.remove(old)
        os.write(self.reports, json.dumps(report).encode() + b"\n")

    def _files(self) -> dict[str, int]:
        found = {}
        for folder, folders, names in os.walk(self.root / "chalicelib"):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for name in names:
                if os.path.splitext(name)[1] in _WATCHED:
                    found[os.path.join(folder, name)] = 0
        found[str(self.root / "app.py")] = 0
        for path in found:
            try:
                found[path] = os.stat(path).st_mtime_ns
            except FileNotFoundError:
                continue  # an editor is just replacing it
        return found


def _run_generation(runner: _Runner, lifeline: int, report: int) -> None:
    """Load the code, report, and keep workers running until the lifeline ends. Never returns."""
    os.environ.update(runner.environment)
    sys.path.insert(0, str(runner.root))
    os.chdir(runner.root)
    # Bytecode would hide the second of two edits within a second: it is compared by mtime.
    sys.dont_write_bytecode = True
    functions, loaded = _load(runner.root)
    # Invocations wait in the socket's queue for the workers, so the report may come first.
    os.write(report, json.dumps(loaded).encode())
    os.close(report)
    for _ in range(runner.workers):
        _spawn(runner, functions, lifeline)
    ended = 0
    while ended < runner.workers:
        _, status = os.wait()
        if status == 0:  # its lifeline ended
            ended += 1
        else:
            print(f"a worker ended with status {status}; another takes its place", file=sys.stderr)
            _spawn(runner, functions, lifeline)
    os._exit(0)


def _spawn(runner: _Runner, functions: worker.Functions, lifeline: int) -> None:
    if os.fork() == 0:
        worker.serve(runner.listener, lifeline, functions)
        os._exit(0)


def _load(root: Path) -> tuple[worker.Functions, dict[str, Any]]:
    try:
        module = importlib.import_module("app")
        return worker.Functions(module, None), {"broken": None, "surface": _surface(module.app)}
    except BaseException as error:  # whatever an edit did, the runner must report it and go on
        text = _trace(error, root / "app.py")
        print(text, file=sys.stderr)
        return worker.Functions(None, text), {"broken": text, "surface": []}


def _trace(error: BaseException, start: Path) -> str:
    """Format the traceback from app.py on, without the importing code before it."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != str(start):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _surface(app: Any) -> list[str]:
    """Return the routes and triggers as sorted texts; a change of them needs a deployment."""
    routes = [f"{method} {path}" for path, methods in app.routes.items() for method in methods]
    triggers = [
        f"{type(each).__name__} {json.dumps(vars(each), default=_as_text)}"
        for each in app.event_sources
    ]
    return sorted(routes + triggers)


def _as_text(value: Any) -> str:
    return str(value.to_string())  # chalice's Rate and Cron


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def main(spec: dict[str, Any]) -> None:
    """Run the functions until stdin ends.

    `spec` has `root`, `listener` and `reports` (file descriptors), `watch` and `workers`.
    """
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            continue
    listener = socket.socket(fileno=spec["listener"])
    listener.setblocking(False)  # a connection wakes all workers, and one gets it
    _Runner(Path(spec["root"]), listener, spec["reports"], spec["watch"], spec["workers"]).run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
