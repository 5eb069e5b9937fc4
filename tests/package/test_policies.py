"""The policies allow what the code does, no more and no less, and the same for every stage."""

import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ReadTimeoutError

import app
from chalicelib import addresses, aws, instants, keys, tokens
from chalicelib.articles import counting, ranking, reading
from chalicelib.articles.stores import counts, markers
from chalicelib.auth import session
from chalicelib.callbacks import erasure
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from chalicelib.outbox import senders, subscribers
from infra import config, policies
from local.cloud import Cloud
from tests.articles.site import website
from tests.auth.issuer import Issuer
from tests.auth.test_flow import Browser
from tests.backend import FORM, ORIGIN, Backend
from tests.edge.staff import Agent
from tests.events import Answer, Context

STAGES = ("local", "dev", "prod")
STAGE = "rights"  # the tests' own stage, with the local stage's policy
# The platform puts this function's failures into the dead-letter queue, by its role.
FAILURES = ("count_views",)
OF_THE_QUEUE = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
# AWS knows no resource for these actions (Service Authorization Reference, SES v2).
WITHOUT_RESOURCE = {"ses:DeleteSuppressedDestination", "ses:GetAccount"}
_SERVICES = {"sesv2": "ses"}
_MEMBERS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}

Right = tuple[str, str]  # an action, and the resource


def policy(root: Path, stage: str, function: str) -> list[dict[str, Any]]:
    """Return the statements of the file that a function's configuration names."""
    whole = json.loads((root / ".chalice" / "config.json").read_text())
    named = whole["stages"][stage]["lambda_functions"][function]["iam_policy_file"]
    document = json.loads((root / ".chalice" / named).read_text())
    assert document["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


@pytest.mark.parametrize("stage", STAGES)
def test_the_files_are_current(root: Path, stage: str) -> None:
    made = dict(policies.files(root, stage))
    assert {path: path.read_text() for path in made} == made, "run `make generated`"
    assert set((root / ".chalice").glob(f"policy-{stage}*.json")) == set(made)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("function", policies.RIGHTS)
def test_nothing_is_allowed_wholesale(root: Path, stage: str, function: str) -> None:
    """Check that every statement names its actions and resources.

    Regions and accounts are `*`, because a static file cannot know them. A role has rights in its
    own account only. While SES is in the sandbox, it asks for the right on each recipient's
    identity.
    """
    sandbox = config.operations(root, stage).get("sandbox", False)
    sender = addresses.sending_domain(config.environment(root, stage)["MAIL_FROM"])
    for each in policy(root, stage, function):
        assert each.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert each["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z]+:[A-Za-z]+", action) for action in each["Action"])
        if set(each["Action"]) <= WITHOUT_RESOURCE:
            assert each["Resource"] == ["*"]
            continue
        for resource in each["Resource"]:
            named = re.fullmatch(r"arn:aws:[a-z]+:\*:\*:(.+)", resource)
            assert named
            if sandbox and named[1] == "identity/*":
                continue
            assert config.prefix(stage) in named[1] or named[1] == f"identity/{sender}"
            assert "*" not in re.sub(r"(/stream/|^log-group:.*:)\*$", "", named[1])


def rights(statements: list[dict[str, Any]]) -> list[Right]:
    return [
        (action, name(arn))
        for each in statements
        for action in each["Action"]
        for arn in each["Resource"]
    ]


def name(arn: str) -> str:
    """Return the resource of an ARN, without region and account.

    A secret loses the seven characters that AWS appends to its name.
    """
    if arn == "*":
        return arn
    named = arn.split(":", 5)[5]
    return named[:-7] if named.startswith("secret:") else named


