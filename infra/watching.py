"""The second stack of a stage: its logs, what is measured in them, alarms, the dashboard.

Nothing here is called by the functions and nothing costs them time: metrics of our own are read off the log lines.
Each alarm has a section in docs/operations.md that says what to do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra import config
from infra.policies import RIGHTS as FUNCTIONS

SENDERS = ("deliver", "clock")
_PART = Path(__file__).parent


@dataclass(frozen=True)
class Measure:
    """A metric read off log lines: which lines of which functions, and the value a line stands for."""

    name: str
    pattern: str
    functions: Iterable[str]
    value: str = "1"


def _event(name: str) -> str:
    return f'{{ $.event = "{name}" }}'


MEASURES = (
    Measure("Exceptions", '{ $.level = "ERROR" }', tuple(each for each in FUNCTIONS if each != "rank")),
    Measure("Unavailable", _event("http.unavailable"), ("api_handler",)),
    Measure("Unclear", _event("message.unclear"), SENDERS),
    Measure("Failed", _event("message.failed"), SENDERS),
    Measure("Refused", _event("message.refused"), SENDERS, "$.attempts"),
    Measure("Capped", _event("mail.cap"), SENDERS),
    Measure("Ticks", _event("clock.ticked"), ("clock",)),
    Measure("Oldest", _event("clock.ticked"), ("clock",), "$.oldest"),
    Measure("Overlooked", _event("markers.overlooked"), ("sweep",), "$.found"),
    Measure("Foreign", _event("feedback.foreign_topic"), ("hear",)),
)


@dataclass(frozen=True)
class Alarm:
    """When somebody is told. Without a namespace the metric is one of ours; without data nothing is wrong."""

    name: str
    why: str
    metric: str
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5
    times: int = 1
    namespace: str = ""
    of: tuple[str, str] = ("", "")  # the metric's dimension, if it has one
    below: bool = False  # below the threshold, or no data, instead of reaching it


def alarms(stage: str) -> list[Alarm]:
    """Every alarm of a stage."""
    prefix = config.prefix(stage)
    found = [
        Alarm("exceptions", "A function met what nobody foresaw.", "Exceptions", 1),
        Alarm("unavailable", "Requests were answered 503: the tables or a secret did not answer.", "Unavailable", 5),
        Alarm("messages-overdue", "Messages wait for longer than ten minutes.", "Oldest", 600, "Maximum", times=2),
        Alarm("messages-refused", "SES or SNS refused a message for the sixth time.", "Refused", 6, "Maximum"),
        Alarm("messages-unclear", "SES or SNS did not answer: a message may have left or not.", "Unclear", 1),
        Alarm("messages-failed", "A message was given up.", "Failed", 1),
        Alarm("mail-cap", "The day's mails are used up: further ones wait for tomorrow.", "Capped", 1),
        Alarm("clock-silent", "The clock has not ticked for ten minutes.", "Ticks", 1, times=2, below=True),
        Alarm("views-overlooked", "Views were counted late: the stream did not tell of them.", "Overlooked", 1,
              minutes=60),
        Alarm("foreign-topic", "Somebody sent mail events that are not ours.", "Foreign", 1),
        Alarm("dead-letters", "Something could not be done and was set aside.", "ApproximateNumberOfMessagesVisible", 1,
              "Maximum", namespace="AWS/SQS", of=("QueueName", f"{prefix}-dead-letters")),
        Alarm("bounces", "More than 4 % of the mails come back; at 10 % AWS stops the account's mail.",
              "Reputation.BounceRate", 0.04, "Maximum", 60, namespace="AWS/SES", of=("ses:configuration-set", prefix)),
        Alarm("complaints", "More than 0.08 % of the readers complain; at 0.5 % AWS stops the account's mail.",
              "Reputation.ComplaintRate", 0.0008, "Maximum", 60, namespace="AWS/SES",
              of=("ses:configuration-set", prefix)),
        Alarm("throttled", "Functions of this account were throttled.", "Throttles", 10, namespace="AWS/Lambda"),
    ]  # fmt: skip
    for function in FUNCTIONS:
        of = ("FunctionName", function_name(stage, function))
        found.append(Alarm(f"errors-{function}".replace("_", "-"), f"The function {function} failed.", "Errors", 1,
                           namespace="AWS/Lambda", of=of))  # fmt: skip
        if any(thing.endswith("Stream") for thing in FUNCTIONS[function]):
            found.append(Alarm(f"behind-{function}", f"The function {function} is five minutes behind its stream.",
                               "IteratorAge", 300_000, "Maximum", namespace="AWS/Lambda", of=of))  # fmt: skip
    for table in ("contacts", "view-markers", "view-counts"):
        found.append(Alarm(f"throttled-{table}", f"The table {table} refused writes.", "WriteThrottleEvents", 10,
                           namespace="AWS/DynamoDB", of=("TableName", f"{prefix}-{table}")))  # fmt: skip
    return [each if each.namespace else replace(each, namespace=_namespace(stage)) for each in found]


def template(stage: str, mail: str = "", budget: int = 0, log_days: int = 30) -> dict[str, Any]:
    """The stack's template. `mail` gets the alarms, `budget` is in USD a month (0: none), logs are kept `log_days`."""
    resources = {**_logs(stage, log_days), **_measures(stage), **_topic(stage, mail, budget)}
    for each in alarms(stage):
        resources["Alarm" + _identifier(each.name)] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": _alarm(stage, each),
        }
    resources["Dashboard"] = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": config.prefix(stage), "DashboardBody": {"Fn::Sub": dashboard(stage)}},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"customer-contact: logs, alarms and dashboard of the stage {stage}",
        "Resources": resources,
    }


