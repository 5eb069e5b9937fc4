"""What the customer is written, where they gave an address: nothing they typed, as the address may be another's."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.callbacks import numbers
from chalicelib.callbacks.model import Callback, Letter
from chalicelib.outbox.model import Mail
from chalicelib.pages import render
from chalicelib.settings import Settings


def letter(kind: Letter, callback: Callback, link: str, settings: Settings) -> Mail:
    """A mail to the customer in their language, as text and as HTML; `link` leads to their page."""
    asked, zone = callback.asked, settings.time_zone
    template = f"mail/callback-{kind}.{asked.language}"
    values = {
        "reference": callback.reference,
        "window": window(callback.expected, zone, asked.language),
        "hotline": numbers.display(settings.hotline_number),
        "link": link,
    }
    subject = f"{settings.subject(kind, asked.language)} ({callback.reference})"
    return Mail(
        (asked.email,),
        subject,
        render(f"{template}.txt", **values),
        render(f"{template}.html", **values),
    )


def slot(span: tuple[datetime, datetime], zone: str, language: str) -> str:
    """A bookable window, short enough to be chosen on a telephone: `Di 24.11. 09:00–11:00`."""
    begins, ends = (at.astimezone(ZoneInfo(zone)) for at in span)
    day = ("Mo Di Mi Do Fr Sa So", "Mon Tue Wed Thu Fri Sat Sun")[language == "en"].split()[
        begins.weekday()
    ]
    return f"{day} {begins:%d.%m.} {begins:%H:%M}–{until(begins, ends) or f'{ends:%d.%m. %H:%M}'}"


def window(expected: tuple[datetime, datetime], zone: str, language: str) -> str:
    """A span in words: `am 24.11.2026 zwischen 09:00 und 11:00 Uhr`, over days with both."""
    begins, ends = (at.astimezone(ZoneInfo(zone)) for at in expected)
    closes = until(begins, ends)
    if language == "en":
        if closes:
            return f"on {begins:%d %B %Y} between {begins:%H:%M} and {closes}"
        return f"between {begins:%d %B %Y, %H:%M} and {ends:%d %B %Y, %H:%M}"
    if closes:
        return f"am {begins:%d.%m.%Y} zwischen {begins:%H:%M} und {closes} Uhr"
    return f"zwischen {begins:%d.%m.%Y, %H:%M} Uhr und {ends:%d.%m.%Y, %H:%M} Uhr"


def until(begins: datetime, ends: datetime) -> str | None:
    """The time of day at which a local span ends, `24:00` at midnight; None where that is on another day."""
    if begins.date() == ends.date():
        return f"{ends:%H:%M}"
    day_after = datetime.combine(begins + timedelta(days=1), time.min, begins.tzinfo)
    return "24:00" if ends == day_after else None
