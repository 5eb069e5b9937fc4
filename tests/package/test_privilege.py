"""Least privilege in action: the real package in an emulator that enforces the roles' policies."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra import policies
from local.cloud import Cloud
from tests.backend import FORM
from tests.edge.test_gateway import JSON, SCHEDULED, call, eventually, mails
from tests.events import Answer

API = "customer-contact-local"
AT = "2026-11-23T09:00:00Z"
MAIL_EVENTS = "arn:aws:sns:eu-central-1:000000000000:customer-contact-local-mail-events"
POISON = {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": {}}}]}
# A marker that does not exist, so that nothing is counted even with the right.
UNKNOWN = {
    "Records": [
        {"dynamodb": {"NewImage": {"pk": {"S": "VIEW#gold|2026-11-23|nobody"}, "hour": {"N": "1"}}}}
    ]
}
TOLD: dict[str, Any] = {
    name: {
        "Records": [
            {
                "Sns": {
                    "Subject": None,
                    "MessageAttributes": {},
                    "TopicArn": MAIL_EVENTS,
                    "Message": json.dumps(
                        {"eventType": "Send", "mail": {"messageId": "x", "timestamp": AT, **tags}}
                    ),
                }
            }
        ]
    }
    for name, tags in (("tagged", {"tags": {"message": ["nobody"]}}), ("untagged", {}))
}
UNREADABLE: dict[str, Any] = {
    "Records": [
        {
            "Sns": {
                "Subject": None,
                "MessageAttributes": {},
                "TopicArn": MAIL_EVENTS,
                "Message": "nothing that SES says",
            }
        }
    ]
}
# The rights that only the platform uses, by a function's role. The emulator reads streams and
# writes logs without them.
OF_THE_PLATFORM = {"ContactsStream", "MarkersStream", "SenderQueue", "Log"}
SET_ASIDE_BY_THE_PLATFORM = {("count_views", "DeadLetters")}
# Without it a mail leaves all the same, with a warning (`tests/edge/test_suppression.py`).
TRIED_ONLY = {("deliver_messages", "SuppressionList"), ("clock", "SuppressionList")}
# Without the account's rate the clock sends slowly. What it cannot deal, an intake that cannot be
# taken in, an alert of an opening, and the heads of ledgers wait with an error in the log.
# `test_policies` plays all of that.
WAITS = {
    ("clock", "Account"),
    ("clock", "Outbox"),
    ("clock", "Board"),
    ("clock", "Heads"),
    ("deliver_messages", "Board"),
    ("clock", "Identity"),
    ("deliver_messages", "Identity"),
}
# The local stage's sign-in has no client secret, and no proxy stands before it. `test_policies`
# signs in with one, and comes through one.
OF_ANOTHER_STAGE = {("api_handler", "Provider"), ("api_handler", "Origin"), ("clock", "Operators")}

OF_A_REQUEST = [
    ("Contacts", "callback"),
    ("Markers", "view"),
    ("Counts", "views"),
    ("Identity", "signup"),
    ("Tokens", "link"),
    ("Board", "board"),
    ("Listed", "list"),
    ("SuppressionList", "erasure"),
    ("Days", "articles"),
]
OF_A_TRIGGER = [
    ("deliver_messages", "DeadLetters", POISON, "sqs:SendMessage"),
    ("mail_feedback", "Contacts", TOLD["tagged"], "dynamodb:GetItem"),
    ("mail_feedback", "Sent", TOLD["untagged"], "dynamodb:Query"),
    ("mail_feedback", "DeadLetters", UNREADABLE, "sqs:SendMessage"),
    ("count_views", "Markers", UNKNOWN, "dynamodb:UpdateItem"),
    ("count_views", "Counts", UNKNOWN, "dynamodb:UpdateItem"),
    ("clock", "Due", SCHEDULED, "dynamodb:Query"),
    ("sweep_views", "Markers", SCHEDULED, "dynamodb:DeleteItem"),
    ("sweep_views", "Counts", SCHEDULED, "dynamodb:GetItem"),
    ("rank_articles", "Days", SCHEDULED, "dynamodb:Query"),
    ("rank_articles", "Counts", SCHEDULED, "dynamodb:GetItem"),
    ("read_feed", "Counts", SCHEDULED, "dynamodb:GetItem"),
]
OF_A_MESSAGE = [
    ("Mails", "callback-alert-mail"),
    ("Alerts", "callback-alert"),
    ("Tokens", "newsletter-welcome"),
]
SENDERS = ("deliver_messages", "clock")  # `send_messages` does what the clock does


def due(message: str) -> dict[str, Any]:
    """Return the stream event of a message that is due."""
    new = {"state": {"S": "due"}, "lane": {"S": "transactional"}, "id": {"S": message}}
    image = {"Keys": {"pk": {"S": f"MSG#{message}"}}, "NewImage": new}
    return {"Records": [{"eventName": "INSERT", "dynamodb": image}]}


def sign_up(cloud: Cloud, email: str) -> Answer:
    return call(
        cloud, "POST", "/newsletter/signups", {"email": email, "consent": "newsletter-de-1"}
    )


def call_me(cloud: Cloud, phone: str) -> Answer:
    return call(
        cloud, "POST", "/callbacks", {"name": "Eva", "phone": phone, "consent": "callback-de-1"}
    )


def ask(cloud: Cloud, what: str) -> Answer:
    """Send a request that needs the statement in question."""
    match what:
        case "signup":
            return sign_up(cloud, "refused@example.org")
        case "callback":
            return call_me(cloud, "+49 7930 2001")
        case "link":
            return call(
                cloud, "GET", "/newsletter/confirm?token=W10.AAAA", headers={"accept": "text/html"}
            )
        case "view":
            return call(cloud, "POST", "/articles/gold/views", "")
        case "erasure":
            staff = {"authorization": "Bearer local-staff-key"}
            sign_up(cloud, "erased@example.org")
            path = "/staff/subscribers"
            search = {"email": "erased@example.org"}

            def found() -> Any:
                answer = call(cloud, "POST", f"{path}/search", search, headers={**JSON, **staff})
                return answer.json["subscribers"]

            (record,) = eventually(found)  # the stream makes a record of the sign-up
            return call(cloud, "DELETE", f"{path}/{record['id']}", headers=staff)
        case "list":
            staff = {"authorization": "Bearer local-staff-key"}
            return call(cloud, "POST", "/staff/subscribers/search", {}, headers={**JSON, **staff})
        case "articles":
            staff = {"authorization": "Bearer local-staff-key"}
            return call(cloud, "GET", "/staff/articles", headers=staff)
        case "board":
            return call(
                cloud,
                "GET",
                "/staff/callbacks",
                headers={"authorization": "Bearer local-staff-key"},
            )
    return call(cloud, "GET", "/articles/gold/views")


@contextmanager
def without(cloud: Cloud, function: str, statement: str) -> Iterator[None]:
    """Remove a statement from the policy of a function's role while entered."""
    iam, name = cloud.client("iam"), API if function == "app" else f"{API}-{function}"
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    role = configuration["Role"].rpartition("/")[2]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    less = [each for each in document["Statement"] if each["Sid"] != statement]
    assert len(less) == len(document["Statement"]) - 1

    def put(statements: list[Any]) -> None:
        changed = json.dumps({**document, "Statement": statements})
        iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=changed)

    put(less)
    try:
        yield
    finally:
        put(document["Statement"])


