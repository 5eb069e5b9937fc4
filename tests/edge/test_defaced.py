"""Somebody posts thousands of views with all that can be invented, from one address."""

import json
import random
import string
from urllib.parse import quote

import pytest

from chalicelib import instants
from chalicelib.articles import browsers, ranking
from chalicelib.articles.staff import service as staff
from tests.backend import ORIGIN, Backend
from tests.edge.test_articles import WINDOWS
from tests.scale import Scale, part

SAID = [
    word
    for listed in (browsers.FAMILIES, browsers.SYSTEMS)
    for _, words in listed
    for word in words
]
# What anybody can read without naming an article of the vandal's.
PUBLIC = (
    "/articles/gold/views",
    "/articles/gold/views/daily",
    "/articles/gold/badge.svg",
    "/articles/views?slugs=gold,silver",
    "/page?article=gold&slugs=gold,silver&hotline=1&slots=5&consent=newsletter,callbacks",
    *(f"/articles/popular?window={window}&limit=50" for window in WINDOWS),
    "/page?popular=24h:50,all:50",
    "/openapi.json",
    "/embed.js",
    "/health",
    "/hotline",
)


class Vandal:
    """Somebody who makes up agents, origins, names and titles, all with one of WORDS in them."""

    WORDS = ("vandale", "gewinnspiel", "kasino")

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._articles = [f"/{self.word()}/{self.word()}?x={self.word()}" for _ in range(100)]

    def word(self) -> str:
        """Return one of the words with letters of its own."""
        letters = "".join(self._chance.choices(string.ascii_lowercase, k=5))
        return f"{self._chance.choice(self.WORDS)}-{letters}"

    def agent(self) -> str:
        """Return a user agent that a person could have."""
        said = " ".join(self._chance.choices(SAID, k=3))
        return f"Mozilla/5.0 ({self.word()}) AppleWebKit/537.36 {said}{self._chance.random()}"

    def address(self, spread: bool) -> str:
        """Return the one address, or one of a whole /48."""
        if not spread:
            return "203.0.113.66"
        return f"2001:db8:0:{self._chance.randrange(1 << 16):x}::1"

    def post(self, backend: Backend, spread: bool) -> int:
        """Post one view: of an article there is, or of one that is made up."""
        origin = self._chance.choice((ORIGIN, "https://evil.example", "null", self.word()))
        said = {"title": f"Gold {self.word()}", "page": f"{ORIGIN}/{self.word()}"}
        path = "/articles/gold/views"
        if self._chance.random() < 0.5:
            path, said = "/views", {**said, "article": self._chance.choice(self._articles)}
        headers = {"origin": origin, "user-agent": self.agent(), "content-type": "text/plain"}
        return backend.call("POST", path, json.dumps(said), headers, self.address(spread)).status


def shown(backend: Backend, paths: tuple[str, ...]) -> list[str]:
    """Return the public answers in which a vandal's words are."""
    answers = {path: backend.call("GET", path).text.lower() for path in paths}
    return [path for path, text in answers.items() if any(each in text for each in Vandal.WORDS)]


@pytest.mark.parametrize("spread", part([(False,), (True,)]))
def test_ten_thousand_posts_are_few_views_and_say_nothing(
    backend: Backend, scale: Scale, spread: bool
) -> None:
    vandal, posts = Vandal(1), scale(10_000, 30, 2_000 if spread else 4_000)
    reader = {"origin": ORIGIN, "content-type": "text/plain"}
    staff.decide("gold", "sam", instants.now(), accept=True, title="Gold kaufen")
    backend.call("POST", "/articles/gold/views", '{"title":"Gold"}', reader, "198.51.100.1")
    assert {vandal.post(backend, spread) for _ in range(posts)} == {204}
    backend.count()
    ranking.rank()
    views = backend.call("GET", "/articles/gold/views").json["views"] - 1
    words = shown(backend, PUBLIC)
    print(f"\nposts {posts} · views of a real article {views}, of one address at most 160")
    print(f"public answers with words of theirs: {len(words)} of {len(PUBLIC)}")
    assert browsers.MOST == 160
    assert views > 60
    assert spread or views <= browsers.MOST
    assert words == []
    listed = backend.call("GET", "/articles/popular?window=24h&limit=50").json["articles"]
    assert [(each["slug"], each["title"]) for each in listed] == [("gold", "Gold kaufen")]
    assert shown(backend, (f"/articles/views?slugs={quote(Vandal.WORDS[0])}",)), "it finds words"
    unknown = staff.overview(None, None, instants.now()).unknown
    assert 70 < len(unknown) <= min(ranking.UNKNOWN_SHOWN, 100)
