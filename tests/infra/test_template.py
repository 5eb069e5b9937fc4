"""The resources' template protects what is kept, and names who may publish."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import stack, watching
from local.cloud import Cloud

RECOVERABLE = ("Contacts", "ViewCounts")


@pytest.fixture
def resources(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "infra" / "template.json").read_text())["Resources"]
    return found


def of(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def test_what_cannot_be_made_again_outlives_its_stack(resources: dict[str, Any]) -> None:
    for name in (
        *RECOVERABLE,
        *("IdentitySecret", "TokenSecret", "MailIdentity", "Staff", "Heads", "Releases"),
    ):
        # What a failed creation made goes with it: its names would block every further try.
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"
    kept = [each for each in resources.values() if "DeletionPolicy" in each]
    assert {each["DeletionPolicy"] for each in kept} == {"RetainExceptOnCreate"}


def test_the_releases_are_private_encrypted_and_versioned(resources: dict[str, Any]) -> None:
    bucket = resources["Releases"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"] == [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    ]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    # The releases themselves are deleted by the deployment: a stage may go unchanged for years.
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert "ExpirationInDays" not in rule
    (statement,) = resources["ReleasesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        *("Deny", "*", "s3:*"),
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_tables_are_recoverable_protected_and_encrypted(resources: dict[str, Any]) -> None:
    tables = of(resources, "AWS::DynamoDB::Table")
    for name in RECOVERABLE:
        properties = tables[name]["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {
            "PointInTimeRecoveryEnabled": True
        }
        assert properties["DeletionProtectionEnabled"]
    # This key's use is logged in the account's CloudTrail. Every other table is encrypted with
    # DynamoDB's own key.
    assert tables["Contacts"]["Properties"]["SSESpecification"] == {"SSEEnabled": True}
    # The sums of the markers are kept. The markers themselves expire within days.
    assert tables.keys() - set(RECOVERABLE) == {"ViewMarkers"}


def test_every_topic_says_who_may_publish(resources: dict[str, Any]) -> None:
    both = {**resources, **watching.template("dev")["Resources"]}
    topics = of(both, "AWS::SNS::Topic")
    policies = of(both, "AWS::SNS::TopicPolicy").values()
    assert {
        each["Ref"] for policy in policies for each in policy["Properties"]["Topics"]
    } == topics.keys()
    for policy in policies:
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            assert statement["Action"] == "sns:Publish"
            # A service publishes for this account only, and not for its other customers.
            if "Service" in statement["Principal"]:
                assert statement["Condition"] == {
                    "StringEquals": {"AWS:SourceAccount": {"Ref": "AWS::AccountId"}}
                }
            else:
                assert statement["Principal"] == {
                    "AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}
                }


def test_mail_events_reach_the_topic(resources: dict[str, Any]) -> None:
    destination = resources["MailEventDestination"]["Properties"]["EventDestination"]
    assert destination["SnsDestination"] == {"TopicARN": {"Ref": "MailEvents"}}
    assert set(destination["MatchingEventTypes"]) == {
        *("send", "delivery", "deliveryDelay"),
        *("bounce", "complaint", "reject", "renderingFailure"),
    }
    assert destination["Enabled"]
    assert resources["MailConfiguration"]["Properties"]["ReputationOptions"] == {
        "ReputationMetricsEnabled": True
    }


def test_bounces_come_by_the_topic_alone_and_fill_the_suppression_list(
    resources: dict[str, Any],
) -> None:
    identity = resources["MailIdentity"]["Properties"]
    assert identity["FeedbackAttributes"] == {"EmailForwardingEnabled": False}
    assert resources["MailConfiguration"]["Properties"]["SuppressionOptions"] == {
        "SuppressedReasons": ["BOUNCE", "COMPLAINT"]
    }


def test_the_emulator_takes_what_the_template_says_of_mail(cloud: Cloud) -> None:
    """Check that the stack of the local stage was made with all of it, identity included."""
    mail = cloud.client("sesv2")
    configured = cloud.env["MAIL_CONFIGURATION_SET"]
    found = mail.get_configuration_set_event_destinations(ConfigurationSetName=configured)
    (destination,) = found["EventDestinations"]
    assert {"RENDERING_FAILURE", "DELIVERY_DELAY", "REJECT", "BOUNCE"} <= set(
        destination["MatchingEventTypes"]
    )
    template = (Path(__file__).parent.parent.parent / "infra" / "template.json").read_text()
    client, parameters = (
        cloud.client("cloudformation"),
        {"Stage": "mail", "MailDomain": "x.example"},
    )
    stack.apply(client, "mail-resources", {"TemplateBody": template}, parameters, 0.05)
    assert mail.get_email_identity(EmailIdentity="x.example")["FeedbackForwardingStatus"] is False
