"""The proof of consent: what it shows, what it detects, and when it goes.

The ledger is rewritten here as somebody would who can write the table, without the stage's secret
and with it.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

import app
from chalicelib import aws, instants, tokens
from chalicelib.newsletter import clock, ledger, links, model, proof, reactions, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import Event, Keyed
from chalicelib.newsletter.stores import heads, subscribers
from chalicelib.outbox import model as outbox
from chalicelib.outbox import store as messages
from tests.backend import ORIGIN, Backend, Stop
from tests.edge.test_faults import EVERY
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import intact, link, post, state, subscribe
from tests.events import Context
from tests.ops.commands import ops

START = datetime(2027, 3, 10, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
TERM = datetime(2031, 1, 1, tzinfo=UTC)  # the end of the third year after 2027
STAFF = {"authorization": "Bearer key"}


def tick(at: datetime) -> int:
    """Run the clock's part for ledgers at a time, with time enough; return how many it saw."""
    with time_machine.travel(at, tick=False):
        return clock.tick(lambda: 60.0, at)


def document(key: str, at: datetime | None = None) -> dict[str, Any]:
    found = proof.document(key, service.wordings, at or instants.now())
    assert found
    return found


def kept(backend: Backend, key: str = "") -> list[dict[str, Any]]:
    """Return what is kept of subscribers; that somebody left stays until they confirm anew."""
    return [each for each in backend.items(prefix=f"SUB#{key}") if each["sk"] != "WITHDRAWN"]


def write(backend: Backend, key: str, events: Sequence[Event]) -> None:
    """Put these events in place of a ledger, and name the last one in the subscriber's record."""
    table = backend.env["CONTACTS_TABLE"]
    for item in backend.items(prefix=f"SUB#{key}"):
        place = {"pk": item["pk"], "sk": item["sk"]}
        if item["sk"].startswith("EVENT#"):
            aws.write(aws.delete(table, place))
        elif item["sk"] == "SUB" and events:
            own = {**item, "head": events[-1].hash, "version": events[-1].version}
            aws.write(aws.put(table, own))
        elif item["sk"] == "SUB":
            aws.write(aws.delete(table, place))
    for event in events:
        aws.write(subscribers._event_put(key, event, None))


def forged(keyed: Keyed, events: Sequence[Event]) -> list[Event]:
    """Return a ledger that says the person signed up a year before, with every hash made anew."""
    made: list[Event] = []
    for event in events:
        personal = {name: value for name, value in (event.personal or {}).items() if name != "salt"}
        at = event.at.replace("2027", "2026")
        head = made[-1].hash if made else ledger.FIRST
        salt = secrets.token_hex(16)
        made.append(
            ledger.append(keyed, head, event.version, event.event, at, event.facts, personal, salt)
        )
    return made


def verified(*arguments: str) -> tuple[int, str]:
    done = ops("verify-heads", *arguments)
    return done.exit_code, done.output


@pytest.fixture
def eva(backend: Backend) -> str:
    """Subscribe somebody, let the clock keep the head, and return her key."""
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "eva@example.org")
    assert tick(START + HOUR) == 1
    return key


# What it shows


def test_one_call_prints_wording_times_addresses_and_mail_after_ninety_days(
    backend: Backend, tmp_path: Path
) -> None:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    with time_machine.travel(START, tick=False) as moved:
        key = subscribe(backend, "eva@example.org")
        before = document(key)["mails"]
        moved.shift(timedelta(days=91))
        for item in backend.items(prefix="MSG#"):
            assert item["expires"] <= instants.epoch(instants.now())
            place = {"pk": item["pk"], "sk": item["sk"]}
            aws.write(aws.delete(backend.env["CONTACTS_TABLE"], place))
        after = document(key)
        (mail,) = after["mails"]
        page = backend.call(
            "GET", f"/staff/subscribers/{key}/proof", headers={**STAFF, "accept": "text/html"}
        ).text
        printed = ops("proof", "eva@example.org").output
        ops("proof", "eva@example.org", "--html", tmp_path / "proof.html")
    assert mail == before[0]
    assert mail["state"] == "sent"
    assert re.fullmatch("[0-9a-f]{64}", mail["sha256"])
    shown = {
        "wording of the declaration": service.wordings.all["newsletter-de-1"].text,
        "address": "eva@example.org",
        "caller": "192.0.2.1",
        "page of the form": f"{ORIGIN}/gold",
        "time of the signup": "Mi 10.03.2027, 12:20",
        "the same in UTC": "2027-03-10 11:20:00 UTC",
        "id of the mail": mail["service_id"],
        "wording of the mail": "Bitte bestätigen Sie noch kurz, dass diese Adresse Ihnen gehört.",
    }
    missing = [name for name, text in shown.items() if text not in page]
    text = page + (tmp_path / "proof.html").read_text() + printed
    print(f"\nproof after 91 days: shown {len(shown) - len(missing)} of {len(shown)} · mails 1")
    assert missing == []
    assert "token=" not in text  # its links opened something once
    for shown_in_both in ("192.0.2.1", mail["service_id"], "[confirm]"):
        assert shown_in_both in printed


