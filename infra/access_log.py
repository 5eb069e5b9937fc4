"""The gateway's access log: a line for each request, by which its throttles are seen.

API Gateway has no metric of the requests that it refuses for being too many: `4XXError` counts
whatever a client does wrong. The lines name the path as it is declared and no caller.
"""

import json
from collections.abc import Iterator
from typing import Any

from infra import config
from infra.target import GATEWAY_STAGE, Change, Target

FORMAT = json.dumps(
    {
        "error": "$context.error.responseType",
        "path": "$context.resourcePath",
        "method": "$context.httpMethod",
        "status": "$context.status",
        "request": "$context.requestId",
    },
    separators=(",", ":"),
)


def group(stage: str) -> str:
    """Return the name of the log group, which the watching stack makes."""
    return f"/aws/apigateway/{config.prefix(stage)}"


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """Yield one change if the stage of the API does not write the log."""
    client = target.client("apigateway")
    account = target.client("sts").get_caller_identity()["Account"]
    arn = f"arn:aws:logs:{client.meta.region_name}:{account}:log-group:{group(target.stage)}"
    wanted = {"destinationArn": arn, "format": FORMAT}
    found = client.get_stage(restApiId=api_id, stageName=GATEWAY_STAGE).get("accessLogSettings", {})
    if found != wanted:
        yield Change(
            "have the gateway write a line for each request, by which throttles are seen",
            lambda: client.update_stage(
                restApiId=api_id, stageName=GATEWAY_STAGE, patchOperations=_operations(wanted)
            ),
        )


def _operations(wanted: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"op": "replace", "path": f"/accessLogSettings/{name}", "value": value}
        for name, value in wanted.items()
    ]
