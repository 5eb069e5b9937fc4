"""A ledger of any length: nothing that a person can repeat makes a transaction longer.

DynamoDB takes 100 members in one transaction. What keeps, expires and erases the events of a ledger
comes after the change itself, in as many transactions as it takes, and a process may end between.
"""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

import app
from chalicelib import aws, instants, settings, tokens
from chalicelib.newsletter import clock as ledgers
from chalicelib.newsletter import ledger, links, model, proof, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Signup, Subscriber
from chalicelib.newsletter.stores import heads, items, subscribers
from tests.backend import Backend, Stop
from tests.edge.test_faults import EVERY, error_answer
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import intact, link, post, press, state, subscribe
from tests.events import Context
from tests.infra.test_triggers import let_through
from tests.scale import Scale

MOST = 100  # members of a transaction
START = datetime(2027, 3, 10, 11, 0, tzinfo=UTC)


def build(email: str, count: int, now: datetime, expires: int | None) -> Subscriber:
    """Store an opt-in that waits, with so many signups in its ledger."""
    key, head, made = key_of(email), ledger.FIRST, []
    wording = service.wordings.current("de")
    facts = {"consent": wording.version, "wording": wording.sha256, "topics": "news,offers"}
    for version in range(1, count + 1):
        personal = {"email": email, "caller": "192.0.2.1", "agent": "Firefox"}
        at = instants.text(now - timedelta(minutes=count - version))
        keyed, salt = subscribers.keyed(key), secrets.token_hex(16)
        event = ledger.append(keyed, head, version, "signup", at, facts, personal, salt)
        head = event.hash
        made.append(subscribers._event_put(key, event, expires))
    for at_ in range(0, count, MOST):
        aws.write(*made[at_ : at_ + MOST])
    waiting = Subscriber(
        key, email, "pending", "de", ("news", "offers"), wording.version, now, now, 1, count, 1
    )
    aws.write(aws.put(settings.current().contacts_table, items.pack(waiting, head, now)))
    return waiting


def events(backend: Backend, key: str) -> list[dict[str, Any]]:
    return [each for each in backend.items(prefix=f"SUB#{key}") if each["sk"].startswith("EVENT#")]


def keep_for(backend: Backend, key: str) -> set[int | None]:
    """Return the expiries that a ledger's events have."""
    table, only = backend.env["CONTACTS_TABLE"], ("sk", "expires")
    found = aws.query_consistent(table, "pk = :pk", only, pk=f"SUB#{key}")
    return {each.get("expires") for each in found if each["sk"].startswith("EVENT#")}


def confirmation(key: str, now: datetime) -> str:
    return tokens.sign(links.CONFIRM, key, 1, now + timedelta(days=7))


@contextmanager
def counted(backend: Backend) -> Iterator[Counter[str]]:
    """Count the calls to the tables, and check the size of each transaction."""
    calls: Counter[str] = Counter()

    def note(model: Any, params: Any, **_: Any) -> None:
        calls[model.name] += 1

    def measure(params: Any, **_: Any) -> None:
        assert len(params.get("TransactItems", ())) <= MOST

    with (
        backend.hooked("dynamodb", "before-call.dynamodb", note),
        backend.hooked("dynamodb", "provide-client-params.dynamodb", measure),
    ):
        yield calls


def react(backend: Backend, key: str) -> None:
    """Let the stream tell of the subscriber's record and of the suppression."""
    own = {"pk": f"SUB#{key}"}
    records = [
        {
            "eventID": key,
            "eventName": "MODIFY",
            "dynamodb": {"Keys": aws.pack_item({**own, "sk": sk}), "NewImage": aws.pack_item(item)},
        }
        for sk in ("SUB", "SUPPRESSED")
        if (item := aws.get(backend.env["CONTACTS_TABLE"], {**own, "sk": sk}))
    ]
    assert all(let_through("deliver_messages", each) for each in records)
    app.deliver_messages({"Records": records}, Context())