def needed(service: str, operation: str, given: dict[str, Any]) -> Iterator[Right]:
    """Yield the rights that AWS demands for a call."""
    action = f"{_SERVICES.get(service, service)}:{operation}"
    match operation:
        case "TransactWriteItems":
            for member in given["TransactItems"]:
                ((kind, write),) = member.items()
                yield f"dynamodb:{_MEMBERS[kind]}", f"table/{write['TableName']}"
        case "BatchGetItem":
            yield from ((action, f"table/{table}") for table in given["RequestItems"])
        case "GetSecretValue":
            # It is an ARN. Only the emulator's templates refer to a secret by its name.
            secret = given["SecretId"]
            yield action, name(secret) if secret.startswith("arn:") else f"secret:{secret}"
        case "SendEmail":
            yield action, f"identity/{parseaddr(given['FromEmailAddress'])[1].rpartition('@')[2]}"
            yield action, f"configuration-set/{given['ConfigurationSetName']}"
        case "DeleteSuppressedDestination" | "GetAccount":
            yield action, "*"
        case "Publish" | "GetTopicAttributes":
            yield action, name(given["TopicArn"])
        case "ReceiveMessage" | "DeleteMessage":
            pass  # the test stands for Lambda here
        case "SendMessage":
            yield action, given["QueueUrl"].rpartition("/")[2]
        case _:
            index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
            yield action, f"table/{given['TableName']}{index}"


