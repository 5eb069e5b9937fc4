"""The tuned clients work like botocore's own, without what the tuning leaves out."""

from collections.abc import Iterator

import pytest
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.handlers import BUILTIN_HANDLERS, add_retry_headers
from botocore.session import Session

from chalicelib import aws

SERVICES = ("dynamodb", "secretsmanager", "sesv2", "sns", "sqs")
REGIONS = ("eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1")


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    for each in (aws.client, aws._session):
        each.cache_clear()
    yield
    for each in (aws.client, aws._session):
        each.cache_clear()


@pytest.mark.parametrize("region", REGIONS)
def test_the_endpoint_is_the_one_botocores_rules_find(
    monkeypatch: pytest.MonkeyPatch, region: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    plain = Session().create_client("dynamodb")
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
        Session().create_client(service, config=Config(retries={"mode": "standard"})),
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


@pytest.mark.parametrize("value", [1.5, b"bytes", {"a"}, object()])
def test_what_dynamodb_has_no_type_for_is_refused_before_a_call(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        aws.pack_item({"deep": {"er": [value]}})
