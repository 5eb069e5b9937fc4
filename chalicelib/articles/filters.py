"""Views that no person made: prefetches, previews, bots. Pure.

A check takes a few microseconds and imports nothing. The table of bots is made by `make generated`
from a maintained list of fifteen hundred patterns, which as one expression would cost more than the
whole request; the words of a user agent select the few patterns to try. Most people's browsers need
only the cheap first check.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

CLASSES = ("empty", "prefetch", "preview", "ai", "agent", "tool", "automation", "bot")

_SPECULATIVE = ("prefetch", "prerender", "preview")
_PURPOSES = frozenset({"sec-purpose", "purpose", "x-purpose", "x-moz"})
# Characters looked at. A longer user agent could make a check, or its cache, expensive.
_LONGEST = 512

# Letters become lower case, `)` a line break, everything else a space. Digits are dropped, so that
# a version number is no word. The first `)` ends the description of the device.
_LOWER = (ord(chr(at).lower()) if at < 128 and chr(at).isalpha() else 32 for at in range(256))
_LETTERS = bytes(10 if at == ord(")") else lower for at, lower in enumerate(_LOWER))
_DIGITS = b"0123456789"
# What calls itself a bot, or names the page that explains it. CUBOT makes telephones.
# Konqueror names its project's page.
GENERAL = r"(?<!cu)bot\b|crawl|spider|\+ ?https?:(?!//kde\.org\b)"
# What a page runs in calls itself one of these, or names its engine.
_BROWSERS = ("Mozilla/", "Opera/")
_has_an_engine = re.compile("AppleWebKit|Gecko|Presto|Trident|UCBrowser").search
# What a content delivery network says in place of the visitor's user agent.
REPLACED = "Amazon CloudFront"
# Faster than `in` for bytes, which raises and drops an exception each time.
_hints_at_bot = re.compile(rb"bot|crawl|spider|http").search


def classify(agent: str, headers: Mapping[str, str]) -> str | None:
    """Return the class of a view that no person made; None for a person's.

    `agent` is the visitor's user agent. The names in `headers` are in lower case. The class is one
    of CLASSES.
    """
    if not _PURPOSES.isdisjoint(headers) and _is_speculative(headers):
        return "prefetch"
    agent = agent[:_LONGEST]
    if not agent or agent.isspace():
        return "empty"
    text = letters(agent)
    # Cached apart, because a new telephone has a browser that is known already.
    device, _, browser = text.partition(b"\n")
    if not (_is_ordinary(device) and _is_ordinary(browser)) and (kind := _bot_class(agent, text)):
        return kind
    return None if agent.startswith(_BROWSERS) or _has_an_engine(agent) else "tool"


def _is_speculative(headers: Mapping[str, str]) -> bool:
    purposes = [headers.get(name, "").lower() for name in _PURPOSES]
    return any(word in purpose for word in _SPECULATIVE for purpose in purposes)


def letters(agent: str) -> bytes:
    """Return the words of a user agent as the table has them: in lower case, without digits."""
    return agent.encode("ascii", "replace").translate(_LETTERS, _DIGITS)


@lru_cache(maxsize=2048)
def _is_ordinary(text: bytes) -> bool:
    """Tell whether no word hints at a bot. `text` has no version numbers, for the cache's sake."""
    return not _hints_at_bot(text) and _table().keys().isdisjoint(text.split())


def _bot_class(agent: str, text: bytes) -> str | None:
    """Return the class of the first pattern that matches, `bot` for a general sign, or None."""
    table = _table()
    for word in text.split():
        entry = iter(table.get(word, "").split("\t"))
        for kind, pattern in zip(entry, entry, strict=False):
            if re.search(pattern, agent):
                return kind
    return "bot" if re.search(GENERAL, agent.lower()) else None


@cache
def _table() -> dict[bytes, str]:
    """Read the table of bots: by word, pairs of a class and its pattern, all separated by tabs."""
    table: dict[bytes, str] = {}
    for line in (Path(__file__).parent / "bots.tsv").read_text().splitlines():
        words, _, entry = line.partition("\t")
        table.update(dict.fromkeys(words.encode().split(), entry))
    return table
