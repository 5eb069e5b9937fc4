"""Redriving on the running local cloud: the function that failed gets its records again."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from chalicelib import instants
from local.cloud import Cloud
from tests.edge.test_gateway import call, eventually
from tests.ops.test_process import Operator


@pytest.fixture
def operator(root: Path, tmp_path: Path, cloud: Cloud) -> Operator:
    cloud.client("sqs").purge_queue(QueueUrl=cloud.env["DEAD_LETTER_QUEUE_URL"])
    return Operator(root, tmp_path, cloud)


def set_aside(cloud: Cloud, letter: dict[str, Any]) -> None:
    cloud.client("sqs").send_message(
        QueueUrl=cloud.env["DEAD_LETTER_QUEUE_URL"], MessageBody=json.dumps(letter)
    )


def letters(cloud: Cloud) -> int:
    names = ["ApproximateNumberOfMessages"]
    queue = {"QueueUrl": cloud.env["DEAD_LETTER_QUEUE_URL"], "AttributeNames": names}
    return int(cloud.client("sqs").get_queue_attributes(**queue)["Attributes"][names[0]])


def failed(cloud: Cloud, function: str, **what: Any) -> dict[str, Any]:
    """Return a dead letter as Lambda writes it."""
    arn = f"arn:aws:lambda:eu-central-1:000000000000:function:customer-contact-local-{function}"
    return {
        "version": "1.0",
        "requestContext": {"functionArn": arn, "condition": "RetriesExhausted"},
        **what,
    }


def told(cloud: Cloud, body: dict[str, Any]) -> dict[str, Any]:
    sns = {
        "TopicArn": cloud.env["MAIL_EVENTS_TOPIC_ARN"],
        "Message": json.dumps(body),
        "Subject": None,
    }
    return {"Records": [{"Sns": {**sns, "MessageAttributes": {}}}]}


def outbox(cloud: Cloud) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = cloud.client("dynamodb").scan(
        TableName=cloud.env["CONTACTS_TABLE"]
    )["Items"]
    return items


def test_a_lost_event_is_handled_after_all(operator: Operator, cloud: Cloud) -> None:
    email = f"bounces-{uuid.uuid4().hex[:8]}@example.org"
    call(cloud, "POST", "/newsletter/signups", {"email": email, "consent": "newsletter-de-1"})

    def subscriber() -> dict[str, Any]:
        return next(each for each in outbox(cloud) if each.get("email", {}).get("S") == email)

    eventually(lambda: [each for each in outbox(cloud) if each.get("email", {}).get("S") == email])
    key = subscriber()["pk"]["S"].removeprefix("SUB#")
    (message,) = eventually(
        lambda: [
            each
            for each in outbox(cloud)
            if key in each["pk"]["S"] and each.get("state") == {"S": "sent"}
        ]
    )
    at = instants.text(instants.now())
    mail = {"timestamp": at, "messageId": message["service_id"]["S"]}
    recipients = [{"emailAddress": email}]
    bounce = {"bounceType": "Permanent", "bouncedRecipients": recipients, "timestamp": at}
    event = told(cloud, {"eventType": "Bounce", "mail": mail, "bounce": bounce})
    set_aside(cloud, failed(cloud, "mail_feedback", requestPayload=event))
    listed = operator("redrive", "--dry-run")
    assert (listed.returncode, listed.stdout.count("mail_feedback: ")) == (0, 1)
    assert subscriber()["state"]["S"] == "pending"
    # The dry run has hidden the letter for a second.
    eventually(lambda: letters(cloud) == 1)
    done = operator("redrive")
    assert (done.returncode, done.stdout) == (0, "1 handed on, 0 not done, 0 set aside again\n")
    assert subscriber()["state"]["S"] == "bounced"


def test_what_is_still_poison_is_set_aside_again_and_what_fails_stays(
    operator: Operator, cloud: Cloud
) -> None:
    set_aside(cloud, {"record": {"eventName": "INSERT", "dynamodb": {"NewImage": {}}}})
    set_aside(cloud, failed(cloud, "mail_feedback", requestPayload={"Records": [{}]}))
    done = operator("redrive")
    assert (done.returncode, done.stdout) == (1, "1 handed on, 1 not done, 1 set aside again\n")
    assert "mail_feedback: not done: 1 record without a key" in done.stderr
    cloud.client("sqs").purge_queue(QueueUrl=cloud.env["DEAD_LETTER_QUEUE_URL"])


@pytest.mark.soak
def test_an_event_that_nobody_could_read_goes_back_to_the_function_that_set_it_aside(
    operator: Operator, cloud: Cloud
) -> None:
    event = told(cloud, {"eventType": "Bounce", "mail": {"messageId": "unknown"}})
    cloud.invoke("mail_feedback", event)
    eventually(lambda: letters(cloud) == 1)
    listed = operator("redrive", "--dry-run")
    assert listed.stdout.endswith("  mail_feedback: 1 record without a key\n")
    eventually(lambda: letters(cloud) == 1)
    done = operator("redrive")
    assert (done.returncode, done.stdout) == (1, "1 handed on, 0 not done, 1 set aside again\n")
    cloud.client("sqs").purge_queue(QueueUrl=cloud.env["DEAD_LETTER_QUEUE_URL"])


@pytest.mark.soak
def test_a_batch_is_read_from_the_stream_while_it_has_it(operator: Operator, cloud: Cloud) -> None:
    assert call(cloud, "POST", "/articles/redriven/views", "").status == 204
    streams, arn = cloud.client("dynamodbstreams"), cloud.env["VIEW_MARKERS_STREAM_ARN"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    first = shard["SequenceNumberRange"]["StartingSequenceNumber"]
    batch = {
        "streamArn": arn,
        "shardId": shard["ShardId"],
        "startSequenceNumber": first,
        "batchSize": 5,
    }
    set_aside(cloud, failed(cloud, "count_views", DDBStreamBatchInfo=batch))
    set_aside(
        cloud,
        failed(cloud, "count_views", DDBStreamBatchInfo={**batch, "streamArn": arn[:-4] + "gone"}),
    )
    done = operator("redrive")
    assert (done.returncode, done.stdout) == (1, "1 handed on, 1 not done, 0 set aside again\n")
    assert "its records have left the stream" in done.stderr
    assert eventually(lambda: call(cloud, "GET", "/articles/redriven/views").json["views"]) == 1
    cloud.client("sqs").purge_queue(QueueUrl=cloud.env["DEAD_LETTER_QUEUE_URL"])
