"""Log lines: one JSON object each, with ids only, never an address, a number or a token."""

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Of the invocation: Lambda has one at a time in a process, Chalice's own server one in each thread.
_ids: ContextVar[Mapping[str, str]] = ContextVar("_ids", default={})  # noqa: B039  # never changed


def identify(**ids: str) -> None:
    """The invocation that begins: each line carries these ids from now on, as AWS's own lines of it do."""
    _ids.set(ids)


def follow(event: Any, react: Callable[[Any], Any]) -> Any:
    """Chalice's middleware of whatever is not HTTP: `react`, its lines with Lambda's request id."""
    identify(request_id=event.context.aws_request_id)
    return react(event)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


_out: Callable[[str], object] = _print


@contextmanager
def written_to(out: Callable[[str], object]) -> Iterator[None]:
    """Has `out` take each line meanwhile: outside Lambda nobody collects what is printed, and no ids belong to it."""
    global _out
    before, _out = _out, out
    _ids.set({})
    try:
        yield
    finally:
        _out = before


def _write(level: str, event: str, **values: object) -> None:
    _out(json.dumps({"level": level, "event": event, **values, **_ids.get()}, default=str))


def info(event: str, **values: object) -> None:
    """Something worth counting happened."""
    _write("INFO", event, **values)


def warning(event: str, **values: object) -> None:
    """Something wants watching; an alarm counts these."""
    _write("WARNING", event, **values)


def exception(event: str, **values: object) -> None:
    """The exception being handled: its type and place, not its text, which might quote somebody's data."""
    kind, _, trace = sys.exc_info()
    place = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-6:]
    ]
    _write("ERROR", event, error=kind.__name__ if kind else "", place=place, **values)
