"""Whether anybody hears the alerts and the alarms: looked at four times an hour.

SNS takes what is published to a topic that nobody gets it of. It drops a subscription by mail that
was not confirmed within two days, and one whose reader, or a scanner of mails, pressed the link in
SNS's foot. Alerts also leave as mails. Alarms do not: that nobody hears them is told to the
supervisors by a mail of ours, once a week until somebody is subscribed.
"""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib import aws, company, instants, log, texts
from chalicelib.outbox import model, store
from chalicelib.outbox.model import Mail, Message
from chalicelib.settings import current

if TYPE_CHECKING:  # the senders import this module for its composer
    from chalicelib.outbox.delivery import Composer

UNHEARD = "operators-unheard"
_AGAIN_AFTER = 900.0  # seconds
# When this process looked last, by the wall clock: others stand still while Lambda freezes it.
_looked: float | None = None


def look() -> None:
    """Log a warning where nobody is subscribed, if this process has not looked lately.

    Where nobody hears the alarms, owe a mail, too, unless somebody may yet confirm.
    """
    global _looked
    now = time.time()
    if _looked is not None and 0 <= now - _looked < _AGAIN_AFTER:
        return
    _looked = now
    _hears("alerts", current().alerts_topic_arn)
    if not _hears("operators", current().operators_topic_arn):
        _owe(instants.now())


def _hears(whose: str, topic: str) -> bool:
    """Return whether somebody may hear a topic, also where that is unknown or there is no topic."""
    if not topic:
        return True
    try:
        confirmed, pending = count(topic)
    except aws.FAILURES as error:
        log.warning(f"{whose}.subscribers_unknown", error=type(error).__name__)
        return True
    if not confirmed:
        log.warning(f"{whose}.nobody_subscribed", pending=pending)
    return bool(confirmed or pending)


def count(topic: str) -> tuple[int, int]:
    """Return how many subscriptions a topic has: confirmed, and not confirmed yet.

    Raises the errors of `aws.FAILURES`.
    """
    attributes = aws.fresh("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    return int(attributes["SubscriptionsConfirmed"]), int(attributes["SubscriptionsPending"])


def _owe(now: datetime) -> None:
    """Owe this week's mail, which is one however often it is owed."""
    year, week, _ = now.isocalendar()
    try:
        message = model.owe(UNHEARD, "operators", year * 100 + week, now, lane="alerts")
        aws.write(store.owed(message))
    except aws.Cancelled:
        pass  # it is owed already


def _mail(message: Message, now: datetime) -> Mail | None:
    settings, own = current(), company.current()
    to = settings.supervisor_mail or settings.staff_mail
    if not to:
        return None
    words = texts.of(own.language)
    told = {"stage": settings.stage, "alarm": UNHEARD}
    said = (
        words.gettext(
            "The alarms of this system (stage %(stage)s) reach nobody at present. Mails and "
            "callbacks go on, but if one of them gets stuck, nobody is told."
        ),
        words.gettext(
            "Please pass this on to whoever operates it: nobody is subscribed to the alarms. The "
            "subscription was never made, never confirmed, or it has ended, perhaps by a scanner "
            "of e-mails that pressed “unsubscribe” in an alarm. What to do is in "
            "docs/operations.md, alarm %(alarm)s."
        ),
        words.gettext("This e-mail comes once a week until somebody gets the alarms again."),
    )
    subject = words.gettext("Nobody hears the alarms (stage %(stage)s)") % told
    text = "\n\n".join(each % told for each in (*said, f"-- \n{own.legal_name}"))
    return Mail(to, subject, f"{text}\n")


COMPOSERS: "Mapping[str, Composer]" = {UNHEARD: _mail}


def forget() -> None:
    """Forget when this process looked last."""
    global _looked
    _looked = None
