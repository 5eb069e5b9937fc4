"""Play an hour of a company's morning to the app on an emulator.

`python -m tests.infra.hour` writes `tools/dashboard_hour.json`: the values of each metric of the
dashboard, by five minutes. Our own metrics are read off the log lines, as the metric filters do it.
For AWS's metrics this process measures the same calls. There are some faults: SES refuses mails for
ten minutes, a table throttles, a record is poison, mails come back.
"""

import io
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack, redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import time_machine

import app
from chalicelib import aws
from chalicelib.newsletter.keys import key_of
from infra import alarms, config
from local.cloud import Cloud
from ops.watching import dead_letters
from tests.backend import Backend
from tests.edge.test_faults import error_answer
from tests.edge.test_gateway import SCHEDULED
from tests.edge.test_subscription import link, mail_feedback, told, welcome
from tests.events import Answer, Context
from tests.infra.test_watching import matches, value
from tools.dashboard import HOUR, ROOT, series

BEGIN = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # nine in Berlin
SLOTS = 13
READERS = (14, 18, 22, 30, 41, 52, 60, 57, 49, 40, 33, 27, 24)
SES_REFUSES, THROTTLES, POISON, BOUNCE, COMPLAINT, ROBOT = (5, 6), 8, 9, 4, 10, 2
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}
API = "AWS/ApiGateway/{}/customer-contact-STAGE/api"


