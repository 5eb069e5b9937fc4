"""A callback request and its states. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.callbacks import hotline
from chalicelib.callbacks.hotline import Hours, Span
from chalicelib.errors import FieldError, Invalid

State = Literal["open", "scheduled"]
Topic = Literal["general", "buying", "selling", "storage", "order"]
# No 0, 1, I, L, O, U: a reference is read out on the telephone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Asked:
    """What a visitor asks for; `number_key` stands for the number wherever it has no business itself."""

    name: str
    phone: str
    number_key: str
    topic: str
    consent: str
    language: str
    extension: str = ""
    email: str = ""
    note: str = ""
    window: Span | None = None


@dataclass(frozen=True)
class Callback:
    """One request. `expected` is when the first attempt was promised; alerts go at `alert_at`."""

    reference: str
    state: State
    asked: Asked
    created_at: datetime
    expected: Span
    alert_at: datetime
    version: int = 1


def submit(asked: Asked, reference: str, hours: Hours, minutes: int, now: datetime) -> Callback:
    """A new request: open if it is for as soon as possible, scheduled if a window was wished.

    Raises Invalid (`window`) for a window outside opening hours or in the past, and for a line that never opens.
    """
    if asked.window:
        if asked.window[0] < now or not hotline.is_within(hours, asked.window):
            raise Invalid(FieldError("window", "window"))
        return Callback(reference, "scheduled", asked, now, asked.window, asked.window[0])
    begins, ends = hotline.next_opening(hours, now), hotline.add_open_minutes(hours, now, minutes)
    if begins is None or ends is None:
        raise Invalid(FieldError("window", "window"))
    return Callback(reference, "open", asked, now, (begins, ends), begins)


def make_reference(random_bytes: bytes) -> str:
    """A reference such as `R-7F3K`, one character per random byte."""
    return "R-" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes)
