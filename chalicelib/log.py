"""Log lines: one JSON object each, with ids only, never an address, a number or a token."""

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Of the invocation: Lambda runs one at a time in a process, Chalice's own server one in a thread.
_ids: ContextVar[Mapping[str, str]] = ContextVar("_ids", default={})  # noqa: B039  # never changed


def identify(**ids: str) -> None:
    """Put these ids of the current invocation into each line from now on, as AWS's own lines do."""
    _ids.set(ids)


def follow(event: Any, react: Callable[[Any], Any]) -> Any:
    """Call `react` with Lambda's request id in its lines: Chalice's middleware of the triggers."""
    identify(request_id=event.context.aws_request_id)
    return react(event)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")


_out: Callable[[str], object] = _print


@contextmanager
def written_to(out: Callable[[str], object]) -> Iterator[None]:
    """Send each line to `out` inside this context, without ids.

    It is for use outside Lambda, where nobody collects what is printed.
    """
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
    """Log something worth counting."""
    _write("INFO", event, **values)


def warning(event: str, **values: object) -> None:
    """Log something that needs attention; an alarm counts these lines."""
    _write("WARNING", event, **values)


FIRST, EACH = 10, 10  # attempts of a kind that have a line each; then, which ones have one
_attempts: dict[str, int] = {}


def attempt(kind: str, **values: object) -> None:
    """Log in samples that somebody tried what is refused, such as a forged link.

    The first ten of a kind in this process have a line each. Then each tenth has one, whose
    `count` stands for ten: a flood fills no log, and the sum of the counts is what a metric says.
    """
    tried = _attempts[kind] = _attempts.get(kind, 0) + 1
    if tried <= FIRST or tried % EACH == 0:
        warning(f"attempt.{kind}", count=1 if tried <= FIRST else EACH, **values)


def forget() -> None:
    """Forget how many attempts this process has seen."""
    _attempts.clear()


def exception(event: str, **values: object) -> None:
    """Log the exception being handled: its type and place.

    Its text is left out, because it might quote personal data.
    """
    kind, _, trace = sys.exc_info()
    place = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-6:]
    ]
    _write("ERROR", event, error=kind.__name__ if kind else "", place=place, **values)
