"""The metrics that CloudWatch reads off the log lines, and the alarms of a stage.

docs/operations.md has a row for each alarm that says what to do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from infra import config, purse
from infra.policies import RIGHTS as FUNCTIONS

GATEWAY = "gateway"  # in the place of a function: the gateway's access log
SENDERS = ("deliver_messages", "send_messages", "clock")


@dataclass(frozen=True)
class Measure:
    """A metric read off log lines: which lines count, of which functions or of the gateway."""

    name: str
    pattern: str
    functions: Iterable[str]
    value: str = "1"


def _event(name: str) -> str:
    return f'{{ $.event = "{name}" }}'


# The ranker and the reader of the feed log no error: each takes a failure as the next try's.
_LOG_ERRORS = tuple(each for each in FUNCTIONS if each not in ("rank_articles", "read_feed"))

# fmt: off
MEASURES = (
    Measure("Exceptions",  '{ $.level = "ERROR" }',          _LOG_ERRORS),
    Measure("Unavailable", _event("http.unavailable"),       ("api_handler",)),
    Measure("Unclear",     _event("message.unclear"),        SENDERS),
    Measure("Failed",      _event("message.failed"),         (*SENDERS, "mail_feedback")),
    Measure("Refused",     _event("message.refused"),        SENDERS, "$.attempts"),
    Measure("Unknown",     _event("kind.unknown"),   SENDERS),
    Measure("Slowed",      _event("mail.slowed"),            SENDERS),
    Measure("Capped",      _event("mail.cap"),               SENDERS),
    Measure("Ticks",       _event("clock.ticked"),           ("clock",)),
    Measure("Oldest",      _event("clock.ticked"),           ("clock",), "$.oldest"),
    Measure("Unheard",     _event("alerts.nobody_subscribed"), ("clock",)),
    Measure("OperatorsUnheard", _event("operators.nobody_subscribed"), ("clock",)),
    Measure("Overlooked",  _event("markers.overlooked"),     ("sweep_views",), "$.found"),
    Measure("Outgrown",    _event("markers.outgrown"),       ("sweep_views",)),
    Measure("TooSlow",     _event("ranking.too_slow"),       ("rank_articles",)),
    Measure("FeedFailed",  _event("feed.failed"),            ("read_feed",)),
    Measure("Refusals",    '{ $.error = "THROTTLED" }',      (GATEWAY,)),
    Measure("Foreign",     _event("attempt.topic"),          ("mail_feedback",), "$.count"),
    Measure("Attempts",    _event("attempt.*"),     ("api_handler", "mail_feedback"), "$.count"),
    Measure("HeadsLate",   _event("heads.late"),             ("clock",)),
    Measure("LedgersStopped", _event("ledgers.stopped"),     ("clock",)),
)
# fmt: on


@dataclass(frozen=True)
class Alarm:
    """A CloudWatch alarm: it fires when a metric reaches a threshold, and not for missing data.

    Without a `namespace` the metric is one of `MEASURES`.
    """

    name: str
    why: str  # begins the alarm's description
    metric: str
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5  # length of an evaluated period
    times: int = 1  # periods in a row before the alarm fires
    namespace: str = ""
    of: tuple[str, str] = ("", "")  # name and value of the metric's dimension, if it has one
    below: bool = False  # fire below the threshold or without data instead


def namespace(stage: str) -> str:
    """Return the CloudWatch namespace of the metrics that are read off a stage's logs."""
    return f"{config.APP}/{stage}"


