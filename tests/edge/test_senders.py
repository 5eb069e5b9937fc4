"""How messages leave: lanes, order, SES's rate, slow answers, versions that come and go."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

import app
from chalicelib import aws, instants, triggers
from chalicelib.outbox import delivery, model, senders, store
from chalicelib.outbox.delivery import Composer
from chalicelib.outbox.lanes import Lane
from chalicelib.outbox.model import Mail, Message
from tests.backend import Backend
from tests.edge.test_faults import ALWAYS, error_answer, sign_up
from tests.events import Context
from tests.scale import Scale

SEND = "before-send.sesv2.SendEmail"
TOO_FAST = error_answer(429, "TooManyRequestsException")


def owe(backend: Backend, number: int, lane: Lane, ago: timedelta, kind: str = "test") -> str:
    """Owe a message that has been due for some time."""
    due = instants.now() - ago
    message = model.owe(kind, f"{lane}-{number}", 1, due, due, lane)
    aws.write(store.owed(message))
    return message.id


def _compose(message: Message, now: datetime) -> Mail:
    return Mail((f"{message.subject}@example.org",), message.id, "Text")


KINDS: Mapping[str, Composer] = {"test": _compose}


def sweep(backend: Backend, now: datetime | None = None) -> dict[str, int]:
    at = now or instants.now()
    return senders.sweep(KINDS, dict, lambda: 60.0, lambda: at)


@contextmanager
def order(backend: Backend) -> Iterator[list[str]]:
    """Note the messages in the order in which SES is handed them."""
    sent: list[str] = []

    def note(request: Any, **_: Any) -> None:
        sent.append(json.loads(request.body)["EmailTags"][0]["Value"])

    with backend.hooked("sesv2", SEND, note):
        yield sent


def test_alerts_leave_first_and_the_oldest_of_each_lane(backend: Backend) -> None:
    minutes = [7, 3, 9, 1, 5, 8, 2, 6, 4]
    for at in minutes:
        owe(backend, at, "transactional", timedelta(minutes=at))
    owe(backend, 300, "alerts", timedelta(hours=5))
    owe(backend, 1, "alerts", timedelta(seconds=1))
    with order(backend) as sent:
        assert sweep(backend) == {"sent": 11}
    late = [f"test_transactional-{each}_1" for each in sorted(minutes, reverse=True)]
    assert sent == ["test_alerts-300_1", "test_alerts-1_1", *late]


def test_the_heartbeat_tells_what_waits_and_how_long(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    owe(backend, 1, "alerts", timedelta(hours=5))
    for number in range(30):
        owe(backend, number, "transactional", timedelta(seconds=1))
    sweep(backend)
    lines = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    (beat,) = [each for each in lines if each["event"] == "clock.ticked"]
    assert (beat["due"], beat["oldest"]) == (31, 5 * 3600)


def test_ses_slowing_down_is_no_failure_and_costs_no_place(backend: Backend) -> None:
    ids = [
        owe(backend, number, "transactional", timedelta(minutes=9 - number)) for number in range(5)
    ]
    before = {each.id: each for each in store.load_many(ids)}
    sleeping = aws.sleep
    aws.sleep = lambda seconds: None
    try:
        with backend.hooked("sesv2", SEND, TOO_FAST):
            for _ in range(10):
                sweep(backend)
    finally:
        aws.sleep = sleeping
    held = store.load(ids[0])
    assert held
    assert (held.state, held.attempts, held.due_at) == ("due", 0, before[ids[0]].due_at)
    assert held.error == "TooManyRequestsException"
    with order(backend) as sent:
        sweep(backend)
    assert sent == ids


@pytest.mark.parametrize(
    "code",
    ["LimitExceededException", "SendingPausedException", "AccountSuspendedException"],
)
def test_a_stop_of_all_mail_holds_messages_back(backend: Backend, code: str) -> None:
    (wanted,) = [owe(backend, 1, "transactional", timedelta(minutes=1))]
    with backend.hooked("sesv2", SEND, error_answer(400, code)):
        assert delivery.deliver(wanted, KINDS) == "slowed"
    assert delivery.deliver(wanted, KINDS) == "sent"


def test_the_cap_of_one_lane_stops_no_other(backend: Backend) -> None:
    backend.configure(MAILS_A_DAY="10")  # 2 alerts by mail and 8 others
    for number in range(12):
        owe(backend, number, "transactional", timedelta(minutes=5))
    assert sweep(backend) == {"sent": 8}
    alert = owe(backend, 1, "alerts", timedelta(0))
    assert delivery.deliver(alert, KINDS) == "sent"
    states = list(backend.states().values())
    print(f"\ncap 10: others sent {states.count('sent') - 1} of 12, the alert in time 1")
    assert states.count("due") == 4
    with time_machine.travel(instants.now() + timedelta(days=1)):
        assert sweep(backend) == {"sent": 4}


def test_the_reaction_leaves_the_rest_due_and_is_not_killed(backend: Backend) -> None:
    """Play a mail service that takes half a second, in a function that has 30 seconds left."""
    ids = [owe(backend, number, "transactional", timedelta(0)) for number in range(40)]
    left = [30.0]

    def slow(**_: Any) -> None:
        left[0] -= 0.5

    records = backend.records()
    with backend.hooked("sesv2", SEND, slow):
        senders.react(records, KINDS, dict, lambda record: None, lambda: left[0])
    states = backend.states()
    sent = [each for each in ids if states[each] == "sent"]
    print(f"\nSES at 500 ms: sent {len(sent)}, left due {len(ids) - len(sent)}, killed 0")
    assert left[0] >= senders.ATTEMPT - 0.5
    assert len(sent) == senders.REACTION / 0.5 + 1
    assert set(states.values()) == {"sent", "due"}


def test_alerts_go_first_within_a_batch(backend: Backend) -> None:
    for number in range(3):
        owe(backend, number, "transactional", timedelta(0))
    owe(backend, 1, "alerts", timedelta(0))
    with order(backend) as sent:
        senders.react(backend.records(), KINDS, dict, lambda record: None, lambda: 60.0)
    assert sent[0] == "test_alerts-1_1"


def test_an_old_record_is_the_clocks(backend: Backend) -> None:
    owe(backend, 1, "transactional", timedelta(minutes=5))
    records = backend.records()
    written = instants.now().timestamp() - senders.FRESH - 1
    for each in records:
        each["dynamodb"]["ApproximateCreationDateTime"] = written
    senders.react(records, KINDS, dict, lambda record: None, lambda: 60.0)
    assert set(backend.states().values()) == {"due"}
    assert sweep(backend) == {"sent": 1}


def test_a_rollback_past_a_new_kind_of_message(backend: Backend) -> None:
    """Deploy a version that does not know a kind, and then the one that does."""
    wanted = owe(backend, 1, "transactional", timedelta(0), kind="newer")
    now = instants.now()
    for minutes in range(0, 24 * 60, 240):
        assert "failed" not in senders.sweep(
            KINDS,
            dict,
            lambda: 60.0,
            lambda m=minutes: now + timedelta(minutes=m),  # type: ignore[misc]  # bound now
        )
    message = store.load(wanted)
    assert message
    assert (message.state, message.attempts, message.error) == ("due", 0, "unknown kind")
    newer = {**KINDS, "newer": _compose}
    later = now + timedelta(days=1)
    assert senders.sweep(newer, dict, lambda: 60.0, lambda: later) == {"sent": 1}


def test_an_intake_of_a_newer_version_waits_too(backend: Backend) -> None:
    backend.takes_in = False
    sign_up(backend, "newer-intake@example.org")
    now = instants.now() + timedelta(minutes=2)
    senders.sweep(KINDS, dict, lambda: 60.0, lambda: now)
    assert len(backend.items(prefix="INTAKE#")) == 1
    backend.tick(now)
    assert len(backend.mails("newer-intake@example.org")) == 1
    assert backend.items(prefix="INTAKE#") == []


def test_the_stream_lost_for_a_day(backend: Backend, scale: Scale) -> None:
    backend.configure(**ALWAYS, LIMIT_SIGNUPS_PER_CALLER="1000")
    backend.takes_in = False
    signups = scale(50)
    for number in range(signups):
        assert sign_up(backend, f"lost-stream-{number}@example.org").status == 202
    now = instants.now() + timedelta(days=1)
    for ticks in (1, 2):
        backend.tick(now + timedelta(minutes=ticks))
    sent = list(backend.states().values()).count("sent")
    print(f"\nstream lost for a day: signups {signups} · mails after 2 ticks {sent}")
    assert sent == signups


def test_a_record_that_makes_the_function_fail_is_set_aside(backend: Backend) -> None:
    backend.takes_in = False
    sign_up(backend, "beside-a-broken-intake@example.org")
    (record,) = [each for each in backend.records() if "INTAKE#" in str(each)]
    image = {**record["dynamodb"]["NewImage"], "asked": {"M": {}}}
    broken = {**record, "dynamodb": {**record["dynamodb"], "NewImage": image}}
    app.deliver_messages({"Records": [broken, record]}, Context())
    assert len(backend.mails("beside-a-broken-intake@example.org")) == 1
    queue = aws.client("sqs").receive_message(QueueUrl=backend.env["DEAD_LETTER_QUEUE_URL"])
    assert [json.loads(each["Body"])["record"] for each in queue["Messages"]] == [broken]


class _Once(http.server.BaseHTTPRequestHandler):
    """A service that takes one request a connection and drops it unseen, as an idle one is."""

    protocol_version = "HTTP/1.1"
    reset = False

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"MessageId": "taken"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        # It says nothing of closing; the next request on this connection breaks.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


def test_a_connection_that_idled_is_not_used_again(backend: Backend) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Once)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend.configure(AWS_ENDPOINT_URL_SESV2=f"http://127.0.0.1:{server.server_port}")
    try:
        states = []
        for number, pause in enumerate((0, 60)):
            with time_machine.travel(instants.now() + timedelta(seconds=pause), tick=True):
                wanted = owe(backend, number, "transactional", timedelta(0))
                states.append(delivery.deliver(wanted, KINDS))
        assert states == ["sent", "sent"]
    finally:
        server.shutdown()
        server.server_close()
        backend.configure(AWS_ENDPOINT_URL_SESV2="")


@pytest.mark.soak
def test_sixty_numbers_with_one_address_are_three_mails(backend: Backend) -> None:
    backend.configure(**ALWAYS)
    victim = "flooded@example.org"
    for number in range(60):
        body = {
            "name": "Eva",
            "phone": f"0151 234500{number:02}",
            "consent": "callback-de-1",
            "email": victim,
        }
        caller = f"198.51.100.{number}"
        assert backend.call("POST", "/callbacks", body, client_ip=caller).status == 202
    backend.deliver()
    mails = backend.mails(victim)
    print(f"\n60 numbers with one address: mails {len(mails)}")
    assert len(mails) == 3
    # The owner's own link still works and is still answered by mail.
    link = next(each for each in mails[0]["text"].split() if "callbacks/change" in each)
    token = link.partition("token=")[2]
    changed = backend.call("POST", "/callbacks/change", {"token": token, "action": "cancel"})
    assert changed.status == 200
    backend.tick(instants.now() + timedelta(minutes=11))  # once it cannot be undone any more
    assert len(backend.mails(victim)) == 4


def test_all_spellings_of_a_mailbox_count_together(backend: Backend) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    for number in range(99):
        local, name = ("eva", "ev.a")[number % 2], ("gmail", "googlemail")[number % 3 == 0]
        assert sign_up(backend, f"{local}+{number}@{name}.com").status == 202
    backend.deliver()
    sent = [each for each in backend.messages() if "mail.com" in str(each["to"])]
    print(f"\n99 spellings of one mailbox: mails {len(sent)}")
    assert len(sent) == 1  # one in ten minutes


def test_an_unknown_composer_table_is_the_whole_of_the_kinds(backend: Backend) -> None:
    """Check that the kinds the capabilities owe are those that can be composed."""
    from chalicelib.callbacks.stores import requests
    from chalicelib.me.intakes import KIND
    from chalicelib.newsletter.stores import subscribers
    from chalicelib.outbox.subscribers import UNHEARD

    letters = {each for kinds in requests.KINDS.values() for each in kinds}
    owed = {*letters, *subscribers.KINDS.values(), KIND, requests.EVENT, subscribers.EVENT}
    owed.add(UNHEARD)
    assert owed == triggers.composers().keys()
