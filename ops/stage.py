"""Putting this process into a stage: it gets the environment of the stage's functions.

That must happen before `settings.current()` is first called.
"""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from chalicelib import log
from infra import stack
from ops import records
from ops.words import _

ROOT = Path(__file__).parent.parent
RUN = ROOT / ".local" / "run.json"
_REGION = "eu-central-1"  # the local cloud's; it takes any access key
_LOCAL = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": _REGION,
    "AWS_DEFAULT_REGION": _REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_OWN_ACCOUNT = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")


class NoStage(RuntimeError):
    """The stage cannot be entered; the text says why and what helps."""


class OnStage(click.Command):
    """A command that runs on the stage its group names.

    The stage is entered only once the command line is known to be right.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Enter the stage and run the command; without `obj` the process is on a stage already."""
        if ctx.obj:
            ctx.obj()
        with log.written_to(records.keep):
            return super().invoke(ctx)


def enter(name: str, run: Path, environment: MutableMapping[str, str]) -> None:
    """Set a stage's settings and its stack's outputs in the environment. Raises NoStage.

    `run` is the file with the local cloud's addresses. For a stage other than `local` the caller's
    AWS credentials are used.
    """
    environment.update(_settings(name))
    if name == "local":
        _enter_local(run, environment)
    outputs = _outputs(f"customer-contact-{name}-resources", name)
    environment.update(outputs)


def _settings(name: str) -> dict[str, str]:
    stages = json.loads((ROOT / ".chalice" / "config.json").read_text())["stages"]
    if name not in stages:
        told = _(
            "there is no stage %(stage)s in .chalice/config.json, only %(stages)s",
            stage=name,
            stages=", ".join(stages),
        )
        raise NoStage(told)
    return dict(stages[name]["environment_variables"])


def _enter_local(run: Path, environment: MutableMapping[str, str]) -> None:
    try:
        addresses: dict[str, Any] = json.loads(run.read_text())
    except FileNotFoundError:
        raise NoStage(
            _("the local cloud is not running: start it by `make run`, or name another --stage")
        ) from None
    for name in _OWN_ACCOUNT:
        environment.pop(name, None)  # else the client would use the caller's own account
    environment.update(addresses.get("environment", {}))
    environment.update(
        _LOCAL,
        AWS_ENDPOINT_URL=addresses["aws"],
        BASE_URL=addresses["api"],
        SITE_URL=addresses["site"],
    )


def _outputs(name: str, stage: str) -> dict[str, str]:
    config = Config(connect_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"})
    client: Any = boto3.client("cloudformation", config=config)
    try:
        outputs = stack.outputs(client, name)
    except EndpointConnectionError:
        if stage != "local":
            raise
        raise NoStage(
            _(
                "the local cloud does not answer, it was probably killed: start it anew by "
                "`make run`"
            )
        ) from None
    if outputs is None:
        told = _(
            "there is no finished stack %(stack)s in %(region)s: is it this account and region?",
            stack=name,
            region=client.meta.region_name,
        )
        raise NoStage(told)
    return outputs
