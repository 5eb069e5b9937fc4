"""The links in the newsletter's mails, and what their tokens open."""

from datetime import datetime
from typing import Literal

from chalicelib import tokens
from chalicelib.newsletter.model import ACCESS_WITHIN, CONFIRM_WITHIN, Subscriber
from chalicelib.settings import current

Purpose = Literal[
    "newsletter.confirm", "newsletter.unsubscribe", "newsletter.preferences", "newsletter.data"
]
# A token of one purpose opens no other.
CONFIRM: Purpose = "newsletter.confirm"
UNSUBSCRIBE: Purpose = "newsletter.unsubscribe"
PREFERENCES: Purpose = "newsletter.preferences"
DATA: Purpose = "newsletter.data"


def read(purpose: Purpose, token: str, now: datetime) -> tuple[str, int]:
    """Return the subscriber's key and the number of the mail. Raises BadToken."""
    return tokens.read(purpose, token, now)


def confirmation(subscriber: Subscriber, letter: int) -> dict[str, str]:
    """Return the links of the confirmation mail of this number."""
    expires = subscriber.asked_at + CONFIRM_WITHIN
    token = tokens.sign(CONFIRM, subscriber.key, letter, expires)
    language = subscriber.language
    return {name: _url(name, token, language) for name in ("confirm", "refuse")}


def access(subscriber: Subscriber, letter: int, sent: datetime) -> dict[str, str]:
    """Return the links of the mail of this number, which lead to one's data."""
    return {"me": me(subscriber.key, subscriber.language, letter, sent)}


def me(key: str, language: str, letter: int, sent: datetime) -> str:
    """Return the link to the page of an address's owner, for the mail of this number."""
    token = tokens.sign(DATA, key, letter, sent + ACCESS_WITHIN)
    return f"{current().base_url}/me?token={token}&language={language}"


def standing(subscriber: Subscriber) -> dict[str, str]:
    """Return the links that every mail to a subscriber has; they never expire."""
    return standing_of(subscriber.key, subscriber.language)


def standing_of(key: str, language: str) -> dict[str, str]:
    """Return the links that every mail to the address of a key has."""
    return {
        "preferences": _url("preferences", tokens.sign(PREFERENCES, key, 0), language),
        "unsubscribe": _url("unsubscribe", tokens.sign(UNSUBSCRIBE, key, 0), language),
    }


def _url(page: str, token: str, language: str) -> str:
    """Return the address of a page in the language of the mail that leads there."""
    return f"{current().base_url}/newsletter/{page}?token={token}&language={language}"
