"""Every alarm watches a metric that is really reported, and every function is watched."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import app
from chalicelib import aws, instants, settings
from chalicelib.articles import counting
from chalicelib.articles.stores.markers import save_cursor
from chalicelib.newsletter import clock as ledgers
from chalicelib.newsletter.keys import key_of
from chalicelib.outbox import subscribers
from infra import access_log, alarms, config, policies, watching
from tests.backend import Backend, timeless
from tests.edge.test_faults import error_answer
from tests.edge.test_gateway import SCHEDULED
from tests.events import Context

STAGE = "dev"
NOBODY = "http://127.0.0.1:1"  # where no server answers
SEND = "before-send.sesv2.SendEmail"
TABLE = "before-send.dynamodb"
# The metrics that AWS itself reports, by namespace.
OF_AWS = {
    "AWS/Lambda": {"Errors", "IteratorAge", "Throttles"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
    "AWS/SNS": {"NumberOfNotificationsFailed", "SMSMonthToDateSpentUSD"},
    "AWS/ApiGateway": {"Count"},
    "AWS/SES": {"Reputation.BounceRate", "Reputation.ComplaintRate"},
    "AWS/DynamoDB": {"WriteThrottleEvents"},
}


class Told:
    """The log lines of each function."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.lines: dict[str, list[dict[str, Any]]] = defaultdict(list)

    @contextmanager
    def by(self, function: str) -> Iterator[None]:
        self._capsys.readouterr()
        yield
        written = self._capsys.readouterr().out.splitlines()
        self.lines[function] += [json.loads(line) for line in written if line.startswith("{")]


def matches(pattern: str, line: dict[str, Any]) -> bool:
    """Tell whether a log line matches a pattern of CloudWatch's metric filters.

    Knows the syntax that we use: one property that equals a text, which may end with a wildcard.
    """
    read = re.fullmatch(r'\{ \$\.(\w+) = "([\w.]+)(\*?)" \}', pattern)
    assert read
    found = line.get(read[1])
    return str(found).startswith(read[2]) if read[3] else bool(found == read[2])


def value(written: str, line: dict[str, Any]) -> float:
    return float(line[written.removeprefix("$.")] if written.startswith("$.") else written)


def fail(**_: Any) -> None:
    raise RuntimeError("what nobody foresaw")


def lose(**_: Any) -> None:
    raise ReadTimeoutError(endpoint_url="ses")


def messages(backend: Backend, told: Told, function: str, go: Callable[[], object]) -> None:
    """Make five messages: unclear, refused, failed, beyond the daily cap, impossible to compose."""
    ends = [
        lose,
        error_answer(503, "ServiceUnavailable"),
        error_answer(429, "TooManyRequestsException"),
        error_answer(400, "BadRequestException"),
    ]
    for number, end in enumerate(ends):
        sign_up(backend, f"{function}-{number}@example.org")
        with backend.hooked("sesv2", SEND, end), told.by(function):
            go()
    backend.configure(MAILS_A_DAY="0")
    sign_up(backend, f"{function}-capped@example.org")
    with told.by(function):
        go()
    backend.configure(MAILS_A_DAY="20000", LIMIT_SIGNUPS_PER_CALLER="100")
    sign_up(backend, f"{function}-wrong@example.org")
    message = max(backend.items(prefix="MSG#"), key=lambda each: str(each["created_at"]))
    aws.client("dynamodb").update_item(
        TableName=backend.env["CONTACTS_TABLE"],
        Key=aws.pack_item({"pk": message["pk"], "sk": "MSG"}),
        UpdateExpression="SET kind = :kind",
        ExpressionAttributeValues={":kind": {"S": "nobody's"}},
    )
    with told.by(function):
        go()
    sign_up(backend, f"{function}-broken@example.org")
    key = key_of(f"{function}-broken@example.org")
    aws.client("dynamodb").update_item(
        TableName=backend.env["CONTACTS_TABLE"],
        Key=aws.pack_item({"pk": f"SUB#{key}", "sk": "SUB"}),
        UpdateExpression="REMOVE topics",
    )
    with told.by(function):
        go()


