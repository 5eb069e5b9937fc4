"""The map: every entrance of customer-contact on one screen.

A request writes a fact and the messages it owes, in one transaction; streams and a clock react.
Handlers import what they need themselves, so that no function pays for another's imports.
"""

import gc
from typing import Any

from chalice import Rate

from chalicelib import settings
from chalicelib.api import Api

gc.set_threshold(100_000)  # collecting garbage during the imports takes a tenth of a cold start
stage = settings.current()
# Modules with routes by the first part of their paths, "" for the rest; the first loads at start.
ENTRANCES = {
    "articles": ["articles.routes"],
    "newsletter": ["newsletter.routes"],
    "callbacks": ["callbacks.routes"],
    "hotline": ["callbacks.routes"],
    "staff": [
        *(f"backoffice.{each}.pages" for each in ("sign_in", "people", "hours", "figures")),
        *(f"{each}.staff.pages" for each in ("callbacks", "newsletter")),
        *(f"{each}.staff.api" for each in ("callbacks", "newsletter", "articles")),
        "backoffice.figures.api",
    ],
    "": ["web.routes"],
}
app = Api("customer-contact", ENTRANCES)


def _composers() -> Any:
    """Return the functions that compose due messages, by the message's kind."""
    from chalicelib.callbacks.reactions import COMPOSERS as CALLBACKS
    from chalicelib.newsletter.reactions import COMPOSERS as NEWSLETTER

    return {**NEWSLETTER, **CALLBACKS}


@app.on_dynamodb_record(stream_arn=stage.contacts_stream_arn, starting_position="TRIM_HORIZON")
def deliver_messages(event: Any) -> None:
    """Deliver the contacts table's new messages; set how long subscribers' events are kept."""
    from chalicelib.newsletter.reactions import settle_ledger
    from chalicelib.outbox import delivery

    delivery.react(event.to_dict()["Records"], _composers(), settle_ledger)


@app.on_sns_message(topic=stage.mail_events_topic_arn)
def mail_feedback(event: Any) -> None:
    """Record SES's events about mails; act on bounces and complaints."""
    from chalicelib.newsletter.feedback import LISTENERS
    from chalicelib.outbox import feedback

    feedback.receive(event.to_dict(), LISTENERS)


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
    """Do what is due: callbacks for half of the time, then messages, then erasures."""
    from chalicelib.callbacks import clock, erasure
    from chalicelib.outbox import delivery

    def left() -> float:
        return float(event.context.get_remaining_time_in_millis()) / 1000

    half = left() / 2
    counts = clock.tick(lambda: left() - half) | delivery.sweep(_composers(), left)
    return {**counts, "erased": len(erasure.erase_ended(left))}


@app.schedule(Rate(5, unit=Rate.MINUTES))
def sweep_views(event: Any) -> int:
    """Count the views that the stream missed."""
    from chalicelib.articles import counting

    return counting.sweep()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def rank_articles(event: Any) -> None:
    """Rebuild the most-read lists."""
    from chalicelib.articles import ranking

    ranking.rank()
