"""A restore into the live table: who left stays away, what was sent stays sent, all goes on."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib import aws, instants, tokens
from chalicelib.aws import Item
from chalicelib.callbacks import changes, links, wishes
from chalicelib.callbacks.model import Who
from chalicelib.callbacks.stores import requests
from chalicelib.newsletter import links as newsletter_links
from chalicelib.newsletter import model, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.settings import current
from ops import copies, restoring, since, writing_back
from ops.copies import Read
from ops.kinds import KINDS
from ops.since import Since
from tests.backend import FORM, Backend, Stop
from tests.edge.staff import ALWAYS, Agent, ask
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import _allow_mails, link, post, state, subscribe
from tests.ops.commands import ops

AT = "2026-11-20T09:00:00+01:00"
WRITES = ("PutItem", "UpdateItem", "DeleteItem")


@pytest.fixture
def stage(backend: Backend) -> Iterator[Backend]:
    """Return a stage with staff and events for other systems, and an open line."""
    backend.configure(
        **ALWAYS,
        STAGE="local",
        STAFF_TEST_KEY="key",
        DOMAIN_EVENTS="1",
        LIMIT_CALLBACKS_PER_CALLER="1000",
        LIMIT_SIGNUPS_PER_CALLER="1000",
    )
    yield backend
    if restoring.exists(copy_name()):
        restoring.drop(copy_name())


def live() -> str:
    return current().contacts_table


def copy_name() -> str:
    return f"{live()}-restored-20261120-080000"


def copy_now() -> None:
    """Make the copy of the time that is restored: the emulator knows the present only."""
    restoring.copy_of(live(), copy_name(), None)


def restore(*more: str, typed: str = "") -> Any:
    return ops("restore", "--at", AT, *more, answer=f"{typed or current().stage}\n")


def row(pk: str, sk: str) -> Item | None:
    return aws.get(live(), {"pk": pk, "sk": sk})


def lose(pk: str, sk: str) -> None:
    aws.write(aws.delete(live(), {"pk": pk, "sk": sk}))


def damage(pk: str, sk: str, **attributes: Any) -> None:
    aws.write(aws.assign(live(), {"pk": pk, "sk": sk}, attributes))


def sent(backend: Backend) -> list[str]:
    return sorted(each["id"] for each in backend.messages())


def cancel(backend: Backend, reference: str) -> None:
    token = links.url(reference).rpartition("token=")[2]
    url, form = f"/callbacks/change?token={token}", {"content-type": FORM}
    answer = backend.call("POST", url, "action=cancel", form)
    assert answer.status in (200, 303), answer.text


def test_who_left_stays_away_and_the_rest_is_as_it_was(stage: Backend) -> None:
    names = ("reads", "leaves", "complains", "refuses", "gone", "damaged", "lost", "prefers")
    for name in names:
        subscribe(stage, f"{name}@example.org")
    sign_up(stage, "waits@example.org")
    keys = {name: key_of(f"{name}@example.org") for name in (*names, "waits", "new")}
    stage.settle()
    copy_now()
    token = link(stage, "leaves@example.org", "unsubscribe")
    assert post(stage, f"unsubscribe?token={token}").status == 200
    now = instants.now()
    service.change(
        keys["complains"], lambda known: model.complain(known.subscriber, now, now), How(), now
    )
    service.refuse(link(stage, "refuses@example.org", "confirm"), now)
    assert ops("erase", "gone@example.org", "--yes").exit_code == 0
    damage(f"SUB#{keys['damaged']}", "SUB", email="", topics=[])
    for place in stage.items(prefix=f"SUB#{keys['lost']}"):
        lose(place["pk"], place["sk"])
    wanted = link(stage, "prefers@example.org", "preferences")
    for topics in ("news", "offers"):
        assert post(stage, "preferences", token=wanted, topics=topics, language="en").status == 200
    _allow_mails(stage)
    sign_up(stage, "prefers@example.org")  # a letter whose number must not come twice
    assert confirm(stage, link(stage, "waits@example.org", "confirm")).status == 200
    subscribe(stage, "new@example.org")
    stage.settle()
    stage.tick(instants.now() + timedelta(hours=2))
    before, letters = sent(stage), {each["id"] for each in stage.items(prefix="MSG#")}

    dry = restore("--dry-run")
    assert (dry.exit_code, "kept for the restore" in dry.output) == (0, True)
    assert "1 erased, 3 left, 0 callbacks no longer wanted" in dry.output
    refused = restore(typed="another")
    assert (refused.exit_code, state(keys["damaged"])) == (1, "confirmed")
    assert row(f"SUB#{keys['damaged']}", "SUB")["email"] == ""  # type: ignore[index]  # it is there
    done = restore()
    assert done.exit_code == 0, done.output

    states = {name: state(keys[name]) for name in keys}
    assert states == {
        "reads": "confirmed",
        "leaves": "unsubscribed",
        "complains": "complained",
        "refuses": "refused",
        "gone": "none",
        "damaged": "confirmed",
        "lost": "confirmed",
        "prefers": "confirmed",
        "waits": "pending",
        "new": "confirmed",
    }
    assert service.get(keys["damaged"]).email == "damaged@example.org"
    assert service.get(keys["prefers"]).language == "de"
    assert "gone@example.org" not in json.dumps(stage.items(), default=str)
    for name, key in keys.items():
        if name != "gone":
            assert service.prove(key, instants.now())["intact"], name
    # Nothing is sent again, now or later, and none of the messages is lost.
    stage.settle()
    stage.tick(instants.now() + timedelta(hours=3))
    assert sent(stage) == before
    gone = letters - {each["id"] for each in stage.items(prefix="MSG#")}
    assert all(each.startswith("newsletter-event_") for each in gone)
    # Everybody can go on: no number of a letter or an event is taken for one that was used.
    _allow_mails(stage)
    assert post(stage, "preferences", token=wanted, topics="news", language="en").status == 200
    for name in ("prefers", "damaged", "lost", "waits"):
        sign_up(stage, f"{name}@example.org")
    assert stage.items(prefix="INTAKE#") == []
    assert confirm(stage, link(stage, "waits@example.org", "confirm")).status == 200
    for name in ("prefers", "damaged", "lost", "waits"):
        token = tokens.sign(newsletter_links.UNSUBSCRIBE, keys[name], 0)
        assert post(stage, f"unsubscribe?token={token}").status == 200
        assert state(keys[name]) == "unsubscribed"
    stage.settle()
    assert set(stage.states().values()) <= {"sent", "void", "due"}
    assert not restoring.exists(copy_name())


@pytest.mark.soak
def test_callbacks_are_as_they_were_and_numbers_stay_free(stage: Backend) -> None:
    anna = Agent(stage)
    phones = {
        name: f"07930 20{number:02}"
        for number, name in enumerate(
            ("done", "cancelled", "shared", "erased", "lost", "again", "quiet"), 10
        )
    }
    asked = {
        name: ask(stage, phone=phone, email=f"{name}@example.org", name=name)
        for name, phone in phones.items()
    }
    other = ask(stage, phone=phones["shared"], email="other@example.org", name="Other")
    stage.settle()
    copy_now()
    for action in ("claim", "dial"):
        assert anna.do(asked["done"], action).status == 200
    assert anna.do(asked["done"], "outcome", outcome="reached").status == 200
    cancel(stage, asked["cancelled"])
    wishes.erase(key_of("other@example.org"), Who("x", "x"), instants.now())
    assert ops("erase", "--phone", phones["erased"], "--yes").exit_code == 0
    for place in stage.items(prefix=f"CALLBACK#{asked['lost']}"):
        lose(place["pk"], place["sk"])
    cancel(stage, asked["again"])
    newer = ask(stage, phone=phones["again"], name="newer")
    stage.settle()
    stage.tick(instants.now() + timedelta(minutes=11))
    before = sent(stage)

    done = restore()
    assert done.exit_code == 0, done.output
    found = {name: requests.load(reference) for name, reference in asked.items()}
    states = {name: each and each.state for name, each in found.items()}
    assert states == {
        "done": "open",
        "cancelled": "cancelled",
        "shared": "open",
        "erased": "withdrawn",
        "lost": "open",
        "again": "cancelled",
        "quiet": "open",
    }
    shared = found["shared"]
    assert shared
    ends = {each.reference: (each.asked.name, each.end) for each in shared.wishes}
    assert ends == {asked["shared"]: ("shared", ""), other: ("", "withdrawn")}
    assert changes.load(newer).state == "open"
    assert "Other" not in json.dumps(stage.items(), default=str)
    stage.settle()
    for minutes in (1, 11, 30):
        stage.tick(instants.now() + timedelta(minutes=minutes))
    again = set(sent(stage)) - set(before)
    # Escalations of what is open again are new; no customer gets a letter.
    new = [each for each in stage.messages() if each["id"] in again]
    assert [each["to"] for each in new if "@example.org" in str(each["to"])] == []
    # Each number has one live request at most, and can be asked for.
    for name, phone in phones.items():
        reference = ask(stage, phone=phone, name=f"{name} again")
        callback = requests.load(reference)
        assert callback, name
        assert callback.is_live
    assert stage.items(prefix="INTAKE#") == []
    for name in ("done", "lost", "quiet"):
        assert anna.do(asked[name], "claim").status == 200
        assert anna.do(asked[name], "dial").status == 200
        assert anna.do(asked[name], "outcome", outcome="reached").status == 200


@pytest.mark.soak
def test_stopped_at_any_write_the_same_command_goes_on(stage: Backend) -> None:
    keys = [subscribe(stage, f"r{number}@example.org") for number in range(3)]
    stage.settle()
    copy_now()
    for key in keys:
        for place in stage.items(prefix=f"SUB#{key}"):
            lose(place["pk"], place["sk"])
    ops("unsubscribe", "r0@example.org")
    runs = 0
    for number in range(1, 30):
        writes = 0

        def stop(**_: Any) -> None:
            nonlocal writes
            writes += 1
            if writes == number % 3 + 1:  # noqa: B023  # called within this round
                raise Stop

        event = "before-send" if number % 2 else "after-call"
        runs += 1
        try:
            with stage.hooked("dynamodb", f"{event}.dynamodb.PutItem", stop):
                done = restore()
        except Stop:
            assert restoring.exists(copy_name())
            continue
        break
    assert done.exit_code == 0
    assert runs > 2
    assert [state(key) for key in keys] == ["unsubscribed", "confirmed", "confirmed"]
    assert all(service.prove(key, instants.now())["intact"] for key in keys)
    print(f"\nrestore: runs {runs}")


def test_rows_changed_meanwhile_are_left_and_the_next_run_goes_on(stage: Backend) -> None:
    key = subscribe(stage, "busy@example.org")
    stage.settle()
    copy_now()
    damage(f"SUB#{key}", "SUB", language="en")
    met = False

    def meanwhile(**_: Any) -> None:
        nonlocal met
        if not met:
            met = True
            damage(f"SUB#{key}", "SUB", since="2026-11-01T00:00:00Z")

    with stage.hooked("dynamodb", "before-send.dynamodb.UpdateItem", meanwhile):
        first = restore()
    assert (first.exit_code, "1 row was changed meanwhile" in first.output) == (1, True)
    assert restore().exit_code == 0
    assert service.get(key).language == "de"


def test_who_is_erased_in_the_middle_of_it_does_not_come_back(stage: Backend) -> None:
    key = subscribe(stage, "late@example.org")
    stage.settle()
    copy_now()
    damage(f"SUB#{key}", "SUB", language="en")
    met = False

    def meanwhile(request: Any, **_: Any) -> None:
        nonlocal met
        asked = json.loads(request.body)
        if not met and live() in asked["RequestItems"]:
            met = True
            assert ops("erase", "late@example.org", "--yes").exit_code == 0

    with stage.hooked("dynamodb", "before-send.dynamodb.BatchGetItem", meanwhile):
        assert restore().exit_code == 1
    assert met
    assert restore().exit_code == 0
    assert state(key) == "none"
    assert "late@example.org" not in json.dumps(stage.items(), default=str)


def test_a_part_by_names_or_by_person(stage: Backend, tmp_path: Any) -> None:
    one, two = (subscribe(stage, f"{name}@example.org") for name in ("one", "two"))
    mine = ask(stage, email="one@example.org")
    theirs = ask(stage, phone="07930 2044")
    stage.settle()
    copy_now()
    for key in (one, two):
        damage(f"SUB#{key}", "SUB", language="en")
    for reference in (mine, theirs):
        damage(f"CALLBACK#{reference}", "CALLBACK", level=9)
    assert restore("--person", "one@example.org", "--keep").exit_code == 0
    assert [service.get(each).language for each in (one, two)] == ["de", "en"]
    assert [changes.load(each).level for each in (mine, theirs)] == [0, 9]
    assert restore("--person", "07930 2044", "--keep").exit_code == 0
    assert changes.load(theirs).level == 0
    assert restore("--keys", f"{two},{theirs}").exit_code == 0
    assert service.get(two).language == "de"
    bad = restore("--person", "110")
    assert bad.exit_code == 2
    (tmp_path / "ids").write_text(f"{two}\n")
    assert restore("--keys", tmp_path / "ids", "--dry-run", "--keep").exit_code == 0
    for keys, word in ((f"{two[:-1]},{theirs}", two[:-1]), (tmp_path / "none", str(tmp_path))):
        refused = restore("--keys", keys)
        assert (refused.exit_code, word in refused.output) == (2, True)
        assert "neither a subscriber's id nor a callback's reference" in refused.output


def test_a_message_that_may_have_been_sent_is_set_aside(stage: Backend) -> None:
    sign_up(stage, "lost@example.org")
    ask(stage, email="eva@example.org")
    copy_now()
    stage.settle()
    before = sent(stage)
    for each in stage.items(prefix="MSG#"):
        lose(each["pk"], each["sk"])
    assert restore().exit_code == 0
    assert set(stage.states().values()) <= {"failed", "due"}
    assert "restored: it may have been sent since" in ops("outbox", "--state", "failed").output
    stage.settle()
    stage.tick(instants.now() + timedelta(minutes=1))
    assert sent(stage) == before
    # Whoever knows that it was not sent sends it.
    assert "due now" in ops("outbox", "--retry", "--kind", "newsletter-confirmation").output
    stage.tick(instants.now() + timedelta(minutes=1))
    assert len(stage.mails("lost@example.org")) == 2


def test_a_table_that_is_gone_is_made_again_under_its_name(stage: Backend, tmp_path: Any) -> None:
    key, gone = subscribe(stage, "reads@example.org"), subscribe(stage, "gone@example.org")
    stage.settle()
    sign_up(stage, "waits@example.org")
    client = boto3.client("dynamodb")
    client.create_backup(TableName=live(), BackupName="evening")
    stage.deliver()
    before = sent(stage)
    client.update_table(TableName=live(), DeletionProtectionEnabled=False)
    client.delete_table(TableName=live())
    # As Logs Insights exports it, saved by PowerShell.
    (tmp_path / "erased").write_text(f"subscriber,reference\r\n{gone},\r\n", "utf-16")
    dry = ops("restore", "--dry-run")
    assert (dry.exit_code, "is gone: restore it" in dry.output) == (0, True)
    assert not restoring.exists(live())
    again = ("restore", "--erased", tmp_path / "erased")

    def stop(**_: Any) -> None:
        raise Stop

    # The command makes clients of its own for the table's settings.
    with pytest.raises(Stop), stage.hooked("dynamodb", "before-send.dynamodb.UpdateItem", stop):
        ops(*again, answer=f"{current().stage}\n")
    assert restoring.exists(live())
    done = ops(*again, answer=f"{current().stage}\n")
    assert done.exit_code == 0, done.output
    assert "is there without its stream: complete it" in done.output
    assert "may have been sent since and w" in done.output
    assert (state(key), state(gone)) == ("confirmed", "none")
    table = client.describe_table(TableName=live())["Table"]
    assert table["StreamSpecification"] == {
        "StreamEnabled": True,
        "StreamViewType": "NEW_IMAGE",
    }
    assert table["DeletionProtectionEnabled"] is True
    indexes = {each["IndexName"] for each in table["GlobalSecondaryIndexes"]}
    assert indexes == {"due", "sent", "board", "listed"}
    expiry = client.describe_time_to_live(TableName=live())["TimeToLiveDescription"]
    assert (expiry["AttributeName"], expiry["TimeToLiveStatus"]) == ("expires", "ENABLED")
    recovery = client.describe_continuous_backups(TableName=live())
    described = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert described["PointInTimeRecoveryStatus"] == "ENABLED"
    stage.tick(instants.now() + timedelta(minutes=1))
    assert sent(stage) == before


def test_without_a_backup_it_says_so(stage: Backend) -> None:
    stage.configure(CONTACTS_TABLE="customer-contact-nothing-contacts")
    refused = ops("restore", "--at", AT)
    assert refused.exit_code == 1
    assert "no backup of it" in refused.output


def test_every_kind_has_one_rule() -> None:
    ruled = [*writing_back.RESTORED, *writing_back.KEPT, *writing_back.PASSING]
    assert sorted(ruled) == sorted(each.name for each in KINDS if each.table == "contacts")


@pytest.mark.parametrize(
    ("pk", "kind", "subject", "serial"),
    [
        ("MSG#newsletter-welcome_a_b-_c_17", "newsletter-welcome", "a_b-_c", 17),
        ("MSG#callback-alert_R-7F3K_10", "callback-alert", "R-7F3K", 10),
        ("MSG#odd", "odd", "", 0),
    ],
)
def test_a_messages_key_says_what_it_is_about(
    pk: str, kind: str, subject: str, serial: int
) -> None:
    assert writing_back.sent_of(pk) == writing_back.Sent(kind, subject, serial)


def test_a_number_has_one_live_request() -> None:
    """Check that a request stays as it is whose number has another one by now, chains included."""
    states = {f"CALLBACK#{each}": "open" for each in ("A", "B", "C")}
    was = Read(states=states, locks={"NUMBER#1": "A", "NUMBER#2": "B", "NUMBER#3": "C"})
    now = Read(locks={"NUMBER#1": "NEW", "NUMBER#2": "A", "NUMBER#3": "C"})
    assert writing_back.settled(was, now, Since()) == {"CALLBACK#A", "CALLBACK#B"}


def test_an_erasure_before_and_one_since_are_told_apart() -> None:
    was = Read(erased={"SUB#a"}, marks={"SUB#a": "1"}, states={"SUB#a": "pending"})
    now = Read(erased={"SUB#a"}, marks={"SUB#a": "2"})
    assert since.between(was, now).erased == {"SUB#a"}
    assert since.between(was, was).erased == frozenset()
    assert copies.Read().findable == set()
