"""What the mails say. Nothing that a stranger typed goes into a mail to an address nobody has confirmed."""

from chalicelib.newsletter.model import Subscriber
from chalicelib.outbox.model import Mail
from chalicelib.pages import render

_SUBJECT = {"de": "Bitte bestätigen Sie Ihre Anmeldung", "en": "Please confirm your subscription"}


def confirmation(subscriber: Subscriber, link: str) -> Mail:
    """The one mail an unconfirmed address gets: no advertising, one link."""
    name, values = f"mail/confirmation.{subscriber.language}", {"link": link}
    return Mail(
        to=(subscriber.email,),
        subject=_SUBJECT[subscriber.language],
        text=render(f"{name}.txt", **values),
        html=render(f"{name}.html", **values),
    )
