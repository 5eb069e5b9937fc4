"""Articles that are known from the site's feed, on real tables and from a real server."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import app
from chalicelib import instants
from chalicelib.articles import ranking, reading
from chalicelib.articles.staff import service as staff
from chalicelib.articles.stores import counts, known
from local import ports
from local.cloud import ROOT
from local.site import Site
from tests.articles.site import Website, website
from tests.backend import Backend
from tests.edge.test_articles import WINDOWS, read
from tests.edge.test_gateway import SCHEDULED
from tests.events import Context

ITEM = "<item><title>{}</title><link>{}</link><category>{}</category></item>"


@pytest.fixture
def site(backend: Backend) -> Iterator[Website]:
    """Serve a website whose feed this stage reads."""
    with website() as served:
        backend.configure(
            STAGE="local", SITE_ORIGINS=served.url, ARTICLES_FEED=f"{served.url}/feed"
        )
        yield served


def feed(site: Website, **articles: str) -> None:
    items = "".join(ITEM.format(title, f"/{name}", "Markt") for name, title in articles.items())
    site.put("/feed", f"<rss><channel>{items}</channel></rss>")


def popular(backend: Backend, window: str = "24h", section: str = "") -> list[tuple[str, str, int]]:
    url = f"/articles/popular?window={window}&section={section}"
    listed = backend.call("GET", url).json["articles"]
    return [(each["slug"], each["title"], each["views"]) for each in listed]


def test_lists_show_what_the_feed_has_and_titles_follow_it(backend: Backend, site: Website) -> None:
    feed(site, gold="Gold", silver="Silber")
    assert app.read_feed(SCHEDULED, Context(seconds=60)) is True
    for slug, readers in {"gold": 3, "silver": 1, "spam": 5}.items():
        for visitor in range(readers):
            read(backend, slug, visitor, title="Spam", page=f"{site.url}/spam")
    backend.count()
    app.rank_articles(SCHEDULED, Context(seconds=60))
    for window in WINDOWS:
        assert popular(backend, window) == [("gold", "Gold", 3), ("silver", "Silber", 1)]
        assert popular(backend, window, "markt") == popular(backend, window)
        assert popular(backend, window, "MARKT") == popular(backend, window)
        assert popular(backend, window, "sport") == []
    pages = backend.call("GET", "/articles/popular").json["articles"]
    assert [each["page"] for each in pages] == [f"{site.url}/gold", f"{site.url}/silver"]
    feed(site, gold="Gold kaufen")  # and silver has left the feed
    assert reading.read()
    ranking.rank()
    assert popular(backend) == [("gold", "Gold kaufen", 3), ("silver", "Silber", 1)]
    assert counts.load_list("unknown")["articles"] == [{"slug": "spam", "views": 5}]


@pytest.mark.parametrize("feed_of", ["feed.xml", "sitemap.xml"])
def test_the_demo_sites_feed_is_read_and_an_edit_of_it_is_on_the_list(
    backend: Backend, tmp_path: Path, feed_of: str
) -> None:
    folder = Path(shutil.copytree(ROOT / "demo" / "site", tmp_path / "site"))
    listener = ports.listen(0, "site")
    addresses = {"api": backend.env["BASE_URL"]}
    demo = Site(listener, folder, addresses)
    addresses["site"] = demo.url
    demo.start()
    try:
        backend.configure(
            STAGE="local",
            SITE_ORIGINS=demo.url,
            ARTICLES_FEED=f"{demo.url}/{feed_of}",
            ARTICLES_NAMED="last",
        )
        assert app.read_feed(SCHEDULED, Context(seconds=60)) is True
        assert known.state().found == 3
        read(backend, "barren-oder-muenzen")
        backend.count()
        ranking.rank()
        assert popular(backend) == [("barren-oder-muenzen", "Barren oder Münzen?", 1)]
        page = backend.call("GET", "/articles/popular").json["articles"][0]["page"]
        assert page == f"{demo.url}/artikel/barren-oder-muenzen"
        known_then = known.find(["barren-oder-muenzen"])["barren-oder-muenzen"]
        assert known_then.date == "2026-11-19T07:05:00.000Z"
        articles = folder / "_articles.html"
        articles.write_text(articles.read_text().replace("Barren oder", "Lieber Barren oder"))
        assert app.read_feed(SCHEDULED, Context(seconds=60)) is True
        ranking.rank()
        assert popular(backend) == [("barren-oder-muenzen", "Lieber Barren oder Münzen?", 1)]
    finally:
        demo.stop()


def test_a_feed_that_fails_changes_nothing_and_says_since_when(
    backend: Backend, site: Website, capsys: pytest.CaptureFixture[str]
) -> None:
    feed(site, gold="Gold")
    began = instants.parse("2026-11-26T10:00:00Z")
    assert reading.read(began)
    answers = {
        "status 410": ("", 410),
        "page": ("<!doctype html><p>Fehler", 200),
        "xml": ("<rss><channel>", 200),
        "none": ("<rss><channel><item><title>x</title></item></channel></rss>", 200),
    }
    for minutes, (error, (body, status)) in enumerate(answers.items(), 1):
        site.put("/feed", body, status=status)
        capsys.readouterr()
        assert not reading.read(began + timedelta(minutes=minutes))
        line = json.loads(capsys.readouterr().out)
        assert (line["event"], line["error"]) == ("feed.failed", error)
        assert line["since"] == "2026-11-26T10:01:00.000Z"
        assert known.find(["gold"])["gold"].title == "Gold"
    assert known.state().failing_since == "2026-11-26T10:01:00.000Z"
    assert known.state().read_at == "2026-11-26T10:00:00.000Z"
    feed(site, gold="Gold")
    assert reading.read(began + timedelta(hours=1))
    assert (known.state().failing_since, known.state().error) == ("", "")


def test_a_feed_that_has_not_changed_is_not_read_again(backend: Backend, site: Website) -> None:
    feed(site, gold="Gold")
    site.answers["/feed"].headers["ETag"] = '"1"'
    assert reading.read()
    assert reading.read()
    assert site.asked[1][1]["If-None-Match"] == '"1"'
    assert (known.state().found, known.state().error) == (1, "")
    writes: list[str] = []
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: writes.append(event_name)
    ):
        assert reading.read()
    assert [each.rpartition(".")[2] for each in writes] == ["GetItem", "GetItem", "PutItem"]
    site.put("/feed", "", status=304)  # a server that says so to everybody
    backend.configure(ARTICLES_FEED=f"{site.url}/feed?new")
    site.answers["/feed?new"] = site.answers["/feed"]
    assert not reading.read()
    assert (known.state().error, known.state().detail) == ("status", "304")


def test_a_bad_entry_is_named_in_the_log(
    backend: Backend, site: Website, capsys: pytest.CaptureFixture[str]
) -> None:
    items = ITEM.format("Gold", "/gold", "") + ITEM.format("Spam", "https://evil.example/x", "")
    site.put("/feed", f"<rss><channel>{items}</channel></rss>")
    assert reading.read()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    left_out = next(each for each in lines if each["event"] == "feed.left_out")
    assert left_out["faults"] == {"elsewhere": 1}
    assert left_out["examples"] == {"elsewhere": "https://evil.example/x"}


def test_the_sitemaps_of_an_index_are_read(backend: Backend, site: Website) -> None:
    news = "xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'"
    for name in ("a", "b"):
        site.put(
            f"/{name}.xml",
            f"<urlset {news}><url><loc>/{name}</loc><n:news><n:title>{name}</n:title></n:news>"
            "</url></urlset>",
            headers={"ETag": f'"{name}"'},
        )
    parts = "".join(f"<sitemap><loc>/{each}.xml</loc></sitemap>" for each in ("a", "b", "gone"))
    site.put("/feed", f"<sitemapindex>{parts}</sitemapindex>")
    assert reading.read()
    assert set(known.find(["a", "b"])) == {"a", "b"}
    assert known.state().faults == {"sitemap": 1}
    assert reading.read()
    conditions = {path: sent.get("If-None-Match") for path, sent in site.asked[-4:]}
    assert conditions == {"/feed": None, "/a.xml": '"a"', "/b.xml": '"b"', "/gone.xml": None}
    assert known.state().found == 2
    for each in ("a", "b"):
        site.put(f"/{each}.xml", "", status=500)
    assert not reading.read()
    assert known.state().error == "parts"


@pytest.mark.soak
def test_invented_names_are_never_shown_and_go_after_ninety_days(backend: Backend) -> None:
    for slug in ("gold", "spam", "still"):
        read(backend, slug)
    backend.count()
    staff.decide("gold", "sam", instants.now(), accept=True)
    now = instants.now()
    for days in (0, 6, 80):
        ranking.rank(now + timedelta(days=days))
        assert [each["slug"] for each in counts.load_list("all")["articles"]] == ["gold"]
    assert counts.total("spam") == 1
    for days in (97, 98):
        ranking.rank(now + timedelta(days=days))
    assert (counts.total("spam"), counts.total("gold")) == (0, 1)
    assert not backend.items("VIEW_COUNTS_TABLE", "ARTICLE#spam")
    assert [each["slug"] for each in counts.load_list("all")["articles"]] == ["gold"]


def test_a_name_that_becomes_known_has_its_history(backend: Backend) -> None:
    read(backend, "gold")
    backend.count()
    now = instants.now()
    for days in (0, 10):
        ranking.rank(now + timedelta(days=days))
    assert counts.load_list("all")["articles"] == []
    staff.decide("gold", "sam", now, accept=True)
    ranking.rank(now + timedelta(days=10, minutes=1))
    assert counts.load_list("all")["articles"][0]["views"] == 1
    assert counts.load_list("30d")["articles"][0]["views"] == 1


@pytest.mark.soak
def test_a_timeout_keeps_what_was_known(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    staff.decide("gold", "sam", instants.now(), accept=True)
    read(backend, "gold")
    backend.count()
    ranking.rank()
    before = {window: counts.load_list(window) for window in WINDOWS}
    ranking.forget()
    capsys.readouterr()
    ranking.rank(instants.now() + timedelta(minutes=1), lambda: 1.0)
    assert json.loads(capsys.readouterr().out)["event"] == "ranking.too_slow"
    assert {window: counts.load_list(window) for window in WINDOWS} == before
    # It ends in the middle of the days that it adds: what it has added is not done again.
    later = instants.now() + timedelta(days=40)
    spans = iter([60.0] * 12)
    ranking.rank(later, lambda: next(spans, 1.0))
    ranking.rank(later)
    assert counts.load_list("all")["articles"][0]["views"] == 1
    assert counts.load_list("30d")["articles"] == []


def test_merged_articles_are_added_up_everywhere_and_can_be_parted(backend: Backend) -> None:
    now = instants.now()
    for slug, readers in {"gold": 2, "gold-alt": 3, "silver": 4}.items():
        staff.decide(slug, "sam", now, accept=True)
        for visitor in range(readers):
            read(backend, slug, visitor)
    backend.count()
    today = instants.day(now, "Europe/Berlin").isoformat()

    def figures() -> list[object]:
        ranking.rank()
        totals = backend.call("GET", "/articles/views?slugs=gold,gold-alt,silver").json["views"]
        daily = backend.call("GET", "/articles/gold/views/daily").json["days"][-1]
        lists = [popular(backend, window) for window in WINDOWS]
        assert all(each == lists[0] for each in lists)
        single = [counts.total(each) for each in ("gold", "gold-alt", "silver")]
        assert list(totals.values()) == single
        assert daily == {"day": today, "views": single[0]}
        return [single, [(slug, views) for slug, _, views in lists[0]]]

    apart = [[2, 3, 4], [("silver", 4), ("gold-alt", 3), ("gold", 2)]]
    assert figures() == apart
    for _ in range(2):
        staff.decide("gold-alt", "sam", now, merge_into="gold")
    assert figures() == [[5, 5, 4], [("gold", 5), ("silver", 4)]]
    for _ in range(2):
        staff.decide("gold-alt", "sam", now, unmerge=True)
    assert figures() == apart


@pytest.mark.soak
def test_a_deleted_article_begins_anew(backend: Backend) -> None:
    now = instants.now()
    staff.decide("gold", "sam", now, accept=True)
    read(backend, "gold")
    backend.count()
    for days in (0, 10):
        ranking.rank(now + timedelta(days=days))
    for _ in range(2):
        staff.delete("gold", "sam", now + timedelta(days=10, minutes=1))
    assert counts.total("gold") == 0
    staff.decide("gold", "sam", now, accept=True)
    ranking.rank(now + timedelta(days=10, minutes=2))
    assert counts.load_list("all")["articles"] == []
    ranking.rank(now + timedelta(days=40))
    assert counts.load_list("all")["articles"] == []
