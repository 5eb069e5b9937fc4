"""`python -m ops import`: the import of another system's subscribers with proof of consent."""

import getpass
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib import aws, instants, log
from chalicelib.cells import Table
from chalicelib.errors import Conflict
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Signup
from chalicelib.texts import N_
from ops import rows
from ops.files import whole
from ops.rows import Cells, Row
from ops.stage import OnStage
from ops.words import _

_AT_ONCE = 8  # rows written at the same time, as most of the time is spent waiting for the table
_BATCH = 64  # rows held in memory
_SHOWN = 20  # refused rows printed on the terminal; the file lists all of them
REFUSED_COLUMNS = (
    "line",
    "reason",
    "email",
    "language",
    "topics",
    "consent_version",
    "consent_sha256",
    "confirmed_at",
    "source_address",
    "page",
    "proof_note",
)
_BECAUSE = {
    "confirmed": N_("is subscribed here already"),
    "erased": N_("was erased here: only the person can come back, by signing up"),
    "complained": N_("complained about our mail"),
    "refused": N_("told us that they did not sign up"),
    "unsubscribed": N_("unsubscribed here"),
    "bounced": N_("mail to it came back"),
}


@dataclass(frozen=True)
class Ready:
    """A row that can be imported as far as the file alone shows."""

    cells: Cells
    row: Row
    key: str


@dataclass(frozen=True)
class Outcome:
    """The outcome of a row: `imported`, `done before`, or `refused` with a reason."""

    cells: Cells
    kind: str
    reason: str = ""


@dataclass
class Import:
    """One run over one file.

    Memory grows by some hundred bytes for each different address, and not with the rows.
    """

    source: str  # SHA-256 of the file
    dry: bool
    now: datetime
    seen: dict[bytes, int] = field(
        default_factory=dict
    )  # the line of each key, to find doubled addresses
    told: set[str] = field(default_factory=set)  # hashes of the declarations whose texts are kept

    def outcomes(self, read: Iterable[Cells]) -> Iterator[Outcome]:
        """Import the rows and yield the outcome of each, in their order. Raises Unavailable."""
        given = iter(read)
        aws.client("dynamodb")  # threads may share boto3's clients, but not make them
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while batch := [self._prepared(cells) for cells in islice(given, _BATCH)]:
                yield from pool.map(self._settled, batch)

    def _prepared(self, cells: Cells) -> Ready | Outcome:
        row = rows.check(cells, self.now)
        if isinstance(row, str):
            return Outcome(cells, "refused", row)
        key = key_of(row.email)
        first = self.seen.setdefault(key.encode(), cells.line)
        if first != cells.line:
            reason = _("the address stands in line %(line)s already", line=first)
            return Outcome(cells, "refused", reason)
        reason = self._declaration(row)
        return Outcome(cells, "refused", reason) if reason else Ready(cells, row, key)

    def _declaration(self, row: Row) -> str:
        """Return why the row's declaration proves nothing, empty if its text is known.

        A text that is new, and stands in the row, is kept, except in a dry run.
        """
        if row.consent_version in service.wordings.all:
            ours = service.wordings.all[row.consent_version].sha256 == row.wording
            return (
                ""
                if ours
                else _(
                    "consent_version %(version)s is one of ours, which reads otherwise",
                    version=row.consent_version,
                )
            )
        if row.wording not in self.told:
            if row.consent_text:
                if not self.dry:
                    service.keep_wording(row.wording, row.consent_text)
            elif not service.knows_wording(row.wording):
                return _(
                    "the text of consent_sha256 is not known: give it as consent_text in an "
                    "earlier row"
                )
            self.told.add(row.wording)
        return ""

    def _settled(self, given: Ready | Outcome) -> Outcome:
        return given if isinstance(given, Outcome) else self._imported(given)

    def _imported(self, ready: Ready) -> Outcome:
        row, key = ready.row, ready.key
        agreed = Signup(key, row.email, row.language, row.topics, row.consent_version)
        source = {"source_file": self.source, "source_line": str(ready.cells.line)}
        how = How(_content(row), _personal(row))
        try:
            new = service.take_over(agreed, row.confirmed_at, how, source, self.now, self.dry)
        except Conflict as conflict:
            return Outcome(ready.cells, "refused", _(_BECAUSE[conflict.state]))
        return Outcome(ready.cells, "imported" if new else "done before")


