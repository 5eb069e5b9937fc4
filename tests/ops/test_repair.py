"""Watching and repairing by hand: status, outbox, rotate-keys and restore-check."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib import instants, keys, tokens
from chalicelib.callbacks import changes, erasure, rules, workflow
from chalicelib.errors import BadToken
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from ops import copies, restoring, rotating, since
from ops.since import Since
from tests.backend import Backend
from tests.edge.staff import ask
from tests.edge.test_faults import error_answer
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import subscribe
from tests.ops.commands import ops

SEND = "before-send.sesv2.SendEmail"
LATER = "subscription.X.0"


def lose(**_: Any) -> None:
    raise ReadTimeoutError(endpoint_url="ses")


def hear_alerts(backend: Backend) -> None:
    """Subscribe somebody to the alerts topic."""
    topic = backend.env["ALERTS_TOPIC_ARN"]
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@example.org")


def test_status_and_outbox_tell_what_waits_and_why(backend: Backend) -> None:
    hear_alerts(backend)
    quiet = ops("status")
    assert (quiet.exit_code, "none wait; 0 overdue" in quiet.output) == (0, True)
    assert "0 dead letters" in quiet.output
    assert ops("outbox").output == "0 messages\n"
    for email, end in (
        ("refused@example.org", error_answer(429, "TooManyRequestsException")),
        ("unclear@example.org", lose),
        ("failed@example.org", error_answer(400, "BadRequestException")),
    ):
        sign_up(backend, email)
        with backend.hooked("sesv2", SEND, end):
            backend.deliver()
    told = ops("outbox").output
    assert told.splitlines()[-1] == "2 messages"
    assert "TooManyRequestsException" in told
    assert "ReadTimeoutError" in told
    assert "@" not in told
    unclear = ops("outbox", "--state", "unclear").output
    assert (unclear.count("unclear "), unclear.splitlines()[-1]) == (1, "1 message")
    failed = ops("outbox", "--state", "failed").output
    assert "BadRequestException" in failed
    assert failed.splitlines()[-1] == "1 message"
    seen = ops("status")
    assert (seen.exit_code, "1 unclear" in seen.output, "1 due" in seen.output) == (0, True, True)


def test_status_calls_for_attention(backend: Backend) -> None:
    silent = ops("status")
    assert (silent.exit_code, "0 subscriptions; 0 not confirmed" in silent.output) == (1, True)
    hear_alerts(backend)
    assert "1 subscription; 0 not confirmed" in ops("status").output
    queue = boto3.client("sqs")
    queue.send_message(QueueUrl=backend.env["DEAD_LETTER_QUEUE_URL"], MessageBody="{}")
    seen = ops("status")
    assert (seen.exit_code, "1 dead letter" in seen.output) == (1, True)
    queue.purge_queue(QueueUrl=backend.env["DEAD_LETTER_QUEUE_URL"])
    assert ops("status").exit_code == 0
    watch = boto3.client("cloudwatch")
    name = f"customer-contact-{backend.env['STAGE']}-clock-silent"
    watch.put_metric_alarm(
        AlarmName=name,
        MetricName="Ticks",
        Namespace="x",
        ComparisonOperator="LessThanThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=1,
        Statistic="Sum",
    )
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    seen = ops("status")
    assert (seen.exit_code, "alarms     clock-silent" in seen.output) == (1, True)
    watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    assert ops("status").exit_code == 0
    watch.disable_alarm_actions(AlarmNames=[name])
    seen = ops("status")
    assert (seen.exit_code, "switched off  clock-silent" in seen.output) == (1, True)
    watch.enable_alarm_actions(AlarmNames=[name])
    topic = boto3.client("sns").create_topic(Name=f"{name}-operators")["TopicArn"]
    backend.configure(OPERATORS_TOPIC_ARN=topic)
    seen = ops("status")
    assert (seen.exit_code, "operators  0 subscriptions" in seen.output) == (1, True)
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="o@example.org")
    assert ops("status").exit_code == 0


def test_a_rotated_key_signs_and_old_links_go_on_working(backend: Backend) -> None:
    old = tokens.sign(links.UNSUBSCRIBE, "subject", 0)
    assert "2 would sign" in ops("rotate-keys", "--dry-run").output
    assert len(keys.token_keys()) == 1
    done = ops("rotate-keys", "--wait", "0")
    assert (done.exit_code, "2 signs" in done.output, "2 keys verify" in done.output) == (
        0,
        True,
        True,
    )
    unaware = tokens.sign(links.UNSUBSCRIBE, "subject", 0)
    assert unaware == old  # this process does not know the new key yet
    keys._cache.clear()
    new = tokens.sign(links.UNSUBSCRIBE, "subject", 0)
    assert new != old
    for token in (old, new):
        assert tokens.read(links.UNSUBSCRIBE, token, instants.now()) == ("subject", 0)
    assert ops("rotate-keys", "--retire", "2").exit_code == 2  # the newest key signs
    assert ops("rotate-keys", "--retire", "1", answer="n\n").exit_code == 1
    assert ops("rotate-keys", "--retire", "1", answer="y\n").exit_code == 0
    keys._cache.clear()
    with pytest.raises(BadToken):
        tokens.read(links.UNSUBSCRIBE, old, instants.now())
    assert tokens.read(links.UNSUBSCRIBE, new, instants.now()) == ("subject", 0)


def test_no_key_signs_before_every_process_knows_it(backend: Backend) -> None:
    """Check that a key verifies but does not sign where its rotation was interrupted.

    The next run goes on with the same key.
    """
    client = boto3.client("secretsmanager")
    arn = backend.env["TOKEN_SECRET_ARN"]
    live = json.loads(client.get_secret_value(SecretId=arn)["SecretString"])
    client.put_secret_value(
        SecretId=arn, SecretString=json.dumps({**live, rotating.PENDING: "pending"})
    )
    keys._cache.clear()
    assert keys.token_keys() == ["pending", live["1"]]  # the last key signs
    assert ops("rotate-keys", "--wait", "0").exit_code == 0
    keys._cache.clear()
    assert keys.token_keys() == [live["1"], "pending"]
    assert keys._REFRESH_AFTER < rotating.KNOWN_AFTER


def test_restore_check(backend: Backend) -> None:
    subscribe(backend, "stays@example.org")
    subscribe(backend, "goes@example.org")
    backend.settle()
    done = ops("restore-check")
    rows = len(backend.items())
    assert (
        done.exit_code,
        f"{rows} rows, {rows} restored, 0 erased again, 0 differ" in done.output,
    ) == (0, True)
    assert "-restored-" not in " ".join(boto3.client("dynamodb").list_tables()["TableNames"])
    assert "restore " in ops("restore-check", "--dry-run").output


def kept_copy() -> str:
    """Return the name of the table that `restore-check` keeps."""
    return ops("restore-check", "--keep").output.splitlines()[-1].removeprefix("kept: ")


def test_an_erasure_since_the_point_in_time_is_done_again(backend: Backend) -> None:
    subscribe(backend, "stays@example.org")
    key = subscribe(backend, "goes@example.org")
    backend.settle()
    # The emulator restores the present items, whatever time is asked for.
    restored = kept_copy()
    ops("erase", "goes@example.org", "--yes")
    backend.settle()
    live = backend.env["CONTACTS_TABLE"]
    happened = since.between(copies.read(restored), copies.read(live))
    assert happened == Since(frozenset({f"SUB#{key}"}))
    since.again(restored, happened, set())
    pages = boto3.client("dynamodb").scan(TableName=restored)["Items"]
    assert "goes@example.org" not in json.dumps(
        [each for each in pages if each["pk"]["S"] == f"SUB#{key}"]
    )
    assert "stays@example.org" in json.dumps(pages)
    gone = happened.settled
    assert restoring.compare(copies.read(live).rows, copies.read(restored).rows, gone) == []
    backend.call(
        "POST", "/newsletter/signups", {"email": "since@example.org", "consent": "newsletter-de-1"}
    )
    assert restoring.compare(copies.read(live).rows, copies.read(restored).rows, gone) != []
    restoring.drop(restored)
    assert key_of("goes@example.org") == key


def test_requests_erased_since_are_erased_again(backend: Backend, tmp_path: Path) -> None:
    """Check that requests erased since the restored time are erased in the copy as well.

    One is erased by number and one after its term. The third stays, and so do the proofs of consent
    that an erasure keeps.
    """
    by_number, by_term, stays = (
        ask(backend, name=f"{name} Muster", phone=phone)
        for name, phone in (
            ("Anna", "07930 2001"),
            ("Berta", "07930 2002"),
            ("Carla", "07930 2003"),
        )
    )
    now = instants.now()
    changes.change(
        by_term, lambda before: workflow.cancel(before, by_term, rules.current(), now), now
    )
    backend.settle()
    restored = kept_copy()
    listed = f"{restored}-listed"
    restoring.copy_of(backend.env["CONTACTS_TABLE"], listed, None)
    ops("erase", "--phone", "07930 2001", "--yes")
    assert erasure.erase_ended(lambda: 20.0, instants.now() + timedelta(days=91)) == [by_term]
    backend.settle()
    live = copies.read(backend.env["CONTACTS_TABLE"])
    happened = since.between(copies.read(restored), live)
    gone = happened.settled
    assert gone == {f"CALLBACK#{by_number}", f"CALLBACK#{by_term}"}
    since.again(restored, happened, live.findable)
    since.again(listed, Since(since.named(f"{by_number}\n{by_term}\n")), set())
    for table, consents in ((restored, 2), (listed, 1)):
        kept = json.dumps(boto3.client("dynamodb").scan(TableName=table)["Items"])
        assert [name for name in ("Anna", "Berta", "Carla") if name in kept] == ["Carla"]
        # The erasure after the term keeps the address from which somebody agreed.
        assert kept.count('"192.0.2.1"') == consents
    assert restoring.compare(live.rows, copies.read(restored).rows, gone) == []
    assert stays in "".join(pk for pk, _ in live.rows)
    for table in (restored, listed):
        restoring.drop(table)
