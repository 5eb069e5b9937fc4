"""The proof of consent and the newsletter's growth in a terminal."""

import json
from pathlib import Path

from chalicelib import aws, instants, tokens
from chalicelib.newsletter import links, service
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import post, subscribe
from tests.ops.commands import WORDING, ops, row, written


def test_an_intact_proof(backend: Backend, tmp_path: Path) -> None:
    subscribe(backend, "proven@example.org")
    done = ops("proof", " PROVEN@example.org", "--html", tmp_path / "proof.html")
    assert done.exit_code == 0
    assert "\nINTACT" in done.output
    assert "BROKEN" not in done.output
    for told in (
        "proven@example.org",
        "newsletter-de-1",
        service.wordings.all["newsletter-de-1"].text.splitlines()[0],
        "network address: 192.0.2.1",
        "sent",
    ):
        assert told in done.output
    page = (tmp_path / "proof.html").read_text()
    assert "proven@example.org" in page
    assert "Vollständig und unverändert" in page
    told_as_json = json.loads(ops("proof", "proven@example.org", "--json").output)
    assert told_as_json["intact"]
    assert [each["event"] for each in told_as_json["events"]] == ["signup", "mailed", "confirmed"]


def test_the_proof_of_an_import_shows_the_foreign_declaration(
    backend: Backend, tmp_path: Path
) -> None:
    ops("import", written(tmp_path / "old.csv", row("old@example.org", language="en")))
    done = ops("proof", "old@example.org", "--html", tmp_path / "proof.html")
    assert (done.exit_code, "INTACT" in done.output) == (0, True)
    for told in (
        "Imported from another system",
        "declaration: shop-2",
        "topics: Financial news",
        "language: English",
        "note: Ordner 7",
        "confirmed there at: Fri 31 May 2024, 12:00",
    ):
        assert told in done.output
    assert WORDING.replace("\n", " ") in done.output
    assert WORDING.splitlines()[1] in (tmp_path / "proof.html").read_text()


def test_a_broken_proof_says_where(backend: Backend) -> None:
    key = subscribe(backend, "forged@example.org")
    aws.client("dynamodb").update_item(
        TableName=backend.env["CONTACTS_TABLE"],
        Key=aws.pack_item({"pk": f"SUB#{key}", "sk": "EVENT#00000001"}),
        UpdateExpression="SET #at = :at",
        ExpressionAttributeNames={"#at": "at"},
        ExpressionAttributeValues={":at": {"S": "2020-01-01T00:00:00.000Z"}},
    )
    done = ops("proof", "forged@example.org")
    assert done.exit_code == 1
    assert "\nBROKEN:\n  Event 1 (Signed up) is not what was recorded.\n" in done.output
    assert "INTACT" not in done.output
    as_json = ops("proof", "forged@example.org", "--json")
    assert (as_json.exit_code, json.loads(as_json.output)["intact"]) == (1, False)


def test_nobody_and_no_address(backend: Backend) -> None:
    done = ops("proof", "nobody@example.org")
    assert (done.exit_code, done.output) == (2, "nothing is known of this address\n")
    wrong = ops("proof", "no address")
    assert (wrong.exit_code, "Please enter a valid e-mail address." in wrong.output) == (2, True)


def test_an_erased_person_has_a_proof_without_personal_data(backend: Backend) -> None:
    key = subscribe(backend, "gone@example.org")
    post(backend, "erase", token=tokens.sign(links.DATA, key, 0))
    backend.settle()
    done = ops("proof", "gone@example.org")
    assert (done.exit_code, "INTACT" in done.output) == (0, True)
    assert "personal details deleted" in done.output
    assert "gone@example.org" not in done.output


def test_what_a_browser_called_itself_does_not_command_the_terminal(backend: Backend) -> None:
    headers = {"user-agent": "Bad\x1b[2J\x9bBrowser", "content-type": "application/json"}
    body = {"email": "terminal@example.org", "consent": "newsletter-de-1"}
    assert backend.call("POST", "/newsletter/signups", body, headers).status == 202
    done = ops("proof", "terminal@example.org")
    assert "browser: Bad[2JBrowser" in done.output
    assert not {"\x1b", "\x9b"} & set(done.output)


def test_growth_by_day(backend: Backend, tmp_path: Path) -> None:
    empty = ops("growth", "--days", "30")
    assert "30 days, on 30 of them nothing happened" in empty.output
    keys = [subscribe(backend, f"grows-{number}@example.org") for number in range(3)]
    sign_up(backend, "waits@example.org")
    post(backend, f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, keys[0], 0)}")
    ops("import", written(tmp_path / "old.csv", row("imported@example.org")))
    backend.settle()
    done = ops("growth")
    header, day, total, span = done.output.splitlines()
    assert header.split() == ["Day", "Signups", "Confirmations", "Unsubscribes", "Bounces"]
    assert day.split() == [
        instants.day(instants.now(), "Europe/Berlin").isoformat(),
        "4",
        "3",
        "1",
        "0",
    ]
    assert total.split() == ["In", "all", "4", "3", "1", "0"]
    assert "365 days, on 364 of them nothing happened" in span
