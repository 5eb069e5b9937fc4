"""The alerts of one opening: one by one, or one digest, whatever happens meanwhile."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from chalicelib import aws
from chalicelib.callbacks import changes, clock, reactions, rules, workflow
from chalicelib.callbacks.model import Callback, Who
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Proof
from chalicelib.outbox import delivery, senders, store
from tests.backend import timeless
from tests.callbacks.cases import ANNA, ASKED, at
from tests.callbacks.simulation.services import Services, Status
from tests.callbacks.simulation.world import configured
from tests.scale import part

NIGHT, OPENING = at("Mon 05:00"), at("Mon 09:00")
TOPIC, MAIL = "callback-alert", "callback-alert-mail"
MINUTE = timedelta(minutes=1)


class Morning:
    """Requests that came at night, and what is sent of them."""

    def __init__(self, number: int, seed: int = 1) -> None:
        self.services = Services(random.Random(seed))
        self.references = [f"R-{each:04}" for each in range(number)]
        self.told: dict[str, list[list[str]]] = {TOPIC: [], MAIL: []}
        self.fate: Iterator[str] = itertools.repeat("taken")  # of each attempt to send
        self._mails: list[str] = []

    def ask(self, reference: str, now: datetime = NIGHT) -> None:
        asked = replace(ASKED, number_key=f"key-{reference}", email="")
        change = workflow.submit(asked, reference, rules.current(), now)
        requests.add(change, Proof("", {}), [])

    def ids(self, kind: str) -> list[str]:
        return [f"{kind}_{reference}_10" for reference in self.references]

    def deliver(self, message: str, now: datetime = OPENING) -> str:
        return delivery.deliver(message, reactions.COMPOSERS, now)

    def tick(self, now: datetime) -> None:
        """Let the clock do what is due, and the senders what it deals to them."""
        clock.tick(lambda: 50.0, now)
        senders.sweep(reactions.COMPOSERS, dict, lambda: 50.0, lambda: now)
        while self.services.queue:
            dealt = {"Records": [{"body": self.services.queue.pop(0)}]}
            with timeless():
                senders.play(dealt, reactions.COMPOSERS, dict, lambda: 60.0, lambda: now)

    def states(self, kind: str) -> Counter[str]:
        found = [each for each in map(store.load, self.ids(kind)) if each]
        return Counter(str(each.state) for each in found)

    def claim(self, reference: str, who: Who = ANNA, now: datetime = OPENING) -> None:
        self.change(reference, lambda before: workflow.claim(before, who, rules.current(), now))

    def change(self, reference: str, decide: Any, now: datetime = OPENING) -> Callback:
        return changes.change(reference, decide, now)

    def answer(self, model: Any, params: Any, **_: Any) -> tuple[Status, Any] | None:
        """Decide what becomes of an attempt, and note what was told of which requests."""
        if model.name not in ("Publish", "SendEmail"):
            return None
        fate = next(self.fate)
        if fate == "refused":
            return Status(503), {"Error": {"Code": "ServiceUnavailable", "Message": ""}}
        if fate == "lost":  # before it reached the service, as far as anybody knows
            raise BotoCoreError
        if model.name == "Publish":
            bodies = json.loads(params["body"]["Message"])
            fields = json.loads(bodies["https"])["metadata"]["additionalContext"]
            self.told[TOPIC].append(fields["reference"].split(","))
        else:
            simple = json.loads(params["body"])["Content"]["Simple"]
            said = simple["Subject"]["Data"] + simple["Body"]["Text"]["Data"]
            self.told[MAIL].append([each for each in self.references if each in said])
        return None


@pytest.fixture
def morning(request: pytest.FixtureRequest) -> Iterator[Morning]:
    """Enter a morning after a night with as many requests as the test's parameter says."""
    made = Morning(getattr(request, "param", 7))
    with configured():
        for service in ("sns", "sesv2"):
            aws.client(service).meta.events.register(f"before-call.{service}", made.answer)
        with made.services.plugged():
            for reference in made.references:
                made.ask(reference)
            yield made


def told_of(told: list[list[str]]) -> Counter[str]:
    return Counter(reference for each in told for reference in each)


@pytest.mark.parametrize("morning", [4, 5, 6, 50], indirect=True)
def test_more_than_five_alerts_of_an_opening_become_one(morning: Morning) -> None:
    number = len(morning.references)
    morning.tick(OPENING - MINUTE)
    assert morning.told == {TOPIC: [], MAIL: []}
    morning.tick(OPENING)
    for kind, told in morning.told.items():
        assert told_of(told) == dict.fromkeys(morning.references, 1)
        assert len(told) == (number if number <= 5 else 1)
        voided = 0 if number <= 5 else number - 1
        assert morning.states(kind) == Counter(sent=number - voided, void=voided)
    morning.tick(OPENING + MINUTE)
    assert [len(told) for told in morning.told.values()] == [1 if number > 5 else number] * 2
    print(
        f"\nopening with {number} requests: {len(morning.told[TOPIC])} alerts to the topic, "
        f"{len(morning.told[MAIL])} mails"
    )


def test_what_is_composed_again_says_the_same(morning: Morning) -> None:
    first, *others = morning.ids(TOPIC)
    morning.fate = iter(["lost", "refused", "taken"])
    assert morning.deliver(first) == "unclear"
    assert {morning.deliver(each) for each in others} == {"void"}
    assert morning.deliver(first, OPENING + 16 * MINUTE) == "due"
    assert morning.deliver(first, OPENING + 20 * MINUTE) == "sent"
    assert [sorted(each) for each in morning.told[TOPIC]] == [morning.references]


