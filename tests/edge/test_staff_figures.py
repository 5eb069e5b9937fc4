"""The supervisor's figures and the staff's hours, on real tables."""

from datetime import timedelta

import pytest

from chalicelib import instants
from chalicelib.articles import ranking
from chalicelib.articles.stores import counts
from chalicelib.callbacks.stores import board
from chalicelib.errors import Unavailable
from tests.backend import Backend
from tests.edge.staff import STAFF, Agent, ask, backdate
from tests.edge.test_articles import read
from tests.edge.test_subscription import subscribe
from tests.events import Answer

PAGE = {"accept": "text/html"}


def look(who: Agent, url: str, language: str = "de") -> Answer:
    return who.backend.call("GET", url, None, {**who.headers, **PAGE, "accept-language": language})


def test_figures_of_what_happened(line: Backend, sam: Agent) -> None:
    reached, refused, waiting = (ask(line, phone=f"07930 200{number}") for number in range(3))
    for reference, outcome in ((reached, "reached"), (refused, "refused")):
        for action in ("claim", "dial"):
            assert sam.do(reference, action).status == 200
        assert sam.do(reference, "outcome", outcome=outcome).status == 200
    subscribe(line, "eva@example.org")
    for visitor in range(3):
        read(line, "gold", visitor)
    line.count()
    ranking.rank()
    stats = sam.get("/staff/stats?days=7").json
    assert [day["day"] for day in stats["days"]] == sorted(day["day"] for day in stats["days"])
    assert (len(stats["days"]), stats["days"][-1]["day"]) == (7, stats["last"])
    assert stats["days"][-1] == {"day": stats["last"], **stats["total"]}
    assert stats["total"] == {
        "signups": 1,
        "confirmations": 1,
        "unsubscribes": 0,
        "bounces": 0,
        "requested": 3,
        "decided": 2,
        "in_time": 2,
        "share_in_time": 1.0,
        "minutes_p50": 0,
        "minutes_p90": 0,
        "views": 3,
    }
    assert stats["attempts"][0] == {"attempt": 1, "made": 2, "reached": 2, "rate": 1.0}
    assert (stats["ends"]["done"], stats["ends"]["refused"], stats["live"]) == (1, 1, 1)
    assert line.items(prefix=f"CALLBACK#{waiting}")


def test_a_request_counts_for_the_day_it_was_made_even_when_its_data_is_erased(
    line: Backend, sam: Agent
) -> None:
    reference = ask(line)
    assert sam.do(reference, "claim").status == 200
    assert sam.do(reference, "outcome", outcome="reached").status == 200
    assert sam.post("/staff/numbers/erase", phone="07930 2000").json["requests"] == 1
    made = instants.now() - timedelta(days=10)
    backdate(line, reference, created_at=instants.text(made))
    assert sam.get("/staff/stats?days=7").json["total"]["requested"] == 0
    told = {
        day["day"]: day["requested"]
        for day in sam.get("/staff/stats?days=30").json["days"]
        if day["requested"]
    }
    assert told == {instants.day(made, "Europe/Berlin").isoformat(): 1}
    assert sam.get("/staff/stats?days=30").json["ends"]["done"] == 1


def test_the_span_is_bounded_and_the_supervisors(line: Backend, sam: Agent) -> None:
    for days, status in (
        ("1", 200),
        ("366", 200),
        ("0", 422),
        ("367", 422),
        ("x", 422),
        ("1e9", 422),
        ("-1", 422),
    ):
        assert sam.get(f"/staff/stats?days={days}").status == status
        assert look(sam, f"/staff/figures?days={days}").status == status
    assert len(sam.get("/staff/stats").json["days"]) == 30
    anna = Agent(line)
    for path in ("/staff/stats", "/staff/figures"):
        assert anna.get(path).status == 403
    assert look(anna, "/staff/hours").status == 200


@pytest.mark.soak
def test_what_the_figures_cost(line: Backend, sam: Agent) -> None:
    """Check the number of calls: the index for the keys, then the requests by hundreds.

    Growth and views take one query each.
    """
    for number in range(120):
        reference = ask(line, phone=f"07930 2{number:03}", name=f"Eva {'x' * (number % 20)}")
    assert reference
    operations: list[str] = []

    def note(model: object, **_: object) -> None:
        # The model is botocore's OperationModel, which has no types.
        operations.append(model.name)  # type: ignore[attr-defined]

    with line.hooked("dynamodb", "before-call.dynamodb", note):
        assert sam.get("/staff/stats?days=366").json["total"]["requested"] == 120
    queries, batches = operations.count("Query"), operations.count("BatchGetItem")
    calls = f"{queries} queries, {batches} batches, {len(operations)} calls in all"
    print(f"\n120 requests in 366 days: {calls}")
    assert (queries, batches, len(operations)) == (5, 2, 7)


