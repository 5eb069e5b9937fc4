"""The process that runs our functions, as Lambda would: `python -m local.lambdas SPEC`, started by `local.handlers`.

    this process     third-party packages loaded, project code never; forks a generation for each version of the code
    └─ generation    imports app.py once, forks the workers, replaces one that dies
       └─ worker     answers one invocation after the other from the listening socket all of them share

An edit costs one fork and the import of our own files. Invocations that come meanwhile go to the old generation,
or wait in the queue of the socket: none is refused. A lifeline, a pipe whose other end this process holds, ends a
generation's workers, each after the invocation it is at, and so does the end of this process.
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

# Loaded once for all generations; one that is not installed is not needed.
_PACKAGES = ("boto3", "chalice", "pydantic", "jinja2", "phonenumbers", "itsdangerous", "jwt")
_WATCHED = {".py", ".html", ".txt", ".js", ".json", ".css"}
_LOOK = 0.2  # seconds between two looks at the files


@dataclass
class _Generation:
    number: int
    lifeline: int  # closed to end it
    news: int  # its one report, then end of file
    begun: float


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
        """Serve until stdin ends; each line of it is an environment to start (again) with."""
        seen = self._files() if self.watch else {}
        while True:
            waiting = [0, *(each.news for each in self.generations if each.news >= 0)]
            for ready in select.select(waiting, (), (), _LOOK if self.watch else None)[0]:
                if ready == 0:
                    line = sys.stdin.buffer.readline()
                    if not line:
                        return
                    self.environment = json.loads(line)
                    self._begin()
                else:
                    self._report(next(each for each in self.generations if each.news == ready))
            if self.watch and self.environment and (files := self._files()) != seen:
                seen = files
                self._begin()
            while _reaped():
                pass

    def _begin(self) -> None:
        self.count += 1
        begun = time.monotonic()
        lifeline, held = os.pipe()
        news, tell = os.pipe()
        if os.fork():
            os.close(lifeline)
            os.close(tell)
            self.generations.append(_Generation(self.count, held, news, begun))
            return
        # A copy of an end that this process holds would keep a generation alive beyond it.
        for end in (0, held, news, self.reports, *(each.lifeline for each in self.generations)):
            os.close(end)
        _lead(self, lifeline, tell)

    def _report(self, generation: _Generation) -> None:
        with os.fdopen(generation.news, "rb") as news:
            said = news.read()
        generation.news = -1
        report = (
            json.loads(said)
            if said
            else {"broken": "the process ended while it loaded app.py", "surface": []}
        )
        report["seconds"] = time.monotonic() - generation.begun
        report["generation"] = generation.number
        for old in [each for each in self.generations if each.number < generation.number]:
            os.close(old.lifeline)
            if old.news >= 0:
                os.close(old.news)
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


def _lead(runner: _Runner, lifeline: int, tell: int) -> None:
    """The life of a generation; never returns."""
    os.environ.update(runner.environment)
    sys.path.insert(0, str(runner.root))
    os.chdir(runner.root)
    sys.dont_write_bytecode = (
        True  # a file edited twice within a second could pass for the one compiled first
    )
    functions, report = _load(runner.root)
    # Invocations wait in the socket's queue for the workers, so the report may come first.
    os.write(tell, json.dumps(report).encode())
    os.close(tell)
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
    except (
        BaseException
    ) as error:  # whatever the edit did, the runner lives on and says what is wrong
        text = _trace(error, root / "app.py")
        print(text, file=sys.stderr)
        return worker.Functions(None, text), {"broken": text, "surface": []}


def _trace(error: BaseException, start: Path) -> str:
    """The traceback from our own code on: how we came to import it tells nobody anything."""
    trace = error.__traceback__
    while trace and trace.tb_frame.f_code.co_filename != str(start):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def _surface(app: Any) -> list[str]:
    """What the gateway and the triggers know of the application; a change of it needs a deployment."""
    routes = [f"{method} {path}" for path, methods in app.routes.items() for method in methods]
    triggers = [
        f"{type(each).__name__} {json.dumps(vars(each), default=_words)}"
        for each in app.event_sources
    ]
    return sorted(routes + triggers)


def _words(value: Any) -> str:
    return str(value.to_string())  # chalice's Rate and Cron


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def main(spec: dict[str, Any]) -> None:
    """Run the functions as `spec` says: root, listener and reports (file descriptors), watch, workers."""
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError:
            continue
    listener = socket.socket(fileno=spec["listener"])
    listener.setblocking(False)  # all workers wake for a connection, one gets it
    _Runner(Path(spec["root"]), listener, spec["reports"], spec["watch"], spec["workers"]).run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
