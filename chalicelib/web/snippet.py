"""The website's snippet: the built files with what they say, and those that were served before.

    web/embed/ ── make embed ─→ web/built/ ── with the company's words ─→ /embed.js and its parts

`/embed.js` is one part; it loads the other, which sends forms, by the name of its content, in the
page's language. A page may name the first one so as well, to allow it by its hash. So a file that
was served once is served for a year after another has followed: `make generated` puts each into
`embed-versions/`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib import company, texts
from chalicelib.errors import NotFound

BUILT = Path(__file__).parent / "built"
VERSIONS = Path(__file__).parent / "embed-versions"
LICENCE = "altcha-license.js"  # of the solver in the part that sends forms
# Where the built files want what they say, and the first one the names of the others.
_WORDS, _FORMS = "CONTACT_WORDS", "CONTACT_FORMS"


@dataclass(frozen=True)
class Snippet:
    """The snippet as it is served now."""

    text: str
    files: Mapping[str, str]  # it and its other part, once for each language, by their names


def current() -> Snippet:
    """Return the snippet with the words of the company in the current folder."""
    return _snippet(company.folder())


def file(name: str, kept: Path = VERSIONS) -> str:
    """Return a file of the snippet by its name; `kept` has former ones. Raises NotFound."""
    if name in current().files:
        return current().files[name]
    if name == LICENCE:
        text = (Path(__file__).parent / "vendor" / "altcha" / "LICENSE").read_text("utf-8")
        return f"/*\n{text}*/\n"
    before = kept / name
    if not re.fullmatch(r"[0-9a-f]{16}\.js", name) or not before.is_file():
        raise NotFound
    return before.read_text("utf-8")


def name(text: str) -> str:
    """Return the name of a file with this content."""
    return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.js"


@cache
def _snippet(where: Path) -> Snippet:
    words = json.loads((BUILT / "words.json").read_text("utf-8"))
    embed, forms = (
        {language: _said(words[part], language) for language in company.current().languages}
        for part in ("embed", "forms")
    )
    files = {each: _filled("forms", _WORDS, {each: said}) for each, said in forms.items()}
    named = {each: name(text).removesuffix(".js") for each, text in files.items()}
    first = _filled("embed", _WORDS, embed).replace(_FORMS, _script(named))
    return Snippet(first, {name(text): text for text in (first, *files.values())})


def _filled(built: str, mark: str, value: Any) -> str:
    return (BUILT / f"{built}.js").read_text("utf-8").replace(mark, _script(value))


def _said(words: list[list[str]], language: str) -> list[str]:
    """Return words in a language, ours and the company's, with braces around what is filled in."""
    catalogue, own = texts.of(language), company.current().texts[language]
    said = (
        own[word]
        if context == "company"
        else catalogue.pgettext(context, word)
        if context
        else catalogue.gettext(word)
        for context, word in words
    )
    return [re.sub(r"%\((\w+)\)s", r"{\1}", text) for text in said]


def _script(value: Any) -> str:
    """Return a value as JavaScript writes it, safe inside a script of a page."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # These would end the script, or a line of JavaScript.
    for each in "<\u2028\u2029":
        written = written.replace(each, f"\\u{ord(each):04x}")
    return written
