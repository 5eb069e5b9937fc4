"""Article views on real tables: marked once, counted once and ranked."""

import json
import random
from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import app
from chalicelib import aws, instants
from chalicelib.articles import counting, model, ranking
from chalicelib.articles.staff import service as staff
from chalicelib.articles.stores import counts, markers
from tests.backend import ORIGIN, Backend
from tests.events import Context

WINDOWS = ("24h", "7d", "30d", "all")


def read(backend: Backend, slug: str, visitor: int = 1, **said: str) -> int:
    return backend.call(
        "POST",
        f"/articles/{slug}/views",
        said or None,
        {"origin": ORIGIN},
        client_ip=f"198.51.100.{visitor}",
    ).status


def views(backend: Backend, slug: str) -> int:
    return int(backend.call("GET", f"/articles/{slug}/views").json["views"])


def test_a_view_a_visitor_and_day(backend: Backend) -> None:
    assert views(backend, "gold") == 0
    for _ in range(3):
        assert read(backend, "gold") == 204
    assert read(backend, "gold", visitor=2) == 204
    assert read(backend, "silver") == 204
    backend.count()
    assert (views(backend, "gold"), views(backend, "silver")) == (2, 1)


def test_the_beacons_text_counts_and_so_does_nothing_at_all(backend: Backend) -> None:
    beacon = {"origin": ORIGIN, "content-type": "text/plain;charset=UTF-8"}
    assert (
        backend.call(
            "POST", "/articles/gold/views", '{"title":"Gold"}', beacon, client_ip="192.0.2.1"
        ).status
        == 204
    )
    assert backend.call("POST", "/articles/gold/views", None, client_ip="192.0.2.2").status == 204
    backend.count()
    assert views(backend, "gold") == 2


def test_redelivery_order_and_batches_change_nothing(backend: Backend) -> None:
    for visitor in range(150):
        read(backend, "gold", visitor)
    records = backend.records("VIEW_MARKERS_TABLE")
    for seed in range(3):
        random.Random(seed).shuffle(records)
        for at in range(0, len(records), 40 + seed):
            app.count_views({"Records": records[at : at + 40 + seed]}, Context())
    assert views(backend, "gold") == 150
    days = [each for each in backend.items("VIEW_COUNTS_TABLE") if each["sk"].startswith("DAY#")]
    assert sum(each.get("views", 0) for each in days) == 150
    assert sum(value for each in days for name, value in each.items() if name[0] == "h") == 150


def test_a_crash_after_the_commit_counts_once(backend: Backend) -> None:
    read(backend, "gold")
    (marker,) = [markers.marker_of(each) for each in backend.items("VIEW_MARKERS_TABLE", "VIEW#")]
    counts.count([marker])  # committed, but the function ended before it could report that
    backend.count()
    assert views(backend, "gold") == 1


def test_a_marker_that_is_gone_is_not_counted(backend: Backend) -> None:
    read(backend, "gold")
    records = backend.records("VIEW_MARKERS_TABLE")
    for item in backend.items("VIEW_MARKERS_TABLE", "VIEW#"):
        aws.client("dynamodb").delete_item(
            TableName=backend.env["VIEW_MARKERS_TABLE"], Key=aws.pack_item({"pk": item["pk"]})
        )
    counting.react(records)
    assert views(backend, "gold") == 0


def accept(*slugs: str) -> None:
    """Let the staff accept these names, so that lists show them."""
    for slug in slugs:
        staff.decide(slug, "sam", instants.now(), accept=True)


def listed(backend: Backend, window: str = "all") -> dict[str, tuple[str, str]]:
    ranking.rank()
    articles = backend.call("GET", f"/articles/popular?window={window}").json["articles"]
    return {each["slug"]: (each["title"], each["page"]) for each in articles}


def test_no_word_of_a_beacon_is_on_a_list(backend: Backend) -> None:
    read(backend, "gold", 1, title="Gold kaufen", page=f"{ORIGIN}/gold")
    read(backend, "spam", 1, title="Spam", page=f"{ORIGIN}/spam")
    backend.count()
    assert listed(backend) == {}
    accept("gold")
    assert listed(backend) == {"gold": ("gold", "")}
    kept = str(backend.items("VIEW_COUNTS_TABLE"))
    assert "Gold kaufen" not in kept
    assert "Spam" not in kept


