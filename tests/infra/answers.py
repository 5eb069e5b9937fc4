"""An AWS account that answers at botocore's events, as AWS documents, and remembers its calls."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidator

from infra.checks.company import FOLDER as COMPANY
from infra.target import Target

ACCOUNT, REGION = "123456789012", "eu-central-1"


@dataclass(frozen=True)
class Refusal:
    """An error of AWS's."""

    code: str
    message: str = "as the test wants it"
    status: int = 400


Answer = Mapping[str, Any] | Refusal | Exception
_NONE = Refusal("ResourceNotFoundException", status=404)


def denied(right: str) -> Refusal:
    """Return AWS's answer to somebody who lacks a right."""
    return Refusal(
        "AccessDeniedException",
        f"User: arn:aws:iam::{ACCOUNT}:user/eva is not authorized to perform: {right} on resource",
        403,
    )


def no_stack(given: Mapping[str, Any]) -> Answer:
    """Say that there is no such stack."""
    return Refusal("ValidationError", f"Stack with id {given['StackName']} does not exist")


# What AWS answers in an account that is new.
EMPTY: Mapping[str, Answer | Callable[[Mapping[str, Any]], Answer]] = {
    "sts.GetCallerIdentity": {"Account": ACCOUNT, "UserId": "A", "Arn": f"arn:aws:iam::{ACCOUNT}"},
    "cloudformation.DescribeStacks": no_stack,
    "cloudformation.GetTemplate": no_stack,
    "dynamodb.DescribeTable": _NONE,
    "logs.DescribeLogGroups": {"logGroups": []},
    "sns.GetTopicAttributes": Refusal("NotFound", "Topic does not exist", 404),
    "sns.ListSubscriptionsByTopic": Refusal("NotFound", "Topic does not exist", 404),
    "sqs.GetQueueUrl": Refusal("AWS.SimpleQueueService.NonExistentQueue"),
    "s3.HeadBucket": Refusal("404", "Not Found", 404),
    "secretsmanager.DescribeSecret": _NONE,
    "sesv2.GetConfigurationSet": Refusal("NotFoundException", status=404),
    "sesv2.GetEmailIdentity": Refusal("NotFoundException", status=404),
    "sesv2.GetAccount": {
        "ProductionAccessEnabled": False,
        "SendingEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 0.0},
    },
    "cognito-idp.DescribeUserPoolDomain": {"DomainDescription": {}},
    "cognito-idp.ListUserPools": {"UserPools": []},
    "lambda.GetPolicy": _NONE,
    "lambda.GetFunctionConcurrency": _NONE,
    "lambda.GetAccountSettings": {
        "AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    },
    "apigateway.GetAccount": {"throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0}},
}
# What differs in an account with production access and room.
READY: Mapping[str, Answer | Callable[[Mapping[str, Any]], Answer]] = {
    **EMPTY,
    "sesv2.GetAccount": {
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 0.0},
    },
    "lambda.GetAccountSettings": {
        "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    },
}


class Session(boto3.Session):  # type: ignore[misc]  # boto3 ships no annotations
    """A session that makes each client once, since making one takes a tenth of a second."""

    def client(self, service_name: str, **given: Any) -> Any:
        """Return the client of a service."""
        return self._client(service_name, **given)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._client = cache(super().client)


class Aws:
    """The account; `answers` may be changed at any time, by service and operation."""

    def __init__(self) -> None:
        self.answers = dict(EMPTY)
        self.calls: list[str] = []  # service and operation
        self.session = Session("AKIDEXAMPLE", "secret", region_name=REGION)
        self.session.events.register("before-parameter-build", self._given)
        self.session.events.register("before-call", self._answer)

    def _given(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["given"] = dict(params)

    def _answer(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        """Answer in the place of the network. The answer has to fit AWS's model."""
        service = {"Simple Email Service": "ses"}.get(
            model.service_model.service_id, model.service_model.endpoint_prefix
        )
        name = f"{_NAMES.get(service, service)}.{model.name}"
        self.calls.append(name)
        answer = self.answers[name]
        if callable(answer):
            answer = answer(context.get("given", {}))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Refusal):
            error = {"Code": answer.code, "Message": answer.message}
            return AWSResponse("", answer.status, {}, None), {"Error": error}
        faults = ParamValidator().validate(answer, model.output_shape)
        assert not faults.has_errors(), faults.generate_report()
        return AWSResponse("", 200, {}, None), dict(answer)


# The prefix of a service's endpoint, where boto3 calls it otherwise.
_NAMES = {"email": "sesv2", "queue.amazonaws.com": "sqs"}


# What a company writes into .chalice/config.json.
OURS = {
    "MAIL_FROM": "Firma <post@firma.de>",
    "STAFF_MAIL": "beratung@firma.de",
    "BASE_URL": "https://contact.firma.de",
    "SITE_URL": "https://www.firma.de",
    "SITE_ORIGINS": "https://www.firma.de",
}
OPERATIONS = {"mail_domain": "firma.de", "alarm_mail": "ops@firma.de", "user_pool": True}


class Project:
    """A folder with what the checks read of the project, configured by a company."""

    def __init__(self, root: Path, folder: Path, stage: str) -> None:
        self.root, self.stage, self.today = folder, stage, date(2026, 11, 26)
        shutil.copytree(root / COMPANY, folder / COMPANY)
        (folder / "infra").mkdir()
        shutil.copy(root / "infra" / "template.json", folder / "infra")
        (folder / ".chalice").mkdir()
        shutil.copy(root / ".chalice" / "config.json", folder / ".chalice")
        self.configure(environment_variables=OURS, operations=OPERATIONS)

    def configure(self, **changes: Mapping[str, Any]) -> None:
        """Change parts of the stage's configuration; a value None takes an entry out."""
        path = self.root / ".chalice" / "config.json"
        whole = json.loads(path.read_text())
        for name, values in changes.items():
            part = whole["stages"][self.stage].setdefault(name, {})
            part.update(values)
            for key in [key for key, value in part.items() if value is None]:
                del part[key]
        path.write_text(json.dumps(whole))

    def recorded(self, *resources: Mapping[str, Any]) -> None:
        """Write Chalice's record of a deployment."""
        folder = self.root / ".chalice" / "deployed"
        folder.mkdir(exist_ok=True)
        (folder / f"{self.stage}.json").write_text(json.dumps({"resources": resources}))

    @property
    def target(self) -> Target:
        """Return a new target, as each command makes its own."""
        return Target(self.root, self.stage, self.today)
