"""What an account lacks is named in the guide's order, before anything is changed in it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import EndpointConnectionError

from infra import policies, resources, triggers, watching
from infra.checks import CHECKS, check, findings, names, ready, sizes
from infra.checks.parts import Blocks, Finding, Step
from infra.runtime import LOCK
from infra.target import NotDone
from tests.infra.answers import (
    ACCOUNT,
    EMPTY,
    READY,
    REGION,
    Answer,
    Aws,
    Project,
    Refusal,
    denied,
    no_stack,
)

PREFIX = "customer-contact-prod"
STACK = f"{PREFIX}-resources"
ALERTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-alerts"
OPERATORS = f"arn:aws:sns:{REGION}:{ACCOUNT}:{PREFIX}-operators"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0"
READING = re.compile(r"[\w-]+\.(Get|Describe|List|Head)\w+")


@pytest.fixture(scope="module")
def account() -> Aws:
    return Aws()


@pytest.fixture
def aws(account: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Be signed in to an empty account, in which a check may read and nothing else."""
    made = account
    made.answers, made.calls = dict(EMPTY), []
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", made.session)
    yield made
    assert [each for each in made.calls if not READING.fullmatch(each)] == []


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Project:
    return Project(root, tmp_path / "project", "prod")


def told(project: Project) -> list[Finding]:
    return findings(project.target, LOCK)


def of(project: Project, step: Step, *words: str) -> list[Finding]:
    """Return what is found for a step, with all these words in it."""
    return [
        each for each in told(project) if each.step == step and all(w in each.text for w in words)
    ]


def test_an_empty_account_can_make_its_resources_and_is_told_of_all_else(
    aws: Aws, project: Project
) -> None:
    found = told(project)
    assert [(each.step, each.blocks) for each in found] == [
        (Step.QUOTAS, Blocks.NOTHING),
        (Step.SENDER, Blocks.NOTHING),
        (Step.SANDBOX, Blocks.FUNCTIONS),
    ]
    said = [each.text for each in check(project.target, LOCK)]
    assert said[0] == f"work in account {ACCOUNT}, region {REGION}"
    assert said[1].startswith("note: [quotas] this account runs 10 functions at once")
    assert said[3].startswith("before the functions: [sandbox] SES is in the sandbox")
    (stop,) = ready(project.target, LOCK)
    assert stop.text == "stop before the functions, as they wait for: sandbox"
    assert stop.do
    with pytest.raises(NotDone, match=r"\[sandbox\] SES is in the sandbox"):
        stop.do()


def test_what_prod_has_to_wait_for_a_stage_dev_does_not(
    aws: Aws, root: Path, tmp_path: Path
) -> None:
    dev = Project(root, tmp_path / "dev", "dev")
    assert {each.blocks for each in told(dev)} == {Blocks.NOTHING}
    assert list(ready(dev.target, LOCK)) == []


def test_an_account_that_has_everything_is_told_nothing(aws: Aws, project: Project) -> None:
    aws.answers.update(READY)
    aws.answers["sesv2.GetEmailIdentity"] = {"VerifiedForSendingStatus": True}
    project.configure(operations={"mail_domain": None})
    assert told(project) == []
    assert list(ready(project.target, LOCK)) == []
    assert [each.text for each in check(project.target, LOCK)] == [
        f"work in account {ACCOUNT}, region {REGION}"
    ]


