"""Feeds as sites publish them: every format, and what real ones get wrong."""

import json
from collections.abc import Iterable

import pytest

from chalicelib.articles import feeds
from chalicelib.articles.feeds import Feed, Unread

SITE = "https://www.site.example"
FEED = f"{SITE}/feed.xml"
ITEM = "<item><title>{title}</title><link>{link}</link></item>"


def parsed(
    text: str | bytes, kind: str = "", naming: str = "path", origins: Iterable[str] = (SITE,)
) -> Feed:
    body = text if isinstance(text, bytes) else text.encode()
    return feeds.parse(body, kind, FEED, tuple(origins), naming)


def rss(*items: str, attributes: str = "") -> str:
    channel = f"<channel>{''.join(items)}</channel>"
    return f'<?xml version="1.0"?><rss version="2.0" {attributes}>{channel}</rss>'


def one(link: str = "/gold", title: str = "Gold", text: str = "") -> str:
    """Return what a feed with one such item comes to: name, title and page, or the fault."""
    feed = parsed(text or rss(ITEM.format(link=link, title=title)))
    if feed.entries:
        (entry,) = feed.entries
        return f"{entry.name}|{entry.title}|{entry.page}"
    return "|".join(feed.faults)


SITEMAP = """<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc>https://www.site.example/markt/gold</loc><news:news><news:publication>
<news:name>Site</news:name><news:language>de</news:language></news:publication>
<news:publication_date>2026-11-23T08:05:00+01:00</news:publication_date>
<news:title>Gold &amp; Silber</news:title>
<news:keywords>Markt, Gold</news:keywords></news:news></url>
<url><loc>https://www.site.example/impressum</loc></url>
</urlset>"""
RSS2 = """<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:atom="http://www.w3.org/2005/Atom"><channel><link>https://www.site.example/</link>
<item><atom:link href="https://www.site.example/other" rel="self"/>
<title><![CDATA[Gold & Silber]]></title>
<link>https://www.site.example/markt/gold</link>
<guid isPermaLink="false">https://www.site.example/?p=7</guid>
<pubDate>Mon, 23 Nov 2026 08:05:00 +0100</pubDate><category>Markt</category>
</item></channel></rss>"""
RSS1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Site</title></channel>
<item><title>Gold &amp; Silber</title><link>https://www.site.example/markt/gold</link>
<dc:date>2026-11-23T07:05:00Z</dc:date><dc:subject>Markt</dc:subject></item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://www.site.example/markt/"><title>Site</title>
<entry><title type="html">Gold &amp;amp; &lt;b&gt;Silber&lt;/b&gt;</title>
<link rel="enclosure" href="x.mp3"/>
<link href="gold" rel="alternate"/><id>urn:7</id><updated>2026-12-01T00:00:00Z</updated>
<published>2026-11-23T07:05:00Z</published><category term="m" label="Markt"/></entry></feed>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {
                "id": "7",
                "url": "https://www.site.example/markt/gold",
                "title": "Gold & Silber",
                "date_published": "2026-11-23T08:05:00+01:00",
                "tags": ["Markt"],
            },
            {"id": 8},
            "nonsense",
        ],
    }
)


@pytest.mark.parametrize("text", [SITEMAP, RSS2, RSS1, ATOM, JSON])
def test_each_format_tells_the_same(text: str) -> None:
    feed = parsed(text)
    assert [vars(each) for each in feed.entries] == [
        {
            "name": "markt.gold",
            "title": "Gold & Silber",
            "page": f"{SITE}/markt/gold",
            "date": "2026-11-23T07:05:00.000Z",
            "section": "Markt",
        }
    ]
    assert sum(feed.faults.values()) == {SITEMAP: 1, JSON: 2}.get(text, 0)