def play(backend: Backend) -> None:
    """Play a hand with everything that is due."""
    due = [each["id"] for each in backend.items(prefix="MSG#") if each["state"] == "due"]
    until = instants.text(instants.now() + timedelta(minutes=1))
    hand = {"ids": due, "pace": 1000, "until": until}
    with timeless():
        app.send_messages({"Records": [{"body": json.dumps(hand)}]}, Context(seconds=60))


def sign_up(backend: Backend, email: str) -> int:
    return backend.call(
        "POST", "/newsletter/signups", {"email": email, "consent": "newsletter-de-1"}
    ).status


def requests(backend: Backend, told: Told) -> None:
    with backend.hooked("dynamodb", f"{TABLE}.TransactWriteItems", fail), told.by("api_handler"):
        assert sign_up(backend, "fails@example.org") == 500
    refuse = error_answer(400, "ThrottlingException")
    with backend.hooked("dynamodb", f"{TABLE}.TransactWriteItems", refuse), told.by("api_handler"):
        assert sign_up(backend, "throttled@example.org") == 503
    robot = {"email": "robot@example.org", "consent": "newsletter-de-1", "website": "x"}
    with told.by("api_handler"):
        assert backend.call("POST", "/newsletter/signups", robot).status == 422


def events(backend: Backend, told: Told) -> None:
    def tell(topic: str, message: str) -> None:
        sns: dict[str, Any] = {
            "TopicArn": topic,
            "Message": message,
            "Subject": None,
            "MessageAttributes": {},
        }
        with told.by("mail_feedback"):
            app.mail_feedback({"Records": [{"Sns": sns}]}, Context())

    topic = backend.env["MAIL_EVENTS_TOPIC_ARN"]
    (message, *_) = (name for name, state in backend.states().items() if state == "unclear")
    mail = {"messageId": "late", "tags": {"message": [message]}}
    rejected = json.dumps({"eventType": "Reject", "mail": mail})
    with backend.hooked("dynamodb", f"{TABLE}.GetItem", fail):
        tell(topic, rejected)
    tell(topic, rejected)
    tell("arn:aws:sns:eu-central-1:000000000000:foreign", "{}")


def markers(backend: Backend, told: Told) -> None:
    bad = {"pk": "VIEW#gold|2026-11-23|nobody", "expires": 1}
    with told.by("count_views"):
        app.count_views({"Records": [{"dynamodb": {"NewImage": aws.pack_item(bad)}}]}, Context())
    assert backend.call("POST", "/articles/gold/views").status == 204
    aws.client("dynamodb").put_item(
        TableName=backend.env["VIEW_MARKERS_TABLE"], Item=aws.pack_item(bad)
    )
    with told.by("sweep_views"):
        counting.sweep(instants.now() + timedelta(minutes=11))


def lists(backend: Backend, told: Told) -> None:
    """Give the ranker no time, the reader no feed, and the sweeper a round of three days."""
    with told.by("rank_articles"):
        app.rank_articles(SCHEDULED, Context(seconds=1))
    backend.configure(STAGE="local", SITE_ORIGINS=NOBODY, ARTICLES_FEED=f"{NOBODY}/feed")
    with told.by("read_feed"):
        assert app.read_feed(SCHEDULED, Context(seconds=60)) is False
    began = instants.now() - timedelta(days=3)
    save_cursor(aws.pack_item({"pk": "VIEW#gold|2026-11-23|nobody"}), began)
    with told.by("sweep_views"):
        counting.sweep()


def alone(backend: Backend, told: Told) -> None:
    """Have the clock look at topics without subscribers."""
    name = f"customer-contact-{backend.env['STAGE']}-operators"
    topic = backend.cloud.client("sns").create_topic(Name=name)["TopicArn"]
    backend.configure(OPERATORS_TOPIC_ARN=topic)
    subscribers.forget()
    with told.by("clock"):
        app.clock(SCHEDULED, Context())


