"""The SES account: rate, quota, pause and suppression list, by a clock of the test's own."""

import json
from typing import Any

import pytest

from local.aws.account import DAY, PAGE, Account

LIST = "/v2/email/suppression/addresses"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def account(clock: Clock) -> Account:
    return Account(clock)


def codes(account: Account, times: int, recipients: int = 1) -> list[str | None]:
    refused = [account.take(recipients) for _ in range(times)]
    return [each.code if each else None for each in refused]


def test_a_second_s_worth_at_once_and_no_more(account: Account, clock: Clock) -> None:
    account.change({"MaxSendRate": 4})
    assert codes(account, 5) == [None, None, None, None, "TooManyRequestsException"]
    clock.now += 0.25
    assert codes(account, 2) == [None, "TooManyRequestsException"]
    clock.now += 3600  # what was not sent is lost
    assert codes(account, 5) == [None, None, None, None, "TooManyRequestsException"]


def test_a_rate_below_one_a_second(account: Account, clock: Clock) -> None:
    account.change({"MaxSendRate": 0.5})
    assert codes(account, 2) == [None, "TooManyRequestsException"]
    clock.now += 1.75
    assert codes(account, 1) == ["TooManyRequestsException"]
    clock.now += 0.25
    assert codes(account, 1) == [None]


def test_a_mail_to_many_is_let_through_and_paid_for_later(account: Account, clock: Clock) -> None:
    account.change({"MaxSendRate": 1})
    assert codes(account, 1, recipients=5) == [None]
    clock.now += 4.75
    assert codes(account, 1) == ["TooManyRequestsException"]
    clock.now += 0.25
    assert codes(account, 1) == [None]


def test_a_day_s_quota(account: Account, clock: Clock) -> None:
    account.change({"Max24HourSend": 4})
    assert codes(account, 2, recipients=2) == [None, None]
    assert codes(account, 1) == ["LimitExceededException"]
    assert account.described()["SendQuota"]["SentLast24Hours"] == 4
    clock.now += DAY - 1
    assert codes(account, 1) == ["LimitExceededException"]
    clock.now += 1
    assert codes(account, 1) == [None]
    account.change({"Max24HourSend": -1})
    assert codes(account, 9) == [None] * 9


def test_another_rate_starts_with_a_full_bucket(account: Account) -> None:
    account.change({"MaxSendRate": 1})
    assert codes(account, 2) == [None, "TooManyRequestsException"]
    account.change({"MaxSendRate": 2})
    assert codes(account, 3) == [None, None, "TooManyRequestsException"]


def test_a_pause(account: Account) -> None:
    account.change({"SendingEnabled": False})
    assert codes(account, 1) == ["SendingPausedException"]
    account.change({"SendingEnabled": True})
    assert codes(account, 1) == [None]


def test_what_it_is_at_first(account: Account) -> None:
    assert account.described() == {
        "SendingEnabled": True,
        "SendQuota": {"MaxSendRate": 200, "Max24HourSend": 50_000, "SentLast24Hours": 0},
    }


def ask(account: Account, method: str, path: str = LIST, said: Any = None, **query: Any) -> Any:
    assert account.owns(method, path)
    body = json.dumps(said).encode() if said else b""
    return account.answer(method, path, {name: [str(it)] for name, it in query.items()}, body)


def put(account: Account, address: str, reason: str = "BOUNCE") -> int:
    status, _ = ask(account, "PUT", said={"EmailAddress": address, "Reason": reason})
    return int(status)


def test_the_suppression_list(account: Account) -> None:
    assert put(account, "Erika@Example.org") == 200
    assert account.swallowed(["Eva <ERIKA@example.org>", "other@example.org"]) == [
        "Eva <ERIKA@example.org>"
    ]
    status, said = ask(account, "GET", f"{LIST}/erika%40example.org")
    assert (status, said["SuppressedDestination"]["Reason"]) == (200, "BOUNCE")
    assert ask(account, "DELETE", f"{LIST}/erika%40example.org") == (200, {})
    for method in ("GET", "DELETE"):
        status, said = ask(account, method, f"{LIST}/erika%40example.org")
        assert (status, said["__type"]) == (404, "NotFoundException")
    assert account.swallowed(["erika@example.org"]) == []


def test_what_the_list_refuses(account: Account) -> None:
    assert put(account, "post@müller.example") == 400
    assert put(account, "erika@example.org", "WHIM") == 400
    assert account.suppressed == {}


def test_the_list_s_pages(account: Account) -> None:
    for number in range(3):
        put(account, f"{number}@example.org", "COMPLAINT" if number else "BOUNCE")
    _, first = ask(account, "GET", PageSize=2)
    assert len(first["SuppressedDestinationSummaries"]) == 2
    _, second = ask(account, "GET", PageSize=2, NextToken=first["NextToken"])
    assert [each["EmailAddress"] for each in second["SuppressedDestinationSummaries"]] == [
        "2@example.org"
    ]
    assert "NextToken" not in second
    _, bounces = ask(account, "GET", Reason="BOUNCE", PageSize=PAGE)
    assert len(bounces["SuppressedDestinationSummaries"]) == 1


def test_other_calls_are_the_emulator_s(account: Account) -> None:
    assert not account.owns("GET", "/v2/email/identities")
    assert not account.owns("POST", LIST)
    assert not account.owns("PUT", f"{LIST}/erika%40example.org")
