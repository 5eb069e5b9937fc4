"""What is in the account already under a name that the stacks are about to use.

A fixed name can be used once. What a failed creation or a destroyed stage has left, or somebody
made by hand, would stop CloudFormation in the middle, each time anew.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra import resources, watching
from infra.checks import mail, sizes
from infra.checks.parts import Blocks, Check, Finding, Look, Step, code

_NOT_OURS = ("DELETE_COMPLETE", "DELETE_SKIPPED")
_NO_SUCH = {
    "404",
    "NoSuchBucket",
    "NotFound",
    "NotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}


@dataclass(frozen=True)
class Kind:
    """A type of CloudFormation's whose names are taken once: how to ask for one, and delete it."""

    word: str
    exists: Callable[[Look, str], bool]
    delete: str  # the command, with `{name}` and `{arn}`


def _table(look: Look, name: str) -> bool:
    return bool(look.target.client("dynamodb").describe_table(TableName=name))


def _group(look: Look, name: str) -> bool:
    asked = look.target.client("logs").describe_log_groups(logGroupNamePrefix=name)
    return any(each["logGroupName"] == name for each in asked["logGroups"])


def _topic(look: Look, name: str) -> bool:
    return bool(look.target.client("sns").get_topic_attributes(TopicArn=look.arn("sns", name)))


def _queue(look: Look, name: str) -> bool:
    return bool(look.target.client("sqs").get_queue_url(QueueName=name))


def _bucket(look: Look, name: str) -> bool:
    return bool(look.target.client("s3").head_bucket(Bucket=name))


def _secret(look: Look, name: str) -> bool:
    return "DeletedDate" not in look.target.client("secretsmanager").describe_secret(SecretId=name)


def _configuration(look: Look, name: str) -> bool:
    client = look.target.client("sesv2")
    return bool(client.get_configuration_set(ConfigurationSetName=name))


def _sign_in_page(look: Look, name: str) -> bool:
    client = look.target.client("cognito-idp")
    return bool(client.describe_user_pool_domain(Domain=name).get("DomainDescription"))


KINDS: Mapping[str, Kind] = {
    "AWS::DynamoDB::Table": Kind(
        "table",
        _table,
        "aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled; "
        "aws dynamodb delete-table --table-name {name}",
    ),
    "AWS::Logs::LogGroup": Kind(
        "log group", _group, "aws logs delete-log-group --log-group-name {name}"
    ),
    "AWS::SNS::Topic": Kind("topic", _topic, "aws sns delete-topic --topic-arn {arn}"),
    "AWS::SQS::Queue": Kind("queue", _queue, "aws sqs delete-queue --queue-url {url}"),
    "AWS::S3::Bucket": Kind("bucket", _bucket, "aws s3api delete-bucket --bucket {name}"),
    "AWS::SecretsManager::Secret": Kind(
        "secret",
        _secret,
        "aws secretsmanager delete-secret --secret-id {name} --force-delete-without-recovery",
    ),
    "AWS::SES::ConfigurationSet": Kind(
        "configuration set",
        _configuration,
        "aws sesv2 delete-configuration-set --configuration-set-name {name}",
    ),
    "AWS::Cognito::UserPoolDomain": Kind(
        "sign-in page",
        _sign_in_page,
        "aws cognito-idp delete-user-pool-domain --domain {name} --user-pool-id POOL",
    ),
}


def checks() -> Iterator[Check]:
    """Yield a check for each type, so that one missing right leaves the others to be looked at."""
    yield Check(Step.RESOURCES, "the sender's identity", sender)
    for kind in KINDS:
        yield Check(Step.RESOURCES, f"{KINDS[kind].word}s of these names", _of(kind))
    yield Check(Step.RESOURCES, "secrets that are being deleted", deleted_secrets)
    yield Check(Step.RESOURCES, "user pools of this name", pools)


def _of(kind: str) -> Callable[[Look], Iterator[Finding]]:
    def findings(look: Look) -> Iterator[Finding]:
        for stack, name in _wanted(look, kind):
            if _is_there(look, kind, name):
                yield Finding(Step.RESOURCES, _left_over(look, kind, stack, name))

    return findings


def _is_there(look: Look, kind: str, name: str) -> bool:
    try:
        return KINDS[kind].exists(look, name)
    except ClientError as error:
        if code(error) in _NO_SUCH:
            return False
        if code(error) == "403":  # a bucket of somebody else's account; no other may have its name
            return True
        raise


def _left_over(look: Look, kind: str, stack: str, name: str) -> str:
    delete = KINDS[kind].delete.format(
        name=name,
        arn=look.arn("sns", name),
        url=f"https://sqs.{look.region}.amazonaws.com/{look.account}/{name}",
    )
    why = (
        "left by a creation that failed"
        if _failed(look, stack)
        else "left by a stage that was destroyed, or made by hand"
    )
    return (
        f"the {KINDS[kind].word} {name} is there and not of the stack {stack}, {why}: delete it "
        f"(`{delete}`), with all it has, or import it (docs/operations.md, What is left over)"
    )


