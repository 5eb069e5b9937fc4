"""The stacks of a stage: tables, topics, secrets, mail; and its logs, alarms and dashboard."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra import config, policies, stack, watching
from infra.target import Change, NotDone, Target

PAUSE = 5.0  # seconds between two looks at a stack that is being changed


def changes(target: Target) -> Iterator[Change]:
    """Both stacks; CloudFormation finds out what of them differs."""
    yield Change(
        f"write the functions' policies to .chalice/policy-{target.stage}-*.json",
        lambda: policies.write(target.root, target.stage),
    )
    yield Change(
        f"bring the stack {names(target.stage)[0]} to infra/template.json: tables, topics, secrets, mail",
        lambda: _record(target, _apply(target)),
    )
    yield Change(
        f"bring the stack {names(target.stage)[1]} to infra/watching.py: logs, alarms, dashboard",
        lambda: _watch(target),
    )


def template(target: Target) -> str:
    """The text of the resources' template."""
    return (target.root / "infra" / "template.json").read_text()


def names(stage: str) -> tuple[str, str]:
    """The names of the two stacks."""
    return f"{config.prefix(stage)}-resources", f"{config.prefix(stage)}-watching"


def _apply(target: Target) -> Mapping[str, str]:
    told = target.operations
    parameters = {
        "Stage": target.stage,
        "MailDomain": told.get("mail_domain", ""),
        "BaseUrl": target.environment["BASE_URL"]
        if told.get("user_pool")
        else "",  # else nobody needs a pool
        "Mfa": "ON" if told.get("mfa", True) else "OPTIONAL",
    }
    return _bring(target, names(target.stage)[0], {"TemplateBody": template(target)}, parameters)


def _record(target: Target, outputs: Mapping[str, str]) -> None:
    """Chalice reads a stage's environment from this file alone, and `app.py` the streams' ARNs from the environment."""
    config.change(
        target.root, target.stage, "environment_variables", {**target.environment, **outputs}
    )


def _watch(target: Target) -> None:
    told = target.operations
    watched = watching.template(
        target.stage, told.get("alarm_mail", ""), told.get("budget", 0), told.get("log_days", 30)
    )
    _bring(target, names(target.stage)[1], {"TemplateBody": json.dumps(watched)}, {})


def _bring(
    target: Target, name: str, template: Mapping[str, str], parameters: Mapping[str, Any]
) -> dict[str, str]:
    try:
        return stack.apply(target.client("cloudformation"), name, template, parameters, PAUSE)
    except stack.StackFailed as error:
        raise NotDone(f"{error}\nMend what it names and run the same command again.") from error