def test_a_request_that_ends_while_the_figures_are_read_counts_once(
    line: Backend, sam: Agent
) -> None:
    reference, other = ask(line), ask(line, phone="07930 2001")
    assert sam.do(reference, "claim").status == 200
    queries = 0

    def end(**_: object) -> None:
        nonlocal queries
        queries += 1
        # The live requests have been read. Now this one is among the closed ones, too.
        if queries == 3:
            assert sam.do(reference, "outcome", outcome="reached").status == 200

    with line.hooked("dynamodb", "before-call.dynamodb.Query", end):
        found = board.since(instants.now() - timedelta(days=1))
    assert sorted(each.reference for each in found) == sorted([reference, other])


@pytest.mark.soak
def test_a_days_views_are_written_when_they_change(line: Backend) -> None:
    today = instants.day(instants.now(), "Europe/Berlin").isoformat()
    ranking.rank()
    assert counts.views(today, today) == {}
    read(line, "gold")
    read(line, "silver")
    line.count()
    written = 0

    def note(params: dict[str, object], **_: object) -> None:
        nonlocal written
        written += str(params).count("VIEWS")

    with line.hooked("dynamodb", "before-parameter-build.dynamodb.PutItem", note):
        ranking.rank()
        ranking.rank()
    assert written == 1
    assert counts.views(today, today) == {today: 2}
    ranking.forget()
    ranking.rank()
    assert counts.views("2020-01-01", today) == {today: 2}


def test_pages_of_an_empty_stage(line: Backend, sam: Agent) -> None:
    text = look(sam, "/staff/figures").text
    assert "In diesem Zeitraum wollte niemand zurückgerufen werden." in text
    assert "<rect" not in text
    assert "No calls in this period yet." in look(sam, "/staff/figures", "en").text
    assert "auch die zweite Meldung an das ganze Team" in look(sam, "/staff/hours").text


def test_the_hours_page_shows_hours_shifts_and_rules(backend: Backend) -> None:
    backend.configure(
        STAFF_TEST_KEY="key",
        STAGE="local",
        HOTLINE_HOURS="Mon-Sun 09:00-17:00",
        HOTLINE_EXCEPTIONS="12-24 closed; 01-01 10:00-12:00",
        STAFF_SHIFTS="anna@shop.example Mon-Sun 00:00-24:00 | ben@shop.example Mon 09:00-10:00",
    )
    text = look(Agent(backend), "/staff/hours").text
    assert "anna@shop.example" in text
    assert "ben@shop.example" in text
    assert "Der erste Anruf kommt innerhalb von 30 Minuten Sprechzeit" in text
    assert "09:00–17:00" in text


def test_figures_that_cannot_be_read_now_are_for_later(line: Backend, sam: Agent) -> None:
    def throttle(**_: object) -> None:
        raise Unavailable("throttled")

    with line.hooked("dynamodb", "before-call.dynamodb.BatchGetItem", throttle):
        ask(line)
        assert sam.get("/staff/stats").status == 503
    assert sam.get(f"{STAFF}?state=due").status == 200


def test_what_was_not_counted_by_class_and_day(line: Backend, sam: Agent) -> None:
    empty = sam.get("/staff/views/filtered").json["days"]
    assert (len(empty), [day["views"] for day in empty]) == (7, [{}] * 7)
    for agent, times in (("GPTBot/1.2", 2), ("curl/8.5.0", 1)):
        for _ in range(times):
            assert (
                line.call("POST", "/articles/gold/views", None, {"user-agent": agent}).status == 204
            )
    days = sam.get("/staff/views/filtered?days=3").json["days"]
    assert [sum(day["views"].values()) for day in days] == [3, 0, 0]
    assert days[0]["views"] == {"ai": 2, "tool": 1}
    page = look(sam, "/staff/figures?days=7").text
    assert "Nicht gezählt" in page
    assert 'KI-Crawler</th><td><data value="2">2</data></td>' in page
    assert sam.get("/staff/views/filtered?days=32").status == 422
    assert Agent(line).get("/staff/views/filtered").status == 403
