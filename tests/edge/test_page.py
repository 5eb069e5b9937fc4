"""All that one page shows, in one answer: each part is what its own call answers."""

import random
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
import time_machine

from chalicelib.articles import ranking
from chalicelib.articles.stores import counts
from tests.backend import ORIGIN, Backend

PARTS = {
    "article": ("article=gold", "/articles/gold/views"),
    "slugs": ("slugs=silver,nobody,hot,gold,gold", "/articles/views?slugs=silver,nobody,hot,gold"),
    "popular": ("popular=7d:2", "/articles/popular?window=7d&limit=2"),
    "hotline": ("hotline=1", "/hotline"),
    "slots": ("slots=3", "/callbacks/slots?days=3"),
}
CONSENTS = {"newsletter": "/newsletter/consent", "callbacks": "/callbacks/consent"}


@pytest.fixture
def read(backend: Backend) -> Backend:
    """Return a stage some of whose articles were read, one by many."""
    for slug, readers in {"gold": 2, "silver": 1, "hot": 24}.items():
        for visitor in range(readers):
            address = f"198.51.100.{visitor}"
            backend.call("POST", f"/articles/{slug}/views", client_ip=address)
    backend.count()
    ranking.rank()
    return backend


def page(backend: Backend, query: str) -> Any:
    answer = backend.call("GET", f"/page?{query}", headers={"origin": ORIGIN})
    assert answer.status == 200, answer.text
    assert answer.headers["cache-control"] == "public, max-age=30"
    return answer.json


@pytest.mark.parametrize("language", ["de", pytest.param("en", marks=pytest.mark.soak)])
def test_each_part_is_what_its_own_call_answers(read: Backend, language: str) -> None:
    with time_machine.travel("2027-03-10T11:00:00Z", tick=False):
        own = {name: read.call("GET", path).json for name, (_, path) in PARTS.items()}
        own["consent"] = {
            form: read.call("GET", f"{path}?language={language}").json
            for form, path in CONSENTS.items()
        }
        asked = [part for part, _ in PARTS.values()]
        asked += ["consent=newsletter,callbacks", f"language={language}"]
        for seed in range(3):
            random.Random(seed).shuffle(asked)
            assert page(read, "&".join(asked)) == own
        for name, (part, _) in PARTS.items():
            assert page(read, part) == {name: own[name]}
        assert page(read, f"consent=callbacks&language={language}") == {
            "consent": {"callbacks": own["consent"]["callbacks"]}
        }
    assert own["slugs"]["views"] == {"silver": 1, "nobody": 0, "hot": 24, "gold": 2}


def test_a_page_that_asks_for_nothing_shows_nothing(backend: Backend) -> None:
    assert page(backend, "") == {}
    assert page(backend, "utm_source=mail") == {}
    assert page(backend, "popular=24h")["popular"]["articles"] == []


def test_a_list_is_of_a_section(backend: Backend) -> None:
    entry = {"slug": "gold", "title": "Gold: ein Weg", "views": 3, "page": "https://site.example/g"}
    counts.save_list("7d", [entry], datetime.now(UTC), "Markt: Gold & Silber")
    section = quote("markt: Gold & Silber", safe="")
    shown = page(backend, f"popular=7d:5:{section}")["popular"]
    assert shown["articles"] == [entry]
    own = backend.call("GET", f"/articles/popular?window=7d&limit=5&section={section}")
    assert shown == own.json
    assert page(backend, "popular=7d:5:Anders")["popular"]["articles"] == []
    assert page(backend, "popular=7d:5")["popular"]["articles"] == []


@pytest.mark.parametrize("name", ["gold", "/Gold/", "https://www.site.example/gold/?utm_source=x"])
def test_the_article_goes_by_any_name(read: Backend, name: str) -> None:
    shown = page(read, f"article={quote(name, safe='')}")
    assert shown == {"article": {"slug": "gold", "views": 2}}


def test_one_batch_of_reads_answers_all_of_it(read: Backend) -> None:
    calls: list[str] = []
    slugs = ",".join(f"a{number}" for number in range(90))
    with read.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: calls.append(event_name)
    ):
        page(read, f"article=gold&slugs={slugs}&popular=7d&hotline=1&slots=5&consent=newsletter")
        assert [each.rpartition(".")[2] for each in calls] == ["BatchGetItem"]
        calls.clear()
        page(read, "hotline=1&slots=5&consent=newsletter,callbacks")
        assert calls == []


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("article={{slug}}", "slug"),
        ("article=undefined", "slug"),
        ("article=" + "x" * 501, "too_long"),
        ("slugs=GOLD", "slug"),
        ("slugs=", "slug"),
        ("slugs=" + ",".join("a" * 101), "too_long"),
        ("popular=25h", "choice"),
        ("popular=24h:0", "choice"),
        ("popular=24h:51", "choice"),
        ("popular=24h:", "choice"),
        ("popular=24h:5:", "choice"),
        ("popular=24h::Markt", "choice"),
        ("popular=24h:5:" + "x" * 61, "choice"),
        ("popular=", "choice"),
        ("hotline=yes", "choice"),
        ("hotline=", "choice"),
        ("slots=0", "range"),
        ("slots=31", "range"),
        ("slots=many", "type"),
        ("consent=newsletter,spam", "choice"),
        ("consent=", "choice"),
        ("language=xx", "choice"),
    ],
    ids=lambda text: text[:20],
)
def test_a_part_that_is_wrong_is_named(backend: Backend, part: str, code: str) -> None:
    answer = backend.call("GET", f"/page?popular=24h&{quote(part, safe='=&:,')}")
    assert answer.status == 422
    wrong = [(each["field"], each["code"]) for each in answer.json["errors"]]
    assert wrong == [(part.partition("=")[0], code)]
