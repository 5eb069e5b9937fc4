"""Beacons with invented names, titles and origins put no word of theirs into a public answer."""

import random

from chalicelib import instants
from chalicelib.articles import ranking
from chalicelib.articles.staff import service as staff
from tests.backend import ORIGIN, Backend
from tests.edge.test_articles import WINDOWS
from tests.scale import Scale

POSTS = 10_000
ORIGINS = (ORIGIN, "https://evil.example", "null", "")


def test_no_word_of_a_beacon_is_in_a_public_answer(backend: Backend, scale: Scale) -> None:
    """Post from one address and, in half of the posts, from all over a /48."""
    staff.decide("gold", "sam", instants.now(), accept=True, title="Gold kaufen")
    chance, posts = random.Random(1), scale(POSTS)
    for number in range(posts):
        word = f"zzspam{number}"
        slug = "gold" if number % 3 else word
        said = {"title": f"{word} kaufen", "page": f"{ORIGIN}/{word}"}
        address = "192.0.2.1" if number % 2 else f"2001:db8:0:{chance.randrange(1 << 16):x}::1"
        headers = {"origin": chance.choice(ORIGINS), "user-agent": f"Mozilla/5.0 {word}"}
        backend.call("POST", f"/articles/{slug}/views", said, headers, address)
    backend.count()
    ranking.rank()
    urls = [f"/articles/popular?window={window}&limit=50" for window in WINDOWS]
    urls += [f"/articles/gold/{each}" for each in ("views", "views/daily", "badge.svg")]
    urls += ["/articles/views?slugs=gold", "/openapi.json", "/embed.js", "/health", "/hotline"]
    answers = {url: backend.call("GET", url).text for url in urls}
    shown = [url for url, text in answers.items() if "zzspam" in text]
    print(f"\nbeacons {posts} · public answers {len(answers)} · with a word of theirs {len(shown)}")
    assert shown == []
    listed = backend.call("GET", urls[0]).json["articles"]
    assert [(each["slug"], each["title"]) for each in listed] == [("gold", "Gold kaufen")]
    unknown = staff.overview(None, None, instants.now()).unknown
    assert len(unknown) == min(ranking.UNKNOWN_SHOWN, -(-posts // 3))
