"""Makes `chalicelib/articles/bots.json`: the maintained list crawler-user-agents, keyed for looking up a word.

A pattern is found by the longest word that all user agents it was written for have and no browser has; the few
patterns without such a word are left to the general rule in `filters`.
"""

import json
import re
from pathlib import Path
from typing import Any

import crawleruseragents

TABLE = Path(__file__).parent.parent / "chalicelib" / "articles" / "bots.json"
_WORD = re.compile(r"[a-z0-9]+")
# Words of people's browsers; a bot is never looked up by one of them.
_BROWSERS = set(
    _WORD.findall(
        "mozilla windows nt win64 x64 wow64 applewebkit khtml like gecko chrome safari edg version mobile iphone ipad "
        "cpu os mac x macintosh intel linux android build wv firefox compatible msie trident ubuntu fedora x86 arm64 u "
        "rv web the browser app com org net http https www html agent user google mail test"
    )
)
_CLASSES = {"social-preview": "preview", "http-library": "tool", "browser-automation": "automation", "ai-crawler": "ai"}


def table() -> str:
    """The file's text: word → patterns with their class."""
    words: dict[str, list[list[str]]] = {}
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        word = _word(entry)
        if word:
            words.setdefault(word, []).append([entry["pattern"], _class(entry)])
    return json.dumps(dict(sorted(words.items())), separators=(",", ":")).replace("]],", "]],\n") + "\n"


def _word(entry: Any) -> str:
    plain = re.sub(r"\\(.)", r"\1", re.sub(r"\[(.)[^\]]*\]", r"\1", re.sub(r"[\^$]", "", entry["pattern"]))).lower()
    written_for = [set(_WORD.findall(each.lower())) for each in entry["instances"]]
    shared = [
        word
        for word in _WORD.findall(plain)
        if len(word) > 2 and word not in _BROWSERS and all(word in each for each in written_for)
    ]
    return max(shared, key=len, default="")


def _class(entry: Any) -> str:
    if entry["pattern"].endswith("-User"):
        return "agent"
    tags = entry.get("tags", [])
    return next((kind for tag, kind in _CLASSES.items() if tag in tags), "bot")


if __name__ == "__main__":
    TABLE.write_text(table())
