"""An import in every state: what somebody decided here remains."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.errors import BadToken, Conflict
from chalicelib.newsletter import model
from chalicelib.newsletter.model import Change, Signup, Subscriber
from tests.newsletter.test_model import NOW, PENDING, STATES

AGREED = Signup("key", "eva@example.org", "en", ("offers",), "old-3")
THEN = NOW - timedelta(days=900)
EXPECTED = {
    "none": "imported",
    "pending": "imported",
    "pending, last second": "imported",
    "pending, replaces another": "imported",
    "expired": "imported",
    "confirmed": "confirmed",
    "confirmed, signed up again": "confirmed",
    "back by this visit": "confirmed",
    "unsubscribed": "unsubscribed",
    "unsubscribed by this visit": "unsubscribed",
    "unsubscribed by another visit": "unsubscribed",
    "moved away": "unsubscribed",
    "refused": "refused",
    "refused just now": "refused",
    "refused a subscription just now": "refused",
    "refused, ten minutes ago": "refused",
    "refused a year ago": "imported",
    "bounced": "bounced",
    "complained": "complained",
}


def import_(before: Subscriber | None, suppressed: bool = False, version: int = 0) -> Change:
    return model.import_(before, suppressed, AGREED, THEN, NOW, version)


@pytest.mark.parametrize("state", STATES)
def test_import_in_every_state(state: str) -> None:
    if EXPECTED[state] != "imported":
        with pytest.raises(Conflict) as conflict:
            import_(STATES[state])
        assert conflict.value.state == EXPECTED[state]
        return
    before, change = STATES[state], import_(STATES[state])
    after = change.after
    assert after
    assert (change.before, change.event, change.owes) == (before, "imported", None)
    assert (after.state, after.email, after.language, after.topics, after.consent) == (
        "confirmed",
        "eva@example.org",
        "en",
        ("offers",),
        "old-3",
    )
    assert (after.confirmed_at, after.since, after.ended_at, after.refused_at) == (
        THEN,
        NOW,
        None,
        None,
    )
    assert after.version == (before.version + 1 if before else 1)


@pytest.mark.parametrize("state", STATES)
def test_an_erased_address_stays_out(state: str) -> None:
    with pytest.raises(Conflict) as conflict:
        import_(STATES[state], suppressed=True)
    assert conflict.value.state == "erased"


def test_a_waiting_signup_after_a_refusal_is_still_a_refusal() -> None:
    with pytest.raises(Conflict):
        import_(replace(PENDING, refused_at=NOW - timedelta(days=364)))


def test_who_left_stays_out_even_if_a_stranger_signs_them_up_again() -> None:
    for before in (None, PENDING, STATES["expired"]):
        with pytest.raises(Conflict) as conflict:
            model.import_(before, False, AGREED, THEN, NOW, withdrawn=True)
        assert conflict.value.state == "unsubscribed"


def test_the_same_subscription_again_is_no_change() -> None:
    here = import_(None).after
    assert here
    assert not import_(here).changes
    for other in (
        replace(here, language="de"),
        replace(here, topics=("news",)),
        replace(here, consent="old-2"),
        replace(here, email="EVA@example.org"),
        replace(here, confirmed_at=THEN + timedelta(milliseconds=1)),
    ):
        with pytest.raises(Conflict):
            import_(other)


def test_no_link_of_a_confirmation_mail_fits_an_imported_subscriber() -> None:
    after = import_(None, version=7).after
    assert after
    assert after.version == 8
    for letter in (0, after.letters, after.first_letter):
        with pytest.raises(BadToken):
            model.confirm(after, letter, NOW)
        with pytest.raises(BadToken):
            model.refuse(after, letter, NOW)
    asked = model.ask_access(after, NOW).after
    assert asked
    assert asked.letters == after.letters + 1


def test_a_waiting_link_still_answers_that_it_is_done() -> None:
    after = import_(PENDING).after
    assert after
    assert not model.confirm(after, PENDING.letters, NOW).changes


def test_a_mail_from_before_the_import_does_not_end_it() -> None:
    after = import_(None).after
    assert not model.bounce(after, True, "b", NOW - timedelta(seconds=1), NOW).changes
    assert model.bounce(after, True, "b", NOW, NOW).changes
