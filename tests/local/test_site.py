"""Every page of the demo website is served, linked, and says what the company's file says."""

from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from chalicelib import company
from chalicelib.articles import feeds
from chalicelib.consent import Wordings
from local.cloud import ROOT
from local.site import Pages

AT = {"api": "http://api.example", "site": "http://site.example"}
SITE = Pages(ROOT / "demo" / "site", AT)
PATHS = SITE.paths()
FORMS = {"newsletter": "newsletter", "callback": "callbacks"}  # and their declarations' `data-for`
VOID = {"br", "img", "input", "link", "meta"}


@dataclass
class Element:
    """An element of a page, with everything in it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list["Element"] = field(default_factory=list)  # in the page's order

    def all(self, tag: str, **attributes: str) -> list["Element"]:
        """Return the elements in this one with these attributes; `data_for` is `data-for`."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self.inside
            if each.tag == tag and wanted.items() <= each.attributes.items()
        ]

    def __getitem__(self, name: str) -> str:
        """Return an attribute."""
        return self.attributes[name]


class Reader(HTMLParser):
    """Reads a page. Fails where an element is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open = [Element("", {})]
        self.page = self.open[0]
        self.feed(text)
        assert self.open == [self.page]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        for outer in self.open:
            outer.inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for outer in self.open:
            outer.text += data


def read(path: str) -> Element:
    """Return the page of a path. Fails if there is none."""
    status, kind, body = SITE.answer(path)
    assert (status, kind) == (200, "text/html; charset=utf-8"), body
    return Reader(body.decode()).page


def language_of(path: str) -> str:
    return "en" if f"{path}/".startswith("/en/") else "de"


def test_these_pages_exist() -> None:
    assert {
        *("/", "/beratung", "/danke", "/impressum", "/datenschutz"),
        *("/en", "/en/advice", "/en/thanks", "/en/imprint", "/en/privacy"),
        "/artikel/barren-oder-muenzen",
    } <= set(PATHS)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_has_its_frame(path: str) -> None:
    page, language = read(path), language_of(path)
    assert [each["lang"] for each in page.all("html")] == [language]
    (title,) = page.all("title")
    assert company.current().name in title.text
    (description,) = page.all("meta", name="description")
    assert description["content"]
    assert len(page.all("main")) == len(page.all("h1")) == 1
    levels = [int(each.tag[1]) for each in page.inside if each.tag in {"h1", "h2", "h3"}]
    assert all(next <= level + 1 for level, next in zip([0, *levels], levels, strict=False))
    (foot,) = page.all("footer")
    links = company.current().links
    assert {links["imprint"][language], links["privacy"][language]} <= {
        each["href"] for each in foot.all("a")
    }


@pytest.mark.parametrize("path", ["/feed.xml", "/sitemap.xml"])
def test_the_feed_has_every_article_with_the_date_on_its_page(path: str) -> None:
    status, kind, body = SITE.answer(path)
    assert (status, kind.partition(";")[0].rpartition("/")[2]) == (200, "xml")
    found = feeds.parse(body, kind, f"{AT['site']}{path}", (AT["site"],), "last")
    pages = [each for each in PATHS if each.startswith("/artikel/")]
    assert {urlsplit(each.page).path for each in found.entries} == set(pages)
    for entry in found.entries:
        page = read(urlsplit(entry.page).path)
        (heading,) = page.all("h1")
        assert heading.text == entry.title
        times = {each["datetime"]: each.text for each in page.all("time")}
        (written,) = (each for each in times if feeds.instant(each) == entry.date)
        local = datetime.fromisoformat(written)
        assert local.utcoffset() == local.astimezone(ZoneInfo("Europe/Berlin")).utcoffset()
        assert times[written].endswith(f"{local.year}, {local.hour}:{local:%M} Uhr")


def test_titles_and_descriptions_are_their_own() -> None:
    pages = [read(path) for path in PATHS]
    assert len({page.all("title")[0].text for page in pages}) == len(pages)
    assert len({page.all("meta", name="description")[0]["content"] for page in pages}) == len(pages)


@pytest.mark.parametrize("path", PATHS)
def test_the_policy_allows_the_api_and_nobody_else(path: str) -> None:
    page = read(path)
    (policy,) = page.all("meta", http_equiv="Content-Security-Policy")
    assert policy["content"] == (
        f"default-src 'self'; script-src {AT['api']}; connect-src {AT['api']};"
        f"{' worker-src blob:;' if page.all('form') else ''}"
        f" form-action 'self' {AT['api']}; object-src 'none'; base-uri 'none'"
    )
    assert [each["src"] for each in page.all("script")] == [f"{AT['api']}/embed.js"]
    assert not any("style" in each.attributes or each.tag == "style" for each in page.inside)


@pytest.mark.parametrize("path", [*PATHS, "/nowhere", "/en/nowhere"])
def test_every_link_leads_somewhere(path: str) -> None:
    page = Reader(SITE.answer(path)[2].decode()).page
    names = {each["id"] for each in page.inside if "id" in each.attributes}
    references = [
        each[name]
        for each in page.inside
        for name in ("href", "src")
        if name in each.attributes and not each[name].startswith((AT["api"], "tel:", "mailto:"))
    ]
    assert references
    for each in references:
        if each.startswith("#"):
            assert each[1:] in names
        else:
            assert SITE.answer(each.removeprefix(AT["site"]) or "/")[0] == 200, each


def test_every_page_is_linked_or_a_thank_you_page() -> None:
    pages = [read(path) for path in PATHS]
    linked = {each["href"] for page in pages for each in page.all("a")}
    thanks = {each["value"] for page in pages for each in page.all("input", name="next")}
    assert set(PATHS) <= linked | {each.removeprefix(AT["site"]) for each in thanks}


@pytest.mark.parametrize("path", PATHS)
def test_the_other_language_knows_this_page(path: str) -> None:
    page, mine = read(path), language_of(path)
    linked = page.all("link", rel="alternate")
    alternates = {
        each["hreflang"]: each["href"] for each in linked if "hreflang" in each.attributes
    }
    other = "de" if mine == "en" else "en"
    (switch,) = page.all("header")[0].all("a", hreflang=other)
    assert language_of(switch["href"]) == other
    if not path.startswith("/artikel/"):  # articles are in German alone
        assert alternates == {
            mine: f"{AT['site']}{path}",
            other: f"{AT['site']}{switch['href']}",
        }
        back = read(switch["href"]).all("link", rel="alternate", hreflang=mine)
        assert [each["href"] for each in back] == [f"{AT['site']}{path}"]


@pytest.mark.parametrize("path", ["/nowhere", "/en/nowhere", "/artikel/nowhere"])
def test_what_does_not_exist_is_told_in_the_language_of_the_path(path: str) -> None:
    status, _, body = SITE.answer(path)
    assert status == 404
    assert f'<html lang="{language_of(path)}">'.encode() in body


@pytest.mark.parametrize(
    "path", ["/_layout", "/_layout.html", "/../site.py", "/../../README.md", "/\0", "/..", "/en/_x"]
)
def test_parts_and_other_folders_are_not_served(path: str) -> None:
    assert SITE.answer(path)[0] == 404


def test_a_mistake_in_a_page_is_told(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("{{ nobody_knows }}")
    status, kind, body = Pages(tmp_path, AT).answer("/")
    assert (status, kind) == (500, "text/plain; charset=utf-8")
    assert b"nobody_knows" in body


FORMS_BY_PAGE = [
    pytest.param(path, form["data-contact"], id=f"{path}-{form['data-contact']}")
    for path in PATHS
    for form in read(path).all("form")
]


def test_both_forms_are_in_both_languages() -> None:
    shown = {
        (language_of(path), form["data-contact"])
        for path in PATHS
        for form in read(path).all("form")
    }
    assert shown == {(language, kind) for language in ("de", "en") for kind in FORMS}


@pytest.mark.parametrize(("path", "kind"), FORMS_BY_PAGE)
def test_a_form_is_the_company_s(path: str, kind: str) -> None:
    (form,) = read(path).all("form", data_contact=kind)
    ours, language = company.current(), language_of(path)
    wording = Wordings(kind).current(language)
    (declaration,) = [
        each for each in form.inside if each.attributes.get("data-contact") == "consent"
    ]
    assert declaration["data-for"] == FORMS[kind]
    assert declaration.text == wording.text
    sent = {
        each["name"]: each["value"]
        for each in form.all("input")
        if each.attributes.get("type") == "hidden" or each["name"] == "consent"
    }
    assert sent == {
        "consent": wording.version,
        "language": language,
        "page": f"{AT['site']}{path}",
        "next": f"{AT['site']}{'/en/thanks' if language == 'en' else '/danke'}",
    }
    if kind == "newsletter":
        labels = form.all("fieldset")[0].all("label")
        shown = {each.all("input")[0]["value"]: each.text.strip() for each in labels}
        topics = ours.newsletter_topics
    else:
        shown = {
            each["value"]: each.text for each in form.all("select", name="topic")[0].all("option")
        }
        topics = ours.callback_topics
    assert list(shown.items()) == [(topic, labels[language]) for topic, labels in topics.items()]


@pytest.mark.parametrize(("path", "kind"), FORMS_BY_PAGE)
def test_privacy_is_one_click_from_a_declaration(path: str, kind: str) -> None:
    (form,) = read(path).all("form", data_contact=kind)
    (declared,) = [
        at
        for at, each in enumerate(form.inside)
        if each.attributes.get("data-contact") == "consent"
    ]
    after = [each for each in form.inside[declared + 1 :] if each.tag in {"a", "button", "label"}]
    assert after[0]["href"] == company.current().links["privacy"][language_of(path)]


@pytest.mark.parametrize(("path", "kind"), FORMS_BY_PAGE)
def test_every_field_has_a_label(path: str, kind: str) -> None:
    (form,) = read(path).all("form", data_contact=kind)
    labelled = [each for label in form.all("label") for each in label.inside]
    for each in (*form.all("input"), *form.all("select")):
        assert each.attributes.get("type") == "hidden" or any(each is other for other in labelled)
