"""Who hears the alarms and the alerts: SNS drops what is not confirmed within two days."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra import resources
from infra.checks.parts import Blocks, Finding, Look, Step, code

_UNCONFIRMED = "PendingConfirmation"  # in the place of an ARN (API reference: Subscription)
_ENDED = "Deleted"
_SMALLEST = 1.0  # USD a month, which a new account may spend on SMS


def operators(look: Look) -> Iterator[Finding]:
    """Look at whether somebody hears the stage's alarms."""
    topic = look.arn("sns", f"{look.prefix}-operators")
    subscribed = _subscribed(look, topic)
    if subscribed is None:
        return  # the topic is made next
    mail = str(look.target.operations.get("alarm_mail", ""))
    for each in subscribed:
        if each["SubscriptionArn"] == _UNCONFIRMED:
            yield _unconfirmed(Step.RESOURCES, topic, each)
    heard = [each for each in subscribed if each["SubscriptionArn"] not in (_UNCONFIRMED, _ENDED)]
    live = {each["Endpoint"].casefold() for each in subscribed if each["SubscriptionArn"] != _ENDED}
    if mail and mail.casefold() not in live:
        if not _is_asked_for(look, mail):
            return  # the stack subscribes it next
        yield Finding(
            Step.RESOURCES,
            f"{mail} does not get the alarms any more: it was not confirmed within two days, or "
            "somebody, or a scanner of mails, pressed unsubscribe. CloudFormation does not make "
            f"it again: {_command(topic, 'email', mail)}, and press the link in SNS's mail",
            Blocks.NOTHING,
        )
    elif not heard and not live:
        yield Finding(
            Step.RESOURCES,
            f"nobody gets the alarms: set alarm_mail in operations, {look.where}, or subscribe "
            f"somebody to {topic}",
            Blocks.NOTHING,
        )


def _is_asked_for(look: Look, mail: str) -> bool:
    """Return whether the watching stack, as it was made last, has subscribed an address."""
    client = look.target.client("cloudformation")
    try:
        body = client.get_template(StackName=resources.names(look.stage)[1])["TemplateBody"]
    except client.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    made = body if isinstance(body, dict) else json.loads(body)
    asked = made["Resources"].get("OperatorsMail", {}).get("Properties", {}).get("Endpoint", "")
    return bool(str(asked).casefold() == mail.casefold())


def alerts(look: Look) -> Iterator[Finding]:
    """Look at whether somebody hears the hotline's alerts."""
    topic = look.arn("sns", f"{look.prefix}-alerts")
    subscribed = _subscribed(look, topic)
    if subscribed is None:
        return
    for each in subscribed:
        if each["SubscriptionArn"] == _UNCONFIRMED:
            yield _unconfirmed(Step.ALERTS, topic, each)
    if all(each["SubscriptionArn"] in (_UNCONFIRMED, _ENDED) for each in subscribed):
        yield Finding(
            Step.ALERTS,
            "no subscription to the hotline's alerts is confirmed; STAFF_MAIL alone is told: "
            f"{_command(topic, 'email', 'ADDRESS')}",
            Blocks.NOTHING,
        )


def sms(look: Look) -> Iterator[Finding]:
    """Look at what SNS sends by SMS, where somebody gets alerts so."""
    subscribed = _subscribed(look, look.arn("sns", f"{look.prefix}-alerts"))
    if not any(each["Protocol"] == "sms" for each in subscribed or ()):
        return
    client = look.target.client("sns")
    if client.get_sms_sandbox_account_status()["IsInSandbox"]:
        yield Finding(
            Step.ALERTS,
            "SNS's SMS are in a sandbox of their own, and only numbers verified there get any: "
            "SNS console, Text messaging, Exit SMS sandbox",
            Blocks.NOTHING,
        )
    limit = client.get_sms_attributes(attributes=["MonthlySpendLimit"])["attributes"]
    if float(limit.get("MonthlySpendLimit") or _SMALLEST) <= _SMALLEST:
        yield Finding(
            Step.ALERTS,
            "SNS spends 1 USD a month on SMS at most, some ten messages to Germany, and drops the "
            "rest: ask for more under Service Quotas, Amazon SNS, Account spend threshold, then "
            "set it in the SNS console, Text messaging",
            Blocks.NOTHING,
        )


def _subscribed(look: Look, topic: str) -> list[Mapping[str, Any]] | None:
    """Return a topic's subscriptions, None if there is no such topic; it is asked once."""

    def read() -> list[Mapping[str, Any]] | None:
        pages = look.target.client("sns").get_paginator("list_subscriptions_by_topic")
        try:
            return [
                each for page in pages.paginate(TopicArn=topic) for each in page["Subscriptions"]
            ]
        except ClientError as error:
            if code(error) in ("NotFound", "NotFoundException"):
                return None
            raise

    found: list[Mapping[str, Any]] | None = look.once(f"subscriptions {topic}", read)
    return found


def _unconfirmed(step: Step, topic: str, subscription: Mapping[str, Any]) -> Finding:
    protocol, endpoint = subscription["Protocol"], subscription["Endpoint"]
    return Finding(
        step,
        f"{endpoint} has not confirmed its subscription to {topic.rpartition(':')[2]}, and SNS "
        "drops it two days after its mail. That is sent again by "
        f"{_command(topic, protocol, endpoint)}",
        Blocks.NOTHING,
    )


def _command(topic: str, protocol: str, endpoint: str) -> str:
    return (
        f"`aws sns subscribe --topic-arn {topic} --protocol {protocol} "
        f"--notification-endpoint {endpoint}`"
    )
