"""The links in our mails: what opens them, how long they work, and what a repeated press does."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import time_machine

from chalicelib import instants, tokens
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend
from tests.edge.test_misuse import MORNING
from tests.edge.test_newsletter import confirm, sign_up, token_in
from tests.edge.test_subscription import link, post, press, subscribe
from tests.events import Answer
from tests.ops.commands import ops


@pytest.mark.soak
def test_an_unconfirmed_address_is_in_no_export_and_gets_one_mail_and_no_more(
    backend: Backend, tmp_path: Path
) -> None:
    """Check that an unconfirmed address gets one mail, and that its link ends after seven days.

    It is refused whether the clock has deleted the subscriber or not.
    """
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    exported = 0
    with time_machine.travel(MORNING, tick=False) as clock:
        sign_up(backend, "waits@example.org")
        backend.settle()
        token = token_in(backend, "waits@example.org")
        refused = []
        for day in range(9):
            clock.move_to(MORNING + timedelta(days=day, seconds=1))
            if day >= 7:
                refused.append(confirm(backend, token).status)
            backend.tick(instants.now())
            backend.settle()
            ops("export", tmp_path / "out.csv")
            staff = backend.call(
                "GET", "/staff/subscribers.csv", headers={"authorization": "Bearer key"}
            )
            assert staff.status == 200
            exported += "waits@" in staff.text + (tmp_path / "out.csv").read_text()
            if day < 7:
                assert backend.items(prefix="SUB#")
            else:
                assert backend.items(prefix="SUB#") == []
        again = sign_up(backend, "waits@example.org")
    mails = len(backend.mails("waits@example.org"))
    print(
        f"\nan unconfirmed address in nine days: mails {mails} · exports it is in {exported} of 18"
        f" · its link from day 8 on, before and after it is deleted {refused}"
    )
    assert exported == 0
    assert mails == 1
    assert refused == [400, 400]
    assert again.status == 202


def test_no_token_opens_what_it_is_not_for(backend: Backend) -> None:
    """Check that every bad token gets the same 400 at a link, which names where a new one is.

    Tries each purpose at each link, each changed character, expired ones and an older opt-in's.
    """
    key = subscribe(backend, "tokens@example.org")
    now, before = instants.now(), backend.items()
    letter = tokens.read(links.CONFIRM, link(backend, "tokens@example.org", "confirm"), now)[1]
    purposes = {
        "confirm": links.CONFIRM,
        "refuse": links.CONFIRM,
        "unsubscribe": links.UNSUBSCRIBE,
        "preferences": links.PREFERENCES,
        "mydata": links.DATA,
        "erase": links.DATA,
        "me": links.DATA,
    }
    answers: list[tuple[str, Answer]] = []
    for page, own in purposes.items():
        good = tokens.sign(own, key, letter)
        bad = [
            tokens.sign(other, key, letter)
            for other in {*purposes.values(), "newsletter.export"} - {own}
        ]
        bad += [tokens.sign(own, key, letter, now - timedelta(seconds=1)), "", ".", "x" * 5000]
        for at, character in enumerate(good):
            bad += [
                good[:at] + other + good[at + 1 :]
                for other in ("B" if character == "A" else "A", "$")
            ]
        for token in bad:
            path = "/me" if page == "me" else f"/newsletter/{page}"
            answers.append((page, backend.call("GET", f"{path}?token={quote(token)}")))
            if page != "mydata":
                answers.append((page, _press(backend, page, token)))
    for page in ("confirm", "refuse"):
        answers.append((page, _press(backend, page, tokens.sign(links.CONFIRM, key, letter - 1))))
    different = {(page, each.status, each.text) for page, each in answers}
    print(f"\nbad tokens {len(answers)} · different answers {len(different)}")
    assert {status for _, status, _ in different} == {400}
    assert len(different) == len(purposes)
    assert backend.items() == before


def _press(backend: Backend, page: str, token: str) -> Answer:
    """Press the button of a page."""
    if page == "me":
        return press(backend, token, "show")
    if page == "unsubscribe":
        return post(backend, f"unsubscribe?token={token}")
    if page == "preferences":
        return post(backend, page, token=token, topics="news", language="de")
    return post(backend, page, token=token)


def test_each_button_thrice_is_one_change(backend: Backend) -> None:
    """Check that three presses are answered 200 and are one change.

    Scanners press buttons, and people press twice.
    """
    key = subscribe(backend, "pressed@example.org")
    sign_up(backend, "refused@example.org")
    backend.deliver()
    other = key_of("refused@example.org")
    presses = [
        (other, "refuse", link(backend, "refused@example.org", "refuse"), "refused"),
        (key, "confirm", link(backend, "pressed@example.org", "confirm"), "confirmed"),
        (key, "preferences", link(backend, "pressed@example.org", "preferences"), "preferences"),
        (key, "unsubscribe", link(backend, "pressed@example.org", "unsubscribe"), "unsubscribed"),
        (key, "erase", tokens.sign(links.DATA, key, 0), "erased"),
    ]
    statuses, changes = [], []
    for subject, page, token, event in presses:
        statuses += [_press(backend, page, token).status for _ in range(3)]
        changes.append([each.event for each in subscribers.events(subject)].count(event))
    print(f"\nbuttons {len(presses)} · presses {len(statuses)} · changes {sum(changes)}")
    assert set(statuses) == {200}
    assert changes == [1, 1, 1, 1, 1]
