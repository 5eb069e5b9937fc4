"""`python -m ops unsubscribe`: withdrawals that came by another way than our links."""

import getpass
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from chalicelib import aws, instants, log
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.words import WAYS
from ops import proving, rows, tables
from ops.refusals import Refusals
from ops.stage import OnStage
from ops.tables import BadFile, Table
from ops.words import _, refusal

_AT_ONCE = 8  # rows written at the same time
_BATCH = 256  # rows held in memory
# What the column of the addresses is called.
_NAMES = (
    *("email", "e-mail", "email address", "e-mail address", "e-mail-adresse", "emailadresse"),
    *("email-adresse", "mail", "mailadresse", "emailaddress", "email_address", "subscriber email"),
    *("recipient", "address", "adresse"),
)


@dataclass
class Withdrawals:
    """One run: whether it only looks, and what became of whom."""

    dry: bool
    now: datetime
    seen: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def take(self, given: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Record the withdrawals of keys, several at once; a key comes once in a run."""
        new = []
        for key, facts in given:
            if key in self.seen:
                self.counts["before"] += 1
            else:
                self.seen.add(key)
                new.append((key, How({"by": "operator", **facts})))
        left = service.here_already({}, [key for key, _ in new])
        self.counts["before"] += len(left)
        new = [each for each in new if each[0] not in left]
        aws.client("dynamodb")  # threads may share boto3's clients, but not make them
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            self.counts.update(pool.map(self._withdraw, new))

    def _withdraw(self, one: tuple[str, How]) -> str:
        key, how = one
        return service.withdraw(key, how, self.now, self.dry) or "before"

    def take_file(
        self,
        table: Table,
        column: str,
        how: str,
        out: Refusals,
        passed: Callable[[int], object],
    ) -> None:
        """Record the withdrawals of a file's addresses."""
        source = tables.digest(table.path)
        read = table.rows(passed)
        while batch := list(islice(read, _BATCH)):
            given = []
            for cells in batch:
                if email := rows.address(cells.named.get(column, "")):
                    place = {"source_file": source, "source_line": str(cells.line)}
                    given.append((key_of(email), {"how": how, **place}))
                else:
                    self.counts["refused"] += 1
                    reason = refusal("email").rstrip(".")
                    out.add(cells, reason, reason)
            self.take(given)


@click.command(cls=OnStage, short_help="Record withdrawals: of addresses, or of files of them.")
@click.argument("who", nargs=-1, required=True, metavar="FILE|EMAIL...")
@click.option(
    "--how",
    type=click.Choice(list(WAYS)),
    help="How it came; default: `mail` for an EMAIL, `mailer` for a FILE.",
)
@click.option("--column", metavar="NAME", help="The column of FILE that has the addresses.")
@click.option("--encoding", default="", metavar="NAME", help="Such as cp1252; else found out.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where rows without an address are listed.",
)
@click.option("--dry-run", is_flag=True, help="Says exactly what would happen, and writes nothing.")
def unsubscribe(
    who: tuple[str, ...],
    how: str | None,
    column: str | None,
    encoding: str,
    refused: Path | None,
    dry_run: bool,
) -> None:
    """Record that people have withdrawn their consent, by another way than our links.

    FILE has one address a line, or is CSV with a column of them, such as another mailer's list of
    those who unsubscribed. An address may be written `Eva <eva@example.org>` or `mailto:…`.

    A subscription ends. An address that is not known, or waits for its confirmation, is kept as an
    end, as a key without the address: nothing is sent, no import brings it back, and the owner
    lifts it by signing up and confirming. No mail is sent. The same again changes nothing.
    """
    files = [Path(each) for each in who if "@" not in each or Path(each).is_file()]
    if missing := [str(each) for each in files if not each.is_file()]:
        told = _("there is no file %(files)s", files=", ".join(missing))
        raise click.BadParameter(told, param_hint="FILE|EMAIL")
    named = [each for each in who if Path(each) not in files]
    emails = [rows.address(each) or proving.address(each) for each in named]
    opened = [_opened(each, column, encoding) for each in files]
    run = Withdrawals(dry_run, instants.now())
    run.take([(key_of(email), {"how": how or "mail"}) for email in emails])
    for table, name in opened:
        with ExitStack() as stack:
            out = stack.enter_context(Refusals.listed(refused, table.header, always=dry_run))
            size = table.path.stat().st_size
            bar = stack.enter_context(
                tqdm(total=size, unit="B", unit_scale=True, disable=None, leave=False)
            )
            run.take_file(table, name, how or "mailer", out, bar.update)
        out.sum_up()
    _sum_up(run.counts, dry_run)


def _opened(path: Path, column: str | None, encoding: str) -> tuple[Table, str]:
    """Return a file, and the name of its column of addresses. Raises BadFile."""
    table = tables.opened(path, encoding)
    folded = {name.casefold(): name for name in reversed(table.header)}
    wanted = [column] if column else _NAMES
    for name in wanted:
        if name.casefold() in folded:
            return table, folded[name.casefold()]
    for name in table.header:
        if not column and rows.address(name):  # it has no header
            return tables.bare(table), name
    has = ", ".join(table.header)[:500]
    raise BadFile(
        _(
            "%(file)s: which column has the addresses? Name it by --column; it has %(has)s",
            file=path,
            has=has,
        )
    )


def _sum_up(counts: Counter[str], dry: bool) -> None:
    told = {
        "ended": counts["unsubscribed"],
        "kept": counts["withdrawn"],
        "before": counts["before"],
        "refused": counts["refused"],
    }
    if dry:
        click.echo(
            _(
                "subscriptions to end: %(ended)s, addresses to keep as an end: %(kept)s, "
                "done before: %(before)s, refused: %(refused)s",
                **told,
            )
        )
        click.echo(_("dry run: nothing was written"))
        return
    log.info("newsletter.withdrawn", by=getpass.getuser(), **told)
    click.echo(
        _(
            "subscriptions ended: %(ended)s, addresses kept as an end: %(kept)s, "
            "done before: %(before)s, refused: %(refused)s",
            **told,
        )
    )
