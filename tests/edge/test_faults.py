"""Faults at every step lose nothing that was answered 2xx.

Nothing is sent twice where the service has answered.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

import app
from chalicelib import aws, instants, triggers
from chalicelib.outbox import delivery, handover, model, store
from chalicelib.outbox.model import Mail, Message
from tests.backend import FORM, Backend, Stop
from tests.events import Answer, Context
from tests.scale import LONG, SOAK, Scale

SERVICES = ("dynamodb", "sesv2", "sns", "sqs", "secretsmanager")
ALWAYS = {"HOTLINE_HOURS": "Mon-Sun 00:00-24:00", "HOTLINE_HOLIDAYS": "", "HOTLINE_EXCEPTIONS": ""}

# Each call of a flow, or each thirtieth one. The pipeline ends a process before and after each
# second call: after a call is little else than before the next.
EVERY = (1 if LONG else 2) if SOAK else 30


def error_answer(status: int, code: str, text: str = "") -> Callable[..., AWSResponse]:
    """Return a botocore `before-send` handler that answers with an error of the service."""
    body = json.dumps({"__type": code, "message": text}).encode()

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw = type("Raw", (), {"stream": lambda self: iter([body])})()
        return AWSResponse(request.url, status, {"x-amzn-errortype": code}, raw)

    return answer


def no_answer(error: Exception) -> Callable[..., None]:
    """Return a botocore `before-send` handler that raises an error of the connection."""

    def fail(**_: Any) -> None:
        raise error

    return fail


def sign_up(backend: Backend, email: str) -> Answer:
    return backend.call(
        "POST", "/newsletter/signups", {"email": email, "consent": "newsletter-de-1"}
    )


def later(backend: Backend, start: datetime, hours: float = 3) -> None:
    """Run the scheduled jobs every five minutes."""
    for minute in range(0, int(hours * 60), 5):
        backend.tick(start + timedelta(minutes=minute))


@pytest.mark.soak
def test_mail_down_for_an_hour_then_exactly_one_mail_each(backend: Backend, scale: Scale) -> None:
    backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
    addresses, lot = (
        [f"outage-{n}@example.org" for n in range(scale(500, 10, 200))],
        scale(100, 10, 40),
    )
    faults = [
        error_answer(503, "ServiceUnavailable"),
        error_answer(429, "TooManyRequestsException"),
    ]
    faults += [no_answer(ConnectTimeoutError(endpoint_url="ses"))]
    start = instants.now()
    for number, address in enumerate(addresses):
        assert sign_up(backend, address).status == 202
        if number % lot == lot - 1:
            with backend.hooked("sesv2", "before-send.sesv2.SendEmail", faults[number // lot % 3]):
                backend.deliver()
    for minute in range(0, 60, 15):
        with backend.hooked("sesv2", "before-send.sesv2.SendEmail", faults[0]):
            backend.tick(start + timedelta(minutes=minute))
    assert set(backend.states().values()) == {"due"}
    later(backend, start + timedelta(hours=1))
    mails = Counter(
        to for each in backend.messages() for to in each["to"] if to.startswith("outage-")
    )
    answered = f"signups answered 202 {len(addresses)}"
    print(f"\nSES down for an hour: {answered} · mails afterwards {mails.total()}")
    assert set(backend.states().values()) == {"sent"}
    assert mails == dict.fromkeys(addresses, 1)


def test_no_answer_is_unclear_and_goes_again_after_a_quarter_of_an_hour(backend: Backend) -> None:
    sign_up(backend, "unclear@example.org")
    lost = no_answer(ReadTimeoutError(endpoint_url="ses"))
    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", lost):
        backend.deliver()
    assert list(backend.states().values()) == ["unclear"]
    now = instants.now()
    backend.tick(now + timedelta(minutes=14))
    assert backend.mails("unclear@example.org") == []
    backend.tick(now + timedelta(minutes=16))
    assert len(backend.mails("unclear@example.org")) == 1


def test_one_attempt_is_one_call(backend: Backend) -> None:
    sign_up(backend, "once@example.org")
    calls: Counter[str] = Counter()

    def count(**_: Any) -> None:
        calls["SendEmail"] += 1
        raise ReadTimeoutError(endpoint_url="ses")

    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", count):
        backend.deliver()
    assert calls["SendEmail"] == 1


def test_a_message_that_can_never_be_sent_is_set_aside_and_its_neighbours_go_on(
    backend: Backend,
) -> None:
    for name in ("a", "bad", "c"):
        sign_up(backend, f"{name}-neighbour@example.org")

    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        if b"bad-neighbour" in request.body:
            return error_answer(400, "BadRequestException")(request)
        return None

    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", refuse):
        backend.deliver()
    assert sorted(backend.states().values()) == ["failed", "sent", "sent"]


def test_a_message_of_an_unknown_kind_waits(backend: Backend) -> None:
    aws.write(store.owed(model.owe("unheard-of", "subject", 1, instants.now())))
    backend.deliver()
    assert backend.states() == {"unheard-of_subject_1": "due"}


def test_a_poison_record_goes_to_the_dead_letters_and_its_neighbours_go_on(
    backend: Backend,
) -> None:
    sign_up(backend, "beside-poison@example.org")
    poison = {"eventName": "INSERT", "dynamodb": {"NewImage": {}}}
    app.deliver_messages({"Records": [poison, *backend.records()]}, Context())
    assert len(backend.mails("beside-poison@example.org")) == 1
    queue = aws.client("sqs").receive_message(QueueUrl=backend.env["DEAD_LETTER_QUEUE_URL"])
    assert [json.loads(each["Body"])["record"] for each in queue["Messages"]] == [poison]


def test_a_table_that_throttles_has_the_batch_come_again(backend: Backend) -> None:
    sign_up(backend, "throttled-batch@example.org")
    records = backend.records()
    throttled = error_answer(400, "ProvisionedThroughputExceededException")
    with (
        backend.hooked("dynamodb", "before-send.dynamodb.GetItem", throttled),
        pytest.raises(Exception, match="ProvisionedThroughput"),
    ):
        app.deliver_messages({"Records": records}, Context())
    app.deliver_messages({"Records": records}, Context())
    assert len(backend.mails("throttled-batch@example.org")) == 1


FLOWS: dict[str, Callable[[Backend], Answer]] = {
    "signup": lambda backend: sign_up(backend, "flow@example.org"),
    "callback": lambda backend: backend.call(
        "POST", "/callbacks", {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}
    ),
    "view": lambda backend: backend.call("POST", "/articles/gold/views"),
}


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize(
    "code", ["ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"]
)
def test_throttles_of_the_first_calls_are_retried_else_503_and_never_half_a_write(
    backend: Backend, flow: str, code: str
) -> None:
    backend.configure(**ALWAYS)
    status = 500 if code == "InternalServerError" else 400
    for failing in (1000, 1, 2):
        left = [failing]

        def throttle(request: Any, left: list[int] = left, **_: Any) -> AWSResponse | None:
            left[0] -= 1
            return error_answer(status, code)(request) if left[0] >= 0 else None

        with backend.hooked("dynamodb", "before-send.dynamodb", throttle):
            answer = FLOWS[flow](backend)
        if failing == 1000:
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
            assert backend.items() == []
        else:
            assert answer.status in (202, 204)


@pytest.mark.parametrize("flow", FLOWS)
def test_an_answer_lost_after_the_write_is_recognised_as_our_own(
    backend: Backend, flow: str
) -> None:
    backend.configure(**ALWAYS)
    lost: Counter[str] = Counter()

    def drop(request: Any, **_: Any) -> None:
        """Carry out the first write, and lose its answer."""
        name = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        if name in ("PutItem", "TransactWriteItems") and not lost[name]:
            lost[name] += 1
            aws.client("dynamodb")._endpoint.http_session.send(request)
            raise ReadTimeoutError(endpoint_url="dynamodb")

    with backend.hooked("dynamodb", "before-send.dynamodb", drop):
        answer = FLOWS[flow](backend)
    assert sum(lost.values()) == 1
    assert answer.status in (202, 204)
    if flow == "signup":
        assert len(backend.states()) == 1
    if flow == "callback":
        assert len(backend.states()) == 2


@pytest.mark.usefixtures("scale")
def test_every_crash_point(backend: Backend) -> None:
    """Check that every flow ends well after a crash before or after each of its calls to AWS.

    One extra mail is allowed only where the process ended between SES taking the mail and our
    noting it.
    """
    backend.configure(
        **ALWAYS,
        FIRST_ATTEMPT_MINUTES="240",  # no further alert meanwhile
        LIMIT_SIGNUPS_PER_CALLER="10000",
        LIMIT_CALLBACKS_PER_CALLER="10000",
    )
    points = lost = doubled = allowed = 0
    for flow in ("signup", "callback"):
        number = 1 - EVERY
        while True:
            number += EVERY
            for moment in ("before-send", "response-received"):
                email, phone = (
                    f"crash-{flow}-{number}-{moment}@example.org",
                    f"0151 {23000000 + points}",
                )
                crashed_at = _run(backend, flow, email, phone, number, moment)
                if crashed_at is None:
                    break
                points += 1
                _settle(backend)
                sent = _sent(backend, flow, email)
                lost += sent == 0
                doubled += sent > 1 and crashed_at != "between the send and its note"
                allowed += sent > 1
            if crashed_at is None:
                break
    repeated = f"once more after a crash inside the send {allowed}"
    print(f"\ncrash points {points} · lost {lost} · doubled {doubled} · {repeated}")
    assert points >= max(1, 20 // EVERY)
    assert (lost, doubled) == (0, 0)


def _run(
    backend: Backend, flow: str, email: str, phone: str, number: int, moment: str
) -> str | None:
    """Send the request and deliver, ending the process at a call. Return where, None if nowhere.

    A request that ended before it was answered is sent again, as its sender would do.
    """
    calls: list[str] = []
    ended: list[str] = []
    known = {each["pk"] for each in backend.items()}

    def end(event_name: str, **_: Any) -> None:
        calls.append(event_name.rpartition(".")[2])
        if len(calls) == number:
            last_done = (
                calls[-1] if moment == "response-received" else calls[-2] if number > 1 else ""
            )
            ended.append(
                "between the send and its note"
                if last_done in ("SendEmail", "Publish")
                else calls[-1]
            )
            raise Stop

    def request() -> Answer:
        if flow == "signup":
            return sign_up(backend, email)
        body = {"name": "Eva", "phone": phone, "consent": "callback-de-1", "note": email}
        return backend.call("POST", "/callbacks", body)

    with ExitStack() as stack:
        for service in SERVICES:
            stack.enter_context(backend.hooked(service, f"{moment}.{service}", end))
        try:
            answered = request().status == 202
        except Stop:
            answered = False
        if not ended:
            try:
                new = [each for each in backend.records() if each["eventID"] not in known]
                app.deliver_messages({"Records": new}, Context())
            except Stop:
                pass
    if not answered:
        assert request().status == 202
    backend.deliver()
    return ended[0] if ended else None


def _settle(backend: Backend) -> None:
    now = instants.now()
    for minutes in (2, 18, 20, 25):
        backend.tick(now + timedelta(minutes=minutes))


def _sent(backend: Backend, flow: str, email: str) -> int:
    if flow == "signup":
        return len(backend.mails(email))
    (item,) = [
        each
        for each in backend.items(prefix="CALLBACK#")
        if any(wish["asked"]["note"] == email for wish in each.get("wishes", ()))
    ]
    states = {
        each["kind"]: each
        for each in backend.items(prefix="MSG#")
        if each["subject"] == item["reference"]
    }
    assert {each["state"] for each in states.values()} == {"sent"}
    told = [
        each
        for each in backend.messages()
        if item["reference"] in each["subject"] and "beratung@tauberwerk.example" in each["to"]
    ]
    return len(told)


def test_two_deliverers_at_once_send_one_mail(backend: Backend) -> None:
    sign_up(backend, "two-at-once@example.org")
    (message_id,) = backend.states()
    composers = dict(triggers.composers())
    composed = composers["newsletter-confirmation"]

    def while_another_comes(message: Message, now: datetime) -> Any:
        assert delivery.deliver(message_id, triggers.composers()) == "sending"
        return composed(message, now)

    composers["newsletter-confirmation"] = while_another_comes
    assert delivery.deliver(message_id, composers) == "sent"
    assert len(backend.mails("two-at-once@example.org")) == 1


def test_batches_come_three_times_and_shuffled(backend: Backend) -> None:
    for n in range(10):
        sign_up(backend, f"shuffled-{n}@example.org")
    records = backend.records()
    for seed in range(3):
        random.Random(seed).shuffle(records)
        app.deliver_messages({"Records": records}, Context())
    assert [len(backend.mails(f"shuffled-{n}@example.org")) for n in range(10)] == [1] * 10


def test_the_mail_as_it_reaches_ses(backend: Backend) -> None:
    sign_up(backend, "boundary@example.org")
    bodies: list[dict[str, Any]] = []

    def record(request: Any, **_: Any) -> None:
        bodies.append(json.loads(request.body))

    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", record):
        backend.deliver()
    (sent,) = bodies
    (message_id,) = backend.states()
    assert sent["FromEmailAddress"] == "Tauberwerk <post@tauberwerk.example>"
    assert sent["Destination"] == {"ToAddresses": ["boundary@example.org"]}
    assert sent["ConfigurationSetName"] == backend.env["MAIL_CONFIGURATION_SET"]
    assert sent["EmailTags"] == [{"Name": "message", "Value": message_id}]
    assert sent["Content"]["Simple"]["Subject"]["Data"] == "Bitte bestätigen Sie Ihre Anmeldung"
    # What no person wrote says so (RFC 3834).
    automatic = {"Name": "Auto-Submitted", "Value": "auto-generated"}
    assert sent["Content"]["Simple"]["Headers"] == [automatic]
    assert "ReplyToAddresses" not in sent
    assert handover.digest(Mail(("a",), "s", "t")) != handover.digest(Mail(("a",), "s", "u"))


def test_forged_forms_cannot_reach_the_outbox(backend: Backend) -> None:
    for field in ("email", "page", "consent", "language", "topics"):
        body = f"email=a%40example.org&consent=newsletter-de-1&{field}=x%0d%0aBcc:+e%40x.y"
        assert (
            backend.call("POST", "/newsletter/signups", body, {"content-type": FORM}).status == 422
        )
    assert backend.items() == []


def test_an_outage_does_not_use_up_the_days_mails(backend: Backend) -> None:
    backend.configure(MAILS_A_DAY="2")  # both are the newsletter's lane's
    for name in ("one", "two"):
        sign_up(backend, f"cap-outage-{name}@example.org")
    # In the morning the minutes do not lead into the next day.
    now = instants.now().replace(hour=9)
    for minute in (0, 2, 6):
        with backend.hooked(
            "sesv2", "before-send.sesv2.SendEmail", error_answer(503, "ServiceUnavailable")
        ):
            backend.tick(now + timedelta(days=1, minutes=minute))
    backend.tick(now + timedelta(days=1, hours=1))
    assert set(backend.states().values()) == {"sent"}
    assert sum(item["used"] for item in backend.items(prefix="LIMIT#mails")) == 2
