"""The migration of a stage's items: counted, stopped and gone on with, beside those that serve."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from chalicelib import aws
from chalicelib.settings import current
from ops import migrating
from ops.migrations import MIGRATIONS, STAMPED, Migration
from tests.backend import Backend, Stop
from tests.formats.test_formats import BEFORE
from tests.ops.commands import ops

UPDATE = "before-send.dynamodb.UpdateItem"
CONTACTS = BEFORE["contacts"]


@pytest.fixture
def old(backend: Backend) -> Backend:
    """Return a stage whose tables have the items of a version without `v`."""
    for item in CONTACTS:
        aws.call("put_item", TableName=backend.env["CONTACTS_TABLE"], Item=aws.pack_item(item))
    return backend


@contextmanager
def pages_of(backend: Backend, most: int) -> Iterator[None]:
    """Let a page of a table have so many items at most."""

    def limit(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = most

    with backend.hooked("dynamodb", "provide-client-params.dynamodb.Scan", limit):
        yield


def stamped(backend: Backend) -> int:
    return sum(each.get("v") == 1 for each in backend.items())


def bare(backend: Backend) -> list[str]:
    """Return the items without what the migration sets, in any order."""
    found = [{**each, "v": 0} for each in backend.items()]
    return sorted(json.dumps(each, sort_keys=True) for each in found)


def test_a_dry_run_counts_and_a_run_does_that(old: Backend, tmp_path: Path) -> None:
    before = bare(old)
    dry = ops("migrate", "--dry-run", "--bookmark", tmp_path / "b")
    assert (dry.exit_code, stamped(old)) == (0, 0)
    assert f"{len(CONTACTS)} items read, {len(CONTACTS)} changes would be made" in dry.output
    done = ops("migrate", "--bookmark", tmp_path / "b")
    assert (done.exit_code, stamped(old)) == (0, len(CONTACTS))
    assert f"{len(CONTACTS)} items read, {len(CONTACTS)} changes made" in done.output
    assert bare(old) == before
    again = ops("migrate", "--bookmark", tmp_path / "b")
    assert f"{len(CONTACTS)} items read, 0 changes made" in again.output
    assert list(tmp_path.iterdir()) == []


def test_stopped_at_any_write_it_goes_on(old: Backend, tmp_path: Path) -> None:
    """Stop the run before the first write, after the second, before the third and so on."""
    before, bookmark, runs, resumed = bare(old), tmp_path / "bookmark", 0, 0
    with pages_of(old, 10):
        for number in range(1, 60):
            writes = 0

            def stop(**_: Any) -> None:
                nonlocal writes
                writes += 1
                if writes == number:  # noqa: B023  # called within this round
                    raise Stop

            event = UPDATE if number % 2 else "after-call.dynamodb.UpdateItem"
            resumed += bookmark.exists()
            runs += 1
            try:
                with old.hooked("dynamodb", event, stop):
                    run = migrating.perform(MIGRATIONS, False, bookmark, lambda names: None)
            except Stop:
                continue
            break
    assert (stamped(old), bare(old)) == (len(CONTACTS), before)
    assert not bookmark.exists()
    assert resumed
    assert run.seen < len(CONTACTS), "the last run began at the bookmark"
    print(f"\nitems {len(CONTACTS)} · runs {runs}, of which {resumed} began at a bookmark")


def test_a_bookmark_of_other_migrations_or_tables_is_none(old: Backend, tmp_path: Path) -> None:
    bookmark = tmp_path / "bookmark"
    for noted in ("nonsense", "{}", json.dumps({"migrations": ["x"], "tables": [], "after": {}})):
        bookmark.write_text(noted)
        run = migrating.perform(MIGRATIONS, False, bookmark, lambda names: None)
        assert run.seen == len(CONTACTS)


def test_writers_meanwhile_lose_nothing(old: Backend, tmp_path: Path) -> None:
    """Let another writer change each item between its read and its write, once."""
    table, met = old.env["CONTACTS_TABLE"], set[str]()

    def meanwhile(request: Any, **_: Any) -> None:
        asked = json.loads(request.body)
        place = asked["Key"]
        name = json.dumps(place, sort_keys=True)
        if "served" in asked["UpdateExpression"] or name in met:
            return
        met.add(name)
        if place["pk"]["S"].startswith("LIMIT#"):
            aws.call("delete_item", TableName=table, Key=place)
            return
        change = "SET served = :one, expires = :one"
        aws.call(
            "update_item",
            TableName=table,
            Key=place,
            UpdateExpression=change,
            ExpressionAttributeValues={":one": {"N": "9999999999"}},
        )

    with old.hooked("dynamodb", UPDATE, meanwhile):
        run = migrating.perform(MIGRATIONS, False, tmp_path / "b", lambda names: None)
    limits = sum(each["pk"].startswith("LIMIT#") for each in CONTACTS)
    assert (run.busy, run.poison) == (0, [])
    assert stamped(old) == len(CONTACTS) - limits
    assert all(each["served"] == 1 or each["expires"] for each in old.items())
    assert sum("served" in each for each in old.items()) == len(CONTACTS) - limits


def test_poison_is_named_and_left_and_its_neighbours_go_on(
    old: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = old.env["CONTACTS_TABLE"]
    for place, more in (
        ({"pk": "SUB#broken", "sk": "SUB"}, {"state": "confirmed"}),
        ({"pk": "NEW#kind", "sk": "NEW"}, {"v": 7}),
    ):
        aws.write(aws.assign(table, place, more))
    lower = Migration(
        "lower", ("subscriber",), 1, 2, lambda item: {**item, "email": item["email"].lower()}
    )
    run = migrating.perform((*MIGRATIONS, lower), False, tmp_path / "b", lambda names: None)
    assert run.poison == ["SUB#broken SUB  lower: KeyError"]
    assert run.unknown == 1
    versions = {each["pk"]: each.get("v") for each in old.items() if each["sk"] == "SUB"}
    assert versions.pop("SUB#broken") is None
    assert set(versions.values()) == {2}


def test_what_cannot_be_undone_wants_the_stages_name(old: Backend, tmp_path: Path) -> None:
    final = Migration("drop", STAMPED, 0, 1, dict, reversible=False)
    asked: list[str] = []

    def refuse(names: str) -> None:
        asked.append(names)
        raise click.Abort

    with pytest.raises(click.Abort):
        migrating.perform((final,), False, tmp_path / "b", refuse)
    assert (asked, stamped(old)) == (["drop"], 0)
    migrating.perform((final,), True, tmp_path / "b", refuse)  # a dry run asks nobody
    press = click.Command("press", callback=lambda: migrating._confirm("drop"))
    stage = current().stage
    for typed, code in ((stage, 0), ("another", 1), ("", 1)):
        assert CliRunner().invoke(press, input=f"{typed}\n").exit_code == code
