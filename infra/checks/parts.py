"""What every check is made of: the guide's steps, findings, and what a check may look at."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import config, functions
from infra.target import Target


class Step(StrEnum):
    """A step of "The first deployment" in docs/operations.md, by its id, in the guide's order."""

    TOOLS = "tools"
    SIGN_IN = "sign-in"
    COMPANY = "company"
    SETTINGS = "settings"
    LOOK = "look"
    RESOURCES = "resources"
    QUOTAS = "quotas"
    SENDER = "sender"
    SANDBOX = "sandbox"
    ALERTS = "alerts"
    STAFF = "staff"
    DOMAIN = "domain"
    DEPLOY = "deploy"
    TRY = "try"


class Blocks(IntEnum):
    """What waits until a finding is mended."""

    NOTHING = 0  # it is a note
    FUNCTIONS = 1  # the resources can be made
    EVERYTHING = 2


@dataclass(frozen=True)
class Finding:
    """Something that is missing or worth knowing; the text says how to mend it."""

    step: Step
    text: str
    blocks: Blocks = Blocks.EVERYTHING


@dataclass
class Look:
    """What the checks look at: a stage, the Python that deploys, and the account."""

    target: Target
    python: tuple[int, int]
    account: str = "0" * 12  # until somebody is signed in
    region: str = "eu-central-1"
    # What was read once, by a name that its readers choose.
    _read: dict[str, Any] = field(default_factory=dict, init=False)

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.target.stage

    @property
    def prefix(self) -> str:
        """The prefix of the names of the stage's resources."""
        return config.prefix(self.target.stage)

    @property
    def where(self) -> str:
        """Where the stage's settings are, in words."""
        return f"in .chalice/config.json, stage {self.target.stage}"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The environment variables of the stage's functions, as texts, which they have to be."""
        return {name: str(value) for name, value in self.target.environment.items()}

    @cached_property
    def served(self) -> bool:
        """Whether Chalice has deployed the stage before."""
        return bool(functions.deployed(self.target))

    def once(self, name: str, read: Callable[[], Any]) -> Any:
        """Return what `read` returns, which is called once for a name."""
        if name not in self._read:
            self._read[name] = read()
        return self._read[name]

    def arn(self, service: str, name: str) -> str:
        """Return the ARN of something of the stage's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{name}"


@dataclass(frozen=True)
class Check:
    """One thing that is looked at: the step it belongs to, its name, and what finds its faults."""

    step: Step
    what: str
    findings: Callable[[Look], Iterator[Finding]]
    online: bool = True  # it asks AWS


# AWS's codes for a right that is missing, by the services that are asked here.
_DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "ForbiddenException",
    "NotAuthorizedException",
    "UnauthorizedException",
    "UnauthorizedOperation",
}
_NAMED = re.compile(r"not authorized to perform: ([a-z0-9-]+:\w+)")


def found(check: Check, look: Look) -> Iterator[Finding]:
    """Yield a check's findings; of a call that fails, that it could not be looked at and why.

    A missing right is a note, since the deployer may be allowed to deploy and not to look.
    Anything else blocks, since the deployment would meet the same.
    """
    try:
        yield from check.findings(look)
    except ClientError as error:
        if code(error) in _DENIED:
            yield Finding(
                check.step,
                f"{check.what} could not be looked at: needs the right {_right(error)}",
                Blocks.NOTHING,
            )
        else:
            yield Finding(check.step, f"{check.what} could not be looked at: {error}")
    except BotoCoreError as error:  # no connection, or no such service in the region
        yield Finding(
            check.step,
            f"{check.what} could not be looked at: {error}. Is the network there, and has the "
            f"region {look.region} the service?",
        )


def code(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _right(error: ClientError) -> str:
    """Return the right that AWS's message names, else the operation that it refused."""
    named = _NAMED.search(str(error.response.get("Error", {}).get("Message", "")))
    return named[1] if named else error.operation_name
