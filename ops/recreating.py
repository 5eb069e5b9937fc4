"""The table of the contacts made again where it is gone, with all that a restore does not bring."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from chalicelib import aws
from chalicelib.outbox import store
from ops import rewriting
from ops.stage import ROOT
from ops.writing_back import given_up, may_have_been_sent

_PAUSE = 5  # seconds between two looks at a table


@dataclass(frozen=True)
class Backup:
    """A backup of a table. `is_last` says that DynamoDB made it when the table was deleted."""

    arn: str
    at: datetime
    is_last: bool


def last_backup(table: str) -> Backup | None:
    """Return the newest backup of a table, or None."""
    client: Any = boto3.client("dynamodb")
    found: list[Backup] = []
    asked: dict[str, Any] = {"TableName": table, "BackupType": "ALL"}
    while True:
        page = client.list_backups(**asked)
        found += [
            Backup(
                each["BackupArn"],
                each["BackupCreationDateTime"].astimezone(UTC),
                each["BackupType"] == "SYSTEM",
            )
            for each in page["BackupSummaries"]
            if each["BackupStatus"] == "AVAILABLE"
        ]
        if "LastEvaluatedBackupArn" not in page:
            return max(found, key=lambda each: each.at, default=None)
        asked["ExclusiveStartBackupArn"] = page["LastEvaluatedBackupArn"]


def restore(backup: Backup, table: str) -> None:
    """Restore a backup under the table's own name, billed as the template has it."""
    client: Any = boto3.client("dynamodb")
    client.restore_table_from_backup(
        TargetTableName=table,
        BackupArn=backup.arn,
        BillingModeOverride=declared()["BillingMode"],
    )


def set_aside(table: str, now: datetime) -> int:
    """Give up the messages that may have been sent since an older backup; return how many."""
    count = 0
    asked = {
        "TableName": table,
        "FilterExpression": "begins_with(pk, :message)",
        "ExpressionAttributeValues": {":message": aws.pack("MSG#")},
    }
    more: dict[str, Any] = {}
    while True:
        page = aws.call("scan", **asked, **more)
        for item in page["Items"]:
            message = store.from_item(aws.unpack_item(item))
            if may_have_been_sent(message, now):
                count += rewriting.rewrite(table, item, given_up(message, now))
        if "LastEvaluatedKey" not in page:
            return count
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def declared() -> Mapping[str, Any]:
    """Return what `infra/template.json` says of the table."""
    template = json.loads((ROOT / "infra" / "template.json").read_text())
    properties: Mapping[str, Any] = template["Resources"]["Contacts"]["Properties"]
    return properties


def is_complete(table: str) -> bool:
    """Tell whether a table has all that `complete` switches on."""
    described: Any = boto3.client("dynamodb").describe_table(TableName=table)
    return bool(described["Table"].get("StreamSpecification", {}).get("StreamEnabled"))


def complete(table: str) -> None:
    """Switch on what a restored table lacks: expiry, recovery, tags, protection, and the stream.

    The stream is last, so that a table which has it has the rest. It can be repeated.
    """
    client: Any = boto3.client("dynamodb")
    wanted = declared()
    described = client.describe_table(TableName=table)["Table"]
    expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    if expiry.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        client.update_time_to_live(
            TableName=table, TimeToLiveSpecification=wanted["TimeToLiveSpecification"]
        )
    client.update_continuous_backups(
        TableName=table,
        PointInTimeRecoverySpecification=wanted["PointInTimeRecoverySpecification"],
    )
    if tags := wanted.get("Tags"):
        client.tag_resource(ResourceArn=described["TableArn"], Tags=tags)
    if wanted["SSESpecification"]["SSEEnabled"] and not described.get("SSEDescription"):
        client.update_table(TableName=table, SSESpecification={"Enabled": True})
        _settle(client, table)
    if not described.get("DeletionProtectionEnabled"):
        client.update_table(TableName=table, DeletionProtectionEnabled=True)
        _settle(client, table)
    if not is_complete(table):
        stream = {**wanted["StreamSpecification"], "StreamEnabled": True}
        client.update_table(TableName=table, StreamSpecification=stream)
        _settle(client, table)


def _settle(client: Any, table: str) -> None:
    """Wait until a change of a table is through: DynamoDB makes one at a time."""
    client.get_waiter("table_exists").wait(
        TableName=table, WaiterConfig={"Delay": _PAUSE, "MaxAttempts": 240}
    )