def late(backend: Backend, told: Told) -> None:
    """Have the clock look after ledgers that have waited for days, and once where it cannot."""
    now = instants.now() + timedelta(days=3)
    refuse = error_answer(400, "ThrottlingException")
    with backend.hooked("dynamodb", f"{TABLE}.Query", refuse), told.by("clock"):
        assert ledgers.tick(lambda: 20.0, now) == 0
    with told.by("clock"):
        assert ledgers.tick(lambda: 20.0, now)


def refused_by_the_gateway() -> dict[str, Any]:
    """Return the line of a throttled request, as API Gateway fills its format in."""
    values = {
        "error.responseType": "THROTTLED",
        "resourcePath": "/hotline",
        "httpMethod": "GET",
        "status": "429",
        "requestId": "f6e1",
    }
    written = access_log.FORMAT
    for name, said in values.items():
        written = written.replace(f"$context.{name}", said)
    line: dict[str, Any] = json.loads(written)
    return line


def test_a_request_that_we_refuse_ourselves_is_no_throttle() -> None:
    (measure,) = (each for each in alarms.MEASURES if each.name == "Refusals")
    assert matches(measure.pattern, refused_by_the_gateway())
    for kind in ("-", "DEFAULT_4XX", "INTEGRATION_TIMEOUT"):
        assert not matches(measure.pattern, {**refused_by_the_gateway(), "error": kind})


def test_no_line_of_the_gateway_names_a_caller() -> None:
    for personal in ("identity", "sourceIp", "userAgent", "path}", "$context.path"):
        assert personal not in access_log.FORMAT


