"""`python -m ops restore-check`: the rehearsal of a restore, into a new table."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import click
from tqdm import tqdm

from chalicelib import instants, settings
from chalicelib.callbacks import erasure
from chalicelib.callbacks import service as callbacks
from chalicelib.callbacks.model import Who
from chalicelib.newsletter import service as newsletter
from chalicelib.settings import current
from ops.stage import OnStage
from ops.words import _, ngettext

Rows = dict[tuple[str, str], str]  # keys → digest
_KEY = 22  # characters of a subscriber's key; a callback's reference is shorter
_RESTORE = Who("restore", "restore")


@dataclass
class Read:
    """A digest of each of a table's items, and the partition keys of erased persons."""

    rows: Rows = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)

    def see(self, item: dict[str, Any]) -> None:
        """Record an item. An erased subscriber has an item that keeps them from being imported."""
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        self.rows[pk, sk] = hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()
        if sk == "SUPPRESSED" or item.get("erased") == {"BOOL": True}:
            self.erased.add(pk)

    @property
    def findable(self) -> set[str]:
        """The partition keys of the callbacks that their number still leads to.

        If one of these is erased, its term was over: the erasure of a person removes that lead.
        """
        return {
            f"CALLBACK#{sk.rpartition('#')[2]}" for pk, sk in self.rows if pk.startswith("NUMBER#")
        }


@click.command(cls=OnStage, short_help="Restore contacts to a new table, replay erasures, compare.")
@click.option(
    "--at", metavar="TIME", help="Such as 2026-11-23T09:00:00+01:00; default: the latest."
)
@click.option(
    "--erased",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who was erased, as the log names them, where the table that knows them is lost.",
)
@click.option("--keep", is_flag=True, help="Leave the restored table, for use.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_context
def restore_check(
    context: click.Context, at: str | None, erased: Path | None, keep: bool, dry_run: bool
) -> None:
    """Restore the contacts to a point in time, into a new table, and compare it row by row.

    Erasures since that time are done again in it first, so that nobody comes back by a restore. If
    nothing was written since, the tables are equal. A row that differs was written since, or is
    lost. Exit code 1: there is one.
    """
    live = current().contacts_table
    restored = f"{live}-restored-{time.strftime('%Y%m%d-%H%M%S')}"
    if at:
        told = _("restore %(live)s at %(at)s to %(new)s", live=live, at=at, new=restored)
    else:
        told = _("restore %(live)s at the latest time to %(new)s", live=live, new=restored)
    click.echo(told)
    if dry_run:
        return
    _restore(live, restored, instants.parse(at) if at else None)
    try:
        now, was = _read(live), _read(restored)
        gone = _told(erased) if erased else now.erased - was.erased
        _erase(restored, gone, set() if erased else now.findable)
        different = _compare(now.rows, _read(restored).rows, gone)
    finally:
        if not keep:
            _drop(restored)
    compared = ngettext(
        "%(num)s row, %(restored)s restored, %(erased)s erased again, %(different)s differ",
        "%(num)s rows, %(restored)s restored, %(erased)s erased again, %(different)s differ",
        len(now.rows),
        restored=len(was.rows),
        erased=len(gone),
        different=len(different),
    )
    click.echo(compared)
    for pk, sk in different[:20]:
        click.echo(f"  {pk} {sk}")
    click.echo(_("kept: %(table)s", table=restored) if keep else _("the restored table is deleted"))
    if different:
        context.exit(1)


def _restore(live: str, restored: str, at: datetime | None) -> None:
    client: Any = boto3.client("dynamodb")
    when: dict[str, Any] = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
    client.restore_table_to_point_in_time(SourceTableName=live, TargetTableName=restored, **when)
    desc, unit = _("restoring"), " " + _("looks")
    with tqdm(desc=desc, unit=unit, disable=None, leave=False) as progress:
        while client.describe_table(TableName=restored)["Table"]["TableStatus"] != "ACTIVE":
            progress.update()
            time.sleep(10)


def _read(table: str) -> Read:
    pages = (
        boto3.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=table, ConsistentRead=True)
    )
    read = Read()
    desc, unit = _("reading %(table)s", table=table), " " + _("pages")
    for page in tqdm(pages, desc=desc, unit=unit, disable=None, leave=False):
        for item in page["Items"]:
            read.see(item)
    return read


def _told(file: Path) -> set[str]:
    """Return the partition keys of the erased persons that a file lists by the names in the log."""
    return {
        f"CALLBACK#{each}" if len(each) < _KEY else f"SUB#{each}"
        for each in file.read_text().split()
    }


def _erase(table: str, gone: Iterable[str], old: set[str]) -> None:
    """Erase in the restored table by the code that erases in the live one.

    `old` are the callbacks whose term was over: they are not erased wholly.
    """
    with _on(table):
        desc, unit = _("erasing again"), " " + _("erasures")
        for pk in tqdm(sorted(gone), desc=desc, unit=unit, disable=None, leave=False):
            kind, _hash, key = pk.partition("#")
            if kind == "SUB":
                newsletter.erase(key, "restore", instants.now())
            elif pk in old:
                erasure.erase_contact(key, instants.now())
            elif callbacks.load_many([key]):
                erasure.erase_wholly([key], _RESTORE, instants.now())


@contextmanager
def _on(table: str) -> Iterator[None]:
    """Have the stores of newsletter and callbacks work on this table meanwhile.

    Other systems have been told of the erasures before.
    """
    before = dict(os.environ)
    os.environ.update(CONTACTS_TABLE=table, DOMAIN_EVENTS="0")
    settings.current.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        settings.current.cache_clear()


def _compare(live: Rows, restored: Rows, gone: Iterable[str]) -> list[tuple[str, str]]:
    """Return the keys of the rows that differ, sorted.

    An erasure that was done again writes events and a count of its own, so that the erased persons
    and, if there are any, the growth counts are left out.
    """
    aside = {*gone, "GROWTH"} if gone else set()
    return sorted(
        key
        for key in live.keys() | restored.keys()
        if key[0] not in aside and live.get(key) != restored.get(key)
    )


def _drop(table: str) -> None:
    client: Any = boto3.client("dynamodb")
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table)