def test_everything_is_named_at_once_and_in_the_guides_order(aws: Aws, project: Project) -> None:
    (project.root / "chalicelib" / "company" / "company.toml").write_text("")
    project.configure(
        environment_variables={"STAFF_MAIL": None, "ALERTS_TOPIC_ARN": "arn:aws:sns:a:1:b"},
        operations={"budget": -1, "user_pool": False},
        api_gateway_custom_domain={"domain_name": "contact.firma.de", "certificate_arn": "arn"},
    )
    (project.root / ".chalice" / "deployments").mkdir()
    with (project.root / ".chalice" / "deployments" / "x.zip").open("wb") as archive:
        archive.truncate(53_000_000)
    aws.answers["sesv2.GetEmailIdentity"] = {"VerifiedForSendingStatus": False}
    aws.answers["sns.ListSubscriptionsByTopic"] = {"Subscriptions": []}
    aws.answers["cloudformation.GetTemplate"] = watched("ops@firma.de")
    project.today = date(2027, 8, 25)
    found = findings(project.target, (3, 14))
    steps = [each.step for each in found]
    assert list(dict.fromkeys(steps)) == [
        each for each in Step if each not in (Step.LOOK, Step.TRY)
    ]
    with pytest.raises(NotDone) as error:
        list(check(project.target, LOCK))
    words = re.findall(r"^  - (?:note: )?\[([a-z-]+)\]", str(error.value), re.M)
    assert words == sorted(words, key=[*Step].index)
    assert {"company", "settings", "deploy"} <= set(words)


def test_a_check_names_a_step_that_it_belongs_to() -> None:
    assert [each.step for each in CHECKS] == sorted(
        (each.step for each in CHECKS), key=[*Step].index
    )


# Each thing that stands in the way: the step, words of what is said, and what AWS answers.
STANDS: Mapping[str, tuple[str, Answer | Callable[[Mapping[str, Any]], Answer], str]] = {
    "table": (
        "dynamodb.DescribeTable",
        {"Table": {}},
        f"the table {PREFIX}-contacts is there and not of the stack {STACK}",
    ),
    "log group": (
        "logs.DescribeLogGroups",
        {"logGroups": [{"logGroupName": f"{PREFIX}-heads"}]},
        f"the log group {PREFIX}-heads is there",
    ),
    "topic": (
        "sns.GetTopicAttributes",
        {"Attributes": {}},
        f"`aws sns delete-topic --topic-arn {ALERTS}`",
    ),
    "queue": (
        "sqs.GetQueueUrl",
        {"QueueUrl": "https://sqs"},
        f"the queue {PREFIX}-outbox is there",
    ),
    "secret": (
        "secretsmanager.DescribeSecret",
        {"Name": f"{PREFIX}-identity"},
        f"the secret {PREFIX}-identity is there",
    ),
    "secret being deleted": (
        "secretsmanager.DescribeSecret",
        {"Name": "x", "DeletedDate": datetime(2026, 11, 20, tzinfo=UTC)},
        f"`aws secretsmanager restore-secret --secret-id {PREFIX}-identity`",
    ),
    "configuration set": (
        "sesv2.GetConfigurationSet",
        {"ConfigurationSetName": PREFIX},
        f"the configuration set {PREFIX} is there",
    ),
    "sign-in page": (
        "cognito-idp.DescribeUserPoolDomain",
        {"DomainDescription": {"Domain": "x"}},
        f"the sign-in page {PREFIX}-{ACCOUNT} is there",
    ),
    "identity": (
        "sesv2.GetEmailIdentity",
        {"VerifiedForSendingStatus": True},
        "SES has the identity firma.de already, not of the stack",
    ),
    "user pool": (
        "cognito-idp.ListUserPools",
        {"UserPools": [{"Id": "eu-central-1_abc", "Name": PREFIX}]},
        f"there is a user pool {PREFIX} (eu-central-1_abc) that is not of the stack",
    ),
}


@pytest.mark.parametrize("what", STANDS)
def test_a_name_that_is_taken_is_noticed_before_the_stack_is_made(
    aws: Aws, project: Project, what: str
) -> None:
    operation, answer, said = STANDS[what]
    assert of(project, Step.RESOURCES) == []
    aws.answers[operation] = answer
    found = of(project, Step.RESOURCES, said)
    assert len(found) == 1
    assert found[0].blocks == (Blocks.NOTHING if what == "user pool" else Blocks.EVERYTHING)


