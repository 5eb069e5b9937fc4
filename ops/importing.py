"""`python -m ops import`: the import of another system's subscribers with proof of consent."""

import getpass
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib import aws, instants, log
from chalicelib.errors import Conflict
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Signup
from chalicelib.texts import N_
from ops import mappings, rows, tables
from ops.mappings import Layout
from ops.refusals import Refusals
from ops.rows import Row, Withdrawal
from ops.stage import OnStage
from ops.tables import Cells, Table
from ops.words import _

_AT_ONCE = 8  # rows written at the same time, as most of the time is spent waiting for the table
_BATCH = 64  # rows held in memory
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
    """A row that can be taken as far as the file alone shows."""

    cells: Cells
    row: Row | Withdrawal
    key: str
    lacks: str = ""  # why it proves nothing: it is taken only as what is here already


@dataclass(frozen=True)
class Outcome:
    """The outcome of a row: `imported`, `withdrawn`, `done before`, or `refused` with a reason.

    `kind_of_reason` is the reason without what differs by row. `ended` says that a subscription
    here ended.
    """

    cells: Cells
    kind: str
    reason: str = ""
    kind_of_reason: str = ""
    ended: bool = False


@dataclass
class Import:
    """One run over one file.

    Memory grows by some hundred bytes for each different address, and not with the rows.
    """

    table: Table
    layout: Layout
    dry: bool
    now: datetime
    source: str = ""  # SHA-256 of the file
    # The lines of each key: of those to be imported, to find doubled addresses; of withdrawals,
    # which go first, wherever they stand.
    seen: dict[bytes, int] = field(default_factory=dict)
    left: dict[bytes, int] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)  # hashes of the declarations whose texts are kept

    def look(self, passed: Callable[[int], object] = lambda size: None) -> None:
        """Read the whole file once, before anything is written: who left? Raises BadFile."""
        self.source = tables.digest(self.table.path)
        for cells in self.table.rows(passed):
            if self.layout.has_left(cells):
                row = rows.check(cells, self.layout, self.table.header, self.now)
                if isinstance(row, Withdrawal):
                    self.left.setdefault(key_of(row.email).encode(), cells.line)

    def outcomes(self, passed: Callable[[int], object] = lambda size: None) -> Iterator[Outcome]:
        """Take the rows and yield the outcome of each, in their order. Raises Unavailable."""
        given = self.table.rows(passed)
        aws.client("dynamodb")  # threads may share boto3's clients, but not make them
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while batch := [self._prepared(cells) for cells in islice(given, _BATCH)]:
                yield from pool.map(self._settled, self._new(batch))

    def _new(self, batch: Sequence[Ready | Outcome]) -> list[Ready | Outcome]:
        """Settle those rows of a batch that a run before has done: a few reads tell them all."""
        ready = [each for each in batch if isinstance(each, Ready)]
        agreed = {
            each.key: (_signup(each.row, each.key), each.row.confirmed_at)
            for each in ready
            if isinstance(each.row, Row)
        }
        done = service.here_already(agreed, [each.key for each in ready if each.key not in agreed])
        return [
            Outcome(each.cells, "done before")
            if isinstance(each, Ready) and each.key in done
            else each
            for each in batch
        ]

    def _prepared(self, cells: Cells) -> Ready | Outcome:
        row = rows.check(cells, self.layout, self.table.header, self.now)
        if isinstance(row, str):
            return Outcome(cells, "refused", row, row)
        key = key_of(row.email)
        left = self.left.get(key.encode())
        if isinstance(row, Withdrawal):
            return Ready(cells, row, key) if left == cells.line else Outcome(cells, "withdrawn")
        if left:
            return _refused(cells, N_("is withdrawn in line %(line)s"), left)
        first = self.seen.setdefault(key.encode(), cells.line)
        if first != cells.line:
            return _refused(cells, N_("the address stands in line %(line)s already"), first)
        return Ready(cells, row, key, self._declaration(row))

    def _declaration(self, row: Row) -> str:
        """Return why the row's declaration proves nothing, empty if its text is known.

        A text that is new, and stands in the row, is kept, except in a dry run.
        """
        if not row.wording:
            return _("missing: %(columns)s", columns=_("consent_text or consent_sha256"))
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
        if isinstance(given, Outcome):
            return given
        source = {"source_file": self.source, "source_line": str(given.cells.line)}
        if isinstance(given.row, Withdrawal):
            return self._withdrawn(given, given.row, source)
        return self._imported(given, given.row, source)

    def _withdrawn(self, ready: Ready, row: Withdrawal, source: dict[str, str]) -> Outcome:
        ended_at = {"ended_at": row.ended_at} if row.ended_at else {}
        how = How({"by": "import", **ended_at, **source})
        done = service.withdraw(ready.key, how, self.now, self.dry)
        kind = "withdrawn" if done else "done before"
        return Outcome(ready.cells, kind, ended=done == "unsubscribed")

    def _imported(self, ready: Ready, row: Row, source: dict[str, str]) -> Outcome:
        agreed = _signup(row, ready.key)
        how = How(_content(row), _personal(row))
        dry = self.dry or bool(ready.lacks)
        try:
            new = service.take_over(agreed, row.confirmed_at, how, source, self.now, dry)
        except Conflict as conflict:
            reason = ready.lacks or _(_BECAUSE[conflict.state])
            return Outcome(ready.cells, "refused", reason, reason)
        if new and ready.lacks:
            return Outcome(ready.cells, "refused", ready.lacks, ready.lacks)
        return Outcome(ready.cells, "imported" if new else "done before")


