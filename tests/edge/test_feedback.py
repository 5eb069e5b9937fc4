"""SES's events end to end: each as it may come, on the real handler and the emulator's tables.

What has to become of message, subscriber and log stands in `tests/cases/ses_events/expected.json`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import app
from chalicelib import aws, instants, tokens
from chalicelib.callbacks import service as callbacks
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.model import Subscriber
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import (
    EVENTS,
    intact,
    mail_feedback,
    post,
    state,
    subscribe,
    text,
    told,
    welcome,
)
from tests.events import Context
from tests.scale import part

EXPECTED: dict[str, dict[str, str]] = json.loads((EVENTS / "expected.json").read_text())
FILES = sorted(each.name for each in EVENTS.iterdir() if each.name != "expected.json")
ADDRESS = "eva.reader@example.org"
LEVELS = {"none": set(), "info": {"INFO"}, "warning": {"WARNING"}}


@dataclass(frozen=True)
class Reader:
    """A confirmed subscriber, whose welcome mail SES took."""

    backend: Backend
    capsys: pytest.CaptureFixture[str]
    key: str
    message: str
    service_id: str
    address: str = ADDRESS

    def tell(self, file: str, feedback_id: str = "feedback-1", **changes: Any) -> None:
        """Deliver an event of the cases; `changes` are of its bounce or complaint."""
        written = text(
            file,
            self.message,
            self.service_id,
            self.address,
            instants.text(instants.now()),
            feedback_id,
        )
        if changes:
            event = json.loads(written)
            event[event["eventType"].lower()].update(changes)
            written = json.dumps(event)
        mail_feedback(self.backend, written)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines since the last call."""
        return [json.loads(each) for each in self.capsys.readouterr().out.splitlines()]

    def item(self) -> dict[str, Any]:
        (found,) = [
            each for each in self.backend.items(prefix="MSG#") if each["id"] == self.message
        ]
        return found

    def now(self) -> Subscriber:
        found = subscribers.load(self.key).subscriber
        assert found
        return found

    def letters(self) -> list[dict[str, Any]]:
        """Return what lies in the dead-letter queue."""
        queue = aws.client("sqs").receive_message(
            QueueUrl=self.backend.env["DEAD_LETTER_QUEUE_URL"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
        )
        return [json.loads(each["Body"]) for each in queue.get("Messages", [])]


@pytest.fixture
def reader(backend: Backend, capsys: pytest.CaptureFixture[str]) -> Reader:
    key = subscribe(backend, ADDRESS)
    made = Reader(backend, capsys, key, *welcome(backend, key))
    capsys.readouterr()
    return made


def test_every_case_has_its_result() -> None:
    assert set(FILES) == EXPECTED.keys() - {"_about"}


@pytest.mark.parametrize("file", FILES)
def test_every_event_has_exactly_its_effect(reader: Reader, file: str) -> None:
    expected = EXPECTED[file]
    before = reader.now()
    for _ in range(2):
        reader.tell(file)
    lines = reader.lines()
    assert reader.item()["state"] == ("failed" if "failed" in expected["message"] else "sent")
    assert bool(reader.item().get("error")) == ("with the reason" in expected["message"])
    after = reader.now()
    match expected["subscriber"].split()[0].strip(":"):
        case "unchanged":
            assert after == before
        case "one":
            assert after.state == "confirmed"
            assert len(after.soft_bounces) == 1
        case ended:
            assert after.state == ended
    wanted = [LEVELS[level] for level in expected["log"].split(",")[0].split(":")[0].split(" or ")]
    assert {each["level"] for each in lines} in wanted, lines
    assert "@" not in json.dumps(lines)
    assert reader.letters() == []
    assert intact(reader.key)


@pytest.mark.parametrize("file", part([(each,) for each in FILES if each.startswith("event-")]))
def test_every_event_settles_a_message_in_doubt(backend: Backend, file: str) -> None:
    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="ses")

    sign_up(backend, "silent@example.org")
    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", lose):
        backend.deliver()
    (message,) = backend.states()
    assert backend.states() == {message: "unclear"}
    now = instants.text(instants.now())
    mail_feedback(backend, text(file, message, "ses-knows", "silent@example.org", now))
    expected = EXPECTED[file]["message"].split()[0].strip(",:")
    tagless = file.startswith("event-tags")
    assert backend.states() == {message: "unclear" if expected == "none" or tagless else expected}


OUTCOMES = ["event-send.json", "event-delivery.json", "event-reject.json"]
HARD = "event-bounce-permanent-general.json"


