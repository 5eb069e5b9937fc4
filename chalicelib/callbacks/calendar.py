"""The calendar file of a call, as RFC 5545 has it. Pure."""

import re
from datetime import UTC, datetime

from chalicelib.callbacks.opening_hours import Span

_LINE = 75  # octets of a line at most, its end not counted
_ESCAPED = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n"})
_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NO_URL = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]")


def event(
    uid: str,
    window: Span,
    summary: str,
    description: str,
    url: str,
    stamp: datetime,
    sequence: int = 0,
    cancelled: bool = False,
) -> str:
    """Return the file of the event that a window is.

    `uid` stays the same when the call is moved or cancelled, and `sequence` grows: a calendar then
    changes its entry. `stamp` is when the file was made. The event does not make its owner busy.
    """
    begins, ends = window
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//customer-contact//callbacks//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{_text(uid)}",
        f"DTSTAMP:{_instant(stamp)}",
        f"DTSTART:{_instant(begins)}",
        f"DTEND:{_instant(ends)}",
        f"SUMMARY:{_text(summary)}",
        f"DESCRIPTION:{_text(description)}",
        f"URL:{_NO_URL.sub('', url)}",
        f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
        f"SEQUENCE:{sequence}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(written: str) -> str:
    return _CONTROL.sub("", _ENDS.sub("\n", written)).translate(_ESCAPED)


def _folded(line: str) -> str:
    """Break a line after at most 75 octets, between characters; a space begins each next line."""
    parts, room = [""], _LINE
    for letter in line:
        size = len(letter.encode())
        if size > room:
            parts.append(" ")
            room = _LINE - 1
        parts[-1] += letter
        room -= size
    return "\r\n".join(parts)