def stack(status: str, *ours: str, kept: str = "") -> dict[str, Answer]:
    """Return the answers of an account that has the resource stack."""
    known = [(each, "CREATE_COMPLETE") for each in ours] + [(kept, "DELETE_SKIPPED")] * bool(kept)
    now = datetime(2026, 11, 26, tzinfo=UTC)
    return {
        "cloudformation.DescribeStacks": {
            "Stacks": [{"StackName": STACK, "CreationTime": now, "StackStatus": status}]
        },
        "cloudformation.ListStackResources": {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "ResourceType": "X",
                    "LastUpdatedTimestamp": now,
                    "ResourceStatus": state,
                }
                for name, state in known
            ]
        },
    }


def test_what_the_stack_has_is_nobody_elses(aws: Aws, project: Project) -> None:
    aws.answers["dynamodb.DescribeTable"] = {"Table": {}}
    aws.answers["sesv2.GetEmailIdentity"] = {"VerifiedForSendingStatus": True}
    assert len(of(project, Step.RESOURCES, "the table ")) == 3
    assert len(of(project, Step.RESOURCES, "SES has the identity")) == 1
    aws.answers |= stack("UPDATE_COMPLETE", "Contacts", "ViewMarkers", "ViewCounts", "MailIdentity")
    assert of(project, Step.RESOURCES) == []


def test_what_a_failed_creation_has_left_is_named_as_such(aws: Aws, project: Project) -> None:
    aws.answers["dynamodb.DescribeTable"] = lambda given: (
        {"Table": {}}
        if given["TableName"].endswith("-contacts")
        else Refusal("ResourceNotFoundException")
    )
    aws.answers |= stack("ROLLBACK_COMPLETE", kept="Contacts")
    (found,) = of(project, Step.RESOURCES)
    assert "left by a creation that failed: delete it (`aws dynamodb update-table" in found.text


@pytest.mark.parametrize(
    "status",
    ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_IN_PROGRESS", "REVIEW_IN_PROGRESS"],
)
def test_a_stack_that_the_deployment_waits_for_or_mends_stops_nothing(
    aws: Aws, project: Project, status: str
) -> None:
    aws.answers |= stack(status)
    assert of(project, Step.RESOURCES) == []


def test_a_bucket_of_another_accounts_is_in_the_way_too(aws: Aws, project: Project) -> None:
    assert of(project, Step.RESOURCES, "bucket") == []
    aws.answers["s3.HeadBucket"] = Refusal("403", "Forbidden", 403)
    (found,) = of(project, Step.RESOURCES)
    assert f"the bucket customer-contact-prod-releases-{ACCOUNT} is there" in found.text


# What the templates name and nothing of the account's could have taken: it is named within
# something of the stack's own, or it goes with its stack.
WITHIN = {
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SES::ConfigurationSetEventDestination",
}


def test_every_name_in_the_templates_is_looked_at(project: Project) -> None:
    both = [
        *json.loads(resources.template(project.target))["Resources"].values(),
        *watching.template("prod", "ops@firma.de", 50)["Resources"].values(),
    ]
    naming = re.compile(r"(Name|Domain|EmailIdentity)$")
    named = {each["Type"] for each in both if any(map(naming.search, each.get("Properties", {})))}
    assert named - {each["Type"] for each in both if each["Type"] in WITHIN} <= sizes.NAMES.keys()
    made = {"AWS::SES::EmailIdentity", "AWS::Cognito::UserPool"}  # by checks of their own
    assert sizes.NAMES.keys() == names.KINDS.keys() | made


