"""What a site's feed says of its articles: sitemaps, RSS, Atom and JSON Feed. No I/O.

Feeds are read as they are found, not as their formats demand: with a wrong encoding, HTML's
entities, relative links, another host's `www`, markup in titles. An entry that names no article of
the site is left out and counted as a fault; the others stay.
"""

import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from chalicelib import instants
from chalicelib.articles import names
from chalicelib.articles.entries import Entry

LONGEST_TITLE = 200  # characters
LONGEST_SECTION = 60
LONGEST_PAGE = 500
MOST_ENTRIES = 50_000  # as many as a sitemap may have
_XML = "{http://www.w3.org/XML/1998/namespace}"
_CAMPAIGNS = re.compile(
    r"(?:utm_|mtm_|pk_|at_)\w+|fbclid|gclid|msclkid|wt_mc|wt_zmc|mc_[ce]id", re.I
)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
_BARE = re.compile(r"&(?!#\d+;|#[xX][0-9a-fA-F]+;|(?:amp|lt|gt|quot|apos);)")
_DECLARED = re.compile(r"^\s*<\?xml[^>]*\?>")
_NUMBER = re.compile(r"&#(\d+|[xX][0-9a-fA-F]+);")
# Where a document begins and ends. Before and behind it servers write blank lines and warnings.
_JUNK = 5_000  # characters in which it has to begin
_BEGIN = re.compile(r"<\?xml\b|<!DOCTYPE\b|<(?:rss|feed|urlset|sitemapindex|rdf:RDF|html)\b", re.I)
_END = re.compile(r"</(?:rss|feed|urlset|sitemapindex|rdf:RDF)\s*>")
_PAGE = re.compile(r"<!doctype html|<html\b", re.I)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.S)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PAGES = ("text/html", "application/xhtml+xml")
_JOINERS = "\u200c\u200d"


class Unread(Exception):
    """A feed that cannot be had or read; `code` is one of `words.FEED_ERRORS`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(" ".join(filter(None, (code, detail))))
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Feed:
    """The articles of a feed, newest first as far as it says; other sitemaps it points to.

    `faults` counts what was left out, by reason; `examples` has the first address of each reason.
    `collisions` has the names that two addresses share, with both addresses.
    """

    entries: tuple[Entry, ...] = ()
    parts: tuple[str, ...] = ()
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    collisions: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Raw:
    link: str
    title: str
    date: str = ""
    section: str = ""


def parse(body: bytes, kind: str, url: str, origins: Sequence[str], naming: str = "path") -> Feed:
    """Read a feed that was fetched from `url`; `kind` is the content type it came with.

    `origins` are the site's own: an article elsewhere is a fault. `naming` says whether an article
    is called after the whole `path` of its address or the `last` part. Raises Unread.
    """
    text = _text(body, kind)
    start = text.lstrip()[:1]
    if start == "{":
        return _checked(_json(text, url), url, origins, naming)
    root = _tree(text.strip())
    local = _local(root.tag)
    if local == "sitemapindex":
        parts = sorted(
            ((_child_text(each, "lastmod"), _child_text(each, "loc")) for each in root),
            reverse=True,
        )
        return Feed(parts=tuple(_join(url, loc) for _, loc in parts if loc))
    readers = {"urlset": _sitemap, "rss": _rss, "RDF": _rss, "feed": _atom}
    if local not in readers:
        raise Unread("page" if local.lower() == "html" else "format", local[:30])
    return _checked(readers[local](root, url), url, origins, naming)


def merged(feeds: Iterable[Feed]) -> Feed:
    """Return several feeds as one; of an article that is in two the first stays."""
    entries: dict[str, Entry] = {}
    faults: Counter[str] = Counter()
    examples: dict[str, str] = {}
    collisions: dict[str, tuple[str, str]] = {}
    for feed in feeds:
        for entry in feed.entries:
            known = entries.setdefault(entry.name, entry)
            if _key(known.page) != _key(entry.page):
                collisions.setdefault(entry.name, (known.page, entry.page))
        faults.update(feed.faults)
        examples = {**feed.examples, **examples}
        collisions = {**feed.collisions, **collisions}
    return Feed(tuple(entries.values()), (), faults, examples, collisions)


def address(link: str, base: str, origins: Sequence[str]) -> str | None:
    """Return an article's address on one of the origins, without campaigns; None elsewhere.

    A link with the other scheme, or with or without `www.`, is the origin's own.
    """
    try:
        whole = urlsplit(_join(base, link))
        if whole.scheme not in ("http", "https") or whole.username is not None:
            return None
        own = next((each for each in origins if _place(urlsplit(each)) == _place(whole)), None)
    except ValueError:
        return None
    if own is None:
        return None
    query = whole.query
    parts = query.split("&")
    query = "&".join(each for each in parts if not _CAMPAIGNS.fullmatch(each.partition("=")[0]))
    home = urlsplit(own)
    page = urlunsplit((home.scheme, home.netloc, whole.path or "/", query, ""))
    page = re.sub(r"\s+", "%20", page)
    return page if len(page) <= LONGEST_PAGE and not _NOT_XML.search(page) else None


def plain(text: str, most: int, markup: bool = True) -> str:
    """Return a title in one line, without markup and signs that do not show, cut to `most`."""
    if markup:
        text = _TAG.sub("", html.unescape(_TAG.sub("", text)))
    kept = []
    for each in unicodedata.normalize("NFC", text):
        category = unicodedata.category(each)
        if category in ("Cc", "Zs", "Zl", "Zp"):
            kept.append(" ")
        elif each in _JOINERS or (category not in ("Cf", "Cs", "Co", "Cn") and each != "\ufffd"):
            kept.append(each)
    line = " ".join("".join(kept).split())
    if not line.strip(_JOINERS + " "):
        return ""
    return line if len(line) <= most else line[: most - 1].rstrip(_JOINERS + " ") + "…"


def instant(written: str) -> str:
    """Return a feed's date as our instants are written; empty where it is none."""
    written = written.strip()
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        try:
            at = parsedate_to_datetime(written)
        except (ValueError, TypeError, IndexError):
            return ""
    try:
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return ""
    return instants.text(at) if 1990 <= at.year <= 2100 else ""