@pytest.mark.parametrize("order", part([(each,) for each in permutations([*OUTCOMES, HARD])]))
def test_outcomes_in_any_order_end_in_one_state(reader: Reader, order: tuple[str, ...]) -> None:
    for file in order:
        for _ in range(2):
            reader.tell(file)
    item = reader.item()
    assert (item["state"], item["error"]) == ("failed", "Reject: Bad content")
    assert item["service_id"] == reader.service_id
    assert state(reader.key) == "bounced"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_soft_bounces_in_any_order_end_in_one_state(reader: Reader, order: tuple[int, ...]) -> None:
    now = instants.now()
    for count, number in enumerate(order, 1):
        at = instants.text(now - timedelta(minutes=number))
        for _ in range(2):
            reader.tell("event-bounce-transient-mailboxfull.json", f"soft-{number}", timestamp=at)
        assert state(reader.key) == ("bounced" if count == 3 else "confirmed")
    after = reader.now()
    assert len(after.soft_bounces) == 3
    assert after.ended_at == instants.parse(instants.text(now))


def test_both_shapes_of_one_bounce_count_once(reader: Reader) -> None:
    for file in (
        "event-bounce-transient-mailboxfull.json",
        "notification-bounce-transient-mailboxfull.json",
    ):
        reader.tell(file, "the-same")
    assert len(reader.now().soft_bounces) == 1


def test_soft_bounces_without_an_id_count_once_each(reader: Reader) -> None:
    event = told("event-bounce-transient-mailboxfull", reader.message, reader.service_id)
    del event["bounce"]["feedbackId"]
    for _ in range(3):
        mail_feedback(reader.backend, event)
    assert len(reader.now().soft_bounces) == 1
    mail_feedback(reader.backend, {**event, "another": True})
    assert len(reader.now().soft_bounces) == 2


@pytest.mark.parametrize(
    "written",
    [
        "EVA.READER@EXAMPLE.ORG",
        "Eva Reader <eva.reader@example.org>",
        '"Reader, Eva" <Eva.Reader@Example.org>',
        "eva.reader@example.org>",
        "<eva.reader@example.org>",
    ],
)
def test_a_recipient_in_any_spelling_is_the_same_person(reader: Reader, written: str) -> None:
    reader.tell(HARD, bouncedRecipients=[{"emailAddress": written}])
    assert state(reader.key) == "bounced"


@pytest.mark.parametrize("written", ["leser@bücher.example", "Leser@xn--bcher-kva.example"])
def test_a_domain_with_umlauts_is_the_same_in_both_forms(backend: Backend, written: str) -> None:
    key = key_of("leser@bücher.example")
    now = instants.now()
    _keep(backend, key, now)
    event = told("event-bounce-permanent-general", "nothing.of.ours", "unknown")
    event["bounce"]["bouncedRecipients"] = [{"emailAddress": written}]
    mail_feedback(backend, event)
    assert state(key) == "bounced"


def _keep(backend: Backend, key: str, now: datetime) -> None:
    """Store a subscriber whom no form of today would take."""
    assert sign_up(backend, "form@example.org").status == 202
    known = subscribers.load(key_of("form@example.org"))
    assert known.subscriber
    (item,) = [each for each in backend.items(prefix="SUB#") if each["sk"] == "SUB"]
    made = {**item, "pk": f"SUB#{key}", "key": key, "email": "leser@bücher.example"}
    aws.client("dynamodb").put_item(
        TableName=backend.env["CONTACTS_TABLE"], Item=aws.pack_item(made)
    )


def test_several_recipients_of_ours_all_end_and_nobody_else(reader: Reader) -> None:
    other, third = (subscribe(reader.backend, f"{name}@example.org") for name in ("two", "three"))
    recipients = [
        {"emailAddress": each}
        for each in ("TWO@example.org", "nöbody@example.org", "unknown@example.org", ADDRESS)
    ]
    reader.tell("event-complaint-abuse.json", complainedRecipients=recipients)
    assert [state(each) for each in (reader.key, other, third)] == [
        "complained",
        "complained",
        "confirmed",
    ]


def test_mails_to_others_and_of_other_kinds_go_by_recipient(reader: Reader) -> None:
    """Check that the mail's own subscriber is left alone where somebody else is named."""
    other = subscribe(reader.backend, "other@example.org")
    reader.tell(HARD, bouncedRecipients=[{"emailAddress": "other@example.org"}])
    assert (state(reader.key), state(other)) == ("confirmed", "bounced")