@pytest.mark.parametrize(
    ("limit", "free", "ours", "said", "blocks"),
    [
        (1000, 1000, 0, "", Blocks.NOTHING),
        (1000, 634, 0, "", Blocks.NOTHING),
        (1000, 633, 0, "have reserved so many that 633 are left", Blocks.FUNCTIONS),
        (1000, 466, 1, "", Blocks.NOTHING),  # the stage's own reservations, made before
        (1000, 100, 1, "", Blocks.NOTHING),
        (1000, 99, 1, "have reserved so many that 633 are left", Blocks.FUNCTIONS),
        (10, 10, 0, "this account runs 10 functions at once", Blocks.NOTHING),
        (633, 633, 0, "this account runs 633 functions at once", Blocks.NOTHING),
    ],
)
def test_how_many_functions_run_at_once(
    aws: Aws, project: Project, limit: int, free: int, ours: int, said: str, blocks: Blocks
) -> None:
    def reserved(given: Mapping[str, Any]) -> Answer:
        function = given["FunctionName"].removeprefix(PREFIX).removeprefix("-") or "api_handler"
        return {"ReservedConcurrentExecutions": triggers.RESERVED[function]} if ours else {}

    aws.answers["lambda.GetFunctionConcurrency"] = reserved
    aws.answers["lambda.GetAccountSettings"] = {
        "AccountLimit": {"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": free}
    }
    found = [(said in each.text, each.blocks) for each in of(project, Step.QUOTAS)]
    assert found == [(True, blocks)] * bool(said)


@pytest.mark.parametrize(
    ("rate", "burst", "notes"), [(10_000.0, 5000, 0), (2500.0, 1250, 1), (10_000.0, 100, 1)]
)
def test_what_api_gateway_takes_of_the_account(
    aws: Aws, project: Project, rate: float, burst: int, notes: int
) -> None:
    aws.answers["apigateway.GetAccount"] = {
        "throttleSettings": {"burstLimit": burst, "rateLimit": rate}
    }
    found = of(project, Step.QUOTAS, "API Gateway takes")
    assert [each.blocks for each in found] == [Blocks.NOTHING] * notes


def sent(**account: Any) -> Answer:
    """Return what SES says of an account that is like `READY` but for this."""
    ready = READY["sesv2.GetAccount"]
    assert isinstance(ready, Mapping)
    return {**ready, **account}


@pytest.mark.parametrize(
    ("answer", "said", "blocks"),
    [
        (sent(), "", Blocks.NOTHING),
        (sent(ProductionAccessEnabled=False), "request production access", Blocks.FUNCTIONS),
        (
            sent(
                ProductionAccessEnabled=False,
                Details={"ReviewDetails": {"Status": "PENDING", "CaseId": "17"}},
            ),
            "is with AWS's support, which answers within a day or two (case 17)",
            Blocks.FUNCTIONS,
        ),
        (
            sent(
                ProductionAccessEnabled=False,
                Details={"ReviewDetails": {"Status": "DENIED", "CaseId": "17"}},
            ),
            "the request was denied",
            Blocks.FUNCTIONS,
        ),
        (
            sent(SendingEnabled=False, EnforcementStatus="SHUTDOWN"),
            "SES has stopped this account's mail",
            Blocks.FUNCTIONS,
        ),
        (sent(EnforcementStatus="PROBATION"), "SES is reviewing this account", Blocks.NOTHING),
        (
            sent(SendQuota={"Max24HourSend": 10000.0}),
            "SES sends 10000 mails in 24 hours for this account, and MAILS_A_DAY is 20000",
            Blocks.NOTHING,
        ),
        (sent(SendQuota={"Max24HourSend": -1.0}), "", Blocks.NOTHING),  # as many as one likes
    ],
)
def test_what_ses_does_for_the_account(
    aws: Aws, project: Project, answer: Answer, said: str, blocks: Blocks
) -> None:
    aws.answers["sesv2.GetAccount"] = answer
    found = [(said in each.text, each.blocks) for each in of(project, Step.SANDBOX)]
    assert found == [(True, blocks)] * bool(said)


def test_a_stage_that_serves_can_be_mended_while_ses_sends_nothing(
    aws: Aws, project: Project
) -> None:
    aws.answers["sesv2.GetAccount"] = sent(SendingEnabled=False)
    project.recorded({"name": "rest_api", "rest_api_url": "https://contact.firma.de/api/"})
    assert [each.blocks for each in of(project, Step.SANDBOX)] == [Blocks.NOTHING]


