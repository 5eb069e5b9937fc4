"""Run the app's real handlers in this process, on a stage's tables in the emulator.

Tests inject faults by botocore events.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from botocore.retries import standard

import app
from chalicelib import aws, intake, keys, log, settings, triggers
from chalicelib.articles import counting, ranking
from chalicelib.articles.stores import counts, markers
from chalicelib.auth import provider
from chalicelib.callbacks import clock, rules
from chalicelib.errors import Unavailable
from chalicelib.newsletter import clock as ledgers
from chalicelib.outbox import account, senders, subscribers
from infra import gateway
from local.aws import payloads
from local.cloud import Cloud
from tests.contract import published
from tests.events import Answer, Context, api_event

FORM = "application/x-www-form-urlencoded"
ORIGIN = "https://www.site.example"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


WEBSITE = {
    "SITE_URL": ORIGIN,
    "SITE_ORIGINS": ORIGIN,
    "ARTICLES_FEED": "",
    "ARTICLES_NAMED": "path",
    "THANK_YOU_PAGES": f"{ORIGIN}/danke,{ORIGIN}/thanks",
    "BASE_URL": "https://contact.site.example",
    "LIMIT_PER_CALLER_FACTOR": "1",
    "STAFF_TEST_KEY": "",
}


class Stop(BaseException):
    """End the process here. It is no Exception, so that nothing catches it, like a kill."""


class Backend:
    """One stage of the app. While it is entered, this process has the settings of its functions."""

    @classmethod
    def of_its_own(cls, cloud: Cloud, stage: str) -> Self:
        """Return a stage on fresh tables, with a website's settings as in production.

        No stream reacts to these tables: a test calls the stream's functions itself.
        """
        return cls(cloud, {**cloud.resources(stage), **WEBSITE})

    def __init__(self, cloud: Cloud, env: dict[str, str]) -> None:
        self.cloud, self.env = cloud, env
        self._before: dict[str, str | None] = {}
        self._sent_before: set[str] = set()
        # Whether the stream takes an intake in as soon as its request is answered. Messages wait
        # for `deliver` all the same.
        self.takes_in = True

    def __enter__(self) -> Self:
        self._before = {name: os.environ.get(name) for name in self.env}
        os.environ.update(self.env)
        # A read of the mailbox takes as long as it is full, and hundreds of tests share it.
        self.cloud.forget_mails()
        self._sent_before = {each["id"] for each in self.cloud.messages()}
        self.forget()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self.forget()

    def configure(self, **values: str) -> None:
        """Change settings of the stage, as a new deployment would."""
        os.environ.update(values)
        self._before.update({name: self._before.get(name) for name in values})
        self.forget()

    def forget(self) -> None:
        """Clear the in-process caches, so that this process knows what a new one would."""
        for cached in (settings.current, aws.client, rules.current):
            cached.cache_clear()
        keys._cache.clear()
        markers.forget()
        counts.forget()
        counting.forget()
        ranking.forget()
        provider.forget()
        log.forget()
        account.forget()
        subscribers.forget()

    def call(
        self,
        method: str,
        url: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        client_ip: str = "192.0.2.1",
    ) -> Answer:
        """Send one request to the API's handler. A body that is not text goes as JSON.

        The published contract has to describe its answer. One that is too large for Lambda is
        the gateway's own answer to a failed function instead.
        """
        given = {"user-agent": BROWSER, **(headers or {})}
        if body is not None and not isinstance(body, str):
            body = json.dumps(body)
        if body is not None:
            given.setdefault("content-type", "application/json")
        with self._intakes() as kept:
            made = app.app(api_event(method, url, body, given, client_ip), Context())
        if self.takes_in and made["statusCode"] < 400:
            self._take_in(kept)
        if payloads.refusal(json.dumps(made).encode()):
            status, answered, text = gateway.answer("DEFAULT_5XX")
            return Answer(status, {k.lower(): v for k, v in answered.items()}, text)
        answer = Answer(
            made["statusCode"], {k.lower(): v for k, v in made["headers"].items()}, made["body"]
        )
        published.check(method, url, answer)
        return answer

    @contextmanager
    def _intakes(self) -> Iterator[list[dict[str, Any]]]:
        """Yield the list of the intakes that are written while entered, as items."""
        kept: list[dict[str, Any]] = []

        def note(params: dict[str, Any], **_: Any) -> None:
            puts = [each["Put"]["Item"] for each in params["TransactItems"] if "Put" in each]
            kept.extend(each for each in puts if each["pk"]["S"].startswith("INTAKE#"))

        event = "provide-client-params.dynamodb.TransactWriteItems"
        events = aws.client("dynamodb").meta.events
        events.register(event, note)
        try:
            yield kept
        finally:
            events.unregister(event, note)

    def _take_in(self, kept: list[dict[str, Any]]) -> None:
        for item in kept:
            try:
                intake.take(intake.of_image(item), triggers.takers())
            except Unavailable:
                pass  # the stream tries again, in `deliver`

    def items(self, table: str = "CONTACTS_TABLE", prefix: str = "") -> list[dict[str, Any]]:
        """Return a table's items as plain dicts, those whose partition key starts with `prefix`."""
        pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=os.environ[table])
        found = [aws.unpack_item(item) for page in pages for item in page["Items"]]
        return [item for item in found if item["pk"].startswith(prefix)]

    def records(self, table: str = "CONTACTS_TABLE") -> list[dict[str, Any]]:
        """Return stream records for the table's items, as if each had just been written."""
        return [
            {
                "eventID": item["pk"],
                "eventName": "MODIFY" if item.get("version") else "INSERT",
                "dynamodb": {
                    "Keys": {name: aws.pack(item[name]) for name in ("pk", "sk") if name in item},
                    "NewImage": aws.pack_item(item),
                },
            }
            for item in self.items(table)
        ]

    def deliver(self) -> None:
        """Deliver every item of the contacts table to its stream's function.

        Then deliver the mails that it sent, as the stream tells of those at once.
        """
        app.deliver_messages({"Records": self.records()}, Context())
        sent = [
            each
            for each in self.records()
            if each["dynamodb"]["NewImage"].get("due_key", {}).get("S", "").startswith("SENT#")
        ]
        if sent:
            app.deliver_messages({"Records": sent}, Context())

    def settle(self) -> None:
        """Deliver the contacts table's items again and again until that changes nothing."""
        before: list[Any] = []
        while before != (before := self.items()):
            self.deliver()

    def count(self) -> None:
        """Deliver every item of the view markers table to its stream's function."""
        app.count_views({"Records": self.records("VIEW_MARKERS_TABLE")}, Context())

    def tick(self, now: datetime) -> dict[str, int]:
        """Run the scheduled jobs at the given time: callbacks, the outbox's sweep, ledgers."""
        moved = clock.tick(lambda: 20.0, now)
        with timeless():
            swept = senders.sweep(triggers.composers(), triggers.takers, lambda: 20.0, lambda: now)
            self.send(now)
        ledgers.tick(lambda: 20.0, now)
        return {**moved, **swept}

    def send(self, now: datetime) -> None:
        """Send what the clock dealt to the senders, one hand after the other."""
        client, queue = aws.client("sqs"), {"QueueUrl": os.environ["OUTBOX_QUEUE_URL"]}
        while found := client.receive_message(**queue, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                dealt = {"Records": [{"body": each["Body"]}]}
                senders.play(
                    dealt, triggers.composers(), triggers.takers, lambda: 60.0, lambda: now
                )
                client.delete_message(**queue, ReceiptHandle=each["ReceiptHandle"])

    def messages(self) -> list[dict[str, Any]]:
        """Return what was sent since the stage was entered, newest first.

        All stages share one mailbox. References are random (one of 700,000), so another stage's
        message may bear the same one: with a hundred references that happens every few hundred
        runs.
        """
        return [each for each in self.cloud.messages() if each["id"] not in self._sent_before]

    def mails(self, address: str) -> list[dict[str, Any]]:
        """Return the mails to an address, newest first."""
        return [
            each for each in self.messages() if each["kind"] == "mail" and address in each["to"]
        ]

    def states(self) -> dict[str, str]:
        """Return the state of each message in the outbox, by its id."""
        return {item["id"]: item["state"] for item in self.items(prefix="MSG#")}

    @contextmanager
    def hooked(self, service: str, event: str, handler: Callable[..., Any]) -> Iterator[None]:
        """Register a handler for a botocore event of a service's client while entered.

        The event is one such as `before-send.sesv2.SendEmail`.
        """
        events = aws.client(service).meta.events
        _do_not_wait(events, service)
        events.register_first(event, handler)
        try:
            yield
        finally:
            events.unregister(event, handler)


@contextmanager
def timeless() -> Iterator[None]:
    """Let senders and retries go on at once while entered: how long they wait takes no time."""
    before, aws.sleep = aws.sleep, lambda seconds: None
    try:
        yield
    finally:
        aws.sleep = before


def _do_not_wait(events: Any, service: str) -> None:
    """Have a client try again at once.

    How often botocore tries is ours to test, not how long it waits.
    """
    for each in events._emitter._handlers.prefix_search(f"needs-retry.{service}.Any"):
        handler = getattr(each, "__self__", None)
        if isinstance(handler, standard.RetryHandler):
            handler._retry_policy._retry_backoff = standard.ExponentialBackoff(max_backoff=0)