def test_a_german_proof_is_german_throughout(backend: Backend) -> None:
    """Check that no name of the code's and no instant in milliseconds stands in a German proof."""
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "eva@example.org")
        preferences = tokens.sign(links.PREFERENCES, key, 0)
        post(backend, "preferences", token=preferences, topics="news", language="de")
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        own = subscribers.events(key)
        write(backend, key, [*own[:2], *own[3:]])  # so that it has faults to tell of
        english = {**STAFF, "accept": "text/html", "accept-language": "en"}
        page = backend.call("GET", f"/staff/subscribers/{key}/proof", headers=english).text
    words = re.sub(r"<style>.*?</style>|<blockquote.*?</blockquote>|<[^>]+>", " ", page, flags=re.S)
    names = {"confirmed", "signup", "mailed", "preferences", "unsubscribed", "caller", "agent"}
    names |= {"letter", "wording", "mail_wording", "digest", "service_id", "topics", "news", "sent"}
    found = names & set(re.findall(r"\w+", words))
    assert '<html lang="de">' in page
    assert found == set()
    assert not re.search(r"\d\.\d{3}Z", words)
    for said in ("Bestätigungsmail gesendet", "IP-Adresse", "abgemeldet"):
        assert said in words
    assert "Diese Aufzeichnung wurde nachträglich verändert" in words


def test_an_english_proof_is_english(backend: Backend) -> None:
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    sign_up(backend, "ann@example.org", language="en", consent="newsletter-en-1")
    german = {**STAFF, "accept": "text/html", "accept-language": "de"}
    path = f"/staff/subscribers/{key_of('ann@example.org')}/proof"
    page = backend.call("GET", path, headers=german).text
    assert '<html lang="en">' in page
    assert "Complete and unchanged" in page


# The mail that asks


def test_the_mail_is_on_record_once_whoever_writes_it(backend: Backend) -> None:
    """Check the stream thrice, the clock alone, and a subscriber who confirmed meanwhile."""
    with time_machine.travel(START, tick=False):
        keys = {}
        for way in ("stream", "clock"):
            email = f"{way}@example.org"
            sign_up(backend, email)
            keys[way] = key_of(email)
        app.deliver_messages({"Records": backend.records()}, Context())  # the mails leave
        for way in keys:
            assert confirm(backend, link(backend, f"{way}@example.org", "confirm")).status == 200
        told = [each for each in backend.records() if keys["stream"] in each["eventID"]]
        for _ in range(3):
            app.deliver_messages({"Records": told}, Context())
        names = {way: [each.event for each in subscribers.events(key)] for way, key in keys.items()}
        assert names["clock"] == ["signup", "confirmed"]
    tick(START + timedelta(seconds=59))
    assert len(subscribers.events(keys["clock"])) == 2
    for _ in range(2):
        tick(START + timedelta(minutes=2))
    for key in keys.values():
        events = subscribers.events(key)
        assert [each.event for each in events] == ["signup", "confirmed", "mailed"]
        assert events[-1].at == instants.text(START)  # when SES took it
        assert set(events[-1].facts) == {"message", "service_id", "digest", "mail_wording"}
        assert (state(key), intact(key)) == ("confirmed", True)


def test_a_mail_to_somebody_erased_meanwhile_is_on_no_record(backend: Backend) -> None:
    with time_machine.travel(START, tick=False):
        sign_up(backend, "gone@example.org")
        app.deliver_messages({"Records": backend.records()}, Context())
        key = key_of("gone@example.org")
        service.erase(key, "person", instants.now())
    tick(START + timedelta(minutes=2))
    assert [each.event for each in subscribers.events(key)] == ["signup", "erased"]
    assert not [each for each in backend.items(prefix="MSG#") if "due_key" in each]
    assert intact(key)


