"""The settings of the stacks, `operations` in .chalice/config.json: their names and values."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from chalicelib import addresses
from chalicelib.settings import Settings
from infra import purse, resources
from infra.checks import settings
from infra.checks.parts import Finding, Look, Step
from infra.target import NotDone


def _domain(value: Any) -> str:
    if not isinstance(value, str):
        return "must be a domain"
    name = addresses.ascii_domain(value)
    if settings.fault(f"post@{name}"):
        return f"must be a domain such as your-domain.de, not {value}"
    return ""


def _switch(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false, without quotes"


def _address(value: Any) -> str:
    if not isinstance(value, str):
        return "must be an e-mail address"
    name, address = addresses.split(value)
    if name:
        return f"takes an address without a name, not {value}"
    fault = settings.fault(address)
    if not fault and not address.isascii():
        return f"has {value}, and SNS takes ASCII only: write its domain as punycode"
    return f"has {value}, {fault}" if fault else ""


def _amount(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return "must be an amount of USD above 0, without quotes; leave it out for no budget"
    return ""


def _days(value: Any) -> str:
    if isinstance(value, bool) or value not in resources.LOG_DAYS:
        return f"must be one of CloudWatch's terms: {', '.join(map(str, resources.LOG_DAYS))}"
    return ""


# What `operations` may have, each with what says what is wrong with a value, empty if nothing is.
OPERATIONS: Mapping[str, Callable[[Any], str]] = {
    "mail_domain": _domain,
    "user_pool": _switch,
    "mfa": _switch,
    "alarm_mail": _address,
    "budget": _amount,
    "log_days": _days,
    **{name: partial(purse.fault, name) for name in purse.SETTINGS},
    "sandbox": _switch,  # written by `make resources` while SES is in the sandbox
}


def values(look: Look) -> Iterator[Finding]:
    """Look at the names and values in `operations`."""
    for name, value in look.target.operations.items():
        if name not in OPERATIONS:
            yield Finding(
                Step.SETTINGS,
                f"operations has no {name}, only {', '.join(OPERATIONS)} ({look.where})",
            )
        elif fault := OPERATIONS[name](value):
            yield Finding(Step.SETTINGS, f"operations: {name} {fault} ({look.where})")


def terms(look: Look) -> Iterator[Finding]:
    """Look at whether CloudWatch can keep the heads of the ledgers as long as proofs are kept."""
    written = look.environment.get("PROOF_YEARS", str(Settings.proof_years))
    try:
        resources.heads_days(int(written))
    except NotDone as error:
        yield Finding(Step.SETTINGS, f"{error} ({look.where})")
    except ValueError:
        return  # the settings' own check tells it
