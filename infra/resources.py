"""The two stacks of a stage: tables, topics, secrets, mail; and logs, alarms, dashboard."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from botocore.exceptions import ClientError

from chalicelib import addresses
from chalicelib.settings import Settings
from infra import alarms, config, policies, stack, triggers, watching
from infra.target import Change, NotDone, Target

# The days for which CloudWatch keeps logs (API reference: PutRetentionPolicy).
LOG_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
# A new stack's tables and user pool are protected against deletion once it stands: CloudFormation
# could not take a failed creation back otherwise, and their names would block every further try.
_UNPROTECTED = {"Protect": "false"}
PAUSE = 5.0  # seconds between two queries of a stack's status


def changes(target: Target) -> Iterator[Change]:
    """Yield the writing of the policies and both stacks; CloudFormation finds what differs."""
    yield from _sandbox(target)
    yield Change(
        f"write the functions' policies to .chalice/policy-{target.stage}-*.json",
        lambda: policies.write(target.root, target.stage),
    )
    yield Change(
        f"bring the stack {names(target.stage)[0]} to infra/template.json: "
        "tables, topics, secrets, mail",
        lambda: _record(target, with_streams(target, _apply(target))),
    )
    yield Change(
        f"bring the stack {names(target.stage)[1]} to infra/watching.py: logs, alarms, dashboard",
        lambda: _watch(target),
    )


def _sandbox(target: Target) -> Iterator[Change]:
    """Yield a change where the stage's configuration is wrong about SES's sandbox.

    The policies allow mail to any verified recipient only there.
    """
    try:
        account = target.client("sesv2").get_account()
    except ClientError:  # the checks have told which right is missing
        return
    sandbox = not account.get("ProductionAccessEnabled")
    if sandbox != target.operations.get("sandbox", False):
        wanted = {name: value for name, value in target.operations.items() if name != "sandbox"}
        if sandbox:
            wanted["sandbox"] = True
        yield Change(
            f"write to .chalice/config.json that SES is {'in' if sandbox else 'out of'} the "
            "sandbox: the policies "
            f"{'let the functions send to each' if sandbox else 'end the right to send to every'} "
            "verified recipient",
            lambda: config.change(target.root, target.stage, "operations", wanted),
        )


def heads_days(proof_years: int) -> int:
    """Return for how long the log group of the heads keeps them: longer than a proof is kept.

    A proof goes at most a year and `proof_years` after the end of its subscription. CloudWatch
    knows some terms only. Raises NotDone where none is long enough.
    """
    needed = (proof_years + 1) * 366
    try:
        return next(each for each in LOG_DAYS if each >= needed)
    except StopIteration:
        raise NotDone(
            f"PROOF_YEARS is {proof_years}: CloudWatch keeps the heads of the ledgers "
            f"{LOG_DAYS[-1]} days at most, which is enough for {LOG_DAYS[-1] // 366 - 1} years"
        ) from None


def template(target: Target) -> str:
    """Return the text of the resource stack's template."""
    return (target.root / "infra" / "template.json").read_text()


def names(stage: str) -> tuple[str, str]:
    """Return the names of the resource stack and of the watching stack."""
    return f"{config.prefix(stage)}-resources", f"{config.prefix(stage)}-watching"


def _apply(target: Target) -> Mapping[str, str]:
    operations = target.operations
    proof_years = int(target.environment.get("PROOF_YEARS", Settings.proof_years))
    parameters = {
        "Stage": target.stage,
        "MailDomain": addresses.ascii_domain(operations.get("mail_domain", "")),
        # The template makes a user pool only where it is given the API's address.
        "BaseUrl": target.environment["BASE_URL"] if operations.get("user_pool") else "",
        "HeadsDays": str(heads_days(proof_years)),
        "Mfa": "ON" if operations.get("mfa", True) else "OPTIONAL",
        "Protect": "true",
    }
    return _bring(
        target, names(target.stage)[0], {"TemplateBody": template(target)}, parameters, _UNPROTECTED
    )


def with_streams(target: Target, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return the outputs with the streams that the tables have now.

    A table that was restored under its own name has a new stream, of which its stack knows nothing.
    """
    client = target.client("dynamodb")
    tables = [name.removesuffix("_STREAM_ARN") for name in outputs if name.endswith("_STREAM_ARN")]
    streams = {
        f"{name}_STREAM_ARN": client.describe_table(TableName=outputs[f"{name}_TABLE"])["Table"][
            "LatestStreamArn"
        ]
        for name in tables
    }
    return {**outputs, **streams}


def _record(target: Target, outputs: Mapping[str, str]) -> None:
    """Write the stack's outputs into the stage's configuration.

    Chalice reads the functions' environment from there alone, and `app.py` reads the streams' ARNs
    from the environment.
    """
    config.change(
        target.root, target.stage, "environment_variables", {**target.environment, **outputs}
    )


def _watch(target: Target) -> None:
    operations = target.operations
    watched = watching.template(
        target.stage,
        operations.get("alarm_mail", ""),
        operations.get("budget", 0),
        operations.get("log_days", 30),
        operations,
        serving=triggers.standing(target),
    )
    body = {"TemplateBody": json.dumps(watched)}
    _record(target, _bring(target, names(target.stage)[1], body, {}))


def watched(target: Target) -> Iterator[Change]:
    """Yield what the alarms of a stage with functions lack.

    What has to happen is watched only once something can do it; and alarms that somebody switched
    off tell again.
    """
    client = target.client("cloudwatch")
    pages = client.get_paginator("describe_alarms").paginate(
        AlarmNamePrefix=f"{config.prefix(target.stage)}-"
    )
    ours = {
        f"{config.prefix(target.stage)}-{each.name}": each
        for each in alarms.alarms(target.stage, target.operations)
    }
    found = {
        each["AlarmName"]: each
        for page in pages
        for each in page["MetricAlarms"]
        if each["AlarmName"] in ours
    }
    wanted = [name for name, each in ours.items() if each.below]
    if missing := [name for name in wanted if name not in found]:
        yield Change(
            f"watch what has to happen from now on: {', '.join(missing)}", lambda: _watch(target)
        )
    silent = sorted(name for name, each in found.items() if not each.get("ActionsEnabled", True))
    if silent:
        yield Change(
            f"have alarms tell again that were switched off: {', '.join(silent)}",
            lambda: client.enable_alarm_actions(AlarmNames=silent),
        )


def _bring(
    target: Target,
    name: str,
    template: Mapping[str, str],
    parameters: Mapping[str, Any],
    at_first: Mapping[str, str] | None = None,
) -> dict[str, str]:
    try:
        client = target.client("cloudformation")
        return stack.apply(client, name, template, parameters, PAUSE, click.echo, at_first)
    except stack.StackFailed as error:
        raise NotDone(
            f"{error}\nMend what it names and run the same command again. What exists already and "
            f"nobody needs is deleted by `make destroy STAGE={target.stage} DATA=1`."
        ) from error