class Watched(Backend):
    """A stage that notes the rights that each function's calls need.

    The tests' own reads of the tables are not noted.
    """

    def __init__(self, cloud: Cloud, env: dict[str, str]) -> None:
        super().__init__(cloud, env)
        self.used: dict[str, set[Right]] = defaultdict(set)
        self._function = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note calls while entered.

        A changed setting makes new clients, which have to be hooked again.
        """
        with ExitStack() as stack:
            for service in ("dynamodb", "secretsmanager", "sesv2", "sns", "sqs"):
                stack.enter_context(
                    self.hooked(service, f"provide-client-params.{service}", self.note)
                )
            yield

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self._function:
            self.used[self._function].update(
                needed(model.service_model.service_name, model.name, params)
            )

    @contextmanager
    def function(self, name: str) -> Iterator[None]:
        """Attribute the calls to a function while entered. Its process has nothing cached."""
        before, self._function = self._function, name
        keys._cache.clear()
        markers.forget()
        counts.forget()
        try:
            yield
        finally:
            self._function = before

    def call(self, *given: Any, **named: Any) -> Answer:
        with self.function("api_handler"):
            return super().call(*given, **named)

    def deliver(self) -> None:
        records = self.records()
        with self.function("deliver_messages"):
            app.deliver_messages({"Records": records}, Context())

    def count(self) -> None:
        records = self.records("VIEW_MARKERS_TABLE")
        with self.function("count_views"):
            app.count_views({"Records": records}, Context())

    def _take_in(self, kept: list[dict[str, Any]]) -> None:
        with self.function("deliver_messages"):
            super()._take_in(kept)

    def tick(self, now: datetime) -> dict[str, int]:
        with self.function("clock"):
            return super().tick(now)

    def send(self, now: datetime) -> None:
        with self.function("send_messages"):
            super().send(now)


def told(backend: Watched, kind: str, service_id: str, **details: Any) -> None:
    """Send an event about a mail, as SES does by SNS."""
    at = instants.text(instants.now())
    told = {"eventType": kind, "mail": {"timestamp": at, "messageId": service_id}}
    for name, value in details.items():
        told[name] = {**value, "timestamp": at, "feedbackId": f"{kind}-{service_id}"}
    sns = {
        "TopicArn": backend.env["MAIL_EVENTS_TOPIC_ARN"],
        "Message": json.dumps(told),
        "Subject": None,
    }
    with backend.function("mail_feedback"):
        app.mail_feedback({"Records": [{"Sns": {**sns, "MessageAttributes": {}}}]}, Context())


def newsletter(backend: Watched, clock: bool) -> None:
    """Play a subscription from the form to the erasure. The stream delivers, or the clock does."""
    email = f"by-clock-{clock}@example.org"
    backend.takes_in = not clock
    answer = backend.call(
        "POST", "/newsletter/signups", {"email": email, "consent": "newsletter-de-1"}
    )
    assert answer.status == 202
    if clock:
        assert "sent" in backend.tick(instants.now() + timedelta(minutes=2))
    backend.takes_in = True
    backend.deliver()
    (mail,) = backend.mails(email)
    token = re.search(r"token=([^\s&]+)", mail["text"])
    assert token
    confirmed = backend.call(
        "POST", "/newsletter/confirm", f"token={token[1]}", {"content-type": FORM}
    )
    assert confirmed.status == 200
    if clock:
        backend.tick(instants.now() + timedelta(minutes=1))
    backend.settle()
    sent = {each["kind"]: each for each in backend.items(prefix="MSG#") if each["state"] == "sent"}
    (welcome,) = (each["service_id"] for kind, each in sent.items() if "welcome" in kind)
    recipients = [{"emailAddress": email, "action": "failed"}]
    bounce = {"bounceType": "Transient", "bouncedRecipients": recipients}
    told(backend, "Bounce", welcome, bounce=bounce)
    told(backend, "Bounce", welcome, bounce={})  # goes to the dead letters
    key = key_of(email)
    data = tokens.sign(links.DATA, key, 0)
    for action in ("show", "unsubscribe", "undo", "erase"):
        pressed = f"token={data}&action={action}"
        assert backend.call("POST", "/me", pressed, {"content-type": FORM}).status == 200
    backend.settle()
    told(backend, "Delivery", "unknown")


def unanswered(backend: Watched) -> None:
    """Play a mail without an answer from SES.

    Afterwards one event says that SES took it, and another that the reader complains.
    """

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="ses")

    answer = backend.call(
        "POST", "/newsletter/signups", {"email": "lost@example.org", "consent": "newsletter-de-1"}
    )
    assert answer.status == 202
    with backend.hooked("sesv2", "before-send.sesv2.SendEmail", lose):
        backend.deliver()
    (message,) = (each for each in backend.items(prefix="MSG#") if each["state"] == "unclear")
    at = {
        "timestamp": instants.text(instants.now()),
        "messageId": "late",
        "tags": {"message": [message["id"]]},
    }
    body = {"eventType": "Delivery", "mail": at}
    sns = {
        "TopicArn": backend.env["MAIL_EVENTS_TOPIC_ARN"],
        "Message": json.dumps(body),
        "Subject": None,
    }
    with backend.function("mail_feedback"):
        app.mail_feedback({"Records": [{"Sns": {**sns, "MessageAttributes": {}}}]}, Context())
    told(
        backend,
        "Complaint",
        "late",
        complaint={
            "complaintFeedbackType": "abuse",
            "complainedRecipients": [{"emailAddress": "lost@example.org"}],
        },
    )
    backend.settle()


def many(backend: Watched) -> None:
    """Let the clock deal more messages than it sends itself, and the senders send them."""

    def sign_up(name: str) -> None:
        for number in range(senders.ALONE + 1):
            body = {"email": f"{name}-{number}@example.org", "consent": "newsletter-de-1"}
            caller = f"198.51.100.{number}"
            answer = backend.call("POST", "/newsletter/signups", body, client_ip=caller)
            assert answer.status == 202

    backend.takes_in = False
    sign_up("many")
    body = {"name": "Eva", "phone": "07930 2009", "consent": "callback-de-1"}
    assert backend.call("POST", "/callbacks", body, client_ip="198.51.100.1").status == 202
    backend.tick(instants.now() + timedelta(minutes=2))  # the senders take the intakes in
    assert backend.tick(instants.now() + timedelta(minutes=3))["handed"] > senders.ALONE
    backend.takes_in = True
    sign_up("told")
    backend.deliver()  # the stream sends the mails and leaves the events for other systems
    assert backend.tick(instants.now() + timedelta(minutes=4))["handed"] > senders.ALONE


def callbacks(backend: Watched) -> None:
    for phone in ("07930 2000", "07930 2001"):
        body = {"name": "Eva", "phone": phone, "consent": "callback-de-1"}
        assert backend.call("POST", "/callbacks", body).status == 202
        if phone.endswith("0"):
            backend.deliver()
    assert "sent" in backend.tick(instants.now() + timedelta(minutes=1))
    anna, lead = Agent(backend), Agent(backend, "Sam", "supervisor")
    forgotten, reference = anna.tab("due")
    anna.do(reference, "claim")
    assert anna.do(reference, "outcome", outcome="reached").json["state"] == "done"
    assert "expired" in backend.tick(instants.now() + timedelta(days=20))
    with backend.function("clock"):
        assert erasure.erase_ended(lambda: 20.0, instants.now() + timedelta(days=200))
    assert lead.post("/staff/numbers/erase", phone="07930 2000").json["requests"] == 1
    assert lead.get("/staff/subscribers.csv").status == 200
    assert lead.post("/staff/subscribers/search").status == 200
    assert forgotten != reference


def openings(backend: Watched) -> None:
    """Have the clock, the stream's function and the senders find many alerts at an opening."""
    numbers = itertools.count(2100)
    for days, asked in ((2, 6), (3, 6), (4, senders.ALONE)):
        day = (instants.now() + timedelta(days=days)).strftime("%a")
        backend.configure(HOTLINE_HOURS=f"{day} 09:00-17:00")
        with backend.watched():
            for number in itertools.islice(numbers, asked):
                body = {"name": "Eva", "phone": f"07930 {number}", "consent": "callback-de-1"}
                caller = f"198.51.100.{number % 100}"
                answer = backend.call("POST", "/callbacks", body, client_ip=caller)
                assert answer.status == 202
            opening = instants.parse(answer.json["expected"]["from"])
            if days == 3:
                with time_machine.travel(opening + timedelta(minutes=1)):
                    backend.deliver()
            else:
                backend.tick(opening)
    backend.configure(HOTLINE_HOURS="Mon-Sun 00:00-24:00")
    found = [each for each in backend.items(prefix="DIGEST#") if each["sk"] == "DIGEST"]
    assert len(found) == 6  # one to the topic and one by mail, each time
    name = f"customer-contact-{STAGE}-operators"
    topic = backend.cloud.client("sns").create_topic(Name=name)["TopicArn"]
    backend.configure(OPERATORS_TOPIC_ARN=topic)
    with backend.watched(), backend.function("clock"):
        subscribers.look()


