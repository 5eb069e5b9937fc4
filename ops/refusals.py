"""The rows that a command refuses: told on the terminal, and listed in a file."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib.cells import Table
from ops.files import whole
from ops.tables import Cells
from ops.words import _

_SHOWN = 20  # refused rows printed on the terminal; the file lists all of them
_REASONS = 20  # reasons in the sum


@dataclass
class Refusals:
    """The refused rows of a run."""

    path: Path | None
    header: Sequence[str]
    table: Table | None
    always: bool  # whether the terminal has all of them
    reasons: Counter[str] = field(default_factory=Counter)

    @classmethod
    @contextmanager
    def listed(
        cls, path: Path | None, header: Sequence[str], *, always: bool
    ) -> Iterator["Refusals"]:
        """Yield the list of refused rows; it becomes a file at the end, unless there is none.

        The file has the line and the reason before the row's own cells. It is whole or not there.
        """
        if path is None:
            yield cls(None, header, None, always)
            return
        with whole(path) as draft:
            made = cls(path, header, Table(draft, ("line", "reason", *header)), always)
            yield made
        if not made.reasons:
            path.unlink()

    def add(self, cells: Cells, reason: str, kind: str) -> None:
        """Add a row; `kind` is the reason without what differs by row."""
        self.reasons[kind] += 1
        if self.always or self.reasons.total() <= _SHOWN:
            tqdm.write(_("line %(line)s: %(reason)s", line=cells.line, reason=reason))
        if self.table:
            own = (cells.named.get(name, "") for name in self.header)
            self.table.add((str(cells.line), reason, *own))

    def sum_up(self) -> None:
        """Print how many rows were refused for which reason, and where they are listed."""
        if self.reasons.total() > 1:
            for reason, count in self.reasons.most_common(_REASONS):
                click.echo(_("refused %(count)s ×: %(reason)s", count=count, reason=reason))
        if self.path and self.reasons:
            click.echo(_("refused rows: %(file)s", file=self.path))
