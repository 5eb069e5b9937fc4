"""What docs/embedding.md promises for kinds of sites, beside the pages of the cases."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import company
from chalicelib.web import snippet
from tests.browser.conftest import eventually
from tests.browser.hosts.conftest import Host
from tests.browser.hosts.servers import settle
from tests.browser.hosts.test_pages import BUTTON, OUTPUT, STATE, fill, line, thanked

pytestmark = [
    pytest.mark.edge,
    pytest.mark.parametrize(
        ("driven", "ear"),
        [
            pytest.param("chromium", True, id="chromium"),
            pytest.param("firefox", True, id="firefox", marks=pytest.mark.soak),
        ],
        indirect=True,
    ),
]
FORM = """<form data-contact="newsletter" method="post" action="{{API}}/newsletter/signups">
<label>E-Mail <input type="email" name="email" required></label>
<input type="hidden" name="consent" value="newsletter-de-1"><button type="submit">OK</button></form>
<p data-contact="hotline"></p>"""
TAG = '<script src="{{API}}/embed.js" defer></script>'


def seldom(*cases: tuple[Any, ...]) -> list[Any]:
    """Return cases of a test that `make soak` alone runs."""
    return [pytest.param(*case, marks=pytest.mark.soak) for case in cases]


def document(head: str, body: str = "", classes: str = "") -> str:
    return (
        '<!doctype html><html lang="de"><head><meta charset="utf-8"><title>Ein Titel</title>'
        f'<link rel="icon" href="data:,">{head}</head><body class="{classes}">{body}</body></html>'
    )


def views(host: Host, count: int = 1) -> list[dict[str, Any]]:
    """Return what each view says, with its path, once there are so many and no more."""
    eventually(lambda: len([each for each in host.ear.posts("/views") if each.status]) >= count)
    settle()
    found = [{"path": each.path, **json.loads(each.body)} for each in host.ear.posts("/views")]
    assert len(found) == count
    return found


@pytest.mark.parametrize(
    ("head", "classes", "article"),
    [
        (
            '<meta property="og:type" content="article">'
            '<link rel="canonical" href="https://www.site.example/Ratgeber/M%C3%BCnzen/?p=1">',
            "",
            "/Ratgeber/M%C3%BCnzen/?p=1",
        ),
        *seldom(
            ('<meta property="og:type" content="article">', "", "/seite"),
            ('<script type="application/ld+json">{"@type": "NewsArticle"}</script>', "", "/seite"),
            ("", "single single-post", "/seite"),
            ('<meta name="contact-articles" content="/anders /">', "", "/seite"),
        ),
    ],
    ids=["canonical", "og:type", "JSON-LD", "WordPress", "prefix"],
)
def test_a_page_says_that_it_is_an_article(
    host: Host, head: str, classes: str, article: str
) -> None:
    host.open(document(head + TAG, classes=classes))
    (view,) = views(host)
    assert (view["path"], view["article"], view["title"]) == ("/views", article, "Ein Titel")


@pytest.mark.parametrize(
    "head",
    [
        '<meta name="contact-articles" content="/anders /seite">',
        *seldom(
            ("",),
            ('<meta property="og:type" content="website">',),
            (
                '<meta property="og:type" content="article">'
                '<meta name="contact-article" content="">',
            ),
        ),
    ],
    ids=["another prefix", "nothing", "a website", "named nothing"],
)
def test_a_page_that_is_no_article_is_not_counted(host: Host, head: str) -> None:
    host.open(document(head + TAG, FORM))
    line(host)
    settle()
    assert host.ear.posts("/views") == []


@pytest.mark.soak
def test_a_name_that_is_no_slug_reaches_the_api_whole(host: Host) -> None:
    tag = TAG.replace("defer", 'data-article="../../etc/passwd" defer')
    host.open(document(tag, '<b data-contact="views"></b>'))
    (view,) = views(host)
    assert (view["path"], view["article"]) == ("/views", "../../etc/passwd")
    host.until("/^\\d/.test(document.querySelector('b').textContent)")


def test_a_single_page_site_is_counted_by_the_new_page_s_name_and_title(host: Host) -> None:
    head = '<meta property="og:type" content="article"><link rel="canonical" href="/seite">'
    host.open(document(head + TAG))
    views(host)
    # The address changes at once, the canonical link not at all, the title a second later.
    host.see("""(history.pushState({}, '', '/zwei'), setTimeout(() => {
        document.body.append('neu'); document.title = 'Zwei' }, 150))""")
    _, second = views(host, 2)
    assert (second["article"], second["title"]) == ("/zwei", "Zwei")
    assert second["page"].endswith("/zwei")
    host.see("history.pushState({}, '', '/drei')")
    *_, third = views(host, 3)
    assert third["article"] == "/drei"
    assert "title" not in third  # it is still the second's


@pytest.mark.parametrize(
    ("routes", "to", "article"),
    [("query", "?p=2", "/seite?p=2"), *seldom(("hash", "#/zwei", "/seite#/zwei"))],
)
def test_routes_in_the_query_or_the_fragment(
    host: Host, routes: str, to: str, article: str
) -> None:
    head = '<meta property="og:type" content="article">'
    host.open(document(head + TAG.replace("defer", f'data-routes="{routes}" defer')))
    views(host)
    host.see(f"history.pushState({{}}, '', '{to}')")
    _, second = views(host, 2)
    assert second["article"] == article


def test_who_opts_out_is_not_counted(host: Host) -> None:
    tag = TAG.replace("defer", 'data-article="gold" defer')
    wish = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"
    host.open(document(tag, FORM), before=f";{wish}")
    line(host)
    settle()
    assert host.ear.posts("/views") == []


@pytest.mark.soak
def test_a_file_by_its_hash_with_its_integrity(host: Host) -> None:
    current = snippet.current()
    digest = base64.b64encode(hashlib.sha384(current.text.encode()).digest()).decode()
    tag = (
        f'<script src="{{{{API}}}}/embed/{snippet.name(current.text)}" integrity="sha384-{digest}"'
        ' crossorigin="anonymous" defer></script>'
    )
    host.open(document(tag, FORM))
    line(host)
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)


@pytest.mark.soak
def test_nonces_and_trusted_types(host: Host) -> None:
    policy = (
        "default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; img-src data:; "
        f"connect-src {host.ear.url}; worker-src blob:; form-action {host.ear.url}; "
        "require-trusted-types-for 'script'; trusted-types contact"
    )
    tag = TAG.replace("defer", 'nonce="abc" defer')
    host.open(document(tag, FORM), headers={"Content-Security-Policy": policy})
    line(host)
    fill(host)
    host.browser.click(BUTTON)
    host.until(f"{STATE} === 'success'")
    assert host.see(OUTPUT)
    host.no_errors()


@pytest.mark.soak
def test_a_root_that_is_handed_over(host: Host) -> None:
    host.open(document(TAG, '<div id="box"></div>'))
    host.see("""(() => {
        const root = document.getElementById('box').attachShadow({ mode: 'open' })
        root.innerHTML = '<p data-contact="hotline"></p>'
        contact.scan(root)
    })()""")
    host.until("/erreichbar/.test(document.getElementById('box').shadowRoot.textContent)")


def test_a_form_that_htmx_would_boost_is_sent_once(host: Host) -> None:
    # As htmx does it: a listener at the form, whatever others have done with the event.
    boost = """<script>document.querySelector('form').addEventListener('submit', (event) => {
        event.preventDefault(); fetch(event.target.action, { method: 'POST', body: 'x' }) })
        </script>"""
    host.open(document(TAG, f'<div hx-boost="true">{FORM}</div>{boost}'))
    fill(host)
    host.browser.click(BUTTON)
    thanked(host)


def test_a_list_of_a_section(host: Host) -> None:
    section = '<ol data-contact="popular" data-window="7d" data-section="Gold: 1 &amp; 2"></ol>'
    host.open(document(TAG, section))
    (read,) = eventually(lambda: [each for each in host.ear.heard if "/page" in each.path])
    asked = parse_qs(urlsplit(read.path).query)
    assert asked["popular"] == ["7d:10:Gold: 1 & 2"]
    eventually(lambda: read.status)
    assert read.status == 200
    host.no_errors()


@pytest.mark.parametrize("when", ["before it is touched", *seldom(("once it is touched",))])
def test_without_a_connection_a_form_says_so_and_keeps_what_was_typed(
    host: Host, when: str
) -> None:
    host.open(document(TAG, FORM))
    line(host)
    if when == "once it is touched":
        fill(host)
        eventually(lambda: [each for each in host.ear.heard if "/altcha" in each.path])
        settle(0.3)
    host.browser.call("offline", offline=True)
    if when == "before it is touched":
        fill(host)
    typed = host.see("document.querySelector('[name=email]').value")
    for _again in range(2):
        host.browser.click(BUTTON)
        host.until(f"{STATE} === 'error' && {OUTPUT}")
        settle(0.3)
    said = host.see(OUTPUT)
    assert said.startswith("Es kam keine Verbindung zustande. Ihre Eingaben sind noch da. Bitte")
    assert "+49 7930 2699" in said
    assert host.see("document.querySelector('[name=email]').value") == typed != ""
    host.browser.call("offline", offline=False)
    host.ear.forget()
    host.browser.click(BUTTON)
    assert thanked(host)["email"] == typed


@pytest.mark.parametrize("name", ["Gold", *seldom(("M%C3%BCnzen",))])
def test_a_name_in_capitals_is_counted(host: Host, name: str) -> None:
    host.open(document(TAG.replace("defer", f'data-article="{name}" defer')))
    (view,) = views(host)
    assert (view["path"], view["article"]) == ("/views", name)


def test_a_page_whose_library_has_lists_of_its_own(host: Host) -> None:
    # Prototype.js, of many older shops, writes lists as texts, and its `Array.from` calls nothing.
    spoilt = """<script>Array.prototype.toJSON = function () { return '[' + this + ']' }
        Array.from = (list) => Array.prototype.slice.call(list)</script>"""
    topics = "".join(
        f'<label><input type="checkbox" name="topics" value="{each}" checked>{each}</label>'
        for each in company.current().newsletter_topics
    )
    host.open(document(spoilt + TAG, FORM.replace("<button", f"{topics}<button")))
    fill(host)
    host.browser.click(BUTTON)
    assert thanked(host)["topics"] == list(company.current().newsletter_topics)
