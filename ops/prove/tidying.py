"""How each kind of thing that a run makes is ended. Each end may be repeated."""

import getpass
from collections.abc import Mapping
from functools import partial

import click

from chalicelib import instants, mailings
from chalicelib.callbacks import service as callbacks
from chalicelib.callbacks.model import Who
from chalicelib.errors import NotFound
from chalicelib.newsletter import service as newsletter
from infra.target import Target
from ops.prove.journal import End, Made
from ops.words import _

_RESTORED = 180  # looks, an hour; after that the next run ends it
_PROOF = Who("operator", "operator")


def ends(target: Target) -> Mapping[str, End]:
    """Return the end of each kind of thing, by its name in the journal."""
    return {
        "queue": partial(_queue, target),
        "subscriber": _subscriber,
        "number": _number,
        "suppressed": partial(_suppressed, target),
        "rule": partial(_rule, target),
        "alarm": partial(_alarm, target),
        "table": partial(_table, target),
    }


def _queue(target: Target, made: Made) -> None:
    """Delete a temporary queue, and first its subscription to a topic."""
    sns, sqs = target.client("sns"), target.client("sqs")
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=made["topic"])
    for each in (each for page in pages for each in page["Subscriptions"]):
        named = each["Endpoint"].rpartition(":")[2] == made["name"]
        if named and each["SubscriptionArn"].startswith("arn:"):
            sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    try:
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=made["name"])["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        pass  # it was not made, or is gone


def _subscriber(made: Made) -> None:
    """Erase a subscriber by the code that erases anybody, and what is counted for the mailbox."""
    known = newsletter.find(made["email"])
    # The address's intake, too, where the stream has not taken it in yet.
    newsletter.erase_for(known.key, "operator", getpass.getuser(), instants.now())
    mailings.erase(made["email"])


def _number(made: Made) -> None:
    """Erase a number's callbacks by the code that erases anybody's; a live one ends."""
    references = callbacks.references_of_number(made["phone"])
    try:
        callbacks.erase_requests(references, _PROOF, instants.now())
    except NotFound:
        pass  # its term was over just now


def _suppressed(target: Target, made: Made) -> None:
    client = target.client("sesv2")
    try:
        client.delete_suppressed_destination(EmailAddress=made["email"])
    except client.exceptions.NotFoundException:
        pass  # the product has deleted it, as it should


def _rule(target: Target, made: Made) -> None:
    target.client("events").enable_rule(Name=made["name"])


def _alarm(target: Target, made: Made) -> None:
    """Take back the state that an alarm was given by hand; CloudWatch goes on by itself."""
    target.client("cloudwatch").set_alarm_state(
        AlarmName=made["name"], StateValue="OK", StateReason="the end of make prove"
    )


def _table(target: Target, made: Made) -> None:
    """Delete a restored table, once it can be deleted."""
    client = target.client("dynamodb")
    try:
        if client.describe_table(TableName=made["name"])["Table"]["TableStatus"] != "ACTIVE":
            click.echo(_("DynamoDB deletes no table that is being restored: waiting for its end"))
            client.get_waiter("table_exists").wait(
                TableName=made["name"], WaiterConfig={"Delay": 20, "MaxAttempts": _RESTORED}
            )
        client.update_table(TableName=made["name"], DeletionProtectionEnabled=False)
        client.delete_table(TableName=made["name"])
    except client.exceptions.ResourceNotFoundException:
        pass  # it was not made, or is gone