def views(backend: Watched) -> None:
    # So many views of an article go to one of 32 lanes at random. Of four articles, hardly ever do
    # all draw the first lane.
    for slug in ("gold", "silver", "bronze", "copper"):
        for visitor in range(60):
            answer = backend.call(
                "POST", f"/articles/{slug}/views", client_ip=f"198.51.100.{visitor}"
            )
            assert answer.status == 204
    backend.count()
    # The stream overlooks this one.
    assert backend.call("POST", "/articles/gold/views").status == 204
    old = (instants.now() - timedelta(days=3)).date()
    aws.client("dynamodb").put_item(
        TableName=backend.env["VIEW_MARKERS_TABLE"],
        Item=aws.pack_item({"pk": f"SALT#{old}", "salt": "old"}),
    )
    with backend.function("sweep_views"):
        assert counting.sweep(instants.now() + timedelta(minutes=11)) == 1
    for path in ("gold/views", "gold/views/daily", "views?slugs=gold,silver", "popular"):
        assert backend.call("GET", f"/articles/{path}").status == 200


def behind_a_proxy(backend: Watched) -> None:
    """Ask for a view with the secret of a proxy, which names the visitor."""
    made = backend.cloud.client("secretsmanager").create_secret(
        Name=f"customer-contact-{STAGE}-origin", SecretString='{"1": "s3cret"}'
    )
    backend.configure(TRUSTED_ADDRESS_HEADER="X-Real-IP", ORIGIN_SECRET_ARN=made["ARN"])
    headers = {"x-origin-secret": "s3cret", "x-real-ip": "203.0.113.7"}
    with backend.watched():
        assert backend.call("POST", "/articles/gold/views", headers=headers).status == 204


