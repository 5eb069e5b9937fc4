"""An optional limit of requests by address, before the gateway: a web ACL of AWS WAF.

The gateway's throttles are one bucket for everybody; this one is by caller. AWS WAF counts whole
addresses, of IPv6 too: it cannot take a /64 for one caller, as our own limits do. Requests that it
refuses never reach the gateway.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from infra import config, gateway
from infra.target import GATEWAY_STAGE, Change, Target

SETTING = "waf_per_5_minutes"
PAUSE = 5.0  # seconds between two tries of what AWS is not ready for
_TRIES = 24
_BODY = "too-many"
# AWS does not know yet what was made just now, or still knows what has just gone.
_NOT_READY = ("WAFUnavailableEntityException", "WAFAssociatedItemException")


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """Yield what it takes for the stage of an API to have the limit that is set, or none."""
    client, limit = target.client("wafv2"), target.operations.get(SETTING, 0)
    if limit and target.environment.get("ORIGIN_SECRET_ARN"):
        yield Change(
            f"note: {SETTING} does nothing behind a CDN, whose addresses WAF would count: "
            "set the limit at the CDN"
        )
        limit = 0
    resource = _resource(target, api_id)
    try:
        own = find(client, target.stage)
        other = _protector(client, resource)
    except ClientError as error:
        if limit or not _code(error).startswith("AccessDenied"):
            raise
        return  # whoever may not look at AWS WAF has no limit to take back
    if not limit:
        if own:
            yield Change(
                f"delete the limit by address, which {SETTING} no longer sets",
                lambda: remove(client, target.stage),
            )
        return
    if other and (own is None or other != own["ARN"]):
        yield Change(f"note: another web ACL protects the API, so {SETTING} does nothing: {other}")
        return
    wanted = acl(target.stage, limit, target.environment.get("SITE_ORIGINS", ""))
    if own is None:
        yield Change(
            f"refuse an address with 429 after {limit} requests in five minutes",
            lambda: _protect(client, resource, client.create_web_acl(**wanted)["Summary"]["ARN"]),
        )
        return
    where = {"Name": own["Name"], "Scope": "REGIONAL", "Id": own["Id"]}
    if _differs(client.get_web_acl(**where)["WebACL"], wanted):
        yield Change(
            f"refuse an address with 429 after {limit} requests in five minutes, as set anew",
            lambda: client.update_web_acl(
                **wanted, Id=own["Id"], LockToken=client.get_web_acl(**where)["LockToken"]
            ),
        )
    if not other:
        yield Change(
            "put the limit by address before the API",
            lambda: _protect(client, resource, own["ARN"]),
        )


def destroy(target: Target) -> None:
    """Delete a stage's web ACL, if it has one, while its API is still there."""
    try:
        remove(target.client("wafv2"), target.stage)
    except ClientError as error:
        if not _code(error).startswith("AccessDenied"):
            raise


def acl(stage: str, limit: int, origins: str) -> dict[str, Any]:
    """Return the web ACL of a stage: an address has so many requests in five minutes."""
    _, headers, body = gateway.answer("THROTTLED", https=True)
    del headers["Content-Type"]  # AWS sets it itself, and knows no application/problem+json
    only = [each.strip() for each in origins.split(",") if each.strip()]
    # The answer is the same for everybody and tells nothing, so any page's script may read it.
    headers["Access-Control-Allow-Origin"] = only[0] if len(only) == 1 else "*"
    headers |= {"Access-Control-Expose-Headers": "Retry-After", "Retry-After": "60"}
    refusal = {
        "ResponseCode": 429,
        "CustomResponseBodyKey": _BODY,
        "ResponseHeaders": [{"Name": name, "Value": value} for name, value in headers.items()],
    }
    counts = {"Limit": limit, "EvaluationWindowSec": 300, "AggregateKeyType": "IP"}
    rule = {
        "Name": "per-address",
        "Priority": 0,
        "Statement": {"RateBasedStatement": counts},
        "Action": {"Block": {"CustomResponse": refusal}},
        "VisibilityConfig": _seen(f"{config.prefix(stage)}-per-address"),
    }
    return {
        "Name": config.prefix(stage),
        "Scope": "REGIONAL",
        "Description": f"customer-contact, stage {stage}: requests by address",
        "DefaultAction": {"Allow": {}},
        "Rules": [rule],
        "CustomResponseBodies": {_BODY: {"ContentType": "APPLICATION_JSON", "Content": body}},
        "VisibilityConfig": _seen(config.prefix(stage)),
    }


def _seen(metric: str) -> dict[str, Any]:
    """Have AWS WAF count, and keep no samples: those are requests with their addresses."""
    return {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": True,
        "MetricName": metric,
    }


def find(client: Any, stage: str) -> Any:
    """Return the summary of a stage's web ACL; None where it has none."""
    asked: dict[str, Any] = {"Scope": "REGIONAL", "Limit": 100}
    while True:
        page = client.list_web_acls(**asked)
        for each in page["WebACLs"]:
            if each["Name"] == config.prefix(stage):
                return each
        if not page["WebACLs"] or not page.get("NextMarker"):
            return None
        asked["NextMarker"] = page["NextMarker"]


def remove(client: Any, stage: str) -> None:
    """Detach a stage's web ACL from every API it protects, and delete it."""
    own = find(client, stage)
    if own is None:
        return
    protected = client.list_resources_for_web_acl(WebACLArn=own["ARN"], ResourceType="API_GATEWAY")[
        "ResourceArns"
    ]
    for each in protected:
        client.disassociate_web_acl(ResourceArn=each)
    where = {"Name": own["Name"], "Scope": "REGIONAL", "Id": own["Id"]}
    _when_ready(
        lambda: client.delete_web_acl(**where, LockToken=client.get_web_acl(**where)["LockToken"])
    )


def _protect(client: Any, resource: str, arn: str) -> None:
    _when_ready(lambda: client.associate_web_acl(WebACLArn=arn, ResourceArn=resource))


def _when_ready(do: Callable[[], object]) -> None:
    """Do something, and again for two minutes where AWS is not ready for it."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            do()
            return
        except ClientError as error:
            if not left or _code(error) not in _NOT_READY:
                raise
            time.sleep(PAUSE)


def _protector(client: Any, resource: str) -> str:
    """Return the ARN of the web ACL before an API; empty where it has none."""
    try:
        found = client.get_web_acl_for_resource(ResourceArn=resource)
    except client.exceptions.WAFNonexistentItemException:
        return ""
    return str(found.get("WebACL", {}).get("ARN", ""))


def _differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    compared = ("DefaultAction", "Rules", "CustomResponseBodies", "VisibilityConfig")
    return any(found.get(name) != wanted[name] for name in compared)


def _resource(target: Target, api_id: str) -> str:
    region = target.client("wafv2").meta.region_name
    return f"arn:aws:apigateway:{region}::/restapis/{api_id}/stages/{GATEWAY_STAGE}"


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
