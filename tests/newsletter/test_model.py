"""Every state of a subscriber with every event, and each result written out by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from chalicelib.errors import BadToken
from chalicelib.newsletter import model
from chalicelib.newsletter.model import Change, Signup, Subscriber

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SIGNUP = Signup("key", "eva@example.org", "de", ("news",), "newsletter-de-1")


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


# fmt: off
PENDING = Subscriber(
    "key", "eva@example.org", "pending", "de", ("news",), "newsletter-de-1",
    ago(hours=1), ago(hours=1), 1, 1, 1,
)
# fmt: on


def pending(asked_at: datetime) -> Subscriber:
    return replace(PENDING, asked_at=asked_at, since=asked_at)


CONFIRMED = replace(PENDING, state="confirmed", version=2, confirmed_at=ago(minutes=30))
STATES: dict[str, Subscriber | None] = {
    "none": None,
    "pending": PENDING,
    "pending, last second": pending(ago(days=7) + timedelta(seconds=1)),
    "expired": pending(ago(days=7)),
    "confirmed": CONFIRMED,
    "unsubscribed": replace(CONFIRMED, state="unsubscribed", version=3, ended_at=ago(minutes=20)),
    "refused": replace(
        PENDING, state="refused", email="", refused_at=ago(days=364), ended_at=ago(days=364)
    ),
    "refused a year ago": replace(PENDING, state="refused", email="", refused_at=ago(days=365)),
    "bounced": replace(CONFIRMED, state="bounced", ended_at=ago(minutes=20)),
    "complained": replace(CONFIRMED, state="complained", ended_at=ago(minutes=20)),
}


def hard(before: Subscriber | None) -> Change:
    return model.bounce(before, True, "b1", NOW, NOW)


def hard_at(before: Subscriber | None, mailed_at: datetime) -> Change:
    return model.bounce(before, True, "b1", mailed_at, NOW)


def soft(before: Subscriber | None) -> Change:
    return model.bounce(before, False, "b1", NOW, NOW)


EVENTS: dict[str, Callable[[Subscriber | None], Change]] = {
    "signup": lambda s: model.sign_up(s, SIGNUP, NOW),
    "confirm": lambda s: model.confirm(s, s.letters if s else 1, NOW),
    "refuse": lambda s: model.refuse(s, s.letters if s else 1, NOW),
    "unsubscribe": lambda s: model.unsubscribe(s, NOW),
    "withdraw": lambda s: model.withdraw(s, "key", NOW),
    "prefer": lambda s: model.prefer(s, ("offers",), "en"),
    "access": lambda s: model.ask_access(s, NOW),
    "hard": hard,
    "soft": soft,
    "complaint": lambda s: model.complain(s, NOW, NOW),
    "release": lambda s: model.release(s, NOW),
    "erase": lambda s: model.erase(s),
}
# For each state, in the order of EVENTS, the state after it. `=` is no change, `!` is a refused
# link, and `+` owes a mail.
# fmt: off
TABLE = {
    # event                                 signup   confirm    refuse  unsubscribe  withdraw     prefer    access hard    soft         complaint  release      erase
    "none":                                "pending+ !          !       =            unsubscribed !         =      =       =            =          =            =",
    "pending":                             "pending+ confirmed+ refused =            unsubscribed !         =+     bounced pending      complained =            gone",
    "pending, last second":                "pending+ confirmed+ refused =            unsubscribed !         =+     bounced pending      complained =            gone",
    "expired":                             "pending+ !          !       =            unsubscribed !         =      bounced pending      complained =            gone",
    "confirmed":                           "=        =          !       unsubscribed unsubscribed confirmed =+     bounced confirmed    complained =            gone",
    "unsubscribed":                        "pending+ !          !       =            unsubscribed !         =+     bounced unsubscribed complained =            gone",
    "refused":                             "=        !          =       =            refused      !         =      bounced refused      complained unsubscribed gone",
    "refused a year ago":                  "pending+ !          =       =            refused      !         =      bounced refused      complained unsubscribed gone",
    "bounced":                             "pending+ !          !       =            bounced      !         =      =       =            complained unsubscribed gone",
    "complained":                          "=        !          !       =            complained   !         =      =       =            =          unsubscribed gone",
}
# fmt: on


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_state_and_event(state: str, event: str) -> None:
    before = STATES[state]
    expected = TABLE[state].split()[list(EVENTS).index(event)]
    if expected == "!":
        with pytest.raises(BadToken):
            EVENTS[event](before)
        return
    change = EVENTS[event](before)
    assert bool(change.owes) == expected.endswith("+")
    wanted = expected.rstrip("+")
    if wanted == "gone":
        assert change.after is None
    elif wanted == "=" and not change.owes:
        assert change.after is before
        assert not change.changes
    else:
        assert change.after
        assert change.after.state == (before.state if before and wanted == "=" else wanted)
        assert change.after.version == (before.version if before else 0) + 1
        assert change.event


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(STATES)
    assert {len(row.split()) for row in TABLE.values()} == {len(EVENTS)}


@pytest.mark.parametrize("state", ["none", "unsubscribed", "refused", "bounced", "complained"])
def test_a_withdrawal_is_recorded_once(state: str) -> None:
    before = STATES[state]
    assert not model.withdraw(before, "key", NOW, 1, left=True).changes


@pytest.mark.parametrize("state", ["none", "pending", "expired"])
def test_a_withdrawal_of_an_address_without_a_subscription_keeps_its_key_alone(state: str) -> None:
    change = model.withdraw(STATES[state], "key", NOW, 7)
    assert change.after
    assert (change.event, change.owes, change.after.email) == ("withdrawn", None, "")
    assert change.after.ended_at == NOW
    assert change.after.version == (2 if STATES[state] else 8)
    with pytest.raises(BadToken):
        model.confirm(change.after, PENDING.letters, NOW)
    again = model.sign_up(change.after, SIGNUP, NOW).after
    assert again
    assert (again.state, again.email, again.language) == ("pending", "eva@example.org", "de")


def test_a_withdrawal_ends_a_subscription_as_any_does() -> None:
    assert model.withdraw(CONFIRMED, "key", NOW) == model.unsubscribe(CONFIRMED, NOW)


def test_a_strangers_signup_changes_nothing_of_a_confirmed_subscriber() -> None:
    stranger = Signup("key", "EVA@example.org", "en", ("offers",), "newsletter-en-1")
    assert model.sign_up(CONFIRMED, stranger, NOW).after is CONFIRMED


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "expired", "refused a year ago"])
def test_a_fresh_opt_in_has_links_of_its_own(state: str) -> None:
    before = STATES[state]
    assert before
    after = model.sign_up(before, SIGNUP, NOW).after
    assert after
    assert after.first_letter == after.letters == before.letters + 1
    assert after.since == NOW
    with pytest.raises(BadToken):
        model.confirm(after, before.letters, NOW)
    confirmed = model.confirm(after, after.letters, NOW).after
    assert confirmed
    assert confirmed.state == "confirmed"


def test_every_mail_of_an_opt_in_confirms_it() -> None:
    twice = model.sign_up(PENDING, SIGNUP, NOW).after
    assert twice
    for letter in (1, 2):
        assert model.confirm(twice, letter, NOW).after
    for letter in (0, 3):
        with pytest.raises(BadToken):
            model.confirm(twice, letter, NOW)


def test_letters_of_a_forgotten_subscriber_do_not_come_again() -> None:
    first, later = (model.sign_up(None, SIGNUP, at).after for at in (NOW, NOW + timedelta(days=9)))
    assert first
    assert later
    assert later.letters > first.letters + 3 * 9


@pytest.mark.parametrize("state", STATES)
def test_without_a_mail_for_its_mailbox_nothing_is_asked_for(state: str) -> None:
    before = STATES[state]
    assert not model.sign_up(before, SIGNUP, NOW, may_mail=False).changes
    assert not model.ask_access(before, NOW, may_mail=False).changes


SOFTS = [("a", ago(days=29)), ("b", ago(days=15)), ("c", NOW)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_three_soft_bounces_in_thirty_days_in_any_order(order: tuple[int, ...]) -> None:
    subscriber: Subscriber | None = replace(CONFIRMED, since=ago(days=60))
    for position in order:
        assert subscriber
        assert subscriber.state == "confirmed"
        id, at = SOFTS[position]
        for _ in range(2):  # each event comes twice
            subscriber = model.bounce(subscriber, False, id, at, at).after
    assert subscriber
    assert subscriber.state == "bounced"


def test_soft_bounces_further_apart_are_forgiven() -> None:
    subscriber: Subscriber | None = replace(CONFIRMED, since=ago(days=100))
    for days in (90, 70, 50, 30, 10):
        subscriber = model.bounce(
            subscriber, False, str(days), ago(days=days), ago(days=days)
        ).after
    assert subscriber
    assert subscriber.state == "confirmed"


@pytest.mark.parametrize("kind", ["hard", "soft", "complaint"])
def test_feedback_on_mails_from_before_the_opt_in_is_about_another_time(kind: str) -> None:
    def taken(mailed_at: datetime) -> Subscriber | None:
        if kind == "complaint":
            return model.complain(CONFIRMED, mailed_at, NOW).after
        return model.bounce(CONFIRMED, kind == "hard", "old", mailed_at, NOW).after

    assert taken(CONFIRMED.since - timedelta(milliseconds=1)) is CONFIRMED
    assert taken(CONFIRMED.since) is not CONFIRMED


@pytest.mark.parametrize("state", ["bounced", "refused", "complained"])
def test_who_was_released_may_sign_up_and_late_feedback_does_not_undo_it(state: str) -> None:
    released = model.release(STATES[state], NOW).after
    assert released
    late = ago(minutes=1)
    assert hard_at(released, late).after is released
    assert model.complain(released, late, NOW).after is released
    change = model.sign_up(released, SIGNUP, NOW + timedelta(minutes=1))
    assert (change.event, change.owes) == ("signup", "confirmation")


FEEDBACK: list[Callable[[Subscriber | None], Change]] = [
    hard,
    soft,
    lambda s: model.complain(s, NOW, NOW),
    lambda s: model.bounce(s, True, "b2", NOW, ago(minutes=1)),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_feedback_in_any_order_ends_in_one_state(order: tuple[int, ...]) -> None:
    subscriber: Subscriber | None = CONFIRMED
    for position in order:
        for _ in range(2):
            subscriber = FEEDBACK[position](subscriber).after
    assert subscriber
    assert subscriber.state == "complained"


def test_a_confirmation_is_owed_only_while_it_has_a_point() -> None:
    for name, subscriber in STATES.items():
        assert model.awaits_confirmation(subscriber, NOW) is name.startswith("pending")