def _wanted(look: Look, kind: str) -> Iterator[tuple[str, str]]:
    """Yield stack and name of each resource of a type that a stack has to make."""
    for stack, template in _templates(look).items():
        for logical, resource in template["Resources"].items():
            if resource["Type"] != kind or not _makes(look, resource.get("Condition")):
                continue
            name = sizes.named(look, resource)
            if name and logical not in _own(look, stack):
                yield stack, name


def _templates(look: Look) -> Mapping[str, Any]:
    first, second = resources.names(look.stage)
    return {
        first: json.loads(resources.template(look.target)),
        second: watching.template(look.stage),
    }


def _makes(look: Look, condition: str | None) -> bool:
    """Return whether a condition of infra/template.json holds; one that is unknown here does."""
    return {
        "MakesIdentity": bool(mail.mail_domain(look)),
        "MakesPool": bool(look.target.operations.get("user_pool")),
    }.get(condition or "", True)


def _own(look: Look, stack: str) -> set[str]:
    """Return the logical names of what a stack has; nothing of what it has kept from a deletion."""

    def read() -> set[str]:
        if _status(look, stack) is None:
            return set()
        pages = look.target.client("cloudformation").get_paginator("list_stack_resources")
        return {
            each["LogicalResourceId"]
            for page in pages.paginate(StackName=stack)
            for each in page["StackResourceSummaries"]
            if each["ResourceStatus"] not in _NOT_OURS
        }

    found: set[str] = look.once(f"resources {stack}", read)
    return found


def _status(look: Look, stack: str) -> str | None:
    """Return a stack's state, None if there is no such stack."""

    def read() -> str | None:
        client = look.target.client("cloudformation")
        try:
            (found,) = client.describe_stacks(StackName=stack)["Stacks"]
        except client.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        status = str(found["StackStatus"])
        return None if status == "DELETE_COMPLETE" else status

    status: str | None = look.once(f"stack {stack}", read)
    return status


def _failed(look: Look, stack: str) -> bool:
    return (_status(look, stack) or "").startswith("ROLLBACK_")


def sender(look: Look) -> Iterator[Finding]:
    """Look at whether the identity that the stack is to make is somebody else's."""
    (stack, _), name = resources.names(look.stage), mail.mail_domain(look)
    if not name or "MailIdentity" in _own(look, stack):
        return
    if mail.identity(look, name) is not None:
        yield Finding(
            Step.RESOURCES,
            f"SES has the identity {name} already, not of the stack {stack}, which could not make "
            f"it: leave mail_domain out of operations, {look.where}, and the stage uses it as it "
            "is; or import it (docs/operations.md, What is left over)",
        )


def deleted_secrets(look: Look) -> Iterator[Finding]:
    """Look at whether the stack's secrets wait for their deletion, which keeps their names."""
    client = look.target.client("secretsmanager")
    for stack, name in _wanted(look, "AWS::SecretsManager::Secret"):
        try:
            gone = client.describe_secret(SecretId=name).get("DeletedDate")
        except client.exceptions.ResourceNotFoundException:
            continue
        if gone:
            yield Finding(
                Step.RESOURCES,
                f"the secret {name} is being deleted, and until that is over {stack} cannot make "
                f"it: `aws secretsmanager restore-secret --secret-id {name}` and import it "
                "(docs/operations.md, What is left over) where its tables are kept, which nothing "
                "reads without it; else `aws secretsmanager delete-secret --secret-id "
                f"{name} --force-delete-without-recovery`",
            )


def pools(look: Look) -> Iterator[Finding]:
    """Look at whether there is a user pool of the same name: AWS would make a second one."""
    pages = look.target.client("cognito-idp").get_paginator("list_user_pools")
    for stack, name in _wanted(look, "AWS::Cognito::UserPool"):
        for page in pages.paginate(PaginationConfig={"PageSize": 60}):
            for each in page["UserPools"]:
                if each["Name"] == name:
                    yield Finding(
                        Step.RESOURCES,
                        f"there is a user pool {name} ({each['Id']}) that is not of the stack "
                        f"{stack}, which makes another of that name: import it "
                        "(docs/operations.md, What is left over) if it has the staff's accounts, "
                        "else delete it: `aws cognito-idp update-user-pool --user-pool-id "
                        f"{each['Id']} --deletion-protection INACTIVE; aws cognito-idp "
                        f"delete-user-pool --user-pool-id {each['Id']}`",
                        Blocks.NOTHING,
                    )
