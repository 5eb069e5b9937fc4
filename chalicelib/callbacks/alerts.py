"""The alerts to the staff. They hold no name, no number and no note: those are shown after a claim.

Each says by when to call, and where. They are in the company's default language.

    callback    a request waits for a call
    held        a request waits for a supervisor: its number is blocked, or asked too often
    expired     nobody called in time

An alert goes to the topic, with a body per protocol, and as a mail to the staff's addresses. A
digest stands for the alerts of many requests.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

from chalicelib import addresses, company, instants, texts
from chalicelib.callbacks.model import ON_SHIFT, SUPERVISOR, Callback, Rules
from chalicelib.formats import Formats
from chalicelib.outbox import sms
from chalicelib.outbox.model import Alert, Mail
from chalicelib.settings import Settings
from chalicelib.texts import N_

Event = Literal["callback", "held", "expired"]
_STEPS: dict[Event, str] = {
    "callback": N_("Sign in and take it: %(link)s"),
    "held": N_("Sign in and decide: %(link)s"),
    "expired": N_("Sign in and look at it: %(link)s"),
}
MOST_APART = 5  # alerts due at one opening that leave one by one; more become one digest
LISTED = 50  # requests that a digest lists; of the others it says how many there are


def alert(callback: Callback, event: Event, settings: Settings, at: datetime) -> Alert:
    """Compose the notification to the topic that leaves at `at`."""
    words, values = _words(), _values(callback, settings)
    if event == "expired":
        said = words.gettext("Expired: callback %(reference)s (%(topic)s), promised by %(by)s.")
    elif event == "held":
        said = words.gettext(
            "Decision needed: callback %(reference)s (%(topic)s), promised by %(by)s."
        )
    elif callback.level:
        said = words.gettext(
            "Callback %(reference)s (level %(level)s), promised by %(by)s: %(topic)s."
        )
    else:
        said = words.gettext("Callback %(reference)s by %(by)s: %(topic)s.")
    sentence, link = said % values, _link(callback, settings)
    attributes = {
        "event": event,
        "level": values["level"],
        "topic": callback.asked.topic,
        "reference": callback.reference,
    }
    lines = _lines(callback, event, settings, at)
    chat = _chat(
        id=f"{event}_{callback.reference}_{callback.alert}",
        thread=callback.reference,
        title=_title(callback, settings),
        summary=sentence,
        description=lines,
        step=words.gettext(_STEPS[event]),
        keywords=(callback.reference, values["topic"]),
        context={**attributes, "due": instants.text(callback.expected[1]), "link": link},
    )
    return Alert(
        words.pgettext("subject of an SNS message, ASCII", "Callback %(reference)s") % values,
        f"{sentence} {link}",
        _bodies(sms.fit(sentence, link), lines, chat),
        attributes,
    )


def digest(callbacks: Sequence[Callback], settings: Settings, at: datetime) -> Alert:
    """Compose one notification for many requests that wait, none of them alerted before.

    Its attributes `topic` and `reference` have the values of all that it lists.
    """
    words, found = _words(), _by_time(callbacks)
    link, first = board(settings), found[0]
    lines = _digest_lines(found, settings, at)
    values = {**_values(first, settings), "number": len(found)}
    said = words.gettext("%(number)s callbacks wait, the first by %(by)s.")
    sentence = said % values
    references = tuple(each.reference for each in found[:LISTED])
    topics = tuple(sorted({each.asked.topic for each in found}))
    opening = instants.text(first.opened_at or at)
    chat = _chat(
        id=f"digest_{opening}_{min(references)}",
        thread=f"digest_{opening}",
        title=words.gettext("%(number)s callbacks wait") % values,
        summary=sentence,
        description=lines,
        step=words.gettext("Sign in and take one: %(link)s"),
        keywords=references[:MOST_APART],
        context={
            "event": "callback",
            "level": "0",
            "topic": ",".join(topics),
            "reference": ",".join(references),
            "number": str(len(found)),
            "due": instants.text(first.expected[1]),
            "link": link,
        },
    )
    subject = words.pgettext("subject of an SNS message, ASCII", "%(number)s callbacks wait")
    return Alert(
        subject % values,
        "\n".join(lines),
        _bodies(sms.fit(sentence, link), lines, chat),
        {"event": "callback", "level": "0", "topic": topics, "reference": references},
    )


def recipients(
    callback: Callback, event: Event, settings: Settings, rules: Rules, at: datetime
) -> tuple[str, ...]:
    """Return who gets the alert by mail: first the staff, then those on shift, then supervisors.

    Supervisors get what they decide about, and what has expired.
    """
    supervisors = settings.supervisor_mail or settings.staff_mail
    if event != "callback" or callback.level >= SUPERVISOR:
        return supervisors
    if callback.level == ON_SHIFT:
        return rules.on_shift(at) or settings.staff_mail
    return settings.staff_mail


def mail(
    callback: Callback, event: Event, to: tuple[str, ...], settings: Settings, at: datetime
) -> Mail:
    """Compose the same alert as a mail that leaves at `at`.

    The subject is the same for every alert of a request, and each answers the same message, which
    nobody ever sent: so mail programs show them as one conversation.
    """
    lines = _lines(callback, event, settings, at)
    thread = f"<callback.{callback.reference}@{addresses.sending_domain(settings.mail_from)}>"
    headers = (("In-Reply-To", thread), ("References", thread))
    return Mail(to, _title(callback, settings), _letter(lines), headers=headers)


def handed_mail(
    callback: Callback, assigned: bool, by: str, to: str, settings: Settings, at: datetime
) -> Mail:
    """Compose the mail to a colleague who is offered a request, or was `assigned` it, by name."""
    said = (
        _words().gettext("%(name)s has assigned this callback to you.")
        if assigned
        else _words().gettext("%(name)s would like to hand this callback over to you.")
    )
    whole = mail(callback, "callback", (to,), settings, at)
    lines = _lines(replace(callback, level=0), "callback", settings, at)
    return replace(whole, text=_letter([*lines, said % {"name": by}]))


def digest_mail(
    callbacks: Sequence[Callback], to: tuple[str, ...], settings: Settings, at: datetime
) -> Mail:
    """Compose one mail for many requests that wait, none of them alerted before."""
    said = _words().gettext("%(number)s callbacks wait")
    lines = _digest_lines(_by_time(callbacks), settings, at)
    return Mail(to, said % {"number": len(callbacks)}, _letter(lines))


def board(settings: Settings) -> str:
    """Return the link to the board of the requests that are due."""
    return f"{settings.base_url}/staff/callbacks"


def _bodies(short: str, lines: Sequence[str], chat: str) -> dict[str, str]:
    return {"sms": short, "email": "\n".join(lines), "http": chat, "https": chat}


def _chat(
    id: str,
    thread: str,
    title: str,
    summary: str,
    description: Sequence[str],
    step: str,
    keywords: Sequence[str],
    context: dict[str, str],
) -> str:
    """Return the JSON of a custom notification of Amazon Q Developer in chat applications.

    Slack and Teams show it; any other webhook reads the fields of `additionalContext`.
    """
    said: dict[str, Any] = {
        "version": "1.0",
        "source": "custom",
        "id": id,
        "content": {
            "textType": "client-markdown",
            "title": title,
            "description": "\n".join(description),
            "nextSteps": [step % context],
            "keywords": list(keywords),
        },
        "metadata": {
            "threadId": thread,
            "summary": summary,
            "eventType": context["event"],
            "relatedResources": [context["link"]],
            "additionalContext": context,
        },
    }
    return json.dumps(said, ensure_ascii=False)


def _lines(callback: Callback, event: Event, settings: Settings, at: datetime) -> list[str]:
    """Return what an alert says where there is room: by when, where, and why it comes."""
    words, values = _words(), _values(callback, settings)
    formats = Formats(words.language, settings.time_zone)
    due = callback.expected[1]
    values["time"] = formats.time(due)
    today = formats.local(due).date() == formats.local(at).date()
    if event == "expired":
        first = words.gettext("Expired. The call was promised by %(by)s.")
    elif at >= due:
        first = (
            words.gettext("Overdue since today, %(time)s")
            if today
            else words.gettext("Overdue since %(by)s")
        )
    else:
        first = words.gettext("By today, %(time)s") if today else words.gettext("By %(by)s")
    lines = [first % values, _link(callback, settings)]
    if event == "held":
        lines.append(
            words.gettext(
                "Please admit or decline the callback: its number is blocked, or was asked for too "
                "often today."
            )
        )
    elif event == "callback" and callback.level:
        lines.append(words.gettext("Still waiting for a call: level %(level)s.") % values)
    return lines


def _digest_lines(found: Sequence[Callback], settings: Settings, at: datetime) -> list[str]:
    words = _words()
    formats = Formats(words.language, settings.time_zone)

    def by(callback: Callback) -> dict[str, str]:
        due = callback.expected[1]
        values = _values(callback, settings)
        if formats.local(due).date() == formats.local(at).date():
            today = words.gettext("today, %(time)s")
            values["by"] = today % {"time": formats.time(due)}
        return values

    said = words.gettext("%(number)s callbacks wait, the first by %(by)s.")
    lines = [said % {**by(found[0]), "number": len(found)}, board(settings), ""]
    line = words.gettext("%(reference)s by %(by)s: %(topic)s")
    lines += [line % by(each) for each in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(words.gettext("and %(number)s more") % {"number": len(found) - LISTED})
    return lines


def _letter(lines: Sequence[str]) -> str:
    own, word = company.current(), _words().gettext
    foot = [
        "",
        "-- ",
        own.legal_name,
        f"{word('Imprint')}: {own.link('imprint', own.language)}",
        f"{word('Privacy')}: {own.link('privacy', own.language)}",
    ]
    return "\n".join([*lines, *foot])


def _by_time(callbacks: Sequence[Callback]) -> list[Callback]:
    return sorted(callbacks, key=lambda each: (each.expected[1], each.reference))


def _title(callback: Callback, settings: Settings) -> str:
    return _words().gettext("Callback %(reference)s: %(topic)s") % _values(callback, settings)


def _words() -> texts.Words:
    return texts.of(company.current().language)


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