def _refused(cells: Cells, sentence: str, line: int) -> Outcome:
    return Outcome(cells, "refused", _(sentence, line=line), _(sentence, line="…"))


def _signup(row: Row, key: str) -> Signup:
    return Signup(key, row.email, row.language, row.topics, row.consent_version)


def _content(row: Row) -> dict[str, str]:
    none_kept = {} if row.source_address else {"caller_kept": "no"}
    return {
        "consent": row.consent_version,
        "wording": row.wording,
        "topics": ",".join(row.topics),
        "language": row.language,
        "confirmed_at": instants.text(row.confirmed_at),
        **none_kept,
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
@click.option(
    "--from",
    "vendor",
    type=click.Choice([name for name in mappings.vendors() if name != mappings.OWN_EXPORT]),
    help="Whose export FILE is.",
)
@click.option(
    "--map",
    "own",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Which columns FILE has, and what holds for each row: TOML or JSON.",
)
@click.option(
    "--default",
    "stated",
    multiple=True,
    metavar="NAME=VALUE",
    help="What holds for each row whose own cell is empty; may be given several times.",
)
@click.option("--encoding", default="", metavar="NAME", help="Such as cp1252; else found out.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where refused rows are listed; default: beside FILE, unless it is a dry run.",
)
@click.option("--dry-run", is_flag=True, help="Says exactly what would happen, and writes nothing.")
def import_(
    file: Path,
    vendor: str | None,
    own: Path | None,
    stated: tuple[str, ...],
    encoding: str,
    refused: Path | None,
    dry_run: bool,
) -> None:
    """Take over the subscribers in FILE with the proof of their consent, and who left there.

    No mail is sent. FILE is CSV by comma, semicolon or tab, or JSON lines, in UTF-8, UTF-16 or
    Windows-1252. Whose export it is says --from, or which columns it has --map. Without them the
    columns are:

    \b
      email            the address
      language         one that the company speaks, such as de
      topics           the company's, by id; several by a comma (quote the cell) or a space
      consent_version  what the other system called the declaration
      consent_text     its exact text; it is kept, and shown in the proof
      consent_sha256   instead, where an earlier row or an earlier import had the text
      confirmed_at     when the person confirmed: 2024-05-31T12:00:00+02:00, or 31.05.2024 12:00
      source_address   the IP address from which they did
      page             optional: the page of the form
      proof_note       optional: where the old proof lies, up to 500 characters

    --default states any of them but email and confirmed_at, and time_zone, such as Europe/Berlin,
    for times without one. `consent_text=@FILE` reads a file. An empty `source_address=` states
    that the other system kept none, which the proof says too. An export of `ops export` needs
    neither option.

    A --map FILE names columns: `email = "E-Mail"`; `confirmed_if` and `withdrawn_if` have the
    values of a column (`{status = ["active"]}`, or "not empty") by which a row counts as confirmed,
    or as of somebody who left; `every_row = "withdrawn"` is for a list of those; `date_order` is
    "day first" or "month first". What --default states may stand there in `[defaults]`.

    Who left there is kept as an end: a subscription here ends, nothing is sent, and no import
    brings the address back; it needs no proof, and goes before any other row of the address.

    A row without proof is refused, as are invalid and doubled addresses, and those that are
    subscribed, erased, unsubscribed, bounced, or have complained or refused here. Refused rows are
    listed with line and reason in FILE.refused.csv, for reading only: correct them in FILE and run
    the command again, on the same stage. Rows that are done are skipped, also after an
    interruption.
    """  # noqa: D301  # click reads the control character, not a backslash
    columns, defaults = mappings.vendor(vendor) if vendor else (None, mappings.Defaults())
    if own:
        more, theirs = mappings.read(own)
        defaults = mappings.merged(defaults, theirs)
        if more and columns:
            columns = columns.model_copy(update=more.model_dump(exclude_unset=True))
        columns = columns or more
    defaults = mappings.merged(defaults, mappings.stated(stated))
    table = tables.opened(file, encoding)
    run = Import(table, mappings.layout(table, columns, defaults), dry_run, instants.now())
    listing = refused or (None if dry_run else file.with_name(f"{file.name}.refused.csv"))
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        out = stack.enter_context(Refusals.listed(listing, table.header, always=dry_run))
        bar = stack.enter_context(
            tqdm(
                total=2 * file.stat().st_size, unit="B", unit_scale=True, disable=None, leave=False
            )
        )
        run.look(bar.update)
        for outcome in run.outcomes(bar.update):
            counts[outcome.kind] += 1
            counts["ended"] += outcome.ended
            if outcome.kind == "refused":
                out.add(outcome.cells, outcome.reason, outcome.kind_of_reason)
    out.sum_up()
    _sum_up(run, counts)


def _sum_up(run: Import, counts: Counter[str]) -> None:
    told = {
        "imported": counts["imported"],
        "before": counts["done before"],
        "refused": counts["refused"],
    }
    if counts["withdrawn"]:
        click.echo(
            _(
                "withdrawn: %(withdrawn)s, of whom subscribed here: %(ended)s",
                withdrawn=counts["withdrawn"],
                ended=counts["ended"],
            )
        )
    if run.dry:
        click.echo(
            _("%(imported)s would be imported, %(before)s done before, %(refused)s refused", **told)
        )
        click.echo(_("dry run: nothing was written"))
        return
    log.info(
        "newsletter.imported",
        source=run.source,
        by=getpass.getuser(),
        imported=counts["imported"],
        withdrawn=counts["withdrawn"],
        refused=counts["refused"],
    )
    click.echo(_("%(imported)s imported, %(before)s done before, %(refused)s refused", **told))
