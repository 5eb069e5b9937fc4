"""The line about a restore: a table of a moment ago, beside the live one, compared row by row."""

import time
from datetime import UTC, datetime, timedelta

from chalicelib.settings import current
from ops.copies import Read
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Run
from ops.words import _

_RESTORABLE = 20 * 60.0  # seconds until a moment can be restored, as a rule five minutes
_RESTORED = 3 * 3600.0  # until a large table is restored


def restore(run: Run) -> str:
    """Check that the contacts can be restored: each row that nobody changed meanwhile is equal."""
    client, live = run.target.client("dynamodb"), current().contacts_table
    began, before = time.monotonic(), _read(run, live)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)

    def restorable() -> bool:
        found = client.describe_continuous_backups(TableName=live)["ContinuousBackupsDescription"]
        point = found["PointInTimeRecoveryDescription"]
        if point["PointInTimeRecoveryStatus"] != "ENABLED":
            raise Fails(_("point-in-time recovery is off"))
        return bool(point["LatestRestorableDateTime"] >= moment)

    if not run.wait(_("this moment can be restored"), restorable, _RESTORABLE):
        raise NotDone(_("DynamoDB lags by more than %(s)s s", s=round(_RESTORABLE)))
    name = run.name("prove-restored")
    with run.journal.made_here("table", name=name):
        client.restore_table_to_point_in_time(
            SourceTableName=live, TargetTableName=name, RestoreDateTime=moment
        )

        def active() -> bool:
            return bool(client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")

        if not run.wait(_("the table is restored"), active, _RESTORED):
            raise NotDone(_("it takes more than %(s)s s", s=round(_RESTORED)))
        restored, after = _read(run, name), _read(run, live)
    same = [key for key, row in before.rows.items() if after.rows.get(key) == row]
    different = sum(restored.rows.get(key) != before.rows[key] for key in same)
    told = _(
        "%(rows)s rows, %(different)s of them different, %(changed)s changed meanwhile; "
        "%(minutes)s minutes",
        rows=len(same),
        different=different,
        changed=len(before.rows.keys() | after.rows.keys()) - len(same),
        minutes=f"{(time.monotonic() - began) / 60:.1f}",
    )
    if different:
        raise Fails(told)
    return told


def _read(run: Run, table: str) -> Read:
    """Read a table whole, with progress by the second."""
    read, told = Read(), time.monotonic()
    pages = run.target.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            read.see(item)
        if time.monotonic() - told > 60:
            told = time.monotonic()
            run.say(_("    … %(table)s: %(rows)s rows read", table=table, rows=len(read.rows)))
    return read
