"""A form's request does the same work whatever is known of the address or the number.

Compared are the calls to AWS with the sizes of what is sent and answered. Equal work takes equal
time: `python -m bench.oracles` measures it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import aws, tokens
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.staff import Agent
from tests.edge.test_faults import ALWAYS
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import (
    link,
    mail_feedback,
    post,
    press,
    state,
    subscribe,
    told,
    welcome,
)
from tests.events import Answer
from tests.scale import some

LATER = datetime(2099, 1, 1, tzinfo=UTC)
Call = tuple[str, int, int]  # operation, bytes sent, bytes answered


@contextmanager
def calls(backend: Backend) -> Iterator[list[Call]]:
    """Note the calls to DynamoDB while entered; the intake itself is not taken in."""
    made: list[Call] = []
    sent: list[int] = []

    def sending(request: Any, **_: Any) -> None:
        sent.append(len(request.body))

    def answered(operation_model: Any, response_dict: Any, **_: Any) -> None:
        made.append((operation_model.name, sent[-1], len(response_dict["body"])))

    backend.takes_in = False
    try:
        with (
            backend.hooked("dynamodb", "before-send.dynamodb", sending),
            backend.hooked("dynamodb", "before-parse.dynamodb", answered),
        ):
            yield made
    finally:
        backend.takes_in = True


def _refuse(backend: Backend, email: str) -> None:
    sign_up(backend, email)
    backend.deliver()
    post(backend, "refuse", token=link(backend, email, "refuse"))


def _bounce(backend: Backend, email: str) -> None:
    key = subscribe(backend, email)
    mail_feedback(backend, told("event-bounce-permanent-general", *welcome(backend, key)))


def _complain(backend: Backend, email: str) -> None:
    key = subscribe(backend, email)
    mail_feedback(backend, told("event-complaint-abuse", *welcome(backend, key)))


def _leave(backend: Backend, email: str) -> None:
    subscribe(backend, email)
    post(backend, f"unsubscribe?token={link(backend, email, 'unsubscribe')}")


def _ask_for_a_call(backend: Backend, email: str) -> None:
    asked = {"name": "Eva", "phone": "0151 23456780", "consent": "callback-de-1", "email": email}
    assert backend.call("POST", "/callbacks", asked).status == 202


ADDRESSES: dict[str, Callable[[Backend, str], object]] = {
    "none": lambda backend, email: None,
    "pending": sign_up,
    "confirmed": subscribe,
    "refused": _refuse,
    "bounced": _bounce,
    "complained": _complain,
    "unsubscribed": _leave,
    "none, but a callback": _ask_for_a_call,
}


FORMS: dict[str, Callable[[Backend, str], Answer]] = {
    "signup": sign_up,
    "access": lambda backend, email: post(backend, "access", email=email),
    "change of address": lambda backend, email: _move_there(backend, email),
}


def _move_there(backend: Backend, email: str) -> Answer:
    """Ask for this address in place of a subscriber's, one of its own for each."""
    token = tokens.sign(links.DATA, key_of(f"owner-{email}"), 1, LATER)
    return press(backend, token, "change_email", email=email)


@pytest.mark.parametrize("form", some(FORMS, ["signup"]))
def test_every_state_of_an_address(backend: Backend, form: str) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000", LIMIT_ACCESS_PER_CALLER="1000")
    work: dict[str, list[Call]] = {}
    answers: set[tuple[int, str, str]] = set()
    for number, (known, bring) in enumerate(ADDRESSES.items()):
        email = f"equal-{number}@example.org"
        bring(backend, email)
        assert state(key_of(email)) == known.partition(",")[0]
        if form == "change of address":
            subscribe(backend, f"owner-{email}")
        with calls(backend) as work[known]:
            answer = FORMS[form](backend, email)
        answers.add((answer.status, answer.text, str(answer.headers)))
    print(f"\n{form}: states {len(work)} · answers {len(answers)} · calls {work['none']}")
    assert len(answers) == 1
    assert {name: made for name, made in work.items() if made != work["none"]} == {}
    reads = ["Query", "Query"] if form == "change of address" else []  # of the owner's record
    assert [operation for operation, _, _ in work["none"]] == [*reads, "TransactWriteItems"]


def _block(backend: Backend, phone: str) -> None:
    Agent(backend, "Sam", "supervisor").post("/staff/numbers/block", phone=phone)


def _ask_often(backend: Backend, phone: str) -> None:
    for _ in range(3):
        reference = call_me(backend, phone).json["reference"]
        Agent(backend).do(reference, "claim")
        Agent(backend).do(reference, "outcome", outcome="reached")


NUMBERS: dict[str, Callable[[Backend, str], object]] = {
    "unknown": lambda backend, phone: None,
    "with a live request": lambda backend, phone: call_me(backend, phone),
    "blocked": _block,
    "asked for too often": _ask_often,
}


def call_me(backend: Backend, phone: str) -> Answer:
    asked = {"name": "Eva", "phone": phone, "consent": "callback-de-1", "email": "e@example.org"}
    return backend.call("POST", "/callbacks", asked)


def test_every_state_of_a_number(backend: Backend) -> None:
    backend.configure(
        **ALWAYS, STAGE="local", STAFF_TEST_KEY="key", LIMIT_CALLBACKS_PER_CALLER="1000"
    )
    work: dict[str, list[Call]] = {}
    for number, (known, bring) in enumerate(NUMBERS.items()):
        phone = f"0151 2345670{number}"
        bring(backend, phone)
        with calls(backend) as work[known]:
            answer = call_me(backend, phone)
        assert answer.status == 202
        assert set(answer.json) == {"status", "reference", "expected", "phone"}
    print(f"\ncallback: states {len(work)} · calls {work['unknown']}")
    assert {name: made for name, made in work.items() if made != work["unknown"]} == {}
    assert [operation for operation, _, _ in work["unknown"]] == ["TransactWriteItems"]


def test_what_the_comparison_is_worth(backend: Backend) -> None:
    with calls(backend) as one:
        sign_up(backend, "short@example.org")
    with calls(backend) as other:
        sign_up(backend, "rather-longer@example.org")
        aws.get(backend.env["CONTACTS_TABLE"], {"pk": "SUB#nobody", "sk": "SUB"})
    assert one != other
    assert len(other) == 2
