"""Whether the alerts topic has a confirmed subscription: looked at four times an hour.

SNS takes alerts for a topic that nobody gets them of. It drops a subscription by mail that was not
confirmed within two days, and one whose reader pressed the link in SNS's foot.
"""

import time

from chalicelib import aws, log
from chalicelib.settings import current

_AGAIN_AFTER = 900.0  # seconds
# When this process looked last, by the wall clock: others stand still while Lambda freezes it.
_looked: float | None = None


def look() -> None:
    """Log a warning where nobody is subscribed, if this process has not looked lately."""
    global _looked
    now = time.time()
    lately = _looked is not None and 0 <= now - _looked < _AGAIN_AFTER
    if lately or not current().alerts_topic_arn:
        return
    _looked = now
    try:
        confirmed, pending = count()
    except aws.FAILURES as error:
        log.warning("alerts.subscribers_unknown", error=type(error).__name__)
        return
    if not confirmed:
        log.warning("alerts.nobody_subscribed", pending=pending)


def count() -> tuple[int, int]:
    """Return how many subscriptions the alerts topic has: confirmed, and not confirmed yet.

    Raises the errors of `aws.FAILURES`.
    """
    found = aws.fresh("sns").get_topic_attributes(TopicArn=current().alerts_topic_arn)
    attributes = found["Attributes"]
    return int(attributes["SubscriptionsConfirmed"]), int(attributes["SubscriptionsPending"])


def forget() -> None:
    """Forget when this process looked last."""
    global _looked
    _looked = None
