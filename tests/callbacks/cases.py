"""A request in each of its states, and the tests' rules: Monday to Friday, 9 to 17."""

from dataclasses import replace
from datetime import datetime

from chalicelib.callbacks import workflow
from chalicelib.callbacks.model import Asked, Callback, Rules, Who
from tests.callbacks.test_opening_hours import berlin, make

RULES = Rules(make())
ASKED = Asked(
    "Eva Muster",
    "+4979302000",
    "key",
    "buying",
    "callback-de-1",
    "de",
    email="eva@example.org",
    note="Gold",
)
ANNA, BEN = Who("a", "Anna"), Who("b", "Ben")
MONDAY = berlin("2026-11-23 10:00")
WINDOW = (berlin("2026-11-24 13:00"), berlin("2026-11-24 15:00"))


def at(written: str) -> datetime:
    """Parse a weekday and time of the tests' week, such as `Mon 10:00`, or a whole date."""
    days = {"Mon": 23, "Tue": 24, "Wed": 25, "Thu": 26, "Fri": 27}
    day, _, time = written.partition(" ")
    return berlin(f"2026-11-{days[day]} {time}" if day in days else written)


def asap(now: datetime = MONDAY) -> Callback:
    return workflow.submit(ASKED, "R-7F3K", RULES, now).after


def scheduled() -> Callback:
    return workflow.submit(replace(ASKED, window=WINDOW), "R-7F3K", RULES, MONDAY).after


def claimed(now: datetime = MONDAY) -> Callback:
    return workflow.claim(asap(), ANNA, RULES, now).after


def calling(now: datetime = MONDAY) -> Callback:
    return workflow.dial(claimed(now), ANNA, RULES, now).after


def retry(now: datetime = MONDAY) -> Callback:
    return workflow.record_outcome(calling(now), ANNA, "no_answer", RULES, now).after


def cancelled() -> Callback:
    return workflow.cancel(asap(), MONDAY).after


STATES: dict[str, Callback] = {
    "scheduled": scheduled(),
    "open": asap(),
    "claimed": claimed(),
    "retry": retry(),
    "done": workflow.record_outcome(calling(), ANNA, "reached", RULES, MONDAY).after,
    "unreached": replace(cancelled(), state="unreached"),
    "cancelled": cancelled(),
    "refused": workflow.record_outcome(calling(), ANNA, "wrong_number", RULES, MONDAY).after,
    "expired": replace(cancelled(), state="expired"),
}
