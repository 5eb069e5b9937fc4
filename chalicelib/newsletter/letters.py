"""What the mails say. Nothing that a stranger typed goes into a mail to an address nobody has confirmed."""

from collections.abc import Mapping

from chalicelib.newsletter.model import Letter, Subscriber
from chalicelib.outbox.model import Mail
from chalicelib.pages import render
from chalicelib.settings import current


def letter(
    kind: Letter, subscriber: Subscriber, links: Mapping[str, str], headers: Mapping[str, str]
) -> Mail:
    """A mail to a subscriber in their language, as text and as HTML."""
    template = f"mail/{kind}.{subscriber.language}"
    return Mail(
        to=(subscriber.email,),
        subject=current().subject(kind, subscriber.language),
        text=render(f"{template}.txt", **links),
        html=render(f"{template}.html", **links),
        headers=tuple(headers.items()),
    )


def leaving(link: str, address: str) -> dict[str, str]:
    """The headers by which a mail program offers to unsubscribe (RFC 2369, and with one click RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{link}>, <mailto:{address}?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
