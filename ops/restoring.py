"""`python -m ops restore` and `restore-check`: the contacts as they were, and its rehearsal."""

import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
from tqdm import tqdm

from chalicelib import instants
from chalicelib.callbacks import service as callbacks
from chalicelib.callbacks import wishes
from chalicelib.errors import Invalid
from chalicelib.newsletter.keys import key_of
from chalicelib.settings import current
from ops import copies, recreating, since, tables, writing_back
from ops.copies import Read, Rows
from ops.proving import address
from ops.since import Since
from ops.stage import OnStage
from ops.words import _, ngettext, refusal
from ops.writing_back import Plan

_TIME = "Such as 2026-11-23T09:00:00+01:00"
_SHOWN = 20  # rows
_LEFT = 1  # exit code


def _ids(of: str, text: str) -> frozenset[str]:
    """Return the partition keys that the text of the option `of` names. Raises BadParameter."""
    try:
        return since.named(text)
    except ValueError as error:
        told = _("%(id)s is neither a subscriber's id nor a callback's reference", id=str(error))
        raise click.BadParameter(told, param_hint=of) from None


def _keys(written: str) -> frozenset[str]:
    """Return the partition keys of a list or of a file. Raises BadParameter, BadFile."""
    file = Path(written)
    return _ids("--keys", tables.text(file) if file.is_file() else written)


_told_by = click.option(
    "--erased",
    callback=lambda context, option, file: file and _ids("--erased", tables.text(file)),
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Who was erased, as the log names them, where the table that knows them is lost.",
)


