"""What the staff are told. No name and no number leaves the table before somebody has signed in and claimed."""

from zoneinfo import ZoneInfo

from chalicelib.callbacks.model import Callback
from chalicelib.outbox.model import Alert, Mail
from chalicelib.settings import Settings

TOPICS = {
    "general": "Allgemeines",
    "buying": "Kauf",
    "selling": "Verkauf",
    "storage": "Verwahrung",
    "order": "Bestellung",
}


def _due(callback: Callback, zone: str) -> str:
    return callback.expected[1].astimezone(ZoneInfo(zone)).strftime("%d.%m. %H:%M")


def alert(callback: Callback, settings: Settings) -> Alert:
    """The notification to the topic: short enough for one SMS of 160 GSM-7 characters."""
    topic = TOPICS[callback.asked.topic]
    text = f"Rueckruf {callback.reference} bis {_due(callback, settings.time_zone)}: {topic}. {settings.base_url}/staff"
    attributes = {"event": "callback", "level": "0", "topic": callback.asked.topic, "reference": callback.reference}
    return Alert(f"Rueckruf {callback.reference}", text, attributes)


def mail(callback: Callback, settings: Settings) -> Mail | None:
    """The same by mail to the staff; None where the settings name nobody."""
    if not settings.staff_mail:
        return None
    said = alert(callback, settings)
    subject = f"Rückruf {callback.reference} bis {_due(callback, settings.time_zone)}"
    return Mail(settings.staff_mail, subject, said.text)
