"""Which views nobody read: prefetches, previews, bots. Pure; a few microseconds, and nothing to import.

The list of bots is a table made at build from a maintained one, looked up by the words of a user agent: its fourteen
hundred patterns as one expression would cost more than the whole request.
"""

import json
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

CLASSES = ("empty", "prefetch", "preview", "ai", "agent", "tool", "automation", "bot")

_WORD = re.compile(r"[a-z0-9]+")
# What calls itself a bot, or tells where its operator explains it. CUBOT makes telephones.
_GENERAL = re.compile(r"(?<!cu)bot\b|crawl|spider|scrape|pingdom|headless|\+ ?https?:")
# In-app browsers of people, whose user agents name the app.
_PEOPLE = ("fban/", "fbav/", "instagram ", "ucbrowser/", "yabrowser/", "baiduboxapp/")
_SPECULATIVE = ("prefetch", "prerender", "preview")
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")


def classify(headers: Mapping[str, str]) -> str | None:
    """The class of a view that is not counted, by its headers (names in lower case); None for a person's."""
    for name in _PURPOSES:
        purpose = headers.get(name)
        if purpose and any(word in purpose.lower() for word in _SPECULATIVE):
            return "prefetch"
    agent = headers.get("user-agent", "").strip()
    return _of(agent) if agent else "empty"


@lru_cache(maxsize=4096)
def _of(agent: str) -> str | None:
    lower = agent.lower()
    if any(app in lower for app in _PEOPLE):
        return None
    table = _table()
    for word in _WORD.findall(lower):
        for pattern, kind in table.get(word, ()):
            if re.search(pattern, agent):
                return kind
    return "bot" if _GENERAL.search(lower) else None


@cache
def _table() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = json.loads((Path(__file__).parent / "bots.json").read_text())
    return found
