"""The first step of a deployment: read everything that could stop it, before anything changes.

A check is one thing that is looked at, and yields findings. A finding belongs to a step of "The
first deployment" in docs/operations.md, says how to mend it, and blocks everything, the functions,
or nothing. One list has them all, in the guide's order. Nothing here changes anything.
"""

import sys
from collections.abc import Iterator

from infra.checks import (
    account,
    company,
    domain,
    mail,
    names,
    operations,
    settings,
    sizes,
    staff,
    subscriptions,
    tools,
)
from infra.checks.parts import Blocks, Check, Finding, Look, Step, found
from infra.target import Change, NotDone, Target

SIGNED_IN = Check(Step.SIGN_IN, "who is signed in", account.signed_in)
CHECKS = (
    Check(Step.TOOLS, "the Python that deploys", tools.python, online=False),
    Check(Step.TOOLS, "the runtime's term", tools.term, online=False),
    Check(Step.SIGN_IN, "whose stage it is", account.whose),
    Check(Step.COMPANY, "the company's files", company.files, online=False),
    Check(Step.SETTINGS, "the stage's name", settings.stage, online=False),
    Check(Step.SETTINGS, "the settings", settings.values, online=False),
    Check(Step.SETTINGS, "operations", operations.values, online=False),
    Check(Step.SETTINGS, "the heads' term", operations.terms, online=False),
    Check(Step.SETTINGS, "the functions' environment", sizes.environments, online=False),
    Check(Step.SETTINGS, "the sender's domain at SES", mail.known),
    Check(Step.RESOURCES, "the templates' sizes", sizes.templates, online=False),
    Check(Step.RESOURCES, "the policies' sizes", sizes.documents, online=False),
    *names.checks(),
    Check(Step.RESOURCES, "who gets the alarms", subscriptions.operators),
    Check(Step.QUOTAS, "how many functions run at once", account.concurrency),
    Check(Step.QUOTAS, "how many requests API Gateway takes", account.throttle),
    Check(Step.SENDER, "the DNS records of the sender's domain", mail.verified),
    Check(Step.SENDER, "where bounces go", mail.forwarded),
    Check(Step.SANDBOX, "whether SES sends", mail.sends),
    Check(Step.SANDBOX, "SES's sandbox", mail.sandbox),
    Check(Step.SANDBOX, "SES's quota", mail.quota),
    Check(Step.ALERTS, "who gets the alerts", subscriptions.alerts),
    Check(Step.ALERTS, "SNS's SMS", subscriptions.sms),
    Check(Step.STAFF, "the staff's sign-in", staff.provider, online=False),
    Check(Step.DOMAIN, "the stage's address", domain.address, online=False),
    Check(Step.DOMAIN, "the certificate", domain.certificate),
    Check(Step.DEPLOY, "the package's size", sizes.package, online=False),
)


def findings(target: Target, python: tuple[int, int] | None = None) -> list[Finding]:
    """Return what every check finds, in the guide's order. Raises NoStage.

    Without credentials that work the account is not looked at, and the list says so.
    """
    look = Look(target, python or sys.version_info[:2])
    told = list(found(SIGNED_IN, look))
    for check in CHECKS:
        if not (check.online and any(each.step == Step.SIGN_IN for each in told[:1])):
            told += found(check, look)
    order = list(Step)
    return sorted(dict.fromkeys(told), key=lambda each: order.index(each.step))


def check(target: Target, python: tuple[int, int] | None = None) -> Iterator[Change]:
    """Yield a note for each thing the operator should know; there is nothing to change.

    Raises NotDone with the whole list if something of it blocks everything.
    """
    told = findings(target, python)
    if any(each.blocks == Blocks.EVERYTHING for each in told):
        raise NotDone(missing(told))
    client = target.client("sts")
    yield Change(
        f"work in account {client.get_caller_identity()['Account']}, "
        f"region {client.meta.region_name}"
    )
    for each in told:
        yield Change(f"{_LATER if each.blocks else 'note'}: {_said(each)}")


def ready(target: Target, python: tuple[int, int] | None = None) -> Iterator[Change]:
    """Yield a stop where something that only the functions need is missing, once all was read anew.

    A dry run announces it and goes on.
    """
    told = [each for each in findings(target, python) if each.blocks]
    if not told:
        return

    def stop() -> None:
        raise NotDone(missing(told))

    steps = ", ".join(dict.fromkeys(each.step for each in told))
    yield Change(f"stop before the functions, as they wait for: {steps}", stop)


_LATER = "before the functions"


def missing(told: list[Finding]) -> str:
    """Return what is missing as one list, what blocks nothing as notes in it."""
    lines = (f"  - {'' if each.blocks else 'note: '}{_said(each)}" for each in told)
    return "\n".join(
        [
            "This is missing: (the word in brackets is the step of docs/operations.md, The first "
            "deployment)",
            *lines,
        ]
    )


def _said(finding: Finding) -> str:
    return f"[{finding.step}] {finding.text}"
