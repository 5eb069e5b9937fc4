"""Which views nobody read: prefetches, previews, bots. Pure; a few microseconds, and nothing to import.

The list of bots is a table made at build from a maintained one, looked up by the words of a user agent: its fifteen
hundred patterns as one expression would cost more than the whole request. Where a cheap look finds nothing, as it does
for people, nothing else is done.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

CLASSES = ("empty", "prefetch", "preview", "ai", "agent", "tool", "automation", "bot")

_SPECULATIVE = ("prefetch", "prerender", "preview")
_PURPOSES = frozenset({"sec-purpose", "purpose", "x-purpose", "x-moz"})
_LONGEST = (
    512  # characters looked at, so that nobody makes a look, or what is remembered of it, expensive
)

# Letters become small ones, the rest spaces; digits go, so that a version is no word and costs nothing. A bracket ends
# a line: the first one stands behind the device.
_SMALL = (ord(chr(at).lower()) if at < 128 and chr(at).isalpha() else 32 for at in range(256))
_LETTERS = bytes(10 if at == ord(")") else small for at, small in enumerate(_SMALL))
_DIGITS = b"0123456789"
# What calls itself a bot, or tells where its operator explains it. CUBOT makes telephones.
GENERAL = r"(?<!cu)bot\b|crawl|spider|\+ ?https?:"
_telling = re.compile(
    rb"bot|crawl|spider|http"
).search  # bytes' own `in` makes and drops an exception each time


def classify(headers: Mapping[str, str]) -> str | None:
    """The class of a view that is not counted, by its headers (names in lower case); None for a person's."""
    if not _PURPOSES.isdisjoint(headers) and _is_speculative(headers):
        return "prefetch"
    agent = headers.get("user-agent", "")[:_LONGEST]
    if not agent or agent.isspace():
        return "empty"
    text = letters(agent)
    device, _, browser = text.partition(
        b"\n"
    )  # remembered apart: a new telephone has a known browser
    return None if _is_ordinary(device) and _is_ordinary(browser) else _listed(agent, text)


def _is_speculative(headers: Mapping[str, str]) -> bool:
    purposes = [headers.get(name, "").lower() for name in _PURPOSES]
    return any(word in purpose for word in _SPECULATIVE for purpose in purposes)


def letters(agent: str) -> bytes:
    """The words of a user agent as the table has them: small letters, with spaces between."""
    return agent.encode("ascii", "replace").translate(_LETTERS, _DIGITS)


@lru_cache(maxsize=2048)
def _is_ordinary(text: bytes) -> bool:
    """Whether nothing in these words wants a closer look. Remembered without digits: the next version is no news."""
    return not _telling(text) and _table().keys().isdisjoint(text.split())


def _listed(agent: str, text: bytes) -> str | None:
    table = _table()
    for word in text.split():
        entry = iter(table.get(word, "").split("\t"))
        for kind, pattern in zip(entry, entry, strict=False):
            if re.search(pattern, agent):
                return kind
    return "bot" if re.search(GENERAL, agent.lower()) else None


@cache
def _table() -> dict[bytes, str]:
    """By word: a class and the pattern that decides for it, and the next ones, with tabs between."""
    table: dict[bytes, str] = {}
    for line in (Path(__file__).parent / "bots.tsv").read_text().splitlines():
        words, _, entry = line.partition("\t")
        table.update(dict.fromkeys(words.encode().split(), entry))
    return table
