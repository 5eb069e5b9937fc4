"""The exports of other systems, as they write them: every row lands as it should.

The files and what becomes of each row are in `tests/cases/subscribers`.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chalicelib import instants
from chalicelib.newsletter import service
from chalicelib.newsletter.keys import key_of
from ops.tables import opened
from tests.backend import Backend
from tests.ops.commands import ops, table

CASES = Path(__file__).parent.parent / "cases" / "subscribers"
EXPECTED: dict[str, Any] = json.loads((CASES / "expected.json").read_text())
VENDORS = {
    "mailchimp_subscribed.csv": "mailchimp",
    "mailchimp_unsubscribed.csv": "mailchimp",
    "mailchimp_cleaned.csv": "mailchimp",
    "brevo.csv": "brevo",
    "cleverreach.csv": "cleverreach",
    "rapidmail.csv": "rapidmail",
    "hubspot.csv": "hubspot",
    "klaviyo.csv": "klaviyo",
}
landed: Counter[str] = Counter()


def test_the_cases_are_whole() -> None:
    assert {each.name for each in CASES.iterdir()} == {*EXPECTED, "expected.json"}
    assert set(VENDORS) == {name for name, case in EXPECTED.items() if "email" in case["mapping"]}
    assert sum(len(case["rows"]) for case in EXPECTED.values()) == 69


def by_map(name: str, folder: Path) -> list[str | Path]:
    """Write the case's mapping and defaults to a file; return the options that name it."""
    case, file = EXPECTED[name], folder / "map.json"
    file.write_text(json.dumps({name: case[name] for name in ("mapping", "defaults")}))
    return ["--map", file]


def by_vendor(name: str) -> list[str | Path]:
    """Return the options that name the vendor and state what only the operator knows."""
    given: list[str | Path] = ["--from", VENDORS[name]]
    for field, value in EXPECTED[name]["defaults"].items():
        if field not in ("time_zone", "source_address"):
            text = ",".join(value) if isinstance(value, list) else value
            given += ["--default", f"{field}={text}"]
    return given


@pytest.mark.parametrize("name", EXPECTED)
def test_every_row_lands_by_a_mapping(backend: Backend, tmp_path: Path, name: str) -> None:
    lands(name, by_map(name, tmp_path), tmp_path)


@pytest.mark.parametrize("name", VENDORS)
def test_every_row_lands_by_the_vendors_name(backend: Backend, tmp_path: Path, name: str) -> None:
    lands(name, by_vendor(name), tmp_path)


def lands(name: str, options: list[str | Path], folder: Path) -> None:
    """Import a file: a dry run says what the run then does; each row lands as expected."""
    case, listing = EXPECTED[name], folder / "refused.csv"
    dry = ops("import", CASES / name, *options, "--dry-run")
    done = ops("import", CASES / name, *options, "--refused", listing)
    assert (dry.exit_code, done.exit_code) == (0, 0), done.output
    sums = case["sums"]
    imported, withdrawn, none = (sums[each] for each in ("imported", "withdrawn", "refused"))
    assert dry.output.splitlines()[-2:] == [
        f"{imported} would be imported, 0 done before, {none} refused",
        "dry run: nothing was written",
    ]
    assert done.output.splitlines()[-1] == f"{imported} imported, 0 done before, {none} refused"
    told = f"withdrawn: {withdrawn}, of whom subscribed here: 0"
    assert (told in dry.output, told in done.output) == (bool(withdrawn), bool(withdrawn))
    refused = {int(each["line"]): each["reason"] for each in table(listing)}
    for row in case["rows"]:
        assert_row(name, row, refused)
    assert refused.keys() == {row["line"] for row in case["rows"] if row["outcome"] == "refused"}
    assert all(refused.values())
    landed[name] = len(case["rows"])
    print(f"\n{name}: {landed[name]} of {len(case['rows'])} rows · {landed.total()} in all")
    again = ops("import", CASES / name, *options, "--refused", listing)
    assert again.output.splitlines()[-1].startswith("0 imported")


def assert_row(name: str, row: dict[str, Any], refused: dict[int, str]) -> None:
    cells = at(name, row["line"])
    if row["outcome"] == "refused":
        assert row["line"] in refused, row
        return
    key = key_of(row.get("email") or address(name, cells))
    document = service.prove(key, instants.now())
    subscriber, event = document["subscriber"], document["events"][-1]
    assert document["intact"]
    if row["outcome"] == "withdrawn":
        assert (subscriber["state"], subscriber["email"]) == ("unsubscribed", "")
        assert (event["event"], event["facts"]["by"]) == ("withdrawn", "import")
        assert event["personal"] == {}
        return
    assert subscriber["state"] == "confirmed"
    domain = row["email"].rpartition("@")
    assert subscriber["email"] == f"{domain[0]}@{domain[2].lower()}"
    assert event["facts"]["source_line"] == str(row["line"])
    if "confirmed_at" in row:
        assert instants.parse(event["facts"]["confirmed_at"]) == instants.parse(row["confirmed_at"])
    kept = event["personal"]["caller"]
    assert event["facts"].get("caller_kept") == (None if kept else "no")


def at(name: str, line: int) -> dict[str, str]:
    """Return a file's row by its line."""
    return next(each.named for each in opened(CASES / name).rows() if each.line == line)


def address(name: str, cells: dict[str, str]) -> str:
    return cells[EXPECTED[name]["mapping"].get("email", "email")]