@click.command(cls=OnStage, short_help="Restore contacts to a new table, replay erasures, compare.")
@click.option("--at", metavar="TIME", help=f"{_TIME}; default: the latest.")
@_told_by
@click.option("--keep", is_flag=True, help="Leave the restored table, for use.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_context
def restore_check(
    context: click.Context, at: str | None, erased: frozenset[str] | None, keep: bool, dry_run: bool
) -> None:
    """Restore the contacts to a point in time, into a new table, and compare it row by row.

    Erasures, withdrawals and cancelled calls since that time are done again in it first, so that
    nobody comes back by a restore. If nothing was written since, the tables are equal. A row that
    differs was written since, or is lost. Exit code 1: there is one.
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
    copy_of(live, restored, _instant(at) if at else None)
    try:
        now, was = copies.read(live), copies.read(restored)
        happened = _done_again(restored, was, now, erased)
        different = compare(now.rows, copies.read(restored).rows, happened.settled)
    finally:
        if not keep:
            drop(restored)
    compared = ngettext(
        "%(num)s row, %(restored)s restored, %(erased)s erased again, %(different)s differ",
        "%(num)s rows, %(restored)s restored, %(erased)s erased again, %(different)s differ",
        len(now.rows),
        restored=len(was.rows),
        erased=len(happened.erased),
        different=len(different),
    )
    click.echo(compared)
    _list(different)
    click.echo(_("kept: %(table)s", table=restored) if keep else _("the restored table is deleted"))
    if different:
        context.exit(_LEFT)


@click.command(cls=OnStage, short_help="Restore contacts to a point in time, in the live table.")
@click.option("--at", metavar="TIME", help=f"{_TIME}. Not where the table is gone.")
@click.option(
    "--keys",
    callback=lambda context, option, keys: None if keys is None else _keys(keys),
    metavar="FILE|ID,…",
    help="Only these subscribers and callbacks, by the names in the log, in a file or with commas.",
)
@click.option("--person", metavar="EMAIL|NUMBER", help="Only what is known of a person.")
@_told_by
@click.option("--keep", is_flag=True, help="Leave the copy of that time.")
@click.option("--dry-run", is_flag=True, help="Make the copy, show what would be written.")
@click.pass_context
def restore(
    context: click.Context,
    at: str | None,
    keys: frozenset[str] | None,
    person: str | None,
    erased: frozenset[str] | None,
    keep: bool,
    dry_run: bool,
) -> None:
    """Make subscribers and callbacks what they were at a point in time, in the live table.

    The table is restored beside the live one. Erasures, withdrawals and cancelled calls since are
    done again there. Then the rows that differ are written into the live table, once the stage's
    name was typed. Who decided about themselves since stays as they are now, who came since stays,
    and no message goes twice. Stopped by Ctrl-C, the same command goes on.

    Where the live table is gone, it is made again under its own name, from its last backup.

    Exit code 1: somebody changed rows meanwhile, run the same command once more.
    """
    live = current().contacts_table
    if not exists(live) or (not at and not recreating.is_complete(live)):
        _make_again(live, erased, dry_run)
        return
    if not at:
        raise click.UsageError(_("say which time: --at TIME"))
    when = _instant(at)
    copy = f"{live}-restored-{when.astimezone(UTC):%Y%m%d-%H%M%S}"
    if exists(copy):
        click.echo(_("going on with %(table)s", table=copy))
    else:
        click.echo(_("restore %(live)s at %(at)s to %(new)s", live=live, at=at, new=copy))
        copy_of(live, copy, when)
    _wait(copy)
    now, was = copies.read(live), copies.read(copy)
    part = _part(copy, live, keys, person)
    happened = _done_again(copy, was, now, erased)
    was = copies.read(copy)
    moment = instants.now()
    made = writing_back.plan(was, now, happened, moment, part)
    _show(happened, made)
    if dry_run:
        click.echo(_("nothing was written; kept for the restore: %(table)s", table=copy))
        return
    if made.written or made.deleted:
        _confirm()
    done = _write(copy, live, made, now, {*was.locks, *now.locks}, moment)
    told = _(
        "%(created)s rows created, %(changed)s changed, %(deleted)s deleted",
        created=done["created"],
        changed=done["changed"],
        deleted=done["deleted"],
    )
    click.echo(told)
    if done[None]:
        told = ngettext(
            "%(num)s row was changed meanwhile: run the same command once more",
            "%(num)s rows were changed meanwhile: run the same command once more",
            done[None],
        )
        click.echo(told, err=True)
        context.exit(_LEFT)
    if keep:
        click.echo(_("kept: %(table)s", table=copy))
    else:
        drop(copy)
        click.echo(_("the restored table is deleted"))


def _make_again(live: str, erased: frozenset[str] | None, dry: bool) -> None:
    """Make the table again that is gone, or complete one that a former run began."""
    backup = recreating.last_backup(live)
    if backup is None:
        raise click.ClickException(
            _("there is no table %(table)s and no backup of it in this region", table=live)
        )
    begun, at = exists(live), instants.text(backup.at)
    if begun:  # by a former run of this, or in the console
        told = _(
            "%(table)s is there without its stream: complete it, as restored from its backup of "
            "%(at)s",
            table=live,
            at=at,
        )
    else:
        told = _("%(table)s is gone: restore it from its backup of %(at)s", table=live, at=at)
    click.echo(told)
    if dry:
        return
    _confirm()
    if not begun:
        recreating.restore(backup, live)
    _wait(live)
    gone = erased or frozenset[str]()
    since.again(live, Since(gone), set())
    aside = 0 if backup.is_last else recreating.set_aside(live, instants.now())
    recreating.complete(live)
    if aside:
        told = ngettext(
            "%(num)s message may have been sent since and was set aside: "
            "`make outbox STATE=failed`",
            "%(num)s messages may have been sent since and were set aside: "
            "`make outbox STATE=failed`",
            aside,
        )
        click.echo(told)
    click.echo(_("restored: %(table)s; `make deploy` connects its stream", table=live))


def exists(table: str) -> bool:
    """Tell whether there is a table of this name."""
    client: Any = boto3.client("dynamodb")
    try:
        client.describe_table(TableName=table)
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def copy_of(live: str, restored: str, at: datetime | None) -> None:
    """Restore a table to a point in time, or the latest, into a new one."""
    client: Any = boto3.client("dynamodb")
    when: dict[str, Any] = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
    client.restore_table_to_point_in_time(SourceTableName=live, TargetTableName=restored, **when)
    _wait(restored)


def drop(table: str) -> None:
    """Delete a restored table."""
    client: Any = boto3.client("dynamodb")
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    client.delete_table(TableName=table)


def compare(live: Rows, restored: Rows, aside: Iterable[str]) -> list[tuple[str, str]]:
    """Return the keys of the rows that differ, sorted, but for the partition keys that are `aside`.

    What was done again writes events and a count of its own, so that these persons and, if there
    are any, the growth counts and messages about them are left out.
    """
    left_out = {*aside, "GROWTH"} if aside else set()
    return sorted(
        place
        for place in live.keys() | restored.keys()
        if place[0] not in left_out
        and writing_back.owner(place, {}) not in left_out
        and live.get(place) != restored.get(place)
    )


def _wait(table: str) -> None:
    client: Any = boto3.client("dynamodb")
    desc, unit = _("restoring"), " " + _("looks")
    with tqdm(desc=desc, unit=unit, disable=None, leave=False) as progress:
        while client.describe_table(TableName=table)["Table"]["TableStatus"] != "ACTIVE":
            progress.update()
            time.sleep(10)


def _done_again(copy: str, was: Read, now: Read, erased: frozenset[str] | None) -> Since:
    """Do in the copy what people decided since; return that."""
    happened = since.between(was, now, erased or frozenset())
    since.again(copy, happened, now.findable if erased is None else set())
    return happened


def _part(
    copy: str, live: str, keys: frozenset[str] | None, person: str | None
) -> frozenset[str] | None:
    """Return the partition keys of the part that was asked for, None for everything."""
    if keys is None and person is None:
        return None
    found = {*(keys or ())}
    if person and "@" in person:
        key = key_of(address(person))
        found.add(f"SUB#{key}")
        for table in (copy, live):
            with copies.on(table):
                found |= {f"CALLBACK#{each}" for each in wishes.references(key)}
    elif person:
        for table in (copy, live):
            with copies.on(table):
                found |= {f"CALLBACK#{each}" for each in _of_number(person)}
    return frozenset(found)


def _of_number(phone: str) -> list[str]:
    try:
        return callbacks.references_of_number(phone)
    except Invalid as error:
        raise click.BadParameter(refusal(error.fields[0].code), param_hint="--person") from None


def _instant(written: str) -> datetime:
    try:
        return instants.parse(written)
    except ValueError:
        raise click.BadParameter(
            _("%(value)s is no instant such as 2026-11-26T09:00:00+01:00", value=written),
            param_hint="--at",
        ) from None


def _confirm() -> None:
    if click.prompt(_("Type the stage's name to go on")) != current().stage:
        raise click.ClickException(_("another name: nothing was changed"))


def _show(happened: Since, made: Plan) -> None:
    told = _(
        "since then %(erased)s erased, %(left)s left, %(ended)s callbacks no longer wanted: "
        "they stay as they are",
        erased=len(happened.erased),
        left=len(happened.left),
        ended=len(happened.ended),
    )
    click.echo(told)
    told = _(
        "%(written)s rows to be written, %(deleted)s to be deleted",
        written=len(made.written),
        deleted=len(made.deleted),
    )
    click.echo(told)
    _list([*made.written, *made.deleted])


def _list(places: Iterable[tuple[str, str]]) -> None:
    for pk, sk in list(places)[:_SHOWN]:
        click.echo(f"  {pk} {sk}")


def _write(
    copy: str, live: str, made: Plan, now: Read, numbers: set[str], at: datetime
) -> Counter[str | None]:
    done: Counter[str | None] = Counter()
    total = len(made.written) + len(made.deleted)
    desc, unit = _("writing"), " " + _("rows")
    with tqdm(total=total, desc=desc, unit=unit, disable=None, leave=False) as progress:
        for each in writing_back.write(copy, live, made, now.rows, at):
            done[each] += 1
            progress.update()
    if total:
        done.update(writing_back.loose_locks(live, numbers))
    return done
