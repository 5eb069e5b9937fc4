"""What follows each deployment by Chalice: what it cannot set, and the smoke test."""

from collections.abc import Iterator

from infra import (
    access_log,
    config,
    functions,
    gateway,
    resources,
    smoke,
    throttles,
    triggers,
    waf,
)
from infra.target import Change, NotDone, Target


def settle(target: Target) -> Iterator[Change]:
    """Yield the changes to triggers, throttles and gateway responses, which Chalice cannot set.

    They differ after a first deployment, or where somebody changed them by hand. Before the first
    deployment there is only a note.
    """
    if not (triggers.standing(target) and functions.deployed(target)):
        yield Change(
            "set filters, retries, limits and the gateway's answers, once Chalice has deployed"
        )
        return
    api_id = _api(target)["rest_api_id"]
    yield from triggers.changes(target)
    yield from _named(target, api_id)
    yield from throttles.changes(target, api_id)
    yield from access_log.changes(target, api_id)
    yield from gateway.changes(target, api_id)
    yield from waf.changes(target, api_id)
    yield from resources.watched(target)


def served(target: Target, url: str | None) -> Iterator[Change]:
    """Yield the requests of the smoke test, to `url` or to the address that Chalice recorded."""
    if url is None and not functions.deployed(target):
        yield Change("ask the served stage, once there is one")
        return
    yield from smoke.changes(target, (url or _api(target)["rest_api_url"]).rstrip("/"))


def _api(target: Target) -> dict[str, str]:
    try:
        return functions.deployed(target)["rest_api"]
    except KeyError:
        raise NotDone(
            "there are functions, but no record of their deployment in "
            f".chalice/deployed/{target.stage}.json: get the file from whoever deployed last"
        ) from None


def _named(target: Target, api_id: str) -> Iterator[Change]:
    """Yield the change of the API's name to the stage's, which a plain `chalice deploy` undoes."""
    client, wanted = target.client("apigateway"), config.prefix(target.stage)
    if client.get_rest_api(restApiId=api_id)["name"] != wanted:
        yield Change(
            f"call the API {wanted}",
            lambda: client.update_rest_api(
                restApiId=api_id,
                patchOperations=[{"op": "replace", "path": "/name", "value": wanted}],
            ),
        )
