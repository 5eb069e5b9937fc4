"""The gateway's throttles by method: they bound what a flood of requests costs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from infra.target import GATEWAY_STAGE, Change, Target

# Pages a second of the website that the gateway has to serve.
PAGES = 3000
# Calls of a page to each path, as the snippet makes them or a page's own script: the snippet, the
# view it reports, and what it shows. A proof of work is asked for where somebody fills in a form,
# which is on one page in ten at most, and so are ready forms.
CALLS: Mapping[str, float] = {
    "/embed.js": 1,
    "/embed/{file}": 1,
    "/articles/{slug}/views": 1,
    "/views": 1,
    "/page": 1,
    "/articles/views": 1,
    "/articles/popular": 1,
    "/articles/{slug}/badge.svg": 1,
    "/hotline": 1,
    "/callbacks/slots": 1,
    "/newsletter/consent": 1,
    "/callbacks/consent": 1,
    "/forms/newsletter": 0.1,
    "/forms/callback": 0.1,
    "/altcha": 0.1,
    "/altcha.js": 0.1,
}
# Requests a second and burst, for each method that no page calls.
DEFAULT = (20.0, 40)
_LARGEST_BURST = 5000  # of an account
RATES: Mapping[str, tuple[float, int]] = {
    path: (PAGES * calls, min(int(PAGES * calls), _LARGEST_BURST)) for path, calls in CALLS.items()
}
# The methods that pages use there; each view may take a preflight. No page sends a HEAD.
_METHODS = ("GET", "POST", "OPTIONS")


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """Yield a change for each throttle of a stage's API that differs.

    A path that the API lacks, as an older version's does, is left out.
    """
    client = target.client("apigateway")
    pages = client.get_paginator("get_resources").paginate(restApiId=api_id)
    paths = {each["path"] for page in pages for each in page["items"]}
    found = {
        key.replace("~1", "/").strip("/"): value
        for key, value in client.get_stage(restApiId=api_id, stageName=GATEWAY_STAGE)
        .get("methodSettings", {})
        .items()
    }
    wanted = {"*/*": DEFAULT}
    wanted |= {
        f"{path.strip('/')}/{method}": rate
        for path, rate in RATES.items()
        for method in _METHODS
        if path in paths
    }
    for key, (rate, burst) in wanted.items():
        settings = found.get(key, {})
        if (settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")) != (
            rate,
            burst,
        ):
            path, _, method = key.rpartition("/")
            what = "every method" if key == "*/*" else f"{method} /{path}"
            yield Change(
                f"throttle {what} at {rate:g} requests a second, {burst} at a burst",
                partial(
                    client.update_stage,
                    restApiId=api_id,
                    stageName=GATEWAY_STAGE,
                    patchOperations=_operations(path, method, rate, burst),
                ),
            )


def _operations(path: str, method: str, rate: float, burst: int) -> list[dict[str, Any]]:
    resource = "*" if path == "*" else "~1" + path.replace("/", "~1")
    at = f"/{resource}/{method}/throttling"
    return [
        {"op": "replace", "path": f"{at}/rateLimit", "value": f"{rate:g}"},
        {"op": "replace", "path": f"{at}/burstLimit", "value": str(burst)},
    ]
