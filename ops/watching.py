"""`python -m ops status` and `outbox`: waiting messages, dead letters and alarms."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import click
from tqdm import tqdm

from chalicelib import aws, instants
from chalicelib.newsletter.words import MAILS
from chalicelib.outbox import store
from chalicelib.outbox.model import Message
from chalicelib.settings import current
from infra import config
from ops.stage import OnStage
from ops.words import _, ngettext

OVERDUE = timedelta(minutes=10)
_STATES = ("due", "sending", "unclear", "failed")
_FAR = timedelta(days=3650)


@click.command(cls=OnStage, short_help="Show what waits, what was set aside, which alarms are on.")
@click.pass_context
def status(context: click.Context) -> None:
    """Show the messages that wait, the dead letters and the alarms.

    Exit code 1: something wants attention.
    """
    now = instants.now()
    waiting = list(_waiting())
    overdue = [each for each in waiting if now - each.due_at > OVERDUE]
    states = Counter(each.state for each in waiting)
    letters, alarms = dead_letters(), _alarms()
    click.echo(f"{current().stage}, {instants.text(now)}")
    waits = ", ".join(f"{count} {_(MAILS[state])}" for state, count in states.items())
    told = {
        _("messages"): _(
            "%(waiting)s; %(overdue)s overdue",
            waiting=waits or _("none wait"),
            overdue=len(overdue),
        ),
        _("set aside"): ngettext("%(num)s dead letter", "%(num)s dead letters", letters),
        _("alarms"): ", ".join(alarms) or _("none is on"),
    }
    width = max(map(len, told))
    for name, value in told.items():
        click.echo(f"  {name:<{width}}  {value}")
    if overdue or letters or alarms:
        context.exit(1)


@click.command(cls=OnStage, short_help="List the messages that wait or were given up, and why.")
@click.option(
    "--state", type=click.Choice(_STATES), help="Only these; `failed` reads the whole table."
)
def outbox(state: str | None) -> None:
    """List messages that are due, being sent, unclear or failed.

    A line says since when the message is due, how often it was tried, and why it was not sent.
    Without --state the messages that wait are listed. A message is named by what it is about, never
    by an address.
    """
    found = (
        _failed()
        if state == "failed"
        else (each for each in _waiting() if state in (None, each.state))
    )
    lines = [
        (
            instants.text(each.due_at),
            _(MAILS[each.state]),
            ngettext("%(num)s attempt", "%(num)s attempts", each.attempts),
            each.id,
            each.error,
        )
        for each in sorted(found, key=lambda message: message.due_at)
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        padded = (f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())
    click.echo(ngettext("%(num)s message", "%(num)s messages", len(lines)))


def _waiting() -> Iterator[Message]:
    """Yield every message that has not reached an end, whenever it falls due."""
    for message_id, _due in store.due(instants.now() + _FAR):
        message = store.load(message_id)
        if message and message.state in _STATES:
            yield message


def _failed() -> Iterator[Message]:
    pages = (
        aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=current().contacts_table,
            FilterExpression="begins_with(pk, :message) AND #state = :failed",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={":message": aws.pack("MSG#"), ":failed": aws.pack("failed")},
        )
    )
    for page in tqdm(pages, unit=" " + _("pages"), disable=None, leave=False):
        yield from (store.from_item(aws.unpack_item(item)) for item in page["Items"])


def dead_letters() -> int:
    """Return about how many letters are visible in the dead-letter queue."""
    answer = aws.client("sqs").get_queue_attributes(
        QueueUrl=current().dead_letter_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _alarms() -> list[str]:
    client: Any = boto3.client("cloudwatch")
    prefix = config.prefix(current().stage) + "-"
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=prefix, StateValue="ALARM"
    )
    return [
        each["AlarmName"].removeprefix(prefix) for page in pages for each in page["MetricAlarms"]
    ]
