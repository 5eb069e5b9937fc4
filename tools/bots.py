"""The generator of `chalicelib/articles/bots.tsv`: the list crawler-user-agents, keyed by word.

A pattern is looked up by the longest word that all its example user agents have and no browser has.
If that word is the whole pattern, the word alone decides. Patterns without such a word, which are
few, are left to the general rule in `filters`.
"""

import re
from pathlib import Path
from typing import Any

import crawleruseragents

from chalicelib.articles import filters

TABLE = Path(__file__).parent.parent / "chalicelib" / "articles" / "bots.tsv"
# Words of people's browsers; a bot is never looked up by one of them.
_BROWSERS = set(
    filters.letters(
        "mozilla windows win wow applewebkit khtml like gecko chrome safari edg version mobile "
        "iphone ipad cpu mac macintosh intel linux android build firefox compatible msie trident "
        "ubuntu fedora arm web the browser app com org net http https www html user google mail "
        "test"
    ).split()
)
# Patterns on the list that people's browsers match: the build number of Android 15 on telephones of
# several makers, Facebook's in-app browser, and editors with a built-in browser.
_PEOPLE = {r"AP3A\.240617\.008", "MetaIAB Facebook", r"Code\/1\.", r"Trae\/"}
# Narrower patterns for bots whose names stand in people's user agents, too: at the end, where an
# app opens a page in a browser of its own, or in another name (Sonic Slack_SSB).
_NARROWED = {"Feedly": r"^Feedly", "WhatsApp": r"^WhatsApp", "Sonic": r"Sonic\w*\/\d"}
# What the list does not have, in its form.
_MORE = (
    {
        "pattern": r"PowerShell\/",
        "instances": [
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; de-DE) WindowsPowerShell/5.1.26100.4202",
            "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; de-DE) PowerShell/7.4.6",
        ],
        "tags": ["http-library"],
    },
    {
        "pattern": "Google-PageSpeed",
        "instances": [
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/143.0.0.0 Safari/537.36 Google-PageSpeed"
        ],
        "tags": ["browser-automation"],
    },
)
# Fetchers and browsers that act for a person who asked for it.
_AGENTS = re.compile(
    r"User$|externalfetcher|Google-?Agent|Gemini|NotebookLM|AgentCore|BuyForMe|TwinAgent|^Devin"
    r"|smartfetch"
)
# Tag → class. The first of these tags that an entry has decides.
_CLASSES = {
    "ai-crawler": "ai",
    "social-preview": "preview",
    "browser-automation": "automation",
    "http-library": "tool",
}


def table() -> str:
    """Return the file's text, lines of tab-separated fields.

    A line has words with blanks between them, then a class and its pattern for each entry that
    has these words. The pattern is empty where the word alone decides.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for entry in (*crawleruseragents.CRAWLER_USER_AGENTS_DATA, *_MORE):
        if entry["pattern"] not in _PEOPLE and not _is_general(entry):
            pattern = _NARROWED.get(entry["pattern"], entry["pattern"])
            for word in _words(entry):
                found.setdefault(word, []).append((pattern, _class(entry)))
    words: dict[str, list[str]] = {}  # by the rest of their line
    for word, entries in sorted(found.items()):
        kinds = {kind for _, kind in entries}
        if (
            len(kinds) == 1
            and _is_a_bots(word)
            and any(_decides(pattern, word) for pattern, _ in entries)
        ):
            entries = [("", kinds.pop())]
        words.setdefault("\t".join(f"{kind}\t{pattern}" for pattern, kind in entries), []).append(
            word
        )
    return "".join(f"{' '.join(words[entry])}\t{entry}\n" for entry in sorted(words))


def _is_general(entry: Any) -> bool:
    """Return whether the general rule alone finds all that the entry would."""
    texts = [_plain(entry["pattern"]), *(each.lower() for each in entry["instances"])]
    return _class(entry) == "bot" and all(re.search(filters.GENERAL, text) for text in texts)


def _decides(pattern: str, word: str) -> bool:
    """Return whether a word alone is all that the pattern says."""
    return _plain(pattern) == word and pattern not in _NARROWED.values()


def _plain(pattern: str) -> str:
    r"""Reduce a pattern to plain lower-case text: `[cC]laude` to `claude`, `^Silk\/` to `silk/`."""
    return re.sub(
        r"\\(.)", r"\1", re.sub(r"\[(.)[^\]]*\]", r"\1", re.sub(r"[\^$]", "", pattern))
    ).lower()


def _words(entry: Any) -> list[str]:
    """Return the words to look an entry up by.

    That is one word which all its user agents share, or else every word of theirs that contains a
    part of the pattern.
    """
    parts = [
        part
        for part in _letters(_plain(entry["pattern"]))
        if len(part) > 2 and part.encode() not in _BROWSERS
    ]
    written_for = [set(_letters(each)) for each in entry["instances"]]
    shared = [part for part in parts if all(part in words for words in written_for)]
    if shared:
        return [max(shared, key=len)]
    return sorted(
        {word for words in written_for for word in words if any(part in word for part in parts)}
    )


def _is_a_bots(word: str) -> bool:
    """Return whether a word cannot be the name of a telephone too.

    A short one can: there is a telephone called FEVER, and a bot called Fever.
    """
    return len(word) >= 8 or word.endswith("bot")


def _letters(text: str) -> list[str]:
    return filters.letters(text).decode().split()


def _class(entry: Any) -> str:
    if _AGENTS.search(entry["pattern"]):
        return "agent"
    return next((kind for tag, kind in _CLASSES.items() if tag in entry.get("tags", [])), "bot")


if __name__ == "__main__":
    TABLE.write_text(table())
