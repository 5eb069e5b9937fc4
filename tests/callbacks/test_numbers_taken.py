"""What becomes of a number's block, links and data where requests meet at one number."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.callbacks import intakes, links, service
from chalicelib.callbacks.model import Callback
from chalicelib.callbacks.service import Wanted
from chalicelib.callbacks.staff import service as staff
from chalicelib.callbacks.staff.service import Press
from chalicelib.callbacks.stores import requests
from chalicelib.callbacks.stores.requests import Proof
from tests.callbacks.simulation.world import AGENTS, LEAD, World, configured

ANNA, BEN, *_ = AGENTS
MINUTE = timedelta(minutes=1)
WANTED = Wanted("Eva Muster", "0151 23456789", "general", "callback-de-1", "de")
TEN = timedelta(hours=9)  # 10 o'clock in Berlin, on the simulation's first day


@pytest.fixture
def world() -> Iterator[World]:
    """Give a hotline without anybody, at 10 o'clock on a Monday."""
    world = World(1, 0)
    world.now += TEN
    with configured(), world.services.plugged():
        yield world


def ask(world: World, reference: str, wanted: Wanted = WANTED) -> Callback:
    asked = service.asked_of(wanted, wanted.consent)
    return intakes.place(asked, reference, Proof("", {}), world.now).after


def act(world: World, reference: str, *presses: Press) -> Callback:
    for press in presses:
        after = staff.act(reference, press, ANNA, world.now).card.callback
    return after


CLAIM, REFUSED = Press("claim"), Press("settle", "refused")


def test_an_erasure_takes_the_requests_that_were_merged_by_a_corrected_number(world: World) -> None:
    right = replace(WANTED, name="Ina", phone="0151 28765432")
    ask(world, "R-WRNG")
    ask(world, "R-RGHT", right)
    merged = act(world, "R-WRNG", CLAIM, Press("number", phone=right.phone))
    assert (merged.state, merged.followed_by) == ("wrong_number", "R-RGHT")
    found = requests.load_last("R-WRNG")
    assert found is not None
    assert found.reference == "R-RGHT"
    assert staff.erase_number(right.phone, LEAD, world.now) == 2
    assert "Muster" not in str(list(world.services.items("CALLBACK#")))


def test_an_undo_leaves_what_a_supervisor_blocked_since(world: World) -> None:
    """Check it also where the block is of a later request, of another extension."""
    ask(world, "R-QWN2")
    act(world, "R-QWN2", CLAIM, REFUSED)
    world.now += MINUTE
    ask(world, "R-QTHR", replace(WANTED, phone=f"{WANTED.phone} ext. 12"))
    world.now += MINUTE
    until = staff.set_block(WANTED.phone, True, LEAD, world.now).blocked_until
    world.now += MINUTE
    assert act(world, "R-QWN2", Press("undo")).state == "held"
    assert staff.look_up_number(WANTED.phone, world.now).blocked_until == until


def test_an_undo_lifts_its_own_block_and_lets_in_who_waits_for_it(world: World) -> None:
    ask(world, "R-QWN2")
    act(world, "R-QWN2", CLAIM, REFUSED)
    waits = ask(world, "R-NEWR", replace(WANTED, note="Silver"))
    assert waits.state == "held"
    act(world, "R-QWN2", Press("undo"))
    taken = requests.load("R-NEWR")
    assert taken is not None
    assert (taken.state, len(taken.open_wishes)) == ("open", 2)
    assert staff.look_up_number(WANTED.phone, world.now).blocked_until is None


def test_a_cancellation_does_not_get_round_the_days_limit(world: World) -> None:
    for number in range(3):
        ask(world, f"R-DAY{number + 2}", replace(WANTED, phone=f"{WANTED.phone} ext. {number}"))
    held = ask(world, "R-QWN2")
    assert (held.state, held.held_for) == ("held", "limit")
    token = links.token("R-QWN2")
    service.change_by_link(token, "cancel", None, world.now)
    back, _ = service.change_by_link(token, "undo", None, world.now + MINUTE)
    assert (back.state, back.held_for) == ("held", "limit")
    within = links.token("R-DAY2")
    service.change_by_link(within, "cancel", None, world.now)
    service.change_by_link(links.token("R-DAY3"), "cancel", None, world.now)
    assert service.change_by_link(within, "undo", None, world.now + MINUTE)[0].state == "held"


def test_a_follower_of_an_ended_request_joins_the_numbers_live_one(world: World) -> None:
    wanted = replace(WANTED, email="eva@example.org")
    ask(world, "R-QWN2", wanted)
    staff.end_called_in("", "R-QWN2", ANNA, world.now)
    ask(world, "R-NEWR", replace(WANTED, note="Silver"))
    joined = staff.act("R-QWN2", Press("follow"), LEAD, world.now).card.callback
    assert joined.reference == "R-NEWR"
    _, wish = service.by_link(links.token("R-QWN2"), world.now)
    assert (wish.is_open, wish.asked.email) == (True, "eva@example.org")
    rung = staff.end_called_in("", "R-QWN2", BEN, world.now).card.callback
    assert (rung.reference, rung.state) == ("R-NEWR", "done")


def test_a_follower_gets_another_reference_where_one_is_taken(world: World) -> None:
    """Check it with dice that throw the reference of another request first."""
    ask(world, "R-2222", replace(WANTED, phone="0151 28765432"))
    ask(world, "R-QWN2")
    staff.end_called_in("", "R-QWN2", ANNA, world.now)
    throws = iter([bytes(4), bytes([1] * 4)])
    drawn, secrets.token_bytes = secrets.token_bytes, lambda nbytes=None: next(throws)
    try:
        made = staff.act("R-QWN2", Press("follow"), LEAD, world.now).card.callback
    finally:
        secrets.token_bytes = drawn
    assert (made.reference, made.follows) == ("R-3333", "R-QWN2")
