"""The alerts to the staff. They hold no name and no number: those are shown after a claim.

They are in the company's default language.
"""

from datetime import datetime

from chalicelib import company, texts
from chalicelib.callbacks.model import ON_SHIFT, SUPERVISOR, Callback, Rules
from chalicelib.formats import Formats
from chalicelib.outbox.model import Alert, Mail
from chalicelib.settings import Settings

LONGEST = 160  # characters of one SMS in GSM 03.38's alphabet


def alert(callback: Callback, event: str, settings: Settings) -> Alert:
    """Compose the notification to the topic: at most one SMS, with a link if that fits.

    `event` is `callback` for a request that waits, or `expired`. The subject is ASCII, as SNS
    demands.
    """
    words, values = _words(), _values(callback, settings)
    if event == "expired":
        said = words.gettext("Expired: callback %(reference)s (%(topic)s), promised by %(by)s.")
    elif callback.level:
        said = words.gettext(
            "Callback %(reference)s (level %(level)s), promised by %(by)s: %(topic)s."
        )
    else:
        said = words.gettext("Callback %(reference)s by %(by)s: %(topic)s.")
    text = said % values
    linked = f"{text} {_link(callback, settings)}"
    attributes = {
        "event": event,
        "level": str(callback.level),
        "topic": callback.asked.topic,
        "reference": callback.reference,
    }
    subject = words.pgettext("subject of an SNS message, ASCII", "Callback %(reference)s") % values
    return Alert(subject, linked if len(linked) <= LONGEST else text, attributes)


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


def mail(
    callback: Callback, event: str, to: tuple[str, ...], settings: Settings, at: datetime
) -> Mail:
    """Compose the same alert as a mail that leaves at `at`, with the link whatever its length.

    The subject has no time and no level, so that mail programs keep one request's alerts together.
    """
    words, values = _words(), _values(callback, settings)
    formats = Formats(words.language, settings.time_zone)
    due = formats.local(callback.expected[1])
    today = due.date() == formats.local(at).date()
    subject = words.gettext("Callback %(reference)s: %(topic)s")
    if event == "expired":
        subject = words.gettext("Expired: callback %(reference)s: %(topic)s")
        first = words.gettext("Expired. The call was promised by %(by)s.")
    elif at >= due:
        first = (
            words.gettext("Overdue since today, %(time)s")
            if today
            else words.gettext("Overdue since %(by)s")
        )
    else:
        first = words.gettext("By today, %(time)s") if today else words.gettext("By %(by)s")
    lines = [first % {**values, "time": formats.time(due)}]
    if callback.level:
        lines.append(words.gettext("Still waiting for a call: level %(level)s.") % values)
    return Mail(to, subject % values, "\n".join([*lines, _link(callback, settings), *_foot()]))


def _words() -> texts.Words:
    return texts.of(company.current().language)


def _foot() -> list[str]:
    own, word = company.current(), _words().gettext
    return [
        "",
        "-- ",
        own.legal_name,
        f"{word('Imprint')}: {own.link('imprint', own.language)}",
        f"{word('Privacy')}: {own.link('privacy', own.language)}",
    ]


def _values(callback: Callback, settings: Settings) -> dict[str, str]:
    language = company.current().language
    return {
        "reference": callback.reference,
        "topic": company.current().callback_topic(callback.asked.topic, language),
        "by": Formats(language, settings.time_zone).moment(callback.expected[1]),
        "level": str(callback.level),
    }


def _link(callback: Callback, settings: Settings) -> str:
    return f"{settings.base_url}/staff/callbacks/{callback.reference}"
