"""The export has the confirmed subscribers and nobody else, in safe cells and a whole file."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from chalicelib import tokens
from chalicelib.newsletter import links
from chalicelib.newsletter.keys import key_of
from tests.backend import Backend
from tests.edge.test_newsletter import sign_up
from tests.edge.test_subscription import link, post, subscribe
from tests.ops.commands import ops, row, table, written


def test_only_the_confirmed_are_exported(backend: Backend, tmp_path: Path) -> None:
    for name in ("stays", "left", "erased"):
        subscribe(backend, f"{name}@example.org")
    post(
        backend,
        f"unsubscribe?token={tokens.sign(links.UNSUBSCRIBE, key_of('left@example.org'), 0)}",
    )
    post(backend, "erase", token=tokens.sign(links.DATA, key_of("erased@example.org"), 0))
    for name in ("pending", "not-me"):
        sign_up(backend, f"{name}@example.org")
    backend.deliver()
    post(backend, "refuse", token=link(backend, "not-me@example.org", "refuse"))
    backend.settle()
    ops(
        "import",
        written(tmp_path / "old.csv", row("imported@example.org", topics="offers", language="en")),
    )
    done = ops("export", tmp_path / "out.csv")
    assert done.exit_code == 0
    found = {each["email"]: each for each in table(tmp_path / "out.csv")}
    assert found.keys() == {"stays@example.org", "imported@example.org"}
    *facts, unsubscribe, preferences = found["imported@example.org"].values()
    assert facts == [
        "imported@example.org",
        "en",
        "offers",
        "shop-2",
        "2024-05-31T10:00:00.000Z",
        "confirmed",
        "",
    ]
    base = "https://contact.site.example/newsletter"
    assert unsubscribe.startswith(f"{base}/unsubscribe?token=")
    assert preferences.startswith(f"{base}/preferences?token=")
    assert found["stays@example.org"]["topics"] == "products,news,offers"
    assert "@" not in done.output
    ops("export", tmp_path / "out.csv", "--topic", "news")
    assert [each["email"] for each in table(tmp_path / "out.csv")] == ["stays@example.org"]


def test_no_cell_of_an_export_is_a_formula(backend: Backend, tmp_path: Path) -> None:
    addresses = ["=cmd@example.org", "+49@example.org", "-x@example.org", "|x@example.org"]
    versions = ["=1+1", "@x", "＝1", "-x"]
    rows = [
        row(address, consent_version=version)
        for address, version in zip(addresses, versions, strict=True)
    ]
    assert "4 imported" in ops("import", written(tmp_path / "old.csv", *rows)).output
    ops("export", tmp_path / "out.csv")
    found = table(tmp_path / "out.csv")
    assert len(found) == 4
    for each in found:
        assert each["email"].startswith("'")
        assert each["consent_version"].startswith("'")


def test_page_by_page_and_the_log_says_who(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops(
        "import",
        written(
            tmp_path / "old.csv", *(row(f"reader-{number}@example.org") for number in range(40))
        ),
    )
    scans = 0

    def by_seven(params: dict[str, Any], **_: object) -> None:
        nonlocal scans
        scans += 1
        params["Limit"] = 7

    monkeypatch.setenv("LOGNAME", "petra")
    with backend.hooked("dynamodb", "provide-client-params.dynamodb.Scan", by_seven):
        done = ops("export", tmp_path / "out.csv")
    assert scans >= 12
    assert {each["email"] for each in table(tmp_path / "out.csv")} == {
        f"reader-{n}@example.org" for n in range(40)
    }
    (line,) = [json.loads(each) for each in done.output.splitlines() if each.startswith("{")]
    assert (line["event"], line["by"], line["subscribers"]) == ("newsletter.exported", "petra", 40)
    assert stat.S_IMODE((tmp_path / "out.csv").stat().st_mode) == 0o600


def test_ctrl_c_leaves_no_half_file(backend: Backend, tmp_path: Path) -> None:
    ops(
        "import",
        written(
            tmp_path / "old.csv", *(row(f"reader-{number}@example.org") for number in range(40))
        ),
    )
    scans = 0

    def press(params: dict[str, Any], **_: object) -> None:
        nonlocal scans
        scans += 1
        params["Limit"] = 7
        if scans == 3:
            raise KeyboardInterrupt

    (tmp_path / "out.csv").write_text("of yesterday")
    with backend.hooked("dynamodb", "provide-client-params.dynamodb.Scan", press):
        done = ops("export", tmp_path / "out.csv")
    assert (done.exit_code, done.output) == (1, "\nAborted!\n")
    assert (tmp_path / "out.csv").read_text() == "of yesterday"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["old.csv", "out.csv"]


def test_where_nothing_can_be_written_it_says_so(backend: Backend, tmp_path: Path) -> None:
    done = ops("export", tmp_path / "nowhere" / "out.csv")
    assert (done.exit_code, done.output.count("\n")) == (3, 1)
    assert "No such file or directory" in done.output
    assert ops("export", tmp_path / "out.csv", "--topic", "cats").exit_code == 2
