"""The callback workflow under faults.

The process ends at every call of every step. Once the step is repeated, everything has happened
once.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib import aws, instants
from tests.backend import Backend, Stop
from tests.edge.staff import STAFF, Agent, ask
from tests.edge.test_change import mailed, posted
from tests.edge.test_faults import EVERY

_AHEAD = datetime.combine(instants.now() + timedelta(days=20), time(10), ZoneInfo("Europe/Berlin"))
SLOT = {"from": _AHEAD.isoformat(), "to": _AHEAD.replace(hour=12).isoformat()}
STEPS: dict[str, tuple[str, Callable[[Agent, str], object]]] = {
    "claim": ("claimed", lambda anna, reference: anna.do(reference, "claim")),
    "dial": ("dialled", lambda anna, reference: anna.do(reference, "dial")),
    "no answer": (
        "missed",
        lambda anna, reference: anna.do(reference, "outcome", outcome="no_answer"),
    ),
    "open again": (
        "opened",
        lambda anna, reference: anna.backend.tick(instants.now() + timedelta(minutes=21)),
    ),
    "claim again": ("claimed", lambda anna, reference: anna.do(reference, "claim")),
    "agree on later": (
        "agreed",
        lambda anna, reference: anna.do(reference, "outcome", outcome="later", window=SLOT),
    ),
}


def ended_at_call(line: Backend, number: int, moment: str, step: Callable[[], object]) -> bool:
    """Take a step that ends at its n-th call to DynamoDB. Tell whether there were so many calls."""
    calls: list[str] = []

    def end(event_name: str, **_: Any) -> None:
        calls.append(event_name)
        if len(calls) == number:
            raise Stop

    with line.hooked("dynamodb", f"{moment}.dynamodb", end):
        try:
            step()
        except Stop:
            return True
    return False


@pytest.mark.usefixtures("scale")
@pytest.mark.parametrize("moment", ["before-send", "response-received"])
def test_every_crash_point(line: Backend, moment: str) -> None:
    anna, points, crashing = Agent(line), 0, 1 - EVERY
    while True:
        crashing += EVERY
        crashed = False
        reference = ask(line, phone=f"07930 2{crashing:03}", email=f"crash-{crashing}@example.org")
        for _, step in STEPS.values():
            if ended_at_call(line, crashing, moment, partial(step, anna, reference)):
                crashed = True
                points += 1
                step(anna, reference)  # the agent presses again, the clock ticks again
        shown = anna.get(f"{STAFF}/{reference}").json
        told = Counter(each["event"] for each in shown["history"])
        assert told == Counter(["submitted", *(event for event, _ in STEPS.values())])
        assert (shown["state"], shown["expected"]) == ("scheduled", SLOT)
        if not crashed:
            break
    owed = Counter(
        (item["kind"], item["subject"], item["serial"]) for item in line.items(prefix="MSG#")
    )
    assert set(owed.values()) == {1}
    print(f"callbacks, ended {moment} each call: crash points {points} · lost 0 · done twice 0")
    assert points >= max(1, 12 // EVERY)


def test_an_answer_lost_after_the_write_is_recognised_as_our_own(line: Backend) -> None:
    anna, reference, lost = Agent(line), ask(line), list[Any]()

    def drop(request: Any, **_: Any) -> None:
        if not lost:
            lost.append(request)
            aws.client("dynamodb")._endpoint.http_session.send(request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

    with line.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", drop):
        claimed = anna.do(reference, "claim")
    assert (claimed.status, claimed.json["holder"], len(lost)) == (200, "Anna", 1)
    assert len(claimed.json["history"]) == 2


def test_a_second_agent_between_look_and_write_is_told_who_was_faster(line: Backend) -> None:
    anna, ben, reference, first = Agent(line), Agent(line, "Ben"), ask(line), list[bool]()

    def overtake(**_: Any) -> None:
        if not first:
            first.append(True)
            assert ben.do(reference, "claim").status == 200

    with line.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", overtake):
        late = anna.do(reference, "claim")
    assert (late.status, late.json["holder"]) == (409, "Ben")


def test_a_cancellation_between_look_and_write_ends_it(line: Backend) -> None:
    anna, reference, first = Agent(line), ask(line, email="between@example.org"), list[bool]()
    token = mailed(line, "between@example.org")

    def overtake(**_: Any) -> None:
        if not first:
            first.append(True)
            assert posted(line, token, action="cancel").status == 200

    with line.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", overtake):
        late = anna.do(reference, "claim")
    assert (late.status, late.json["state"]) == (409, "cancelled")
