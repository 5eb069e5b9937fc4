"""Lines about the alerts to the hotline, and who hears them."""

import time

from chalicelib.outbox import subscribers
from chalicelib.settings import current
from infra import config
from ops.prove.outcomes import Fails, NotDone
from ops.prove.run import Run
from ops.prove.visitor import callback_asked_for
from ops.words import _

_ALERTED = 300.0  # seconds


def alert(run: Run) -> str:
    """Check that a request for a callback is told to the alerts topic."""
    topic = current().alerts_topic_arn
    run.spare_people(topic, current().staff_mail)
    if not run.ask("/hotline").json["open"]:
        raise NotDone(_("the line is closed, and alerts wait for it: run this when it is open"))
    with run.heard(topic, "alerts") as hear:
        began = time.monotonic()
        with callback_asked_for(run) as reference:

            def told() -> bool:
                return any(
                    each.get("MessageAttributes", {}).get("reference", {}).get("Value") == reference
                    for each in hear()
                )

            if not run.wait(_("the alert arrives"), told, _ALERTED):
                raise Fails(_("no alert within %(s)s s", s=round(_ALERTED)))
    return _("%(s)s s after the form", s=f"{time.monotonic() - began:.1f}")


def subscriptions(run: Run) -> str:
    """Check that the topics' subscriptions are confirmed."""
    topics = {"alerts": subscribers.count(current().alerts_topic_arn)}
    if config.operations(run.target.root, run.stage).get("alarm_mail"):
        topics["operators"] = subscribers.count(run.operators())
    told = "; ".join(
        _(
            "%(topic)s: %(confirmed)s confirmed, %(pending)s not",
            topic=topic,
            confirmed=count[0],
            pending=count[1],
        )
        for topic, count in topics.items()
    )
    if any(count == 0 or waiting for count, waiting in topics.values()):
        raise Fails(told)
    return told
