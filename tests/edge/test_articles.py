"""Article views on real tables: marked once, counted once, ranked."""

import random
from datetime import timedelta

import app
from chalicelib import aws, instants
from chalicelib.articles import counting, ranking, store
from tests.backend import ORIGIN, Backend
from tests.events import Context


def read(backend: Backend, slug: str, visitor: int = 1, **said: str) -> int:
    return backend.call(
        "POST", f"/articles/{slug}/views", said or None, {"origin": ORIGIN, "user-agent": "Firefox"},
        caller=f"198.51.100.{visitor}",
    ).status  # fmt: skip


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
    assert backend.call("POST", "/articles/gold/views", '{"title":"Gold"}', beacon, caller="192.0.2.1").status == 204
    assert backend.call("POST", "/articles/gold/views", None, caller="192.0.2.2").status == 204
    backend.count()
    assert views(backend, "gold") == 2


def test_redelivery_order_and_batches_change_nothing(backend: Backend) -> None:
    for visitor in range(150):
        read(backend, "gold", visitor)
    records = backend.records("VIEW_MARKERS_TABLE")
    for seed in range(3):
        random.Random(seed).shuffle(records)
        for at in range(0, len(records), 40 + seed):
            app.count({"Records": records[at : at + 40 + seed]}, Context())
    assert views(backend, "gold") == 150
    days = [each for each in backend.items("VIEW_COUNTS_TABLE") if each["sk"].startswith("DAY#")]
    assert sum(each["views"] for each in days) == 150
    assert sum(value for each in days for name, value in each.items() if name[0] == "h") == 150


def test_a_crash_after_the_commit_counts_once(backend: Backend) -> None:
    read(backend, "gold")
    (marker,) = [store.marker_of(each) for each in backend.items("VIEW_MARKERS_TABLE", "VIEW#")]
    store.count([marker])  # committed, and the function ended before it could say so
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


def test_a_title_is_believed_from_our_pages_only_and_stays_for_the_day(backend: Backend) -> None:
    backend.call("POST", "/articles/gold/views", {"title": "Spam"}, {"origin": "https://evil.example"}, "192.0.2.1")
    read(backend, "gold", 2, title="Gold kaufen", page=f"{ORIGIN}/gold")
    read(backend, "gold", 3, title="Etwas anderes", page=f"{ORIGIN}/gold")
    backend.count()
    assert store.title("gold") in {"Gold kaufen", "Etwas anderes"}
    first = store.title("gold")
    read(backend, "gold", 4, title="Noch etwas anderes", page=f"{ORIGIN}/gold")
    backend.count()
    assert store.title("gold") == first


def test_the_most_read(backend: Backend) -> None:
    assert backend.call("GET", "/articles/popular").json["articles"] == []
    for slug, readers in {"gold": 3, "silver": 5, "platinum": 1}.items():
        for visitor in range(readers):
            read(backend, slug, visitor, title=slug.title())
    backend.count()
    ranking.rank()
    for window in ("24h", "7d", "30d", "all"):
        ranked = backend.call("GET", f"/articles/popular?window={window}&limit=2").json
        assert ranked["window"] == window
        assert ranked["articles"] == [
            {"slug": "silver", "title": "Silver", "views": 5},
            {"slug": "gold", "title": "Gold", "views": 3},
        ]


def test_old_views_leave_the_lists_and_stay_in_the_total(backend: Backend) -> None:
    read(backend, "gold")
    backend.count()
    ranking.rank(instants.now() + timedelta(days=8))
    assert store.load_list("24h")["articles"] == []
    assert store.load_list("7d")["articles"] == []
    assert [each["slug"] for each in store.load_list("30d")["articles"]] == ["gold"]
    ranking.rank()
    ranking.rank(instants.now() + timedelta(days=40))
    assert [each["slug"] for each in store.load_list("all")["articles"]] == ["gold"]


def test_nothing_in_the_tables_says_who_or_from_where(backend: Backend) -> None:
    read(backend, "gold", 77)
    backend.count()
    kept = str(backend.items("VIEW_MARKERS_TABLE") + backend.items("VIEW_COUNTS_TABLE"))
    assert "198.51.100.77" not in kept
    assert "Firefox" not in kept


def test_slugs(backend: Backend) -> None:
    for bad in ("GOLD", "gold silver", "gold|silver", "x" * 201, "%2e%2e%2f"):
        answer = backend.call("POST", f"/articles/{bad}/views")
        assert answer.status == 422
        assert answer.json["errors"][0] == {
            "field": "slug",
            "code": "slug",
            "message": "Erlaubt sind 1 bis 200 Zeichen aus a-z, 0-9, Bindestrich, Unterstrich und Punkt.",
        }
    assert views(backend, "a-z_0.9") == 0