def _checked(raw: Iterable[_Raw], url: str, origins: Sequence[str], naming: str) -> Feed:
    """Return the articles of a feed; what cannot be one is counted by its reason."""
    entries: dict[str, Entry] = {}
    faults: Counter[str] = Counter()
    examples: dict[str, str] = {}
    collisions: dict[str, tuple[str, str]] = {}
    for at, each in enumerate(raw):
        page = address(each.link, url, origins) if each.link.strip() else None
        name = _name(page, naming) if page else None
        reason = (
            "too many"
            if at >= MOST_ENTRIES
            else "no link"
            if not each.link.strip()
            else "elsewhere"
            if page is None
            else "no name"
            if name is None
            else "no title"
            if not each.title
            else ""
        )
        if reason or page is None or name is None:
            faults[reason] += 1
            examples.setdefault(reason, (each.link or each.title)[:LONGEST_TITLE])
            continue
        entry = Entry(name, each.title, page, each.date, each.section)
        known = entries.setdefault(name, entry)
        if _key(known.page) != _key(page):
            collisions.setdefault(name, (known.page, page))
    return Feed(tuple(entries.values()), (), faults, examples, collisions)


def _join(base: str, link: str) -> str:
    """Return a link as it reads on a page; as it is where it cannot be read."""
    try:
        return urljoin(base, link.strip())
    except ValueError:
        return link


def _key(page: str) -> str:
    return page.rstrip("/")


def _name(page: str, naming: str) -> str | None:
    parts = urlsplit(page)
    path = parts.path
    if naming == "last":
        path = path.rstrip("/").rpartition("/")[2]
    if not path.strip("/") and not parts.query:
        return None  # the home page is no article
    return names.name(f"{path}?{parts.query}" if parts.query else path).slug or None


def _place(url: SplitResult) -> tuple[str, int | None]:
    host = (url.hostname or "").removeprefix("www.")
    return host, None if url.port in (80, 443) else url.port


def _text(body: bytes, kind: str) -> str:
    """Decode a feed: by its byte order mark, as UTF-8, as it says, at last as Windows does."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace").lstrip("\ufeff")
    said = re.search(rb"^\s*<\?xml[^>]*encoding=[\"']([\w.:-]+)", body[:200])
    sent = re.search(r"charset=\"?([\w.:-]+)", kind, re.I)
    named = (said[1].decode() if said else "", sent[1] if sent else "")
    # UTF-8 first: what is not meant as UTF-8 hardly ever is, whatever it says it is. A few broken
    # octets, such as those of a word that was cut, do not make another encoding of it.
    mended = body.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    if sum(letter > "\x7f" for letter in mended) >= 10 * broken:
        return mended
    for encoding in filter(None, (*named, "cp1252")):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("latin-1")


def _tree(text: str) -> Any:
    """Return the root of an XML document, mended where feeds are known to be broken."""
    from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import ParseError, fromstring  # type: ignore[import-untyped]

    text = _NOT_XML.sub("", text)
    if begin := _BEGIN.search(text, 0, _JUNK):
        text = text[begin.start() :]
    elif not text or "<" not in text[:_JUNK]:
        raise Unread("format" if text else "empty")
    text = _DECLARED.sub("", text, count=1).strip()
    if _PAGE.match(text):
        raise Unread("page")
    try:
        return fromstring(text)
    except DefusedXmlException as error:
        raise Unread("entities") from error
    except ParseError:
        pass
    for end in _END.finditer(text):
        text = text[: end.end()]  # what comes behind it is a server's warnings
        break
    mended = _NUMBER.sub(_numbered, _BARE.sub("&amp;", _ENTITY.sub(_spelled, text)))
    try:
        return fromstring(mended)
    except (ParseError, DefusedXmlException) as error:
        raise Unread("xml") from error


def _numbered(reference: re.Match[str]) -> str:
    """Return a reference to a character by its number; nothing where XML has no such character."""
    digits = reference[1]
    number = int(digits[1:], 16) if digits[0] in "xX" else int(digits)
    fits = 0x20 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF or number in (9, 10, 13)
    return reference[0] if fits and number not in (0xFFFE, 0xFFFF) else ""


def _spelled(entity: re.Match[str]) -> str:
    """Return what one of HTML's entities stands for, fit for XML."""
    return html.escape(html.unescape(entity[0])).replace("&#x27;", "'")


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _children(element: Any, *local: str) -> Iterator[Any]:
    return (each for each in element if _local(each.tag) in local)