def test_a_long_life(backend: Backend, scale: Scale) -> None:
    """Confirm, change, leave, come back, prove, export and erase with 2,000 events."""
    long = scale(2000)
    figures: dict[str, Counter[str]] = {}
    email = "long@example.org"
    with time_machine.travel(START, tick=False) as clock:
        now = instants.now()
        waiting = build(email, long, now, instants.epoch(now + timedelta(days=8)))
        key = waiting.key
        with counted(backend) as figures["confirm"]:
            assert confirm(backend, confirmation(key, now)).json == {"status": "confirmed"}
        assert (state(key), keep_for(backend, key)) == ("confirmed", {None})
        with counted(backend) as figures["stream"]:
            react(backend, key)
        assert intact(key)

        preferences = tokens.sign(links.PREFERENCES, key, 0)
        with counted(backend) as figures["preferences"]:
            answer = post(backend, "preferences", token=preferences, topics="news", language="en")
        assert answer.status == 200
        with counted(backend) as figures["preferences unchanged"]:
            post(backend, "preferences", token=preferences, topics="news", language="en")

        unsubscribe = tokens.sign(links.UNSUBSCRIBE, key, 0)
        with counted(backend) as figures["unsubscribe"]:
            assert post(backend, f"unsubscribe?token={unsubscribe}").status == 200
        with counted(backend) as figures["its stream"]:
            react(backend, key)
        term = instants.epoch(datetime(2031, 1, 1, tzinfo=UTC))
        assert keep_for(backend, key) == {term}

        clock.shift(timedelta(days=30))
        assert sign_up(backend, email).status == 202
        known = subscribers.load(key).subscriber
        assert known
        token = tokens.sign(links.CONFIRM, key, known.letters, instants.now() + timedelta(days=7))
        assert confirm(backend, token).status == 200
        assert (state(key), keep_for(backend, key)) == ("confirmed", {None})

        document = proof.document(key, service.wordings, instants.now())
        assert document
        assert (document["intact"], len(document["events"])) == (True, long + 5)
        data = tokens.sign(links.DATA, key, 0, instants.now() + timedelta(hours=1))
        download = press(backend, data, "download")
        assert (download.status, len(download.json["newsletter"]["events"])) == (200, long + 5)

        with counted(backend) as figures["clock"]:
            assert ledgers.tick(lambda: 60.0, instants.now() + timedelta(hours=1)) == 1
        (head,) = heads.read(key)
        assert head.version == long + 5

        began = time.perf_counter()
        with counted(backend) as figures["erase"]:
            assert post(backend, "erase", token=data).status == 200
        took = time.perf_counter() - began
        left = backend.items()
        assert sum(each["sk"].startswith("EVENT#") for each in left) == long + 6
        assert not [each for each in left if "personal" in each]
        assert not [word for word in (email, "192.0.2.1", "Firefox") if word in str(left)]
        assert keep_for(backend, key) == {term}
        assert intact(key)
        with counted(backend) as figures["its stream again"]:
            react(backend, key)
    for name, calls in figures.items():
        print(f"\n{long} events, {name}: calls {sum(calls.values())} {dict(calls)}")
    print(f"\n{long} events: erased in {took:.1f} s of the 20 that the function has")
    batches = (long + 5) // MOST + 1
    assert sum(figures["confirm"].values()) <= batches + 8
    assert sum(figures["preferences"].values()) == 2
    # One of them looks whether another address has replaced this one.
    assert sum(figures["unsubscribe"].values()) == 3
    assert figures["preferences unchanged"].keys() == {"Query"}
    assert sum(figures["clock"].values()) <= batches + 20
    assert sum(figures["its stream"].values()) <= batches + 12
    assert sum(figures["erase"].values()) <= batches + 14
    assert figures["its stream again"]["TransactWriteItems"] == 0


