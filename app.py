"""The map: every entrance of customer-contact on one screen.

A request writes a fact and the messages it owes, in one transaction; streams and a clock react.
Handlers import what they need themselves, so that no function pays for another's imports.
"""

import gc
from typing import Any

from chalicelib import settings, triggers
from chalicelib.api import Api, Rate

gc.set_threshold(100_000)  # collecting garbage during the imports takes a tenth of a cold start
stage = settings.current()
# Modules with routes by the first part of their paths, "" for the rest; the first loads at start.
ENTRANCES = {
    "articles": ["articles.routes"],
    "views": ["articles.routes"],
    "page": ["embedded.routes"],
    "forms": ["embedded.pages"],
    "newsletter": ["newsletter.routes", "me.routes"],
    "me": ["me.routes"],
    "callbacks": ["callbacks.routes"],
    "hotline": ["callbacks.routes"],
    "staff": [
        *(f"backoffice.{each}.pages" for each in ("sign_in", "people", "hours", "figures")),
        *(f"{each}.staff.pages" for each in ("callbacks", "newsletter", "articles")),
        *(f"{each}.staff.api" for each in ("callbacks", "newsletter", "articles")),
        "backoffice.figures.api",
    ],
    "": ["web.routes"],
}
app = Api(f"customer-contact-{stage.stage}", ENTRANCES)  # the name of its metrics at the gateway


@app.on_dynamodb_record(stream_arn=stage.contacts_stream_arn, starting_position="TRIM_HORIZON")
def deliver_messages(event: Any) -> None:
    """Take in what the forms kept, deliver new messages, set how long events are kept."""
    triggers.contacts_changed(event.to_dict(), event.context)


@app.on_sqs_message(queue=f"customer-contact-{stage.stage}-outbox", maximum_concurrency=100)
def send_messages(event: Any) -> dict[str, int]:
    """Do what the clock dealt to this sender: intakes left behind, messages that are due."""
    return triggers.messages_dealt(event.to_dict(), event.context)


@app.on_sns_message(topic=stage.mail_events_topic_arn)
def mail_feedback(event: Any) -> None:
    """Record SES's events about mails; act on bounces and complaints."""
    from chalicelib.newsletter.feedback import take
    from chalicelib.outbox import feedback

    feedback.receive(event.to_dict(), take)


@app.on_dynamodb_record(
    stream_arn=stage.view_markers_stream_arn,
    starting_position="TRIM_HORIZON",
    batch_size=98,  # what one transaction holds
    maximum_batching_window_in_seconds=1,  # else a popular article comes in many small transactions
)
def count_views(event: Any) -> None:
    """Add the new markers to their articles' sums."""
    from chalicelib.articles import counting

    counting.react(event.to_dict()["Records"])


@app.schedule(Rate(1, unit=Rate.MINUTES))
def clock(event: Any) -> dict[str, int]:
    """Do what is due: callbacks, messages, erasures; see whether the alerts have readers."""
    return triggers.minute_passed(event.context)


@app.schedule(Rate(5, unit=Rate.MINUTES))
def sweep_views(event: Any) -> int:
    """Count the views that the stream missed."""
    from chalicelib.articles import counting

    return counting.sweep()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def rank_articles(event: Any) -> None:
    """Rebuild the most-read lists."""
    from chalicelib.articles import ranking

    ranking.rank(left=triggers.time_left(event.context))


@app.schedule(Rate(10, unit=Rate.MINUTES))
def read_feed(event: Any) -> bool:
    """Learn from the site's feed which articles there are."""
    from chalicelib.articles import reading

    return reading.read(left=triggers.time_left(event.context))
