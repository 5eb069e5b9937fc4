"""The staff's download has all confirmed subscribers and nobody else.

It comes in parts that fit into an answer, and each download is logged.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from chalicelib import aws, instants, tokens
from chalicelib.newsletter import export, links
from chalicelib.newsletter.filters import Filter
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.staff.api import Export
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import link, post, subscribe
from tests.events import Answer
from tests.ops.commands import ops, row, written

PATH = "/staff/subscribers.csv"
LARGEST = 6_000_000  # bytes of a Lambda function's whole answer


@pytest.fixture
def office(backend: Backend) -> Backend:
    """Give a stage's staff the test key."""
    backend.configure(STAGE="local", STAFF_TEST_KEY="key")
    return backend


def download(backend: Backend, path: str = PATH, who: str = "key:supervisor") -> Answer:
    return backend.call("GET", path, headers={"authorization": f"Bearer {who}"})


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def parts(backend: Backend, path: str = PATH) -> Iterator[Answer]:
    """Yield every part of the table, following the links."""
    while path:
        answer = download(backend, path)
        yield answer
        following = re.fullmatch(
            r'<https://contact\.site\.example(\S+)>; rel="next"',
            answer.headers.get("link", '<>; rel="next"'),
        )
        path = following[1] if following else ""


def test_the_confirmed_and_nobody_else(
    office: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("stays", "left", "erased"):
        subscribe(office, f"{name}@example.org")
    post(
        office,
        f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key_of('left@example.org'), 0)}",
    )
    post(office, "erase", token=tokens.sign(links.DATA, key_of("erased@example.org"), 0))
    for name in ("pending", "not-me"):
        sign_up(office, f"{name}@example.org")
    office.deliver()
    post(office, "refuse", token=link(office, "not-me@example.org", "refuse"))
    ops(
        "import",
        written(
            tmp_path / "old.csv", row("=cmd@example.org", topics="offers", consent_version="＝1")
        ),
    )
    capsys.readouterr()
    answer = download(office)
    found = {each["email"]: each for each in rows(answer)}
    assert found.keys() == {"stays@example.org", "'=cmd@example.org"}
    assert found["'=cmd@example.org"]["consent_version"] == "'=1"
    assert answer.headers["content-disposition"] == 'attachment; filename="subscribers.csv"'
    assert answer.headers["cache-control"] == "no-store"
    assert "link" not in answer.headers
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert (line["event"], line["subscribers"], line["by"]) == (
        "newsletter.exported",
        2,
        "test-supervisor",
    )
    assert "@" not in str(line)
    assert [each["email"] for each in rows(download(office, f"{PATH}?topic=news"))] == [
        "stays@example.org"
    ]


def test_supervisors_alone_may(office: Backend) -> None:
    subscribe(office, "kept@example.org")
    denied = {who: download(office, who=who) for who in ("", "wrong", "key:agent", "key:boss")}
    assert {who: answer.status for who, answer in denied.items()} == {
        "": 401,
        "wrong": 401,
        "key:agent": 403,
        "key:boss": 401,
    }
    assert not [answer for answer in denied.values() if "@" in answer.text]


@pytest.mark.parametrize(
    "query",
    [
        *("cursor=x", "cursor=..", "topic=cats", "state=gone", "language=fr", "format=xlsx"),
        *("from=gestern", "to=1999-12-31"),
    ],
)
def test_what_is_no_part_is_refused(office: Backend, query: str) -> None:
    foreign = tokens.sign(
        links.UNSUBSCRIBE, json.dumps({"pk": {"S": "SUB#x"}, "sk": {"S": "SUB"}}), 0
    )
    assert download(office, f"{PATH}?{query}").status in (400, 422)
    assert download(office, f"{PATH}?cursor={foreign}").json["code"] == "token"


@pytest.mark.soak
def test_a_large_table_comes_in_parts_that_lambda_can_answer_with(office: Backend) -> None:
    """Check the parts' sizes with the longest addresses, in a script that takes the most room."""
    subscribe(office, "model@example.org")
    (model,) = [each for each in office.items(prefix="SUB#") if each["sk"] == "SUB"]
    addresses = {f"{'ä' * 64}@{number:05}.{'ü' * 170}.example.org" for number in range(8000)}
    fill(
        office,
        [{**model, "pk": f"SUB#{address[65:70]}", "email": address} for address in addresses],
    )
    found: list[str] = []
    sizes: list[int] = []
    for answer in parts(office):
        found += [each["email"] for each in rows(answer)]
        sizes.append(len(json.dumps({"body": answer.text, "headers": answer.headers}).encode()))
    largest = f"largest answer {max(sizes):,} bytes of {LARGEST:,}"
    print(f"\nsubscribers {len(found)} · parts {len(sizes)} · {largest}")
    assert sorted(found) == sorted([*addresses, "model@example.org"])
    assert len(sizes) > 1
    assert max(sizes) < LARGEST
    refused_and_not_cut(office)


