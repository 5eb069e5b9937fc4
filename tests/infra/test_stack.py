"""A stack that failed is made again, and what it leaves behind is named."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from infra import stack
from local.cloud import Cloud

PAUSE = 0.02


def template(policy: str, pool: str = "") -> dict[str, str]:
    """Return a template of a queue, and of a user pool's domain if it has a pool."""
    things: dict[str, Any] = {
        "Kept": {
            "Type": "AWS::SQS::Queue",
            "DeletionPolicy": policy,
            "Properties": {"QueueName": f"kept-{policy}"},
        }
    }
    if pool:
        things["Domain"] = {
            "Type": "AWS::Cognito::UserPoolDomain",
            "DependsOn": "Kept",
            "Properties": {"UserPoolId": pool, "Domain": "taken"},
        }
    outputs = {"KeptUrl": {"Value": {"Ref": "Kept"}}}
    return {"TemplateBody": json.dumps({"Resources": things, "Outputs": outputs})}


@pytest.fixture(scope="module")
def pool(cloud: Cloud) -> Iterator[str]:
    """Make a user pool for a domain that another pool has."""
    client = cloud.client("cognito-idp")
    other, ours = (
        client.create_user_pool(PoolName=name)["UserPool"]["Id"] for name in ("other", "ours")
    )
    client.create_user_pool_domain(UserPoolId=other, Domain="taken")
    yield ours
    client.delete_user_pool_domain(UserPoolId=other, Domain="taken")
    for each in (other, ours):
        client.delete_user_pool(UserPoolId=each)


def standing(cloud: Cloud) -> set[str]:
    found = cloud.client("sqs").list_queues().get("QueueUrls", [])
    return {each.rpartition("/")[2] for each in found}


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
@pytest.mark.soak
def test_a_failed_creation_does_not_wedge_the_stage(cloud: Cloud, pool: str, policy: str) -> None:
    client, name, said = cloud.client("cloudformation"), f"wedge-{policy}", list[str]()
    with pytest.raises(stack.StackFailed, match=r"(?s)is ROLLBACK_COMPLETE\n  Domain .*exists"):
        stack.apply(client, name, template(policy, pool), {}, PAUSE)
    assert stack.outputs(client, name) is None
    assert (f"kept-{policy}" in standing(cloud)) == (policy == "Retain")
    made = stack.apply(client, name, template(policy), {}, PAUSE, said.append)
    assert "KEPT_URL" in made
    assert said[0] == f"    the stack {name} is ROLLBACK_COMPLETE: it is deleted and made again"
    assert len(said) == (2 if policy == "Retain" else 1)
    assert all("it left behind AWS::SQS::Queue" in each for each in said[1:])
    # What stood outlives its stack under either policy, and is named.
    (left,) = stack.delete(client, name, PAUSE)
    assert f"kept-{policy}" in left
    assert stack.delete(client, name, PAUSE) == []


def test_what_aws_refuses_before_it_begins_is_told(cloud: Cloud) -> None:
    """Check the reasons of a validation, which are no events of the stack."""
    client, s3 = cloud.client("cloudformation"), cloud.client("s3")
    s3.create_bucket(
        Bucket="taken", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name}
    )
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "taken"}}
    refused = {"TemplateBody": json.dumps({"Resources": {"Releases": bucket}})}
    with pytest.raises(stack.StackFailed, match=r"Releases .*'taken' already exists"):
        stack.apply(client, "refused", refused, {}, PAUSE)
    assert stack.delete(client, "refused", PAUSE) == []
    s3.delete_bucket(Bucket="taken")


def test_a_template_without_changes_is_a_success(cloud: Cloud) -> None:
    client, wanted = cloud.client("cloudformation"), template("Delete")
    made = stack.apply(client, "same", wanted, {}, PAUSE)
    assert stack.apply(client, "same", wanted, {}, PAUSE) == made
    assert stack.delete(client, "same", PAUSE) == []


