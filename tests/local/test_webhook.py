"""A webhook of one's own: it confirms its subscription to the alerts topic and reads the fields."""

import json
import queue
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.cloud import Cloud
from tests.edge.test_gateway import call


class Webhook(ThreadingHTTPServer):
    """A server that keeps what SNS posts, and confirms a subscription as SNS asks it to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posts)
        self.received: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/alerts"

    def next(self) -> tuple[str, dict[str, Any]]:
        """Return the next message's type, as the header says it, and its envelope."""
        return self.received.get(timeout=20)


class _Posts(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        kind = self.headers["x-amz-sns-message-type"]
        said = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
        if kind == "SubscriptionConfirmation":
            urllib.request.urlopen(said["SubscribeURL"], timeout=10).close()
        self.server.received.put((kind, said))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(cloud: Cloud, phone: str, topic: str) -> str:
    body = {"name": "Eva Muster", "phone": phone, "consent": "callback-de-1", "topic": topic}
    answer = call(cloud, "POST", "/callbacks", {**body, "note": "Krügerrand"})
    assert answer.status == 202
    return str(answer.json["reference"])


def test_a_webhook_confirms_and_reads_an_alert(cloud: Cloud, webhook: Webhook) -> None:
    sns, topic = cloud.client("sns"), cloud.env["ALERTS_TOPIC_ARN"]
    filtered = {"FilterPolicy": json.dumps({"event": ["callback"], "topic": ["storage"]})}
    before = int(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsConfirmed"])
    asked = sns.subscribe(
        TopicArn=topic, Protocol="http", Endpoint=webhook.url, Attributes=filtered
    )
    assert asked["SubscriptionArn"] == "pending confirmation"
    kind, said = webhook.next()
    assert (kind, said["Type"], said["TopicArn"]) == ("SubscriptionConfirmation", kind, topic)
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert int(attributes["SubscriptionsConfirmed"]) == before + 1
    try:
        ask(cloud, "+49 711 7654321", "selling")  # the filter holds it back
        reference = ask(cloud, "+49 711 7654322", "storage")
        kind, said = webhook.next()
    finally:
        (own,) = [
            each["SubscriptionArn"]
            for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            if each["Endpoint"] == webhook.url
        ]
        sns.unsubscribe(SubscriptionArn=own)
    assert (kind, said["Subject"]) == ("Notification", f"Rueckruf {reference}")
    read = json.loads(said["Message"])
    assert (read["version"], read["source"]) == ("1.0", "custom")
    assert read["content"]["title"] == f"Rückruf {reference}: Verwahrung"
    fields = read["metadata"]["additionalContext"]
    due = fields.pop("due")
    assert due.endswith("Z")
    assert fields == {
        "event": "callback",
        "level": "0",
        "topic": "storage",
        "reference": reference,
        "link": f"{cloud.api}/staff/callbacks/{reference}",
    }
    assert said["MessageAttributes"]["reference"]["Value"] == reference
    whole = json.dumps(said, ensure_ascii=False)
    for secret in ("Eva", "Muster", "7654322", "Krügerrand"):
        assert secret not in whole
    assert webhook.received.empty()
