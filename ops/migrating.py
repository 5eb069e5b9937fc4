"""`python -m ops migrate`: bring the items in the tables to their present formats."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import click
from botocore.exceptions import ClientError
from tqdm import tqdm

from chalicelib import aws
from chalicelib.aws import Item
from chalicelib.settings import current
from ops import kinds, migrations, rewriting
from ops.files import whole
from ops.kinds import KINDS, Table
from ops.migrations import MIGRATIONS, Migration, Poison
from ops.stage import ROOT, OnStage
from ops.words import _, ngettext

_TABLES: tuple[Table, ...] = ("contacts", "view-counts", "view-markers")
_AT_ONCE = 8  # items written at the same time
_TRIES = 5  # of an item that somebody else is changing
LEFT = 1  # exit code


@dataclass
class Run:
    """One run over the tables: what it did to how many items."""

    migrations: Sequence[Migration]
    dry: bool
    seen: int = 0
    done: Counter[tuple[str, str]] = field(default_factory=Counter)  # by migration and kind
    poison: list[str] = field(default_factory=list)
    busy: int = 0  # items that somebody else kept changing
    unknown: int = 0  # items of kinds that this version of the code does not know
    counting: threading.Lock = field(default_factory=threading.Lock)

    def page(self, table: Table, items: Sequence[Item]) -> None:
        """Migrate a page of a table, several items at once."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _each in pool.map(lambda item: self._one(table, item), items):
                self.seen += 1

    def _one(self, table: Table, item: Item) -> None:
        name = kinds.name_of(table)
        for _try in range(_TRIES):
            plain = aws.unpack_item(item)
            kind = kinds.kind_of(table, plain)
            if kind is None:
                with self.counting:
                    self.unknown += 1
                return
            try:
                made, applied = migrations.migrated(kind, plain, self.migrations)
                after = {each: aws.pack(value) for each, value in made.items()}
                done = not applied or self.dry or rewriting.rewrite(name, item, after)
            except (Poison, TypeError, ClientError) as error:
                told = aws.code(error) if isinstance(error, ClientError) else str(error)
                self.poison.append(f"{plain['pk']} {plain.get('sk', '')}  {told}")
                return
            if done:
                with self.counting:
                    self.done.update((step.name, kind.name) for step in applied)
                return
            now = rewriting.get(name, rewriting.place(item))
            if now is None:
                return  # deleted meanwhile
            item = now
        with self.counting:
            self.busy += 1


@click.command(cls=OnStage, short_help="Bring the tables' items to the present formats.")
@click.option("--dry-run", is_flag=True, help="Only say how many items would be changed, and how.")
@click.option(
    "--bookmark",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the run notes how far it is; default: in .local.",
)
@click.pass_context
def migrate(context: click.Context, dry_run: bool, bookmark: Path | None) -> None:
    """Bring the items of all tables to the versions of their formats that this code writes.

    The stage goes on serving. An item is changed on the condition that it is as it was read. Ctrl-C
    stops at any time, and the next run goes on after the last whole page. What cannot be undone
    wants the stage's name typed. Exit code 1: an item could not be migrated, which is named and
    left as it is, or somebody kept changing one.
    """
    file = bookmark or ROOT / ".local" / f"migrate-{current().stage}.json"
    run = perform(MIGRATIONS, dry_run, file, _confirm)
    for (name, kind), count in sorted(run.done.items()):
        click.echo(f"  {name}  {kind}  {count}")
    count = run.done.total()
    if dry_run:
        told = ngettext(
            "%(seen)s items read, %(num)s change would be made",
            "%(seen)s items read, %(num)s changes would be made",
            count,
            seen=run.seen,
        )
    else:
        told = ngettext(
            "%(seen)s items read, %(num)s change made",
            "%(seen)s items read, %(num)s changes made",
            count,
            seen=run.seen,
        )
    click.echo(told)
    if run.unknown:
        told = ngettext(
            "%(num)s item is of a kind that this version does not know; it stays as it is",
            "%(num)s items are of kinds that this version does not know; they stay as they are",
            run.unknown,
        )
        click.echo(told)
    if run.poison:
        click.echo(_("not migrated, left as they are:"), err=True)
        for each in sorted(run.poison):
            click.echo(f"  {each}", err=True)
    if run.busy:
        told = ngettext(
            "%(num)s item was changed again and again meanwhile: run the command once more",
            "%(num)s items were changed again and again meanwhile: run the command once more",
            run.busy,
        )
        click.echo(told, err=True)
    if run.poison or run.busy:
        context.exit(LEFT)


def perform(
    wanted: Sequence[Migration], dry: bool, bookmark: Path, confirm: Callable[[str], None]
) -> Run:
    """Migrate every table, from the bookmark on, and return what was done.

    `confirm` is called with the names of migrations that cannot be undone; it raises to stop.
    """
    final = ", ".join(each.name for each in wanted if not each.reversible)
    if final and not dry:
        confirm(final)
    names = [f"{each.name} {each.before} {each.after}" for each in wanted]
    run, began = Run(wanted, dry), (None if dry else _read(bookmark, names))
    tables = _TABLES[_TABLES.index(began[0]) :] if began else _TABLES
    concerned = {each.table for each in KINDS for step in wanted if each.name in step.kinds}
    aws.client("dynamodb")  # threads may share boto3's clients, but not make them
    with tqdm(unit=" " + _("items"), disable=None, leave=False) as bar:
        for table in (each for each in tables if each in concerned):
            start = began[1] if began and began[0] == table else None
            for items, after in _pages(kinds.name_of(table), start):
                run.page(table, items)
                bar.update(len(items))
                if not dry and after:
                    _note(bookmark, names, table, after)
    if not dry:
        bookmark.unlink(missing_ok=True)
    return run


def _confirm(names: str) -> None:
    stage = current().stage
    click.echo(_("This cannot be undone: %(names)s", names=names))
    if click.prompt(_("Type the stage's name to go on")) != stage:
        raise click.ClickException(_("another name: nothing was changed"))


def _pages(name: str, start: Item | None) -> Iterator[tuple[Sequence[Item], Item | None]]:
    """Yield the pages of a table, each with the key after which the next one begins."""
    while True:
        more = {"ExclusiveStartKey": start} if start else {}
        page = aws.call("scan", TableName=name, ConsistentRead=True, **more)
        start = page.get("LastEvaluatedKey")
        yield page["Items"], start
        if not start:
            return


def _read(bookmark: Path, names: list[str]) -> tuple[Table, Item] | None:
    """Return where a former run of the same migrations stopped, or None."""
    try:
        noted = json.loads(bookmark.read_text())
    except (FileNotFoundError, ValueError):
        return None
    if noted.get("migrations") != names or noted.get("tables") != _named():
        return None
    return noted["table"], noted["after"]


def _note(bookmark: Path, names: list[str], table: Table, after: Item) -> None:
    bookmark.parent.mkdir(parents=True, exist_ok=True)
    noted = {"migrations": names, "tables": _named(), "table": table, "after": after}
    with whole(bookmark) as draft:
        draft.write(json.dumps(noted))


def _named() -> list[str]:
    return [kinds.name_of(each) for each in _TABLES]
