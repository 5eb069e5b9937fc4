"""Importing our own export changes nothing; into an empty stage it restores what it can."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest

from chalicelib import aws, instants
from chalicelib.newsletter import model, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.words import STATES
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import link, post, state, subscribe
from tests.ops.commands import ops, row, written
from tests.scale import Scale

FORMATS = ("csv", "jsonl")
ODD = ("'=x@example.org", "=x@example.org", "+49@example.org", "o'neil@example.org")
JOINED = ("a|b@example.org", "|x|y@example.org", "Eva@müller.example")


def people(backend: Backend, folder: Path) -> None:
    """Fill a table with subscribers of every state and of odd spellings."""
    for name in ("here", "left", "bounced", "complained", "erased"):
        subscribe(backend, f"{name}@example.org")
    sign_up(backend, "pending@example.org")
    sign_up(backend, "refused@example.org")
    backend.deliver()
    post(backend, "refuse", token=link(backend, "refused@example.org", "refuse"))
    ops("unsubscribe", "left@example.org", "unknown@example.org")
    ops("erase", "erased@example.org", "--yes")
    now = instants.now()
    came_back, complained = (key_of(f"{each}@example.org") for each in ("bounced", "complained"))
    service.change(
        came_back, lambda each: model.bounce(each.subscriber, True, "b", now, now), How(), now
    )
    service.change(complained, lambda each: model.complain(each.subscriber, now, now), How(), now)
    rows = [row(each, language="en", topics="offers,news") for each in (*ODD, *JOINED)]
    rows[0]["consent_version"] = "=1+1"
    assert f"{len(rows)} imported" in ops("import", written(folder / "old.csv", *rows)).output


@pytest.mark.parametrize("format", [FORMATS[0], pytest.param(FORMATS[1], marks=pytest.mark.soak)])
def test_our_own_export_changes_nothing(backend: Backend, tmp_path: Path, format: str) -> None:
    people(backend, tmp_path)
    before = backend.items()
    events = sum(each["sk"].startswith("EVENT") for each in before)
    confirmed = 1 + len(ODD) + len(JOINED)
    ended = {"unsubscribed": 1, "bounced": 1, "complained": 1, "all": 3}
    for kind in ("all", *STATES):
        file = tmp_path / f"{kind}.{format}"
        assert ops("export", file, "--format", format, "--state", kind).exit_code == 0
        dry, done = ops("import", file, "--dry-run"), ops("import", file)
        assert (dry.exit_code, done.exit_code) == (0, 0), done.output
        assert backend.items() == before
        same = ended.get(kind, 0) + (confirmed if kind in ("all", "confirmed") else 0)
        pending = int(kind in ("all", "pending"))
        told = f"0 imported, {same} done before, {pending} refused"
        assert done.output.splitlines()[-1] == told, (kind, done.output)
        assert ("not confirmed there: state is “pending”" in done.output) == bool(pending)
    print(f"\n{format}: events before {events}, written by 7 imports of our own exports 0")


@pytest.mark.soak
def test_a_table_that_excel_saved_again_changes_nothing(backend: Backend, tmp_path: Path) -> None:
    people(backend, tmp_path)
    before, file, saved = backend.items(), tmp_path / "out.csv", tmp_path / "saved.csv"
    ops("export", file, "--state", "all")
    with file.open(newline="") as given, saved.open("w", encoding="cp1252", newline="") as out:
        csv.writer(out, delimiter=";").writerows(csv.reader(given))
    done = ops("import", saved)
    assert done.output.splitlines()[-1] == "0 imported, 11 done before, 1 refused"
    assert backend.items() == before


def test_an_older_export_undoes_nothing(backend: Backend, tmp_path: Path) -> None:
    people(backend, tmp_path)
    ops("export", tmp_path / "out.csv")
    ops("unsubscribe", "here@example.org")
    before = backend.items()
    done = ops("import", tmp_path / "out.csv")
    assert "unsubscribed here" in done.output
    assert backend.items() == before


def empty(backend: Backend) -> None:
    """Delete all that the stage's table has."""
    for item in backend.items():
        key = aws.pack_item({"pk": item["pk"], "sk": item["sk"]})
        aws.client("dynamodb").delete_item(TableName=backend.env["CONTACTS_TABLE"], Key=key)


