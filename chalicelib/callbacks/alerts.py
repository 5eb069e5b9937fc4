"""The alerts to the staff. They hold no name and no number: those are shown after a claim."""

from datetime import datetime
from zoneinfo import ZoneInfo

from chalicelib.callbacks.model import ON_SHIFT, SUPERVISOR, Callback, Rules
from chalicelib.callbacks.words import TOPICS
from chalicelib.outbox.model import Alert, Mail
from chalicelib.settings import Settings

LONGEST = 160  # characters of one SMS in GSM 03.38's alphabet


def alert(callback: Callback, event: str, settings: Settings) -> Alert:
    """Compose the notification to the topic: at most one SMS, with a link if that fits.

    `event` is `callback` for a request that waits, or `expired`.
    """
    text = _sentence(callback, event, settings)
    linked = f"{text} {_link(callback, settings)}"
    attributes = {
        "event": event,
        "level": str(callback.level),
        "topic": callback.asked.topic,
        "reference": callback.reference,
    }
    return Alert(
        f"Rueckruf {callback.reference}", linked if len(linked) <= LONGEST else text, attributes
    )


def recipients(
    callback: Callback, event: str, settings: Settings, rules: Rules, at: datetime
) -> tuple[str, ...]:
    """Return who gets the alert by mail: first the staff, then those on shift, then supervisors."""
    supervisors = settings.supervisor_mail or settings.staff_mail
    if event == "expired" or callback.level >= SUPERVISOR:
        return supervisors
    if callback.level == ON_SHIFT:
        return rules.on_shift(at) or settings.staff_mail
    return settings.staff_mail


def mail(callback: Callback, event: str, to: tuple[str, ...], settings: Settings) -> Mail:
    """Compose the same alert as a mail, with the link whatever its length.

    The subject has no time and no level, so that mail programs keep one request's alerts together.
    """
    subject = f"Rückruf {callback.reference}: {TOPICS[callback.asked.topic][0]}"
    if event == "expired":
        subject = f"Verfallen: {subject}"
    sentence = _sentence(callback, event, settings).replace("Rueckruf", "Rückruf")
    return Mail(to, subject, f"{sentence}\n{_link(callback, settings)}")


def _sentence(callback: Callback, event: str, settings: Settings) -> str:
    due = callback.expected[1].astimezone(ZoneInfo(settings.time_zone)).strftime("%d.%m. %H:%M")
    topic = TOPICS[callback.asked.topic][0]
    if event == "expired":
        return f"Verfallen: Rueckruf {callback.reference} ({topic}), zugesagt bis {due}."
    urgent = f" (Stufe {callback.level})" if callback.level else ""
    return f"Rueckruf {callback.reference}{urgent} bis {due}: {topic}."


def _link(callback: Callback, settings: Settings) -> str:
    return f"{settings.base_url}/staff/callbacks/{callback.reference}"
