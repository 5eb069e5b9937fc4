"""The watching stack of a stage: its logs, the metrics read off them, alarms, the dashboard.

The functions call none of it, and it costs them no time: CloudWatch reads metrics off log lines.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra import access_log, config
from infra.alarms import GATEWAY, MEASURES, Alarm, alarms, namespace
from infra.policies import RIGHTS as FUNCTIONS

_PART = Path(__file__).parent


def template(
    stage: str,
    mail: str = "",
    budget: int = 0,
    log_days: int = 30,
    operations: Mapping[str, Any] | None = None,
    serving: bool = True,
) -> dict[str, Any]:
    """Return the stack's template.

    `mail` gets the alarms, `budget` is in USD a month (0: none), logs are kept for `log_days`.
    `operations` has the settings of `infra.purse`. Before a stage is `serving`, nothing has to
    happen, so there is no alarm for what does not.
    """
    resources = {
        **_logs(stage, log_days),
        **_gateways_right(),
        **_measures(stage),
        **_topic(stage, mail, budget),
    }
    for each in alarms(stage, operations or {}):
        if each.below and not serving:
            continue
        resources["Alarm" + _identifier(each.name)] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": _alarm(stage, each),
        }
    resources["Dashboard"] = {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {
            "DashboardName": config.prefix(stage),
            "DashboardBody": {"Fn::Sub": dashboard(stage)},
        },
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"customer-contact: logs, alarms and dashboard of the stage {stage}",
        "Resources": resources,
        "Outputs": {"OperatorsTopicArn": {"Value": {"Ref": "Operators"}}},
    }


def dashboard(stage: str) -> str:
    """Return `infra/dashboard.json` for a stage; CloudFormation fills in the region."""
    return json.dumps(json.loads((_PART / "dashboard.json").read_text().replace("STAGE", stage)))


def _identifier(name: str) -> str:
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def _logs(stage: str, days: int) -> dict[str, Any]:
    names = {each: f"/aws/lambda/{config.function_name(stage, each)}" for each in FUNCTIONS}
    return {
        f"Log{_identifier(each)}": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"LogGroupName": name, "RetentionInDays": days},
        }
        for each, name in {**names, GATEWAY: access_log.group(stage)}.items()
    }


def _gateways_right() -> dict[str, Any]:
    """Let API Gateway write logs, which is a setting of the whole account.

    The role stays where a stage goes, since another stage's API may use it.
    """
    assumed = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    managed = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    role = {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [assumed]},
        "ManagedPolicyArns": [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::aws:policy/{managed}"}],
    }
    return {
        "GatewayWrites": {
            "Type": "AWS::IAM::Role",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": role,
        },
        "GatewayAccount": {
            "Type": "AWS::ApiGateway::Account",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {"CloudWatchRoleArn": {"Fn::GetAtt": ["GatewayWrites", "Arn"]}},
        },
    }


def _measures(stage: str) -> dict[str, Any]:
    return {
        f"{each.name}Of{_identifier(function)}": {
            "Type": "AWS::Logs::MetricFilter",
            "Properties": {
                "LogGroupName": {"Ref": f"Log{_identifier(function)}"},
                "FilterPattern": each.pattern,
                "MetricTransformations": [
                    {
                        "MetricNamespace": namespace(stage),
                        "MetricName": each.name,
                        "MetricValue": each.value,
                    }
                ],
            },
        }
        for each in MEASURES
        for function in each.functions
    }


def _topic(stage: str, mail: str, budget: int) -> dict[str, Any]:
    own = {"StringEquals": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}}}
    publishes = {
        "Effect": "Allow",
        "Action": "sns:Publish",
        "Resource": {"Ref": "Operators"},
        "Condition": own,
    }
    services = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]
    document = {
        "Version": "2012-10-17",
        "Statement": [{**publishes, "Principal": {"Service": services}}],
    }
    found: dict[str, Any] = {
        "Operators": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": f"{config.prefix(stage)}-operators"},
        },
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
    def notification(kind: str, percent: int) -> dict[str, Any]:
        condition = {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": percent,
        }
        return {
            "Notification": condition,
            "Subscribers": [{"SubscriptionType": "SNS", "Address": {"Ref": "Operators"}}],
        }

    limit = {"Amount": most, "Unit": "USD"}
    named = {
        "BudgetName": config.prefix(stage),
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
        "BudgetLimit": limit,
    }
    return {
        "Budget": named,
        "NotificationsWithSubscribers": [
            notification("ACTUAL", 80),
            notification("FORECASTED", 100),
        ],
    }


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
        "ComparisonOperator": "LessThanThreshold"
        if alarm.below
        else "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "breaching" if alarm.below else "notBreaching",
        "AlarmActions": [{"Ref": "Operators"}],
        "OKActions": [{"Ref": "Operators"}],
    }