@pytest.mark.soak
def test_into_an_empty_stage_it_restores_what_it_can(backend: Backend, tmp_path: Path) -> None:
    people(backend, tmp_path)
    file = tmp_path / "out.csv"
    ops("export", file, "--state", "all")
    confirmed = service.get(key_of("here@example.org"))
    empty(backend)
    done = ops("import", file)
    # The declarations of other systems are in the stage that has them.
    assert "missing: consent_text or consent_sha256" in done.output
    assert done.output.splitlines()[-1] == "1 imported, 0 done before, 8 refused"
    stated = ["--default", "consent_version=shop-2", "--default", "consent_text=Ja."]
    done = ops("import", file, *stated)
    assert done.output.splitlines()[-1] == "6 imported, 4 done before, 2 refused"
    again = service.get(key_of("here@example.org"))
    for name in ("email", "language", "topics", "consent", "state"):
        assert getattr(again, name) == getattr(confirmed, name)
    assert again.confirmed_at
    assert confirmed.confirmed_at
    assert again.confirmed_at == confirmed.confirmed_at.replace(
        microsecond=confirmed.confirmed_at.microsecond // 1000 * 1000
    )
    for name in ("left", "bounced", "complained"):
        assert state(key_of(f"{name}@example.org")) == "unsubscribed"
    proof = service.prove(key_of("here@example.org"), instants.now())
    assert (proof["intact"], proof["declarations"][0]["version"]) == (True, "newsletter-de-1")
    assert proof["events"][0]["facts"]["caller_kept"] == "no"
    backend.settle()
    assert backend.items(prefix="MSG#") == []


def test_links_of_an_export_work(backend: Backend, tmp_path: Path) -> None:
    subscribe(backend, "here@example.org")
    ops("export", tmp_path / "out.jsonl", "--format", "jsonl")
    (line,) = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (line["email"], line["topics"], line["ended_at"]) == (
        "here@example.org",
        ["products", "news", "offers"],
        None,
    )
    base = "https://contact.site.example"
    for name in ("unsubscribe_url", "preferences_url"):
        assert backend.call("GET", line[name].removeprefix(base)).status == 200
    left = backend.call("POST", line["unsubscribe_url"].removeprefix(base))
    assert left.status == 200
    assert state(key_of("here@example.org")) == "unsubscribed"


def test_a_rerun_is_quick(backend: Backend, tmp_path: Path, scale: Scale) -> None:
    """Import a large file twice; the second time a few reads tell that all is done."""
    rows = scale(2000, 20)
    file = written(
        tmp_path / "old.csv", *(row(f"reader-{number}@example.org") for number in range(rows))
    )
    calls = {"Query": 0, "TransactWriteItems": 0}

    def count(model: object, **_: object) -> None:
        name = getattr(model, "name", "")
        calls[name] = calls.get(name, 0) + 1

    with backend.hooked("dynamodb", "before-call.dynamodb", count):
        began = instants.now()
        assert f"{rows} imported" in ops("import", file).output
        first, calls_first = instants.now() - began, dict(calls)
        calls.clear()
        began = instants.now()
        assert f"0 imported, {rows} done before" in ops("import", file).output
        second = instants.now() - began
    print(
        f"\n{rows} rows: {first / timedelta(seconds=1):.1f} s, calls {calls_first} · "
        f"again: {second / timedelta(seconds=1):.1f} s, calls {calls}"
    )
    assert calls_first["TransactWriteItems"] == rows
    assert calls["BatchGetItem"] <= rows // 64 + 1
    assert "TransactWriteItems" not in calls
    assert "Query" not in calls
