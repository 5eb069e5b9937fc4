"""The gate in front of the emulator: what passes untouched, and what boto3 gets from the cloud."""

import asyncio
import itertools
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import ports
from local.aws import undelivered
from local.aws.gate import Event, Gate
from local.aws.refusal import Refusal
from local.cloud import Cloud
from local.emulator import Emulator
from local.mailbox import messages


class Echo:
    """An ASGI application that notes what it receives, and answers in three pieces."""

    def __init__(self) -> None:
        self.received: list[Event] = []

    async def __call__(self, scope: Event, receive: Any, send: Any) -> None:
        self.received.append(scope)
        if scope["type"] != "http":
            self.received.append(await receive())
            await send({"type": f"{scope['type']}.accept"})
            return
        while True:
            self.received.append(await receive())
            if not self.received[-1].get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for more in (True, True, False):
            await send({"type": "http.response.body", "body": b"x", "more_body": more})


def asked(echo: Echo, scope: Event, *events: Event) -> list[Event]:
    """Send events through a gate; return what comes out."""
    sent: list[Event] = []
    left = iter(events)

    async def receive() -> Event:
        return next(left)

    async def send(event: Event) -> None:
        sent.append(event)

    # In a thread of its own: a browser's test before may have left its loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, Gate(echo)(scope, receive, send)).result()
    return sent


def http(path: str, *headers: tuple[bytes, bytes]) -> Event:
    return {"type": "http", "method": "POST", "path": path, "headers": list(headers)}


PIECES: list[Event] = [
    {"type": "http.request", "body": b'{"TableName"', "more_body": True},
    {"type": "http.request", "body": b': "t"}', "more_body": False},
]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_request_passes(kind: str) -> None:
    echo = Echo()
    scope, event = {"type": kind, "path": "/_local/ses"}, {"type": f"{kind}.connect"}
    assert asked(echo, scope, event) == [{"type": f"{kind}.accept"}]
    assert echo.received[0] is scope
    assert echo.received[1] is event


@pytest.mark.parametrize(
    "scope",
    [
        http("/2015-03-31/functions/app/invocations"),
        http("/", (b"x-amz-target", b"DynamoDB_20120810.CreateTable")),
        http("/", (b"x-amz-target", b"DynamoDB_20120810.GetItem")),
    ],
    ids=["another service", "an operation without rules", "an operation with rules"],
)
def test_a_request_passes_in_its_pieces(scope: Event) -> None:
    echo = Echo()
    answer = asked(echo, scope, *PIECES)
    assert echo.received[0] is scope
    assert all(got is sent for got, sent in zip(echo.received[1:], PIECES, strict=True))
    assert [each["type"] for each in answer] == ["http.response.start"] + 3 * ["http.response.body"]
    assert [each.get("more_body") for each in answer[1:]] == [True, True, False]


def test_a_body_that_is_no_json_is_the_emulator_s_affair() -> None:
    echo = Echo()
    scope = http("/", (b"x-amz-target", b"DynamoDB_20120810.GetItem"))
    asked(echo, scope, {"type": "http.request", "body": b"{"})
    assert echo.received[1]["body"] == b"{"


