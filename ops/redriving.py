"""`python -m ops redrive`: dead letters are handed again to the functions that failed on them."""

import json
import time
from collections.abc import Iterator
from typing import Any

import boto3
import click
from botocore.config import Config
from tqdm import tqdm

from chalicelib.settings import current
from infra import config
from ops.stage import OnStage
from ops.watching import dead_letters
from ops.words import _, ngettext

# Letters have the shapes of AWS's pages "Capturing records of asynchronous invocations" and
# "Configuring destinations for failed-event records" (streams), or that of
# `outbox.delivery.quarantine`.
_SEEN_FOR = 120  # seconds a letter is hidden from others while it is tried
_PATIENT = Config(
    read_timeout=60, retries={"total_max_attempts": 1}
)  # else botocore would repeat an invocation that takes long


@click.command(cls=OnStage, short_help="Do again what lies in the dead-letter queue.")
@click.option("--dry-run", is_flag=True, help="Only list what lies there.")
@click.pass_context
def redrive(context: click.Context, dry_run: bool) -> None:
    """Hand each dead letter to its function again, and delete it from the queue if that worked.

    A letter that fails again stays, or comes back as a new one: mend its cause first. Exit code 1:
    some are left.
    """
    client, began = boto3.client("sqs"), time.time() * 1000
    letters = _letters(client, began, 1 if dry_run else _SEEN_FOR)
    done = left = 0
    for letter in tqdm(letters, unit=" " + _("letters"), disable=None, leave=False):
        name, event = _job(json.loads(letter["Body"]))
        if dry_run:
            click.echo(f"{letter['MessageId']}  {name}: {_named(event)}")
        elif event is not None and _succeeds(name, event):
            client.delete_message(
                QueueUrl=current().dead_letter_queue_url, ReceiptHandle=letter["ReceiptHandle"]
            )
            done += 1
        else:
            told = _("%(function)s: not done: %(records)s", function=name, records=_named(event))
            click.echo(f"{letter['MessageId']}  {told}", err=True)
            left += 1
    if not dry_run:
        new = dead_letters()  # the new ones alone: those that failed are hidden for a while
        told = _(
            "%(done)s handed on, %(left)s not done, %(new)s set aside again",
            done=done,
            left=left,
            new=new,
        )
        click.echo(told)
        if left or new:
            context.exit(1)


def _letters(client: Any, began: float, hidden: int) -> Iterator[dict[str, Any]]:
    """Yield once each letter that was in the queue at `began` (milliseconds since the epoch).

    A letter that comes back meanwhile is left for the next run.
    """
    seen: set[str] = set()
    while True:
        answer = client.receive_message(
            QueueUrl=current().dead_letter_queue_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=hidden,
            AttributeNames=["SentTimestamp"],
        )
        found = []
        for each in answer.get("Messages", ()):
            if each["MessageId"] in seen or float(each["Attributes"]["SentTimestamp"]) > began:
                client.change_message_visibility(
                    QueueUrl=current().dead_letter_queue_url,
                    ReceiptHandle=each["ReceiptHandle"],
                    VisibilityTimeout=0,
                )
            else:
                found.append(each)
        if not found:
            return
        seen.update(each["MessageId"] for each in found)
        yield from found


def _job(body: dict[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return the function and its event; the event is None if the stream has lost the records."""
    if "record" in body:
        # Only an event of SNS's has this part; the other records are a stream's.
        function = "mail_feedback" if "Sns" in body["record"] else "deliver_messages"
        return function, {"Records": [body["record"]]}
    name = body["requestContext"]["functionArn"].split(":function:")[1].split(":")[0]
    function = name.removeprefix(config.prefix(current().stage)).lstrip("-") or "api_handler"
    if "requestPayload" in body:
        return function, body["requestPayload"]
    return function, _batch(body["DDBStreamBatchInfo"])


def _batch(told: dict[str, Any]) -> dict[str, Any] | None:
    """Return the event of a batch that a stream's mapping gave up, None if it is gone.

    The letter has only the place of its records, and the stream keeps them for a day.
    """
    streams: Any = boto3.client("dynamodbstreams")
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=told["streamArn"],
            ShardId=told["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=told["startSequenceNumber"],
        )["ShardIterator"]
    except (
        streams.exceptions.TrimmedDataAccessException,
        streams.exceptions.ResourceNotFoundException,
    ):
        return None
    records = streams.get_records(ShardIterator=iterator, Limit=told["batchSize"])["Records"]
    return {"Records": json.loads(json.dumps(records, default=str))}


def _succeeds(name: str, event: dict[str, Any]) -> bool:
    """Invoke the function and return whether it succeeded.

    It does so for a poison record, too: the function puts that into the queue again, as a new
    letter.
    """
    answer = boto3.client("lambda", config=_PATIENT).invoke(
        FunctionName=f"{config.prefix(current().stage)}-{name}", Payload=json.dumps(event).encode()
    )
    answer["Payload"].read()
    return "FunctionError" not in answer


def _named(event: dict[str, Any] | None) -> str:
    """Describe a letter by the keys of its records alone, without personal data."""
    if event is None:
        return _("its records have left the stream; the clock and the sweeper have done their work")
    keys = [
        record.get("dynamodb", {}).get("Keys", {}).get("pk", {}).get("S")
        for record in event.get("Records", ())
    ]
    return ", ".join(str(key) for key in keys if key) or ngettext(
        "%(num)s record without a key",
        "%(num)s records without a key",
        len(event.get("Records", ())),
    )
