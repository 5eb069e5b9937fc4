"""What a deployment is made of: its target, its parts, and the changes they make."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import click
from botocore.config import Config

from infra import config
from infra.patience import Patience

# The API Gateway stage of every stage's API, as .chalice/config.json names it.
GATEWAY_STAGE = "api"

# Every call here may be repeated, and API Gateway takes only a few changes a second.
_RETRYING = Config(connect_timeout=5, retries={"total_max_attempts": 10, "mode": "standard"})


class NotDone(RuntimeError):
    """A part cannot be done; the text says why and what helps. What was done before it stays."""


@dataclass(frozen=True)
class Change:
    """A difference from the wanted state: `text` describes it, `do` removes it.

    Without `do` it is a note to the operator.
    """

    text: str
    do: Callable[[], object] | None = None


@dataclass
class Target:
    """A stage in the account and region of the caller's credentials, on a day."""

    root: Path
    stage: str
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    _clients: dict[str, Any] = field(default_factory=dict, init=False)

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service; it is made once."""
        if service not in self._clients:
            made = boto3.client(service, config=_RETRYING)
            self._clients[service] = Patience(click.echo).follow(made)
        return self._clients[service]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the stage's functions, as they are configured now."""
        return config.environment(self.root, self.stage)

    @cached_property
    def operations(self) -> dict[str, Any]:
        """The settings of the stacks, by the names in `infra.checks.operations`.

        A name that is not set has its default.
        """
        return config.operations(self.root, self.stage)


@dataclass(frozen=True)
class Part:
    """A part of a deployment that can be repeated.

    `changes` finds out what is to be done; only a change's `do` changes anything.
    """

    title: str
    changes: Callable[[Target], Iterable[Change]]


def carry_out(
    parts: Iterable[Part], target: Target, say: Callable[[str], None], dry_run: bool = False
) -> None:
    """Carry out the parts in order and announce each change by `say` first. Raises NotDone.

    With `dry_run` changes are only announced.
    """
    parts = list(parts)
    for number, part in enumerate(parts, 1):
        say(f"{number}/{len(parts)} {part.title}")
        announced = False
        for change in part.changes(target):
            announced = True
            say(f"    {'would ' if dry_run and change.do else ''}{change.text}")
            if change.do and not dry_run:
                change.do()
        if not announced:
            say("    nothing to do")
