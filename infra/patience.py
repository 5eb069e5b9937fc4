"""Waiting for Lambda: what it is still making or changing refuses a change for a while.

AWS documents both refusals: an event source mapping that is `Creating`, `Updating` or `Enabling`
answers ResourceInUseException, and a function whose update is in progress answers
ResourceConflictException. botocore calls `Patience` after each answer, ours and Chalice's alike.
"""

from collections.abc import Callable
from typing import Any

PAUSE = 3.0  # seconds before the same call is made again
TRIES = 60
_BUSY = ("in progress", "state: pending")  # a conflict of any other kind does not pass by itself


class Patience:
    """Tells botocore to make a call to Lambda again while what it changes is busy."""

    def __init__(self, say: Callable[[str], object]) -> None:
        """Give `say` a line now and then while a call waits."""
        self._say = say

    def follow(self, client: Any) -> Any:
        """Have a boto3 client wait, and return it."""
        client.meta.events.register("needs-retry.lambda", self)
        return client

    def __call__(self, response: Any, attempts: int, operation: Any, **_: Any) -> float | None:
        """Return the seconds to wait before the call is repeated, None if it is not."""
        error = response[1].get("Error", {}) if response else {}
        if not busy(error.get("Code", ""), error.get("Message", "")) or attempts >= TRIES:
            return None
        if attempts % 5 == 1:
            self._say(f"    Lambda is busy, {operation.name} waits: {error.get('Message', '')}")
        return PAUSE


def busy(code: str, message: str) -> bool:
    """Return whether an error of Lambda's says that something is being made or changed."""
    if code == "ResourceConflictException":
        return any(each in message.lower() for each in _BUSY)
    return code == "ResourceInUseException"
