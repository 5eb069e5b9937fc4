"""Limits where people are hurt: callers, customers' links, preferences, and the trap for robots."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine

from chalicelib import instants, log, tokens
from chalicelib.callbacks import links as callback_links
from chalicelib.newsletter import links
from chalicelib.newsletter.stores import subscribers
from tests.backend import FORM, Backend
from tests.edge.staff import REQUEST, STAFF, Agent, ask
from tests.edge.test_change import CHANGE, HTML, posted, pressed
from tests.edge.test_newsletter import SIGNUP
from tests.edge.test_subscription import intact, post, subscribe
from tests.events import Answer

NOON = datetime(2027, 3, 10, 11, 0, tzinfo=UTC)  # noon in Berlin
LEFT = 12 * 3600  # seconds of that day in Berlin


def addresses(count: int) -> Iterator[str]:
    """Yield addresses of one /64, in various spellings."""
    for number in range(count):
        yield (
            f"2001:db8:1:2:{number:x}::1",
            f"2001:0DB8:0001:0002:0000:0000:00AB:{number:04X}",
            f"2001:db8:1:2::{number:x}%eth{number}",
        )[number % 3]


def test_a_hundred_signups_from_one_64_are_twenty(one_hour: None, backend: Backend) -> None:
    statuses = [
        backend.call(
            "POST",
            "/newsletter/signups",
            {**SIGNUP, "email": f"v6-{number}@example.org"},
            client_ip=address,
        ).status
        for number, address in enumerate(addresses(100))
    ]
    print(f"\nsignups of one /64: 100 · taken {statuses.count(202)}")
    assert statuses == [202] * 20 + [429] * 80
    neighbour = {**SIGNUP, "email": "neighbour@example.org"}
    for other in ("2001:db8:1:3::1", "192.0.2.1", "::ffff:192.0.2.2", ""):
        answer = backend.call("POST", "/newsletter/signups", neighbour, client_ip=other)
        assert answer.status == 202


def test_a_hundred_callback_requests_from_one_64_are_five(one_hour: None, backend: Backend) -> None:
    window = {"from": "2027-03-10T13:00:00+01:00", "to": "2027-03-10T15:00:00+01:00"}
    with time_machine.travel(NOON, tick=False):
        statuses = [
            backend.call(
                "POST",
                "/callbacks",
                {**REQUEST, "phone": f"07930 2{number:03}", "window": window},
                client_ip=address,
            ).status
            for number, address in enumerate(addresses(100))
        ]
    print(f"\ncallback requests of one /64: 100 · taken {statuses.count(202)}")
    assert statuses == [202] * 5 + [429] * 95


def test_a_mapped_address_is_its_ipv4_address(one_hour: None, backend: Backend) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="3")
    spellings = ("192.0.2.9", "::ffff:192.0.2.9", "::FFFF:C000:209", "2002:c000:209::1")
    statuses = [
        backend.call(
            "POST",
            "/newsletter/signups",
            {**SIGNUP, "email": f"mapped-{number}@example.org"},
            client_ip=address,
        ).status
        for number, address in enumerate(spellings)
    ]
    assert statuses == [202, 202, 202, 429]


def test_callers_without_an_address_are_limited_together(one_hour: None, backend: Backend) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="2")
    for address in ("", "unknown", "::/64"):
        statuses = [
            backend.call(
                "POST",
                "/newsletter/signups",
                {**SIGNUP, "email": f"odd-{number}-{len(address)}@example.org"},
                client_ip=address,
            ).status
            for number in range(3)
        ]
        assert statuses == [202, 202, 429]


def windows(count: int) -> Iterator[dict[str, str]]:
    for number in range(count):
        begins = NOON + timedelta(days=1, minutes=30 * number)
        yield {"from": instants.text(begins), "to": instants.text(begins + timedelta(hours=2))}


def alerts(line: Backend) -> int:
    """Deliver everything, and return how many alerts there are by now."""
    line.settle()
    return sum(each["kind"] == "callback-alert" for each in line.items(prefix="MSG#"))


@pytest.mark.soak
def test_sixty_moves_by_one_link_are_five(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False):
        reference = ask(line, email="moves@example.org")
        token = callback_links.token(reference)
        first, answers, states = alerts(line), [], []
        for window in windows(60):
            answers.append(posted(line, token, action="reschedule", window=window))
            states.append(line.items())
        statuses = [each.status for each in answers]
        mails = len(line.mails("moves@example.org"))
        line.settle()
        letters = len(line.mails("moves@example.org")) - mails
        print(f"\nmoves by one link 60 · taken {statuses.count(200)} · letters {letters}")
        assert statuses == [200] * 5 + [429] * 55
        assert all(state == states[4] for state in states[5:])
        # A letter about a time that was moved once more is void.
        assert (letters, alerts(line)) == (1, first)
        refused = answers[5]
        assert (refused.json["code"], refused.headers["retry-after"]) == ("link_moves", str(LEFT))
        assert "fünfmal am Tag" in refused.json["detail"]
        assert "07930 2699" in refused.json["detail"].replace("+49 7930", "07930")
        # What was taken may come again: it changes nothing, so that it is within every limit.
        before = line.items()
        again = posted(line, token, action="reschedule", window=list(windows(5))[-1])
        assert (again.status, line.items()) == (200, before)
        page = pressed(line, token, action="reschedule", window="/".join(next(windows(1)).values()))
        assert (page.status, page.headers["retry-after"]) == (429, str(LEFT))
        assert "fünfmal am Tag" in page.text
        assert f'href="https://contact.site.example{CHANGE}?token=' in page.text
        assert posted(line, token, action="cancel").status == 200  # which has its own limit


def test_the_moves_of_a_day_are_those_of_its_calendar(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = callback_links.token(ask(line))
        taken = list(windows(6))
        for window in taken[:5]:
            assert posted(line, token, action="reschedule", window=window).status == 200
        clock.shift(timedelta(seconds=LEFT - 1))
        refused = posted(line, token, action="reschedule", window=taken[5])
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        clock.shift(timedelta(seconds=1))
        assert posted(line, token, action="reschedule", window=taken[5]).status == 200


def test_twenty_cancellations_taken_back_by_one_link_are_three(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = callback_links.token(ask(line, email="loops@example.org"))
        first, statuses, undone, states = alerts(line), [], [], []
        for _ in range(20):
            statuses.append(posted(line, token, action="cancel").status)
            if statuses[-1] == 429:
                states.append(line.items())
                continue
            undone.append(posted(line, token, action="undo").json["reference"])
            clock.shift(timedelta(minutes=9))
        more = alerts(line) - first
        print(f"\ncancellations 20 · taken {statuses.count(200)} · alerts by their undoing {more}")
        assert statuses == [200] * 3 + [429] * 17
        assert (len(set(undone)), more) == (1, 3)  # the same request, open again three times
        assert all(state == states[0] for state in states)
        refused = posted(line, token, action="cancel")
        assert refused.json["code"] == "link_cancellations"
        assert "dreimal am Tag" in pressed(line, token, action="cancel").text
        # The call itself goes on: the staff see it, and the customer can move it.
        live = Agent(line).get(f"{STAFF}/{undone[-1]}").json
        assert live["state"] == "open"
        window = next(windows(1))
        assert posted(line, token, action="reschedule", window=window).status == 200


def test_moves_go_on_counting_after_an_undo(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False):
        token, statuses = callback_links.token(ask(line)), []
        for number, window in enumerate(windows(7)):
            statuses.append(posted(line, token, action="reschedule", window=window).status)
            if number < 3:
                posted(line, token, action="cancel")
                posted(line, token, action="undo")
        assert statuses == [200] * 5 + [429] * 2


def test_the_last_cancellation_can_be_taken_back_too(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = callback_links.token(ask(line))
        for _ in range(3):
            assert posted(line, token, action="cancel").status == 200
            for _ in range(3):  # a repeat does not count
                assert posted(line, token, action="cancel").status == 200
            clock.shift(timedelta(minutes=9))
            assert posted(line, token, action="undo").status == 200
        assert posted(line, token, action="cancel").status == 429


def test_links_of_two_requests_of_a_number_count_apart(line: Backend) -> None:
    """Check that somebody who asks for the same number does not use up what another may do."""
    with time_machine.travel(NOON, tick=False):
        for name in ("Eva Muster", "Ina Muster"):
            token = callback_links.token(ask(line, name=name))
            statuses = [
                posted(line, token, action="reschedule", window=window).status
                for window in windows(6)
            ]
            assert statuses == [200] * 5 + [429]
            assert posted(line, token, action="cancel").status == 200


def test_twenty_equal_moves_at_once_are_one(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False):
        token, window = callback_links.token(ask(line)), next(windows(1))
        with ThreadPoolExecutor(10) as pool:
            moves = [
                pool.submit(posted, line, token, action="reschedule", window=window)
                for _ in range(20)
            ]
        assert {each.result().status for each in moves} <= {200, 503}
        (counted,) = line.items(prefix="LIMIT#link-moves#")
        assert counted["used"] == 1


def test_a_refused_move_says_first_what_is_wrong_with_it(line: Backend) -> None:
    with time_machine.travel(NOON, tick=False):
        token = callback_links.token(ask(line))
        for window in windows(5):
            posted(line, token, action="reschedule", window=window)
        past = {"from": "2027-03-09T11:00:00Z", "to": "2027-03-09T12:00:00Z"}
        assert posted(line, token, action="reschedule", window=past).status == 422
        english = line.call(
            "POST",
            f"{CHANGE}?token={token}",
            {"action": "reschedule", "window": list(windows(6))[-1]},
            {"accept": "application/json", "accept-language": "en"},
        )
        assert english.json["detail"].startswith("This link can move the call five times a day.")


def prefer(backend: Backend, token: str, topics: str, language: str = "de") -> Answer:
    return post(backend, "preferences", token=token, topics=topics, language=language)


def test_preferences_change_twenty_times_a_day(backend: Backend) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        key = subscribe(backend, "undecided@example.org")
        token = tokens.sign(links.PREFERENCES, key, 0)
        chosen = [*("news", "offers") * 10, *["news"] * 10]
        statuses = [prefer(backend, token, topics).status for topics in chosen]
        assert statuses == [200] * 20 + [429] * 10
        before = backend.items()
        for _ in range(5):  # the same ones again
            assert prefer(backend, token, "offers").status == 200
        refused = prefer(backend, token, "news")
        assert (refused.json["code"], refused.headers["retry-after"]) == (
            "preferences_limit",
            str(LEFT),
        )
        page = post(
            backend,
            "preferences",
            {"content-type": FORM, **HTML},
            token=token,
            topics="news",
            language="de",
        )
        assert page.status == 429
        assert "heute sehr oft geändert" in page.text
        assert f"/newsletter/preferences?token={token}" in page.text
        assert backend.items() == before
        other = tokens.sign(links.PREFERENCES, subscribe(backend, "another@example.org"), 0)
        assert prefer(backend, other, "news").status == 200
        leave = tokens.sign(links.UNSUBSCRIBE, key, 0)
        clock.shift(timedelta(seconds=LEFT))
        assert prefer(backend, token, "news").status == 200
        assert post(backend, f"unsubscribe?token={leave}").status == 200
    assert intact(key)


def test_saving_the_same_preferences_writes_nothing_and_does_not_count(backend: Backend) -> None:
    key = subscribe(backend, "decided@example.org")
    token = tokens.sign(links.PREFERENCES, key, 0)
    assert prefer(backend, token, "news").status == 200
    before = backend.items()
    for _ in range(30):
        assert prefer(backend, token, "news").status == 200
    assert backend.items() == before
    (counted,) = backend.items(prefix="LIMIT#preferences#")
    assert (counted["used"], len(subscribers.events(key))) == (1, 4)


SIGNUPS, CALLBACKS = "/newsletter/signups", "/callbacks"
FILLED = {SIGNUPS: {**SIGNUP, "email": "robot@example.org"}, CALLBACKS: {**REQUEST}}


def filled(backend: Backend, path: str, form: bool, website: str, **more: Any) -> Answer:
    body = {**FILLED[path], **more, "website": website}
    if form:
        headers = {"content-type": FORM, "accept": "text/html"}
        return backend.call("POST", path, urlencode(body), headers)
    return backend.call("POST", path, body)


@pytest.mark.parametrize("form", [False, True], ids=["json", "plain form"])
@pytest.mark.parametrize("path", [SIGNUPS, CALLBACKS])
def test_a_filled_honeypot_is_refused_before_anything_is_looked_up(
    line: Backend, path: str, form: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    known = subscribe(line, "robot@example.org")
    assert known
    ask(line)
    capsys.readouterr()
    calls: list[str] = []
    before, answers = line.items(), []
    with line.hooked("dynamodb", "before-call.dynamodb", lambda **_: calls.append("call")):
        for website in ("https://spam.example", "x" * 9000, "Eva GmbH"):
            answers += [
                filled(line, path, form, website),
                filled(line, path, form, website, email="new@example.org", phone="07930 2001"),
                filled(line, path, form, website, altcha="nonsense", consent="none-1"),
            ]
        injected = filled(line, path, form, "a\r\nBcc: e@x.y")
    assert (calls, line.items(), injected.status) == ([], before, 422)
    assert {(each.status, each.text) for each in answers} == {(422, answers[0].text)}
    if form:
        assert "Dieses Feld muss leer bleiben." in answers[0].text
    else:
        (error,) = answers[0].json["errors"]
        assert (error["field"], error["code"]) == ("website", "honeypot")
        assert error["message"].startswith("Dieses Feld muss leer bleiben.")
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    ids = ("request_id", "gateway_request_id")
    logged = [{k: v for k, v in each.items() if k not in ids} for each in lines]
    # Ten answers, each of which has a line.
    assert len(answers) + 1 == log.FIRST
    each_says = {"level": "WARNING", "event": "attempt.honeypot", "count": 1, "path": path}
    assert logged == [each_says] * log.FIRST


@pytest.mark.parametrize("path", [SIGNUPS, CALLBACKS])
@pytest.mark.parametrize("website", ["", " ", "\u00a0"])
def test_an_empty_honeypot_is_none(line: Backend, path: str, website: str) -> None:
    assert filled(line, path, False, website).status == 202
