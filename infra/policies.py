"""The IAM policy of each function on each stage: `.chalice/policy-<stage>-<function>.json`.

`make generated` writes the files of all stages and names them in `.chalice/config.json`;
`make resources` does so for its stage. Regions and accounts are `*`: a checked-in file cannot know
them, and a role has rights in its own account alone.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chalicelib import addresses
from infra import config

# Resources: service, then names in it, none for `*`. `{stage}` is the stage's prefix, `{sender}`
# the domain of MAIL_FROM in ASCII, `{log}` the function's name.
_THINGS = {
    "Contacts": ("dynamodb", "table/{stage}-contacts"),
    "Due": ("dynamodb", "table/{stage}-contacts/index/due"),
    "Board": ("dynamodb", "table/{stage}-contacts/index/board"),
    "Sent": ("dynamodb", "table/{stage}-contacts/index/sent"),
    "Listed": ("dynamodb", "table/{stage}-contacts/index/listed"),
    "ContactsStream": ("dynamodb", "table/{stage}-contacts/stream/*"),
    "Markers": ("dynamodb", "table/{stage}-view-markers"),
    "MarkersStream": ("dynamodb", "table/{stage}-view-markers/stream/*"),
    "Counts": ("dynamodb", "table/{stage}-view-counts"),
    "Days": ("dynamodb", "table/{stage}-view-counts/index/days"),
    "Identity": ("secretsmanager", "secret:{stage}-identity-??????"),
    "Tokens": ("secretsmanager", "secret:{stage}-tokens-??????"),
    "Provider": ("secretsmanager", "secret:{stage}-oidc-??????"),
    "Origin": ("secretsmanager", "secret:{stage}-origin-??????"),
    "Mails": ("ses", "identity/{sender}", "configuration-set/{stage}"),
    # In SES's sandbox it also asks for the right on the recipient's identity.
    "MailsInSandbox": ("ses", "identity/*", "configuration-set/{stage}"),
    "Account": ("ses",),  # AWS knows no resource for what concerns the account
    "SuppressionList": ("ses",),
    "Alerts": ("sns", "{stage}-alerts"),
    "DomainEvents": ("sns", "{stage}-domain-events"),
    "Operators": ("sns", "{stage}-operators"),
    "Outbox": ("sqs", "{stage}-outbox"),
    "SenderQueue": ("sqs", "{stage}-outbox"),  # as Lambda reads it for the senders
    "DeadLetters": ("sqs", "{stage}-dead-letters"),
    "Heads": ("logs", "log-group:{stage}-heads:*"),
    "Log": ("logs", "log-group:/aws/lambda/{log}:*"),
}
# Lambda itself uses these rights of a function's role, and the right to send to the dead letters
# what `mail_feedback` and `count_views` failed to do; `mail_feedback` sends there itself, too. The
# watching stack makes the log groups, so that no function needs the right to.
_READS_STREAM = "DescribeStream GetRecords GetShardIterator ListStreams"
_READS_QUEUE = "DeleteMessage GetQueueAttributes ReceiveMessage"
_WRITES_LOG = {"Log": "CreateLogStream PutLogEvents"}
# The rights of the functions that take intakes in and send messages.
_SENDS = {
    "Contacts": "BatchGetItem DeleteItem GetItem PutItem Query UpdateItem",
    "Board": "Query",
    "Identity": "GetSecretValue",
    "Tokens": "GetSecretValue",
    "Mails": "SendEmail",
    "SuppressionList": "DeleteSuppressedDestination",
    "Alerts": "Publish",
}
# Seconds that a function may run where the stage's time limit is too short for it. Mails take up to
# 11 seconds each, and the outbox's lease is longer than any of these.
TIMEOUTS: Mapping[str, int] = {
    "deliver_messages": 60,
    "send_messages": 80,
    "clock": 55,
    "rank_articles": 55,
    "read_feed": 90,
}
# Megabytes of a function that needs more of a processor than the others, which comes with them.
MEMORY: Mapping[str, int] = {"rank_articles": 1024}
RIGHTS: Mapping[str, Mapping[str, str]] = {
    "api_handler": {
        "Contacts": "BatchGetItem DeleteItem GetItem PutItem Query Scan UpdateItem",
        "Board": "Query",
        "Listed": "Query",
        "Markers": "GetItem PutItem",
        "Counts": "BatchGetItem DeleteItem GetItem PutItem Query UpdateItem",
        "Days": "Query",
        "Identity": "GetSecretValue",
        "Tokens": "GetSecretValue",
        "Provider": "GetSecretValue",
        "Origin": "GetSecretValue",
        "SuppressionList": "DeleteSuppressedDestination",
    },
    "deliver_messages": {**_SENDS, "ContactsStream": _READS_STREAM, "DeadLetters": "SendMessage"},
    "mail_feedback": {
        "Contacts": "GetItem PutItem Query UpdateItem",
        "Sent": "Query",
        "Identity": "GetSecretValue",
        "DeadLetters": "SendMessage",
    },
    "count_views": {
        "Markers": "UpdateItem",
        "Counts": "UpdateItem",
        "MarkersStream": _READS_STREAM,
        "DeadLetters": "SendMessage",
    },
    "send_messages": {**_SENDS, "DomainEvents": "Publish", "SenderQueue": _READS_QUEUE},
    "clock": {
        **_SENDS,
        "Alerts": "GetTopicAttributes Publish",
        "Operators": "GetTopicAttributes",
        "DomainEvents": "Publish",
        "Due": "Query",
        "Account": "GetAccount",
        "Outbox": "SendMessage",
        "Heads": "CreateLogStream PutLogEvents",
    },
    "sweep_views": {
        "Markers": "DeleteItem Scan UpdateItem",
        "Counts": "GetItem PutItem UpdateItem",
    },
    "rank_articles": {"Counts": "BatchGetItem DeleteItem GetItem PutItem Query", "Days": "Query"},
    "read_feed": {"Counts": "BatchGetItem GetItem PutItem UpdateItem"},
}


def document(root: Path, stage: str, function: str) -> dict[str, Any]:
    """Return the policy document of a function on a stage."""
    names = {
        "stage": config.prefix(stage),
        "sender": addresses.sending_domain(config.environment(root, stage)["MAIL_FROM"]),
        "log": config.function_name(stage, function),
    }
    sandbox = config.operations(root, stage).get("sandbox", False)
    statements = [
        _statement("MailsInSandbox" if sandbox and thing == "Mails" else thing, does, names)
        for thing, does in {**RIGHTS[function], **_WRITES_LOG}.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(thing: str, does: str, names: Mapping[str, str]) -> dict[str, Any]:
    service, *things = _THINGS[thing]
    return {
        "Sid": thing,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in does.split()],
        "Resource": [f"arn:aws:{service}:*:*:{each.format(**names)}" for each in things] or ["*"],
    }


def files(root: Path, stage: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each policy of a stage."""
    for function in RIGHTS:
        yield (
            root / ".chalice" / _name(stage, function),
            json.dumps(document(root, stage, function), indent=2) + "\n",
        )


def write(root: Path, stage: str) -> None:
    """Write a stage's policy files, and name them in the stage's configuration."""
    for path, text in files(root, stage):
        path.write_text(text)
    functions = {
        each: {"iam_policy_file": _name(stage, each)}
        | ({"lambda_timeout": TIMEOUTS[each]} if each in TIMEOUTS else {})
        | ({"lambda_memory_size": MEMORY[each]} if each in MEMORY else {})
        for each in RIGHTS
    }
    config.change(root, stage, "lambda_functions", functions)


def _name(stage: str, function: str) -> str:
    return f"policy-{stage}-{function}.json"
