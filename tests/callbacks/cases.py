"""A request in each of its states, and the tests' rules: Monday to Friday, 9 to 17."""

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.callbacks import workflow
from chalicelib.callbacks.model import Asked, Attempt, Callback, Hold, Rules, Telephone, Who
from tests.callbacks.test_opening_hours import berlin, make

RULES = Rules(make())
OWN = "R-7F3K"  # the reference of the request, and of its first wish
FURTHER = "R-2M24"
ASKED = Asked(
    "Eva Muster",
    "+4979302000",
    "key",
    "key",
    "buying",
    "callback-de-1",
    "de",
    email="eva@example.org",
    note="Gold",
)
ANNA, BEN, CHEF = Who("a", "Anna"), Who("b", "Ben"), Who("c", "Chris", leads=True)
MONDAY = berlin("2026-11-23 10:00")
WINDOW = (berlin("2026-11-24 13:00"), berlin("2026-11-24 15:00"))
OTHER = (berlin("2026-11-25 09:00"), berlin("2026-11-25 11:00"))
MINUTE = timedelta(minutes=1)
# Somebody else's wish for the same number, as it could be a stranger's.
ASKED_AGAIN = replace(ASKED, name="Ina", email="ina@example.org", note="Silver", window=OTHER)
RIGHT_NUMBER = Telephone("+4979302001", "", "right", "right")


def at(written: str) -> datetime:
    """Parse a weekday and time of the tests' week, such as `Mon 10:00`, or a whole date."""
    days = {"Mon": 23, "Tue": 24, "Wed": 25, "Thu": 26, "Fri": 27}
    day, _, time = written.partition(" ")
    return berlin(f"2026-11-{days[day]} {time}" if day in days else written)


def asap(now: datetime = MONDAY) -> Callback:
    return workflow.submit(ASKED, OWN, RULES, now).after


def scheduled() -> Callback:
    return workflow.submit(replace(ASKED, window=WINDOW), OWN, RULES, MONDAY).after


def held(held_for: Hold = "blocked") -> Callback:
    return workflow.submit(ASKED, OWN, RULES, MONDAY, held_for=held_for).after


def claimed(now: datetime = MONDAY) -> Callback:
    return workflow.claim(asap(), ANNA, RULES, now).after


def calling(now: datetime = MONDAY) -> Callback:
    return workflow.dial(claimed(now), ANNA, RULES, now).after


def retry(now: datetime = MONDAY) -> Callback:
    return workflow.record_outcome(calling(now), ANNA, "no_answer", RULES, now).after


def cancelled() -> Callback:
    return workflow.cancel(asap(), OWN, RULES, MONDAY).after


def busy(when: datetime, by: str = "a") -> Attempt:
    """Return a call of the first wish that reached nobody."""
    return Attempt(when, by, "busy", wishes=(OWN,))


def unreached() -> Callback:
    two = tuple(busy(MONDAY - timedelta(days=day)) for day in (2, 1))
    tried = replace(claimed(), attempts=two)
    return workflow.record_outcome(tried, ANNA, "busy", RULES, MONDAY).after


def expired() -> Callback:
    callback = asap()
    while callback.is_live:
        assert callback.due_at
        callback = workflow.tick(callback, RULES, at("2026-12-02 10:00")).after
    return callback


def with_further_wish(before: Callback) -> Callback:
    """Return a live request with the later wish of somebody else."""
    return workflow.wish(before, ASKED_AGAIN, FURTHER, RULES, MONDAY).after


STATES: dict[str, Callback] = {
    "scheduled": scheduled(),
    "open": asap(),
    "claimed": claimed(),
    "retry": retry(),
    "held": held(),
    "done": workflow.record_outcome(calling(), ANNA, "reached", RULES, MONDAY).after,
    "unreached": unreached(),
    "cancelled": cancelled(),
    "refused": workflow.record_outcome(calling(), ANNA, "refused", RULES, MONDAY).after,
    "wrong_number": workflow.record_outcome(calling(), ANNA, "wrong_number", RULES, MONDAY).after,
    "expired": expired(),
    "withdrawn": workflow.withdraw(asap(), CHEF, MONDAY).after,
}
LIVE_ONES = {name: each for name, each in STATES.items() if each.is_live}
# Each live state with a second wish, and the ways in which a request can be in a state.
VARIANTS: list[Callback] = [
    *STATES.values(),
    *map(with_further_wish, LIVE_ONES.values()),
    held("limit"),
    calling(),
    workflow.admit(held(), CHEF, RULES, MONDAY).after,
    workflow.decline(held(), CHEF, MONDAY).after,
    workflow.called_in(asap(), ANNA, MONDAY).after,
    workflow.called_in(scheduled(), ANNA, MONDAY).after,
    workflow.called_in(held(), ANNA, MONDAY).after,
    workflow.called_in(retry(), ANNA, MONDAY).after,
    workflow.record_outcome(calling(), ANNA, "later", RULES, MONDAY, window=OTHER).after,
    workflow.reschedule(asap(), OWN, OTHER, RULES, MONDAY).after,
    workflow.claim(scheduled(), ANNA, RULES, MONDAY).after,
    workflow.claim(retry(), ANNA, RULES, MONDAY).after,
    workflow.cancel(scheduled(), OWN, RULES, MONDAY).after,
]