def test_a_mail_that_only_an_event_of_ses_tells_of_is_on_record(backend: Backend) -> None:
    """Check an answer that was lost: SES's event says that the mail was sent."""
    with time_machine.travel(START, tick=False):
        sign_up(backend, "lost@example.org")
        key = key_of("lost@example.org")
        (item,) = backend.items(prefix="MSG#newsletter-confirmation")
        message = messages.from_item(item)
        claimed = outbox.claim(message, "attempt", instants.now())
        unclear = outbox.unanswered(claimed, "ReadTimeoutError", instants.now())
        messages.replace(message, unclear)
        sent = outbox.reported_sent(unclear, "ses-1", instants.now())
        messages.replace(unclear, sent)
        reactions.record_mail(message.id)
    (_, mailed) = subscribers.events(key)
    assert (mailed.event, mailed.facts["service_id"]) == ("mailed", "ses-1")


# What it detects


def test_a_chain_that_is_rewritten_without_the_secret_shows(backend: Backend, eva: str) -> None:
    """Check a chain with another key, one of plain hashes, and another person's whole chain."""
    own = subscribers.events(eva)
    other = subscribe(backend, "other@example.org")
    plain = [
        Event(**{**asdict(each), "at": each.at.replace("2027", "2026"), "hash": ""}) for each in own
    ]
    for position, each in enumerate(plain):
        previous = plain[position - 1].hash if position else ledger.FIRST
        signed = {**asdict(each), "previous": previous, "hash": ""}
        plain[position] = Event(**{**signed, "hash": _sha256(signed)})
    chains = {
        "wrong secret": forged(Keyed(eva, b"guessed"), own),
        "plain SHA-256": plain,
        "another's chain": subscribers.events(other),
    }
    detected = 0
    for chain in chains.values():
        write(backend, eva, chain)
        found = document(eva)
        detected += not found["intact"]
        assert found["faults"]
    write(backend, eva, own)
    assert intact(eva)
    print(f"\nwhole chains rewritten without the secret {len(chains)} · detected {detected}")
    assert detected == len(chains)


def _sha256(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def test_a_chain_that_is_rewritten_with_the_secret_shows_by_its_head(
    backend: Backend, eva: str
) -> None:
    """Check a ledger rewritten, cut at its end, cut at its beginning, and one that is gone."""
    own = subscribers.events(eva)
    whole = verified()
    assert whole == (0, "1 ledger compared with 1 check values, 0 broken\n")
    with time_machine.travel(START, tick=False):
        attacks = {
            "rewritten": forged(subscribers.keyed(eva), own),
            "cut": own[:-1],
            "beheaded": own[1:],
            "gone": [],
        }
        detected = {}
        for name, chain in attacks.items():
            write(backend, eva, chain)
            assert not chain or intact(eva)  # the table alone shows nothing
            detected[name] = verified()
    assert {name: code for name, (code, _) in detected.items()} == dict.fromkeys(attacks, 1)
    assert f"{eva}  Event 3 is not the one whose check value was kept." in detected["rewritten"][1]
    assert f"{eva}  Event 3 is missing, whose check value was kept." in detected["cut"][1]
    assert (
        f"{eva}  The events before number 2 are missing, from number 1 on."
        in (detected["beheaded"][1])
    )
    assert f"{eva}  The events are gone, though their term is not over." in detected["gone"][1]
    write(backend, eva, own)
    assert verified("eva@example.org")[0] == 0
    print(f"\nwith the secret: ledgers changed {len(attacks)} · detected {len(detected)}")


def test_a_head_is_kept_once_an_hour_and_again_each_year(backend: Backend) -> None:
    """Check what is kept, and that it is kept by the clock alone: no stream reacts here."""
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "eva@example.org")
        sign_up(backend, "waits@example.org")
        token = tokens.sign(links.PREFERENCES, key, 0)
        for topics in ("news", "offers", "products"):
            post(backend, "preferences", token=token, topics=topics, language="de")
    assert tick(START + timedelta(minutes=39)) == 0
    kept = {}
    for name, at in {
        "hour": START + timedelta(minutes=40),
        "nothing new": START + timedelta(days=6),
        "year": START + timedelta(days=366),
    }.items():
        tick(at)
        kept[name] = len(list(heads.read()))
    assert kept == {"hour": 1, "nothing new": 1, "year": 2}
    first, second = heads.read(key)
    assert (first.version, first.kept_until) == (6, None)
    assert (second.hash, second.version) == (first.hash, 6)
    assert {each["hash"] for each in document(key)["events"]} >= {first.hash}
    assert "waits@" not in str(list(heads.read()))
    assert list(heads.read(key_of("waits@example.org"))) == []  # nobody confirmed: nothing to prove


