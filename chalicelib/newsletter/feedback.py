"""What a bounce or a complaint means for the subscriber whose mail it is about."""

from collections.abc import Mapping

from chalicelib import instants
from chalicelib.newsletter import model, service
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Change
from chalicelib.newsletter.stores.subscribers import KINDS, Known
from chalicelib.outbox.feedback import Feedback, Listener
from chalicelib.outbox.model import Message


def _take_feedback(message: Message, feedback: Feedback) -> None:
    """Change the subscriber as a bounce or a complaint demands. Raises Unavailable."""

    def decide(known: Known) -> Change:
        if feedback.kind == "complaint":
            return model.complain(known.subscriber, feedback.at)
        hard = feedback.kind == "hard bounce"
        return model.bounce(known.subscriber, hard, feedback.id, feedback.mailed_at, feedback.at)

    service.change(message.subject, decide, How({"of": message.id}), instants.now())


LISTENERS: Mapping[str, Listener] = dict.fromkeys(KINDS.values(), _take_feedback)
