"""The tuned clients work like botocore's own, without what the tuning leaves out."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.handlers import BUILTIN_HANDLERS, add_retry_headers
from botocore.session import Session

from chalicelib import __version__, aws

SERVICES = ("dynamodb", "secretsmanager", "sesv2", "sns", "sqs")
REGIONS = ("eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1")

PLAIN = Session()  # botocore as it is


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    for each in (aws.client, aws._session):
        each.cache_clear()
    yield
    for each in (aws.client, aws._session):
        each.cache_clear()


def test_boto3_makes_the_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 gives a client of S3 its transfers; no function uses them."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    plain = Session().create_client("s3")
    assert not hasattr(plain, "upload_file")
    assert callable(aws.client("s3").upload_file)


@pytest.mark.parametrize("service", SERVICES)
def test_aws_is_told_who_calls(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    agent = aws.client(service)._user_agent_creator.to_string()
    ours = f"customer-contact/{__version__}"
    assert agent == f"{ours} Boto3/{boto3.__version__} Botocore/{botocore.__version__}"


@pytest.mark.parametrize("region", REGIONS)
def test_the_endpoint_is_the_one_botocores_rules_find(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    plain = PLAIN.create_client("dynamodb", region_name=region)
    rules: EndpointProvider = plain._ruleset_resolver._provider
    found = rules.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False)
    assert aws.client("dynamodb").meta.endpoint_url == found.url


@pytest.mark.parametrize("service", SERVICES)
def test_no_hook_is_left_out_that_this_service_could_call(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    tuned, plain = (
        aws.client(service),
        PLAIN.create_client(service, config=Config(retries={"mode": "standard"})),
    )
    stages = (
        *("provide-client-params", "before-parameter-build", "before-call", "request-created"),
        *("choose-signer", "before-sign", "before-send", "needs-retry"),
        *("after-call", "after-call-error"),
    )
    name = plain.meta.service_model.service_id.hyphenize()
    for operation in plain.meta.service_model.operation_names:
        for event in (f"{stage}.{name}.{operation}" for stage in stages):
            wanted = {
                _name(each) for each in plain.meta.events._emitter._handlers.prefix_search(event)
            }
            found = {
                _name(each) for each in tuned.meta.events._emitter._handlers.prefix_search(event)
            }
            assert wanted - found == (
                {_name(add_retry_headers)} if event.startswith("request-created") else set()
            )


def _name(hook: object) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def test_botocore_still_has_what_is_left_out() -> None:
    assert add_retry_headers in [hook for _, hook, *_ in BUILTIN_HANDLERS]
    assert len(BUILTIN_HANDLERS) > 100
    assert hasattr(
        Session().create_client("dynamodb", region_name="eu-central-1"), "_ruleset_resolver"
    )


@pytest.mark.parametrize("value", [1.5, {"a"}, object()])
def test_what_dynamodb_has_no_type_for_is_refused_before_a_call(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        aws.pack_item({"deep": {"er": [value]}})


def test_bytes_are_stored_as_they_are() -> None:
    assert aws.unpack_item(aws.pack_item({"data": b"\x00\xff"})) == {"data": b"\x00\xff"}


def test_clients_are_made_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session may not make two at once, and Chalice's own server has many threads."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    now, most = [0], [0]

    def making(**_: object) -> None:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.05)
        now[0] -= 1

    aws._session().events.register("creating-client-class", making)
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        assert len(set(pool.map(aws.client, SERVICES))) == len(SERVICES)
    assert most == [1]
