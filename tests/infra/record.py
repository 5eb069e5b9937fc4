"""The calls of a deployer, as AWS authorises them.

`python -m tests.infra.record` plays the deployer's commands in an emulated account and writes
`tools/deployer_calls.json`, of which `make generated` makes the deployer's policies. Run both after
a change of what a command calls.
"""

import functools
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import botocore.session
import click
from click.testing import CliRunner
from ministack.core.iam_actions import extract_iam_action, extract_resource_arn

from infra import config, destroy
from infra.deploy import CHECK, RESOURCES, run
from local.emulator import REGION
from tests.infra.account import STAGE, Account, account
from tests.infra.answers import OPERATIONS, OURS
from tools import deployer_policy

ROOT = Path(__file__).parent.parent.parent
ACCOUNT = "000000000000"
DOMAIN = "firma.de"  # of the mails
HOST = "contact.firma.de"  # of the API
_SCOPE = re.compile(r"Credential=[^/]+/[0-9]+/[^/]+/([a-z0-9-]+)/aws4_request")

# Services that sign their calls by another name than their actions have.
_SIGNED_AS = {"monitoring": "cloudwatch"}

Right = tuple[str, str]  # an action, and the resource


def rights(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Iterator[Right]:
    """Yield the rights that AWS demands for a call: action and resource.

    A call without a signature is none of a deployer's.
    """
    low = {name.lower(): value for name, value in headers.items()}
    scope = _SCOPE.search(low.get("authorization", ""))
    if not scope:
        return
    service, split = scope[1], urlsplit(path)
    if service == "apigateway":  # its actions are HTTP's methods
        yield f"apigateway:{method}", f"arn:aws:apigateway:{REGION}::{_path(split.path)}"
        return
    if service == "s3":
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        given = (method, split.path, low, body, query)
        yield extract_iam_action(service, *given), extract_resource_arn(service, *given, "", "")
        return
    service = _SIGNED_AS.get(service, service)
    operation, asked = _asked(service, method, split.path, split.query, body, low)
    if service == "wafv2" and "ResourceArn" in asked:
        yield from _guarded(operation, asked)
        return
    yield f"{service}:{operation}", _resource(service, operation, asked)
    if "Role" in asked and service == "lambda":
        yield "iam:PassRole", asked["Role"]
    if asked.get("Tags") and operation == "CreateFunction":
        yield "lambda:TagResource", _resource(service, operation, asked)


def _guarded(operation: str, asked: Mapping[str, Any]) -> Iterator[Right]:
    """Yield the rights that AWS demands for a web ACL before an API: on both of them."""
    yield f"wafv2:{operation}", asked["ResourceArn"]
    if "WebACLArn" in asked:
        yield f"wafv2:{operation}", asked["WebACLArn"]
    if operation in ("AssociateWebACL", "DisassociateWebACL"):
        yield "apigateway:SetWebACL", asked["ResourceArn"]


def _path(path: str) -> str:
    return unquote(path.removeprefix("/v2")).rstrip("/")


def _asked(
    service: str, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """Return operation and parameters of a call in whatever protocol the service has."""
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2], json.loads(body)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        return form["Action"], form
    given = dict(parse_qsl(query)) | (json.loads(body) if body else {})
    for verb, pattern, operation in _routes("sesv2" if service == "ses" else service):
        if verb == method and (found := pattern.fullmatch(path.rstrip("/"))):
            return operation, given | {k: unquote(v) for k, v in found.groupdict().items()}
    raise LookupError(f"{service} has no {method} {path}")


@functools.cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Return method, path and name of a service's operations, those with most fixed parts first."""
    model = botocore.session.get_session().get_service_model(service)
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = http["requestUri"].partition("?")[0].rstrip("/")
        pattern = re.sub(r"\\\{(\w+)(\\\+)?\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        found.append((http["method"], re.compile(pattern), name, path.count("{")))
    return [each[:3] for each in sorted(found, key=lambda each: each[3])]


def _resource(service: str, operation: str, asked: Mapping[str, Any]) -> str:
    """Return the resource that AWS authorises a call for, as its reference of actions has it."""

    def arn(name: str, region: str = REGION) -> str:
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{name}"

    match service, asked:
        case "acm", {"CertificateArn": certificate}:
            return str(certificate)
        case "cloudwatch", _ if operation == "DescribeAlarms":
            return arn("alarm:*")
        case "sts" | "cloudwatch", _:
            return "*"
        case "wafv2", {"WebACLArn": acl}:
            return str(acl)
        case "wafv2", {"Name": name}:
            return arn(f"regional/webacl/{name}/*")
        case "lambda", {"UUID": mapping}:
            return arn(f"event-source-mapping:{mapping}")
        case "lambda", {"Resource": str(tagged)}:
            return tagged
        case "lambda", _ if operation.endswith(("EventSourceMapping", "EventSourceMappings")):
            return "*"
        case "lambda", {"FunctionName": str(name)}:
            return name if name.startswith("arn:") else arn(f"function:{name}")
        case "cloudformation", {"StackName": name}:
            return name if name.startswith("arn:") else arn(f"stack/{name}/*")
        case "iam", {"RoleName": name}:
            return arn(f"role/{name}", region="")
        case "events", {"Rule": name} | {"Name": name}:
            return arn(f"rule/{name}")
        case "sns", {"TopicArn": topic}:
            return str(topic)
        case "sns", {"SubscriptionArn": subscription}:
            return str(subscription).rpartition(":")[0]
        case "sqs", {"QueueUrl": url}:
            return arn(str(url).rpartition("/")[2])
        case "sqs", {"QueueName": name}:
            return arn(name)
        case "dynamodb", {"TableName": name}:
            return arn(f"table/{name}")
        case "logs", {"logGroupName": name}:
            return arn(f"log-group:{name}")
        case "secretsmanager", _ if operation == "DescribeSecret":
            # One that is not there has no suffix, and AWS says so only to who may look at it.
            return arn(f"secret:{config.prefix(STAGE)}-*")
        case "secretsmanager", {"SecretId": secret}:
            return secret if secret.startswith("arn:") else arn(f"secret:{secret}-xxxxxx")
        case "cognito-idp", {"UserPoolId": pool}:
            return arn(f"userpool/{pool}")
        case "ses", {"ConfigurationSetName": name}:
            return arn(f"configuration-set/{name}")
        case "ses", {"EmailIdentity": identity}:
            return arn(f"identity/{identity}")
    return "*"


def plain(resource: str) -> str:
    """Return the pattern of a resource and its like, with placeholders for what differs."""
    for pattern, placeholder in (
        (rf":{REGION}:", ":REGION:"),
        (rf"\b{ACCOUNT}\b", "ACCOUNT"),
        (rf"{config.prefix(STAGE)}\b", config.prefix("STAGE")),
        (rf"\b{re.escape(HOST)}\b", "HOST"),
        (rf"\b{re.escape(DOMAIN)}\b", "DOMAIN"),
        (r"::/tags/.*domainnames/HOST$", "::/tags/*domainnames*HOST"),  # encoded, at AWS
        (r"(::/(restapis|domainnames/HOST))/.+", r"\1/*"),
        (r"(?<=:event-source-mapping:).+", "*"),
        (r"(?<=:certificate/).+", "*"),
        (r"(?<=:userpool/).+", "*"),
        (r"(?<=:secret:)(.+)-\w{6}$", r"\1-??????"),
        (r"(:(stack|regional/webacl)/[^/]+/).+", r"\1*"),
        (r"(:log-group:/aws/\w+/customer-contact-STAGE)[\w-]*\*?$", r"\1*"),
        (r"^(arn:aws:s3:::[^/]+/).+", r"\1*"),
        (r"(?<!stack/)(?<!s3:::)(customer-contact-STAGE)-\w[\w-]*?(-\?{6}|$)", r"\1-*\2"),
    ):
        resource = re.sub(pattern, placeholder, resource)
    return resource


class Recorder:
    """The calls of each command, with placeholders for what differs."""

    def __init__(self) -> None:
        self.calls: dict[str, set[Right]] = defaultdict(set)
        self._command = ""

    def heard(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Note a call if a command runs."""
        if self._command:
            self.calls[self._command].update(
                (action, plain(resource))
                for action, resource in rights(method, path, body, headers)
            )

    @contextmanager
    def during(self, command: str) -> Iterator[None]:
        """Attribute calls to a command while entered."""
        self._command = command
        try:
            yield
        finally:
            self._command = ""

    def text(self) -> str:
        """Return what `tools/deployer_calls.json` has: action, resource, commands."""
        found: dict[Right, list[str]] = defaultdict(list)
        for command in sorted(self.calls):
            for right in self.calls[command]:
                found[right].append(command)
        lines = (json.dumps([*right, commands]) for right, commands in sorted(found.items()))
        return "[\n" + ",\n".join(lines) + "\n]\n"


def prepare(made: Account) -> None:
    """Give the stage everything that a company can configure, a domain of its own too."""
    certificate = made.client("acm").request_certificate(DomainName=HOST)["CertificateArn"]
    named = {"domain_name": HOST, "certificate_arn": certificate}
    operations = {**OPERATIONS, "waf_per_5_minutes": 1000}
    made.configure(
        environment_variables=OURS, operations=operations, api_gateway_custom_domain=named
    )


def _resources(made: Account) -> None:
    run(made.target, [CHECK, RESOURCES])


def _deploy(made: Account) -> None:
    made.deploy()


def _upgrade(made: Account) -> None:
    changed = {"log_days": 60, "waf_per_5_minutes": 2000}
    made.configure(operations=changed, environment_variables={"MAILS_A_DAY": "900"})
    _deploy(made)


def _rollback(made: Account) -> None:
    made.rollback()


def _destroy(made: Account) -> None:
    destroy.run(made.target, data=False)


def _destroy_data(made: Account) -> None:
    _typed(lambda: destroy.run(made.target, data=True), f"{STAGE}\n")


# Every command of a deployer's, from an empty account to an empty account.
COMMANDS: Mapping[str, Callable[[Account], None]] = {
    "resources": _resources,
    "deploy": _deploy,
    "upgrade": _upgrade,
    "rollback": _rollback,
    "destroy": _destroy,
    deployer_policy.WITH_DATA: _destroy_data,
}


def play(made: Account, recorder: Recorder, command: str) -> None:
    """Play a command and note its calls."""
    made.endpoint.heard = recorder.heard
    with recorder.during(command):
        COMMANDS[command](made)


def _typed(command: Callable[[], object], answer: str) -> None:
    """Run what asks at the terminal."""

    @click.command()
    def asking() -> None:
        command()

    done = CliRunner().invoke(asking, input=answer)
    assert done.exit_code == 0, done.output


def _main() -> None:
    recorder = Recorder()
    with tempfile.TemporaryDirectory() as folder, account(ROOT, Path(folder)) as made:
        prepare(made)
        for command in COMMANDS:
            play(made, recorder, command)
    deployer_policy.CALLS.write_text(recorder.text())


if __name__ == "__main__":
    _main()