def lists(backend: Watched) -> None:
    """Read a feed, rank for a week, and let a supervisor decide about articles."""
    sam = {"authorization": "Bearer key:supervisor:Sam"}
    with website() as site:
        item = f"<item><title>Gold</title><link>{site.url}/gold</link></item>"
        url = site.put("/feed", f"<rss><channel>{item}</channel></rss>")
        backend.configure(SITE_ORIGINS=site.url, ARTICLES_FEED=url)
        with backend.watched(), backend.function("read_feed"):
            assert reading.read()
        backend.configure(SITE_ORIGINS=ORIGIN, ARTICLES_FEED="")
    with backend.watched():
        with backend.function("rank_articles"):
            for days in (0, 6, 7):
                ranking.rank(instants.now() + timedelta(days=days))
        for decision in ({"accept": True}, {"merge_into": "gold"}, {"unmerge": True}):
            path = "/staff/articles/silver"
            assert backend.call("POST", path, decision, sam).status == 200
        assert backend.call("GET", "/staff/articles", None, sam).status == 200
        assert backend.call("DELETE", "/staff/articles/silver", None, sam).status == 204


def staff(backend: Watched, issuer: Issuer) -> None:
    """Sign in at a provider of the test's own, whose client has a secret.

    Only a local stage may trust a provider on this machine.
    """
    name = f"customer-contact-{STAGE}-oidc"
    made = backend.cloud.client("secretsmanager").create_secret(
        Name=name, SecretString='{"client_secret": "s3cret"}'
    )
    backend.configure(STAGE="local", OIDC_CLIENT_SECRET_ARN=made["ARN"], **issuer.settings())
    browser = Browser(backend)
    with backend.watched():
        assert browser.sign_in(issuer).status == 303
        assert browser.get("/staff").status == 200
        with backend.function("api_handler"):
            session.end(browser.cookies["__Host-staff"])


@pytest.mark.soak
def test_every_right_is_used_and_every_one_used_is_given(
    cloud: Cloud, root: Path, issuer: Issuer
) -> None:
    with Watched.of_its_own(cloud, STAGE) as backend:
        backend.configure(
            HOTLINE_HOURS="Mon-Sun 00:00-24:00", HOTLINE_HOLIDAYS="", HOTLINE_EXCEPTIONS=""
        )
        backend.configure(STAGE="local", STAFF_TEST_KEY="key", DOMAIN_EVENTS="1")
        with backend.watched():
            newsletter(backend, clock=False)
            newsletter(backend, clock=True)
            unanswered(backend)
            callbacks(backend)
            views(backend)
            many(backend)
            with backend.function("deliver_messages"):
                broken = {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": {}}}]}
                app.deliver_messages(broken, Context())  # goes to the dead letters
        lists(backend)
        openings(backend)
        behind_a_proxy(backend)
        staff(backend, issuer)
    for function in policies.RIGHTS:
        given = {
            (action, what.replace(config.prefix("local"), config.prefix(STAGE)))
            for action, what in rights(policy(root, "local", function))
        }
        of_the_platform = {
            each
            for each in given
            if each[0].startswith("logs:") or "/stream/" in each[1] or each[0] in OF_THE_QUEUE
        }
        if function in FAILURES:
            of_the_platform |= {each for each in given if each[0] == "sqs:SendMessage"}
        used = backend.used[function]
        assert sorted(used - given) == [], f"{function} did it without a right to"
        assert sorted(given - used - of_the_platform) == [], f"{function} may, and never does"


def test_the_counting_reaction_cannot_touch_a_subscriber(root: Path) -> None:
    for function in ("count_views", "sweep_views", "rank_articles", "read_feed"):
        assert not [
            what
            for _, what in rights(policy(root, "prod", function))
            if "contacts" in what or "secret" in what
        ]


def test_no_function_is_without_a_policy_of_its_own() -> None:
    assert policies.RIGHTS.keys() == {"api_handler", *(each.name for each in app.app.event_sources)}
