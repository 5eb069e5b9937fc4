"""The connection below the real client.

Each call is answered by the double or by a fault. At every answer another task may go on.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from chalicelib import aws
from local.aws import dynamodb
from tests.articles.simulation.double import Double, Refused
from tests.articles.simulation.hub import Hub, Stop
from tests.expressions import Item, as_given

URL = "https://dynamodb.invalid"
# The botocore client repeats a call itself after these faults, with the same token.
ATTEMPTS = 3
REPEATED = ("ThrottlingException", "InternalServerError", "TransactionInProgressException")
FAULTS = (
    *("unreachable", "throttled", "broken", "contended"),
    *("crash before", "crash after", "answer lost", "late commit"),
)
# After a conflict the product really sleeps. So a run meets few conflicts, and its other
# transactions wait for each other.
MOST_CONFLICTS = 1


@dataclass(frozen=True)
class Status:
    """The part of a response's status that the client reads."""

    status_code: int


class Wire:
    """Carries calls from the client to the double. `faulty` is the share of calls that fail."""

    def __init__(
        self, hub: Hub, double: Double, chance: random.Random, faulty: float, met: Counter[str]
    ) -> None:
        self.faulty = faulty
        self.calls = 0
        self._hub, self._double, self._chance, self._met = hub, double, chance, met
        self._conflicts = MOST_CONFLICTS if faulty else 0

    @contextmanager
    def plugged(self) -> Iterator[None]:
        """Answer every DynamoDB call of this process while entered, so that none leaves it."""
        events = aws.client("dynamodb").meta.events
        events.register("before-call.dynamodb", self._answer)
        try:
            yield
        finally:
            events.unregister("before-call.dynamodb", self._answer)

    def _answer(self, model: Any, params: Any, **_: Any) -> tuple[Status, Item]:
        asked = json.loads(params["body"], object_hook=as_given)
        if broken := dynamodb.refusal(model.name, asked, len(params["body"])):
            return Status(400), _error(Refused(broken.code))
        for left in range(ATTEMPTS - 1, -1, -1):
            try:
                return Status(200), self._carry(model.name, asked)
            except (ReadTimeoutError, EndpointConnectionError):
                if not left or self._happens(0.5):
                    raise
            except Refused as refused:
                if not left or refused.code not in REPEATED or self._happens(0.5):
                    return Status(400), _error(refused)
            self._met["repeated by the client"] += 1
        raise AssertionError

    def _carry(self, operation: str, asked: Item) -> Item:
        self.calls += 1
        fault = self._fault(operation)
        self._before(operation, asked, fault)
        self._hub.pause()
        if self._hub.current:
            self._queue_up(operation, asked)
        answer = self._double.operate(operation, asked, self._in_flight)
        if fault == "crash after":
            raise Stop
        if fault == "answer lost":
            raise ReadTimeoutError(endpoint_url=URL)
        self._hub.pause()
        return answer

    def _fault(self, operation: str) -> str | None:
        if not self._hub.current or not self._happens(self.faulty):
            return None
        fault = self._chance.choice(FAULTS)
        if fault == "contended":
            if operation != "TransactWriteItems" or not self._conflicts:
                return None
            self._conflicts -= 1
        self._met[fault] += 1
        return fault

    def _before(self, operation: str, asked: Item, fault: str | None) -> None:
        match fault:
            case "unreachable":
                raise EndpointConnectionError(endpoint_url=URL)
            case "throttled":
                raise Refused("ThrottlingException")
            case "broken":
                raise Refused("InternalServerError")
            case "contended":
                code = self._chance.choice(["TransactionConflict", "ThrottlingError"])
                raise Refused(
                    "TransactionCanceledException",
                    ["None"] * (len(asked["TransactItems"]) - 1) + [code],
                )
            case "crash before":
                raise Stop
            case "late commit":
                self._hub.spawn(lambda: self._late(operation, asked))
                raise ReadTimeoutError(endpoint_url=URL)

    def _late(self, operation: str, asked: Item) -> None:
        """Let a call arrive after its caller has given up."""
        for _ in range(self._chance.randrange(12)):
            self._hub.pause()
        try:
            self._double.operate(operation, asked, self._in_flight)
        except Refused:
            self._met["late and refused"] += 1

    def _queue_up(self, operation: str, asked: Item) -> None:
        if self._conflicts and self._double.conflicts(operation, asked):
            self._conflicts -= 1
            self._met["conflict"] += 1
            return
        while self._double.conflicts(operation, asked):
            self._hub.wait(lambda: not self._double.conflicts(operation, asked))

    def _in_flight(self) -> None:
        for _ in range(self._chance.choice((0, 0, 0, 1, 3))):
            self._hub.pause(freezes=False)

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share


def _error(refused: Refused) -> Item:
    answer: Item = {"Error": {"Code": refused.code, "Message": refused.code}}
    if refused.reasons is not None:
        answer["CancellationReasons"] = [{"Code": reason} for reason in refused.reasons]
    return answer
