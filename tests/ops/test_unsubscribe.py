"""Withdrawals that came by another way than our links, one by one or in bulk."""

import json
from pathlib import Path

import pytest

from chalicelib import instants
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.test_subscription import state, subscribe
from tests.ops.commands import ops, row, table, written

HERE = "here@example.org"


def test_by_address_with_how_it_came(backend: Backend) -> None:
    key = subscribe(backend, HERE)
    done = ops("unsubscribe", "Eva <HERE@example.org>", "new@example.org", "--how", "telephone")
    assert done.output.splitlines()[-1] == (
        "subscriptions ended: 1, addresses kept as an end: 1, done before: 0, refused: 0"
    )
    assert state(key) == "unsubscribed"
    event = service.prove(key, instants.now())["events"][-1]
    assert (event["event"], event["facts"]) == (
        "unsubscribed",
        {"by": "operator", "how": "telephone"},
    )
    shown = ops("proof", HERE).output
    assert "on whose word: our IT" in shown
    assert "how it came: by telephone" in shown
    again = ops("unsubscribe", HERE, HERE, "new@example.org")
    assert "subscriptions ended: 0, addresses kept as an end: 0, done before: 3" in again.output
    (line,) = [json.loads(each) for each in done.output.splitlines() if each.startswith("{")]
    assert (line["event"], line["ended"], line["kept"]) == ("newsletter.withdrawn", 1, 1)
    assert "@" not in json.dumps(line)


def test_what_is_no_address_is_refused_before_anything_is_written(backend: Backend) -> None:
    subscribe(backend, HERE)
    before = backend.items()
    for wrong in ("eva@", "nowhere.csv"):
        done = ops("unsubscribe", HERE, wrong)
        assert (done.exit_code, "Error: Invalid value" in done.output) == (2, True)
    assert ops("unsubscribe").exit_code == 2
    assert backend.items() == before


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("left-1@example.org\nleft-2@example.org\n\nbad\n", "utf-8"),
        ("Name;E-Mail-Adresse\nä;left-1@example.org\nb;left-2@example.org\nc;bad\n", "cp1252"),
        ('"left-1@example.org"\n"Eva <left-2@example.org>"\n"bad"\n', "utf-8-sig"),
        ("Name\tEmail\na\tmailto:left-1@example.org\nb\tleft-2@example.org.\nc\t\n", "utf-16"),
        ('{"email": "left-1@example.org"}\n{"email": "left-2@example.org"}\n{"email": 1}', "ascii"),
        ("Wer;Wann\nleft-1@example.org;1\nleft-2@example.org;\n;2\n", "utf-8"),
    ],
)  # fmt: skip
def test_lists_as_people_have_them(
    backend: Backend, tmp_path: Path, content: str, encoding: str
) -> None:
    file, listing = tmp_path / "left.txt", tmp_path / "refused.csv"
    file.write_bytes(content.encode(encoding))
    key = subscribe(backend, "left-1@example.org")
    column = ["--column", "wer"] if content.startswith("Wer") else []
    dry = ops("unsubscribe", file, *column, "--dry-run")
    assert dry.output.splitlines()[-2:] == [
        "subscriptions to end: 1, addresses to keep as an end: 1, done before: 0, refused: 1",
        "dry run: nothing was written",
    ]
    assert state(key) == "confirmed"
    done = ops("unsubscribe", file, *column, "--refused", listing)
    assert done.output.splitlines()[-1] == (
        "subscriptions ended: 1, addresses kept as an end: 1, done before: 0, refused: 1"
    )
    (refused,) = table(listing)
    assert int(refused["line"]) in (3, 4)
    assert refused["reason"] == "Please enter a valid e-mail address"
    facts = service.prove(key, instants.now())["events"][-1]["facts"]
    assert (facts["by"], facts["how"]) == ("operator", "mailer")
    assert int(facts["source_line"]) in (1, 2)
    assert state(key_of("left-2@example.org")) == "unsubscribed"


def test_a_file_without_such_a_column_says_what_it_has(backend: Backend, tmp_path: Path) -> None:
    file = tmp_path / "left.csv"
    file.write_text("Wer;Wann\neva@example.org;1\n")
    done = ops("unsubscribe", file)
    assert (done.exit_code, done.output.count("\n")) == (3, 1)
    assert "Name it by --column; it has Wer, Wann" in done.output


def test_a_large_list_stopped_in_the_middle_is_run_again(backend: Backend, tmp_path: Path) -> None:
    names = [f"reader-{number}@example.org" for number in range(60)]
    ops("import", written(tmp_path / "old.csv", *map(row, names[:30])))
    file, writes = tmp_path / "left.txt", 0
    file.write_text("\n".join(names))

    def stop(**_: object) -> None:
        nonlocal writes
        writes += 1
        if writes > 20:
            raise KeyboardInterrupt

    with backend.hooked("dynamodb", "before-send.dynamodb.TransactWriteItems", stop):
        assert ops("unsubscribe", file).exit_code == 1
    done = ops("unsubscribe", file)
    before = int(done.output.splitlines()[-1].split("before: ")[1].split(",")[0])
    assert 0 < before < 60
    assert all(state(key_of(each)) == "unsubscribed" for each in names)
    events = [each for each in backend.items(prefix="SUB#") if each["sk"].startswith("EVENT")]
    assert sum(each["event"] in ("unsubscribed", "withdrawn") for each in events) == 60
