"""SES's mailbox simulator, and the metrics that are read off log lines."""

import json
from datetime import UTC, datetime

import pytest

from chalicelib.outbox import notices
from local.aws import metrics, simulator
from local.aws.simulator import Sent

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


def sent(*to: str) -> Sent:
    asked = {
        "FromEmailAddress": "Firma <post@firma.de>",
        "Destination": {"ToAddresses": list(to)},
        "EmailTags": [{"Name": "message", "Value": "mail_1"}],
        "ConfigurationSetName": "customer-contact-dev",
    }
    return Sent(asked, "ses-1", "000000000000", "eu-central-1", AT)


@pytest.mark.parametrize(
    ("to", "kinds", "counts"),
    [
        ("success@simulator.amazonses.com", ["Send", "Delivery"], None),
        ("bounce@simulator.amazonses.com", ["Send", "Bounce"], "hard bounce"),
        ("Bounce+a.b@Simulator.AmazonSES.com", ["Send", "Bounce"], "hard bounce"),
        ("E <complaint+1@simulator.amazonses.com>", ["Send", "Delivery", "Complaint"], "complaint"),
        ("suppressionlist@simulator.amazonses.com", ["Send", "Bounce"], "hard bounce"),
        ("ooto@simulator.amazonses.com", ["Send", "Delivery", "Bounce"], None),
        ("nobody@simulator.amazonses.com", [], None),
        ("bounce@example.org", [], None),
        ("bounce@evil.simulator.amazonses.com", [], None),
    ],
)
def test_what_ses_tells_is_read_as_it_is_meant(
    to: str, kinds: list[str], counts: str | None
) -> None:
    told = list(simulator.events(sent(to)))
    assert [each["eventType"] for each in told] == kinds
    read = [notices.read(json.dumps(each), AT) for each in told]
    assert all(each.tagged == ("mail_1",) and each.service_id == "ses-1" for each in read)
    counted = [count for each in read for count in each.counts]
    address = to.rpartition("<")[2].rstrip(">")
    assert counted == ([(address, counts)] if counts else [])


def test_of_several_recipients_each_is_told_of_by_itself() -> None:
    told = simulator.events(sent("bounce@simulator.amazonses.com", "eva@example.org"))
    (bounce,) = [each["bounce"] for each in told if each["eventType"] == "Bounce"]
    assert len(bounce["bouncedRecipients"]) == 1


FILTERS = [
    {
        "filterPattern": '{ $.event = "clock.ticked" }',
        "metricTransformations": [
            {"metricNamespace": "x", "metricName": "Ticks", "metricValue": "1"},
            {"metricNamespace": "x", "metricName": "Oldest", "metricValue": "$.oldest"},
        ],
    }
]


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        ('{"event": "clock.ticked", "oldest": 2.5}', [("x", "Ticks", 1), ("x", "Oldest", 2.5)]),
        ('{"event": "clock.ticked"}', [("x", "Ticks", 1)]),
        ('{"event": "clock.ticked", "oldest": "old"}', [("x", "Ticks", 1)]),
        ('{"event": "other"}', []),
        ("START RequestId: 1", []),
        ("[]", []),
    ],
)
def test_log_lines_are_counted_by_their_filters(
    line: str, counted: list[tuple[str, str, float]]
) -> None:
    assert list(metrics.of(line, FILTERS)) == counted
