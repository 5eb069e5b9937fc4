"""How many mails of one purpose a mailbox gets."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.mailings import Mailing, Purpose

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def sent(purpose: Purpose, *ago: timedelta) -> Mailing:
    return Mailing(purpose, "mailbox", tuple((NOW - each, str(each)) for each in ago), len(ago))


@pytest.mark.parametrize(
    ("purpose", "ago", "allowed"),
    [
        ("confirmation", [], True),
        ("confirmation", [timedelta(minutes=9, seconds=59)], False),
        ("confirmation", [timedelta(minutes=10)], True),
        ("confirmation", [timedelta(hours=each) for each in (23, 12, 1)], False),
        ("confirmation", [timedelta(hours=each) for each in (24, 12, 1)], True),
        ("access", [timedelta(minutes=9)], False),
        ("callback", [timedelta(0)], True),  # somebody may ask for two calls at once
        ("callback", [timedelta(hours=each) for each in (3, 2, 1)], False),
        # Intakes of the same moment are taken in in any order.
        ("confirmation", [timedelta(seconds=-5)], False),
    ],
)
def test_one_in_ten_minutes_and_three_a_day(
    purpose: Purpose, ago: list[timedelta], allowed: bool
) -> None:
    assert sent(purpose, *ago).allows(NOW) is allowed


def test_going_in_circles_brings_no_more_mails() -> None:
    mailing, mails = Mailing("confirmation", "mailbox"), 0
    for minute in range(0, 24 * 60, 5):
        at = NOW + timedelta(minutes=minute)
        if mailing.allows(at):
            mails += 1
            mailing = Mailing("confirmation", "mailbox", (*mailing.sent, (at, str(minute))), mails)
    assert mails == 3
