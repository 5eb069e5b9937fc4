"""What a run has made on a stage, on disk before it is made, so that all of it can go again.

After a failure, Ctrl-C or a kill the next run finds in the journal what is left, and ends it.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Made = dict[str, str]  # `kind`, and what its end has to know
End = Callable[[Made], None]


class Journal:
    """The things that are not ended yet. `ends` has the function that ends a thing of each kind.

    Ending is idempotent: a thing that was never made, or has gone, is ended, too.
    """

    def __init__(self, path: Path, ends: Mapping[str, End]) -> None:
        self._path, self._ends = path, ends
        self.made: list[Made] = self._read()

    @contextmanager
    def made_here(self, kind: str, **what: str) -> Iterator[None]:
        """Write a thing down before it is made, and end it on the way out, whatever happens.

        Ctrl-C does not interrupt its end.
        """
        thing = {"kind": kind, **what}
        if thing not in self.made:
            self.made.append(thing)
        self._write()
        try:
            yield
        finally:
            with uninterrupted():
                self._end(thing)

    def end_all(self) -> int:
        """End what earlier runs have left, the latest first; return how much that was."""
        left = list(reversed(self.made))
        for thing in left:
            with uninterrupted():
                self._end(thing)
        return len(left)

    def _end(self, thing: Made) -> None:
        self._ends[thing["kind"]](thing)
        self.made.remove(thing)
        self._write()

    def _read(self) -> list[Made]:
        try:
            found: Any = json.loads(self._path.read_text())
        except FileNotFoundError:
            return []
        return [dict(each) for each in found]

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(self.made, indent=2) + "\n")
        os.replace(draft, self._path)
        if not self.made:
            self._path.unlink()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while entered; one that came takes effect at the end."""
    came: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)

    def hold(number: int, _frame: object) -> None:
        came.append(number)

    try:
        before = {each: signal.signal(each, hold) for each in signals}
    except ValueError:  # not the main thread, which alone gets signals
        yield
        return
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        if came:
            signal.raise_signal(came[0])
