"""Events for other systems, as a queue that subscribes to their topic gets them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from chalicelib import aws, instants, tokens
from chalicelib.callbacks import erasure
from chalicelib.callbacks.model import Who
from chalicelib.newsletter import links, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.outbox import delivery
from chalicelib.sender import Sender
from tests.backend import Backend
from tests.edge.staff import Agent, ask
from tests.edge.test_equal_work import calls
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import mail_feedback, state, told
from tests.ops.commands import ops
from tests.outbox.test_domain_events import check

EVA, NEW = "eva.reader@example.org", "eva@new.example.org"
SENDER = Sender("192.0.2.1", "Firefox")
PUBLISH = "before-send.sns.Publish"
Event = dict[str, Any]


def refusal(status: int, code: str) -> Callable[..., AWSResponse]:
    """Return a botocore `before-send` handler that answers with an error of SNS's."""
    body = f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>".encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = type("Raw", (), {"stream": lambda self: iter([body])})()
        return AWSResponse(request.url, status, {}, raw)

    return answer


class Receiver:
    """Another system's queue, subscribed to the stage's topic in the emulator."""

    def __init__(self, backend: Backend, name: str, **attributes: str) -> None:
        sqs = aws.client("sqs")
        self.url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        named = sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        backend.cloud.client("sns").subscribe(
            TopicArn=backend.env["DOMAIN_EVENTS_TOPIC_ARN"],
            Protocol="sqs",
            Endpoint=named["Attributes"]["QueueArn"],
            Attributes={"RawMessageDelivery": "true", **attributes},
        )

    def events(self) -> list[Event]:
        """Return the events that came since the last call, oldest first, each as its schema has it.

        What a filter goes by, the attributes, says the same as the event.
        """
        found: list[Event] = []
        asked = {"MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
        while got := aws.client("sqs").receive_message(QueueUrl=self.url, **asked).get("Messages"):
            for each in got:
                event = json.loads(each["Body"])
                check(event)
                attributes = {
                    name: value["StringValue"] for name, value in each["MessageAttributes"].items()
                }
                assert attributes == {
                    "type": event["type"],
                    "version": str(event["version"]),
                    "stage": event["stage"],
                }
                found.append(event)
                aws.client("sqs").delete_message(
                    QueueUrl=self.url, ReceiptHandle=each["ReceiptHandle"]
                )
        return sorted(found, key=lambda event: (event["at"], event["sequence"]))


@pytest.fixture
def receiver(backend: Backend) -> Receiver:
    """Return the queue of another system, on a stage that tells of events."""
    backend.configure(DOMAIN_EVENTS="1")
    return Receiver(backend, f"crm-{backend.env['STAGE']}-{id(backend)}")


def types(events: list[Event]) -> list[str]:
    return [each["type"] for each in events]


def publish(backend: Backend, minutes: float = 0) -> None:
    backend.tick(instants.now() + timedelta(minutes=minutes, seconds=1))


def token(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def confirm(backend: Backend, email: str) -> str:
    """Confirm a signup by the link of its last mail, and return the subscriber's key."""
    key = key_of(email)
    subscriber = service.get(key)
    link = token(links.confirmation(subscriber, subscriber.letters)["confirm"])
    service.confirm(link, SENDER, instants.now())
    return key


def subscribe(backend: Backend, email: str = EVA) -> str:
    assert sign_up(backend, email).status == 202
    return confirm(backend, email)


def bounce(backend: Backend, email: str, event: str) -> None:
    """Have SES tell of a mail to an address."""
    told_of = told(event, "a.mail.of.another.tool", "unknown")
    for each in ("bounce", "complaint"):
        for name in ("bouncedRecipients", "complainedRecipients"):
            if name in told_of.get(each, {}):
                told_of[each][name] = [{"emailAddress": email}]
    mail_feedback(backend, told_of)


def test_a_whole_life_of_a_subscriber(backend: Backend, receiver: Receiver) -> None:
    old, new = subscribe(backend), key_of(NEW)
    service.choose(old, ("offers",), "en", SENDER, instants.now())
    service.choose(old, ("offers",), "en", SENDER, instants.now())  # changes nothing
    service.ask_move(old, NEW, SENDER, instants.now())
    backend.deliver()
    confirm(backend, NEW)
    publish(backend)
    before = receiver.events()
    leave = tokens.sign(links.UNSUBSCRIBE, new, 0)
    service.unsubscribe(leave, SENDER, instants.now(), "visit")
    service.undo_unsubscription(links.UNSUBSCRIBE, leave, "visit", SENDER, instants.now())
    bounce(backend, NEW, "event-bounce-permanent-general")
    bounce(backend, NEW, "event-complaint-abuse")
    assert [state(each) for each in (old, new)] == ["unsubscribed", "complained"]
    service.erase(new, "person", instants.now())
    publish(backend)
    # Once somebody is erased, only that is told of them, and of the address that was replaced.
    after = receiver.events()
    assert {each["subject"]: each["type"] for each in after} == {
        old: "subscriber.erased",
        new: "subscriber.erased",
    }
    assert len(after) == 2
    events = before + after
    mine = [each for each in before if each["subject"] == old]
    assert types(mine) == [
        "subscriber.subscribed",
        "subscriber.confirmed",
        "subscriber.preferences_changed",
        "subscriber.address_changed",
    ]
    assert mine[2]["data"] == {"topics": ["offers"], "language": "en"}
    assert mine[3]["data"] == {"new_subject": new}
    assert {each["stage"] for each in events} == {backend.env["STAGE"]}
    assert len({each["id"] for each in events}) == len(events)
    assert "eva" not in json.dumps(events).casefold()


def test_each_step_as_it_happens(backend: Backend, receiver: Receiver) -> None:
    key, now = key_of(EVA), instants.now
    leave = tokens.sign(links.UNSUBSCRIBE, key, 0)

    def confirmation() -> str:
        subscriber = service.get(key)
        return token(links.confirmation(subscriber, subscriber.letters)["confirm"])

    steps: list[tuple[Callable[[], object], str, Event]] = [
        (lambda: sign_up(backend, EVA), "subscribed", {}),
        (lambda: service.refuse(confirmation(), now()), "unsubscribed", {"by": "not me"}),
        (lambda: service.undo_refusal(confirmation(), now()), "subscribed", {}),
        (lambda: confirm(backend, EVA), "confirmed", {"how": "link"}),
        (
            lambda: service.unsubscribe(leave, SENDER, now(), "visit"),
            "unsubscribed",
            {"by": "page"},
        ),
        (
            lambda: service.undo_unsubscription(links.UNSUBSCRIBE, leave, "visit", SENDER, now()),
            "confirmed",
            {"how": "undo"},
        ),
        (
            lambda: service.withdraw_for(key, "telephone", "", "sam", now()),
            "unsubscribed",
            {"by": "telephone"},
        ),
        (lambda: bounce(backend, EVA, "event-bounce-permanent-general"), "bounced", {}),
        (lambda: bounce(backend, EVA, "event-complaint-abuse"), "complained", {}),
        (lambda: service.erase(key, "person", now()), "erased", {}),
    ]
    last = 0
    for step, name, data in steps:
        step()
        publish(backend)
        (event,) = receiver.events()
        assert event["type"] == f"subscriber.{name}"
        assert data.items() <= event["data"].items()
        assert event["sequence"] > last
        last = event["sequence"]
    assert service.find(EVA).subscriber is None


def test_a_later_subscription_begins_with_larger_numbers(
    backend: Backend, receiver: Receiver
) -> None:
    """Check it where the ledger, whose versions are part of them, is gone with the subscriber."""
    assert sign_up(backend, EVA).status == 202
    publish(backend)
    (first,) = receiver.events()
    gone = [*backend.items(prefix=f"SUB#{key_of(EVA)}"), *backend.items(prefix="MAILBOX#")]
    for each in gone:
        key = {name: each[name] for name in ("pk", "sk")}
        aws.write(aws.delete(backend.env["CONTACTS_TABLE"], key))
    assert sign_up(backend, EVA).status == 202
    publish(backend)
    (second,) = receiver.events()
    assert second["sequence"] > first["sequence"]
    assert second["id"] != first["id"]


def test_an_event_says_what_was_true_then(backend: Backend, receiver: Receiver) -> None:
    key = subscribe(backend)
    service.choose(key, ("offers",), "en", SENDER, instants.now())
    service.leave(key, How({"by": "one click"}), instants.now())
    publish(backend)
    confirmed = receiver.events()[1]
    assert confirmed["data"]["topics"] == ["products", "news", "offers"]
    assert confirmed["data"]["language"] == "de"


def test_an_event_that_comes_twice_has_one_id(backend: Backend, receiver: Receiver) -> None:
    subscribe(backend)

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="sns")

    with backend.hooked("sns", "before-parse.sns.Publish", lose):
        publish(backend)
    first = receiver.events()
    assert types(first) == ["subscriber.subscribed", "subscriber.confirmed"]
    publish(backend, 16)
    assert receiver.events() == first


def test_a_filter_by_type(backend: Backend, receiver: Receiver) -> None:
    only = {"FilterPolicy": json.dumps({"type": ["subscriber.erased"]})}
    eraser = Receiver(backend, f"eraser-{backend.env['STAGE']}", **only)
    key = subscribe(backend)
    publish(backend)
    service.erase(key, "person", instants.now())
    publish(backend)
    assert types(eraser.events()) == ["subscriber.erased"]
    assert len(receiver.events()) == 3


def test_an_address_is_added_to_a_confirmed_subscription_alone(
    backend: Backend, receiver: Receiver
) -> None:
    backend.configure(DOMAIN_EVENTS_ADDRESS="1")
    key = subscribe(backend)
    kept = json.dumps(backend.items(prefix="MSG#newsletter-event"))
    assert EVA not in kept
    publish(backend)
    service.choose(key, ("offers",), "en", SENDER, instants.now())
    publish(backend)
    found = {each["type"]: each["data"].get("email") for each in receiver.events()}
    assert found == {
        "subscriber.subscribed": None,
        "subscriber.confirmed": EVA,
        "subscriber.preferences_changed": None,
    }
    subscribe(backend, "left@example.org")
    service.leave(key_of("left@example.org"), How({"by": "mail"}), instants.now())
    publish(backend)
    assert [each["data"].get("email") for each in receiver.events()] == [None, None, None]


def test_off_nothing_is_written_and_what_waits_is_void(
    backend: Backend, receiver: Receiver
) -> None:
    subscribe(backend)
    backend.configure(DOMAIN_EVENTS="0")
    subscribe(backend, "later@example.org")
    publish(backend)
    states = {id: each for id, each in backend.states().items() if "-event_" in id}
    assert list(states.values()) == ["void", "void"]
    backend.configure(DOMAIN_EVENTS="1")
    service.leave(key_of("later@example.org"), How({"by": "mail"}), instants.now())
    publish(backend)
    assert types(receiver.events()) == ["subscriber.unsubscribed"]


def test_a_signup_makes_the_same_calls_with_events_and_without(backend: Backend) -> None:
    with calls(backend) as without:
        sign_up(backend, "one@example.org")
    backend.configure(DOMAIN_EVENTS="1")
    with calls(backend) as with_events:
        sign_up(backend, "two@example.org")
    assert without == with_events
    assert [operation for operation, *_ in without] == ["TransactWriteItems"]


def test_an_event_waits_while_its_topic_or_the_right_to_it_is_missing(
    backend: Backend, receiver: Receiver
) -> None:
    topic = backend.env["DOMAIN_EVENTS_TOPIC_ARN"]
    assert sign_up(backend, EVA).status == 202
    errors = []
    for minutes, arn in ((0, f"{topic}-gone"), (2, "")):  # "": the resources are not there yet
        backend.configure(DOMAIN_EVENTS_TOPIC_ARN=arn)
        publish(backend, minutes)
        errors.append(waiting(backend)["error"])
    backend.configure(DOMAIN_EVENTS_TOPIC_ARN=topic)
    for minutes, status, code in ((6, 403, "AuthorizationError"), (12, 500, "InternalError")):
        with backend.hooked("sns", PUBLISH, refusal(status, code)):
            publish(backend, minutes)
        errors.append(waiting(backend)["error"])
    assert errors == [
        "NotFound",
        "compose: no topic for events",
        "AuthorizationError",
        "InternalError",
    ]
    assert waiting(backend)["attempts"] == 4
    publish(backend, 30)
    assert types(receiver.events()) == ["subscriber.subscribed"]


def test_an_event_keeps_its_place_where_sns_slows_down(
    backend: Backend, receiver: Receiver
) -> None:
    assert sign_up(backend, EVA).status == 202
    with backend.hooked("sns", PUBLISH, refusal(400, "Throttled")):
        publish(backend)
    assert waiting(backend)["attempts"] == 0
    publish(backend)
    assert types(receiver.events()) == ["subscriber.subscribed"]


def test_what_sns_never_takes_fails_alone_and_operators_send_it_again(
    backend: Backend, receiver: Receiver
) -> None:
    subscribe(backend)
    refused = iter([refusal(400, "InvalidParameter")])

    def refuse_one(**given: Any) -> Any:
        return next(refused, lambda **_: None)(**given)

    with backend.hooked("sns", PUBLISH, refuse_one):
        publish(backend)
    assert sorted(each["state"] for each in events_of(backend)) == ["failed", "sent"]
    assert len(receiver.events()) == 1
    assert "1 due now" in ops("outbox", "--retry", "--kind", "newsletter-event").output
    publish(backend)
    assert len(receiver.events()) == 1


def test_an_older_version_lets_an_event_wait_and_loses_nothing_of_it(
    backend: Backend, receiver: Receiver
) -> None:
    assert sign_up(backend, EVA).status == 202
    (before,) = events_of(backend)
    assert delivery.deliver(before["id"], {}) == "due"
    (after,) = events_of(backend)
    assert (after["error"], after["content"]) == ("unknown kind", before["content"])
    assert "newsletter-event" in ops("outbox").output
    publish(backend, 6)
    assert types(receiver.events()) == ["subscriber.subscribed"]


def test_events_keep_no_mail_waiting_and_count_for_no_cap(
    backend: Backend, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000", MAILS_A_DAY="2")
    for number in range(25):
        assert sign_up(backend, f"reader-{number}@example.org").status == 202
    capsys.readouterr()
    backend.deliver()
    assert "record.quarantined" not in capsys.readouterr().out
    states = backend.states()
    assert {each for id, each in states.items() if "-event_" in id} == {"due"}
    mails = [each for id, each in states.items() if "-event_" not in id]
    assert mails.count("sent") == 2  # all that the day allows
    hands: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        hands.append(json.loads(params["MessageBody"]))

    with backend.hooked("sqs", "provide-client-params.sqs.SendMessage", note):
        publish(backend)
    assert [(len(each["ids"]), each["pace"]) for each in hands] == [(25, 10.0)]
    assert types(receiver.events()) == ["subscriber.subscribed"] * 25


def test_the_ends_of_callbacks(line: Backend) -> None:
    line.configure(DOMAIN_EVENTS="1")
    receiver = Receiver(line, f"callbacks-{id(line)}")
    anna = Agent(line)
    met, undone, cancelled = (ask(line, phone=f"0793{n} 2000", topic="buying") for n in (0, 1, 2))
    for reference in (met, undone):
        for action in ("claim", "dial"):
            anna.do(reference, action)
        assert anna.do(reference, "outcome", outcome="reached").status == 200
    assert anna.do(undone, "undo").status == 200
    link = tokens.sign("callback.change", cancelled, 0)
    done = line.call("POST", "/callbacks/change", {"token": link, "action": "cancel"})
    assert done.status == 200
    publish(line)
    assert receiver.events() == []  # it may still be undone
    publish(line, 11)
    found = {each["subject"]: (each["type"], each["data"]) for each in receiver.events()}
    assert found == {
        met: ("callback.ended", {"end": "done", "topic": "buying"}),
        cancelled: ("callback.ended", {"end": "cancelled", "topic": "buying"}),
    }


def test_an_erased_callback(line: Backend) -> None:
    line.configure(DOMAIN_EVENTS="1")
    receiver = Receiver(line, f"erased-callbacks-{id(line)}")
    anna, live, ended = Agent(line), ask(line), ask(line, phone="07931 2000")
    for action in ("claim", "dial"):
        anna.do(ended, action)
    anna.do(ended, "outcome", outcome="reached")
    erasure.erase_wholly([live, ended], Who("sam", "Sam", True), instants.now())
    publish(line)
    publish(line, 11)
    events = receiver.events()
    assert types(events) == ["callback.erased"] * 2
    assert {each["subject"] for each in events} == {live, ended}


def waiting(backend: Backend) -> dict[str, Any]:
    """Return the one event's message, which is still due."""
    (message,) = events_of(backend)
    assert message["state"] == "due"
    return message


def events_of(backend: Backend) -> list[dict[str, Any]]:
    """Return the messages of events."""
    return backend.items(prefix="MSG#newsletter-event")
