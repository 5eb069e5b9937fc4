"""The map: every entrance of customer-contact on one screen.

A request writes a fact and the messages it owes, in one transaction. Everything else reacts: the tables'
streams and a clock. Handlers import what they need themselves, so that no function pays for another's imports.
"""

import gc
from typing import Any

from chalice import Rate

from chalicelib import log, settings
from chalicelib.api import Api

gc.set_threshold(
    100_000
)  # what is imported stays: to look through it for garbage each time is a tenth of a start
stage = settings.current()
# Where the routes are, by the first part of a path, "" for all others; the first come at a start, others once asked.
ENTRANCES = {
    "articles": ["articles.routes"],
    "newsletter": ["newsletter.routes"],
    "callbacks": ["callbacks.routes"],
    "hotline": ["callbacks.routes"],
    "staff": [
        "staff.routes",
        "staff.board.routes",
        "staff.lead.routes",
        "staff.numbers.routes",
        "callbacks.desk",
        "newsletter.desk",
    ],
    "": ["web.routes"],
}
app = Api("customer-contact", ENTRANCES)
for source in ("dynamodb", "sns", "scheduled"):
    app.register_middleware(log.follow, source)


def _composers() -> Any:
    """Who says what, when a message of a kind is due."""
    from chalicelib.callbacks.reactions import COMPOSERS as CALLBACKS
    from chalicelib.newsletter.reactions import COMPOSERS as NEWSLETTER

    return {**NEWSLETTER, **CALLBACKS}


@app.on_dynamodb_record(stream_arn=stage.contacts_stream_arn, starting_position="TRIM_HORIZON")
def deliver(event: Any) -> None:
    """A message is due: it leaves by SES or SNS. A subscription ended: its data gets its end."""
    from chalicelib.newsletter.reactions import settle
    from chalicelib.outbox import delivery

    delivery.react(event.to_dict()["Records"], _composers(), settle)


@app.on_sns_message(topic=stage.mail_events_topic_arn)
def hear(event: Any) -> None:
    """A mail came back, or its reader complained."""
    from chalicelib.newsletter.reactions import LISTENERS
    from chalicelib.outbox import feedback

    feedback.receive(event.to_dict(), LISTENERS)


@app.on_dynamodb_record(
    stream_arn=stage.view_markers_stream_arn,
    starting_position="TRIM_HORIZON",
    batch_size=98,  # what one transaction holds
    maximum_batching_window_in_seconds=1,  # without it a popular article comes in many small transactions
)
def count(event: Any) -> None:
    """Articles were read: their sums grow."""
    from chalicelib.articles import counting

    counting.react(event.to_dict()["Records"])


@app.schedule(Rate(1, unit=Rate.MINUTES))
def clock(event: Any) -> dict[str, int]:
    """What has fallen due, or was left behind: callbacks for half of the time, then messages, then erasures."""
    from chalicelib.callbacks import clock
    from chalicelib.outbox import delivery

    def left() -> float:
        return float(event.context.get_remaining_time_in_millis()) / 1000

    half = left() / 2
    moved = clock.tick(lambda: left() - half)
    return {**moved, **delivery.sweep(_composers(), left), "erased": len(clock.erase(left))}


@app.schedule(Rate(5, unit=Rate.MINUTES))
def sweep(event: Any) -> int:
    """Views that the stream never told of."""
    from chalicelib.articles import counting

    return counting.sweep()


@app.schedule(Rate(1, unit=Rate.MINUTES))
def rank(event: Any) -> None:
    """The most-read lists."""
    from chalicelib.articles import ranking

    ranking.rank()