def outbox(cloud: Cloud, kind: str) -> dict[str, tuple[str, str]]:
    """Return the state and last error of each message of a kind."""
    items = cloud.client("dynamodb").scan(TableName=cloud.env["CONTACTS_TABLE"])["Items"]
    found = [
        each for each in items if each["pk"]["S"].startswith("MSG#") and each["kind"]["S"] == kind
    ]
    return {
        each["id"]["S"]: (each["state"]["S"], each.get("error", {}).get("S", "")) for each in found
    }


def test_newsletter_from_form_to_confirmed(packaged: Cloud) -> None:
    assert sign_up(packaged, "packaged@example.org").text == '{"status":"pending"}'
    (mail,) = eventually(lambda: mails(packaged, "packaged@example.org"))
    token = re.search(r"token=([^\s&]+)", mail["text"])
    assert token
    page = call(
        packaged, "GET", f"/newsletter/confirm?token={token[1]}", headers={"accept": "text/html"}
    )
    assert (page.status, page.text.count("<button")) == (200, 1)
    form = {"content-type": FORM, "accept": "application/json"}
    confirmed = call(packaged, "POST", "/newsletter/confirm", f"token={token[1]}", form)
    assert (confirmed.status, confirmed.json) == (200, {"status": "confirmed"})


def test_a_callback_alerts_the_topic_and_the_staff(packaged: Cloud) -> None:
    answer = call_me(packaged, "+49 7930 2000")
    assert (answer.status, answer.json["status"]) == (202, "received")
    reference = answer.json["reference"]

    def told() -> list[str]:
        return [each["kind"] for each in packaged.messages() if reference in each["subject"]]

    assert eventually(lambda: sorted(told()) == ["alert", "mail"])


