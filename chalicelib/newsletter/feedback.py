"""What a bounce or a complaint means for the subscriber it names."""

from chalicelib import instants
from chalicelib.newsletter import model, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.model import Change
from chalicelib.newsletter.stores.subscribers import Known
from chalicelib.outbox.feedback import Feedback


def take(feedback: Feedback) -> None:
    """Change the subscriber as a bounce or a complaint demands, if there is one.

    Whose mail it was does not matter: the recipient decides. Raises Unavailable.
    """
    try:
        key = key_of(feedback.recipient)
    except ValueError:
        return  # SES cannot reach such an address, so it is none of ours

    def decide(known: Known) -> Change:
        before, mailed_at, at = known.subscriber, feedback.mailed_at, feedback.at
        if feedback.kind == "complaint":
            return model.complain(before, mailed_at, at)
        return model.bounce(before, feedback.kind == "hard bounce", feedback.id, mailed_at, at)

    service.change(key, decide, How({"of": feedback.mail}), instants.now())