def test_an_index_names_its_sitemaps_the_newest_first() -> None:
    index = """<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
    <sitemap><loc>/old.xml</loc><lastmod>2020-01-01</lastmod></sitemap>
    <sitemap><loc>https://www.site.example/new.xml</loc><lastmod>2026-01-01</lastmod></sitemap>
    </sitemapindex>"""
    assert parsed(index).parts == (f"{SITE}/new.xml", f"{SITE}/old.xml")


LINKS = {
    "https://www.site.example/gold": f"gold|Gold|{SITE}/gold",
    "http://www.site.example/gold": f"gold|Gold|{SITE}/gold",
    "https://site.example/gold": f"gold|Gold|{SITE}/gold",
    "//www.site.example/gold": f"gold|Gold|{SITE}/gold",
    "HTTPS://WWW.SITE.EXAMPLE/gold": f"gold|Gold|{SITE}/gold",
    "https://www.site.example:443/gold": f"gold|Gold|{SITE}/gold",
    "gold": f"gold|Gold|{SITE}/gold",
    "  /gold\n": f"gold|Gold|{SITE}/gold",
    "/gold/": f"gold|Gold|{SITE}/gold/",
    "/gold#top": f"gold|Gold|{SITE}/gold",
    "/gold?utm_source=rss&amp;utm_medium=feed": f"gold|Gold|{SITE}/gold",
    "/?p=7&amp;fbclid=x": f"p-7|Gold|{SITE}/?p=7",
    "/gold?at_medium=RSS&amp;id=3": f"gold-id-3|Gold|{SITE}/gold?id=3",
    "/a b": f"a-b|Gold|{SITE}/a%20b",
    "": "no link",
    "/": "no name",
    "https://evil.example/gold": "elsewhere",
    "https://www.site.example@evil.example/gold": "elsewhere",
    "https://www.site.example.evil.example/": "elsewhere",
    "https://www.site.example:8443/gold": "elsewhere",
    "javascript:alert(1)": "elsewhere",
    "mailto:a@b.example": "elsewhere",
    "https://[::1/gold": "elsewhere",
    "https://www.site.example:x/": "elsewhere",
    f"/{'x' * 600}": "elsewhere",
}


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_to_the_site_or_are_left_out(link: str) -> None:
    assert one(link=link) == LINKS[link]


FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # one sign, of three joined ones
TITLES = {
    "Gold": "Gold",
    "  Gold \n kaufen ": "Gold kaufen",
    "Gold &amp; Silber": "Gold & Silber",
    "Gold &amp;amp; Silber": "Gold & Silber",
    "&lt;b&gt;Gold&lt;/b&gt; kaufen": "Gold kaufen",
    "<![CDATA[<em>Gold</em> &amp; Silber]]>": "Gold & Silber",
    "<![CDATA[Gold &uuml;ber 5 < 6]]>": "Gold über 5 < 6",
    "&lt;img src=x onerror=alert(1)&gt;Gold": "Gold",
    "&lt;script&gt;alert(1)&lt;/script&gt;": "alert(1)",
    "B&auml;ren &ndash; Gold&nbsp;kaufen": "Bären – Gold kaufen",
    "Gold & Silber": "Gold & Silber",
    "AT&T": "AT&T",
    f"Gold {FAMILY}": f"Gold {FAMILY}",
    "\u0630\u0647\u0628 \u202egold": "\u0630\u0647\u0628 gold",
    "Go\u0308ld": "Göld",
    "Gold\x0bkaufen": "Goldkaufen",
    "\u200b": None,
    "": None,
    "x" * 300: "x" * 199 + "…",
}


@pytest.mark.parametrize("title", TITLES)
def test_titles_are_one_line_of_text(title: str) -> None:
    wanted = TITLES[title]
    assert one(title=title) == (f"gold|{wanted}|{SITE}/gold" if wanted else "no title")


