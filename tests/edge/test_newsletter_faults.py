"""The newsletter's buttons under faults.

The process ends at every step, every call is throttled, every write's answer is lost. Whoever got
no answer presses again, as people and browsers do. Then everything has happened once.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import app
from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links, proof, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend, Stop
from tests.edge.test_faults import EVERY, SERVICES, error_answer
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import (
    _allow_mails,
    link,
    mail_feedback,
    post,
    state,
    subscribe,
    told,
    welcome,
)
from tests.events import Context
from tests.scale import Scale, some

Act = Callable[[], Any]


@dataclass(frozen=True)
class Flow:
    """One thing that happens to a subscriber, and its results."""

    prepare: Callable[[Backend, str], Act]  # prepares a fresh address, and returns the press
    events: tuple[str, ...]  # the whole ledger afterwards
    state: str
    mails: int  # all mails to the address by then


def _waiting(backend: Backend, email: str, page: str) -> Act:
    sign_up(backend, email)
    backend.deliver()
    token = link(backend, email, page)
    return lambda: post(backend, page, token=token)


def _confirmed(backend: Backend, email: str, page: str) -> Act:
    key = subscribe(backend, email)
    purpose = {"unsubscribe": links.UNSUBSCRIBE, "erase": links.DATA}.get(page, links.PREFERENCES)
    token = tokens.sign(purpose, key, 0)
    if page == "unsubscribe":
        return lambda: post(backend, f"unsubscribe?token={token}")
    if page == "preferences":
        return lambda: post(backend, page, token=token, topics="news", language="de")
    if page == "access":
        _allow_mails(backend)
    return lambda: post(backend, page, token=token)


def _bounced(backend: Backend, email: str) -> Act:
    event = told("event-bounce-permanent-general", *welcome(backend, subscribe(backend, email)))
    return lambda: mail_feedback(backend, event)


_ASKED = ("signup", "mailed")
_SUBSCRIBED = (*_ASKED, "confirmed")
FLOWS = {
    "confirm": Flow(lambda b, e: _waiting(b, e, "confirm"), _SUBSCRIBED, "confirmed", 2),
    "refuse": Flow(lambda b, e: _waiting(b, e, "refuse"), (*_ASKED, "refused"), "refused", 1),
    "preferences": Flow(
        lambda b, e: _confirmed(b, e, "preferences"),
        (*_SUBSCRIBED, "preferences"),
        "confirmed",
        2,
    ),
    "access": Flow(
        lambda b, e: _confirmed(b, e, "access"), (*_SUBSCRIBED, "access"), "confirmed", 3
    ),
    "unsubscribe": Flow(
        lambda b, e: _confirmed(b, e, "unsubscribe"),
        (*_SUBSCRIBED, "unsubscribed"),
        "unsubscribed",
        2,
    ),
    "erase": Flow(lambda b, e: _confirmed(b, e, "erase"), (*_SUBSCRIBED, "erased"), "none", 2),
    "bounce": Flow(_bounced, (*_SUBSCRIBED, "bounced"), "bounced", 2),
}


def _fine(backend: Backend, flow: Flow, email: str, extra_mails: int = 0) -> None:
    """Check that everything has happened once, and that the proof is intact."""
    key = key_of(email)
    document = proof.document(key, service.wordings, instants.now())
    assert document
    assert document["intact"], document["faults"]
    assert tuple(each.event for each in subscribers.events(key)) == flow.events
    assert state(key) == flow.state
    assert flow.mails <= len(backend.mails(email)) <= flow.mails + extra_mails
    if flow.state == "none":
        assert email not in str(backend.items())


@pytest.fixture
def busy(backend: Backend) -> Backend:
    """Let one address send many requests."""
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="100000", LIMIT_ACCESS_PER_CALLER="100000")
    return backend


@pytest.mark.usefixtures("scale")
@pytest.mark.parametrize("name", some(FLOWS, ["confirm", "unsubscribe"]))
def test_ended_before_and_after_every_call(busy: Backend, name: str) -> None:
    flow, points, again = FLOWS[name], 0, 0
    for moment in ("before-send", "response-received"):
        for number in range(1, 100, EVERY):
            email = f"kill-{name}-{number}-{moment}@example.org"
            act, ending = flow.prepare(busy, email), _Ending(number, moment)
            ending.run(busy, act, key_of(email))
            if not ending.ended:
                break
            points += 1
            act()
            busy.settle()
            for minutes in (2, 18, 20, 40):
                busy.tick(instants.now() + timedelta(minutes=minutes))
            again += len(busy.mails(email)) - flow.mails
            _fine(busy, flow, email, extra_mails=int(ending.inside_the_send))
    repeated = f"once more after a crash inside the send {again}"
    print(f"\n{name}: crash points {points} · lost 0 · doubled 0 · {repeated}")
    assert points >= max(1, 4 // EVERY)


class _Ending:
    """Ends the process at a call to AWS: while it answers, or while its stream reacts to that."""

    def __init__(self, number: int, moment: str) -> None:
        self.number, self.moment = number, moment
        self.calls: list[str] = []
        self.ended = self.inside_the_send = False

    def run(self, backend: Backend, act: Act, key: str) -> None:
        try:
            with self._watching(backend):
                act()
            records = [each for each in backend.records() if key in each["eventID"]]
            with self._watching(backend):
                app.deliver_messages({"Records": records}, Context())
        except Stop:
            pass

    @contextmanager
    def _watching(self, backend: Backend) -> Iterator[None]:
        with ExitStack() as stack:
            for service in SERVICES:
                stack.enter_context(backend.hooked(service, f"{self.moment}.{service}", self._end))
            yield

    def _end(self, event_name: str, **_: Any) -> None:
        self.calls.append(event_name.rpartition(".")[2])
        if len(self.calls) == self.number:
            self.ended = True
            done = self.calls if self.moment == "response-received" else self.calls[:-1]
            self.inside_the_send = done[-1:] == ["SendEmail"]
            raise Stop


@pytest.mark.soak
@pytest.mark.parametrize("name", [name for name in FLOWS if name != "bounce"])
def test_throttled_at_every_call(busy: Backend, name: str) -> None:
    """Check that a throttle that passes is not noticed, and that one that stays is a 503.

    After a 503 nothing has changed.
    """
    flow, calls = FLOWS[name], 0
    throttle = error_answer(400, "ProvisionedThroughputExceededException")
    for number in range(1, 100, EVERY):
        email = f"throttle-{name}-{number}@example.org"
        act = flow.prepare(busy, email)
        left = [number]

        def once(request: Any, left: list[int] = left, **_: Any) -> Any:
            left[0] -= 1
            return throttle(request) if left[0] == 0 else None

        with busy.hooked("dynamodb", "before-send.dynamodb", once):
            assert act().status in (200, 202)
        busy.settle()
        _fine(busy, flow, email)
        if left[0] > 0:
            break
        calls += 1
    email = f"throttled-{name}@example.org"
    act, before = flow.prepare(busy, email), busy.items()
    with busy.hooked("dynamodb", "before-send.dynamodb", throttle):
        answer = act()
    once_each = f"calls throttled once {calls}, noticed 0"
    print(f"\n{name}: {once_each} · throttled throughout: {answer.status}")
    assert (answer.status, busy.items()) == (503, before)
    assert int(answer.headers["retry-after"]) > 0
    assert calls >= max(1, 2 // EVERY)
    act()
    busy.settle()
    _fine(busy, flow, email)


@pytest.mark.parametrize("name", [name for name in FLOWS if name != "bounce"])
def test_an_answer_lost_after_a_write_is_our_own(busy: Backend, name: str) -> None:
    flow, email = FLOWS[name], f"lost-{name}@example.org"
    lost: list[str] = []
    act = flow.prepare(busy, email)

    def drop(request: Any, **_: Any) -> None:
        if not lost:
            lost.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])
            aws.client("dynamodb")._endpoint.http_session.send(request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

    with busy.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", drop):
        answer = act()
    busy.settle()
    print(f"\n{name}: answer lost of {lost} · answered {answer.status} · events {len(flow.events)}")
    assert lost == ["TransactWriteItems"]
    assert answer.status in (200, 202)
    _fine(busy, flow, email)


@pytest.mark.soak
def test_the_stream_thrice_and_shuffled_ends_in_the_same_state(busy: Backend) -> None:
    """Check that records change nothing when they come again, and in another order.

    There is a subscription of every kind.
    """
    addresses = {name: f"stream-{name}@example.org" for name in FLOWS}
    for name, flow in FLOWS.items():
        flow.prepare(busy, addresses[name])()
    records = busy.records()
    busy.settle()
    before, mails = busy.items(), {email: len(busy.mails(email)) for email in addresses.values()}
    for seed in range(3):
        random.Random(seed).shuffle(records)
        app.deliver_messages({"Records": records}, Context())
    changed = sum(one != other for one, other in zip(before, busy.items(), strict=True))
    print(f"\nrecords {len(records)} · delivered thrice and shuffled · items changed {changed}")
    assert changed == 0
    assert {email: len(busy.mails(email)) for email in addresses.values()} == mails
    for name, flow in FLOWS.items():
        _fine(busy, flow, addresses[name])


def test_without_its_stream_for_a_day_the_clock_delivers_and_an_erasure_is_complete(
    busy: Backend, scale: Scale
) -> None:
    """Check a day on which no stream record is ever delivered.

    The mapping is disabled, and its records have expired.
    """
    key = subscribe(busy, "day-erased@example.org")
    assert post(busy, "erase", token=tokens.sign(links.DATA, key, 0)).status == 200
    assert "day-erased@example.org" not in str(busy.items())
    addresses = [f"day-{number}@example.org" for number in range(scale(30))]
    for address in addresses:
        sign_up(busy, address)
    tomorrow = instants.now() + timedelta(hours=24)
    for _ in range(2):
        busy.tick(tomorrow)
    mails = [len(busy.mails(address)) for address in addresses]
    later = f"mails after two ticks a day later {sum(mails)}"
    print(f"\nsignups without a stream {len(addresses)} · {later}")
    assert mails == [1] * len(addresses)


def test_who_comes_back_at_once_after_an_erasure_is_erased_before_it(busy: Backend) -> None:
    """Check a signup right after an erasure that did not finish.

    The process ends between the erasure and its tidying up, and the signup comes before the stream.
    """
    key = subscribe(busy, "back@example.org")
    old = busy.records()
    ended: list[str] = []
    writes = "before-send.dynamodb.TransactWriteItems"

    def end(event_name: str, **_: Any) -> None:
        ended.append(event_name)
        if len(ended) == 2:  # the first one is the erasure itself
            raise Stop

    with busy.hooked("dynamodb", writes, end), pytest.raises(Stop):
        post(busy, "erase", token=tokens.sign(links.DATA, key, 0))
    _allow_mails(busy)
    body = {
        "email": "BACK@example.org",
        "consent": "newsletter-de-1",
        "page": "https://www.site.example/anew",
    }
    assert busy.call("POST", "/newsletter/signups", body).status == 202
    app.deliver_messages({"Records": old}, Context())
    busy.settle()
    events = subscribers.events(key)
    kept = [each.event for each in events if each.personal]
    print(f"\nevents before the erasure with personal data {len(kept) - 1} · after it {len(kept)}")
    assert ended
    assert [each.event for each in events] == [
        *("signup", "mailed", "confirmed", "erased", "signup", "mailed"),
    ]
    assert kept == ["signup", "mailed"]
    items = [each for each in busy.items(prefix=f"SUB#{key}") if each["sk"].startswith("EVENT#")]
    years = [datetime.fromtimestamp(each["expires"], UTC).year for each in items]
    now = instants.now()
    assert years[:4] == [now.year + 4] * 4  # what is left of the erased proof keeps its term
    assert items[4]["expires"] <= instants.epoch(now + timedelta(days=8))
    assert state(key) == "pending"