def refused_and_not_cut(office: Backend) -> None:
    """Check that a part asked for by number is refused where it does not fit.

    Whoever asks by number follows no link, so it must not be cut.
    """
    whole = download(office, f"{PATH}?parts=1")
    assert (whole.status, [(each["field"], each["code"]) for each in whole.json["errors"]]) == (
        422,
        [("parts", "finer")],
    )
    assert "example.org" not in whole.text
    assert len(rows(download(office, f"{PATH}?part=2&parts=4"))) > 1000
    cursor = download(office).headers["link"].partition("cursor=")[2].partition(">")[0]
    for query in (
        "part=2",
        "part=3&parts=2",
        "part=0&parts=2",
        "parts=1001",
        f"parts=2&cursor={cursor}",
    ):
        assert download(office, f"{PATH}?{query}").status == 422, query


@pytest.mark.parametrize("parts", [1, 4, 7])
def test_by_hand_each_subscriber_is_in_exactly_one_part(office: Backend, parts: int) -> None:
    names = [f"reader-{number}@example.org" for number in range(12)]
    for name in names:
        subscribe(office, name)
    answers = [
        download(office, f"{PATH}?part={part}&parts={parts}") for part in range(1, parts + 1)
    ]
    assert sorted(each["email"] for answer in answers for each in rows(answer)) == sorted(names)
    assert not [answer for answer in answers if "link" in answer.headers]


def fill(backend: Backend, items: list[dict[str, Any]]) -> None:
    for at in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": aws.pack_item(item)}} for item in items[at : at + 25]]
        aws.client("dynamodb").batch_write_item(RequestItems={backend.env["CONTACTS_TABLE"]: puts})


def test_a_part_ends_when_its_time_is_over(office: Backend) -> None:
    names = {f"slow-{number}@example.org" for number in range(4)}
    for name in names:
        subscribe(office, name)

    def by_three(params: dict[str, Any], **_: object) -> None:
        params["Limit"] = 3

    found: list[str] = []
    cursor, reads = None, 0
    with office.hooked("dynamodb", "provide-client-params.dynamodb.Scan", by_three):
        while reads == 0 or cursor:
            part = export.part(Filter("UTC"), instants.now(), cursor, lambda: False)
            reads += 1
            got = [each["email"] for each in csv.DictReader(io.StringIO(part.text, newline=""))]
            assert len(got) == part.count
            cursor = part.cursor
            found += got
    assert sorted(found) == sorted(names)
    assert reads > 4


def test_filters_and_json_lines(office: Backend, tmp_path: Path) -> None:
    for name in ("a@example.org", "b@sub.example.org"):
        subscribe(office, name)
    left = key_of("b@sub.example.org")
    post(office, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, left, 0)}")
    sign_up(office, "pending@example.org")
    old = row("old@example.org", topics="offers", language="en")
    umlaut = row("c@müller.example", topics="products news offers")
    ops("import", written(tmp_path / "old.csv", old, umlaut))
    today = instants.day(instants.now(), "Europe/Berlin").isoformat()
    expected = {
        "": "aco",
        "state=confirmed": "aco",
        "state=unsubscribed": "b",
        "state=pending": "p",
        "state=all": "abcop",
        "language=en": "o",
        "topic=news": "ac",
        "topic=offers&language=de": "ac",
        "domain=example.org": "ao",
        "domain=EXAMPLE.ORG": "ao",
        "domain=xn--mller-kva.example": "c",
        "domain=m%C3%BCller.example": "c",
        f"from={today}": "a",
        f"to={today}": "aco",
        "from=2024-05-31&to=2024-05-31": "co",
        "to=2024-05-30": "",
        f"state=unsubscribed&from={today}": "b",
        "topic=&language=&domain=&from=&to=": "aco",
    }
    for query, names in expected.items():
        found = "".join(
            sorted(each["email"][0] for each in rows(download(office, f"{PATH}?{query}")))
        )
        assert found == names, query
        by_format = download(office, f"{PATH}?{query}&format=jsonl")
        headers = {"authorization": "Bearer key:supervisor", "accept": "application/jsonl"}
        by_accept = office.call("GET", f"{PATH}?{query}", headers=headers)
        for answer in (by_format, by_accept):
            assert answer.headers["content-type"] == "application/jsonl; charset=utf-8"
            lines = [json.loads(each) for each in answer.text.splitlines()]
            assert "".join(sorted(each["email"][0] for each in lines)) == found, query
            assert all(each.keys() == set(export.COLUMNS) for each in lines)
        assert by_accept.headers["content-disposition"].endswith('"subscribers.jsonl"')
    csv_wins = office.call("GET", f"{PATH}?format=csv", headers=headers)
    assert csv_wins.headers["content-type"].startswith("text/csv")


def test_the_next_part_has_the_same_filters() -> None:
    query = "state=all&topic=news&language=de&domain=example.org&from=2020-01-01&format=jsonl"
    given = dict(parse_qsl(query))
    following = dict(parse_qsl(Export.model_validate(given).following("signed")))
    assert following == {**given, "cursor": "signed"}
    assert Export.model_validate({"cursor": "before"}).following("signed") == "cursor=signed"
