"""Fetching a feed from a real server: conditions, bounds, and what servers do."""

import gzip
import time
import zlib
from collections.abc import Iterator

import pytest

from chalicelib.articles import fetching
from chalicelib.articles.feeds import Unread
from chalicelib.articles.fetching import LARGEST, Fetched, Validators
from tests.articles.site import Website, website

NONE = Validators()


@pytest.fixture
def site() -> Iterator[Website]:
    with website() as served:
        yield served


def fetch(site: Website, path: str = "/feed", known: Validators = NONE) -> Fetched:
    return fetching.fetch(f"{site.url}{path}", known, (site.url,), 2)


def refusal(site: Website, path: str = "/feed", seconds: float = 2) -> str:
    with pytest.raises(Unread) as refused:
        fetching.fetch(f"{site.url}{path}", NONE, (site.url,), seconds)
    return str(refused.value)


def test_a_feed_is_fetched_and_then_asked_for_with_its_conditions(site: Website) -> None:
    headers = {"ETag": 'W/"1"', "Last-Modified": "Mon, 23 Nov 2026 07:00:00 GMT"}
    site.put("/feed", "<rss/>", headers={**headers, "Content-Type": "text/xml"})
    first = fetch(site)
    assert (first.body, first.kind) == (b"<rss/>", "text/xml")
    again = fetch(site, known=first.validators)
    assert again.body is None
    asked = site.asked[1][1]
    assert asked["If-None-Match"] == 'W/"1"'
    assert asked["If-Modified-Since"] == headers["Last-Modified"]
    assert "If-None-Match" not in site.asked[0][1]
    assert asked["User-Agent"].startswith("customer-contact/")


def test_gzip_is_unpacked_whatever_the_headers_say(site: Website) -> None:
    site.put("/feed", gzip.compress(b"<rss/>"), headers={"Content-Encoding": "gzip"})
    assert fetch(site).body == b"<rss/>"
    site.put("/feed", gzip.compress(b"<rss/>"), headers={"Content-Type": "application/x-gzip"})
    assert fetch(site).body == b"<rss/>"


def test_what_is_too_large_is_refused(site: Website) -> None:
    site.put("/feed", b"x" * (LARGEST + 1))
    assert refusal(site) == "large"
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(200)) + bomb.flush()
    assert len(packed) < 300_000
    site.put("/feed", packed)
    assert refusal(site) == "large"
    site.put("/feed", b"x" * LARGEST)
    assert len(fetch(site).body or b"") == LARGEST


def test_what_breaks_off_is_refused(site: Website) -> None:
    site.put("/feed", "<rss/>", length=100)
    assert refusal(site) in ("broken", "silent")
    site.put("/feed", gzip.compress(b"<rss/>" * 100)[:-20])
    assert refusal(site) == "broken"
    site.put("/feed", b"\x1f\x8bnonsense")
    assert refusal(site) == "broken"


def test_a_server_that_drips_is_left_in_time(site: Website) -> None:
    site.put("/feed", b"x" * 1000, pause=0.05)
    began = time.monotonic()
    assert refusal(site, seconds=0.3) == "slow 0.3"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("status", [403, 404, 410, 429, 500, 503])
def test_an_answer_that_is_no_success_is_told(site: Website, status: int) -> None:
    site.put("/feed", "<rss/>", status=status)
    assert refusal(site) == f"status {status}"


def test_redirects_are_followed_on_the_site_only(site: Website) -> None:
    site.put("/new", "<rss/>")
    site.put("/feed", "", status=301, headers={"Location": "/new"})
    assert fetch(site).url == f"{site.url}/new"
    site.put("/feed", "", status=302, headers={"Location": "http://127.0.0.2:1/feed"})
    assert refusal(site) == "place"
    for elsewhere in ("file:///etc/passwd", "http://169.254.169.254/latest/", "//evil.example/"):
        site.put("/feed", "", status=307, headers={"Location": elsewhere})
        assert refusal(site) == "place"
    site.put("/feed", "", status=301, headers={"Location": "/feed"})
    site.asked.clear()
    assert refusal(site) == "redirects"
    assert len(site.asked) == 5
    site.put("/feed", "", status=301)
    assert refusal(site) == "status 301"


def test_nobody_there_is_told(site: Website) -> None:
    with pytest.raises(Unread) as refused:
        fetching.fetch("http://127.0.0.1:1/feed", NONE, ("http://127.0.0.1:1",), 2)
    assert refused.value.code == "silent"
    with pytest.raises(Unread) as refused:
        fetching.fetch("http://127.0.0.1:1/feed", NONE, (site.url,), 2)
    assert refused.value.code == "place"