def test_every_metric_of_ours_is_told_by_each_function_it_is_read_of(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    told = Told(capsys)
    messages(backend, told, "deliver_messages", backend.deliver)
    messages(backend, told, "clock", lambda: backend.tick(instants.now()))
    messages(backend, told, "send_messages", lambda: play(backend))
    with told.by("deliver_messages"):
        app.deliver_messages(
            {"Records": [{"eventName": "INSERT", "dynamodb": {"NewImage": {}}}]}, Context()
        )
    requests(backend, told)
    events(backend, told)
    markers(backend, told)
    lists(backend, told)
    told.lines[alarms.GATEWAY] = [refused_by_the_gateway()]
    alone(backend, told)
    late(backend, told)
    silent = []
    for measure in alarms.MEASURES:
        for function in measure.functions:
            found = [each for each in told.lines[function] if matches(measure.pattern, each)]
            if not found:
                silent.append((measure.name, function))
            assert all(value(measure.value, each) >= 0 for each in found)
    assert silent == []


def test_an_alarm_of_ours_looks_at_a_metric_of_ours_and_all_of_them_are_looked_at() -> None:
    ours = {
        each.metric
        for each in alarms.alarms(STAGE)
        if each.namespace == f"customer-contact/{STAGE}"
    }
    assert ours == {each.name for each in alarms.MEASURES}
    others = [
        each for each in alarms.alarms(STAGE) if each.namespace != f"customer-contact/{STAGE}"
    ]
    assert [each.name for each in others if each.metric not in OF_AWS[each.namespace]] == []


def test_no_alarm_fires_before_the_stage_serves_and_all_are_there_once_it_does() -> None:
    def waiting(serving: bool) -> dict[str, str]:
        resources = watching.template(STAGE, serving=serving)["Resources"].values()
        found = [each["Properties"] for each in resources if "::Alarm" in each["Type"]]
        return {each["AlarmName"]: each["TreatMissingData"] for each in found}

    before, then = waiting(serving=False), waiting(serving=True)
    assert set(before.values()) == {"notBreaching"}
    missing = then.keys() - before.keys()
    assert missing == {f"customer-contact-{STAGE}-clock-silent"}
    assert {then[each] for each in missing} == {"breaching"}


def test_every_topic_of_ours_that_people_or_systems_hear_is_watched() -> None:
    failing = {
        each.of[1] for each in alarms.alarms(STAGE) if each.metric == "NumberOfNotificationsFailed"
    }
    prefix = config.prefix(STAGE)
    assert failing == {f"{prefix}-{each}" for each in ("alerts", "operators", "domain-events")}


def test_the_settings_move_the_thresholds() -> None:
    given = {"requests_a_day": 40_000, "sms_usd": 20}
    found = {each.name: each.threshold for each in alarms.alarms(STAGE, given)}
    assert (found["requests"], found["sms-spend"]) == (10_000, 16)
    made = watching.template(STAGE, operations=given)["Resources"]
    assert made["AlarmRequests"]["Properties"]["Threshold"] == 10_000


def test_the_metrics_of_the_gateway_are_those_of_the_stages_own_api() -> None:
    (of,) = {each.of for each in alarms.alarms(STAGE) if each.namespace == "AWS/ApiGateway"}
    assert of == ("ApiName", config.prefix(STAGE))
    assert app.app.app_name == config.prefix(settings.current().stage)
    shown = json.loads(watching.dashboard(STAGE))
    metrics = [each for widget in shown["widgets"] for each in widget["properties"]["metrics"]]
    named = [each for each in metrics if "ApiName" in each]
    assert named
    assert all(config.prefix(STAGE) in each for each in named)
    assert "STAGE" not in json.dumps(shown)


def test_what_the_alarms_of_a_month_cost_is_what_the_guide_states(root: Path) -> None:
    told = (root / "docs" / "operations.md").read_text()
    number = len(alarms.alarms(STAGE))
    cost = f"{(number - 10) * 0.1:.2f}"
    row = f"| {number} alarms, ten of them free, 0.10 each | {cost} | {cost} | {cost} |"
    assert row in told
    table = told.split("## What a month costs")[1].split("\n\n")[2]
    rows = [each.strip("|").split("|")[1:] for each in table.splitlines()[2:]]
    *parts, sums = [[float(cell.strip(" *")) for cell in row] for row in rows]
    assert [round(sum(column), 2) for column in zip(*parts, strict=True)] == sums


def test_every_function_is_watched() -> None:
    functions = {"api_handler", *(each.name for each in app.app.event_sources)}
    watched = {each.of[1] for each in alarms.alarms(STAGE) if each.metric == "Errors"}
    assert watched == {config.function_name(STAGE, each) for each in functions}
    behind = {each.of[1] for each in alarms.alarms(STAGE) if each.metric == "IteratorAge"}
    streams = {
        each.name for each in app.app.event_sources if type(each).__name__ == "DynamoDBEventConfig"
    }
    assert behind == {config.function_name(STAGE, each) for each in streams}
    shown = watching.dashboard(STAGE)
    assert [
        each for each in functions if f'"{config.function_name(STAGE, each)}"' not in shown
    ] == []
    assert {
        each["Properties"]["LogGroupName"]
        for each in watching.template(STAGE)["Resources"].values()
        if each["Type"] == "AWS::Logs::LogGroup"
    } == {
        *(f"/aws/lambda/{config.function_name(STAGE, each)}" for each in policies.RIGHTS),
        access_log.group(STAGE),
    }


def test_the_dashboard_shows_every_metric_of_ours() -> None:
    shown = watching.dashboard(STAGE)
    assert [each.name for each in alarms.MEASURES if f'"{each.name}"' not in shown] == []


def test_every_alarm_has_a_section_that_says_what_to_do(root: Path) -> None:
    told = set(
        re.findall(r"^\| `([\w-]+)` \|", (root / "docs" / "operations.md").read_text(), re.M)
    )
    assert {each.name for each in alarms.alarms(STAGE)} - told == set()


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(
    ("mail", "budget"), [pytest.param("", 0, marks=pytest.mark.soak), ("ops@firma.de", 50)]
)
def test_the_templates_are_sound(root: Path, tmp_path: Path, mail: str, budget: int) -> None:
    made = tmp_path / "watching.json"
    made.write_text(json.dumps(watching.template(STAGE, mail, budget)))
    # CloudFormation takes a larger template from a bucket only.
    assert len(made.read_text()) < 51_200
    command = [
        str(Path(sys.executable).parent / "cfn-lint"),
        "--",
        str(made),
        str(root / "infra" / "template.json"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
