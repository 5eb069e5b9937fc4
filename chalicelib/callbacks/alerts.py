"""What the staff are told. No name and no number leaves the table before somebody has signed in and claimed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.callbacks.model import ON_SHIFT, SUPERVISOR, Callback, Rules
from chalicelib.callbacks.words import TOPICS
from chalicelib.outbox.model import Alert, Mail
from chalicelib.settings import Settings

LONGEST = 160  # characters of one SMS in GSM 03.38's alphabet


def alert(callback: Callback, event: str, settings: Settings) -> Alert:
    """The notification to the topic: `event` is `callback`, or `expired`; one SMS at most, with a link if it fits."""
    due = callback.expected[1].astimezone(ZoneInfo(settings.time_zone)).strftime("%d.%m. %H:%M")
    topic = TOPICS[callback.asked.topic][0]
    if event == "expired":
        said = f"Verfallen: Rueckruf {callback.reference} ({topic}), zugesagt bis {due}."
    else:
        urgent = f" (Stufe {callback.level})" if callback.level else ""
        said = f"Rueckruf {callback.reference}{urgent} bis {due}: {topic}."
    linked = f"{said} {settings.base_url}/staff/callbacks/{callback.reference}"
    attributes = {
        "event": event,
        "level": str(callback.level),
        "topic": callback.asked.topic,
        "reference": callback.reference,
    }
    return Alert(
        f"Rueckruf {callback.reference}", linked if len(linked) <= LONGEST else said, attributes
    )


def recipients(
    callback: Callback, event: str, settings: Settings, rules: Rules, at: datetime
) -> tuple[str, ...]:
    """Who gets it by mail: the staff at first, then whoever is on shift, then the supervisors."""
    supervisors = settings.supervisor_mail or settings.staff_mail
    if event == "expired" or callback.level >= SUPERVISOR:
        return supervisors
    if callback.level == ON_SHIFT:
        return rules.on_shift(at) or settings.staff_mail
    return settings.staff_mail


def mail(callback: Callback, event: str, to: tuple[str, ...], settings: Settings) -> Mail:
    """The same by mail, with the link whatever its length."""
    said = alert(callback, event, settings)
    link = f"{settings.base_url}/staff/callbacks/{callback.reference}"
    text = said.text if link in said.text else f"{said.text}\n{link}"
    subject = said.text.split(". ")[0] if event == "expired" else said.text.partition(":")[0]
    return Mail(to, subject.replace("Rueckruf", "Rückruf"), text)
