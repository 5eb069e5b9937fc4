"""The mails to the customer.

They hold nothing that was typed but the last digits of the number, as the address may be another's.
"""

from chalicelib import company
from chalicelib.callbacks import phone_numbers
from chalicelib.callbacks.model import Callback, Letter, Wish
from chalicelib.callbacks.opening_hours import Hours
from chalicelib.formats import Formats
from chalicelib.outbox.model import Mail
from chalicelib.settings import Settings
from chalicelib.templates import render

_DIGITS = 3  # of the number that are told


def letter(
    kind: Letter,
    callback: Callback,
    wish: Wish,
    link: str,
    calendar: str,
    settings: Settings,
    hours: Hours,
) -> Mail:
    """Compose a mail to the customer in their language, as text and as HTML.

    `link` leads to the customer's page, `calendar` to the call's calendar file; `hours` are the
    line's.
    """
    own = company.current()
    language = own.spoken(wish.asked.language)
    template = f"mail/callback-{kind}"
    # After a talk in which another time was agreed on, nobody has tried to call at that time.
    tried = bool(callback.attempts) and callback.attempts[-1].outcome != "later"
    about = "expired" if kind == "missed" and not tried else kind
    formats = Formats(language, settings.time_zone)
    values = {
        "reference": wish.reference,
        "window": formats.window(*wish.expected),
        "digits": wish.asked.phone[-_DIGITS:],
        "hotline": phone_numbers.display(settings.hotline_number),
        "hours": formats.week(hours.week),
        "change": link,
        "calendar": calendar,
        "tried": tried,
        "callback_form": own.link("support", language),
    }
    return Mail(
        to=(wish.asked.email,),
        subject=f"{own.texts[language][f'subject_{about}']} ({wish.reference})",
        text=render(f"{template}.txt", settings, language, **values),
        html=render(f"{template}.html", settings, language, **values),
    )