def _child_text(element: Any, *local: str) -> str:
    """Return the text of the first child of one of these names that has any."""
    for wanted in local:
        for each in _children(element, wanted):
            if text := "".join(each.itertext()).strip():
                return text
    return ""


def _sitemap(root: Any, url: str) -> Iterator[_Raw]:
    for each in _children(root, "url"):
        news = next(_children(each, "news"), None)
        title = section = date = ""
        if news is not None:
            title = _child_text(news, "title")
            date = _child_text(news, "publication_date")
            section = _child_text(news, "genres", "keywords").partition(",")[0]
        yield _Raw(
            _child_text(each, "loc"),
            plain(title, LONGEST_TITLE),
            instant(date or _child_text(each, "lastmod")),
            plain(section, LONGEST_SECTION),
        )


def _rss(root: Any, url: str) -> Iterator[_Raw]:
    channel = next(_children(root, "channel"), root)
    base = _join(url, channel.get(f"{_XML}base", ""))
    # RSS 1.0 has its items beside the channel.
    beside = _children(root, "item") if channel is not root else ()
    for each in (*_children(channel, "item"), *beside):
        guid = next(_children(each, "guid"), None)
        permanent = (
            "".join(guid.itertext())
            if guid is not None and guid.get("isPermaLink", "true").lower() != "false"
            else ""
        )
        if not permanent.strip().startswith(("http:", "https:", "/")):
            permanent = ""  # many guids that claim to be links are not
        links = [text for at in _children(each, "link") if (text := "".join(at.itertext()).strip())]
        atoms = [at.get("href", "") for at in _children(each, "link") if at.get("href")]
        link = _child_text(each, "origLink") or next(iter((*links, *atoms)), permanent)
        yield _Raw(
            _join(_join(base, each.get(f"{_XML}base", "")), link.strip()) if link.strip() else "",
            plain(_child_text(each, "title"), LONGEST_TITLE),
            instant(_child_text(each, "pubDate", "date", "published", "updated")),
            plain(_child_text(each, "category", "subject"), LONGEST_SECTION),
        )


def _atom(root: Any, url: str) -> Iterator[_Raw]:
    base = _join(url, root.get(f"{_XML}base", ""))
    for each in _children(root, "entry"):
        here = _join(base, each.get(f"{_XML}base", ""))
        links = [at for at in _children(each, "link") if at.get("rel", "alternate") == "alternate"]
        pages = (at for at in links if at.get("type", "text/html") in _PAGES)
        link = next(pages, links[0] if links else None)
        title = next(_children(each, "title"), None)
        category = next(_children(each, "category"), None)
        href = ""
        if link is not None and link.get("href", "").strip():
            href = _join(_join(here, link.get(f"{_XML}base", "")), link.get("href").strip())
        yield _Raw(
            href,
            plain("".join(title.itertext()), LONGEST_TITLE, title.get("type", "text") != "text")
            if title is not None
            else "",
            instant(_child_text(each, "published", "issued", "updated", "modified")),
            plain(category.get("label") or category.get("term") or "", LONGEST_SECTION)
            if category is not None
            else "",
        )


def _json(text: str, url: str) -> Iterator[_Raw]:
    """Read a JSON Feed (jsonfeed.org)."""
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unread("json") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise Unread("json")
    return (_json_item(each, url) for each in items)


def _json_item(item: Any, url: str) -> _Raw:
    def said(*keys: str) -> str:
        found = (item.get(key) for key in keys) if isinstance(item, dict) else iter(())
        return next((each for each in found if isinstance(each, str) and each.strip()), "")

    tags = item.get("tags") if isinstance(item, dict) else None
    tag = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else ""
    identifier = said("id")
    link = said("url") or (identifier if identifier.startswith(("http:", "https:", "/")) else "")
    return _Raw(
        _join(url, link) if link else "",
        plain(said("title"), LONGEST_TITLE, markup=False),
        instant(said("date_published", "date_modified")),
        plain(tag, LONGEST_SECTION),
    )
