"""The gateway's throttles by method: they bound what a flood of requests costs."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from infra.target import GATEWAY_STAGE, Change, Target

# Requests a second and burst, for each method that is not in RATES.
DEFAULT = (20.0, 40)
# The same for the paths that every page of the website calls.
_PAGES = (500.0, 1000)
RATES: Mapping[str, tuple[float, int]] = {
    "/articles/{slug}/views": (5000.0, 2500),
    "/views": (5000.0, 2500),
    "/articles/views": _PAGES,
    "/articles/popular": _PAGES,
    "/articles/{slug}/badge.svg": _PAGES,
    "/embed.js": _PAGES,
    "/embed/{file}": _PAGES,
    "/forms/newsletter": _PAGES,
    "/forms/callback": _PAGES,
    "/altcha": _PAGES,
    "/altcha.js": _PAGES,
    "/hotline": _PAGES,
    "/page": _PAGES,
}
# The methods that pages use there; each view may take a preflight. No page sends a HEAD.
_METHODS = ("GET", "POST", "OPTIONS")


def changes(target: Target, api_id: str) -> Iterator[Change]:
    """Yield a change for each throttle of a stage's API that differs."""
    client = target.client("apigateway")
    found = {
        key.replace("~1", "/").strip("/"): value
        for key, value in client.get_stage(restApiId=api_id, stageName=GATEWAY_STAGE)
        .get("methodSettings", {})
        .items()
    }
    wanted = {"*/*": DEFAULT}
    wanted |= {
        f"{path.strip('/')}/{method}": rate for path, rate in RATES.items() for method in _METHODS
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