def test_a_head_that_cannot_be_kept_is_kept_later(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "eva@example.org")

    def fail(**_: Any) -> None:
        raise aws.FAILURES[0]

    with backend.hooked("logs", "before-send.cloudwatch-logs.PutLogEvents", fail):
        tick(START + HOUR)
    assert "ledgers.stopped" in capsys.readouterr().out
    assert list(heads.read(key)) == []
    tick(START + timedelta(days=2))
    assert '"event": "heads.late"' in capsys.readouterr().out
    assert len(list(heads.read(key))) == 1
    assert tick(START + timedelta(days=2)) == 0


def test_an_erased_ledger_and_one_that_began_anew_are_no_false_alarm(
    backend: Backend, eva: str
) -> None:
    with time_machine.travel(START + timedelta(days=1), tick=False):
        service.erase(eva, "person", instants.now())
    tick(START + timedelta(days=1, hours=1))
    assert not [each for each in backend.items(prefix="SUB#") if "due_key" in each]
    with time_machine.travel(START + timedelta(days=2), tick=False):
        sign_up(backend, "eva@example.org")  # and it is never confirmed
    tick(START + timedelta(days=2, hours=1))
    tick(START + timedelta(days=10))
    with time_machine.travel(START + timedelta(days=11), tick=False):
        assert subscribe(backend, "eva@example.org") == eva
    tick(START + timedelta(days=11, hours=1))
    versions = [each.version for each in heads.read(eva)]
    assert versions[:2] == [3, 4]
    with time_machine.travel(START + timedelta(days=12), tick=False):
        code, told = verified()
    assert (code, told) == (0, f"1 ledger compared with {len(versions)} check values, 0 broken\n")


# When it goes


@pytest.mark.parametrize("tidied", [False, True], ids=["before the TTL", "after the TTL"])
def test_a_link_of_day_eight_is_refused_whether_the_ttl_has_run_or_not(
    backend: Backend, tidied: bool
) -> None:
    with time_machine.travel(START, tick=False) as moved:
        sign_up(backend, "waits@example.org")
        backend.settle()
        token, key = link(backend, "waits@example.org", "confirm"), key_of("waits@example.org")
        moved.move_to(START + timedelta(days=8, seconds=1))
        if tidied:
            for item in backend.items(prefix="SUB#"):
                assert item["expires"] <= instants.epoch(instants.now())
                place = {"pk": item["pk"], "sk": item["sk"]}
                aws.write(aws.delete(backend.env["CONTACTS_TABLE"], place))
        answers = [confirm(backend, token).status, post(backend, "refuse", token=token).status]
        shown = proof.document(key, service.wordings, instants.now())
        told = service.find("waits@example.org").subscriber
        again = sign_up(backend, "waits@example.org").status
        state_again = state(key)
    print(f"\nlink of day 8, TTL having run: {tidied} · answers {answers} · proof {shown}")
    assert (answers, shown, again, state_again) == ([400, 400], None, 202, "pending")
    assert (told is None) is tidied


def test_unconfirmed_data_goes_after_seven_days_by_the_clock(backend: Backend) -> None:
    with time_machine.travel(START, tick=False):
        sign_up(backend, "waits@example.org")
    tick(START + HOUR)
    tick(START + timedelta(days=7, seconds=-1))
    assert len(backend.items(prefix="SUB#")) == 2
    tick(START + timedelta(days=7))
    assert kept(backend) == []


def test_an_opt_in_that_waits_goes_and_leaves_the_proof_before_it(
    backend: Backend, eva: str
) -> None:
    with time_machine.travel(START + timedelta(days=1), tick=False):
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, eva, 0)}")
        sign_up(backend, "eva@example.org")
        assert len(subscribers.events(eva)) == 5
    tick(START + timedelta(days=1, hours=1))
    tick(START + timedelta(days=8))
    left = kept(backend)
    assert [each["event"] for each in left] == ["signup", "mailed", "confirmed", "unsubscribed"]
    assert {each["expires"] for each in left} == {instants.epoch(TERM)}
    with time_machine.travel(START + timedelta(days=9), tick=False):
        assert intact(eva)
        assert verified()[0] == 0