def test_a_tag_with_several_values_and_one_of_a_foreign_stage(reader: Reader) -> None:
    event = told("event-reject", reader.message, "unknown-to-us")
    event["mail"]["tags"]["message"] = ["newsletter-welcome.foreign.1", reader.message]
    mail_feedback(reader.backend, event)
    assert reader.item()["state"] == "failed"
    foreign = told("event-reject", "newsletter-welcome.foreign.1", "unknown-to-us")
    before = reader.backend.items()
    mail_feedback(reader.backend, foreign)
    assert reader.backend.items() == before


@pytest.mark.parametrize("file", [HARD, "event-complaint-abuse.json"])
def test_a_mail_from_before_the_opt_in_changes_nothing(reader: Reader, file: str) -> None:
    since = reader.now().since
    before = instants.text(since - timedelta(milliseconds=1))
    mail_feedback(reader.backend, text(file, reader.message, reader.service_id, ADDRESS, before))
    assert state(reader.key) == "confirmed"
    # This is the second in which the opt-in began: a time without milliseconds is no earlier.
    second = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    mail_feedback(reader.backend, text(file, reader.message, reader.service_id, ADDRESS, second))
    assert state(reader.key) != "confirmed"


POISON: dict[str, Callable[[dict[str, Any]], str]] = {
    "no JSON": lambda event: "nonsense",
    "no bounce": lambda event: json.dumps({**event, "bounce": None}),
    "no recipients": lambda event: json.dumps({**event, "bounce": {"bounceType": "Permanent"}}),
    "no mail": lambda event: json.dumps({"eventType": "Bounce", "bounce": event["bounce"]}),
    "no kind": lambda event: json.dumps({"mail": event["mail"]}),
}


def record(backend: Backend, message: str) -> dict[str, Any]:
    topic = backend.env["MAIL_EVENTS_TOPIC_ARN"]
    sns: dict[str, Any] = {"TopicArn": topic, "Message": message, "Subject": None}
    return {"EventSource": "aws:sns", "Sns": {**sns, "MessageAttributes": {}}}


@pytest.mark.parametrize("name", POISON)
def test_what_nobody_can_read_waits_in_the_queue_and_its_neighbours_go_on(
    reader: Reader, name: str
) -> None:
    event = told("event-bounce-permanent-general", reader.message, reader.service_id)
    poison = record(reader.backend, POISON[name](event))
    good = record(reader.backend, json.dumps(event))
    app.mail_feedback({"Records": [poison, good]}, Context())
    lines = reader.lines()
    assert reader.letters() == [{"record": poison}]
    warnings = [each["event"] for each in lines if each["level"] != "INFO"]
    assert warnings == ["feedback.unreadable"]
    assert "@" not in json.dumps(lines)
    assert state(reader.key) == "bounced"


def test_what_we_fail_at_waits_in_the_queue_too(reader: Reader) -> None:
    """Check an error that nobody foresaw: it is set aside at once, and an alarm tells of it."""

    def fail(**_: Any) -> None:
        raise RuntimeError(ADDRESS)

    with reader.backend.hooked("dynamodb", "before-send.dynamodb.GetItem", fail):
        reader.tell(HARD)
    (line,) = reader.lines()
    assert (line["level"], line["event"]) == ("ERROR", "feedback.quarantined")
    assert ADDRESS not in json.dumps(line)
    (letter,) = reader.letters()
    app.mail_feedback({"Records": [letter["record"]]}, Context())
    assert state(reader.key) == "bounced"


def test_the_staffs_mail_that_comes_back_ends_nobodys_request(reader: Reader) -> None:
    """Check a bounce of a mail of another capability: the recipient decides."""
    reader.backend.configure(HOTLINE_HOURS="Mon-Sun 00:00-24:00", HOTLINE_HOLIDAYS="")
    body = {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}
    reference = reader.backend.call("POST", "/callbacks", body).json["reference"]
    reader.backend.deliver()
    (mail,) = (each for each in reader.backend.states() if each.startswith("callback-alert-mail"))
    event = told("event-bounce-permanent-general", mail, "ses")
    event["bounce"]["bouncedRecipients"] = [{"emailAddress": ADDRESS}]
    mail_feedback(reader.backend, event)
    assert state(reader.key) == "bounced"
    assert [each.state for each in callbacks.load_many([reference])] == ["open"]


def test_who_left_or_was_erased_stays_so(reader: Reader) -> None:
    post(
        reader.backend,
        "erase",
        token=tokens.sign(links.DATA, reader.key, 0),
    )
    before = reader.backend.items(prefix="SUB#")
    for file in (HARD, "event-complaint-abuse.json", "event-bounce-transient-mailboxfull.json"):
        reader.tell(file)
    assert reader.backend.items(prefix="SUB#") == before
    assert ADDRESS not in str(reader.backend.items())
