"""The name an article is counted under, from whatever a site calls it. Pure.

    https://www.site.example/Ratgeber/M%C3%BCnzen/?utm_source=mail  ─→  ratgeber.muenzen
    ?p=123                                                          ─→  p-123

A name that is a slug already is itself, and costs one look. All else is read as an address: the
path, what is left of the query, and a fragment that is a route. Two sources may come to one name,
as `a/b` and `a.b` do; so a name has its source beside it, for the staff to see.
"""

import hashlib
import re
from functools import cache, lru_cache
from typing import NamedTuple

LONGEST = 200  # characters of a name, and of a source
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
# What a template or a script leaves where nothing was filled in.
_NOTHING = frozenset(("undefined", "null", "nan", "none", "false", "[object object]"))
# The same in a part of an address, where the others may be words.
_NOTHING_IN_PARTS = frozenset(("undefined", "nan", "[object object]"))


class Name(NamedTuple):
    """An article's name and, where it differs, what the site calls it; both empty for no article.

    A source has no host, no campaign, no case and no slashes at its ends: two spellings of one
    address have the same one.
    """

    slug: str
    source: str = ""


NONE = Name("")


def name(written: str) -> Name:
    """Return the name of an article; NONE for a template that was not filled in, or no name."""
    if len(written) <= LONGEST and _PLAIN.issuperset(written) and written.strip(".-"):
        return NONE if written in _NOTHING else Name(written)
    return _read(written)


@lru_cache(maxsize=2048)
def _read(written: str) -> Name:
    """Read a name as an address: its path, the rest of its query, and a fragment that routes."""
    text = written.strip()
    if "/" not in text and "%" in text and _pattern("slash").search(text):
        text = _decoded(text)  # the whole address was encoded
    path, query, fragment = _split(text)
    query = "&".join(each for each in query.split("&") if each and not _is_dropped(each))
    address = "?".join(filter(None, (f"{path}/{fragment}".rstrip("/"), query)))
    if any(_is_unfilled(each) for each in (address, *re.split("[/?&=]", address))):
        return NONE
    parts = [part for each in f"{path}/{fragment}".split("/") for part in _decoded(each).split("/")]
    parts = [_spelled(each) for each in parts if each.strip(" .")]
    asked = [tuple(map(_spelled, _pair(each))) for each in query.split("&") if each]
    slug = _joined(parts)
    for key, value in asked:
        slug = "-".join(filter(None, (slug, _slug(key), _joined(value.split("/")))))
    if len(slug) > LONGEST:
        slug = slug[:LONGEST].rstrip("-.")
    if not slug.strip("-.") or slug in _NOTHING:
        return NONE
    source = "/".join(parts)
    if asked:
        source += "?" + "&".join(f"{key}={value}" if value else key for key, value in asked)
    return Name(slug, source[:LONGEST] if source != slug else "")


def _pair(parameter: str) -> tuple[str, str]:
    key, _, value = parameter.partition("=")
    return _decoded(key), _decoded(value)


def _is_dropped(parameter: str) -> bool:
    """Tell whether a parameter says who came from where, and not which article it is."""
    key, value = _pair(parameter)
    return bool(_pattern("campaign").fullmatch(key) or _pattern("person").search(value))


def _spelled(text: str) -> str:
    """Return a text in one spelling: lower case, a character a letter, nothing unseen, one line."""
    text = _pattern("breaks").sub(" ", text)
    if text.isascii():
        text = text.lower()
    else:
        import unicodedata

        # A lone surrogate is no text, and no table takes it.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        text = "".join(each for each in text if unicodedata.category(each) != "Cf")
        text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    return " ".join(text.split())


def _joined(parts: list[str]) -> str:
    return ".".join(filter(None, map(_slug, parts)))


def _split(text: str) -> tuple[str, str, str]:
    """Return path, query and routing fragment of what may be an address, a path or any words.

    A fragment that is only a place on the page goes.
    """
    text = _pattern("host").sub("/", text, count=1).replace("&amp;", "&")
    if re.search(r"\s", text):  # words: `C# lernen` has no fragment
        path, _, query = text.partition("?")
        return path, query, ""
    before, _, fragment = text.partition("#")
    path, _, query = before.partition("?")
    if ";" in path:
        path = _pattern("session").sub("", path)
    if fragment.startswith(("/", "!")):
        fragment, _, more = fragment.lstrip("!").partition("?")
        query = "&".join(filter(None, (query, more)))
    elif path.strip("/") or query or fragment.startswith(":~:"):
        fragment = ""
    return path, query, fragment


