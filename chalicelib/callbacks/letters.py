"""The mails to the customer. They hold nothing that was typed, as the address may be another's."""

from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.model import Callback, Letter
from chalicelib.formats import Formats
from chalicelib.outbox.model import Mail
from chalicelib.settings import Settings
from chalicelib.templates import render


def letter(kind: Letter, callback: Callback, link: str, settings: Settings) -> Mail:
    """Compose a mail to the customer in their language, as text and as HTML.

    `link` leads to the customer's page.
    """
    language = callback.asked.language
    template = f"mail/callback-{kind}.{language}"
    values = {
        "reference": callback.reference,
        "window": Formats(language, settings.time_zone).window(*callback.expected),
        "hotline": phone_numbers.display(settings.hotline_number),
        "link": link,
    }
    return Mail(
        to=(callback.asked.email,),
        subject=f"{settings.subject(kind, language)} ({callback.reference})",
        text=render(f"{template}.txt", settings, **values),
        html=render(f"{template}.html", settings, **values),
    )
