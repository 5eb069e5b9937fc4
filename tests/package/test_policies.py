"""The policies as written: no more than the code does, no less, and the same for every stage."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib import instants, tokens
from chalicelib.articles import counting, ranking
from chalicelib.articles import store as articles
from chalicelib.newsletter import exports, proof, reactions
from chalicelib.staff import session
from local.cloud import Cloud
from tests.backend import FORM, Backend
from tests.edge.desk import Agent
from tests.events import Context
from tests.staff.issuer import Issuer
from tests.staff.test_flow import Browser

STAGES = ("local", "dev", "prod")
STAGE = "rights"  # the tests' own, with the local stage's policy
# What the platform does by a function's role, and no code of ours: reading the streams, writing the logs.
OF_THE_PLATFORM = ("Streams", "Logs")
_SERVICES = {"sesv2": "ses"}
_MEMBERS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}

Right = tuple[str, str]  # an action, and what it is done to


def policy(root: Path, stage: str) -> list[dict[str, Any]]:
    document = json.loads((root / ".chalice" / f"policy-{stage}.json").read_text())
    assert document["Version"] == "2012-10-17"
    statements: list[dict[str, Any]] = document["Statement"]
    return statements


def domain(root: Path, stage: str) -> str:
    config = json.loads((root / ".chalice" / "config.json").read_text())
    sender: str = config["stages"][stage]["environment_variables"]["MAIL_FROM"]
    return parseaddr(sender)[1].rpartition("@")[2]


@pytest.mark.parametrize("stage", STAGES)
def test_the_stages_differ_by_their_name_and_their_senders_domain(root: Path, stage: str) -> None:
    def common(stage: str) -> str:
        text = (root / ".chalice" / f"policy-{stage}.json").read_text()
        return text.replace(f"customer-contact-{stage}", "STAGE").replace(f"identity/{domain(root, stage)}", "SENDER")

    assert common(stage) == common("prod")
    assert common(stage).count("SENDER") == 1
    assert "customer-contact" not in common(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_allowed_wholesale(root: Path, stage: str) -> None:
    """Regions and accounts are `*`: a static file cannot know them, and a role has rights in its own account alone."""
    for each in policy(root, stage):
        assert each.keys() == {"Sid", "Effect", "Action", "Resource"}
        assert each["Effect"] == "Allow"
        assert all(re.fullmatch(r"[a-z]+:[A-Za-z]+", action) for action in each["Action"])
        for resource in each["Resource"]:
            named = re.fullmatch(r"arn:aws:[a-z]+:\*:\*:(.+)", resource)
            assert named
            assert f"customer-contact-{stage}" in named[1] or named[1] == f"identity/{domain(root, stage)}"
            assert "*" not in re.sub(r"(/stream/|^log-group:.*)\*$", "", named[1])


def rights(statements: list[dict[str, Any]]) -> list[Right]:
    return [(action, name(arn)) for each in statements for action in each["Action"] for arn in each["Resource"]]


def name(arn: str) -> str:
    """What an ARN names, without where; a secret without the seven characters that are added to its name."""
    named = arn.split(":", 5)[5]
    return named[:-7] if named.startswith("secret:") else named


def needed(service: str, operation: str, given: dict[str, Any]) -> Iterator[Right]:
    """The rights that AWS asks for when a call is made."""
    action = f"{_SERVICES.get(service, service)}:{operation}"
    match operation:
        case "TransactWriteItems":
            for member in given["TransactItems"]:
                ((kind, write),) = member.items()
                yield f"dynamodb:{_MEMBERS[kind]}", f"table/{write['TableName']}"
        case "BatchGetItem":
            yield from ((action, f"table/{table}") for table in given["RequestItems"])
        case "GetSecretValue":
            secret = given["SecretId"]  # an ARN; the emulator's template engine refers to a secret by its name
            yield action, name(secret) if secret.startswith("arn:") else f"secret:{secret}"
        case "SendEmail":
            yield action, f"identity/{parseaddr(given['FromEmailAddress'])[1].rpartition('@')[2]}"
            yield action, f"configuration-set/{given['ConfigurationSetName']}"
        case "Publish":
            yield action, name(given["TopicArn"])
        case "SendMessage":
            yield action, given["QueueUrl"].rpartition("/")[2]
        case _:
            index = f"/index/{given['IndexName']}" if "IndexName" in given else ""
            yield action, f"table/{given['TableName']}{index}"


class Watched(Backend):
    """Notes the rights that the app's calls need; the tests' own looks into the tables do not count."""

    def __init__(self, cloud: Cloud, env: dict[str, str]) -> None:
        super().__init__(cloud, env)
        self.used: set[Right] = set()
        self._looking = False

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Notes from now on; a changed setting makes new clients, which have to be watched anew."""
        with ExitStack() as stack:
            for service in ("dynamodb", "secretsmanager", "sesv2", "sns", "sqs"):
                stack.enter_context(self.hooked(service, f"provide-client-params.{service}", self.note))
            yield

    def note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if not self._looking:
            self.used.update(needed(model.service_model.service_name, model.name, params))

    def items(self, table: str = "CONTACTS_TABLE", prefix: str = "") -> list[dict[str, Any]]:
        self._looking = True
        try:
            return super().items(table, prefix)
        finally:
            self._looking = False


