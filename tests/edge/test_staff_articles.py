"""The supervisors' articles: figures of a period, decisions, pages and the table."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from chalicelib import instants
from chalicelib.articles import model, ranking
from chalicelib.articles.stores import counts, decisions, known, markers
from chalicelib.articles.stores.known import State
from tests.backend import FORM, Backend
from tests.edge.staff import Agent
from tests.edge.test_articles import read
from tests.edge.test_staff_figures import look
from tests.events import Answer

PATH = "/staff/articles"


def decide(sam: Agent, slug: str, **what: object) -> Answer:
    return sam.post(f"{PATH}/{slug}", **what)


def press(sam: Agent, path: str, **fields: str) -> Answer:
    headers = {**sam.headers, "content-type": FORM, "accept": "text/html"}
    return sam.backend.call("POST", path, urlencode(fields), headers)


def read_on(backend: Backend, slug: str, ago: int, readers: int) -> None:
    """Let an article be read so many days ago."""
    at = instants.now() - timedelta(days=ago)
    day = instants.day(at, "Europe/Berlin").isoformat()
    for reader in range(readers):
        markers.mark(model.Marker(slug, day, f"{reader}", 9), instants.now())
    backend.count()


@pytest.fixture
def read_articles(line: Backend, sam: Agent) -> None:
    """Let two articles be read, in this week and in the one before, and a third be unknown."""
    for slug in ("gold", "silver"):
        assert decide(sam, slug, accept=True, title=slug.title()).status == 200
    for slug, ago, readers in (
        ("gold", 0, 3),
        ("gold", 2, 1),
        ("gold", 8, 2),
        ("silver", 1, 5),
        ("spam", 0, 9),
    ):
        read_on(line, slug, ago, readers)
    for ago in (9, 2, 0):
        ranking.forget()
        ranking.rank(instants.now() - timedelta(days=ago))


def week() -> str:
    today = instants.day(instants.now(), "Europe/Berlin")
    return f"from={today - timedelta(days=6)}&to={today}"


@pytest.mark.usefixtures("read_articles")
def test_articles_of_a_period_beside_the_one_before(line: Backend, sam: Agent) -> None:
    found = sam.get(f"{PATH}?{week()}").json
    rows = [
        (a["slug"], a["title"], a["views"], a["before"], a["change"]) for a in found["articles"]
    ]
    assert rows == [("silver", "Silver", 5, 0, None), ("gold", "Gold", 4, 2, 1.0)]
    assert found["cursor"] is None
    page = look(sam, f"{PATH}?{week()}").text
    for words in ("Silver", "+100 %", "Unbekannte Namen", "spam", "Es ist kein Feed"):
        assert words in page
    english = look(sam, f"{PATH}?{week()}", "en").text
    assert "No feed of the website is set" in english
    one = sam.get(f"{PATH}/gold?{week()}").json
    assert (one["total"], one["views"], one["hours"][9], sum(one["hours"])) == (6, 4, 4, 4)
    assert [each["views"] for each in one["days"]] == [0, 0, 0, 0, 1, 0, 3]
    assert "Aufrufe nach Uhrzeit" in look(sam, f"{PATH}/gold?{week()}").text


@pytest.mark.usefixtures("read_articles")
def test_the_table_is_safe_and_whole(line: Backend, sam: Agent) -> None:
    assert decide(sam, "gold", title="=1+1").status == 200
    for answer in (
        line.call("GET", f"{PATH}?{week()}", None, {**sam.headers, "accept": "text/csv"}),
        line.call("GET", f"{PATH}.csv?{week()}", None, sam.headers),
    ):
        assert answer.headers["content-type"].startswith("text/csv")
        assert "attachment" in answer.headers["content-disposition"]
        rows = list(csv.reader(io.StringIO(answer.text)))
        assert rows[0] == ["article", "title", "address", "section", "views", "views_before"]
        assert rows[1:] == [
            ["silver", "Silver", "", "", "5", "0"],
            ["gold", "'=1+1", "", "", "4", "2"],
        ]


@pytest.mark.usefixtures("read_articles")
@pytest.mark.soak
def test_a_page_of_many_has_a_next_one(line: Backend, sam: Agent) -> None:
    today = instants.day(instants.now(), "Europe/Berlin").isoformat()
    for number in range(101):
        slug = f"a{number:03}"
        decisions.save(slug, decisions.Decision(True), decisions.Decision(), "x", instants.now())
        markers.mark(model.Marker(slug, today, "x", 9), instants.now())
    line.count()
    first = sam.get(f"{PATH}?{week()}").json
    second = sam.get(f"{PATH}?{week()}&cursor={first['cursor']}").json
    assert (len(first["articles"]), len(second["articles"]), second["cursor"]) == (100, 3, None)
    slugs = {each["slug"] for each in first["articles"] + second["articles"]}
    assert len(slugs) == 103
    assert "Weitere Artikel" in look(sam, f"{PATH}?{week()}").text
    for bad in ("x", "-1", "1e9", "9" * 7):
        assert sam.get(f"{PATH}?cursor={bad}").status == 422


def test_decisions_and_what_forbids_them(line: Backend, sam: Agent) -> None:
    for slug in ("gold", "gold-alt", "silver"):
        assert decide(sam, slug, accept=True).json["accepted"] is True
    assert decide(sam, "gold", title="  Gold kaufen ").json["title"] == "Gold kaufen"
    assert decide(sam, "gold", title="").json["title"] == "gold"
    assert decide(sam, "gold", hidden=True).json["hidden"] is True
    assert decide(sam, "gold", hidden=False).json["hidden"] is False
    assert decide(sam, "gold-alt", merge_into="gold").json["merged_into"] == "gold"
    for slug, target, status, code in (
        ("silver", "nobody", 422, "no_article"),
        ("silver", "silver", 422, "no_article"),
        ("silver", "gold-alt", 409, "merged"),
        ("gold", "silver", 409, "merged"),
        ("gold-alt", "silver", 409, "merged"),
    ):
        answer = decide(sam, slug, merge_into=target)
        said = answer.json.get("reason") or answer.json["errors"][0]["code"]
        assert (answer.status, said) == (status, code)
    assert line.call("DELETE", f"{PATH}/gold", None, sam.headers).json["reason"] == "merged_here"
    assert decide(sam, "gold-alt", unmerge=True).json["merged_into"] == ""
    assert decide(sam, "gold", title="a\nb").status == 422
    assert decide(sam, "GOLD", accept=True).status == 422
    assert decide(sam, "gold", title="x" * 201).status == 422


def test_the_same_by_the_buttons_of_a_page(line: Backend, sam: Agent) -> None:
    read(line, "gold")
    line.count()
    ranking.rank()
    page = look(sam, PATH).text
    assert f'action="{line.env["BASE_URL"]}{PATH}/gold"' in page
    answer = press(sam, f"{PATH}/gold", accept="true", back="list")
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"{line.env['BASE_URL']}{PATH}?done=saved",
    )
    assert "Gespeichert." in look(sam, f"{PATH}?done=saved").text
    for field, value in (("title", "Gold kaufen"), ("hidden", "true"), ("hidden", "false")):
        assert press(sam, f"{PATH}/gold", **{field: value}).status == 303
    assert "Gold kaufen" in look(sam, f"{PATH}/gold").text
    assert press(sam, f"{PATH}/gold", rename="true", title="").status == 303
    assert "Gold kaufen" not in look(sam, f"{PATH}/gold").text
    refused = press(sam, f"{PATH}/gold", merge_into="nobody")
    assert refused.status == 422
    assert "Diesen Artikel gibt es nicht" in refused.text
    assert 'value="nobody"' in refused.text
    # Deleting takes two presses: the first only asks.
    assert "Endgültig löschen" in look(sam, f"{PATH}/gold/delete").text
    assert counts.total("gold") == 1
    assert press(sam, f"{PATH}/gold/delete").status == 303
    assert counts.total("gold") == 0
    assert line.call("DELETE", f"{PATH}/gold", None, sam.headers).status == 204


def test_the_page_says_how_the_feed_does(line: Backend, sam: Agent) -> None:
    line.configure(
        SITE_ORIGINS="https://www.site.example", ARTICLES_FEED="https://www.site.example/feed"
    )
    assert "Er wurde noch nicht gelesen" in look(sam, PATH).text
    known.save_state(
        State(
            url="https://www.site.example/feed",
            read_at="2026-11-26T10:00:00.000Z",
            found=7,
            failing_since="2026-11-26T11:00:00.000Z",
            error="status",
            detail="410",
            faults={"elsewhere": 2, "sitemap": 1},
            examples={"elsewhere": "https://evil.example/<b>"},
            collisions={"a.b": ["https://www.site.example/a/b", "https://www.site.example/a.b"]},
        )
    )
    page = look(sam, PATH).text
    for words in (
        "seit Do 26.11.2026, 12:00 nicht lesbar",
        "Die Website antwortet mit dem Status 410.",
        "26.11.2026, 11:00, 7 Artikel",
        "auf einer anderen Website: 2",
        "https://evil.example/&lt;b&gt;",
        "https://www.site.example/a/b, https://www.site.example/a.b",
    ):
        assert words in page


def test_two_articles_of_one_name_are_reported(line: Backend, sam: Agent) -> None:
    assert decide(sam, "markt.gold", accept=True).status == 200
    written = ("/Markt/Gold/", "markt.gold", "https://www.site.example/markt/gold?utm_source=x")
    for number, article in enumerate(written):
        body = {"article": article}
        assert line.call("POST", "/views", body, client_ip=f"198.51.100.{number}").status == 204
        line.count()
    ranking.rank()
    assert counts.sources(["markt.gold"]) == {"markt.gold": ["markt.gold", "markt/gold"]}
    for page in (PATH, f"{PATH}/markt.gold"):
        assert "markt.gold, markt/gold" in look(sam, page).text
    assert line.call("DELETE", f"{PATH}/markt.gold", None, sam.headers).status == 204
    assert counts.sources(["markt.gold"]) == {}


def test_spellings_of_one_address_are_no_two_articles(line: Backend, sam: Agent) -> None:
    for number, article in enumerate(("/Markt/Gold/", "/markt/gold", "/markt/gold?gclid=1")):
        body = {"article": article}
        assert line.call("POST", "/views", body, client_ip=f"198.51.100.{number}").status == 204
    line.count()
    assert counts.sources(["markt.gold"]) == {}


def test_it_is_the_supervisors_and_the_period_is_bounded(line: Backend, sam: Agent) -> None:
    anna = Agent(line)
    for path in (PATH, f"{PATH}.csv", f"{PATH}/gold", f"{PATH}/gold/delete"):
        assert anna.get(path).status == 403
    assert decide(anna, "gold", accept=True).status == 403
    assert line.call("DELETE", f"{PATH}/gold", None, anna.headers).status == 403
    for span in ("from=2026-01-01&to=2026-12-31", "from=2026-02-01&to=2026-01-01", "from=x"):
        assert sam.get(f"{PATH}?{span}").status == 422
        assert look(sam, f"{PATH}?{span}").status == 422
    page = look(sam, PATH).text
    assert "Alle gelesenen Seiten sind bekannte Artikel." in page
    assert "Weder in diesem Zeitraum noch davor hat jemand einen der Artikel gelesen." in page
