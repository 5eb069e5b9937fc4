"""Every state of a subscriber × every event, with the oracle written out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.errors import BadToken
from chalicelib.newsletter import model
from chalicelib.newsletter.model import Signup, Subscriber

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SIGNUP = Signup("key", "eva@example.org", "de", ("news",), "newsletter-de-1")
PENDING = Subscriber(
    "key", "eva@example.org", "pending", "de", ("news",), "newsletter-de-1", NOW, 1, 1, 1, (NOW,)
)  # fmt: skip
CONFIRMED = replace(PENDING, state="confirmed", version=2, confirmed_at=NOW)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def pending(*lettered: datetime) -> Subscriber:
    return replace(PENDING, asked_at=lettered[-1], lettered_at=lettered, letters=len(lettered), version=len(lettered))


STATES = {
    "none": None,
    "pending, mail just sent": pending(ago(minutes=9, seconds=59)),
    "pending, mail a while ago": pending(ago(minutes=10)),
    "pending, three mails today": pending(ago(hours=23), ago(hours=12), ago(hours=1)),
    "pending, three mails, one yesterday": pending(ago(hours=24), ago(hours=12), ago(hours=1)),
    "pending, last minute": pending(ago(days=7) + timedelta(seconds=1)),
    "expired": pending(ago(days=7)),
    "confirmed": CONFIRMED,
}
SIGNED_UP = {  # state → (state after, generation after, owes a confirmation mail)
    "none": ("pending", 1, True),
    "pending, mail just sent": ("pending", 1, False),
    "pending, mail a while ago": ("pending", 1, True),
    "pending, three mails today": ("pending", 1, False),
    "pending, three mails, one yesterday": ("pending", 1, True),
    "pending, last minute": ("pending", 1, True),
    "expired": ("pending", 2, True),
    "confirmed": ("confirmed", 1, False),
}
CONFIRMS = {
    "none": None,
    "pending, mail just sent": "confirmed",
    "pending, mail a while ago": "confirmed",
    "pending, three mails today": "confirmed",
    "pending, three mails, one yesterday": "confirmed",
    "pending, last minute": "confirmed",
    "expired": None,
    "confirmed": "confirmed",
}


@pytest.mark.parametrize("state", STATES)
def test_signup(state: str) -> None:
    before = STATES[state]
    change = model.sign_up(before, SIGNUP, NOW)
    assert (change.after.state, change.after.generation, change.owes_confirmation) == SIGNED_UP[state]
    if change.owes_confirmation:
        assert change.after.letters == (before.letters if before else 0) + 1
        assert change.after.version == (before.version if before else 0) + 1
        assert change.after.lettered_at[-1] == NOW
    else:
        assert change.after is before


@pytest.mark.parametrize("state", STATES)
def test_confirm(state: str) -> None:
    before, expected = STATES[state], CONFIRMS[state]
    if expected is None:
        with pytest.raises(BadToken):
            model.confirm(before, 1, NOW)
        return
    change = model.confirm(before, 1, NOW)
    assert change.after.state == expected
    assert not change.owes_confirmation
    assert (change.after is before) == (state == "confirmed")


@pytest.mark.parametrize("state", [each for each, subscriber in STATES.items() if subscriber])
def test_a_link_of_another_opt_in_confirms_nothing(state: str) -> None:
    with pytest.raises(BadToken):
        model.confirm(STATES[state], 2, NOW)


def test_a_strangers_signup_changes_nothing_of_a_confirmed_subscriber() -> None:
    stranger = Signup("key", "EVA@example.org", "en", ("offers",), "newsletter-en-1")
    assert model.sign_up(CONFIRMED, stranger, NOW).after is CONFIRMED


def test_a_new_opt_in_never_owes_a_message_of_an_old_name() -> None:
    expired = pending(ago(days=9), ago(days=8))
    assert model.sign_up(expired, SIGNUP, NOW).after.letters == 3


@pytest.mark.parametrize(("state", "awaits"), [(s, "pending" in s) for s in STATES])
def test_a_confirmation_is_owed_only_while_it_has_a_point(state: str, awaits: bool) -> None:
    assert model.awaits_confirmation(STATES[state], NOW) is awaits
