"""Who counts as one caller, and when a window of a limit starts and ends."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine

from chalicelib import keys, sender, settings
from chalicelib.aws import Cancelled, Item, unpack_item
from chalicelib.errors import Invalid, LimitReached
from chalicelib.guards import Guards
from chalicelib.limits import Limit

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:C000:0201", "192.0.2.1"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:DB8:0001:0002::Ab", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("2001:db8::198.51.100.7", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::2%17", "fe80::/64"),
        ("2002:c000:201:5::1", "192.0.2.1"),  # 6to4: one IPv4 address has a whole /48
        ("2002:c000:201:ffff::9", "192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("unknown", "unknown"),
        ("192.0.2.1:4711", "192.0.2.1:4711"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("192.0.2.01", "192.0.2.01"),
        (" 192.0.2.1", " 192.0.2.1"),
        ("fe80::1%", "fe80::1%"),
    ],
)
def test_a_caller_is_an_ipv4_address_or_a_64(address: str, caller: str) -> None:
    assert sender.network(address) == caller
    assert sender.network(caller) == caller or "/" in caller


@pytest.mark.parametrize(
    ("window", "now", "seconds"),
    [
        ("hour", datetime(2026, 11, 26, 9, 0, tzinfo=UTC), 3600),
        ("hour", datetime(2026, 11, 26, 9, 59, 59, 999_000, UTC), 1),
        ("hour", datetime(2026, 11, 26, 9, 59, 58, 1, UTC), 2),
        ("day", datetime(2026, 11, 26, 0, 0, tzinfo=BERLIN), 24 * 3600),
        ("day", datetime(2026, 11, 26, 23, 59, 59, tzinfo=BERLIN), 1),
        ("day", datetime(2026, 11, 26, 23, 30, tzinfo=UTC), 23 * 3600 + 1800),  # 00:30 in Berlin
        ("day", datetime(2027, 3, 28, 0, 0, tzinfo=BERLIN), 23 * 3600),  # summer time begins
        ("day", datetime(2026, 10, 25, 0, 0, tzinfo=BERLIN), 25 * 3600),  # and ends
    ],
)
def test_a_window_ends_on_the_hour_or_at_the_stages_midnight(
    window: str, now: datetime, seconds: int
) -> None:
    limit = Limit("what", "who", 5, window)  # type: ignore[arg-type]  # parametrized
    reached = limit.reached(now.astimezone(UTC))
    assert (reached.retry_after, reached.reason) == (seconds, "rate_limited")


def counter(limit: Limit, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Item:
    monkeypatch.setattr(keys, "identity", lambda kind, value: f"{kind}:{value}")
    update = limit.counted(now)["Update"]
    expires = unpack_item(update["ExpressionAttributeValues"])[":expires"]
    return {**unpack_item(update["Key"]), "expires": expires}


def test_a_counter_has_its_window_in_its_key_and_outlives_it_by_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    hour = counter(Limit("what", "who", 5), now, monkeypatch)
    day = counter(Limit("what", "who", 5, "day"), now, monkeypatch)
    assert (hour["pk"], hour["sk"]) == ("LIMIT#what#caller:who", "2026-11-26T23:00:00.000Z")
    assert (day["pk"], day["sk"]) == ("LIMIT#what#caller:who", "2026-11-26T23:00:00.000Z")
    assert hour["expires"] == datetime(2026, 11, 27, 1, tzinfo=UTC).timestamp()
    assert day["expires"] == datetime(2026, 11, 28, 0, tzinfo=UTC).timestamp()


def test_the_days_of_a_limit_follow_the_stages_time_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIME_ZONE", "America/New_York")
    settings.current.cache_clear()
    with time_machine.travel(datetime(2026, 11, 26, 12, tzinfo=UTC), tick=False):
        try:
            assert (
                Limit("what", "who", 5, "day").reached(datetime.now(UTC)).retry_after == 17 * 3600
            )
        finally:
            monkeypatch.undo()
            settings.current.cache_clear()


LIMITS = (Limit("one", "who", 5), Limit("two", "who", 5, "day", "link_moves", "0711"))
SPENT: Item = {"Put": {}}


@pytest.mark.parametrize(
    ("failed", "named"),
    [
        ((0,), "rate_limited"),
        ((1,), "link_moves"),
        ((0, 1), "rate_limited"),
        ((1, 2), "link_moves"),
    ],
)
def test_the_first_of_several_limits_is_named(failed: tuple[int, ...], named: str) -> None:
    with pytest.raises(LimitReached) as refused:
        Guards(LIMITS, SPENT).refuse(Cancelled(failed), datetime(2026, 11, 26, tzinfo=UTC))
    assert refused.value.reason == named
    assert refused.value.named == ("0711" if named == "link_moves" else "")


def test_a_spent_proof_is_named_after_the_limits() -> None:
    for limits_, position in ((LIMITS, 2), ((), 0)):
        with pytest.raises(Invalid, match="altcha"):
            Guards(limits_, SPENT).refuse(Cancelled((position,)), datetime.now(UTC))


def test_a_changed_request_is_decided_on_anew_before_a_guard_is_named() -> None:
    """Check that a repeat that was overtaken is none of the limit's business."""
    for failed in ((0, 3), (2, 3), (3,)):
        Guards(LIMITS, SPENT).refuse(Cancelled(failed), datetime.now(UTC))
    Guards(LIMITS).refuse(Cancelled((1, 2)), datetime.now(UTC))
    Guards().refuse(Cancelled((0,)), datetime.now(UTC))