def _decoded(text: str) -> str:
    """Decode percent escapes, of UTF-8 or else of Windows-1252; those of UTF-8 up to three times.

    What is no escape stays as it is.
    """
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    escapes = _pattern("escapes")
    decoded = escapes.sub(lambda found: _letters(found[0], "cp1252"), text)
    for _ in range(2):  # encoded once too often
        text, decoded = decoded, escapes.sub(lambda found: _letters(found[0]), decoded)
        if text == decoded:
            break
    return decoded


def _letters(escapes: str, otherwise: str = "") -> str:
    """Return what escapes stand for; without another encoding they stay if they are no UTF-8."""
    raw = bytes.fromhex(escapes.replace("%", ""))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(otherwise, "replace") if otherwise else escapes


def _is_unfilled(written: str) -> bool:
    """Tell whether a part, or the whole of an address, is what nobody filled in."""
    return any(
        text.lower() in _NOTHING_IN_PARTS
        or (not _MARKS.isdisjoint(text) and _pattern("unfilled").search(text))
        for text in {written, _decoded(written)}
    )


def _slug(text: str) -> str:
    """Return one part of a name: letters in ASCII, one hyphen for each run of other characters.

    Hyphens and full stops that were written stay. A part with a letter that cannot be written in
    ASCII ends with a hash of it, so that it is no other part's name.
    """
    made, lost = (text, False) if text.isascii() else _ascii(text)
    made = re.sub(r"[^a-z0-9._-]+", " ", made.lower()).strip()
    made = re.sub(r"[ -]* [ -]*", "-", made)
    if lost:
        made = "-".join(
            filter(None, (made.rstrip("-"), hashlib.sha256(text.encode()).hexdigest()[:10]))
        )
    return made


def _ascii(text: str) -> tuple[str, bool]:
    """Return a text in ASCII, and whether a letter is lost, or all of it."""
    text = text.translate(_UMLAUTS)
    if text.isascii():
        return text, False
    import unicodedata

    from anyascii import anyascii

    made = {each: anyascii(each) for each in text}
    lost = {unicodedata.category(each) for each in made if not re.search(r"\w", made[each])}
    if any(re.search(r"\w", each) for each in made.values()):
        lost = {each for each in lost if each[0] in "LN" or each in ("Co", "Cn")}
    else:
        lost = {each for each in lost if each[0] in "LNS" or each in ("Co", "Cn")}
    return "".join(made[each] for each in text), bool(lost)


_UMLAUTS = str.maketrans({0xE4: "ae", 0xF6: "oe", 0xFC: "ue", 0xDF: "ss"})
# Campaigns of analytics programs, click ids of advertisers and mailers, sessions of old servers.
_CAMPAIGN = (
    r"(?:utm|mtm|pk|piwik|matomo|hsa|itm|trk|vero|oly|guce|_branch|_bta|at|gtm)_\w+"
    r"|(?:fb|g|d|ms|tw|tt|y|ys|s|wb|ob)clid|rdt_cid"
    r"|gclsrc|gbraid|wbraid|gad_\w+|srsltid|_ga|_gl|_gac|_openstat|epik|igshid|igsh|xtor|wt_?mc"
    r"|li_fat_id|rb_clickid|irclickid|cjevent|dicbo|tblci|zanpid|s_kwcid|s_cid|ef_id|mkt_tok"
    r"|mc_[ce]id|ml_subscriber\w*|ck_subscriber_id|_hs(?:enc|mi)|__hs(?:tc|sc|fp)|hsctatracking"
    r"|_k[ex]|dm_i|wickedid|fb_(?:action_\w+|ref|source)|guccounter"
    r"|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken"
)


_PATTERNS = {
    "breaks": "[\x00-\x1f\x7f-\x9f\u2028\u2029]",
    "host": r"^(?:[a-z][a-z0-9+.-]*://[^/?#\\]*|//[^/?#\\]*[.:][^/?#\\]*)",
    "slash": "%(?:25)*2f",
    "escapes": "(?:%[0-9a-f]{2})+",
    "session": r";(?:jsessionid|phpsessid|sid)=[^/;]*",
    "campaign": _CAMPAIGN,
    "person": r"\w@\w[\w-]*\.\w",  # an e-mail address, which mailers put into links
    "unfilled": (
        r"\{\{|\}\}|\{%|%\}|<%|%>|<\?|\$\{|#\{|%%\w+%%|\*\||\|\*"
        r"|^\{\w+\}$|^%[a-z_]\w*%$|^:[a-z_]\w*$"
        r"|^\[{1,2}(?:\.\.\.)?[a-z_]\w*\]{1,2}$"
    ),
}
# One of these is in every template.
_MARKS = frozenset("{}%<$|:[")


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Compile a pattern when the first name comes that needs it."""
    return re.compile(_PATTERNS[name], re.I)
