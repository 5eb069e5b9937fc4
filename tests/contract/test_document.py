"""The published contract is one that tools like: names, tags, rights, and no loose ends."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from chalicelib.auth import gate
from chalicelib.http.inventory import Route
from chalicelib.http.openapi import TAGS, document
from tests.contract import published
from tests.contract.published import contract, operations, resolve
from tests.events import Answer

VERB = (
    "act|admit|apply|assign|block|change|claim|comment|complete|confirm|correct|count|decide|decline"
    "|delete|dial|download|erase|export|find|follow|get|hand|list|look|record|refuse|release"
    "|request|resend|save|settle|show|sign|take|undo|unsubscribe"
)
# What an operation is listed under, by its path; the longest one decides.
UNDER = {
    "/": "service",
    "/articles": "articles",
    "/callbacks": "callbacks",
    "/hotline": "callbacks",
    "/me": "me",
    "/newsletter": "newsletter",
    "/staff": "staff-callbacks",
    "/views": "articles",
    "/staff/articles": "staff-articles",
    "/staff/figures": "staff-figures",
    "/staff/numbers": "staff-numbers",
    "/staff/search": "staff-numbers",
    "/staff/sign": "staff-session",
    "/staff/stats": "staff-figures",
    "/staff/subscribers": "staff-subscribers",
    "/staff/views": "staff-figures",
}


class Left(BaseModel, title="Same"):
    name: str


class Right(BaseModel, title="Same"):
    name: int


def nothing(call: Any) -> None:
    """Do nothing."""


def look_up_all(call: Any) -> None:
    """Do nothing."""


def references(value: Any) -> Iterator[str]:
    """Every `$ref` in a value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from references(each)


def test_operations_are_verbs_and_unique() -> None:
    named = {where: each["operationId"] for where, each in operations().items()}
    assert len(named) > 60
    assert [each for each, times in Counter(named.values()).items() if times > 1] == []
    assert {
        where: name
        for where, name in named.items()
        if not re.fullmatch(rf"({VERB})([A-Z][a-z]+)*", name)
    } == {}


def test_an_operation_has_its_views_name_in_camel_case() -> None:
    assert Route("GET", "/a", look_up_all).operation_id == "lookUpAll"


def test_what_has_the_name_of_another_is_not_published() -> None:
    twice = [Route("GET", "/a", nothing), Route("GET", "/b", nothing)]
    with pytest.raises(ValueError, match="nothing"):
        document(twice, "https://a.example")
    alike = [Route("GET", "/a", nothing, gives=Left), Route("GET", "/b", look_up_all, gives=Right)]
    with pytest.raises(ValueError, match="Same"):
        document(alike, "https://a.example")


def test_every_operation_is_listed_under_its_capability() -> None:
    declared = [each["name"] for each in contract()["tags"]]
    assert declared == list(TAGS)
    assert all(each["description"] for each in contract()["tags"])
    wrong = {}
    for where, operation in operations().items():
        path = where.partition(" ")[2]
        under = UNDER[max((each for each in UNDER if path.startswith(each)), key=len)]
        if operation["tags"] != [under]:
            wrong[where] = operation["tags"]
    assert wrong == {}
    assert {each["tags"][0] for each in operations().values()} == set(declared)


def test_every_operation_says_who_may() -> None:
    schemes = contract()["components"]["securitySchemes"]
    for where, operation in operations().items():
        closed = gate.closes(where.partition(" ")[2])
        assert {name for each in operation["security"] for name in each} == (
            set(schemes) if closed else set()
        ), where


def test_every_operation_says_how_it_is_answered() -> None:
    for where, operation in operations().items():
        statuses = set(operation["responses"])
        assert {each for each in statuses if each[0] in "23"}, where
        assert {each for each in statuses if each[0] == "4"}, where
        assert operation["summary"], where


def test_every_parameter_of_a_path_is_declared() -> None:
    for where, operation in operations().items():
        declared = {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"
        }
        assert declared == set(re.findall(r"\{(\w+)\}", where)), where


def test_a_parameter_is_never_null_and_a_list_goes_by_commas() -> None:
    parameters = [each for one in operations().values() for each in one.get("parameters", ())]
    assert [each["name"] for each in parameters if "null" in str(each["schema"])] == []
    lists = [each for each in parameters if each["schema"].get("type") == "array"]
    commas = {(each["name"], each["explode"]) for each in lists}
    assert commas == {("slugs", False), ("consent", False)}


def test_an_answers_fields_with_a_fixed_value_are_always_there() -> None:
    schemas = contract()["components"]["schemas"]
    assert schemas["SignupReceipt"]["required"] == ["status"]
    assert schemas["Problem"]["required"] == ["type", "title", "status", "detail", "code"]
    assert schemas["CallbackRequest"]["required"] == ["name", "phone", "consent"]


def test_every_reference_leads_somewhere_and_no_component_is_left_over() -> None:
    used = set(references(contract()))
    for each in used:
        assert resolve(each)
    components = contract()["components"]
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in components[kind]
    }
    assert there == used
    assert set(components) == {"schemas", "responses", "securitySchemes"}


def test_schemas_have_public_names() -> None:
    names = list(contract()["components"]["schemas"])
    assert [each for each in names if not re.fullmatch(r"([A-Z][a-z]+)+", each)] == []


HEALTH = '{"status":"ok","stage":"local","version":"1"}'


@pytest.mark.parametrize(
    ("status", "kind", "text", "wrong"),
    [
        (404, "application/problem+json", "{}", "no 404"),
        (200, "text/csv", "a", "no text/csv"),
        (200, "application/json", HEALTH.replace("ok", "ill"), r"\$.status"),
        (200, "application/json", "{}", "'stage' is a required property"),
        (503, "application/problem+json", "{}", "'code' is a required property"),
    ],
)
def test_an_answer_that_is_not_described_is_found(
    status: int, kind: str, text: str, wrong: str
) -> None:
    published.check("GET", "/health", Answer(200, {"content-type": "application/json"}, HEALTH))
    with pytest.raises(AssertionError, match=wrong):
        published.check("GET", "/health", Answer(status, {"content-type": kind}, text))
