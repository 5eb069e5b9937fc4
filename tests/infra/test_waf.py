"""The limit by address comes, changes and goes as it is set, and answers in our shape."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra import waf
from infra.target import Target
from tests.infra.firewall import Firewall

API = "arn:aws:apigateway:eu-central-1::/restapis/abc/stages/api"
ONE = "https://www.firma.de"


@pytest.fixture
def firewall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Firewall]:
    started = Firewall()
    monkeypatch.setenv("AWS_ENDPOINT_URL_WAFV2", started.url)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps credentials it has found
    monkeypatch.setattr(waf, "PAUSE", 0)
    yield started
    started.stop()


def target(folder: Path, limit: int, **environment: str) -> Target:
    operations: dict[str, Any] = {"waf_per_5_minutes": limit} if limit else {}
    stage = {
        "environment_variables": {"SITE_ORIGINS": ONE, **environment},
        "operations": operations,
    }
    (folder / ".chalice" / "deployed").mkdir(parents=True, exist_ok=True)
    (folder / ".chalice" / "config.json").write_text(json.dumps({"stages": {"dev": stage}}))
    return Target(folder, "dev")


def settle(folder: Path, limit: int, **environment: str) -> list[str]:
    """Carry out what is to be done, and return what it was; nothing is left to do then."""
    said = []
    for change in waf.changes(target(folder, limit, **environment), "abc"):
        said.append(change.text)
        if change.do:
            change.do()
    left = [each for each in waf.changes(target(folder, limit, **environment), "abc") if each.do]
    assert left == []
    return said


def test_it_comes_changes_and_goes(firewall: Firewall, tmp_path: Path) -> None:
    foreign = [firewall.add(name) for name in ("a", "customer-contact-devil", "z")]
    assert settle(tmp_path, 0) == []
    assert settle(tmp_path, 2000) == [
        "refuse an address with 429 after 2000 requests in five minutes"
    ]
    own = firewall.acls["customer-contact-dev"]
    assert firewall.before == {API: own["ARN"]}
    (rule,) = own["Rules"]
    assert rule["Statement"]["RateBasedStatement"] == {
        "Limit": 2000,
        "EvaluationWindowSec": 300,
        "AggregateKeyType": "IP",
    }
    assert own["DefaultAction"] == {"Allow": {}}
    assert own["Scope"] == "REGIONAL"
    assert settle(tmp_path, 2000) == []
    assert "as set anew" in settle(tmp_path, 500)[0]
    assert own["Rules"][0]["Statement"]["RateBasedStatement"]["Limit"] == 500
    assert settle(tmp_path, 0) == [
        "delete the limit by address, which waf_per_5_minutes no longer sets"
    ]
    assert firewall.before == {}
    assert [each["ARN"] for each in firewall.acls.values()] == foreign


def test_somebody_took_it_from_before_the_api(firewall: Firewall, tmp_path: Path) -> None:
    settle(tmp_path, 500)
    firewall.before.clear()
    assert settle(tmp_path, 500) == ["put the limit by address before the API"]


def test_another_web_acl_of_the_accounts_stays_where_it_is(
    firewall: Firewall, tmp_path: Path
) -> None:
    firewall.before[API] = firewall.add("security-team")
    (said,) = settle(tmp_path, 500)
    assert said.startswith("note: another web ACL protects the API")
    assert firewall.before[API].endswith("id-security-team")
    assert settle(tmp_path, 0) == []


def test_behind_a_cdn_there_is_none(firewall: Firewall, tmp_path: Path) -> None:
    settle(tmp_path, 500)
    note, deleted = settle(tmp_path, 500, ORIGIN_SECRET_ARN="arn")
    assert "at the CDN" in note
    assert deleted.startswith("delete")
    assert firewall.acls == {}


def test_whoever_may_not_look_at_waf_deploys_without(firewall: Firewall, tmp_path: Path) -> None:
    firewall.denied = True
    assert settle(tmp_path, 0) == []
    waf.destroy(target(tmp_path, 0))
    with pytest.raises(Exception, match="AccessDenied"):
        settle(tmp_path, 500)


def test_it_goes_with_the_stage(firewall: Firewall, tmp_path: Path) -> None:
    """Delete it without Chalice's record, which may be lost."""
    settle(tmp_path, 500)
    for _ in range(2):
        waf.destroy(target(tmp_path, 500))
        assert (firewall.acls, firewall.before) == ({}, {})


@pytest.mark.parametrize(
    ("origins", "allowed"), [(ONE, ONE), (f" {ONE} ", ONE), (f"{ONE},https://b.de", "*"), ("", "*")]
)
def test_its_answer_is_a_429_of_ours_that_a_pages_script_may_read(
    origins: str, allowed: str
) -> None:
    made = waf.acl("dev", 500, origins)
    answer = made["Rules"][0]["Action"]["Block"]["CustomResponse"]
    body = made["CustomResponseBodies"][answer["CustomResponseBodyKey"]]
    said = json.loads(body["Content"])
    assert (answer["ResponseCode"], said["status"], said["code"]) == (429, 429, "rate_limited")
    assert body["ContentType"] == "APPLICATION_JSON"
    headers = {each["Name"].lower(): each["Value"] for each in answer["ResponseHeaders"]}
    assert len(headers) == len(answer["ResponseHeaders"]) <= 10  # AWS takes no more
    assert "content-type" not in headers  # AWS refuses it
    assert headers["access-control-allow-origin"] == allowed
    assert headers["access-control-expose-headers"] == "Retry-After"
    assert int(headers["retry-after"]) > 0
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"]


def test_no_request_is_kept_as_a_sample() -> None:
    made = waf.acl("dev", 500, ONE)
    for each in (made, *made["Rules"]):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False