DATES = {
    "Mon, 23 Nov 2026 08:05:00 +0100": "2026-11-23T07:05:00.000Z",
    "23 Nov 2026 07:05:00 GMT": "2026-11-23T07:05:00.000Z",
    "2026-11-23": "2026-11-23T00:00:00.000Z",
    "2026-11-23T08:05+01:00": "2026-11-23T07:05:00.000Z",
    "2099-01-01T00:00:00Z": "2099-01-01T00:00:00.000Z",
    "": "",
    "yesterday": "",
    "0001-01-01T00:00:00+14:00": "",
    "9999-12-31T23:59:59-12:00": "",
    "Mon, 99 Nov 2026 99:99:99": "",
}


@pytest.mark.parametrize("written", DATES)
def test_dates_are_read_or_left_out(written: str) -> None:
    text = rss(f"<item><title>Gold</title><link>/gold</link><pubDate>{written}</pubDate></item>")
    (entry,) = parsed(text).entries
    assert entry.date == DATES[written]


def test_a_broken_encoding_is_read_as_what_it_is() -> None:
    text = rss(ITEM.format(link="/gold", title="Müller"))
    declared = text.replace("?>", ' encoding="{}"?>', 1)
    bodies = [
        declared.format("ISO-8859-1").encode(),  # says Latin-1, is UTF-8
        declared.format("ISO-8859-1").encode("latin-1"),
        declared.format("UTF-8").encode("cp1252"),  # says UTF-8, is not
        declared.format("nonsense").encode("cp1252"),
        b"\xef\xbb\xbf" + declared.format("UTF-8").encode(),
        declared.format("UTF-16").encode("utf-16"),
        b"\n\n  " + declared.format("UTF-8").encode(),  # blank lines before the declaration
        text.encode("cp1252"),
    ]
    for body in bodies:
        (entry,) = parsed(body, "text/html; charset=us-ascii").entries
        assert entry.title == "Müller"


NO_FEEDS = {
    "": "empty",
    "   ": "empty",
    "Service unavailable": "format",
    "<!DOCTYPE html><html><body>Wartung</body></html>": "page",
    "<html><head><title>404</title></head></html>": "page",
    "<!-- x --><html><body>x</body></html>": "page",
    "<opml/>": "format",
    "<rss><channel>": "xml",
    '{"items": 3}': "json",
    "{": "json",
    '{"a":' + "[" * 100_000: "json",
    '<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss>&b;</rss>': "entities",
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss>&x;</rss>': "entities",
}


@pytest.mark.parametrize("text", NO_FEEDS)
def test_what_is_no_feed_is_refused_by_its_kind(text: str) -> None:
    with pytest.raises(Unread) as refused:
        parsed(text)
    assert refused.value.code == NO_FEEDS[text]


def test_a_doctype_without_entities_is_read() -> None:
    declared = '<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://x.example/rss.dtd">'
    text = rss(ITEM.format(link="/gold", title="Gold")).replace("?>", f"?>{declared}", 1)
    assert one(text=text) == f"gold|Gold|{SITE}/gold"


def test_a_bad_entry_is_left_out_and_named_and_the_others_stay() -> None:
    items = [
        ITEM.format(link="/gold", title="Gold"),
        ITEM.format(link="https://evil.example/", title="Spam"),
        ITEM.format(link="/silver", title=""),
        ITEM.format(link="/platinum", title="Platin"),
    ]
    feed = parsed(rss(*items))
    assert [each.name for each in feed.entries] == ["gold", "platinum"]
    assert dict(feed.faults) == {"elsewhere": 1, "no title": 1}
    assert feed.examples["elsewhere"] == "https://evil.example/"


def test_a_guid_is_a_link_only_where_it_is_an_address() -> None:
    guid = "<item><title>Gold</title><guid>{}</guid></item>"
    assert one(text=rss(guid.format(f"{SITE}/gold"))) == f"gold|Gold|{SITE}/gold"
    assert one(text=rss(guid.format("tag:7"))) == "no link"
    own = '<item><title>Gold</title><guid isPermaLink="false">/7</guid></item>'
    assert one(text=rss(own)) == "no link"