def _content(row: Row) -> dict[str, str]:
    return {
        "consent": row.consent_version,
        "wording": row.wording,
        "topics": ",".join(row.topics),
        "language": row.language,
        "confirmed_at": instants.text(row.confirmed_at),
    }


def _personal(row: Row) -> dict[str, str]:
    return {
        "email": row.email,
        "caller": row.source_address,
        "page": row.page,
        "note": row.proof_note,
    }


@click.command(
    "import", cls=OnStage, short_help="Take over subscribers with their proof of consent."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Says exactly what would happen, and writes nothing.")
def import_(file: Path, dry_run: bool) -> None:
    """Take over the subscribers in FILE, a CSV file, with the proof of their consent.

    No mail is sent.

    \b
    Columns, UTF-8, by comma or semicolon:
      email            the address
      language         one that the company speaks, such as de
      topics           the company's, by id; several by a comma (quote the cell) or a space
      consent_version  what the other system called the declaration
      consent_text     its exact text; it is kept, and shown in the proof
      consent_sha256   instead, where an earlier row or an earlier import had the text
      confirmed_at     when the person confirmed: 2024-05-31T12:00:00+02:00
      source_address   the IP address from which they did
      page             optional: the page of the form
      proof_note       optional: where the old proof lies, up to 500 characters

    A row without proof is refused, as are invalid and doubled addresses, and those that are
    subscribed, erased, unsubscribed, bounced, or have complained or refused here. Refused rows are
    listed in FILE.refused.csv, for reading only: correct them in FILE and run the command again, on
    the same stage. Rows that are done are skipped, also after an interruption.
    """  # noqa: D301  # click reads the control character, not a backslash
    run = Import(rows.digest(file), dry_run, instants.now())
    counts: Counter[str] = Counter()
    listing = file.with_name(f"{file.name}.refused.csv")
    with ExitStack() as stack:
        table = None if dry_run else Table(stack.enter_context(whole(listing)), REFUSED_COLUMNS)
        bar = stack.enter_context(
            tqdm(total=file.stat().st_size, unit="B", unit_scale=True, disable=None, leave=False)
        )
        for outcome in run.outcomes(rows.read(file, bar.update)):
            counts[outcome.kind] += 1
            if outcome.kind == "refused":
                _refuse(outcome, table, told=dry_run or counts["refused"] <= _SHOWN)
    if not dry_run and not counts["refused"]:
        listing.unlink()
    _sum_up(run, counts, listing)


def _refuse(outcome: Outcome, table: Table | None, *, told: bool) -> None:
    if told:
        tqdm.write(_("line %(line)s: %(reason)s", line=outcome.cells.line, reason=outcome.reason))
    if table:
        cells = {**outcome.cells.named, "line": str(outcome.cells.line), "reason": outcome.reason}
        table.add(cells.get(column, "") for column in REFUSED_COLUMNS)


def _sum_up(run: Import, counts: Counter[str], listing: Path) -> None:
    if not run.dry:
        log.info(
            "newsletter.imported",
            source=run.source,
            by=getpass.getuser(),
            imported=counts["imported"],
            refused=counts["refused"],
        )
    if not run.dry and counts["refused"]:
        click.echo(_("refused rows: %(file)s", file=listing))
    told = {
        "imported": counts["imported"],
        "before": counts["done before"],
        "refused": counts["refused"],
    }
    if run.dry:
        click.echo(
            _("%(imported)s would be imported, %(before)s done before, %(refused)s refused", **told)
        )
        click.echo(_("dry run: nothing was written"))
    else:
        click.echo(_("%(imported)s imported, %(before)s done before, %(refused)s refused", **told))
