"""An import of another system's subscribers, on real tables.

It takes only rows with proof, takes each once, and never overrides what somebody decided here.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links, model, proof, service
from chalicelib.newsletter.keys import key_of
from chalicelib.newsletter.ledger import How
from chalicelib.newsletter.stores import subscribers
from tests.backend import Backend, Stop
from tests.edge.test_newsletter import confirm, sign_up
from tests.edge.test_subscription import link, post, state, subscribe
from tests.ops.commands import COLUMNS, WORDING, ops, row, table, written
from tests.scale import some


def complain(key: str) -> None:
    known, now = subscribers.load(key), instants.now()
    subscribers.save(known, model.complain(known.subscriber, now, now), now, How())


def shown(email: str) -> dict[str, Any]:
    document = proof.document(key_of(email), service.wordings, instants.now(), "en")
    assert document
    return document


def test_an_imported_subscriber_has_a_whole_proof(backend: Backend, tmp_path: Path) -> None:
    file = written(
        tmp_path / "old.csv",
        row("first@example.org"),
        row("Second@example.org", topics="offers,news"),
    )
    done = ops("import", file)
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        0,
        "2 imported, 0 done before, 0 refused",
    )
    assert not (tmp_path / "old.csv.refused.csv").exists()
    document = shown("second@example.org")
    assert (document["intact"], document["faults"]) == (True, [])
    (event,) = document["events"]
    sha256 = hashlib.sha256(WORDING.encode()).hexdigest()
    assert event["event"] == "imported"
    assert event["facts"] == {
        "consent": "shop-2",
        "wording": sha256,
        "topics": "offers,news",
        "language": "de",
        "confirmed_at": "2024-05-31T10:00:00.000Z",
        "source_file": hashlib.sha256(file.read_bytes()).hexdigest(),
        "source_line": "4",
    }
    assert event["personal"] == {
        "email": "Second@example.org",
        "caller": "192.0.2.7",
        "page": "https://alt.example/form",
        "note": "Ordner 7",
    }
    assert document["declarations"] == [{"version": "shop-2", "text": WORDING, "sha256": sha256}]
    (kept,) = [
        each for each in backend.items(prefix="SUB#") if each.get("email") == "Second@example.org"
    ]
    assert (kept["state"], kept["topics"], "expires" in kept) == (
        "confirmed",
        ["offers", "news"],
        False,
    )
    assert len(backend.items(prefix="WORDING#")) == 1
    backend.settle()
    assert backend.items(prefix="MSG#") == []
    assert "first@example.org" not in done.output


def test_what_is_imported_lives_on_like_any_subscriber(backend: Backend, tmp_path: Path) -> None:
    ops("import", written(tmp_path / "old.csv", row("lives@example.org")))
    key = key_of("lives@example.org")
    token = tokens.sign(links.UNSUBSCRIBE, key, 0)
    assert post(backend, f"unsubscribe?token={token}").status == 200
    assert state(key) == "unsubscribed"
    assert sign_up(backend, "lives@example.org").status == 202
    backend.deliver()
    assert confirm(backend, link(backend, "lives@example.org", "confirm")).status == 200
    document = shown("lives@example.org")
    assert document["intact"]
    assert [each["version"] for each in document["declarations"]] == ["newsletter-de-1", "shop-2"]
    assert post(backend, "erase", token=tokens.sign(links.DATA, key, 0)).status == 200
    backend.settle()
    for personal in ("lives@example.org", "192.0.2.7", "Ordner 7", "alt.example"):
        assert personal not in str(backend.items())


def test_a_changed_wording_breaks_the_proof(backend: Backend, tmp_path: Path) -> None:
    ops("import", written(tmp_path / "old.csv", row("wording@example.org")))
    (item,) = backend.items(prefix="WORDING#")
    for change in (
        {
            "UpdateExpression": "SET #text = :text",
            "ExpressionAttributeNames": {"#text": "text"},
            "ExpressionAttributeValues": {":text": {"S": f"{WORDING} "}},
        },
        {"UpdateExpression": "REMOVE #text", "ExpressionAttributeNames": {"#text": "text"}},
    ):
        key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
        aws.client("dynamodb").update_item(
            TableName=backend.env["CONTACTS_TABLE"], Key=key, **change
        )
        document = shown("wording@example.org")
        assert document["faults"] == ["The declaration shop-2 is not the one that was shown."]
        assert document["declarations"] == []


def test_who_decided_here_is_refused_and_told_why(backend: Backend, tmp_path: Path) -> None:
    for name in ("here", "left", "erased", "spam"):
        subscribe(backend, f"{name}@example.org")
    sign_up(backend, "waits@example.org")
    keys = {name: key_of(f"{name}@example.org") for name in ("here", "left", "erased", "spam")}
    post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, keys['left'], 0)}")
    post(backend, "erase", token=tokens.sign(links.DATA, keys["erased"], 0))
    complain(keys["spam"])
    sign_up(backend, "not-me@example.org")
    backend.deliver()
    post(backend, "refuse", token=link(backend, "not-me@example.org", "refuse"))
    backend.settle()
    before = {item["pk"]: item for item in backend.items(prefix="SUB#") if item["sk"] == "SUB"}
    names = ("here", "left", "erased", "spam", "not-me", "waits", "new", "NEW")
    file = written(
        tmp_path / "old.csv",
        *(row(f"{name}@example.org") for name in names),
        row("unproven@example.org", confirmed_at=""),
        row("not an address"),
        row("=cmd@example.org", proof_note="-x", source_address="=1+1"),
    )
    done = ops("import", file)
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "2 imported, 0 done before, 9 refused"
    refused = table(tmp_path / "old.csv.refused.csv")
    assert [(each["line"], each["reason"]) for each in refused] == [
        ("2", "is subscribed here already"),
        ("4", "unsubscribed here"),
        ("6", "was erased here: only the person can come back, by signing up"),
        ("8", "complained about our mail"),
        ("10", "told us that they did not sign up"),
        ("16", "the address stands in line 14 already"),
        ("18", "missing: confirmed_at"),
        ("20", "email: Please enter a valid e-mail address"),
        ("22", "source_address is no IP address"),
    ]
    assert (refused[-1]["email"], refused[-1]["proof_note"]) == ("'=cmd@example.org", "'-x")
    assert refused[-1]["source_address"] == "'=1+1"
    after = {item["pk"]: item for item in backend.items(prefix="SUB#") if item["sk"] == "SUB"}
    waits = f"SUB#{key_of('waits@example.org')}"
    assert {pk: item for pk, item in after.items() if pk in before and pk != waits} == {
        pk: item for pk, item in before.items() if pk != waits
    }
    assert state(key_of("waits@example.org")) == "confirmed"
    assert not any("expires" in each for each in backend.items(prefix=waits))
    assert shown("waits@example.org")["intact"]


def test_declarations_are_known_by_their_text(backend: Backend, tmp_path: Path) -> None:
    ours = service.wordings.all["newsletter-de-1"]
    sha256 = hashlib.sha256(WORDING.encode()).hexdigest()
    lines = [
        "email,language,topics,consent_version,consent_text,consent_sha256,"
        "confirmed_at,source_address",
        f"a@example.org,de,news,shop-2,,{sha256},2024-05-31T12:00:00Z,192.0.2.7",
        f'b@example.org,de,news,shop-2,"{WORDING}",,2024-05-31T12:00:00Z,192.0.2.7',
        f"c@example.org,de,news,shop-2,,{sha256},2024-05-31T12:00:00Z,192.0.2.7",
        f"d@example.org,de,news,newsletter-de-1,,{ours.sha256},2024-05-31T12:00:00Z,192.0.2.7",
        f"e@example.org,de,news,newsletter-de-1,,{sha256},2024-05-31T12:00:00Z,192.0.2.7",
    ]
    file = tmp_path / "old.csv"
    file.write_text("\n".join(lines))
    for dry in (["--dry-run"], []):
        done = ops("import", file, *dry)
        assert "3 would be imported" in done.output if dry else "3 imported" in done.output
        assert "line 2: the text of consent_sha256 is not known" in done.output
        assert (
            "line 7: consent_version newsletter-de-1 is one of ours, which reads otherwise"
            in done.output
        )
    assert all(shown(f"{name}@example.org")["intact"] for name in "bcd")
    again = ops("import", file)
    assert again.output.splitlines()[-1] == "1 imported, 3 done before, 1 refused"


def test_a_dry_run_says_the_same_and_writes_nothing(backend: Backend, tmp_path: Path) -> None:
    subscribe(backend, "here@example.org")
    rows = [row(f"reader-{number}@example.org") for number in range(30)]
    file = written(tmp_path / "old.csv", row("here@example.org"), *rows, row("bad"), *rows[:25])
    before = backend.items()
    dry = ops("import", file, "--dry-run")
    assert backend.items() == before
    assert [each.name for each in tmp_path.iterdir()] == ["old.csv"]
    assert dry.output.splitlines()[-2:] == [
        "30 would be imported, 0 done before, 27 refused",
        "dry run: nothing was written",
    ]
    said = [each for each in dry.output.splitlines() if each.startswith("line ")]
    done = ops("import", file)
    assert done.output.splitlines()[-1] == "30 imported, 0 done before, 27 refused"
    refused = table(tmp_path / "old.csv.refused.csv")
    assert [f"line {each['line']}: {each['reason']}" for each in refused] == said


@pytest.mark.parametrize("moment", ["before-send", "after-call"])
@pytest.mark.parametrize("killed", some([True, False], [True]))
def test_an_interrupted_import_goes_on_where_it_was(
    backend: Backend, tmp_path: Path, moment: str, killed: bool
) -> None:
    file = written(
        tmp_path / "old.csv", *(row(f"reader-{number}@example.org") for number in range(150))
    )
    writes = 0

    def stop(**_: object) -> None:
        nonlocal writes
        writes += 1
        if writes >= 90:
            raise Stop if killed else ReadTimeoutError(endpoint_url="dynamodb")

    with backend.hooked("dynamodb", f"{moment}.dynamodb.TransactWriteItems", stop):
        if killed:
            with pytest.raises(Stop):
                ops("import", file)
        else:
            told = ops("import", file)
            assert told.exit_code == 3
            assert "run the same command again" in told.output
            assert "Traceback" not in told.output
    part = [each for each in backend.items(prefix="SUB#") if each["sk"] == "SUB"]
    assert 0 < len(part) < 150
    assert [each.name for each in tmp_path.iterdir()] == ["old.csv"]
    done = ops("import", file)
    assert (
        done.output.splitlines()[-1]
        == f"{150 - len(part)} imported, {len(part)} done before, 0 refused"
    )
    events = [each for each in backend.items(prefix="SUB#") if each["sk"].startswith("EVENT")]
    assert (len(events), {each["version"] for each in events}) == (150, {1})
    settled = backend.items()
    assert ops("import", file).output.splitlines()[-1] == "0 imported, 150 done before, 0 refused"
    assert backend.items() == settled
    print(f"\nrows 150 · done when interrupted {len(part)} · doubled 0 · lost 0")


def test_what_stands_in_a_mended_file_again_is_done_before(
    backend: Backend, tmp_path: Path
) -> None:
    ops("import", written(tmp_path / "old.csv", row("kept@example.org"), row("typo@")))
    mended = written(tmp_path / "old.csv", row("typo@example.org"), row("kept@example.org"))
    assert ops("import", mended).output.splitlines()[-1] == "1 imported, 1 done before, 0 refused"
    assert not (tmp_path / "old.csv.refused.csv").exists()
    other = written(
        tmp_path / "old.csv", row("kept@example.org", confirmed_at="2024-06-01T12:00:00Z")
    )
    assert "line 2: is subscribed here already" in ops("import", other).output


def test_the_log_has_who_and_how_many_but_no_address(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "petra")
    done = ops("import", written(tmp_path / "old.csv", row("logged@example.org"), row("bad")))
    (line,) = [json.loads(each) for each in done.output.splitlines() if each.startswith("{")]
    assert (line["event"], line["by"], line["imported"], line["refused"]) == (
        "newsletter.imported",
        "petra",
        1,
        1,
    )
    assert "logged@" not in done.output
    assert os.environ["STAGE"] == backend.env["STAGE"]


def test_a_bad_file_is_one_line(backend: Backend, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("email\n")
    told = ops("import", file)
    assert (told.exit_code, told.output.count("\n")) == (3, 1)
    assert told.output.startswith("Error: the first line lacks the columns")
    assert [each.name for each in tmp_path.iterdir()] == ["bad.csv"]


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        ("", 3, "Error: the first line lacks the columns"),
        ("\n\n\n", 3, "Error: the first line lacks the columns"),
        (",".join(COLUMNS), 0, "0 imported, 0 done before, 0 refused"),
        (";".join(COLUMNS) + "\r\n;;;;;;;;\r\n\r\n", 0, "0 imported, 0 done before, 0 refused"),
        ("E-Mail-Adresse;Anrede\n", 3, "Error: the first line has unknown columns"),
    ],
)
def test_a_file_without_rows(
    backend: Backend, tmp_path: Path, content: str, code: int, told: str
) -> None:
    file = tmp_path / "old.csv"
    file.write_text(content)
    done = ops("import", file)
    assert (done.exit_code, told in done.output) == (code, True)
    assert [each.name for each in tmp_path.iterdir()] == ["old.csv"]


def test_a_quote_that_is_never_closed_stops_before_the_first_write(
    backend: Backend, tmp_path: Path
) -> None:
    file = written(tmp_path / "old.csv", *(row(f"reader-{n}@example.org") for n in range(200)))
    file.write_text(f'{file.read_text()}"open@example.org,de\n')
    before = backend.items()
    done = ops("import", file)
    assert (done.exit_code, done.output) == (3, "Error: line 402: a quote is never closed\n")
    assert backend.items() == before


def test_a_vendor_with_what_the_operator_states(backend: Backend, tmp_path: Path) -> None:
    """Read a file of defaults beside a vendor's mapping, one of whose columns it replaces."""
    file, mine = tmp_path / "brevo.csv", tmp_path / "old.toml"
    file.write_text(
        "\ufeffEMAIL;DOUBLE_OPT-IN;ADDED_TIME;DOI_TIME\n"
        '="eva@example.org";Yes;31-05-2024 12:00:00;01-06-2024 12:00:00\n'
        "ilse@example.org;2;31-05-2024 12:00:00;\nSumme;2;;\n"
    )
    mine.write_text(
        '[mapping]\nconfirmed_at = "DOI_TIME"\n[defaults]\nlanguage = "de"\ntopics = ["news"]\n'
        'consent_version = "1"\nconsent_text = """Ja,\nbitte."""\ntime_zone = "UTC"\n'
    )
    done = ops("import", file, "--from", "brevo", "--map", mine)
    assert done.output.splitlines()[-1] == "1 imported, 0 done before, 2 refused"
    assert "refused 2 ×: not confirmed there: DOUBLE_OPT-IN is “2”" in done.output
    document = shown("eva@example.org")
    (event,) = document["events"]
    assert event["facts"]["confirmed_at"] == "2024-06-01T12:00:00.000Z"
    assert document["declarations"][0]["text"] == "Ja,\nbitte."
    assert "network address kept by the other system: no" in ops("proof", "eva@example.org").output
    page = proof.page(document, "de")[0]
    assert "Netzadresse im anderen System aufbewahrt: nein" in page


def test_refusals_are_summed_up_by_reason(backend: Backend, tmp_path: Path) -> None:
    good = row("eva@example.org")
    file = written(tmp_path / "old.csv", *[good] * 4, *(row(f"bad-{n}@") for n in range(30)))
    listing = tmp_path / "wrong.csv"
    done = ops("import", file, "--refused", listing)
    lines = done.output.splitlines()
    assert "refused 3 ×: the address stands in line … already" in lines
    assert "refused 30 ×: email: Please enter a valid e-mail address" in lines
    assert sum(each.startswith("line ") for each in lines) == 20
    assert len(table(listing)) == 33