def dashboard(stage: str) -> str:
    """`infra/dashboard.json` for a stage; the region is left to CloudFormation."""
    return json.dumps(json.loads((_PART / "dashboard.json").read_text().replace("STAGE", stage)))


def function_name(stage: str, function: str) -> str:
    """A function's name as Chalice gives it."""
    return config.prefix(stage) if function == "api_handler" else f"{config.prefix(stage)}-{function}"


def _namespace(stage: str) -> str:
    return f"{config.APP}/{stage}"


def _identifier(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def _logs(stage: str, days: int) -> dict[str, Any]:
    return {
        f"Log{_identifier(each)}": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"LogGroupName": f"/aws/lambda/{function_name(stage, each)}", "RetentionInDays": days},
        }
        for each in FUNCTIONS
    }


def _measures(stage: str) -> dict[str, Any]:
    return {
        f"{each.name}Of{_identifier(function)}": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": f"Log{_identifier(function)}"},
                "FilterPattern": each.pattern,
                "MetricTransformations": [
                    {"MetricNamespace": _namespace(stage), "MetricName": each.name, "MetricValue": each.value}
                ],
            },
        }
        for each in MEASURES
        for function in each.functions
    }


def _topic(stage: str, mail: str, budget: int) -> dict[str, Any]:
    own = {"StringEquals": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}}}
    publishes = {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": "Operators"}, "Condition": own}
    services = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    document = {"Version": "2012-10-17", "Statement": [{**publishes, "Principal": {"Service": services}}]}
    found: dict[str, Any] = {
        "Operators": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{config.prefix(stage)}-operators"}},
        "OperatorsPolicy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Operators"}], "PolicyDocument": document},
        },
    }
    if mail:
        subscription = {"TopicArn": {"Ref": "Operators"}, "Protocol": "email", "Endpoint": mail}
        found["OperatorsMail"] = {"Type": "AWS::SNS::Subscription", "Properties": subscription}
    if budget:
        found["Budget"] = {"Type": "AWS::Budgets::Budget", "Properties": _budget(stage, budget)}
    return found


def _budget(stage: str, most: int) -> dict[str, Any]:
    def told(kind: str, percent: int) -> dict[str, Any]:
        notification = {"NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": percent}
        return {"Notification": notification,
                "Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "Operators"}}]}  # fmt: skip

    limit = {"Amount": most, "Unit": "USD"}
    named = {"BudgetName": config.prefix(stage), "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
    return {"Budget": named, "NotificationsWithSubscribers": [told("ACTUAL", 80), told("FORECASTED", 100)]}


def _alarm(stage: str, alarm: Alarm) -> Mapping[str, Any]:
    name, value = alarm.of
    return {
        "AlarmName": f"{config.prefix(stage)}-{alarm.name}",
        "AlarmDescription": f"{alarm.why} See docs/operations.md, alarm {alarm.name}.",
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "Dimensions": [{"Name": name, "Value": value}] if name else [],
        "Statistic": alarm.statistic,
        "Period": alarm.minutes * 60,
        "EvaluationPeriods": alarm.times,
        "Threshold": alarm.threshold,
        "ComparisonOperator": "LessThanThreshold" if alarm.below else "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "breaching" if alarm.below else "notBreaching",
        "AlarmActions": [{"Ref": "Operators"}],
        "OKActions": [{"Ref": "Operators"}],
    }