def identity(**more: Any) -> Answer:
    """Return an identity of Easy DKIM, as SES describes it."""
    signing = {"SigningEnabled": True, "Tokens": ["a1", "b2", "c3"], "Status": "PENDING"}
    return {"VerifiedForSendingStatus": False, "DkimAttributes": signing, **more}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (identity(), "a1._domainkey.firma.de CNAME a1.dkim.amazonses.com"),
        (
            identity(DkimAttributes={"Tokens": ["a"], "SigningHostedZone": "x.dkim.eu.amazonses"}),
            "a._domainkey.firma.de CNAME a.x.dkim.eu.amazonses",
        ),
        (identity(VerificationStatus="FAILED"), "SES has stopped looking for them: `aws sesv2"),
        (identity(DkimAttributes={}), "SES has not verified firma.de"),
        (
            identity(VerifiedForSendingStatus=True, DkimAttributes={"SigningEnabled": False}),
            "SES does not sign the mails of firma.de (DKIM)",
        ),
        (
            identity(VerifiedForSendingStatus=True, FeedbackForwardingStatus=True),
            "SES also mails bounces and complaints to the sender",
        ),
        (identity(VerifiedForSendingStatus=True, FeedbackForwardingStatus=False), ""),
    ],
)
def test_an_identity_that_is_the_companys_own(
    aws: Aws, project: Project, answer: Answer, said: str
) -> None:
    aws.answers["sesv2.GetEmailIdentity"] = answer
    project.configure(operations={"mail_domain": None})
    found = [(said in each.text, each.blocks) for each in of(project, Step.SENDER)]
    assert found == [(True, Blocks.NOTHING)] * bool(said)


def test_a_sender_whose_domain_ses_does_not_know(aws: Aws, project: Project) -> None:
    project.configure(operations={"mail_domain": None})
    (found,) = of(project, Step.SETTINGS)
    assert found.text.startswith('SES has no identity firma.de: set "operations": {"mail_domain"')
    project.configure(operations={"mail_domain": "andere.de"})
    assert "mail_domain is andere.de, and MAIL_FROM is of firma.de" in told(project)[0].text
    project.configure(
        operations={"mail_domain": "Müller.de"},
        environment_variables={"MAIL_FROM": "Post <post@xn--mller-kva.de>"},
    )
    assert of(project, Step.SETTINGS) == []


def subscribed(topic: str, *states: tuple[str, str, str]) -> Callable[[Mapping[str, Any]], Answer]:
    """Return an answer that has these subscriptions of one topic and none of the others."""

    def answer(given: Mapping[str, Any]) -> Answer:
        found = [
            {"SubscriptionArn": arn, "Protocol": protocol, "Endpoint": endpoint}
            for arn, protocol, endpoint in states
        ]
        return {"Subscriptions": found if given["TopicArn"] == topic else []}

    return answer


def watched(mail: str) -> Answer:
    """Return the watching stack's template, as it was made last."""
    return {"TemplateBody": json.dumps(watching.template("prod", mail))}


CONFIRMED, PENDING = f"{OPERATORS}:1", "PendingConfirmation"
AGAIN = f"`aws sns subscribe --topic-arn {OPERATORS} --protocol email --notification-endpoint "


@pytest.mark.parametrize(
    ("mail", "states", "said"),
    [
        ("ops@firma.de", [(CONFIRMED, "email", "ops@firma.de")], []),
        ("ops@firma.de", [], [f"ops@firma.de does not get the alarms any more.*{AGAIN}ops@firma"]),
        ("ops@firma.de", [("Deleted", "email", "ops@firma.de")], ["not get the alarms any more"]),
        ("ops@firma.de", [(PENDING, "email", "ops@firma.de")], ["has not confirmed.*" + AGAIN]),
        (None, [(CONFIRMED, "email", "eva@firma.de")], []),
        (None, [], ["nobody gets the alarms: set alarm_mail"]),
    ],
)
def test_who_hears_the_alarms(
    aws: Aws, project: Project, mail: str, states: list[tuple[str, str, str]], said: list[str]
) -> None:
    project.configure(operations={"alarm_mail": mail})
    aws.answers["cloudformation.GetTemplate"] = watched("Ops@firma.de")
    aws.answers["sns.ListSubscriptionsByTopic"] = subscribed(OPERATORS, *states)
    found = of(project, Step.RESOURCES)
    assert [bool(re.search(each, one.text)) for one, each in zip(found, said, strict=True)] == [
        True
    ] * len(said)
    assert {each.blocks for each in found} <= {Blocks.NOTHING}


