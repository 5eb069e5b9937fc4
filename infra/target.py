"""What a deployment works on, and what it is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra import config

GATEWAY_STAGE = "api"  # API Gateway's, of the API of every stage of ours; in .chalice/config.json

# Every call here may be repeated, and API Gateway takes only a few changes a second.
_PATIENT = Config(connect_timeout=5, retries={"total_max_attempts": 10, "mode": "standard"})


class NotDone(RuntimeError):
    """A step cannot be done; the text says why and what helps. What was done before it stays."""


@dataclass(frozen=True)
class Change:
    """One thing that differs from what it should be: `text` says it, `do` changes it. Without `do` it is a note."""

    text: str
    do: Callable[[], object] | None = None


@dataclass
class Target:
    """A stage in the account and region of the caller's credentials."""

    root: Path
    stage: str
    _clients: dict[str, Any] = field(default_factory=dict, init=False)

    def client(self, service: str) -> Any:
        """The one boto3 client of a service."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, config=_PATIENT)
        return self._clients[service]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the stage's functions, as they are configured now."""
        return config.environment(self.root, self.stage)

    @cached_property
    def operations(self) -> dict[str, Any]:
        """What the stacks are told, by the names in `checks.OPERATIONS`; what is not there has its default."""
        return config.operations(self.root, self.stage)


@dataclass(frozen=True)
class Step:
    """A part of a deployment that can be repeated. `changes` looks what is to be done, and touches nothing."""

    title: str
    changes: Callable[[Target], Iterable[Change]]


def carry_out(
    steps: Iterable[Step], target: Target, say: Callable[[str], None], dry_run: bool = False
) -> None:
    """Go through the steps in order, telling each change before it is made; `dry_run` only tells. Raises NotDone."""
    steps = list(steps)
    for number, step in enumerate(steps, 1):
        say(f"{number}/{len(steps)} {step.title}")
        told = False
        for change in step.changes(target):
            told = True
            say(f"    {'would ' if dry_run and change.do else ''}{change.text}")
            if change.do and not dry_run:
                change.do()
        if not told:
            say("    nothing to do")
