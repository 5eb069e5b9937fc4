"""`python -m ops status`: waiting messages, who hears alerts and alarms, dead letters, alarms."""

from collections import Counter
from datetime import timedelta
from typing import Any

import boto3
import click

from chalicelib import aws, instants
from chalicelib.newsletter.words import MAILS
from chalicelib.outbox import subscribers
from chalicelib.settings import current
from chalicelib.texts import N_
from infra import config
from ops import messages
from ops.stage import OnStage
from ops.words import _, ngettext

OVERDUE = timedelta(minutes=10)


@click.command(cls=OnStage, short_help="Show what waits, what was set aside, which alarms are on.")
@click.pass_context
def status(context: click.Context) -> None:
    """Show the messages that wait, who hears alerts and alarms, the dead letters and the alarms.

    Exit code 1: something wants attention.
    """
    now = instants.now()
    waiting = list(messages.waiting())
    overdue = [each for each in waiting if now - each.due_at > OVERDUE]
    states = Counter(each.state for each in waiting)
    letters, (alarms, silent) = dead_letters(), _alarms()
    heard = {
        _(who): subscribers.count(topic)
        for who, topic in (
            (N_("alerts"), current().alerts_topic_arn),
            (N_("operators"), current().operators_topic_arn),
        )
        if topic
    }
    click.echo(f"{current().stage}, {instants.text(now)}")
    waits = ", ".join(f"{count} {_(MAILS[state])}" for state, count in states.items())
    told = {
        _("messages"): _(
            "%(waiting)s; %(overdue)s overdue",
            waiting=waits or _("none wait"),
            overdue=len(overdue),
        ),
        **{
            who: ngettext(
                "%(num)s subscription; %(pending)s not confirmed",
                "%(num)s subscriptions; %(pending)s not confirmed",
                confirmed,
                pending=pending,
            )
            for who, (confirmed, pending) in heard.items()
        },
        _("set aside"): ngettext("%(num)s dead letter", "%(num)s dead letters", letters),
        _("alarms"): ", ".join(alarms) or _("none is on"),
    }
    if silent:
        told[_("switched off")] = ", ".join(silent)
    width = max(map(len, told))
    for name, value in told.items():
        click.echo(f"  {name:<{width}}  {value}")
    if overdue or letters or alarms or silent or not all(each for each, _pending in heard.values()):
        context.exit(1)


def dead_letters() -> int:
    """Return about how many letters are visible in the dead-letter queue."""
    answer = aws.client("sqs").get_queue_attributes(
        QueueUrl=current().dead_letter_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _alarms() -> tuple[list[str], list[str]]:
    """Return the names of the alarms that are on, and of those that tell nobody."""
    client: Any = boto3.client("cloudwatch")
    prefix = config.prefix(current().stage) + "-"
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    found = {
        each["AlarmName"].removeprefix(prefix): each
        for page in pages
        for each in page["MetricAlarms"]
    }
    on = [name for name, each in found.items() if each["StateValue"] == "ALARM"]
    return on, [name for name, each in found.items() if not each.get("ActionsEnabled", True)]