def test_an_address_that_the_stack_subscribes_next_is_not_missed(
    aws: Aws, project: Project
) -> None:
    aws.answers["sns.ListSubscriptionsByTopic"] = subscribed(
        OPERATORS, (CONFIRMED, "email", "before@firma.de")
    )
    aws.answers["cloudformation.GetTemplate"] = watched("before@firma.de")
    assert of(project, Step.RESOURCES) == []
    aws.answers["cloudformation.GetTemplate"] = no_stack
    assert of(project, Step.RESOURCES) == []


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([(CONFIRMED, "email", "hotline@firma.de")], []),
        ([], ["no subscription to the hotline's alerts is confirmed"]),
        (
            [(PENDING, "email", "a@firma.de"), (CONFIRMED, "https", "https://hook.firma.de")],
            ["a@firma.de has not confirmed its subscription to customer-contact-prod-alerts"],
        ),
        (
            [(PENDING, "email", "a@firma.de")],
            ["a@firma.de has not confirmed", "no subscription to the hotline's alerts"],
        ),
        ([(CONFIRMED, "sms", "+4917012345")], ["SMS are in a sandbox", "spends 1 USD a month"]),
    ],
)
def test_who_hears_the_alerts(
    aws: Aws, project: Project, states: list[tuple[str, str, str]], said: list[str]
) -> None:
    aws.answers["sns.ListSubscriptionsByTopic"] = subscribed(ALERTS, *states)
    aws.answers["sns.GetSMSSandboxAccountStatus"] = {"IsInSandbox": True}
    aws.answers["sns.GetSMSAttributes"] = {"attributes": {"MonthlySpendLimit": "1"}}
    found = of(project, Step.ALERTS)
    assert [each in one.text for one, each in zip(found, said, strict=True)] == [True] * len(said)
    assert {each.blocks for each in found} <= {Blocks.NOTHING}


def test_sms_that_may_be_sent(aws: Aws, project: Project) -> None:
    states = (CONFIRMED, "sms", "+4917012345")
    aws.answers["sns.ListSubscriptionsByTopic"] = subscribed(ALERTS, states)
    aws.answers["sns.GetSMSSandboxAccountStatus"] = {"IsInSandbox": False}
    aws.answers["sns.GetSMSAttributes"] = {"attributes": {"MonthlySpendLimit": "30"}}
    assert of(project, Step.ALERTS) == []


def issued(status: str = "ISSUED", name: str = "contact.firma.de") -> Answer:
    """Return a certificate as ACM describes it."""
    record = {"Name": "_x.contact.firma.de.", "Type": "CNAME", "Value": "_y.acm-validations.aws."}
    return {
        "Certificate": {
            "DomainName": name,
            "SubjectAlternativeNames": [name],
            "Status": status,
            "DomainValidationOptions": [{"DomainName": name, "ResourceRecord": record}],
        }
    }


