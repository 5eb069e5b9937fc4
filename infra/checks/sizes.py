"""What AWS takes at most: of a function's environment, package, policy, and of a template."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from infra import config, policies, resources, stack, watching
from infra.checks.parts import Blocks, Finding, Look, Step

# Lambda's guide, Quotas: environment variables, of which it measures the JSON; the archive; what
# the archive unzips to.
ENVIRONMENT = 4 * 1024
ARCHIVE = 50 * 1024 * 1024
UNZIPPED = 250 * 1024 * 1024
# Lambda refuses a larger UpdateFunctionConfiguration as a whole (RequestEntityTooLargeException);
# the SDK writes a letter that is not ASCII with six.
REQUEST = 5120
_ELSE = 512  # for what such a request has beside the environment
TEMPLATE = 51_200  # CloudFormation's guide, Quotas: a template in the request
POLICY = 10_240  # IAM's guide, Quotas: all inline policies of a role, without white space
_TIME = "2026-01-01T00:00:00.000"
# What CloudFormation returns for a resource's `Ref`, or for the attribute that an output has.
# `{name}` is its name, and what AWS makes up is as long as AWS makes it.
_VALUES: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "{name}",
    "AWS::DynamoDB::Table.StreamArn": "arn:aws:dynamodb:{region}:{account}:table/{name}/stream/"
    + _TIME,
    "AWS::Logs::LogGroup": "{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:{region}:{account}:secret:{name}-abcdef",
    "AWS::SES::ConfigurationSet": "{name}",
    "AWS::Cognito::UserPool": "{region}_abcdefghi",
    "AWS::Cognito::UserPoolClient": 26 * "a",
}
_UNKNOWN = 120 * "a"  # of any other


def environments(look: Look) -> Iterator[Finding]:
    """Look at each function's environment, with the outputs that the stack will add to it."""
    own = config.functions(look.target.root, look.stage)
    whole = {**expected(look), **look.environment}
    told = set()
    for function in policies.RIGHTS:
        given = {**whole, **_own(own.get(function))}
        size = len(
            json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
        )
        asked = len(json.dumps({"Variables": given})) + _ELSE
        if size > ENVIRONMENT:
            fault = f"{size} bytes as JSON, and Lambda takes {ENVIRONMENT}"
        elif asked > REQUEST:
            fault = f"{asked - _ELSE} bytes in a request, and Lambda takes {REQUEST - _ELSE}"
        else:
            continue
        longest = sorted(given, key=lambda name: -len(json.dumps(given[name])))[:3]
        told.add(
            f"the functions' environment has {fault}: shorten the longest settings, "
            f"{', '.join(longest)} ({look.where})"
        )
    yield from (Finding(Step.SETTINGS, each) for each in sorted(told))


def _own(configured: Any) -> dict[str, Any]:
    """Return a function's own environment, empty if there is none that can be read."""
    found = configured.get("environment_variables") if isinstance(configured, dict) else None
    return found if isinstance(found, dict) else {}


def expected(look: Look) -> dict[str, str]:
    """Return the outputs that the resource stack will have, each as long as it will be."""
    template = json.loads(resources.template(look.target))
    return {
        stack.variable(name): _value(look, template["Resources"], output["Value"])
        for name, output in template["Outputs"].items()
    }


def _value(look: Look, made: Mapping[str, Any], value: Any) -> str:
    match value:
        case str() | {"Fn::Sub": _}:
            logical = ""
        case {"Ref": str(logical)}:
            value = _VALUES.get(made[logical]["Type"], _UNKNOWN) if logical in made else _UNKNOWN
        case {"Fn::GetAtt": [str(logical), attribute]}:
            value = _VALUES.get(f"{made[logical]['Type']}.{attribute}", _UNKNOWN)
        case _:
            return _UNKNOWN
    if not logical:
        return substituted(look, value).replace("${Staff}", f"{look.region}_abcdefghi")
    return str(value).format(
        name=named(look, made[logical]) if logical in made else "",
        region=look.region,
        account=look.account,
    )


# The property that names a resource of a type.
NAMES: Mapping[str, str] = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::SES::EmailIdentity": "EmailIdentity",
    "AWS::SES::ConfigurationSet": "Name",
    "AWS::Cognito::UserPool": "UserPoolName",
    "AWS::Cognito::UserPoolDomain": "Domain",
}


def named(look: Look, resource: Mapping[str, Any]) -> str:
    """Return the name that a template gives a resource, empty if it gives none."""
    written = resource.get("Properties", {}).get(NAMES.get(resource["Type"], ""), "")
    return substituted(look, written)


def substituted(look: Look, written: Any) -> str:
    """Return what CloudFormation makes of a text or `Fn::Sub` in a template."""
    text = written["Fn::Sub"] if isinstance(written, dict) and "Fn::Sub" in written else written
    if not isinstance(text, str):
        return ""
    for name, value in (
        ("Stage", look.stage),
        ("AWS::AccountId", look.account),
        ("AWS::Region", look.region),
        ("AWS::Partition", "aws"),
        ("AWS::URLSuffix", "amazonaws.com"),
    ):
        text = text.replace(f"${{{name}}}", value)
    return text


def package(look: Look) -> Iterator[Finding]:
    """Look at the newest package that Chalice made, if there is one. The next may be smaller."""
    made = sorted(
        (look.target.root / ".chalice" / "deployments").glob("*.zip"),
        key=lambda each: each.stat().st_mtime,
    )
    if not made:
        return
    packed = made[-1].stat().st_size
    if packed > ARCHIVE:
        yield Finding(
            Step.DEPLOY,
            f"the package {made[-1].name} has {packed / 1e6:.0f} MB, and Lambda takes "
            f"{ARCHIVE / 1e6:.0f}: take out of requirements.in what no function needs",
            Blocks.NOTHING,
        )
    try:
        with zipfile.ZipFile(made[-1]) as archive:
            unzipped = sum(each.file_size for each in archive.infolist())
    except zipfile.BadZipFile:
        return  # an interrupted one; the next deployment makes it anew
    if unzipped > UNZIPPED:
        yield Finding(
            Step.DEPLOY,
            f"the package {made[-1].name} unzips to {unzipped / 1e6:.0f} MB, and Lambda takes "
            f"{UNZIPPED / 1e6:.0f}: take out of requirements.in what no function needs",
            Blocks.NOTHING,
        )


def templates(look: Look) -> Iterator[Finding]:
    """Look at the templates of both stacks."""
    given = look.target.operations
    watched = watching.template(
        look.stage,
        str(given.get("alarm_mail", "")),
        given.get("budget", 0),
        given.get("log_days", 30),
    )
    for name, text in (
        ("infra/template.json", resources.template(look.target)),
        ("of infra/watching.py", json.dumps(watched)),
    ):
        size = len(text.encode())
        if size > TEMPLATE:
            yield Finding(
                Step.RESOURCES,
                f"the template {name} has {size} bytes, and CloudFormation takes {TEMPLATE} in a "
                "request: make it shorter",
            )


def documents(look: Look) -> Iterator[Finding]:
    """Look at the functions' policies."""
    sender = look.target.environment.get("MAIL_FROM")
    if not sender or not isinstance(sender, str):
        return  # it is told already, and the policies name its domain
    for function in policies.RIGHTS:
        document = policies.document(look.target.root, look.stage, function)
        size = len(json.dumps(document, separators=(",", ":")))
        if size > POLICY:
            yield Finding(
                Step.RESOURCES,
                f"the policy of {function} has {size} characters, and IAM takes {POLICY} of a "
                "role: shorten it in infra/policies.py",
            )