@pytest.mark.soak
def test_views_are_counted_ranked_and_shown(packaged: Cloud) -> None:
    assert call(packaged, "POST", "/articles/silver/views", {"title": "Silber"}, JSON).status == 204
    assert eventually(lambda: call(packaged, "GET", "/articles/silver/views").json["views"]) == 1
    assert call(packaged, "GET", "/articles/views?slugs=silver,lead").json["views"] == {
        "silver": 1,
        "lead": 0,
    }
    assert call(packaged, "GET", "/articles/silver/views/daily").json["days"][-1]["views"] == 1
    staff = {"authorization": "Bearer local-staff-key"}
    accepted = call(packaged, "POST", "/staff/articles/silver", {"accept": True}, {**JSON, **staff})
    assert accepted.status == 200
    assert packaged.invoke("read_feed", SCHEDULED) is True
    packaged.invoke("rank_articles", SCHEDULED)
    for window in ("24h", "7d", "30d", "all"):
        ranked = call(packaged, "GET", f"/articles/popular?window={window}").json["articles"]
        assert [(each["slug"], each["views"]) for each in ranked if each["slug"] == "silver"] == [
            ("silver", 1)
        ]
    assert packaged.invoke("sweep_views", SCHEDULED) == 0


@pytest.mark.soak
def owing(cloud: Cloud, kind: str, number: int) -> Callable[[], Answer]:
    """Prepare what owes a message of a kind without the stream; return what does it."""
    if kind.startswith("callback"):
        agent = {"authorization": "Bearer local-staff-key"}
        path = f"/staff/callbacks/{call_me(cloud, f'+49 7930 {2100 + number}').json['reference']}"
        assert eventually(
            lambda: call(cloud, "POST", f"{path}/claim", {}, headers=agent).status == 200
        )
        return lambda: call(cloud, "POST", f"{path}/release", {}, headers=agent)
    email = f"confirms-{number}@example.org"
    sign_up(cloud, email)
    (mail,) = eventually(lambda: mails(cloud, email))
    token = re.search(r"confirm\?token=([^\s&]+)", mail["text"])
    assert token
    return lambda: call(
        cloud, "POST", "/newsletter/confirm", f"token={token[1]}", headers={"content-type": FORM}
    )


@pytest.mark.soak
def test_what_the_stream_may_not_deliver_waits_for_the_right_or_for_the_clock(
    packaged: Cloud,
) -> None:
    queue = {
        "QueueUrl": packaged.env["DEAD_LETTER_QUEUE_URL"],
        "AttributeNames": ["ApproximateNumberOfMessages"],
    }
    before = packaged.client("sqs").get_queue_attributes(**queue)["Attributes"]
    confirm = owing(packaged, "newsletter-welcome", 900)
    with without(packaged, "deliver_messages", "Contacts"):
        assert confirm().status == 200
        with pytest.raises(RuntimeError, match="not authorized to perform: dynamodb:GetItem"):
            packaged.invoke("deliver_messages", due("nobody"))
        packaged.invoke("clock", SCHEDULED)
        told = "confirms-900@example.org"  # the confirmation, and now the welcome
        assert eventually(lambda: len(mails(packaged, told)) == 2)
        assert sign_up(packaged, "by-stream@example.org").status == 202
    assert len(eventually(lambda: mails(packaged, "by-stream@example.org"))) == 1
    assert len(mails(packaged, told)) == 2
    assert packaged.client("sqs").get_queue_attributes(**queue)["Attributes"] == before


@pytest.mark.soak
@pytest.mark.parametrize(("statement", "what"), OF_A_REQUEST)
def test_a_request_needs_its_statement(packaged: Cloud, statement: str, what: str) -> None:
    with without(packaged, "app", statement):
        # A changed memory size starts a new process. The one before has cached the secrets.
        size = 513 + OF_A_REQUEST.index((statement, what))
        packaged.client("lambda").update_function_configuration(FunctionName=API, MemorySize=size)
        assert ask(packaged, what).status == 503
    assert ask(packaged, what).status in (200, 202, 204, 400)


@pytest.mark.soak
@pytest.mark.parametrize(("function", "statement", "event", "action"), OF_A_TRIGGER)
def test_a_trigger_needs_its_statement(
    packaged: Cloud, function: str, statement: str, event: dict[str, Any], action: str
) -> None:
    denied = f"assumed-role/.*{function}.* is not authorized to perform: {action}"
    with without(packaged, function, statement), pytest.raises(RuntimeError, match=denied):
        packaged.invoke(function, event)
    packaged.invoke(function, event)


@pytest.mark.soak
def test_a_bounce_needs_the_secret_that_makes_keys(packaged: Cloud) -> None:
    recipients = [{"emailAddress": "nobody@example.org"}]
    bounce = {"bounceType": "Permanent", "bouncedRecipients": recipients}
    told = {"eventType": "Bounce", "mail": {"messageId": "x", "timestamp": AT}, "bounce": bounce}
    sns = {**TOLD["untagged"]["Records"][0]["Sns"], "Message": json.dumps(told)}
    event = {"Records": [{"Sns": sns}]}
    with without(packaged, "mail_feedback", "Identity"):
        # A process that is new has not cached the secret.
        packaged.client("lambda").update_function_configuration(
            FunctionName=f"{API}-mail_feedback", MemorySize=530
        )
        with pytest.raises(RuntimeError, match="secret: ClientError"):
            packaged.invoke("mail_feedback", event)
    packaged.invoke("mail_feedback", event)


