"""Views by any name a site has for an article, and what their pages say, on real tables."""

import json
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.articles.routes import View
from chalicelib.http import bodies
from tests import cases
from tests.backend import FORM, ORIGIN, Backend
from tests.events import Answer

NAMES = [each for each in cases.articles() if each.kind == "name"]
TITLES = [each for each in cases.articles() if each.kind == "title"]


def post(backend: Backend, body: str, visitor: int = 1, kind: str = "text/plain") -> Answer:
    headers = {"origin": ORIGIN, "content-type": kind}
    return backend.call("POST", "/views", body, headers, client_ip=f"198.51.100.{visitor}")


def counted(backend: Backend) -> dict[str, int]:
    """Count what is marked; return the views by article."""
    backend.count()
    views: Counter[str] = Counter()
    for each in backend.items("VIEW_COUNTS_TABLE", "ARTICLE#"):
        if each["sk"].startswith("TOTAL#"):
            views[each["pk"].removeprefix("ARTICLE#")] += each.get("views", 0)
    return dict(views)


def markers(backend: Backend) -> list[dict[str, Any]]:
    """Return the views that are marked."""
    return backend.items("VIEW_MARKERS_TABLE", "VIEW#")


def test_every_line_of_names_is_counted_under_its_name(backend: Backend) -> None:
    before: set[str] = set()
    for number, case in enumerate(NAMES):
        # The JSON as the table has it, so that what is no text goes over the wire escaped.
        body = f'{{"article":{case.given_json}}}'
        assert post(backend, body, number).status == 204, case
        found = {each["pk"] for each in markers(backend)}
        new = [key.removeprefix("VIEW#").partition("|")[0] for key in found - before] or [""]
        assert [case.fits(each) for each in new] == [True], (case, new)
        before = found
    assert sum(counted(backend).values()) == len(before)
    print(f"\nnames of articles: {len(NAMES)}, each counted under its name")


@pytest.mark.parametrize("path", ["/views", "/articles/gold/views"])
def test_every_line_of_titles_costs_no_view(backend: Backend, path: str) -> None:
    for visitor, case in enumerate(TITLES):
        body = f'{{"article":"gold","title":{case.given_json},"page":"{ORIGIN}/gold"}}'
        headers = {"origin": ORIGIN, "content-type": "application/json"}
        address = f"198.51.100.{visitor}"
        assert backend.call("POST", path, body, headers, client_ip=address).status == 204, case
        read = View.model_validate(
            bodies.read(f'{{"title":{case.given_json}}}', False, bodies.JSON, ("title",))
        ).title
        assert case.fits(read), (case, read)
    assert not any({"title", "page"} & each.keys() for each in markers(backend))
    assert counted(backend) == {"gold": len(TITLES)}


@pytest.mark.parametrize(
    "said",
    [
        {"title": None},
        {"title": 5},
        {"title": ["Gold"]},
        {"title": {"a": 1}},
        {"page": None},
        {"page": "x" * 5000},
        {"page": f"{ORIGIN}/a\nb"},
        {"page": ["x"]},
        {"title": "x" * 5000},
    ],
    ids=str,
)
def test_what_cannot_be_said_is_dropped_and_the_view_counts(
    backend: Backend, said: dict[str, Any]
) -> None:
    assert post(backend, json.dumps({"article": "gold"} | said)).status == 204
    assert counted(backend) == {"gold": 1}


def test_all_ways_to_send_a_view_are_one(backend: Backend) -> None:
    said = {"article": "/rat/münzen/", "title": "Münzen"}
    assert post(backend, json.dumps(said), 1, "application/json").status == 204
    assert post(backend, json.dumps(said), 2, "text/plain;charset=UTF-8").status == 204
    assert post(backend, urlencode(said), 3, FORM).status == 204
    assert post(backend, urlencode(said, encoding="latin-1"), 4, FORM).status == 204
    same = backend.call("POST", "/articles/rat.muenzen/views", client_ip="198.51.100.3")
    assert same.status == 204
    views = counted(backend)
    assert views["rat.muenzen"] == 3, "the third is one visitor by both calls"
    assert sum(views.values()) == 4, "a form in another encoding counts under a name of its own"


def test_the_source_is_kept_where_it_is_not_the_name(backend: Backend) -> None:
    for visitor, article in enumerate(("a.b", "/a/b/", "https://x.example/A/b?utm_source=x")):
        assert post(backend, json.dumps({"article": article}), visitor).status == 204
    assert sorted(each.get("source", "") for each in markers(backend)) == ["", "a/b", "a/b"]
    assert counted(backend) == {"a.b": 3}


@pytest.mark.parametrize("slug", ["undefined", "null", "..."])
def test_what_was_not_filled_in_counts_nothing_by_slug_either(backend: Backend, slug: str) -> None:
    assert backend.call("POST", f"/articles/{slug}/views").status == 204
    assert markers(backend) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"article": "%s"}' % ("x" * 501), 422),
        ('{"article": null}', 422),
        ('{"article": ["gold"]}', 422),
        ('{"title": "Gold"}', 422),
        ("", 400),
        ('"\\ud800"', 400),
        ("[]", 400),
        ("null", 400),
        ('{"article": NaN}', 400),
        ("[" * 200_000, 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_names_no_article_is_refused(backend: Backend, body: str, status: int) -> None:
    answer = post(backend, body)
    assert answer.status == status
    if status == 422:
        assert [each["field"] for each in answer.json["errors"]] == ["article"]
