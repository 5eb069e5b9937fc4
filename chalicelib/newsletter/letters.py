"""The newsletter's mails. No text that a stranger typed goes to an unconfirmed address."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib import addresses, company
from chalicelib.newsletter.model import Letter, Subscriber
from chalicelib.outbox.model import Mail
from chalicelib.settings import Settings
from chalicelib.templates import render

_ENCODED = re.compile(r"[^\w.@+~!$*-]", re.ASCII)  # in a mailto link (RFC 6068, section 2)


def letter(
    kind: Letter,
    subscriber: Subscriber,
    links: Mapping[str, str],
    headers: Mapping[str, str],
    settings: Settings,
) -> Mail:
    """Compose a mail to a subscriber in their language, as text and as HTML."""
    language = company.current().spoken(subscriber.language)
    wished = [each for each in subscriber.wished if each not in subscriber.topics]
    values = {
        "topics": _labels(subscriber.topics, language),
        "wished": _labels(wished, language),
        "subscribed": subscriber.state == "confirmed",
        **links,
    }
    return _mail(kind, subscriber.email, language, values, headers, settings)


def access_alone(
    email: str,
    language: str,
    links: Mapping[str, str],
    headers: Mapping[str, str],
    settings: Settings,
) -> Mail:
    """Compose the mail with the link to one's data to somebody who is no subscriber."""
    spoken = company.current().spoken(language)
    return _mail("access", email, spoken, {"subscribed": False, **links}, headers, settings)


def _labels(topics: Iterable[str], language: str) -> list[str]:
    return [company.current().newsletter_topic(each, language) for each in topics]


def _mail(
    kind: Letter,
    email: str,
    language: str,
    values: Mapping[str, Any],
    headers: Mapping[str, str],
    settings: Settings,
) -> Mail:
    return Mail(
        to=(email,),
        subject=company.current().texts[language][f"subject_{kind}"],
        text=render(f"mail/{kind}.txt", settings, language, **values),
        html=render(f"mail/{kind}.html", settings, language, **values),
        headers=tuple(headers.items()),
    )


def wording(mail: Mail, links: Mapping[str, str]) -> str:
    """Return subject and text of a mail without the person's own links: `[confirm]` stands there.

    It is the same for everybody who asks for the same topics in the same language.
    """
    text = mail.text
    for name, link in links.items():
        text = text.replace(link, f"[{name}]")
    return f"{mail.subject}\n\n{text}"


def unsubscribe_headers(link: str, settings: Settings) -> dict[str, str]:
    """Return the headers by which a mail program offers to unsubscribe.

    By mail or link: RFC 2369; with one click: RFC 8058.
    """
    _, address = addresses.split(settings.mail_unsubscribe or settings.mail_from)
    try:
        address = addresses.to_ascii(address)
    except ValueError:
        pass  # the handover refuses the header, with a reason that the outbox shows
    address = _ENCODED.sub(lambda found: f"%{ord(found[0]):02X}", address)
    return {
        "List-Unsubscribe": f"<{link}>, <mailto:{address}?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
