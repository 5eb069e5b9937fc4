"""What is watched: the metrics that are read off the log lines, and when somebody is told.

Each alarm has a row in docs/operations.md that says what to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from infra import config
from infra.policies import RIGHTS as FUNCTIONS

SENDERS = ("deliver_messages", "clock")


@dataclass(frozen=True)
class Measure:
    """A metric read off log lines: which lines of which functions, and the value a line stands for."""

    name: str
    pattern: str
    functions: Iterable[str]
    value: str = "1"


def _event(name: str) -> str:
    return f'{{ $.event = "{name}" }}'


MEASURES = (
    Measure(
        "Exceptions",
        '{ $.level = "ERROR" }',
        tuple(each for each in FUNCTIONS if each != "rank_articles"),
    ),
    Measure("Unavailable", _event("http.unavailable"), ("api_handler",)),
    Measure("Unclear", _event("message.unclear"), SENDERS),
    Measure("Failed", _event("message.failed"), SENDERS),
    Measure("Refused", _event("message.refused"), SENDERS, "$.attempts"),
    Measure("Capped", _event("mail.cap"), SENDERS),
    Measure("Ticks", _event("clock.ticked"), ("clock",)),
    Measure("Oldest", _event("clock.ticked"), ("clock",), "$.oldest"),
    Measure("Overlooked", _event("markers.overlooked"), ("sweep_views",), "$.found"),
    Measure("Foreign", _event("feedback.foreign_topic"), ("mail_feedback",)),
)


@dataclass(frozen=True)
class Alarm:
    """When somebody is told. Without a namespace the metric is one of ours; without data nothing is wrong."""

    name: str
    why: str
    metric: str
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5
    times: int = 1
    namespace: str = ""
    of: tuple[str, str] = ("", "")  # the metric's dimension, if it has one
    below: bool = False  # below the threshold, or no data, instead of reaching it


def namespace(stage: str) -> str:
    """The namespace of a stage's metrics of ours."""
    return f"{config.APP}/{stage}"


def alarms(stage: str) -> list[Alarm]:
    """Every alarm of a stage."""
    prefix = config.prefix(stage)
    found = [
        Alarm("exceptions", "A function met what nobody foresaw.", "Exceptions", 1),
        Alarm(
            "unavailable",
            "Requests were answered 503: the tables or a secret did not answer.",
            "Unavailable",
            5,
        ),
        Alarm(
            "messages-overdue",
            "Messages wait for longer than ten minutes.",
            "Oldest",
            600,
            "Maximum",
            times=2,
        ),
        Alarm(
            "messages-refused",
            "SES or SNS refused a message for the sixth time.",
            "Refused",
            6,
            "Maximum",
        ),
        Alarm(
            "messages-unclear",
            "SES or SNS did not answer: a message may have left or not.",
            "Unclear",
            1,
        ),
        Alarm("messages-failed", "A message was given up.", "Failed", 1),
        Alarm(
            "mail-cap", "The day's mails are used up: further ones wait for tomorrow.", "Capped", 1
        ),
        Alarm(
            "clock-silent",
            "The clock has not ticked for ten minutes.",
            "Ticks",
            1,
            times=2,
            below=True,
        ),
        Alarm(
            "views-overlooked",
            "Views were counted late: the stream did not tell of them.",
            "Overlooked",
            1,
            minutes=60,
        ),
        Alarm("foreign-topic", "Somebody sent mail events that are not ours.", "Foreign", 1),
        Alarm(
            "dead-letters",
            "Something could not be done and was set aside.",
            "ApproximateNumberOfMessagesVisible",
            1,
            "Maximum",
            namespace="AWS/SQS",
            of=("QueueName", f"{prefix}-dead-letters"),
        ),
        Alarm(
            "bounces",
            "More than 4 % of the mails come back; at 10 % AWS stops the account's mail.",
            "Reputation.BounceRate",
            0.04,
            "Maximum",
            60,
            namespace="AWS/SES",
            of=("ses:configuration-set", prefix),
        ),
        Alarm(
            "complaints",
            "More than 0.08 % of the readers complain; at 0.5 % AWS stops the account's mail.",
            "Reputation.ComplaintRate",
            0.0008,
            "Maximum",
            60,
            namespace="AWS/SES",
            of=("ses:configuration-set", prefix),
        ),
        Alarm(
            "throttled",
            "Functions of this account were throttled.",
            "Throttles",
            10,
            namespace="AWS/Lambda",
        ),
    ]
    for function in FUNCTIONS:
        of = ("FunctionName", config.function_name(stage, function))
        found.append(
            Alarm(
                f"errors-{function}".replace("_", "-"),
                f"The function {function} failed.",
                "Errors",
                1,
                namespace="AWS/Lambda",
                of=of,
            )
        )
        if any(thing.endswith("Stream") for thing in FUNCTIONS[function]):
            found.append(
                Alarm(
                    f"behind-{function}".replace("_", "-"),
                    f"The function {function} is five minutes behind its stream.",
                    "IteratorAge",
                    300_000,
                    "Maximum",
                    namespace="AWS/Lambda",
                    of=of,
                )
            )
    for table in ("contacts", "view-markers", "view-counts"):
        found.append(
            Alarm(
                f"throttled-{table}",
                f"The table {table} refused writes.",
                "WriteThrottleEvents",
                10,
                namespace="AWS/DynamoDB",
                of=("TableName", f"{prefix}-{table}"),
            )
        )
    return [each if each.namespace else replace(each, namespace=namespace(stage)) for each in found]