@pytest.mark.parametrize(
    ("arn", "answer", "said"),
    [
        (CERTIFICATE, issued(), ""),
        (CERTIFICATE, issued(name="*.firma.de"), ""),
        (CERTIFICATE, issued(name="*.de"), "is for *.de, not for contact.firma.de"),
        (CERTIFICATE, issued(name="firma.de"), "is for firma.de, not for contact.firma.de"),
        (
            CERTIFICATE,
            issued("PENDING_VALIDATION"),
            "_x.contact.firma.de. CNAME _y.acm-validations.aws.",
        ),
        (CERTIFICATE, issued("VALIDATION_TIMED_OUT"), "is VALIDATION_TIMED_OUT: request another"),
        (CERTIFICATE, Refusal("ResourceNotFoundException"), "there is no certificate"),
        (CERTIFICATE.replace(ACCOUNT, "9" * 12), issued(), "is of account 999999999999, and API"),
        (CERTIFICATE.replace(REGION, "us-east-1"), issued(), "is in us-east-1, and the API in eu"),
    ],
)
def test_the_certificate_of_the_stages_own_domain(
    aws: Aws, project: Project, arn: str, answer: Answer, said: str
) -> None:
    own = {"domain_name": "contact.firma.de", "certificate_arn": arn}
    project.configure(api_gateway_custom_domain=own)
    aws.answers["acm.DescribeCertificate"] = answer
    found = [(said in each.text, each.blocks) for each in of(project, Step.DOMAIN)]
    assert found == [(True, Blocks.FUNCTIONS)] * bool(said)


def test_base_url_is_the_domain_that_serves(aws: Aws, project: Project) -> None:
    project.recorded({"name": "rest_api", "rest_api_url": "https://x1.execute-api.eu/api/"})
    (found,) = of(project, Step.DOMAIN)
    assert "or BASE_URL to https://x1.execute-api.eu/api." in found.text
    assert not found.blocks
    project.configure(environment_variables={"BASE_URL": "https://x1.execute-api.eu/api"})
    assert of(project, Step.DOMAIN) == []
    aws.answers["acm.DescribeCertificate"] = issued()
    own = {"domain_name": "contact.firma.de", "certificate_arn": CERTIFICATE}
    project.configure(api_gateway_custom_domain=own)
    (found,) = of(project, Step.DOMAIN)
    assert "BASE_URL is at x1.execute-api.eu, and api_gateway_custom_domain at" in found.text
    project.configure(api_gateway_custom_domain={"certificate_arn": None})
    assert "api_gateway_custom_domain has no certificate_arn" in told(project)[-2].text


def test_a_stage_of_another_account_is_not_touched(aws: Aws, project: Project) -> None:
    project.configure(environment_variables={"ALERTS_TOPIC_ARN": ALERTS})
    assert of(project, Step.SIGN_IN) == []
    elsewhere = ALERTS.replace(REGION, "eu-west-1")
    project.configure(environment_variables={"ALERTS_TOPIC_ARN": elsewhere})
    (found,) = of(project, Step.SIGN_IN)
    assert f"is in account {ACCOUNT}, region eu-west-1, and you are signed in to" in found.text
    assert found.blocks == Blocks.EVERYTHING


def test_a_right_that_is_missing_is_a_note_and_hides_nothing_else(
    aws: Aws, project: Project
) -> None:
    aws.answers["sns.GetTopicAttributes"] = denied("sns:GetTopicAttributes")
    aws.answers["dynamodb.DescribeTable"] = {"Table": {}}
    aws.answers["lambda.GetAccountSettings"] = Refusal("AccessDeniedException", "no", 403)
    found = told(project)
    notes = [each.text for each in found if "could not be looked at" in each.text]
    assert notes == [
        "topics of these names could not be looked at: needs the right sns:GetTopicAttributes",
        "how many functions run at once could not be looked at: needs the right GetAccountSettings",
    ]
    assert len([each for each in found if each.text.startswith("the table ")]) == 3
    assert [each.blocks for each in found if "could not" in each.text] == [Blocks.NOTHING] * 2


def test_every_call_of_every_check_may_be_refused(aws: Aws, project: Project) -> None:
    told(project)
    for operation in sorted(set(aws.calls) - {"sts.GetCallerIdentity"}):
        before = aws.answers[operation]
        aws.answers[operation] = denied(operation.replace(".", ":"))
        notes = [each for each in told(project) if "could not be looked at" in each.text]
        assert notes, operation
        assert {each.blocks for each in notes} == {Blocks.NOTHING}
        aws.answers[operation] = before


