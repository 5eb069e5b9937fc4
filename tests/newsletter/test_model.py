"""Every state of a subscriber with every event, and each result written out by hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from chalicelib.errors import BadToken, Conflict
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
    "confirmed, signed up again": replace(CONFIRMED, settings_at=ago(days=6)),
    "unsubscribed": replace(CONFIRMED, state="unsubscribed", version=3, ended_at=ago(minutes=20)),
    "unsubscribed by this visit": replace(
        CONFIRMED, state="unsubscribed", version=3, ended_at=ago(minutes=9), visit="v1"
    ),
    "unsubscribed by another visit": replace(
        CONFIRMED, state="unsubscribed", version=3, ended_at=ago(minutes=9), visit="v2"
    ),
    "back by this visit": replace(CONFIRMED, version=4, visit="v1"),
    "moved away": replace(
        CONFIRMED, state="unsubscribed", version=3, ended_at=ago(minutes=20), moved_to="other"
    ),
    "pending, replaces another": replace(PENDING, moved_from="old"),
    "refused just now": replace(
        PENDING, state="refused", refused_at=ago(minutes=9), refused_from="pending"
    ),
    "refused a subscription just now": replace(
        CONFIRMED, state="refused", refused_at=ago(minutes=9), refused_from="confirmed"
    ),
    "refused, ten minutes ago": replace(
        PENDING, state="refused", refused_at=ago(minutes=10), refused_from="pending"
    ),
    "refused": replace(
        PENDING, state="refused", email="", refused_at=ago(days=364), ended_at=ago(days=364)
    ),
    "refused a year ago": replace(PENDING, state="refused", email="", refused_at=ago(days=365)),
    "bounced": replace(CONFIRMED, state="bounced", ended_at=ago(minutes=20)),
    "complained": replace(CONFIRMED, state="complained", ended_at=ago(minutes=20)),
}


OLD = replace(CONFIRMED, key="old", email="old@example.org")


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
    "unsubscribe": lambda s: model.unsubscribe(s, NOW, "v1"),
    "withdraw": lambda s: model.withdraw(s, "key", NOW),
    "undo": lambda s: model.undo_unsubscription(s, "v1", NOW),
    "not me undone": lambda s: model.undo_refusal(s, s.letters if s else 1, NOW),
    "resend": lambda s: model.resend(s, NOW),
    "move here": lambda s: model.ask_move(s, OLD, SIGNUP, NOW),
    "move away": lambda s: model.move_away(s, "new", NOW),
    "prefer": lambda s: model.prefer(s, ("offers",), "en"),
    "access": lambda s: model.ask_access(s, NOW),
    "hard": hard,
    "soft": soft,
    "complaint": lambda s: model.complain(s, NOW, NOW),
    "release": lambda s: model.release(s, NOW),
    "erase": lambda s: model.erase(s),
}
# For each state, in the order of EVENTS, the state after it. `=` is no change, `!` is a refused
# link, `#` a conflict, and `+` owes a mail.
# fmt: off
TABLE = {
    # event                               signup     confirm    refuse  unsubscribe  withdraw     undo      not_me_undone resend   move_here  move_away    prefer    access hard    soft         complaint  release      erase
    "none":                              "pending+   !          !       =            unsubscribed #         !             #        pending+   !            !         =      =       =            =          =            =",
    "pending":                           "pending+   confirmed+ refused unsubscribed unsubscribed #         =             pending+ pending+   !            !         =+     bounced pending      complained =            gone",
    "pending, last second":              "pending+   confirmed+ refused unsubscribed unsubscribed #         =             pending+ pending+   !            !         =+     bounced pending      complained =            gone",
    "expired":                           "pending+   !          !       =            unsubscribed #         !             #        pending+   !            !         =      bounced pending      complained =            gone",
    "confirmed":                         "confirmed+ =          refused unsubscribed unsubscribed #         =             #        confirmed+ unsubscribed confirmed =+     bounced confirmed    complained =            gone",
    "confirmed, signed up again":        "=          =          refused unsubscribed unsubscribed #         =             #        =          unsubscribed confirmed =+     bounced confirmed    complained =            gone",
    "unsubscribed":                      "pending+   !          !       =            unsubscribed #         #             #        pending+   !            !         =+     bounced unsubscribed complained =            gone",
    "unsubscribed by this visit":        "pending+   !          !       =            unsubscribed confirmed #             #        pending+   !            !         =+     bounced unsubscribed complained =            gone",
    "unsubscribed by another visit":     "pending+   !          !       =            unsubscribed #         #             #        pending+   !            !         =+     bounced unsubscribed complained =            gone",
    "back by this visit":                "confirmed+ =          refused unsubscribed unsubscribed =         =             #        confirmed+ unsubscribed confirmed =+     bounced confirmed    complained =            gone",
    "moved away":                        "pending+   !          !       =            unsubscribed #         #             #        pending+   !            !         =+     bounced unsubscribed complained =            gone",
    "pending, replaces another":         "pending+   confirmed+ refused unsubscribed unsubscribed #         =             pending+ pending+   !            !         =+     bounced pending      complained =            gone",
    "refused just now":                  "=          !          =       =            refused      #         pending       #        =          !            !         =      bounced refused      complained unsubscribed gone",
    "refused a subscription just now":   "=          !          =       =            refused      #         confirmed     #        =          !            !         =      bounced refused      complained unsubscribed gone",
    "refused, ten minutes ago":          "=          !          =       =            refused      #         #             #        =          !            !         =      bounced refused      complained unsubscribed gone",
    "refused":                           "=          !          =       =            refused      #         #             #        =          !            !         =      bounced refused      complained unsubscribed gone",
    "refused a year ago":                "pending+   !          =       =            refused      #         #             #        pending+   !            !         =      bounced refused      complained unsubscribed gone",
    "bounced":                           "pending+   !          !       =            bounced      #         #             #        pending+   !            !         =      =       =            complained unsubscribed gone",
    "complained":                        "=          !          !       =            complained   #         #             #        =          !            !         =      =       =            =          unsubscribed gone",
}
# fmt: on


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_state_and_event(state: str, event: str) -> None:
    before = STATES[state]
    expected = TABLE[state].split()[list(EVENTS).index(event)]
    if expected in "!#":
        with pytest.raises(BadToken if expected == "!" else Conflict):
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
    again = model.sign_up(CONFIRMED, stranger, NOW)
    assert again.after
    assert (again.event, again.owes) == ("signup again", "settings")
    kept = ("letters", "version", "settings_at", "wished")
    assert again.after == replace(CONFIRMED, **{name: getattr(again.after, name) for name in kept})
    assert again.after.wished == ("offers",)


def test_whoever_signs_up_again_and_again_gets_a_mail_a_week() -> None:
    subscriber: Subscriber | None = CONFIRMED
    owed = 0
    for day in range(28):
        change = model.sign_up(subscriber, SIGNUP, NOW + timedelta(days=day))
        subscriber, owed = change.after, owed + (change.owes == "settings")
    assert owed == 4


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


def test_an_undone_refusal_leaves_what_was() -> None:
    for before in (PENDING, CONFIRMED):
        refused = model.refuse(before, 1, NOW).after
        back = model.undo_refusal(refused, 1, NOW + timedelta(minutes=9)).after
        assert back == replace(before, version=before.version + 2)


def test_an_undone_unsubscription_leaves_what_was() -> None:
    ended = model.unsubscribe(CONFIRMED, NOW, "v1").after
    back = model.undo_unsubscription(ended, "v1", NOW + timedelta(minutes=9)).after
    assert back == replace(CONFIRMED, version=CONFIRMED.version + 2, visit="v1")


@pytest.mark.parametrize("visit", ["", "v2"])
def test_no_other_way_out_can_be_undone(visit: str) -> None:
    ended = model.unsubscribe(CONFIRMED, NOW, visit).after
    for asked in ("", "v1"):
        with pytest.raises(Conflict):
            model.undo_unsubscription(ended, asked, NOW)


def test_a_move_keeps_what_was_chosen_and_needs_the_old_subscription() -> None:
    asked = replace(SIGNUP, key="new", email="new@example.org", topics=OLD.topics)
    waiting = model.ask_move(None, OLD, asked, NOW).after
    assert waiting
    assert (waiting.state, waiting.moved_from, waiting.topics) == ("pending", "old", OLD.topics)
    assert model.confirm(waiting, waiting.letters, NOW).event == "moved here"
    for name, old in STATES.items():
        moved = model.ask_move(None, replace(old, key="old") if old else None, asked, NOW)
        assert moved.changes == name.startswith(("confirmed", "back")), name
    assert not model.ask_move(OLD, OLD, replace(asked, key="old"), NOW).changes
    assert not model.ask_move(None, OLD, asked, NOW, may_mail=False).changes


def test_a_signup_of_its_own_is_no_move_any_more() -> None:
    after = model.sign_up(STATES["pending, replaces another"], SIGNUP, NOW).after
    assert after
    assert after.moved_from == ""