def test_the_most_read(backend: Backend) -> None:
    assert backend.call("GET", "/articles/popular").json["articles"] == []
    accept("gold", "silver", "platinum")
    for slug, readers in {"gold": 3, "silver": 5, "platinum": 1}.items():
        for visitor in range(readers):
            read(backend, slug, visitor)
    backend.count()
    ranking.rank()
    for window in ("24h", "7d", "30d", "all"):
        ranked = backend.call("GET", f"/articles/popular?window={window}&limit=2").json
        assert ranked["window"] == window
        assert ranked["articles"] == [
            {"slug": "silver", "title": "silver", "views": 5, "page": ""},
            {"slug": "gold", "title": "gold", "views": 3, "page": ""},
        ]


def test_old_views_leave_the_lists_and_stay_in_the_total(backend: Backend) -> None:
    accept("gold")
    read(backend, "gold")
    backend.count()
    for days, windows in ((0, 4), (2, 3), (8, 2), (40, 1), (400, 1)):
        ranking.rank(instants.now() + timedelta(days=days))
        shown = [each for each in WINDOWS if counts.load_list(each)["articles"]]
        assert shown == list(WINDOWS)[4 - windows :]
    assert counts.load_list("all")["articles"][0]["views"] == 1


def test_nothing_in_the_tables_says_who_or_from_where(backend: Backend) -> None:
    read(backend, "gold", 77)
    backend.count()
    kept = str(backend.items("VIEW_MARKERS_TABLE") + backend.items("VIEW_COUNTS_TABLE"))
    assert "198.51.100.77" not in kept
    assert "Firefox/143" not in kept


def test_slugs(backend: Backend) -> None:
    for bad in ("GOLD", "gold silver", "gold|silver", "x" * 201, "%2e%2e%2f"):
        answer = backend.call("POST", f"/articles/{bad}/views")
        assert answer.status == 422
        assert answer.json["errors"][0] == {
            "field": "slug",
            "code": "slug",
            "message": "Erlaubt sind 1 bis 200 Zeichen aus a-z, 0-9, Bindestrich, Unterstrich"
            " und Punkt.",
        }
    assert views(backend, "a-z_0.9") == 0


def test_a_view_is_one_call_whether_counted_or_repeated(backend: Backend) -> None:
    read(backend, "warm")
    calls: list[str] = []
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: calls.append(event_name)
    ):
        read(backend, "gold")
        read(backend, "gold")
    assert [each.rpartition(".")[2] for each in calls] == ["PutItem", "PutItem"]


def test_the_sweeper_finds_what_the_stream_never_told(backend: Backend) -> None:
    for visitor in range(30):
        read(backend, "gold", visitor)
    assert counting.sweep() == 0  # too young: the stream may still bring them
    later = instants.now() + timedelta(minutes=11)
    assert counting.sweep(later) == 30
    assert views(backend, "gold") == 30
    assert counting.sweep(later) == 0
    backend.count()
    assert views(backend, "gold") == 30


def test_the_sweeper_goes_on_where_it_stopped(backend: Backend) -> None:
    for visitor in range(40):
        read(backend, "gold", visitor)
    later = instants.now() + timedelta(minutes=11)

    def small_pages(params: Any, **_: Any) -> None:
        params["body"] = json.dumps({**json.loads(params["body"]), "Limit": 1}).encode()

    sweeps = 0
    with backend.hooked("dynamodb", "before-call.dynamodb.Scan", small_pages):
        while views(backend, "gold") < 40:
            counting.sweep(later)
            sweeps += 1
            assert sweeps <= 5
    assert sweeps > 1


def test_many_at_once_in_the_order_asked_for(backend: Backend) -> None:
    for slug, readers in {"gold": 2, "silver": 1}.items():
        for visitor in range(readers):
            read(backend, slug, visitor)
    for visitor in range(60):  # spread over lanes
        read(backend, "hot", visitor)
    backend.count()
    answer = backend.call("GET", "/articles/views?slugs=silver,nobody,hot,gold,gold")
    assert list(answer.json["views"].items()) == [
        ("silver", 1),
        ("nobody", 0),
        ("hot", 60),
        ("gold", 2),
    ]
    assert answer.headers["cache-control"] == "public, max-age=30"
    hundred = ",".join(f"a{n}" for n in range(100))
    assert len(backend.call("GET", f"/articles/views?slugs={hundred}").json["views"]) == 100
    for bad in (f"{hundred},one-more", "", "gold,,silver", "GOLD"):
        refused = backend.call("GET", f"/articles/views?slugs={bad}")
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, "slugs")