def test_the_same_article_twice_is_one_and_two_of_one_name_are_told() -> None:
    twice = parsed(
        rss(
            *(
                ITEM.format(link=each, title=each)
                for each in ("/gold", "/gold/", "http://site.example/gold")
            )
        )
    )
    assert (len(twice.entries), twice.collisions) == (1, {})
    two = parsed(rss(*(ITEM.format(link=each, title=each) for each in ("/a/b", "/a.b"))))
    assert two.collisions == {"a.b": (f"{SITE}/a/b", f"{SITE}/a.b")}
    both = feeds.merged(
        [parsed(rss(ITEM.format(link=each, title=each))) for each in ("/a/b", "/a.b")]
    )
    assert both.collisions == two.collisions
    assert [each.title for each in both.entries] == ["/a/b"]


def test_an_article_can_be_called_after_the_last_part_of_its_address() -> None:
    feed = parsed(rss(ITEM.format(link="/markt/gold/", title="Gold")), naming="last")
    assert [each.name for each in feed.entries] == ["gold"]


def test_a_base_changes_where_links_lead() -> None:
    item = '<item xml:base="markt/"><title>Gold</title><link>gold</link></item>'
    feed = parsed(rss(item, attributes=""))
    assert feed.entries[0].page == f"{SITE}/markt/gold"


def test_an_atom_text_title_is_as_it_is_written() -> None:
    text = ATOM.replace('type="html"', "").replace("&amp;amp;", "&amp;")
    assert parsed(text).entries[0].title == "Gold & <b>Silber</b>"
    div = '<div xmlns="http://www.w3.org/1999/xhtml">Gold <b>kaufen</b></div>'
    xhtml = f'<title type="xhtml">{div}</title>'
    text = ATOM[: ATOM.index("<title type")] + xhtml + ATOM[ATOM.index("<link rel") :]
    assert parsed(text).entries[0].title == "Gold kaufen"


ITEMS = ITEM.format(link="/gold", title="Gold {}")
BROKEN = {  # what servers and writers do to a feed, by the reports of readers' users
    "<br />\n<b>Warning</b>: mkdir()<br />\n" + rss(ITEMS.format("")): "Gold",
    rss(ITEMS.format("")) + "<br />\n<b>Warning</b>: mkdir()": "Gold",
    rss(ITEMS.format("")) + "\n<script>x</script>": "Gold",
    "\n\n" + rss(ITEMS.format("")): "Gold",
    rss(ITEMS.format("&#1114112;&#55296;&#x8;&#xFFFF; kaufen")): "Gold kaufen",
    rss(ITEMS.format("&unknown; &ecirc;")): "Gold &unknown; ê",
    rss(ITEMS.format("D&D & \x1e\x08mehr")): "Gold D&D & mehr",
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_servers_do_to_a_feed_is_mended(text: str) -> None:
    assert one(text=text) == f"gold|{BROKEN[text]}|{SITE}/gold"


def test_a_broken_octet_is_no_other_encoding() -> None:
    body = rss(ITEMS.format("für Müller, Bäcker, Köche und Gärtner " * 3)).encode()
    (entry,) = parsed(body.replace(b"Gold", b"Gold\xc3")).entries
    assert entry.title.startswith("Gold für Müller")


def test_of_several_links_of_an_entry_the_page_is_taken() -> None:
    more = '<link rel="alternate" type="application/nostr+json" href="nostr:x"/>'
    text = ATOM.replace('<link href="gold"', f'{more}<link href="gold"')
    assert parsed(text).entries[0].page == f"{SITE}/markt/gold"


def test_a_large_feed_is_read_in_time() -> None:
    items = (ITEM.format(link=f"/markt/artikel-{n}", title=f"Gold {n}") for n in range(20_000))
    assert len(parsed(rss(*items)).entries) == 20_000