def test_a_proof_goes_at_the_end_of_its_term_by_the_clock_alone(backend: Backend, eva: str) -> None:
    """Check a stage whose stream told of nothing since the person left."""
    with time_machine.travel(START + timedelta(days=5), tick=False):
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, eva, 0)}")
    terms = {each.get("expires") for each in kept(backend)}
    assert None in terms  # nobody has set the earlier events' term
    tick(START + timedelta(days=5, hours=1))
    assert {each["expires"] for each in kept(backend)} == {instants.epoch(TERM)}
    last = list(heads.read(eva))[-1]
    assert (last.version, last.kept_until) == (4, TERM)
    tick(TERM - timedelta(seconds=1))
    assert document(eva, TERM - timedelta(seconds=1))["intact"]
    assert proof.document(eva, service.wordings, TERM) is None  # before the clock has been there
    tick(TERM)
    assert kept(backend) == []
    with time_machine.travel(TERM, tick=False):
        assert verified() == (0, "1 ledger compared with 2 check values, 0 broken\n")


def test_the_terms_are_settings(backend: Backend) -> None:
    backend.configure(PROOF_YEARS="5")
    with time_machine.travel(START, tick=False):
        key = subscribe(backend, "eva@example.org")
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
    tick(START + HOUR)
    (head,) = heads.read(key)
    assert head.kept_until == datetime(2033, 1, 1, tzinfo=UTC)


def refused_with_address(key: str, now: datetime) -> None:
    """Store a refusal that keeps the address as long as it can be undone."""
    known = subscribers.load(key)
    assert known.subscriber
    change = model.refuse(known.subscriber, known.subscriber.letters, now)
    assert change.after
    after = replace(change.after, email=known.subscriber.email)
    subscribers.save(known, model.Change(known.subscriber, after, "refused"), now, ledger.How())


def test_a_refused_address_goes_with_its_callers_when_it_cannot_be_undone(
    backend: Backend,
) -> None:
    """Check the clock alone, ten minutes after the press: the proof before this opt-in stays."""
    with time_machine.travel(START, tick=False) as moved:
        key = subscribe(backend, "eva@example.org")
        post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        moved.shift(timedelta(days=1))
        sign_up(backend, "eva@example.org")
        refused_with_address(key, instants.now())
        at = instants.now()
    tick(at + model.UNDO_WITHIN - timedelta(seconds=1))
    known = subscribers.load(key).subscriber
    assert known
    assert (known.state, known.email) == ("refused", "eva@example.org")
    assert all(each.personal for each in subscribers.events(key))
    assert tick(at + model.UNDO_WITHIN) == 1
    known = subscribers.load(key).subscriber
    assert known
    assert (known.state, known.email) == ("refused", "")
    personal = {each.version: each.personal is not None for each in subscribers.events(key)}
    names = [each.event for each in subscribers.events(key)]
    print(f"\nrefused: events {names} · with personal details {personal}")
    assert names == ["signup", "mailed", "confirmed", "unsubscribed", "signup", "refused"]
    assert list(personal.values()) == [True, True, True, True, False, False]
    with time_machine.travel(at + HOUR, tick=False):
        assert intact(key)
    tick(at + HOUR)
    tick(at + model.REFUSED_FOR)
    assert [each["sk"] for each in kept(backend)] == [
        f"EVENT#{version:08}" for version in range(1, 5)
    ]


@pytest.mark.usefixtures("scale")
def test_a_process_that_ends_anywhere_in_a_tick_is_made_good(backend: Backend) -> None:
    """Stop the process before each call of a tick; the next tick ends in the same state."""
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    ended: list[Any] = []
    points = 0
    for number in range(1, 100, EVERY):
        with time_machine.travel(START, tick=False):
            key = subscribe(backend, f"stop-{number}@example.org")
            post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key, 0)}")
        calls = 0

        def stop(number: int = number, **_: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == number:
                raise Stop

        stopped = False
        with (
            backend.hooked("dynamodb", "before-send.dynamodb", stop),
            backend.hooked("logs", "before-send.cloudwatch-logs", stop),
        ):
            try:
                tick(START + HOUR)
            except Stop:
                stopped = True
        tick(START + HOUR)
        expiries = {each.get("expires") for each in kept(backend, key)}
        assert expiries == {instants.epoch(TERM)}
        ended.append({(each.version, each.hash) for each in heads.read(key)})
        assert len(ended[-1]) == 1
        if not stopped:
            break
        points += 1
    print(f"\ncrash points of the clock's look at a ledger {points} · heads not kept 0")
    assert points >= max(1, 8 // EVERY)
