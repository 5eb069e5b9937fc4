"""The resources' template protects what is kept, and names who may publish."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import watching

RECOVERABLE = ("Contacts", "ViewCounts")


@pytest.fixture
def resources(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((root / "infra" / "template.json").read_text())["Resources"]
    return found


def of(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def test_what_cannot_be_made_again_outlives_its_stack(resources: dict[str, Any]) -> None:
    for name in (*RECOVERABLE, "IdentitySecret", "TokenSecret", "MailIdentity", "Staff"):
        assert (
            resources[name]["DeletionPolicy"] == resources[name]["UpdateReplacePolicy"] == "Retain"
        )


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
    assert {"send", "bounce", "complaint"} <= set(destination["MatchingEventTypes"])
    assert destination["Enabled"]
    assert resources["MailConfiguration"]["Properties"]["ReputationOptions"] == {
        "ReputationMetricsEnabled": True
    }
