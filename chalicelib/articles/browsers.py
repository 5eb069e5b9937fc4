"""The kind of a visitor's browser, which tells people behind one address apart. Pure.

A kind is a family and a system out of short lists, and one digit made of the whole user agent. So
whoever invents user agents has no more than MOST of them.
"""

import zlib
from functools import lru_cache

# The first of these that a user agent names is its family, or its system. A browser names those it
# is like, too: Edge names Chrome and Safari.
FAMILIES = (
    ("samsung", ("SamsungBrowser/",)),
    ("opera", ("OPR/", "OPX/", "Opera", "OPiOS/", "OPT/")),
    ("edge", ("Edg/", "EdgA/", "EdgiOS/", "Edge/")),
    ("firefox", ("Firefox/", "FxiOS/", "Focus/")),
    ("app", ("; wv)", "FBAN/", "FBAV/", "Instagram", "WhatsApp/", "LinkedInApp", "GSA/")),
    ("chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("safari", ("Safari/",)),
    ("other", ("",)),
)
SYSTEMS = (
    ("android", ("Android",)),
    ("ios", ("iPhone", "iPad", "iPod")),
    ("windows", ("Windows",)),
    ("mac", ("Macintosh",)),
    ("other", ("",)),
)
DIGITS = 4
MOST = len(FAMILIES) * len(SYSTEMS) * DIGITS


@lru_cache(maxsize=2048)
def kind(agent: str) -> str:
    """Return the kind of a browser, such as `firefox windows 3`, by its user agent."""
    return f"{_first(FAMILIES, agent)} {_first(SYSTEMS, agent)} {_digit(agent)}"


def _first(listed: tuple[tuple[str, tuple[str, ...]], ...], agent: str) -> str:
    return next(name for name, words in listed if any(word in agent for word in words))


def _digit(agent: str) -> int:
    return zlib.crc32(agent.encode("utf-8", "replace")) % DIGITS