def test_a_network_that_is_gone_stops_a_deployment(aws: Aws, project: Project) -> None:
    gone = EndpointConnectionError(endpoint_url="https://there")
    aws.answers = dict.fromkeys(EMPTY, gone) | {
        "sts.GetCallerIdentity": EMPTY["sts.GetCallerIdentity"]
    }
    faults = [each for each in told(project) if "could not be looked at" in each.text]
    assert {each.blocks for each in faults} == {Blocks.EVERYTHING}
    online = [each.what for each in CHECKS if each.online]
    looked = {each.text.partition(" could not")[0] for each in faults}
    # Each check that asks AWS at once, whatever was asked before it.
    assert looked <= set(online)
    assert len(looked) >= len(online) - 4


def test_in_the_sandbox_the_policies_allow_each_verified_recipient_and_only_there(
    aws: Aws, project: Project
) -> None:
    def senders() -> dict[str, list[str]]:
        documents = {
            each: policies.document(project.root, "prod", each) for each in policies.RIGHTS
        }
        return {
            name: statement["Resource"]
            for name, document in documents.items()
            for statement in document["Statement"]
            if "ses:SendEmail" in statement["Action"]
        }

    def carry_out() -> str:
        first = next(iter(resources.changes(project.target)))
        if "sandbox" in first.text:
            assert first.do
            first.do()
        return first.text

    narrow, configuration = "arn:aws:ses:*:*:identity/firma.de", f"configuration-set/{PREFIX}"
    everybody = "arn:aws:ses:*:*:identity/*"
    assert senders().keys() == {"deliver_messages", "send_messages", "clock"}
    assert {each[0] for each in senders().values()} == {narrow}
    assert "that SES is in the sandbox" in carry_out()
    assert "sandbox" not in carry_out()
    assert {each[0] for each in senders().values()} == {everybody}
    assert all(each[1].endswith(configuration) for each in senders().values())
    assert of(project, Step.SETTINGS) == []
    aws.answers["sesv2.GetAccount"] = denied("ses:GetAccount")
    assert "sandbox" not in carry_out()
    aws.answers.update(READY)
    assert "that SES is out of the sandbox" in carry_out()
    assert {each[0] for each in senders().values()} == {narrow}
    assert "sandbox" not in carry_out()


def test_the_commands_that_are_told_are_awss_own(aws: Aws, project: Project) -> None:
    """Check that botocore knows the operation and the options of each command in a finding."""
    said = [kind.delete for kind in names.KINDS.values()]
    aws.answers["cognito-idp.ListUserPools"] = STANDS["user pool"][1]
    aws.answers["secretsmanager.DescribeSecret"] = STANDS["secret being deleted"][1]
    aws.answers["sesv2.GetEmailIdentity"] = identity(
        VerificationStatus="FAILED", FeedbackForwardingStatus=True
    )
    aws.answers["sns.ListSubscriptionsByTopic"] = {"Subscriptions": []}
    aws.answers["cloudformation.GetTemplate"] = watched("ops@firma.de")
    project.configure(operations={"mail_domain": None})
    said += [each.text for each in told(project)]
    signing = {"SigningEnabled": False}
    aws.answers["sesv2.GetEmailIdentity"] = identity(
        VerifiedForSendingStatus=True, DkimAttributes=signing
    )
    said += [each.text for each in told(project)]
    session = botocore.session.get_session()
    commands = {
        (service, operation, rest)
        for text in said
        for service, operation, rest in re.findall(r"\baws ([a-z0-9-]+) ([a-z-]+)([^`;]*)", text)
        if service != "sso"
    }
    assert len({each[:2] for each in commands}) >= 14
    for service, operation, rest in commands:
        model = session.get_service_model("s3" if service == "s3api" else service)
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(operations[operation]).input_shape
        known = {xform_name(name, "-") for name in shape.members}
        options = {each.removeprefix("no-") for each in re.findall(r" --([a-z-]+)", rest)}
        renamed = {"notification-endpoint": "endpoint"}
        assert {renamed.get(each, each) for each in options} <= known, (service, operation)