class Scripted:
    """CloudFormation's answers, of which each look at the stack takes the next status."""

    def __init__(self, *statuses: str) -> None:
        self.statuses, self.calls = list(statuses), list[str]()
        self.parameters = list[dict[str, str]]()
        self.client = boto3.client(
            "cloudformation",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.client.meta.events.register("before-call.cloudformation", self)

    def __call__(self, model: Any, params: dict[str, Any], **_: Any) -> Any:
        asked = params["body"]
        if model.name == "DescribeStacks":
            status = self.statuses.pop(0)
            if status == "gone":
                error = {"Code": "ValidationError", "Message": "Stack with id s does not exist"}
                return SimpleNamespace(status_code=400), {"Error": error}
            found = {"StackName": "s", "StackId": "arn:s", "StackStatus": status}
            return SimpleNamespace(status_code=200), {"Stacks": [found]}
        self.parameters.append(
            {
                asked[f"{at}Key"]: asked[f"{at}Value"]
                for at in (name.removesuffix("Key") for name in asked if name.endswith("Key"))
            }
        )
        kept = [value for name, value in asked.items() if name.startswith("RetainResources.")]
        self.calls.append(" ".join([model.name, *kept]))
        stuck = {"LogicalResourceId": "Stuck", "ResourceStatus": "DELETE_FAILED"}
        event = {
            **stuck,
            "ResourceType": "AWS::S3::Bucket",
            "PhysicalResourceId": "b",
            "StackId": "arn:s",
        }
        return SimpleNamespace(status_code=200), {
            "StackResources": [stuck],
            "StackEvents": [event],
            "OperationEvents": [],
        }


TEMPLATE = {"TemplateBody": "{}"}


def test_what_an_interrupted_run_began_is_waited_for() -> None:
    aws = Scripted("CREATE_IN_PROGRESS", "CREATE_COMPLETE", *["UPDATE_COMPLETE"] * 2)
    stack.apply(aws.client, "s", TEMPLATE, {}, 0)
    assert aws.calls == ["UpdateStack"]
    assert aws.statuses == []


@pytest.mark.parametrize(
    "status", ["CREATE_FAILED", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"]
)
def test_a_stack_that_never_was_is_made_again(status: str) -> None:
    """Delete it, and leave behind what cannot be deleted."""
    said = list[str]()
    looks = (status, status, "DELETE_IN_PROGRESS", "DELETE_FAILED", "gone")
    aws = Scripted(*looks, *["CREATE_COMPLETE"] * 2)
    stack.apply(aws.client, "s", TEMPLATE, {}, 0, said.append)
    assert aws.calls == [
        *("DeleteStack", "DescribeStackResources", "DeleteStack Stuck", "DescribeStackEvents"),
        "CreateStack",
    ]
    assert said[-1] == "    it left behind AWS::S3::Bucket b"


def test_a_rollback_that_stuck_is_continued() -> None:
    aws = Scripted(
        *("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE"),
    )
    stack.apply(aws.client, "s", TEMPLATE, {}, 0)
    assert aws.calls == ["ContinueUpdateRollback", "UpdateStack"]
    assert aws.statuses == []


def test_a_stack_is_protected_once_it_stands() -> None:
    """Check what a failed creation needs: AWS deletes no table that is protected."""
    looks = ("gone", "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE")
    aws = Scripted(*looks)
    first = {"Protect": "false"}
    stack.apply(aws.client, "s", TEMPLATE, {"Protect": "true"}, 0, at_first=first)
    assert (aws.calls, aws.statuses) == (["CreateStack", "UpdateStack"], [])
    assert aws.parameters == [{"Protect": "false"}, {"Protect": "true"}]
    # One that stands is never unprotected.
    aws = Scripted(*["UPDATE_COMPLETE"] * 3)
    stack.apply(aws.client, "s", TEMPLATE, {"Protect": "true"}, 0, at_first=first)
    assert aws.parameters == [{"Protect": "true"}]


@pytest.mark.parametrize("ends", ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "gone"])
def test_how_it_failed_is_told(ends: str) -> None:
    aws = Scripted("gone" if ends != "UPDATE_ROLLBACK_COMPLETE" else "CREATE_COMPLETE", ends)
    with pytest.raises(stack.StackFailed, match=ends):
        stack.apply(aws.client, "s", TEMPLATE, {}, 0)


def test_what_takes_too_long_is_left_to_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_LONGEST", -1)
    with pytest.raises(stack.StackFailed, match="still UPDATE_IN_PROGRESS: the same command"):
        stack.apply(Scripted("UPDATE_IN_PROGRESS").client, "s", TEMPLATE, {}, 0)
