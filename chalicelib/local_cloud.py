"""Chalice's own server and test client on this machine, served by the cloud that `make run` runs.

Both know what `.chalice/config.json` says of a stage, but no table, secret or endpoint: `make run`
publishes those.
Nothing here is imported on Lambda.
"""

import json
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib import aws, settings
from chalicelib.errors import NotRunning

_ROOT = Path(__file__).parent.parent
_RUN = _ROOT / ".local" / "run.json"
_CODE = ("app.py", "chalicelib", ".chalice")
_ONLY_LOCAL = "only the local stage is served on this machine"
_NOT_RUNNING = "`make run` is not running"
_joining = threading.Lock()
_joined: Mapping[str, str] = {}


def serves(context: Any) -> bool:
    """Whether an invocation comes from Chalice's own server or test client."""
    return type(context).__module__ == "chalice.local"


def join() -> None:
    """Take missing settings and every AWS service from the cloud that runs. Raises NotRunning.

    `make run` may end, start again or move to other ports meanwhile: each request looks.
    """
    global _joined
    if settings.stage_of_environment() != "local":
        raise NotRunning(_ONLY_LOCAL)
    environment = _published()
    _reach(environment["AWS_ENDPOINT_URL"])
    with _joining:
        if environment != _joined:
            settings.complete(environment)
            aws.connect_to(
                endpoint_url=environment["AWS_ENDPOINT_URL"],
                region_name=environment["AWS_REGION"],
                aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            )
            _forget()
            _joined = environment


def follow(event: Any, react: Callable[[Any], Any]) -> Any:
    """Chalice's middleware of whatever is not HTTP. Raises NotRunning."""
    if serves(event.context):
        join()
    return react(event)


def watch_the_code_only() -> None:
    """Have `chalice local` start anew after edits of the code, and not after each line of a log.

    It looks at every file of the project's folder, `.local` included, and has no setting for that.
    """
    watching = sys.modules.get("chalice.cli.filewatch.stat")
    if watching:
        watching.StatFileWatcher._single_pass_poll = _look


def _published() -> dict[str, str]:
    try:
        environment: dict[str, str] = json.loads(_RUN.read_text())["environment"]
    except FileNotFoundError:
        raise NotRunning(_NOT_RUNNING) from None
    return environment


def _reach(endpoint: str) -> None:
    """Raise NotRunning unless the emulator answers: a killed run leaves its file behind."""
    address = urlsplit(endpoint)
    try:
        socket.create_connection((str(address.hostname), int(address.port or 80)), 1).close()
    except OSError:
        raise NotRunning(_NOT_RUNNING) from None


def _forget() -> None:
    """Drop what was made of other settings."""
    for name, module in list(sys.modules.items()):
        if name.startswith("chalicelib."):
            for each in list(vars(module).values()):
                if callable(each) and hasattr(each, "cache_clear"):
                    each.cache_clear()
            if hasattr(module, "forget"):
                module.forget()


def _look(watcher: Any, root: str, restart: Callable[[], None]) -> None:
    seen = {}
    for path in [each for name in _CODE for each in (_ROOT / name, *(_ROOT / name).rglob("*"))]:
        try:
            if path.is_file() and "__pycache__" not in path.parts:
                seen[path] = path.stat().st_mtime_ns
        except OSError:
            continue  # an editor is just replacing it
    if watcher.__dict__.setdefault("code_seen", seen) != seen:
        restart()