def test_who_was_claimed_leaves_the_digest(morning: Morning) -> None:
    first, *others = morning.ids(TOPIC)
    morning.fate = itertools.chain(["refused"], itertools.repeat("taken"))
    assert morning.deliver(first) == "due"
    assert morning.deliver(others[0]) == "void"
    for reference in (morning.references[0], morning.references[3]):  # the leader's, and another
        morning.claim(reference)
    assert morning.deliver(others[1]) == "void"
    assert morning.deliver(first, OPENING + 2 * MINUTE) == "sent"
    left = [each for each in morning.references if each not in ("R-0000", "R-0003")]
    assert [sorted(each) for each in morning.told[TOPIC]] == [left]


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_digest_of_few_that_are_left(morning: Morning, left: int) -> None:
    first, *_ = morning.ids(TOPIC)
    morning.fate = itertools.chain(["refused"], itertools.repeat("taken"))
    assert morning.deliver(first) == "due"
    for reference in morning.references[left:]:
        morning.claim(reference)
    state = morning.deliver(first, OPENING + 2 * MINUTE)
    assert state == ("sent" if left else "void")
    assert [sorted(each) for each in morning.told[TOPIC]] == [morning.references[:left]][
        : bool(left)
    ]


def test_those_claimed_before_do_not_count(morning: Morning) -> None:
    for reference in morning.references[:2]:
        morning.claim(reference)
    morning.tick(OPENING)
    for told in morning.told.values():
        assert sorted(told) == [[each] for each in morning.references[2:]]


def test_a_request_given_back_is_told_apart(morning: Morning) -> None:
    first, *_ = morning.ids(TOPIC)
    assert morning.deliver(first) == "sent"
    morning.claim("R-0003")
    later = OPENING + 3 * MINUTE
    morning.change(
        "R-0003", lambda before: workflow.release(before, ANNA, rules.current(), later), later
    )
    assert morning.deliver(f"{TOPIC}_R-0003_20", later) == "sent"
    assert morning.told[TOPIC][1:] == [["R-0003"]]


def test_a_digest_that_cannot_leave_all_day_leaves_at_the_next_opening(morning: Morning) -> None:
    first, *others = morning.ids(TOPIC)
    morning.fate = itertools.chain(["refused"], itertools.repeat("taken"))
    assert morning.deliver(first) == "due"
    assert {morning.deliver(each) for each in others} == {"void"}
    morning.claim("R-0000")
    assert morning.deliver(first, at("Mon 20:00")) == "due"  # waits for Tuesday
    assert morning.deliver(first, at("Tue 09:00")) == "sent"
    assert [sorted(each) for each in morning.told[TOPIC]] == [morning.references[1:]]


def test_what_opens_later_is_in_a_digest_of_its_own(morning: Morning) -> None:
    first, *others = morning.ids(TOPIC)
    assert morning.deliver(first) == "sent"
    more = [f"R-1{each:03}" for each in range(6)]
    for reference in more:
        morning.ask(reference)
    states = Counter(morning.deliver(f"{TOPIC}_{each}_10") for each in more)
    assert states == Counter(sent=1, void=5)
    assert {morning.deliver(each) for each in others} == {"void"}
    assert [sorted(each) for each in morning.told[TOPIC]] == [morning.references, more]


def test_a_request_of_the_day_is_told_apart(morning: Morning) -> None:
    noon = at("Mon 12:00")
    for each in range(8):
        morning.ask(f"R-2{each:03}", noon)
        assert morning.deliver(f"{TOPIC}_R-2{each:03}_10", noon) == "sent"
    assert morning.told[TOPIC] == [[f"R-2{each:03}"] for each in range(8)]


def test_another_decides_between_the_look_and_the_write(morning: Morning) -> None:
    first, second, *others = morning.ids(TOPIC)
    steps = iter([None, lambda: morning.deliver(second)])

    def interrupt() -> None:
        # The first write claims the message, the second one would be the digest.
        todo = next(steps)
        if todo:
            todo()
        else:
            morning.services.before_write = interrupt

    morning.services.before_write = interrupt
    assert morning.deliver(first) == "void"
    assert {morning.deliver(each) for each in others} == {"void"}
    assert [sorted(each) for each in morning.told[TOPIC]] == [morning.references]


@pytest.mark.parametrize("seed", part((seed,) for seed in range(60)))
def test_no_alert_is_lost_whatever_the_order(seed: int) -> None:
    """Play a morning in which everything comes between: claims, refusals, lost answers."""
    chance = random.Random(seed)
    morning = Morning(chance.randrange(4, 12), seed)
    morning.fate = iter(lambda: chance.choice(["taken", "taken", "refused", "lost"]), None)
    claimed: set[str] = set()
    with configured():
        for service in ("sns", "sesv2"):
            aws.client(service).meta.events.register(f"before-call.{service}", morning.answer)
        with morning.services.plugged():
            for reference in morning.references:
                morning.ask(reference)
            due = morning.ids(TOPIC) + morning.ids(MAIL)
            for minute in range(0, 7 * 60, 10):
                now = OPENING + minute * MINUTE
                chance.shuffle(due)
                for message in due:
                    morning.deliver(message, now)
                    free = sorted(set(morning.references) - claimed)
                    if free and chance.random() < 0.03:
                        claimed.add(reference := chance.choice(free))
                        morning.claim(reference, now=now)
            for kind, told in morning.told.items():
                assert not morning.states(kind) - Counter({"sent": 99, "void": 99})
                assert set(told_of(told)) >= set(morning.references) - claimed