def runs(cloud: Cloud, function: str, event: dict[str, Any]) -> bool:
    """Invoke a function, and tell whether it ran.

    The emulator ends a process that is just starting when the function changes.
    """
    try:
        cloud.invoke(function, event)
    except RuntimeError as error:
        if "Worker process exited" not in str(error):
            raise
        return False
    return True


@pytest.mark.soak
@pytest.mark.parametrize("function", SENDERS)
@pytest.mark.parametrize(("statement", "kind"), OF_A_MESSAGE)
def test_a_message_that_may_not_leave_stays_due(
    packaged: Cloud, statement: str, kind: str, function: str
) -> None:
    at = 10 * OF_A_MESSAGE.index((statement, kind)) + SENDERS.index(function)
    owe = owing(packaged, kind, at)
    before = set(outbox(packaged, kind))
    with ExitStack() as taken:
        taken.enter_context(without(packaged, function, statement))
        # The other, the stream or the schedule, must not deliver the message meanwhile.
        (other,) = {*SENDERS} - {function}
        taken.enter_context(without(packaged, other, "Contacts"))
        # Only a process that starts after the right is gone reads the secret again.
        if statement == "Tokens":
            packaged.client("lambda").update_function_configuration(
                FunctionName=f"{API}-{function}", MemorySize=513 + at
            )
        assert owe().status == 200
        (name,) = outbox(packaged, kind).keys() - before
        eventually(
            lambda: runs(
                packaged, function, due(name) if function == "deliver_messages" else SCHEDULED
            )
        )
        # The stream may have been faster, and may still be trying.
        eventually(lambda: outbox(packaged, kind)[name][1])
        state, error = outbox(packaged, kind)[name]
    assert state == "due"
    assert re.match("AccessDenied|AuthorizationError|compose: secret: ClientError", error)


@pytest.mark.soak
def test_an_event_that_may_not_be_published_stays_due(packaged: Cloud) -> None:
    before = outbox(packaged, "newsletter-event").keys()
    with without(packaged, "clock", "DomainEvents"):
        assert sign_up(packaged, "untold@example.org").status == 202
        (name,) = eventually(lambda: outbox(packaged, "newsletter-event").keys() - before)
        packaged.invoke("clock", SCHEDULED)
        assert outbox(packaged, "newsletter-event")[name] == ("due", "AuthorizationError")
    assert sign_up(packaged, "told@example.org").status == 202
    (name,) = eventually(lambda: outbox(packaged, "newsletter-event").keys() - {*before, name})
    packaged.invoke("clock", SCHEDULED)
    assert outbox(packaged, "newsletter-event")[name] == ("sent", "")


@pytest.mark.soak
def test_the_clock_may_not_do_without_the_table(packaged: Cloud) -> None:
    confirm = owing(packaged, "newsletter-welcome", 901)
    with without(packaged, "deliver_messages", "Contacts"):
        assert confirm().status == 200
        denied = "assumed-role/.*clock.* is not authorized to perform: dynamodb:(Batch)?GetItem"
        with without(packaged, "clock", "Contacts"), pytest.raises(RuntimeError, match=denied):
            packaged.invoke("clock", SCHEDULED)
    assert eventually(lambda: len(mails(packaged, "confirms-901@example.org")) == 2)


def test_every_statement_of_every_function_is_needed_by_one_of_these(root: Path) -> None:
    shown = {("api_handler", statement) for statement, _ in OF_A_REQUEST}
    shown |= {(function, statement) for function, statement, _, _ in OF_A_TRIGGER}
    shown |= {(function, statement) for function in SENDERS for statement, _ in OF_A_MESSAGE}
    shown |= {(function, "Contacts") for function in SENDERS}
    shown |= {("mail_feedback", "Identity"), ("clock", "DomainEvents")}
    given = set()
    # The senders do what the clock does where there is much of it.
    dealt = policies.RIGHTS["send_messages"].keys() - {"SenderQueue"}
    assert dealt <= policies.RIGHTS["clock"].keys()
    for function in policies.RIGHTS.keys() - {"send_messages"}:
        document = json.loads((root / ".chalice" / f"policy-local-{function}.json").read_text())
        given |= {
            (function, each["Sid"])
            for each in document["Statement"]
            if each["Sid"] not in OF_THE_PLATFORM
        }
    assert given == shown | SET_ASIDE_BY_THE_PLATFORM | TRIED_ONLY | OF_ANOTHER_STAGE | WAITS