def test_a_series_has_no_gaps(backend: Backend) -> None:
    today = instants.day(instants.now(), "Europe/Berlin")
    read(backend, "gold")
    backend.count()
    series = backend.call("GET", "/articles/gold/views/daily").json
    assert len(series["days"]) == 30
    assert series["days"][-1] == {"day": today.isoformat(), "views": 1}
    assert {each["views"] for each in series["days"][:-1]} == {0}
    year = backend.call("GET", "/articles/gold/views/daily?from=2026-01-01&to=2026-12-31").json[
        "days"
    ]
    assert [each["day"] for each in year] == [
        (date(2026, 1, 1) + timedelta(days=n)).isoformat() for n in range(365)
    ]
    assert sum(each["views"] for each in year) == (1 if today.year == 2026 else 0)
    for bad in (
        "from=2026-01-02&to=2026-01-01",
        "from=2025-01-01&to=2026-12-31",
        "from=yesterday",
        "to=2026-02-30",
    ):
        assert backend.call("GET", f"/articles/gold/views/daily?{bad}").status == 422


def test_the_badge(backend: Backend) -> None:
    for visitor in range(3):
        read(backend, "gold", visitor)
    backend.count()
    german, english = (
        backend.call("GET", f"/articles/gold/badge.svg?language={each}") for each in ("de", "en")
    )
    assert german.headers["content-type"] == "image/svg+xml"
    assert "3-mal gelesen" in german.text
    assert "read 3 times" in english.text
    ElementTree.fromstring(german.text)


def test_the_salt_is_one_for_all_and_new_every_day(backend: Backend) -> None:
    now = instants.now()
    first = markers.salt("2026-11-23", now)
    markers.forget()
    counts.forget()
    assert markers.salt("2026-11-23", now) == first
    assert markers.salt("2026-11-24", now) != first
    salts = backend.items("VIEW_MARKERS_TABLE", "SALT#")
    assert {each["expires"] for each in salts} == {instants.epoch(now + timedelta(hours=48))}


def test_days_roll_over_as_the_company_counts_them(backend: Backend) -> None:
    # Midnight in Berlin is at 23:00 UTC.
    for visitor, at in enumerate(("2026-11-22T22:59:59Z", "2026-11-22T23:00:00Z")):
        local = instants.parse(at).astimezone(ZoneInfo("Europe/Berlin"))
        markers.mark(
            model.Marker("gold", local.date().isoformat(), f"visitor-{visitor}", local.hour),
            instants.now(),
        )
    accept("gold")
    backend.count()
    assert counts.daily("gold", "2026-11-22", "2026-11-23") == {"2026-11-22": 1, "2026-11-23": 1}
    ranking.rank(instants.parse("2026-11-23T22:30:00Z"))
    # The first view is out: it lies in the hour before yesterday's midnight.
    assert counts.load_list("24h")["articles"][0]["views"] == 1


def test_what_nobody_read_is_tallied_by_class_and_not_counted(backend: Backend) -> None:
    agents = {"bot": "Googlebot/2.1", "ai": "GPTBot/1.2", "tool": "curl/8.10.1", "empty": ""}
    for agent in agents.values():
        for _ in range(3):
            answer = backend.call("POST", "/articles/gold/views", headers={"user-agent": agent})
            assert (answer.status, answer.text) == (204, "")
    assert (
        backend.call("POST", "/articles/gold/views", headers={"sec-purpose": "prefetch"}).status
        == 204
    )
    calls: list[str] = []
    with backend.hooked(
        "dynamodb", "before-send.dynamodb", lambda event_name, **_: calls.append(event_name)
    ):
        backend.call("POST", "/articles/gold/views", headers={"user-agent": "Bytespider"})
    assert [each.rpartition(".")[2] for each in calls] == ["UpdateItem"]
    backend.count()
    assert views(backend, "gold") == 0
    day = instants.day(instants.now(), "Europe/Berlin").isoformat()
    assert counts.filtered(day) == {"bot": 3, "ai": 4, "tool": 3, "empty": 3, "prefetch": 1}


def test_a_salt_is_gone_within_two_days(backend: Backend) -> None:
    now = instants.parse("2026-11-23T12:00:00Z")
    for day in ("2026-11-18", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"):
        markers.salt(day, now)
    counting.sweep(now)
    kept = {each["pk"] for each in backend.items("VIEW_MARKERS_TABLE", "SALT#")}
    assert kept == {"SALT#2026-11-22", "SALT#2026-11-23"}