class Hour:
    """The measured values, by metric and five minutes."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.slots: dict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in range(SLOTS)])
        self.slot = self.sent = 0

    def put(self, name: str, value: float) -> None:
        self.slots[name][self.slot].append(round(value, 4 if value < 1 else 0))

    def invoke(self, function: str, go: Callable[[], Any]) -> Any:
        """Run a function and measure it and its log lines. Return its answer and its time in ms."""
        name, written, began = (
            config.function_name("STAGE", function),
            io.StringIO(),
            time.perf_counter(),
        )
        with redirect_stdout(written):
            answer = go()
        took = (time.perf_counter() - began) * 1000
        self.put(f"AWS/Lambda/Duration/{name}", took)
        self.put(f"AWS/Lambda/Errors/{name}", 0)
        for line in map(json.loads, written.getvalue().splitlines()):
            for measure in alarms.MEASURES:
                if function in measure.functions and matches(measure.pattern, line):
                    self.put(f"customer-contact/STAGE/{measure.name}", value(measure.value, line))
        return answer, took

    def ask(self, method: str, url: str, body: Any = None, client: int = 0) -> Answer:
        """Send a request to the API, and measure it."""
        client_ip = f"192.0.2.{client}"
        answer, took = self.invoke(
            "api_handler", lambda: self.backend.call(method, url, body, client_ip=client_ip)
        )
        self.put(API.format("Count"), 1)
        self.put(API.format("Latency"), took)
        self.put(API.format("4XXError"), 400 <= answer.status < 500)
        self.put(API.format("5XXError"), answer.status >= 500)
        return answer  # type: ignore[no-any-return]

    def writes(self) -> ExitStack:
        """Count the write units that the emulator reports for each table while entered."""
        events, stack = aws.client("dynamodb").meta.events, ExitStack()

        def ask(params: Any, model: Any, **_: Any) -> Any:
            return {**params, "ReturnConsumedCapacity": "TOTAL"}

        def read(parsed: Any, model: Any, **_: Any) -> None:
            found = parsed.get("ConsumedCapacity", []) if model.name in WRITES else []
            for each in found if isinstance(found, list) else [found]:
                table = each["TableName"].removeprefix(config.prefix(self.backend.env["STAGE"]))
                name = f"AWS/DynamoDB/ConsumedWriteCapacityUnits/customer-contact-STAGE{table}"
                self.put(name, each["CapacityUnits"])

        for event, hook in (("provide-client-params.dynamodb", ask), ("after-call.dynamodb", read)):
            events.register(event, hook)
            stack.callback(events.unregister, event, hook)
        return stack

    def play(self) -> None:
        """Play five minutes."""
        slot, backend, began = self.slot, self.backend, time.perf_counter()
        for reader in range(READERS[slot]):
            self.ask("POST", f"/articles/article-{reader % 7}/views", client=reader)
            self.ask("GET", "/articles/popular", client=reader)
        self.ask("POST", "/newsletter/signups", {"email": "nonsense", "consent": "newsletter-de-1"})
        for _ in range(8 if slot == ROBOT else 0):
            robot = {"email": "robot@example.org", "website": "https://spam.example"}
            self.ask("POST", "/newsletter/signups", {**robot, "consent": "newsletter-de-1"})
        emails = [f"reader-{slot}-{number}@example.org" for number in range(READERS[slot] // 12)]
        refuse = error_answer(400, "ThrottlingException")
        for number, email in enumerate(emails):
            self.ask(
                "POST",
                "/newsletter/signups",
                {"email": email, "consent": "newsletter-de-1"},
                number,
            )
        with (
            backend.hooked("dynamodb", "before-send.dynamodb", refuse)
            if slot == THROTTLES
            else ExitStack()
        ):
            for number in range(2):
                self.ask("GET", f"/articles/article-{number}/views")
        poison = [{"eventName": "INSERT", "dynamodb": {"NewImage": {}}}] if slot == POISON else []
        down = error_answer(429, "TooManyRequestsException")
        with (
            backend.hooked("sesv2", "before-send.sesv2.SendEmail", down)
            if slot in SES_REFUSES
            else ExitStack()
        ):
            for function, records in (
                ("deliver_messages", backend.records() + poison),
                ("count_views", backend.records("VIEW_MARKERS_TABLE")),
            ):
                self.put(
                    f"AWS/Lambda/IteratorAge/{config.function_name('STAGE', function)}",
                    (time.perf_counter() - began) * 1000,
                )
                self.invoke(
                    function, partial(getattr(app, function), {"Records": records}, Context())
                )
            for function in [*("clock", "rank_articles") * 5, "sweep_views", "read_feed"]:
                self.invoke(function, partial(getattr(app, function), SCHEDULED, Context()))
        for email in emails if slot not in SES_REFUSES else []:
            self.ask("POST", "/newsletter/confirm", {"token": link(backend, email, "confirm")})
        self.invoke("deliver_messages", backend.deliver)
        self.feedback(emails)
        self.put(
            "AWS/SQS/ApproximateNumberOfMessagesVisible/customer-contact-STAGE-dead-letters",
            dead_letters(),
        )

    def feedback(self, emails: list[str]) -> None:
        """Deliver SES's events about the mails, and count the mails that were sent."""
        shape = {BOUNCE: "event-bounce-permanent-general", COMPLAINT: "event-complaint-abuse"}.get(
            self.slot
        )
        if shape:
            self.invoke(
                "mail_feedback",
                partial(
                    mail_feedback,
                    self.backend,
                    told(shape, *welcome(self.backend, key_of(emails[0]))),
                ),
            )
        sent = sum(state == "sent" for state in self.backend.states().values())
        self.put("AWS/SES/Send", sent - self.sent)
        self.sent = sent
        for topic in ("alerts", "operators"):
            self.put(f"AWS/SNS/NumberOfNotificationsFailed/customer-contact-STAGE-{topic}", 0)
        for event, metric, rate in (
            (BOUNCE, "Bounce", "BounceRate"),
            (COMPLAINT, "Complaint", "ComplaintRate"),
        ):
            self.put(f"AWS/SES/{metric}", self.slot == event)
            self.put(
                f"AWS/SES/Reputation.{rate}/customer-contact-STAGE",
                (self.slot >= event) / max(sent, 1),
            )


def main() -> None:
    """Play the hour and write the file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cloud(Path(folder)) as cloud,
        Backend.of_its_own(cloud, "hour") as backend,
    ):
        backend.configure(LIMIT_SIGNUPS_PER_CALLER="1000")
        topic = backend.env["ALERTS_TOPIC_ARN"]
        aws.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@site.example")
        hour = Hour(backend)
        with hour.writes():
            for hour.slot in range(SLOTS):
                with time_machine.travel(BEGIN + timedelta(minutes=5 * hour.slot), tick=True):
                    hour.play()
                print(f"{hour.slot + 1} of {SLOTS}", file=sys.stderr)
    shown = json.loads((ROOT / "infra" / "dashboard.json").read_text())["widgets"]
    names = {name for widget in shown for name, *_ in series(widget["properties"])}
    HOUR.write_text(json.dumps({name: hour.slots[name] for name in sorted(names)}) + "\n")


if __name__ == "__main__":
    main()