def newsletter(backend: Backend) -> None:
    answer = backend.call("POST", "/newsletter/signups", {"email": "r@example.org", "consent": "newsletter-de-1"})
    assert answer.status == 202
    backend.deliver()
    (mail,) = backend.mails("r@example.org")
    token = re.search(r"token=(\S+)", mail["text"])
    assert token
    confirmed = backend.call("POST", "/newsletter/confirm", f"token={token[1]}", {"content-type": FORM})
    assert confirmed.status == 200
    assert exports.part(None, None, lambda: True)[1] == 1
    key = proof.key_of("r@example.org")
    data = tokens.sign(reactions.DATA, key, 0)
    assert backend.call("GET", f"/newsletter/mydata?token={data}").status == 200
    assert backend.call("POST", "/newsletter/erase", f"token={data}", {"content-type": FORM}).status == 200
    backend.settle()
    told = {"eventType": "Delivery", "mail": {"timestamp": "2026-11-23T09:00:00Z", "messageId": "unknown"}}
    sns = {"TopicArn": backend.env["MAIL_EVENTS_TOPIC_ARN"], "Message": json.dumps(told), "Subject": None}
    app.hear({"Records": [{"Sns": {**sns, "MessageAttributes": {}}}]}, Context())


def callbacks(backend: Backend) -> None:
    body = {"name": "Eva", "phone": "07930 2000", "consent": "callback-de-1"}
    assert backend.call("POST", "/callbacks", body).status == 202
    assert set(backend.tick(instants.now() + timedelta(seconds=1))) == {"sent"}
    anna = Agent(backend)
    (reference,) = anna.tab("due")
    anna.do(reference, "claim")
    assert anna.do(reference, "outcome", outcome="reached").json["state"] == "done"
    assert anna.post("/staff/numbers/erase", phone="07930 2000").status == 403
    lead = Agent(backend, "Sam", "supervisor")
    assert lead.post("/staff/numbers/erase", phone="07930 2000").json["requests"] == 1


def views(backend: Backend) -> None:
    for visitor in range(60):  # enough to be spread over lanes
        answer = backend.call("POST", "/articles/gold/views", caller=f"198.51.100.{visitor}")
        assert answer.status == 204
    articles.forget()  # another process, which reads the day's salt
    assert backend.call("POST", "/articles/gold/views").status == 204
    backend.count()
    counting.sweep()
    ranking.rank()
    for path in ("gold/views", "gold/views/daily", "views?slugs=gold,silver", "popular"):
        assert backend.call("GET", f"/articles/{path}").status == 200


def staff(backend: Watched, issuer: Issuer) -> None:
    """Signs in at a provider of one's own, whose client has a secret; only a local stage may trust this machine."""
    name = f"customer-contact-{STAGE}-oidc"
    made = backend.cloud.client("secretsmanager").create_secret(Name=name, SecretString='{"client_secret": "s3cret"}')
    backend.configure(STAGE="local", OIDC_CLIENT_SECRET_ARN=made["ARN"], **issuer.settings())
    browser = Browser(backend)
    with backend.watched():
        assert browser.sign_in(issuer).status == 303
        assert browser.get("/staff").status == 200
        session.end(browser.cookies["__Host-staff"])


def test_every_right_is_used_and_every_one_used_is_given(cloud: Cloud, root: Path, issuer: Issuer) -> None:
    with Watched.of_its_own(cloud, STAGE) as backend:
        backend.configure(HOTLINE_HOURS="Mon-Sun 00:00-24:00", HOTLINE_HOLIDAYS="", HOTLINE_EXCEPTIONS="")
        backend.configure(STAGE="local", STAFF_TEST_KEY="key")
        with backend.watched():
            newsletter(backend)
            callbacks(backend)
            views(backend)
            app.deliver({"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": {}}}]}, Context())  # quarantined
        staff(backend, issuer)
    given = rights([each for each in policy(root, "local") if each["Sid"] not in OF_THE_PLATFORM])
    ours = ("customer-contact-local", f"customer-contact-{STAGE}")
    of_the_stage = {(action, what.replace(*ours)) for action, what in given}
    assert sorted(backend.used - of_the_stage) == [], "done without a right to"
    assert sorted(of_the_stage - backend.used) == [], "allowed, and never done"