def alarms(stage: str, operations: Mapping[str, Any] | None = None) -> list[Alarm]:
    """Return every alarm of a stage; `operations` has the settings of `infra.purse`."""
    given = operations or {}
    prefix = config.prefix(stage)
    dead_letters = ("QueueName", f"{prefix}-dead-letters")
    configuration_set = ("ses:configuration-set", prefix)
    # fmt: off
    found = [
        Alarm("exceptions", "A function logged an error that nobody foresaw.",
              "Exceptions", 1),
        Alarm("unavailable", "Requests were answered 503: the tables or a secret did not answer.",
              "Unavailable", 5),
        Alarm("messages-overdue", "Messages wait for longer than ten minutes.",
              "Oldest", 600, "Maximum", times=2),
        Alarm("messages-refused", "SES or SNS refused a message for the sixth time.",
              "Refused", 6, "Maximum"),
        Alarm("messages-unclear", "SES or SNS did not answer: a message may have left or not.",
              "Unclear", 1),
        Alarm("messages-failed", "A message was given up.",
              "Failed", 1),
        Alarm("messages-unknown", "Messages or intakes wait for a version that knows their kind.",
              "Unknown", 1, times=2),
        Alarm("mail-slowed", "For a quarter of an hour SES takes no more: rate, quota or a stop.",
              "Slowed", 1, times=3),
        Alarm("mail-cap", "A lane's mails of the day are used up: further ones wait for tomorrow.",
              "Capped", 1),
        Alarm("alerts-failed", "SNS could not deliver an alert to a subscriber.",
              "NumberOfNotificationsFailed", 1,
              namespace="AWS/SNS", of=("TopicName", f"{prefix}-alerts")),
        Alarm("alerts-unheard", "The alerts topic has no confirmed subscription.",
              "Unheard", 1, minutes=60),
        Alarm("operators-unheard", "Nobody hears the alarms: "
                                   "the operators topic has no confirmed subscription.",
              "OperatorsUnheard", 1, minutes=60),
        Alarm("operators-failed", "SNS could not deliver an alarm to a subscriber.",
              "NumberOfNotificationsFailed", 1,
              namespace="AWS/SNS", of=("TopicName", f"{prefix}-operators")),
        Alarm("sms-spend", "Four fifths of what SMS may cost in a month are spent.",
              "SMSMonthToDateSpentUSD", round(0.8 * purse.setting(given, "sms_usd"), 4), "Maximum",
              60, namespace="AWS/SNS"),
        Alarm("domain-events-failed", "SNS could not deliver an event to another system.",
              "NumberOfNotificationsFailed", 1,
              namespace="AWS/SNS", of=("TopicName", f"{prefix}-domain-events")),
        Alarm("clock-silent", "The clock has not ticked for ten minutes.",
              "Ticks", 1, times=2, below=True),
        Alarm("views-overlooked", "Views were counted late, by the sweeper, not by the stream.",
              "Overlooked", 1, minutes=60),
        Alarm("views-outgrown", "The sweeper needs longer for the markers than they live.",
              "Outgrown", 1, minutes=60),
        Alarm("lists-too-slow", "The most-read lists were not renewed for a quarter of an hour.",
              "TooSlow", 3, times=3),
        Alarm("feed-failed", "The site's feed cannot be read for an hour.",
              "FeedFailed", 5, minutes=60),
        Alarm("requests", "An hour had as many requests as a quarter of a day should have.",
              "Count", purse.requests_an_hour(given), minutes=60,
              namespace="AWS/ApiGateway", of=("ApiName", prefix)),
        Alarm("too-many", "The gateway refused requests for being too many at once.",
              "Refusals", 100),
        Alarm("foreign-topic", "Mail events came from an SNS topic that is not ours.",
              "Foreign", 1),
        Alarm("attempts", "What is refused was tried a hundred times: forged links or tokens, "
                          "foreign pages, filled traps, used proofs.",
              "Attempts", 100),
        Alarm("heads-late", "Ledgers have waited for more than a day to be looked after.",
              "HeadsLate", 1, minutes=60),
        Alarm("ledgers-stopped", "For a quarter of an hour the ledgers could not be looked after.",
              "LedgersStopped", 1, times=3),
        Alarm("dead-letters", "Something could not be done and lies in the dead-letter queue.",
              "ApproximateNumberOfMessagesVisible", 1, "Maximum",
              namespace="AWS/SQS", of=dead_letters),
        Alarm("bounces", "More than 4 % of the mails come back; "
                         "at 10 % AWS stops the account's mail.",
              "Reputation.BounceRate", 0.04, "Maximum", 60,
              namespace="AWS/SES", of=configuration_set),
        Alarm("complaints", "More than 0.08 % of the readers complain; "
                            "at 0.5 % AWS stops the account's mail.",
              "Reputation.ComplaintRate", 0.0008, "Maximum", 60,
              namespace="AWS/SES", of=configuration_set),
        Alarm("throttled", "Functions of this account were throttled.",
              "Throttles", 10, namespace="AWS/Lambda"),
    ]
    for function in FUNCTIONS:
        of = ("FunctionName", config.function_name(stage, function))
        found.append(
            Alarm(f"errors-{function}".replace("_", "-"), f"The function {function} failed.",
                  "Errors", 1, namespace="AWS/Lambda", of=of)
        )
        if any(thing.endswith("Stream") for thing in FUNCTIONS[function]):
            found.append(
                Alarm(f"behind-{function}".replace("_", "-"),
                      f"The function {function} is five minutes behind its stream.",
                      "IteratorAge", 300_000, "Maximum", namespace="AWS/Lambda", of=of)
            )
    for table in ("contacts", "view-markers", "view-counts"):
        found.append(
            Alarm(f"throttled-{table}", f"The table {table} refused writes.",
                  "WriteThrottleEvents", 10,
                  namespace="AWS/DynamoDB", of=("TableName", f"{prefix}-{table}"))
        )
    # fmt: on
    return [each if each.namespace else replace(each, namespace=namespace(stage)) for each in found]
