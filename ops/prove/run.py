"""One run of the command on a stage: where the stage is, what was made there, and how to wait."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tqdm import tqdm

from chalicelib.settings import current
from infra import config
from infra.target import Target
from ops.prove.http import Answer, ask
from ops.prove.journal import Journal
from ops.prove.outcomes import NotDone
from ops.words import _

T = TypeVar("T")
Hear = Callable[[], list[dict[str, Any]]]
_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu")
_MACHINES = ("sqs", "lambda", "firehose")  # protocols of SNS that reach no person


@dataclass
class Run:
    """A run on a stage that this process has entered.

    `minute` is how many seconds a minute of the schedules takes: another figure is for an emulator
    whose clock runs fast. Without `people` nothing is done that the company's own people would be
    told of.
    """

    url: str  # of the API, without a slash at its end
    target: Target
    journal: Journal
    say: Callable[[str], None]
    people: bool = False
    minute: float = 60.0
    _looks: float = field(default=5.0, init=False)  # seconds between two looks

    def __post_init__(self) -> None:
        """Look more often where looking costs nothing."""
        self._looks = 5.0 if self.on_aws else 0.2

    @property
    def stage(self) -> str:
        """The stage's name."""
        return self.target.stage

    @property
    def on_aws(self) -> bool:
        """Whether AWS answers, and no emulator."""
        host = urlsplit(self.target.client("sts").meta.endpoint_url).hostname or ""
        return host.endswith(_OF_AWS)

    def name(self, what: str) -> str:
        """Return the name of a resource of the stage."""
        return f"{config.prefix(self.stage)}-{what}"

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask the API; a body that is no bytes goes as JSON."""
        given = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        return ask(self.url + path, method, body, given)

    def wait(self, what: str, look: Callable[[], T], seconds: float) -> T:
        """Look until there is something, and return it; after `seconds` what was seen last.

        Progress is shown, or told once a minute where nobody watches.
        """
        began, told = time.monotonic(), 0
        with tqdm(
            total=round(seconds), desc=what, unit="s", disable=None, leave=False, delay=1
        ) as bar:
            while not (found := look()):
                passed = time.monotonic() - began
                if passed >= seconds:
                    break
                bar.update(min(round(passed), round(seconds)) - bar.n)
                if bar.disable and passed // 60 > told:
                    told = int(passed // 60)
                    most = round(seconds / 60)
                    self.say(
                        _(
                            "    … %(what)s: %(passed)s of %(most)s minutes at most",
                            what=what,
                            passed=told,
                            most=most,
                        )
                    )
                time.sleep(min(self._looks, seconds - passed))
        return found

    def pause(self, what: str, seconds: float) -> None:
        """Let time pass, with progress."""
        self.wait(what, lambda: False, seconds)

    @contextmanager
    def heard(self, topic: str, name: str) -> Iterator[Hear]:
        """Hear a topic through a temporary queue.

        Yields a function that returns what came since it was called last: SNS's envelopes.
        """
        sns, sqs = self.target.client("sns"), self.target.client("sqs")
        # SQS gives a name again only a minute after its queue was deleted.
        queue = self.name(f"prove-{name}-{secrets.token_hex(4)}")
        with self.journal.made_here("queue", name=queue, topic=topic):
            url = sqs.create_queue(QueueName=queue)["QueueUrl"]
            found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
            arn = found["Attributes"]["QueueArn"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, topic)})
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            if self.on_aws:  # a policy takes some seconds until it is known everywhere
                self.pause(_("the queue is made known to the topic"), 30)

            def hear() -> list[dict[str, Any]]:
                came = sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1 if self.on_aws else 0
                ).get("Messages", [])
                for each in came:
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
                return [json.loads(each["Body"]) for each in came]

            yield hear

    def spare_people(self, topic: str, mails: tuple[str, ...] = ()) -> None:
        """Raise NotDone where people would be told by a topic or by mail, and nobody agreed."""
        if self.people or not self.on_aws:
            return
        pages = (
            self.target.client("sns")
            .get_paginator("list_subscriptions_by_topic")
            .paginate(TopicArn=topic)
        )
        reached = sum(
            each["Protocol"] not in _MACHINES for page in pages for each in page["Subscriptions"]
        )
        if reached + len(mails):
            raise NotDone(
                _(
                    "it would tell %(people)s of your people or systems: agree with them and add "
                    "PEOPLE=1",
                    people=reached + len(mails),
                )
            )

    def operators(self) -> str:
        """Return the ARN of the topic that alarms tell. Raises NotDone where there is none."""
        if topic := current().operators_topic_arn:
            return topic
        if self.stage == "local":
            raise NotDone(_("make run sets none of it"))
        raise NotDone(_("this stage has no alarms: make resources makes them"))


def _policy(queue: str, topic: str) -> str:
    """Return a queue's policy that lets a topic send."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
