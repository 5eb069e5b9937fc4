"""The recipes of docs/events.md, as they stand there, against the emulator's topics and queues."""

import importlib.util
import json
import re
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from chalicelib import aws, instants
from chalicelib.newsletter import service
from chalicelib.newsletter.ledger import How
from tests.backend import Backend
from tests.edge.test_domain_events import EVA, publish, subscribe
from tests.outbox.test_domain_events import check

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "events.md").read_text()


def module(path: Path) -> Any:
    """Return a file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


crm = module(ROOT / "examples" / "crm.py")


def block(after: str) -> str:
    """Return the indented block that follows a text of the page."""
    rest = PAGE[PAGE.index(after) + len(after) :]
    found = re.search(r"\n\n((?: {4}.*\n|\n)+)", rest)
    assert found
    return re.sub(r"^ {4}", "", found[1], flags=re.M)


def filled(text: str, topic: str) -> Any:
    """Return a recipe's JSON, with the account and the topic put in."""
    account = topic.split(":")[4]
    return json.loads(text.replace("ACCOUNT", account).replace("TOPIC", topic))


def test_the_event_on_the_page_is_one() -> None:
    check(json.loads(block("the GDPR ([privacy](privacy.md#recipients-of-events)).")))


def test_every_type_is_on_the_page() -> None:
    linked = set(re.findall(r"\(events/([\w.]+\.json)\)", PAGE))
    assert linked == {each.name for each in (ROOT / "docs" / "events").iterdir()}


def event(what: str, sequence: int, **data: Any) -> dict[str, Any]:
    head = {"type": f"subscriber.{what}", "version": 1, "subject": "eva", "sequence": sequence}
    return {**head, "id": f"e{sequence}", "data": data}


LIFE = [
    event("subscribed", 1, topics=["news"], language="de"),
    event("confirmed", 2, topics=["news"], language="de", email=EVA),
    event("preferences_changed", 3, topics=["offers"], language="en"),
    event("unsubscribed", 4, by="page"),
]


def people(*events: dict[str, Any]) -> list[tuple[Any, ...]]:
    file = crm.open_file(":memory:")
    for each in events:
        crm.take(file, each, 0.0)
    asked = "SELECT id, state, topics, language, email FROM people"
    return [tuple(row) for row in file.execute(asked)]


@pytest.mark.parametrize("last", ["subscribed", "confirmed", "preferences_changed", "unsubscribed"])
def test_the_crm_is_right_in_any_order_and_when_all_come_twice(last: str) -> None:
    states = ["subscribed", "confirmed", "preferences_changed", "unsubscribed"]
    life = LIFE[: states.index(last) + 1]
    ended = {tuple(row[:2] for row in people(*each, *each)) for each in permutations(life)}
    state = "confirmed" if last == "preferences_changed" else last
    assert ended == {(("eva", state),)}


def test_the_crm_knows_the_address_and_the_topics_whatever_comes_first() -> None:
    for order in permutations(LIFE[:3]):
        assert people(*order) == [("eva", "confirmed", '["offers"]', "en", EVA)]


def test_the_crm_erases_and_a_late_event_brings_nobody_back() -> None:
    erased = event("erased", 5)
    for order in permutations([*LIFE, erased]):
        assert people(*order) == []
    again = event("confirmed", 6, topics=["news"], language="de")
    assert [row[:2] for row in people(*LIFE, erased, again)] == [("eva", "confirmed")]


def test_the_crm_leaves_what_it_does_not_know() -> None:
    known = people(*LIFE[:2])
    newer = {**event("confirmed", 9, anything="else"), "version": 2}
    later = event("something_new", 8)
    more = {**event("preferences_changed", 3, topics=["offers"], language="en", more=1), "also": 2}
    assert people(*LIFE[:2], newer, later, {"type": "callback.ended"}) == known
    assert people(*LIFE[:2], more)[0][2] == '["offers"]'


def test_the_crm_forgets_whom_nobody_confirmed() -> None:
    file = crm.open_file(":memory:")
    crm.take(file, LIFE[0], 0.0)
    crm.take(file, {**LIFE[1], "subject": "ida"}, 0.0)
    crm.take(file, {**event("erased", 7), "subject": "kim"}, 0.0)
    crm.tidy(file, crm.UNCONFIRMED + 1.0)
    assert [row["id"] for row in file.execute("SELECT id FROM people")] == ["ida"]
    assert len(list(file.execute("SELECT * FROM erased"))) == 1
    crm.tidy(file, crm.KEPT + 1.0)
    assert list(file.execute("SELECT * FROM erased")) == []


def test_the_recipe_for_a_crm(backend: Backend) -> None:
    backend.configure(DOMAIN_EVENTS="1", DOMAIN_EVENTS_ADDRESS="1")
    topic = backend.env["DOMAIN_EVENTS_TOPIC_ARN"]
    sqs, sns = aws.client("sqs"), backend.cloud.client("sns")
    dead = sqs.create_queue(QueueName="crm-dead")["QueueUrl"]
    own = filled(block("by which this topic alone may send:"), topic)
    assert "aws:SourceArn" in own["Policy"]
    queue = sqs.create_queue(QueueName="crm", Attributes={**own, "VisibilityTimeout": "0"})[
        "QueueUrl"
    ]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    attributes = filled(block("Leave `subscriber.erased` in, whatever else you take out:"), topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"], Attributes=attributes)
    file = crm.open_file(":memory:")

    def known() -> list[tuple[Any, ...]]:
        while crm.receive(queue, file, wait=0):
            pass
        return [tuple(row) for row in file.execute("SELECT id, state, email FROM people")]

    key = subscribe(backend)
    publish(backend)
    assert known() == [(key, "confirmed", EVA)]
    service.leave(key, How({"by": "mail"}), instants.now())
    publish(backend)
    assert known() == [(key, "unsubscribed", EVA)]
    service.erase(key, "person", instants.now())
    publish(backend)
    sqs.send_message(QueueUrl=queue, MessageBody="nothing of ours")
    assert known() == []
    (letter,) = sqs.receive_message(QueueUrl=dead)["Messages"]
    assert letter["Body"] == "nothing of ours"


def test_the_recipe_for_a_chat_channel(backend: Backend, tmp_path: Path) -> None:
    function = tmp_path / "to_chat.py"
    function.write_text(block("which the channel is subscribed to:"))
    sns, sqs = backend.cloud.client("sns"), aws.client("sqs")
    channel = sns.create_topic(Name="channel")["TopicArn"]
    url = sqs.create_queue(QueueName="channel")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=channel, Protocol="sqs", Endpoint=arn["QueueArn"], Attributes=raw)
    backend.configure(CHANNEL=channel)
    reference = "R-7F3K"
    told = {"type": "callback.ended", "subject": reference, "data": {"end": "done", "topic": "x"}}
    for each in (told, {"type": "subscriber.erased", "subject": "key", "data": {}}):
        module(function).handler({"Records": [{"Sns": {"Message": json.dumps(each)}}]}, None)
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    card = json.loads(message["Body"])
    assert card["content"]["description"] == f"Rückruf {reference} beendet: done"
    assert (card["version"], card["source"]) == ("1.0", "custom")
