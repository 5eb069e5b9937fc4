"""`python -m ops restore-check`: the rehearsal of a restore, into a table of its own."""

import hashlib
import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import click
from tqdm import tqdm

from chalicelib import instants, settings
from chalicelib.newsletter import model, store
from chalicelib.newsletter.store import How
from chalicelib.settings import current
from ops.stage import OnStage

Rows = dict[tuple[str, str], str]  # keys → digest


@click.command(cls=OnStage, short_help="Restore contacts to a new table, replay erasures, compare.")
@click.option("--at", metavar="TIME", help="Such as 2026-11-23T09:00:00+01:00; default: the latest.")
@click.option("--erased", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE",
              help="Keys of the erased, one a line, where the table that knows them is lost.")  # fmt: skip
@click.option("--keep", is_flag=True, help="Leave the restored table, for use.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_context
def restore_check(context: click.Context, at: str | None, erased: Path | None, keep: bool, dry_run: bool) -> None:
    """Restores the table of the contacts to a point in time, into a new table, and compares it row by row.

    Erasures since that time are done again in it first: nobody comes back by a restore. While nothing is written the
    tables are equal; a row that differs was written since, or is lost. Exit code 1: there is one.
    """
    live = current().contacts_table
    restored = f"{live}-restored-{time.strftime('%Y%m%d-%H%M%S')}"
    click.echo(f"restore {live} at {at or 'the latest time'} to {restored}")
    if dry_run:
        return
    _restore(live, restored, instants.parse(at) if at else None)
    try:
        now, was = _rows(live), _rows(restored)
        gone = {line.strip() for line in erased.read_text().split()} if erased else _erased(now) - _erased(was)
        _erase(restored, gone)
        different = _compare(now, _rows(restored), {f"SUB#{key}" for key in gone})
    finally:
        if not keep:
            _drop(restored)
    click.echo(f"{len(now)} rows, {len(was)} restored, {len(gone)} erased again, {len(different)} differ")
    for pk, sk in different[:20]:
        click.echo(f"  {pk} {sk}")
    click.echo(f"kept: {restored}" if keep else "the restored table is deleted")
    if different:
        context.exit(1)


def _restore(live: str, restored: str, at: datetime | None) -> None:
    client: Any = boto3.client("dynamodb")
    when: dict[str, Any] = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
    client.restore_table_to_point_in_time(SourceTableName=live, TargetTableName=restored, **when)
    with tqdm(desc="restoring", unit=" looks", disable=None, leave=False) as progress:
        while client.describe_table(TableName=restored)["Table"]["TableStatus"] != "ACTIVE":
            progress.update()
            time.sleep(10)


def _rows(table: str) -> Rows:
    return {(item["pk"]["S"], item["sk"]["S"]): _digest(item) for item in _items(table)}


def _items(table: str) -> Iterator[dict[str, Any]]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    for page in tqdm(pages, desc=f"reading {table}", unit=" pages", disable=None, leave=False):
        yield from page["Items"]


def _digest(item: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()


def _erased(rows: Rows) -> set[str]:
    """The keys of the erased: each has a row that keeps it from being imported."""
    return {pk.removeprefix("SUB#") for pk, sk in rows if sk == "SUPPRESSED"}


def _erase(table: str, keys: set[str]) -> None:
    """Erases in the restored table as the capability itself does."""
    live = os.environ["CONTACTS_TABLE"]
    os.environ["CONTACTS_TABLE"] = table
    settings.current.cache_clear()
    try:
        for key in tqdm(sorted(keys), desc="erasing again", unit=" persons", disable=None, leave=False):
            now = instants.now()
            known = store.load(key)
            store.save(known, model.erase(known.subscriber), now, How({"by": "restore"}))
            store.tidy(store.load(key), now)
    finally:
        os.environ["CONTACTS_TABLE"] = live
        settings.current.cache_clear()


def _compare(live: Rows, restored: Rows, erased: set[str]) -> list[tuple[str, str]]:
    """Rows that are not the same in both. An erasure done again has events of its own, and counts in its own lane."""
    aside = erased | ({"GROWTH"} if erased else set())
    return sorted(key for key in live.keys() | restored.keys()
                  if key[0] not in aside and live.get(key) != restored.get(key))  # fmt: skip


def _drop(table: str) -> None:
    client: Any = boto3.client("dynamodb")
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table)