class Account:
    """An AWS account of the test's own, whose domain SES has verified."""

    numbers = itertools.count(111122223333)
    sender = "noreply@shop.example"

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.number = cloud, str(next(self.numbers))
        self.ses = self.client("sesv2")
        self.client("ses").verify_domain_identity(Domain="shop.example")

    def client(self, service: str) -> Any:
        """Return a client that tries once: a rate that is used up would be tried again."""
        return boto3.client(
            service,
            region_name="eu-central-1",
            endpoint_url=self.cloud.aws,
            aws_access_key_id=self.number,
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def change(self, method: str = "PUT", **changes: Any) -> dict[str, Any]:
        url = f"{self.cloud.aws}/_local/ses?account={self.number}"
        request = urllib.request.Request(url, json.dumps(changes).encode(), method=method)
        with urllib.request.urlopen(request) as answer:
            changed: dict[str, Any] = json.load(answer)
        return changed

    def send(self, *to: str, sender: str = sender) -> str:
        """Send a mail and return its name."""
        content = {"Subject": {"Data": "Subject"}, "Body": {"Text": {"Data": "Text"}}}
        answer = self.ses.send_email(
            FromEmailAddress=sender,
            Destination={"ToAddresses": list(to)},
            Content={"Simple": content},
        )
        return str(answer["MessageId"])

    def refused(self, *to: str, **more: Any) -> tuple[str, str, int]:
        """Send a mail that is refused; return code, message and status."""
        with pytest.raises(ClientError) as caught:
            self.send(*to, **more)
        answer = caught.value.response
        error, status = answer["Error"], answer["ResponseMetadata"]["HTTPStatusCode"]
        return error["Code"], error["Message"], status


@pytest.fixture
def account(cloud: Cloud) -> Account:
    return Account(cloud)


def delivered(cloud: Cloud, address: str) -> list[messages.Message]:
    return [each for each in cloud.messages() if each["to"] == [address]]


def kept(cloud: Cloud, address: str) -> messages.Message:
    """Return the last message to an address that was not delivered."""
    return next(each for each in cloud.undelivered() if each["to"] == [address])


def test_a_mail_that_ses_refuses(cloud: Cloud, account: Account) -> None:
    said = "Domain contains illegal character"
    assert account.refused("refused@müller.example") == ("BadRequestException", said, 400)
    assert delivered(cloud, "refused@müller.example") == []
    mail = kept(cloud, "refused@müller.example")
    assert mail["undelivered"] == {"code": "BadRequestException", "message": said}
    assert (mail["kind"], mail["subject"], mail["text"]) == ("mail", "Subject", "Text")


def test_a_mail_that_the_emulator_refuses_itself(cloud: Cloud, account: Account) -> None:
    code, *_ = account.refused("nobody@example.org", sender="a@unverified.example")
    assert code == "MessageRejected"
    assert kept(cloud, "nobody@example.org")["undelivered"]["code"] == code


def publish(cloud: Cloud, topic: str, **more: Any) -> Any:
    """Publish an alert that is refused; return the error."""
    with pytest.raises(ClientError) as caught:
        cloud.client("sns").publish(**{"TopicArn": topic, "Message": "Text & more", **more})
    return caught.value.response["Error"]


def test_an_alert_that_sns_refuses(cloud: Cloud) -> None:
    topic = cloud.env["ALERTS_TOPIC_ARN"]
    level = {"level": {"DataType": "Number", "StringValue": "2"}}
    error = publish(cloud, topic, Subject="Rückruf", MessageAttributes=level)
    assert (error["Code"], error["Message"]) == ("InvalidParameter", "Invalid parameter: Subject")
    assert "Text & more" not in [each["text"] for each in cloud.messages()]
    alert = kept(cloud, topic)
    assert (alert["kind"], alert["subject"], alert["text"]) == ("alert", "Rückruf", "Text & more")
    assert (alert["from"], alert["attributes"]) == (topic.rpartition(":")[2], {"level": "2"})


def test_an_alert_with_a_body_per_protocol(cloud: Cloud) -> None:
    topic = cloud.env["ALERTS_TOPIC_ARN"]
    bodies = {"default": "for the others", "sms": "kurz", "https": "{}"}
    name = cloud.client("sns").publish(
        TopicArn=topic, Message=json.dumps(bodies), MessageStructure="json"
    )["MessageId"]
    (alert,) = [each for each in cloud.messages() if each["id"] == name]
    assert alert["text"] == "for the others"
    assert alert["bodies"] == {"sms": "kurz", "https": "{}"}
    less = json.dumps({"sms": "refused"})
    error = publish(cloud, topic, Message=less, MessageStructure="json")
    assert error["Message"].endswith("No default entry in JSON message body")
    assert (kept(cloud, topic)["text"], kept(cloud, topic)["bodies"]) == (less, {"sms": "refused"})


def test_an_alert_to_no_topic(cloud: Cloud) -> None:
    topic = f"{cloud.env['ALERTS_TOPIC_ARN']}-gone"
    assert publish(cloud, topic)["Code"] == "NotFound"
    assert kept(cloud, topic)["undelivered"]["code"] == "NotFound"


def test_a_message_whose_text_has_markup(cloud: Cloud) -> None:
    error = publish(
        cloud,
        cloud.env["ALERTS_TOPIC_ARN"],
        MessageAttributes={"a<b&c": {"DataType": "String", "StringValue": "x"}},
    )
    assert error["Message"] == "Invalid message attribute name 'a<b&c'."


def test_the_rate(account: Account) -> None:
    account.change(MaxSendRate=0.001)
    account.send("rate@example.org")
    assert account.refused("rate@example.org") == (
        "TooManyRequestsException",
        "Maximum sending rate exceeded.",
        429,
    )
    account.change("DELETE")
    account.send("rate@example.org")


def test_the_quota_and_a_pause(account: Account) -> None:
    account.change(Max24HourSend=1)
    account.send("quota@example.org")
    assert account.refused("quota@example.org")[0] == "LimitExceededException"
    account.change(Max24HourSend=-1)
    account.ses.put_account_sending_attributes(SendingEnabled=False)
    assert account.refused("quota@example.org")[0] == "SendingPausedException"


def test_the_account_that_ses_tells_of(account: Account) -> None:
    first = account.ses.get_account()
    assert first["SendQuota"] == {
        "MaxSendRate": 200,
        "Max24HourSend": 50_000,
        "SentLast24Hours": 0,
    }
    assert (first["SendingEnabled"], first["ProductionAccessEnabled"]) == (True, True)
    account.send("one@example.org", "two@example.org")
    account.change(MaxSendRate=14, SendingEnabled=False, ProductionAccessEnabled=False)
    then = account.ses.get_account()
    assert (then["SendQuota"]["MaxSendRate"], then["SendQuota"]["SentLast24Hours"]) == (14, 2)
    assert (then["SendingEnabled"], then["ProductionAccessEnabled"]) == (False, False)


def test_the_sandbox(account: Account) -> None:
    account.change(ProductionAccessEnabled=False)
    code, said, _ = account.refused("stranger@example.org")
    assert code == "MessageRejected"
    assert "stranger@example.org" in said


def test_accounts_are_apart(cloud: Cloud, account: Account) -> None:
    account.change(SendingEnabled=False)
    Account(cloud).send("apart@example.org")
    assert account.refused("apart@example.org")[0] == "SendingPausedException"


def test_the_account_of_the_functions(cloud: Cloud) -> None:
    try:
        assert cloud.ses_account(MaxSendRate=77)["SendQuota"]["MaxSendRate"] == 77
        assert cloud.client("sesv2").get_account()["SendQuota"]["MaxSendRate"] == 77
    finally:
        cloud.renew_ses_account()
    assert cloud.client("sesv2").get_account()["SendQuota"]["MaxSendRate"] == 200


def test_the_suppression_list_swallows(cloud: Cloud, account: Account) -> None:
    account.ses.put_suppressed_destination(EmailAddress="gone@example.org", Reason="BOUNCE")
    name = account.send("gone@example.org")
    assert name not in [each["id"] for each in cloud.messages()]
    why = kept(cloud, "gone@example.org")["undelivered"]
    assert why == {"code": None, "message": "on the account's suppression list"}
    account.send("Gone <GONE@example.org>", "here@example.org")
    assert len(delivered(cloud, "here@example.org")) == 1
    assert kept(cloud, "Gone <GONE@example.org>")["subject"] == "Subject"
    account.ses.delete_suppressed_destination(EmailAddress="gone@example.org")
    account.send("gone@example.org")
    assert len(delivered(cloud, "gone@example.org")) == 1


def test_the_suppression_list_s_calls(account: Account) -> None:
    ses = account.ses
    for number in range(3):
        ses.put_suppressed_destination(EmailAddress=f"{number}@example.org", Reason="COMPLAINT")
    pages = [ses.list_suppressed_destinations(PageSize=2)]
    pages.append(ses.list_suppressed_destinations(PageSize=2, NextToken=pages[0]["NextToken"]))
    listed = [each for page in pages for each in page["SuppressedDestinationSummaries"]]
    assert [each["EmailAddress"] for each in listed] == [f"{each}@example.org" for each in range(3)]
    found = ses.get_suppressed_destination(EmailAddress="1@example.org")["SuppressedDestination"]
    assert found["Reason"] == "COMPLAINT"
    assert found["LastUpdateTime"] == listed[1]["LastUpdateTime"]
    ses.delete_suppressed_destination(EmailAddress="1@example.org")
    for call in (ses.get_suppressed_destination, ses.delete_suppressed_destination):
        with pytest.raises(ses.exceptions.NotFoundException):
            call(EmailAddress="1@example.org")


@pytest.mark.usefixtures("slow")
def test_policies_hold_for_the_calls_that_the_gate_answers(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, ports.free(0, "emulator"), persist=False, auth=True)
    emulator.start()
    try:
        emulator.wait()
        iam = emulator.client("iam")
        iam.create_user(UserName="operator")
        made = iam.create_access_key(UserName="operator")["AccessKey"]
        ses = boto3.client(
            "sesv2",
            region_name="eu-central-1",
            endpoint_url=emulator.url,
            aws_access_key_id=made["AccessKeyId"],
            aws_secret_access_key=made["SecretAccessKey"],
        )

        def delete() -> str:
            with pytest.raises(ClientError) as caught:
                ses.delete_suppressed_destination(EmailAddress="erika@example.org")
            return str(caught.value.response["Error"]["Code"])

        assert delete() == "AccessDeniedException"
        statement = {
            "Effect": "Allow",
            "Action": "ses:DeleteSuppressedDestination",
            "Resource": "*",
        }
        iam.put_user_policy(
            UserName="operator",
            PolicyName="suppression",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        assert delete() == "NotFoundException"
    finally:
        emulator.stop()


def test_only_the_last_are_kept() -> None:
    log = undelivered.Undelivered()
    for number in range(undelivered.KEPT + 1):
        log.refused({"subject": number}, Refusal("Code", "message"))
    assert [each["subject"] for each in log.messages] == list(range(1, undelivered.KEPT + 1))
    assert len({each["id"] for each in log.messages}) == undelivered.KEPT


def test_the_mailbox_shows_both(cloud: Cloud, account: Account) -> None:
    account.send("delivered@example.org")
    account.refused("shown@müller.example")
    with urllib.request.urlopen(f"{cloud.mailbox}/messages") as answer:
        shown = {tuple(each["to"]): each for each in json.load(answer)["messages"]}
    assert shown[("shown@müller.example",)]["undelivered"]["code"] == "BadRequestException"
    assert "undelivered" not in shown[("delivered@example.org",)]
