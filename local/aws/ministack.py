"""The few things of MiniStack's own that the gate reads or changes."""

import contextvars
import json
import threading
from collections.abc import Container, Iterable
from datetime import UTC, datetime
from typing import Any

from ministack.core import responses
from ministack.services import (
    cloudwatch,
    cloudwatch_logs,
    dynamodb,
    eventbridge,
    ses,
    ses_v2,
    sns,
)
from ministack.services.cloudformation import provisioners

from local.aws import metrics, simulator
from local.aws.simulator import Sent


def enter_account(access_key: str) -> str:
    """Return the account that an access key belongs to; the calls below are then about it."""
    responses.set_request_account_id(access_key)
    return str(responses.get_account_id())


def production_access(enabled: bool | None = None) -> bool:
    """Return whether the account is out of SES's sandbox, after changing that if asked to."""
    account: dict[str, Any] = dict(ses._account_details.get("account") or {})
    if enabled is not None:
        account["ProductionAccessEnabled"] = enabled
        ses._account_details["account"] = account
    return bool(account.get("ProductionAccessEnabled", True))


def forget_mails() -> None:
    """Forget the mails that were sent, of every account."""
    ses._sent_emails.clear()


def play(name: str, asked: dict[str, Any]) -> None:
    """Tell what becomes of a mail to SES's simulator, as its configuration set says, beside us."""
    sent = Sent(asked, name, responses.get_account_id(), responses.get_region(), datetime.now(UTC))
    told = list(simulator.events(sent))
    destinations = _destinations(str(asked.get("ConfigurationSetName") or ""))
    if told and destinations:
        # SNS calls functions, and those call us: this must not wait for them.
        context = contextvars.copy_context()
        threading.Thread(
            target=context.run, args=(_publish, destinations, told), daemon=True
        ).start()


def _destinations(configuration_set: str) -> list[dict[str, Any]]:
    found = (ses_v2._config_sets.get(configuration_set) or {}).get("EventDestinations") or {}
    return [each for each in found.values() if each["Enabled"] and "SnsDestination" in each]


def _publish(destinations: Iterable[dict[str, Any]], told: Iterable[dict[str, Any]]) -> None:
    for event in told:
        for each in destinations:
            if event["eventType"].upper() in each["MatchingEventTypes"]:
                topic, name = each["SnsDestination"]["TopicArn"], responses.new_uuid()
                sns._fanout(topic, name, json.dumps(event), "Amazon SES Email Event Notification")


def complete_notices() -> None:
    """Give a notice that SNS calls a function with the member that AWS never leaves out."""
    deliver = sns._deliver_to_lambda

    def delivered(endpoint: str, envelope: str, *more: Any) -> None:
        whole = {"MessageAttributes": {}, **json.loads(envelope)}
        deliver(endpoint, json.dumps(whole), *more)

    sns._deliver_to_lambda = delivered


def keep_backups() -> None:
    """Have the point-in-time recovery that a template gives to a table, which MiniStack ignores."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
    create = handlers["create"]

    def created(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        made = create(logical_id, properties, stack)
        wanted = properties.get("PointInTimeRecoverySpecification") or {}
        enabled = str(wanted.get("PointInTimeRecoveryEnabled")).lower() == "true"
        dynamodb._pitr_settings[made[0]] = enabled
        return made

    handlers["create"] = created


def publish_dkim(domain: str) -> None:
    """Let SES find the DNS records by which it signs the mails of a domain."""
    # SES's first API keeps its identities apart; this one is new to the second.
    new = {"IdentityType": "DOMAIN", "VerifiedForSendingStatus": True}
    identity: dict[str, Any] = ses_v2._identities.get(domain) or new
    found = {**(identity.get("DkimAttributes") or {}), "Status": "SUCCESS", "SigningEnabled": True}
    ses_v2._identities[domain] = {**identity, "DkimAttributes": found}


def read_metrics() -> None:
    """Count every log line by the metric filters of its group, which MiniStack only keeps."""
    append = cloudwatch_logs._append_log_events

    def appended(stream: dict[str, Any], events: list[dict[str, Any]]) -> None:
        append(stream, events)
        if not cloudwatch_logs._metric_filters:
            return
        group = _group(stream)
        filters = [each for key, each in cloudwatch_logs._metric_filters.items() if key[0] == group]
        for event in events:
            for namespace, name, value in metrics.of(event["message"], filters):
                cloudwatch.record_metric(namespace, name, value)

    cloudwatch_logs._append_log_events = appended


def _group(stream: dict[str, Any]) -> str | None:
    groups = cloudwatch_logs._log_groups.items()
    return next(
        (name for name, group in groups if any(stream is s for s in group["streams"].values())),
        None,
    )


_seconds = eventbridge._parse_rate_seconds


def hasten(minute: float) -> None:
    """Let a minute of the schedules take as many seconds."""

    def hastened(expression: str) -> float | None:
        found = _seconds(expression)
        return None if found is None else found / 60 * minute

    eventbridge._parse_rate_seconds = hastened
    eventbridge._SCHEDULER_TICK_INTERVAL = min(10, minute / 4)  # seconds between its looks


def withdraw(name: str, recipients: Container[str]) -> None:
    """Take recipients off a mail that was sent under this name, and the mail if nobody is left."""
    sent: list[dict[str, Any]] = ses._sent_emails_list()
    mail = next((each for each in reversed(sent) if each["MessageId"] == name), None)
    if mail is None:
        return
    for kind in ("To", "CC", "BCC"):
        mail[kind] = [each for each in mail[kind] if each not in recipients]
    if not (mail["To"] or mail["CC"] or mail["BCC"]):
        sent.remove(mail)