def test_an_import_keeps_the_events_of_a_signup_that_waited(backend: Backend) -> None:
    now = instants.now()
    waiting = build("imported@example.org", 250, now, instants.epoch(now + timedelta(days=8)))
    agreed = Signup(waiting.key, waiting.email, "de", ("news",), "old-1")
    facts = {"consent": waiting.consent, "wording": service.wordings.get(waiting.consent).sha256}
    with counted(backend) as calls:
        assert service.take_over(agreed, now, How(facts), {"file": "a", "line": "1"}, now)
    assert calls["TransactWriteItems"] == 1 + 3
    assert (state(waiting.key), keep_for(backend, waiting.key)) == ("confirmed", {None})
    assert intact(waiting.key)
    with counted(backend) as calls:
        assert not service.take_over(agreed, now, How(facts), {"file": "a", "line": "1"}, now)
    assert calls["TransactWriteItems"] == 0


@pytest.mark.parametrize("moment", ["before-send", "response-received"])
def test_a_process_that_ends_anywhere_around_a_confirmation_keeps_the_proof(
    backend: Backend, moment: str
) -> None:
    """Check each point of a confirmation: the stream alone makes good what is missing."""
    points, unkept = 0, 0
    for number in range(1, 40, EVERY):
        now = instants.now()
        waiting = build(
            f"ends-{number}-{moment}@example.org",
            2 * MOST + 20,
            now,
            instants.epoch(now + timedelta(days=8)),
        )
        key, calls = waiting.key, 0

        def end(number: int = number, **_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == number:
                raise Stop

        ended = False
        with backend.hooked("dynamodb", f"{moment}.dynamodb", end):
            try:
                confirm(backend, confirmation(key, now))
            except Stop:
                ended = True
        react(backend, key)
        if state(key) == "confirmed":
            unkept += len(keep_for(backend, key) - {None})
        else:
            assert keep_for(backend, key) == {items.gone_at(waiting)}
            assert confirm(backend, confirmation(key, now)).status == 200
        assert (state(key), keep_for(backend, key)) == ("confirmed", {None})
        assert intact(key)
        if not ended:
            break
        points += 1
    print(f"\ncrash points of a confirmation {points} · events without their keeping {unkept}")
    assert (unkept, points >= max(1, 6 // EVERY)) == (0, True)


def test_the_stream_may_end_at_any_point_and_comes_again(backend: Backend) -> None:
    now = instants.now()
    waiting = build("stream@example.org", 250, now, instants.epoch(now + timedelta(days=8)))
    known = subscribers.load(waiting.key)
    change = model.confirm(known.subscriber, 1, now)
    subscribers.save(known, change, now, How())
    ended, points = True, 0
    while ended:
        points, ended, calls = points + 1, False, 0

        def end(last: int = points, **_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == last:
                raise Stop

        with backend.hooked("dynamodb", "before-send.dynamodb", end):
            try:
                subscribers.tidy(waiting.key)
            except Stop:
                ended = True
    assert points > 5
    assert keep_for(backend, waiting.key) == {None}


def test_a_confirmation_is_answered_where_the_table_refuses_what_follows(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    now = instants.now()
    waiting = build("throttled@example.org", 120, now, instants.epoch(now + timedelta(days=8)))
    throttle, writes = error_answer(400, "ThrottlingException"), 0

    def later(request: Any, **_: Any) -> Any:
        nonlocal writes
        writes += 1
        return throttle(request) if writes > 1 else None

    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", later):
        assert confirm(backend, confirmation(waiting.key, now)).json == {"status": "confirmed"}
    assert "ledger.left_to_stream" in capsys.readouterr().out
    assert len(keep_for(backend, waiting.key)) == 2
    react(backend, waiting.key)
    assert keep_for(backend, waiting.key) == {None}


def test_who_leaves_before_the_stream_came_leaves_a_proof_of_the_whole_term(
    backend: Backend,
) -> None:
    """Check that the signup outlives its week where the confirmation's tidying up was cut short."""
    with time_machine.travel(START, tick=False):
        now = instants.now()
        waiting = build("left@example.org", 150, now, instants.epoch(now + timedelta(days=8)))
        known = subscribers.load(waiting.key)
        subscribers.save(known, model.confirm(known.subscriber, 1, now), now, How())
        known = subscribers.load(waiting.key)
        subscribers.save(known, model.unsubscribe(known.subscriber, now), now, How())
        react(backend, waiting.key)
        assert keep_for(backend, waiting.key) == {instants.epoch(datetime(2031, 1, 1, tzinfo=UTC))}


def test_a_late_record_of_an_end_shortens_nothing(backend: Backend) -> None:
    """Check an unsubscription whose record comes when the person has asked again.

    The proof of the subscription that ended keeps its term, whatever becomes of the new opt-in.
    """
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "again@example.org")
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        old = [each for each in backend.records() if key in each["eventID"]]
    with time_machine.travel(START + timedelta(hours=1), tick=False):
        assert sign_up(backend, "again@example.org").status == 202
        app.deliver_messages({"Records": old}, Context())
        term = instants.epoch(datetime(2031, 1, 1, tzinfo=UTC))
        kept = [each["expires"] for each in events(backend, key)]
        week = instants.epoch(START + timedelta(days=8, hours=1))
        assert kept == [term, term, term, term, week]


def test_an_opt_in_that_waits_is_kept_as_a_whole(backend: Backend) -> None:
    """Check that no first signup goes before a second one is confirmed, which would leave a gap."""
    email = "twice@example.org"
    with time_machine.travel(START, tick=False) as clock:
        key = subscribe(backend, email)
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        backend.settle()
        clock.shift(timedelta(days=1))
        sign_up(backend, email)
        backend.settle()
        clock.shift(timedelta(days=6))
        sign_up(backend, email)
        backend.settle()
        clock.shift(timedelta(days=6))
        gone = [
            each
            for each in events(backend, key)
            if each["expires"] <= instants.epoch(instants.now())
        ]
        assert gone == []
        assert confirm(backend, link(backend, email, "confirm")).status == 200
        assert intact(key)


def test_what_others_do_meanwhile_is_tidied_up_as_well(backend: Backend) -> None:
    """Check a confirmation in the middle of an older end's tidying up: nothing expires after it."""
    with time_machine.travel(START, tick=False) as clock:
        key = subscribe(backend, "meanwhile@example.org")
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        clock.shift(timedelta(hours=1))
        came: list[str] = []

        def come_back(**_: Any) -> None:
            if not came:
                came.append("once")
                sign_up(backend, "meanwhile@example.org")
                known = subscribers.load(key).subscriber
                assert known
                token = tokens.sign(links.CONFIRM, key, known.letters, START + timedelta(days=7))
                assert confirm(backend, token).status == 200

        with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", come_back):
            subscribers.tidy(key)
        assert came
        assert (state(key), keep_for(backend, key)) == ("confirmed", {None})


def test_events_that_are_gone_meanwhile_do_not_come_back(backend: Backend) -> None:
    now = instants.now()
    waiting = build("gone@example.org", 150, now, instants.epoch(now + timedelta(days=8)))
    known = subscribers.load(waiting.key)
    subscribers.save(known, model.confirm(known.subscriber, 1, now), now, How())
    deleted: list[int] = []

    def delete(**_: Any) -> None:
        if not deleted:
            for version in (1, 2, 50, 101):
                deleted.append(version)
                own = {"pk": items.pk(waiting.key), "sk": f"EVENT#{version:08}"}
                aws.write(aws.delete(backend.env["CONTACTS_TABLE"], own))

    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", delete):
        subscribers.tidy(waiting.key)
    left = events(backend, waiting.key)
    assert (len(left), {each.get("expires") for each in left}) == (151 - 4, {None})
    assert all("event" in each for each in left)


def test_a_thousand_signups_of_strangers_do_not_shut_out_the_owner(backend: Backend) -> None:
    """Check what 98 events once did: the owner's confirmation failed for good."""
    for count in (97, 98, 99, 100, 101):
        now = instants.now()
        waiting = build(
            f"bombed-{count}@example.org", count, now, instants.epoch(now + timedelta(days=8))
        )
        assert confirm(backend, confirmation(waiting.key, now)).status == 200
        assert (state(waiting.key), keep_for(backend, waiting.key)) == ("confirmed", {None})
