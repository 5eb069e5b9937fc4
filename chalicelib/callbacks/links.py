"""The customer's links: to see, cancel or move the call, and its calendar file."""

from datetime import datetime

from chalicelib import tokens
from chalicelib.settings import current

_PURPOSE = "callback.change"


def token(reference: str) -> str:
    """Return the token of the customer's link to a request."""
    return tokens.sign(_PURPOSE, reference, 0)


def url(reference: str) -> str:
    """Return the customer's link to a request."""
    return f"{current().base_url}/callbacks/change?token={token(reference)}"


def calendar(reference: str) -> str:
    """Return the link to the calendar file of a request's call."""
    return f"{current().base_url}/callbacks/calendar.ics?token={token(reference)}"


def reference(given: str, now: datetime) -> str:
    """Return the reference a token opens. Raises BadToken."""
    return tokens.read(_PURPOSE, given, now)[0]
